# SPDX-License-Identifier: MIT
"""Runs of the Fortran model in random basins: the published experiment, solved to rounding.

Square cells of 10 km in a closed basin; depth a Gaussian process of mean 15 m and
covariance 5 exp(-r^2/100) (r in cells) + 1e-4; at the start a square hump of 5 to 10 cells
and 0.05 to 0.15 m at a random place; quadratic drag 1e-3, viscosity 1000 m2/s, no slip,
theta 1/2.
"""

import numpy as np
import torch
from torch import Tensor

from isthmus.models import ShallowWater, ShallowWaterGrid, ShallowWaterState
from isthmus.nets.shallow_water_emulators import (
    DEPTH_SCALE,
    ELEVATION_SCALE,
    VELOCITY_RATIO,
)

CELL = 1.0e4  # [m]
DRAG, VISCOSITY = 1.0e-3, 1000.0
SOLVED_TO = 1.0e-13  # [m]


def random_depth(rng: np.random.Generator, n: int) -> np.ndarray:
    """Return a depth [m] `[y, x]`; the covariance is separable, so its root is too."""
    distance = np.subtract.outer(np.arange(n), np.arange(n))
    root = np.linalg.cholesky(np.exp(-(distance**2) / 100.0) + 1e-8 * np.eye(n))
    smooth = np.sqrt(5.0) * root @ rng.standard_normal((n, n)) @ root.T
    depth = DEPTH_SCALE + smooth + 1e-2 * rng.standard_normal((n, n))
    return np.maximum(depth, 1.0)


def random_start(rng: np.random.Generator, n: int) -> ShallowWaterState:
    """Return a square hump on water at rest."""
    zeta, u, v = np.zeros((3, n, n))
    side = rng.integers(5, 11)
    row, column = rng.integers(0, n - side + 1, 2)
    zeta[row : row + side, column : column + side] = rng.uniform(0.05, 0.15)
    return ShallowWaterState(zeta, u, v)


def run(seed: int, n_runs: int, n: int, dt: float, n_steps: int) -> tuple[Tensor, Tensor]:
    """Return scaled states [time, member, field, y, x] and depths [member, y, x]."""
    rng = np.random.default_rng(seed)
    states = np.zeros((n_steps + 1, n_runs, 3, n, n))
    depths = np.zeros((n_runs, n, n))
    for member in range(n_runs):
        depths[member] = depth = random_depth(rng, n)
        model = ShallowWater(
            ShallowWaterGrid.plane(depth, dx=CELL),
            dt=dt,
            theta=0.5,
            drag=DRAG,
            viscosity=VISCOSITY,
            no_slip=True,
            tolerance=SOLVED_TO,
        )
        scales = scales_of(depth)
        state = random_start(rng, n)
        states[0, member] = np.stack(state) / scales
        for k in range(n_steps):
            model.step(state)
            states[k + 1, member] = np.stack(state) / scales
    return torch.from_numpy(states), torch.from_numpy(depths)


def scales_of(depth: np.ndarray) -> np.ndarray:
    """Return what elevation and transports are divided by [field, y, x]."""
    velocity = VELOCITY_RATIO * ELEVATION_SCALE
    mean_u, mean_v = depth.copy(), depth.copy()
    mean_u[:, :-1] = 0.5 * (depth[:, :-1] + depth[:, 1:])
    mean_v[:-1] = 0.5 * (depth[:-1] + depth[1:])
    return np.stack(
        [np.full_like(depth, ELEVATION_SCALE), velocity * mean_u, velocity * mean_v]
    )
