# SPDX-License-Identifier: MIT
"""The leading Lyapunov exponent, from the tangent-linear model."""

from typing import NamedTuple

import numpy as np

from isthmus.models.lorenz96 import Lorenz96


class LyapunovExponent(NamedTuple):
    """An estimate per time unit and its standard error over the members."""

    value: float
    standard_error: float


def lyapunov_exponent(
    model: Lorenz96,
    *,
    dt: float = 0.01,
    time: float = 500.0,
    spin_up: float = 20.0,
    n_members: int = 8,
    seed: int = 1,
) -> LyapunovExponent:
    """Estimate the leading Lyapunov exponent as the mean growth rate of a perturbation.

    Benettin et al. (1980), doi:10.1007/BF02128236: the tangent-linear model carries one
    vector per member along its trajectory; it is normalised once per time unit.

    Parameters
    ----------
    model
        Equations, parameters and scheme.
    dt
        Time step.
    time
        Length of each trajectory that is averaged over.
    spin_up
        Time before, for the state to reach the attractor and the vector to align.
    n_members
        Independent trajectories.
    seed
        Of the initial states and vectors.
    """
    x = model.initial_state(n_members, seed=seed)
    x_tl = np.random.default_rng(seed + 1).standard_normal(x.shape)
    per_unit = max(1, round(1.0 / dt))
    n_spin_up, n_units = round(spin_up / (per_unit * dt)), round(time / (per_unit * dt))
    growth = np.zeros((n_units, n_members))
    for unit in range(-n_spin_up, n_units):
        x, x_tl = model.advance_tl(x, x_tl, dt=dt, n_steps=per_unit)
        norm = np.linalg.norm(x_tl, axis=1, keepdims=True)
        x_tl /= norm
        if unit >= 0:
            growth[unit] = np.log(norm[:, 0])
    rates = growth.mean(axis=0) / (per_unit * dt)
    error = float(rates.std(ddof=1) / np.sqrt(n_members)) if n_members > 1 else float("nan")
    return LyapunovExponent(float(rates.mean()), error)
