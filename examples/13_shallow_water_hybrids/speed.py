# SPDX-License-Identifier: MIT
"""Steps per second of networks in place of the step, beside the model and the explicit one.

The basins of examples/10_shallow_water_emulators: cells of 10 km, dt = 1500 s, drag. The
network is the step with known weights (`BackhausStep`), solved to 1e-6 of the largest
right-hand side as a trained net would be: an architecture's cost does not depend on its
weights. The model is solved to the same elevation error.
"""

from pathlib import Path

import numpy as np
import torch
from programs import cost_per_step
from rough_basins import DRAG, THETA

from isthmus.couple.shallow_water_export import OneBasin, PhysicalStep, export_shallow_water
from isthmus.nets.shallow_water import BackhausStep
from isthmus.nets.shallow_water_baselines import PlainConvNet

HERE = Path(__file__).parent
CELL, DT, DEPTH, HUMP = 1.0e4, 1500.0, 15.0, 0.1
SIZE, STEPS = 100, 40
SOLVED = 1e-6
LIMITS = {"zeta": (-1.0, 1.0), "u": (-20.0, 20.0), "v": (-20.0, 20.0), "depth": (0.0, 40.0)}


def basin() -> tuple[np.ndarray, np.ndarray]:
    """Return the depth and a square hump on water at rest [field, y, x]."""
    rng = np.random.default_rng(8)
    depth = DEPTH + rng.uniform(-3.0, 3.0, (SIZE, SIZE))
    state = np.zeros((3, SIZE, SIZE))
    state[0, 40:48, 50:58] = HUMP
    return depth, state


def compare_speed(folder: Path) -> None:
    """Print the time of a step and the error after all steps, against a tight solution."""
    depth, state = basin()
    options = {"dx": CELL, "dt": DT}
    known = BackhausStep(
        dx=CELL,
        dt=DT,
        drag=DRAG,
        theta=THETA,
        preconditioner="diagonal",
        tolerance=SOLVED,
        on_failure="flag",
    )
    torch.manual_seed(0)
    networks = {
        "known weights, linear system inside": OneBasin(known),
        "convolutions, six layers of 16": PhysicalStep(PlainConvNet(6, 16).double()),
    }
    print("| step | iterations | ms | cells 10^6/s |\n|---|---|---|---|")

    def row(name: str, **more: object) -> None:
        ms, iterations = cost_per_step(folder, STEPS, depth, state, **options, **more)
        rate = SIZE**2 / ms / 1e3
        print(f"| {name} | {iterations:.1f} | {ms:.3f} | {rate:.2f} |", flush=True)

    for solver in ("cg", "cg_multigrid"):
        tolerance = SOLVED * HUMP
        row(f"model, {solver}", solver={"name": solver, "tolerance": tolerance})
    for number, (name, network) in enumerate(networks.items()):
        path = HERE / f"speed_{number}.pt"
        export_shallow_water(
            network,
            path,
            role="step",
            dt=DT,
            trained_for={"dx": CELL, "dy": CELL, "f0": 0.0},
            limits=LIMITS,
            progress=False,
            tolerance=1e-5,
        )
        coupling = {"network": str(path), "role": "step", "guarded": False}
        row(name, coupling=coupling)
