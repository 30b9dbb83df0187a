# SPDX-License-Identifier: MIT
"""Trainings of the first guess and of the preconditioner, each some seconds of one core."""

import numpy as np
import torch
from rough_basins import DRAG, model_of, rough_depth, start
from solver_help import (
    GRAVITY,
    LinearGuess,
    SymmetricConv,
    residual_after,
    scaled_operator,
)
from torch import Tensor

from isthmus.nets.shallow_water import open_faces
from isthmus.nets.shallow_water_emulators import mean_of_two

THETA = 0.55
"""As the program has it if not told otherwise: it damps the shortest waves."""
SMOOTHING = 0.3
"""Share of noise in the residuals of the training; the rest is smooth, as in a run."""


def guess_samples(seed: int, dx: float, dt: float, n_steps: int) -> tuple[Tensor, ...]:
    """Return zeta, u, v and depth before, and zeta after, of some steps [sample, y, x]."""
    rng = np.random.default_rng(seed)
    depth, state = rough_depth(rng), start(rng)
    model = model_of(depth, dx, dt, drag=DRAG, theta=THETA)
    model.step(state, n_steps=4)
    before, after = [], []
    for _ in range(n_steps):
        before.append(np.stack([*state, depth]))
        model.step(state)
        after.append(state.zeta.copy())
    fields = torch.from_numpy(np.stack(before, 1))
    return (*fields, torch.from_numpy(np.stack(after)))


def train_guess(
    dx: float, dt: float, reach: int = 7, n_iterations: int = 20
) -> LinearGuess:
    """Return a guess whose kernels fit the steps of one run (a least-squares problem)."""
    net = LinearGuess(dx=dx, dt=dt, reach=reach).double()
    zeta, u, v, depth, after = guess_samples(5, dx, dt, 4)
    optimizer = torch.optim.LBFGS(
        net.parameters(),
        max_iter=n_iterations,
        history_size=20,
        line_search_fn="strong_wolfe",
    )
    scale = ((after - zeta) ** 2).mean()

    def loss() -> Tensor:
        optimizer.zero_grad()
        value = ((net(zeta, u, v, depth) - after) ** 2).mean() / scale
        value.backward()
        return value

    optimizer.step(loss)
    return net


def couplings_of(depth: Tensor, dx: float, dt: float) -> Tensor:
    """Return couplings over the cell's area without friction [member, 2, y, x]."""
    is_open = open_faces(torch.ones_like(depth))
    gain = GRAVITY * (THETA * dt / dx) ** 2
    turned = mean_of_two(depth.transpose(-1, -2)).transpose(-1, -2)
    return gain * torch.stack(
        [is_open.east * mean_of_two(depth), is_open.north * turned], -3
    )


def train_preconditioner(
    dx: float, dt: float, n_updates: int = 150, n_cells: int = 40
) -> SymmetricConv:
    """Return a network after which few iterations leave little of a residual."""
    torch.manual_seed(0)
    rng = np.random.default_rng(6)
    depth = torch.from_numpy(
        np.stack([rough_depth(rng)[:n_cells, :n_cells] for _ in range(2)])
    )
    *operator, diagonal = scaled_operator(couplings_of(depth, dx, dt))
    net = SymmetricConv().double()
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    for _ in range(n_updates):
        noise = torch.randn_like(depth)
        smooth = torch.nn.functional.avg_pool2d(noise, 9, 1, 4) * 9.0
        r = (SMOOTHING * noise + smooth) * diagonal.rsqrt()
        optimizer.zero_grad()
        loss = residual_after((operator[0], operator[1]), net, r, 5).log().mean()
        loss.backward()
        optimizer.step()
    return net
