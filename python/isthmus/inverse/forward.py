# SPDX-License-Identifier: MIT
"""One interface for a forward model with derivatives, whatever makes them.

A model steps states `[member, k]` and knows four sweeps over a window of `n` steps:

    trajectory   x_{i+1} = M(x_i)
    sweep_tl     dx_{i+1} = M_i' dx_i
    sweep_ad     l_i = M_i'^T l_{i+1} + s_i, with a sensitivity s_i to each state
    sweep_soa    dl_i = M_i'^T dl_{i+1} + (M_i'' dx_i)^T l_{i+1} + ds_i

The third is the gradient of any cost on the trajectory, the last (second-order adjoint) its
Hessian times a vector. Trajectories are `[time, member, k]`, `n + 1` times. Everything is
float64 at this interface.
"""

from abc import ABC, abstractmethod
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from isthmus.errors import BindingError, ConfigurationError

Array = npt.NDArray[np.float64]


class Misfit(NamedTuple):
    """Cost of the misfit to observations, and its gradient in the first state."""

    cost: float
    gradient: Array


class Ending(NamedTuple):
    """How a minimisation ended.

    Attributes
    ----------
    is_converged
        Whether it is as near to a minimum as was asked for.
    gradient_norm, gradient_norm_start
        Of the cost in its control variable, where it was last known, and at the start.
    """

    is_converged: bool
    gradient_norm: float
    gradient_norm_start: float

    def __str__(self) -> str:
        """Return half a sentence."""
        return (
            f"{'converged' if self.is_converged else 'did not converge'}: gradient "
            f"{self.gradient_norm:.3g} of {self.gradient_norm_start:.3g} at the start"
        )


class ForwardModel(ABC):
    """A discrete model `x_{i+1} = M(x_i)` with tangent-linear and adjoint.

    A model must have `step`, `step_tl` and `step_ad`; it may do whole sweeps faster. If it
    has no second-order adjoint, `step_ad` is differenced.

    Attributes
    ----------
    n_state
        Length of the state.
    dt
        Time step.
    soa_increment
        Largest change of a state when `step_ad` is differenced.
    """

    n_state: int
    dt: float
    soa_increment: float = float(np.cbrt(np.finfo(np.float64).eps))

    @abstractmethod
    def step(self, x: Array) -> Array:
        """Return the states `[member, k]` one step later; `x` stays as it is."""

    @abstractmethod
    def step_tl(self, x: Array, x_tl: Array) -> Array:
        """Return the change after a step `[member, k]`, given that before it."""

    @abstractmethod
    def step_ad(self, x: Array, x_ad: Array) -> Array:
        """Return the sensitivity to `x` `[member, k]`, given that to the state after."""

    def advance(self, x: Array, n_steps: int) -> Array:
        """Return the states `[member, k]` some steps later."""
        for _ in range(n_steps):
            x = self.step(x)
        return x

    def trajectory(self, x: Array, n_steps: int) -> Array:
        """Return all states of a window `[time, member, k]`, the first one included."""
        states = np.empty((n_steps + 1, *x.shape))
        states[0] = x
        for i in range(n_steps):
            states[i + 1] = self.step(states[i])
        return states

    def sweep_tl(self, trajectory: Array, x_tl: Array) -> Array:
        """Return the changes along a trajectory `[time, member, k]`, from the first one.

        Parameters
        ----------
        trajectory
            As `trajectory` returns it.
        x_tl
            Change of the first state `[member, k]`.
        """
        changes = np.empty_like(trajectory)
        changes[0] = x_tl
        for i in range(len(trajectory) - 1):
            changes[i + 1] = self.step_tl(trajectory[i], changes[i])
        return changes

    def sweep_ad(self, trajectory: Array, sensitivity: Array) -> Array:
        """Return the sensitivity to the first state `[member, k]`.

        Parameters
        ----------
        trajectory
            As `trajectory` returns it.
        sensitivity
            To the state at each time `[time, member, k]`.
        """
        x_ad = sensitivity[-1].copy()
        for i in range(len(trajectory) - 2, -1, -1):
            x_ad = self.step_ad(trajectory[i], x_ad) + sensitivity[i]
        return x_ad

    def step_soa(self, x: Array, x_tl: Array, x_ad: Array, x_ad_tl: Array) -> Array:
        """Return the change of `step_ad(x, x_ad)` with its two arguments `[member, k]`."""
        size = np.abs(x_tl).max(axis=1, keepdims=True)
        size[size == 0.0] = 1.0
        change = self.soa_increment / size * x_tl
        ahead, behind = self.step_ad(x + change, x_ad), self.step_ad(x - change, x_ad)
        slope = (ahead - behind) * (size / (2.0 * self.soa_increment))
        return self.step_ad(x, x_ad_tl) + slope

    def sweep_soa(
        self, trajectory: Array, changes: Array, sensitivity: Array, sensitivity_tl: Array
    ) -> Array:
        """Return the change of what `sweep_ad` returns `[member, k]`.

        Parameters
        ----------
        trajectory, changes
            As `trajectory` and `sweep_tl` return them.
        sensitivity, sensitivity_tl
            To the state at each time, and its change `[time, member, k]`.
        """
        x_ad, x_ad_tl = sensitivity[-1].copy(), sensitivity_tl[-1].copy()
        for i in range(len(trajectory) - 2, -1, -1):
            x, x_tl = trajectory[i], changes[i]
            x_ad_tl = self.step_soa(x, x_tl, x_ad, x_ad_tl) + sensitivity_tl[i]
            x_ad = self.step_ad(x, x_ad) + sensitivity[i]
        return x_ad_tl

    def misfit_gradient(self, x: Array, observed: Array, weight: Array) -> Misfit:
        """Return `J = 1/2 sum w (x - y)^2` over a window, and its gradient.

        Parameters
        ----------
        x
            First state `[k]`.
        observed, weight
            Finite y and w, inverse variances or 0, `[time, k]`.
        """
        states = self.trajectory(x[None], len(observed) - 1)
        misfit = states[:, 0] - observed
        weighted = weight * misfit
        gradient = self.sweep_ad(states, weighted[:, None])[0]
        return Misfit(0.5 * float(np.vdot(weighted, misfit)), gradient)

    def propagator(self, x: Array, n_steps: int) -> Array:
        """Return the derivative of the last state in the first, `[k, k]`, at `x` `[k]`."""
        repeated = np.repeat(self.trajectory(x[None], n_steps), self.n_state, axis=1)
        return self.sweep_tl(repeated, np.eye(self.n_state))[-1].T.copy()


def check_states(name: str, x: Array, n_state: int) -> Array:
    """Return the states as C-contiguous float64 `[member, k]`.

    Raises
    ------
    BindingError
        If the shape is another.
    """
    x = np.ascontiguousarray(x, np.float64)
    if x.ndim != 2 or x.shape[1] != n_state:
        raise BindingError(
            f"'{name}' has shape {list(x.shape)}, expected [member, {n_state}]"
        )
    return x


def check_time_step(dt: float) -> float:
    """Return the time step.

    Raises
    ------
    ConfigurationError
        If it is not a positive number.
    """
    if not (np.isfinite(dt) and dt > 0.0):
        raise ConfigurationError(f"'dt' must be positive, found {dt}")
    return float(dt)
