# SPDX-License-Identifier: MIT
"""Runs of the Fortran programs on a basin, and what they cost."""

import re
import resource
import subprocess
from pathlib import Path
from typing import NamedTuple

import netCDF4
import numpy as np
from rough_basins import DRAG, THETA

from isthmus.couple.programs import find_program, write_namelist

PHYSICS = "isthmus-shallow-water"
COUPLED = "isthmus-shallow-water-coupled"


class Outcome(NamedTuple):
    """States of a run [time, field, y, x], mean iterations, and CPU time [s]."""

    states: np.ndarray
    iterations: float
    seconds: float


def write_fields(path: Path, dx: float, **fields: np.ndarray) -> None:
    """Write fields `[y, x]` on square cells."""
    n_y, n_x = next(iter(fields.values())).shape
    with netCDF4.Dataset(path, "w") as data:
        for name, n in (("x", n_x), ("y", n_y)):
            data.createDimension(name, n)
            axis = data.createVariable(name, "f8", (name,))
            axis.units = "m"
            axis[:] = dx * (np.arange(n) + 0.5)
        for name, field in fields.items():
            data.createVariable(name, "f8", ("y", "x")).units = UNITS[name]
            data[name][:] = field


UNITS = {"depth": "m", "zeta": "m", "u": "m2 s-1", "v": "m2 s-1"}


def run(
    folder: Path,
    depth: np.ndarray,
    state: np.ndarray,
    *,
    dx: float,
    dt: float,
    n_steps: int,
    every: int = 0,
    coupling: dict[str, object] | None = None,
    solver: dict[str, object] | None = None,
    physics: dict[str, object] | None = None,
) -> Outcome:
    """Run the model from a state [field, y, x], with a network if `coupling` says so."""
    folder.mkdir(parents=True, exist_ok=True)
    write_fields(folder / "grid.nc", dx, depth=depth)
    write_fields(folder / "initial.nc", dx, zeta=state[0], u=state[1], v=state[2])
    namelist: dict[str, dict[str, object]] = {
        "grid": {"file": "grid.nc"},
        "physics": {"theta": THETA, "drag_coefficient": DRAG, **(physics or {})},
        "integration": {"dt": dt, "n_steps": n_steps},
        "solver": {"tolerance": 1e-10, **(solver or {})},
        "files": {"initial": "initial.nc", "output": "out.nc", "output_every": every},
        "log": {"every": n_steps},
    }
    if coupling:
        namelist["coupling"] = coupling
    write_namelist(namelist, folder / "config.nml")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [find_program(COUPLED if coupling else PHYSICS), "config.nml"],
        cwd=folder,
        capture_output=True,
        text=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        raise RuntimeError(f"{folder}: {done.stderr[-600:]}")
    found = re.findall(r"([\d.]+) iterations", done.stderr)
    with netCDF4.Dataset(folder / "out.nc") as data:
        fields = [np.ma.filled(data[name][:], 0.0) for name in ("zeta", "u", "v")]
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Outcome(np.stack(fields, 1), float(found[-1]) if found else 0.0, spent)


def cost_per_step(
    folder: Path,
    n_steps: int,
    *arguments,  # noqa: ANN002 (those of `run`)
    repetitions: int = 1,
    **options,  # noqa: ANN003
) -> tuple[float, float]:
    """Return CPU time [ms] and iterations of a step: N and 3 N steps, so no start-up.

    Each the least of some runs: others slow a machine down, nothing makes it faster.
    """
    counts = n_steps, 3 * n_steps
    found = [
        [run(folder, *arguments, n_steps=n, **options) for n in counts]
        for _ in range(repetitions)
    ]
    short = min(outcome.seconds for outcome, _ in found)
    long = min(outcome.seconds for _, outcome in found)
    return 1e3 * (long - short) / (2 * n_steps), found[0][1].iterations
