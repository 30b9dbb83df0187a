# SPDX-License-Identifier: MIT
"""Lorenz-96 networks as model files with their contract, each checked by the bridge."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import nn

from isthmus.contract import verify_file
from isthmus.data import Trajectories
from isthmus.export import ExportReport, export_network
from isthmus.nets import Rk4Step

EXAMPLE_MEMBERS = 4
# Kernels for another batch size sum in another order: some hundred roundings of 6e-8.
SINGLE_PRECISION = 2e-5


def export_closure(
    closure: nn.Module, path: Path, data: Trajectories, *, description: str
) -> ExportReport | None:
    """Export a closure x -> b for any number of members; None if it stands already."""
    return _export(
        closure,
        path,
        data,
        output="b",
        long_names={
            "x": "resolved state",
            "b": "tendency from the unresolved level",
        },
        description=description,
        dt=None,
    )


def export_stepper(
    step: Rk4Step, path: Path, data: Trajectories, *, description: str
) -> ExportReport | None:
    """Export an emulator x -> x_next of one time step; None if the file stands already."""
    return _export(
        step,
        path,
        data,
        output="x_next",
        long_names={"x": "state", "x_next": "state one time step later"},
        description=description,
        dt=step.dt,
    )


def _export(
    module: nn.Module,
    path: Path,
    data: Trajectories,
    *,
    output: str,
    long_names: Mapping[str, str],
    description: str,
    dt: float | None,
) -> ExportReport | None:
    """Export a module of one state [member, k] and keep a file that is whole."""
    if path.is_file():
        verify_file(path)
        return None
    states = np.asarray(data["x"])
    path.parent.mkdir(parents=True, exist_ok=True)
    return export_network(
        module.eval(),
        path,
        inputs={"x": torch.from_numpy(states[0][:1].repeat(EXAMPLE_MEMBERS, axis=0))},
        outputs=[output],
        dynamic={"member": 0},
        separable="member",
        description=description,
        dims={"x": ["member", "k"], output: ["member", "k"]},
        units={"x": "1", output: "1"},
        long_names=long_names,
        training_range={"x": (float(states.min()), float(states.max()))},
        dt=dt,
        tolerance=_tolerance(module),
        progress=False,
    )


def _tolerance(module: nn.Module) -> float | None:
    """Return what a network in single precision may differ by, relative to its output."""
    is_single = any(p.dtype == torch.float32 for p in module.parameters())
    return SINGLE_PRECISION if is_single else None
