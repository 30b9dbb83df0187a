# SPDX-License-Identifier: MIT
"""The same trajectory twice: by a network inside Fortran, and by it in PyTorch."""

from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import torch
from torch import nn

from isthmus.couple.lorenz96 import COUPLE, ONE_LEVEL, TWO_LEVEL
from isthmus.couple.programs import run_program
from isthmus.errors import ModelRunError
from isthmus.nets import Lorenz96Tendency, Rk4Step

from .truth import Truth

N_STEPS = 50  # before chaos lifts rounding errors


def compare(
    closures: dict[str, nn.Module],
    emulators: dict[str, Rk4Step],
    files: dict[str, Path],
    truth: Truth,
    directory: Path,
) -> dict[str, float]:
    """Run each network in Fortran and in PyTorch from the truth's last states.

    Returns
    -------
    dict
        By name, the largest difference over 50 steps relative to the largest state.
    """
    tendency = Lorenz96Tendency(float(TWO_LEVEL["forcing"]))
    dt = truth.two_level[0].dt
    differences = {}
    for name, closure in closures.items():
        step = Rk4Step(tendency, dt, closure)
        states = _run(directory / name, files[name], "closure", truth.two_level_file, dt)
        differences[name] = _difference(step, states)
    for name, emulator in emulators.items():
        states = _run(
            directory / name, files[name], "stepper", truth.one_level_file, emulator.dt
        )
        differences[name] = _difference(emulator, states)
    return differences


def _run(folder: Path, network: Path, role: str, start: Path, dt: float) -> np.ndarray:
    """Run the coupled program from the last states of a file; return x."""
    with netCDF4.Dataset(start) as dataset:
        n_members = dataset.dimensions["member"].size
    model = TWO_LEVEL if role == "closure" else ONE_LEVEL
    namelist: dict[str, dict[str, Any]] = {
        "model": {key: model[key] for key in ("n_sites", "forcing")},
        "integration": {"dt": dt, "n_steps": N_STEPS, "n_members": n_members},
        "files": {"initial": str(start.resolve()), "output": "x.nc"},
        "coupling": {"network": str(network.resolve()), "role": role},
    }
    file = folder / "x.nc"
    try:
        run_program(COUPLE, namelist, folder)
    except ModelRunError:
        file = folder / "x.failed.nc"  # a network that blows up is compared until it does
        if not file.is_file():
            raise
    with netCDF4.Dataset(file) as dataset:
        return np.asarray(dataset["x"][...])


def _difference(step: nn.Module, states: np.ndarray) -> float:
    """Return the largest difference from the torch trajectory, relative to the states."""
    x = torch.from_numpy(states[0])
    largest = 0.0
    with torch.no_grad():
        for expected in states[1:]:
            x = step(x)
            largest = max(largest, float(np.abs(x.numpy() - expected).max()))
    return largest / float(np.abs(states).max())
