# SPDX-License-Identifier: MIT
"""Steps per second of networks in place of the step, beside the model and the explicit one.

The basins of examples/10_shallow_water_emulators: cells of 10 km, dt = 1500 s, drag. The
network is the step with known weights (`BackhausStep`), solved to 1e-6 of the largest
right-hand side as a trained net would be: an architecture's cost does not depend on its
weights. The model is solved to the same elevation error.
"""

import os
import subprocess
from pathlib import Path

import numpy as np
import torch
from programs import cost_per_step
from rough_basins import DRAG, THETA
from torch import Tensor, nn

from isthmus.couple.programs import find_program
from isthmus.couple.shallow_water_export import OneBasin, export_shallow_water
from isthmus.errors import ModelRunError
from isthmus.nets.shallow_water import BackhausStep
from isthmus.nets.shallow_water_baselines import ConvBody

HERE = Path(__file__).parent
CELL, DT, DEPTH, HUMP = 1.0e4, 1500.0, 15.0, 0.1
SIZE, STEPS, REPETITIONS = 100, 60, 3
SOLVED = 1e-6
GRAVITY = 9.81
SLOW = 1e-6  # so that random weights do not blow up
LIMITS = {"zeta": (-1.0, 1.0), "u": (-20.0, 20.0), "v": (-20.0, 20.0), "depth": (0.0, 40.0)}


def basin() -> tuple[np.ndarray, np.ndarray]:
    """Return the depth and a square hump on water at rest [field, y, x]."""
    rng = np.random.default_rng(8)
    depth = DEPTH + rng.uniform(-3.0, 3.0, (SIZE, SIZE))
    state = np.zeros((3, SIZE, SIZE))
    state[0, 40:48, 50:58] = HUMP
    return depth, state


class ConvStep(nn.Module):
    """Six 3 x 3 layers of 16 channels with random weights: for its cost."""

    def __init__(self) -> None:
        """Make the layers."""
        super().__init__()
        self.body = ConvBody([1] * 6, 16)
        self.slow = SLOW

    def forward(
        self, zeta: Tensor, u: Tensor, v: Tensor, depth: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return fields [y, x] that hardly change."""
        wet = (depth > 0.0).to(zeta.dtype)
        change = self.slow * self.body(torch.stack([zeta, u, v, depth, wet])[None])[0]
        return zeta + change[0], u + change[1], v + change[2]


def explicit_rate() -> float | None:
    """Return cells per second of the explicit step with friction and rotation.

    By the benchmark program, if it is built and in a folder that `ISTHMUS_BIN` names.
    """
    try:
        program = find_program("bench_shallow_water")
    except ModelRunError:
        return None
    done = subprocess.run(
        [program, "cache", "3"],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    lines = [line.rsplit(maxsplit=1) for line in done.stdout.splitlines()]
    return 1e6 * float(dict(lines)["cache explicit_full"])


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
        "convolutions, six layers of 16": ConvStep(),
    }
    print("| step | iterations | ms | cells 10^6/s |\n|---|---|---|---|")

    def row(name: str, **more: object) -> None:
        more |= {"repetitions": REPETITIONS}
        ms, iterations = cost_per_step(folder, STEPS, depth, state, **options, **more)
        rate = SIZE**2 / ms / 1e3
        print(f"| {name} | {iterations:.1f} | {ms:.3f} | {rate:.2f} |", flush=True)

    rate = explicit_rate()
    if rate is not None:
        limit = CELL / np.sqrt(2.0 * GRAVITY * depth.max())
        n_explicit = int(np.ceil(DT / limit))
        ms = 1e3 * n_explicit * SIZE**2 / rate
        name = f"explicit, {n_explicit} steps of {DT / n_explicit:.0f} s"
        print(f"| {name} | | {ms:.3f} | {SIZE**2 / ms / 1e3:.2f} |", flush=True)
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
