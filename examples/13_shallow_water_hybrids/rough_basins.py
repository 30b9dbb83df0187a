# SPDX-License-Identifier: MIT
"""Basins with a rough bottom: fine runs of the Fortran model, filtered to a coarse grid.

Closed basins of 128 km, depth 20 m with bumps of a few kilometres, no rotation, quadratic
drag. Fine: cells of 1 km, steps of 150 s. Coarse: 4 km and 600 s. A coarse cell has the
mean depth and the mean elevation of its sixteen fine ones, a coarse face the mean transport
of its four: so the filtered truth moves exactly the water that the fine run moves. What a
coarse grid misses is drag on the bumps and the water that flows around them.
"""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from isthmus.models import ShallowWater, ShallowWaterGrid, ShallowWaterState

COARSENING = 4
N_COARSE = 32
DX, DT = 4.0e3, 600.0
"""Of the coarse grid [m], [s]."""
DRAG, THETA = 2.5e-3, 0.5
MEAN_DEPTH, ROUGHNESS, SMOOTH_OVER = 20.0, 6.0, 1.5
"""Depth and its standard deviation [m], and the reach of a bump [fine cells]."""
SHALLOWEST = 4.0
ELEVATION = 0.5
"""Largest elevation at the start [m]."""


class Truth(NamedTuple):
    """Filtered runs: states [time, member, field, y, x] and depths [member, y, x]."""

    states: Tensor
    depth: Tensor


def rough_depth(rng: np.random.Generator) -> np.ndarray:
    """Return a depth of the fine grid [m] `[y, x]`."""
    n = COARSENING * N_COARSE
    distance = np.subtract.outer(np.arange(n), np.arange(n))
    smooth = np.exp(-((distance / SMOOTH_OVER) ** 2))
    bumps = smooth @ rng.standard_normal((n, n)) @ smooth.T
    depth = MEAN_DEPTH + ROUGHNESS * bumps / bumps.std()
    return np.maximum(depth, SHALLOWEST)


def start(rng: np.random.Generator) -> ShallowWaterState:
    """Return an elevation of the few longest waves of the basin, at rest."""
    n = COARSENING * N_COARSE
    phase = np.pi * (np.arange(n) + 0.5) / n
    waves = np.cos(np.outer(np.arange(4), phase))
    weight = rng.standard_normal((4, 4)) / (1.0 + np.add.outer(np.arange(4), np.arange(4)))
    weight[0, 0] = 0.0
    zeta = waves.T @ weight @ waves
    zeta *= ELEVATION / np.abs(zeta).max()
    return ShallowWaterState(zeta, *np.zeros((2, n, n)))


def coarse_cells(field: np.ndarray) -> np.ndarray:
    """Return the means of blocks of cells."""
    n = field.shape[0] // COARSENING
    return field.reshape(n, COARSENING, n, COARSENING).mean((1, 3))


def coarse_state(state: ShallowWaterState) -> np.ndarray:
    """Return elevation of coarse cells and transports of coarse faces [field, y, x]."""
    r = COARSENING
    n = state.zeta.shape[0] // r
    u = state.u[:, r - 1 :: r].reshape(n, r, n).mean(1)
    v = state.v[r - 1 :: r].reshape(n, n, r).mean(2)
    return np.stack([coarse_cells(state.zeta), u, v])


def model_of(depth: np.ndarray, dx: float, dt: float, **options: float) -> ShallowWater:
    """Return the Fortran model of a basin."""
    return ShallowWater(
        ShallowWaterGrid.plane(depth, dx=dx),
        dt=dt,
        **{"theta": THETA, "drag": DRAG, "tolerance": 1e-10, **options},
    )


def truth(seed: int, n_members: int, n_steps: int) -> Truth:
    """Return filtered fine runs, every member in a basin of its own."""
    rng = np.random.default_rng(seed)
    states = np.zeros((n_steps + 1, n_members, 3, N_COARSE, N_COARSE))
    depths = np.zeros((n_members, N_COARSE, N_COARSE))
    for member in range(n_members):
        depth, state = rough_depth(rng), start(rng)
        depths[member] = coarse_cells(depth)
        fine = model_of(depth, DX / COARSENING, DT / COARSENING)
        states[0, member] = coarse_state(state)
        for k in range(n_steps):
            fine.step(state, n_steps=COARSENING)
            states[k + 1, member] = coarse_state(state)
    return Truth(torch.from_numpy(states), torch.from_numpy(depths))
