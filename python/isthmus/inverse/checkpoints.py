# SPDX-License-Identifier: MIT
"""The gradient of a window without its whole trajectory in memory.

Griewank and Walther (2000, algorithm 799): with c states kept, a window of up to
`(c + r)!/(c! r!)` steps is stepped at most r times. The schedule is that of the package
`checkpoint_schedules`. The gradient has the bits of the one that keeps all states, for
steps are repeated from the same states and sensitivities are added in the same order.
"""

import numpy as np
from checkpoint_schedules import (
    Copy,
    EndForward,
    EndReverse,
    Forward,
    Move,
    Reverse,
    Revolve,
)

from isthmus.errors import ConfigurationError
from isthmus.inverse.forward import Array, ForwardModel, Misfit
from isthmus.inverse.observations import Observations


def checkpointed_gradient(
    model: ForwardModel,
    x: Array,
    n_steps: int,
    observations: Observations,
    n_checkpoints: int,
) -> Misfit:
    """Return the misfit of a window and its gradient, by a binomial schedule.

    Parameters
    ----------
    model
        Forward model.
    x
        First state `[k]`.
    n_steps
        Length of the window.
    observations
        Of the window.
    n_checkpoints
        States kept at a time, at least 1.

    Raises
    ------
    ConfigurationError
        If there are no checkpoints.
    """
    if n_checkpoints < 1:
        raise ConfigurationError(
            f"'n_checkpoints' must be at least 1, found {n_checkpoints}"
        )
    row = {int(step): i for i, step in enumerate(observations.steps)}
    cost = np.zeros(observations.steps.size)

    def sensitivity(step: int, state: Array) -> Array:
        if step not in row:
            return np.zeros_like(state)
        cost[row[step]], s = observations.misfit_at(row[step], state[0])
        return s[None]

    if n_steps == 0:
        x_ad = sensitivity(0, x[None])
        return Misfit(_total(cost), x_ad[0])
    kept: dict[int, Array] = {}
    state, before = x[None].copy(), x[None]
    x_ad = np.zeros_like(state)
    schedule = Revolve(n_steps, n_checkpoints)
    for action in schedule:
        match action:
            case Forward(n0=n0, n1=n1, write_ics=write_ics):
                if write_ics:
                    kept[n0] = state.copy()
                for _ in range(n0, min(n1, n_steps)):
                    before, state = state, model.trajectory(state, 1)[1]
            case Reverse(n1=n1, n0=n0):
                for i in range(n1 - 1, n0 - 1, -1):
                    x_ad = model.step_ad(before, x_ad) + sensitivity(i, before)
            case Copy(n=n):
                state = kept[n].copy()
            case Move(n=n):
                state = kept.pop(n)
            case EndForward():
                x_ad = sensitivity(n_steps, state)
            case EndReverse():
                break
    return Misfit(_total(cost), x_ad[0])


def _total(costs: Array) -> float:
    """Add the costs of all times, first to last, as `Observations.misfit` does."""
    total = 0.0
    for cost in costs:
        total += float(cost)
    return total
