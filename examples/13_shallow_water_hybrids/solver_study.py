# SPDX-License-Identifier: MIT
"""What a learned first guess and a learned preconditioner save in the Fortran program."""

from pathlib import Path

import numpy as np
import torch
from programs import cost_per_step
from rough_basins import DRAG, rough_depth, start
from solver_training import THETA, train_guess, train_preconditioner

from isthmus.couple.shallow_water_export import export_shallow_water
from isthmus.export import export_network

HERE = Path(__file__).parent
DX, STEPS, FEW_STEPS = 1.0e3, 30, 5
COURANT = {5: 360.0, 20: 1440.0}
"""Courant number of the mean depth, about, and time step [s]."""
TOLERANCE = 1e-5
LIMITS = {"zeta": (-2.0, 2.0), "u": (-40.0, 40.0), "v": (-40.0, 40.0), "depth": (0.0, 60.0)}
SYMMETRIC = 1e-12  # of products of fields of order one


def basin() -> tuple[np.ndarray, np.ndarray]:
    """Return depth and start of a basin of 128 x 128 cells that no training saw."""
    rng = np.random.default_rng(7)
    depth = rough_depth(rng)
    return depth, np.stack(start(rng))


def row(name: str, folder: Path, dt: float, n_steps: int = STEPS, **options: object) -> str:
    """Return a row: iterations and CPU time of a step."""
    depth, state = basin()
    ms, iterations = cost_per_step(
        folder, n_steps, depth, state, dx=DX, dt=dt, physics={"theta": THETA}, **options
    )
    return f"| {name} | {iterations:.1f} | {ms:.2f} |"


def compare_guesses(folder: Path) -> None:
    """Print iterations and times for each first guess, with two solvers."""
    for courant, dt in COURANT.items():
        path = HERE / f"guess_{courant}.pt"
        net = train_guess(DX, dt)
        export_shallow_water(
            net,
            path,
            role="first_guess",
            dt=dt,
            trained_for={"dx": DX, "dy": DX, "theta": THETA, "drag_coefficient": DRAG},
            limits=LIMITS,
            progress=False,
        )
        coupling = {"network": str(path), "role": "first_guess"}
        for solver in ("cg", "cg_multigrid"):
            print(
                f"\n| {solver}, c = {courant} | iterations | ms per step |\n|---|---|---|"
            )
            for guess in ("old", "linear", "quadratic"):
                told = {"name": solver, "first_guess": guess, "tolerance": TOLERANCE}
                print(row(guess, folder, dt, solver=told), flush=True)
            told = {"name": solver, "tolerance": TOLERANCE}
            print(row("network", folder, dt, solver=told, coupling=coupling), flush=True)


def check_symmetry(net: torch.nn.Module) -> None:
    """Refuse a preconditioner that is not symmetric and positive on random fields."""
    x, y = torch.randn(2, 20, 24, dtype=torch.float64)
    with torch.no_grad():
        difference = (x * net(y)).sum() - (y * net(x)).sum()
        if abs(difference) > SYMMETRIC * (x * net(x)).sum():
            raise ValueError(
                f"the preconditioner is not symmetric: {float(difference):.1e}"
            )


def compare_preconditioners(folder: Path) -> None:
    """Print iterations and times for each preconditioner of conjugate gradients."""
    for courant, dt in COURANT.items():
        path = HERE / f"preconditioner_{courant}.pt"
        net = train_preconditioner(DX, dt)
        check_symmetry(net)
        export_network(
            net.eval(),
            path,
            inputs={"r": torch.randn(16, 20, dtype=torch.float64)},
            outputs=["s"],
            dynamic={"y": 0, "x": 1},
            derivatives=False,
            progress=False,
            tolerance=1e-12,
        )
        print(f"\n| c = {courant} | iterations | ms per step |\n|---|---|---|")
        for solver in ("cg", "cg_incomplete", "cg_multigrid"):
            told = {"name": solver, "tolerance": TOLERANCE}
            print(row(solver, folder, dt, solver=told), flush=True)
        coupling = {"network": str(path), "role": "preconditioner"}
        told = {"tolerance": TOLERANCE}
        line = row("network", folder, dt, FEW_STEPS, solver=told, coupling=coupling)
        print(line, flush=True)
