# SPDX-License-Identifier: MIT
"""Truth without a Fortran compiler: both Lorenz-96 models integrated by torch, float64.

Equations in `nets.tendencies`; classical Runge-Kutta of order four. For tests and small
data: the Fortran models are the ones for long runs.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..data import Trajectories
from ..nets import lorenz96_tendency, two_level_tendency

State = tuple[Tensor, ...]


def simulate_one_level(
    n_steps: int,
    *,
    dt: float,
    n_sites: int = 40,
    forcing: float = 8.0,
    n_members: int = 1,
    spin_up: float = 5.0,
    seed: int = 0,
) -> Trajectories:
    """Integrate the one-level model with torch, float64, and keep `n_steps` + 1 states.

    The first state is F (0.5 + N(0, 1)) / 50 at each site; `spin_up` time units are cut.
    """
    x0 = _first_state((n_members, n_sites), forcing, seed)
    states = _integrate(
        (x0,), lambda s: (lorenz96_tendency(s[0], forcing),), dt, n_steps, spin_up
    )
    return _trajectories({"x": states[0]}, dt, {"forcing": forcing, "seed": seed})


def simulate_two_level(
    n_steps: int,
    *,
    dt: float,
    n_sites: int = 36,
    n_fast: int = 10,
    forcing: float = 10.0,
    n_members: int = 1,
    spin_up: float = 5.0,
    seed: int = 0,
    save_every: int = 1,
) -> Trajectories:
    """Integrate the two-level model (h = 1, b = c = 10) with torch, float64.

    Returns `x`, `z` and `coupling` at `n_steps` + 1 times, `save_every` steps apart.
    """
    x0 = _first_state((n_members, n_sites), forcing, seed)
    z0 = torch.zeros(n_members, n_sites * n_fast, dtype=torch.float64)

    def tendency(s: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        return two_level_tendency(s[0], s[1], forcing=forcing)[:2]

    x, z = _integrate((x0, z0), tendency, dt, n_steps, spin_up, save_every)
    coupling = -10.0 * z.reshape(*x.shape, n_fast).mean(-1)
    arrays = {"x": x, "z": z, "coupling": coupling}
    attributes = {"forcing": forcing, "h": 1.0, "b": 10.0, "c": 10.0, "seed": seed}
    return _trajectories(arrays, dt * save_every, attributes)


def _first_state(shape: tuple[int, int], forcing: float, seed: int) -> Tensor:
    noise = np.random.default_rng(seed).standard_normal(shape)
    return torch.from_numpy(forcing * (0.5 + noise) / 50.0)


def _integrate(
    state: State,
    tendency: Callable[[State], State],
    dt: float,
    n_saved: int,
    spin_up: float,
    save_every: int = 1,
) -> State:
    """Run a Runge-Kutta integration; return each part of the state as [time, ...]."""
    for _ in range(round(spin_up / dt)):
        state = _rk4(state, tendency, dt)
    saved = tuple(part.new_empty(n_saved + 1, *part.shape) for part in state)
    for i in range(n_saved + 1):
        for store, part in zip(saved, state, strict=True):
            store[i] = part
        for _ in range(save_every if i < n_saved else 0):
            state = _rk4(state, tendency, dt)
    return saved


def _rk4(s: State, f: Callable[[State], State], dt: float) -> State:
    k1 = f(s)
    k2 = f(_shifted(s, k1, 0.5 * dt))
    k3 = f(_shifted(s, k2, 0.5 * dt))
    k4 = f(_shifted(s, k3, dt))
    parts = zip(s, k1, k2, k3, k4, strict=True)
    return tuple(x + (dt / 6.0) * (a + 2.0 * (b + c) + d) for x, a, b, c, d in parts)


def _shifted(s: State, k: State, a: float) -> State:
    return tuple(x + a * y for x, y in zip(s, k, strict=True))


def _trajectories(
    arrays: dict[str, Tensor], dt: float, attributes: dict[str, Any]
) -> Trajectories:
    numbers: dict[str, NDArray[Any]] = {
        name: value.numpy() for name, value in arrays.items()
    }
    n_times = len(next(iter(numbers.values())))
    time = dt * np.arange(n_times, dtype=np.float64)
    return Trajectories(numbers, time, attributes)
