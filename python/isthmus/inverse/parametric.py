# SPDX-License-Identifier: MIT
"""One interface for models with parameters to be found, whatever makes the derivatives.

A model `x_{i+1} = M_i(x_i, p)` of one member knows three sweeps over a window:

    trajectory   x_{i+1} = M_i(x_i, p)
    sweep_tl     dx_{i+1} = M_i' dx_i + (dM_i/dp) dp, for several changes at once
    sweep_ad     l_i = M_i'^T l_{i+1} + s_i, and the sum over i of (dM_i/dp)^T l_{i+1}

States are `[k]`, parameters `[i]`, trajectories `[time, k]`, all in double precision.
"""

from abc import ABC, abstractmethod
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from isthmus.errors import ConfigurationError
from isthmus.inverse.forward import Array, check_time_step
from isthmus.models import Lorenz96, TwoLevelLorenz96
from isthmus.models.two_level import COEFFICIENTS
from isthmus.models.windows import sweep_ad, sweep_tl, trajectory


class Sensitivity(NamedTuple):
    """Of a cost to the first state `[k]` and to the parameters `[i]`."""

    x: Array
    p: Array


class ParametricModel(ABC):
    """A discrete model of one member with derivatives in state and parameters.

    Attributes
    ----------
    n_state
        Length of the state.
    names
        Of the parameters, in the order of p.
    dt
        Time step, in the model's unit.
    """

    n_state: int
    names: tuple[str, ...]
    dt: float

    @abstractmethod
    def trajectory(self, x: Array, p: Array, n_steps: int) -> Array:
        """Return all states of a window `[time, k]`, the first one included."""

    @abstractmethod
    def sweep_tl(self, states: Array, p: Array, x_tl: Array, p_tl: Array) -> Array:
        """Return the changes along a trajectory `[time, column, k]`.

        Parameters
        ----------
        states, p
            Trajectory and its parameters.
        x_tl, p_tl
            Changes of the first state `[column, k]` and of the parameters `[column, i]`.
        """

    @abstractmethod
    def sweep_ad(self, states: Array, p: Array, sensitivity: Array) -> Sensitivity:
        """Return the sensitivities to first state and parameters.

        Parameters
        ----------
        states, p
            Trajectory and its parameters.
        sensitivity
            To the state at each time `[time, k]`.
        """


class ForcedLorenz96(ParametricModel):
    """One-level Lorenz-96 in Fortran; the parameter is F.

    Parameters
    ----------
    n_sites
        K.
    dt
        Time step.
    """

    names = ("forcing",)

    def __init__(self, n_sites: int, dt: float) -> None:
        self.n_state = Lorenz96(n_sites, 0.0).n_sites
        self.dt = check_time_step(dt)

    def trajectory(self, x: Array, p: Array, n_steps: int) -> Array:
        """Return all states of a window `[time, k]`."""
        first = np.ascontiguousarray(x)[None]
        return trajectory(first, forcing=float(p[0]), dt=self.dt, n_steps=n_steps)[:, 0]

    def sweep_tl(self, states: Array, p: Array, x_tl: Array, p_tl: Array) -> Array:
        """Return the changes along a trajectory `[time, column, k]`, by hand."""
        repeated = np.repeat(states[:, None], len(x_tl), axis=1)
        return sweep_tl(
            repeated,
            np.ascontiguousarray(x_tl),
            forcing=float(p[0]),
            dt=self.dt,
            forcing_tl=p_tl[:, 0],
        )

    def sweep_ad(self, states: Array, p: Array, sensitivity: Array) -> Sensitivity:
        """Return the sensitivities to first state and F, by the hand-written adjoint."""
        x_ad, f_ad = sweep_ad(
            np.ascontiguousarray(states[:, None]),
            np.ascontiguousarray(sensitivity[:, None]),
            forcing=float(p[0]),
            dt=self.dt,
        )
        return Sensitivity(x_ad[0], f_ad)


class TwoLevelCoefficients(ParametricModel):
    """Two-level Lorenz-96 in Fortran; the state is [x, z], the parameters F, h, c and b.

    Parameters
    ----------
    model
        Sizes and forms; its coefficients are not used.
    dt
        Length of a step of the window.
    n_inner
        Steps of the model in one of the window: observations are at its ends.
    """

    names = COEFFICIENTS

    def __init__(self, model: TwoLevelLorenz96, dt: float, *, n_inner: int = 1) -> None:
        if n_inner < 1:
            raise ConfigurationError(f"'n_inner' must be at least 1, found {n_inner}")
        self.model = model
        self.n_slow = model.n_sites
        self.n_state = model.n_sites * (1 + model.n_fast)
        self.dt = check_time_step(dt)
        self.n_inner = n_inner
        self._inner_dt = self.dt / n_inner

    def trajectory(self, x: Array, p: Array, n_steps: int) -> Array:
        """Return all states of a window `[time, k]`."""
        model = self.with_coefficients(p)
        states = np.empty((n_steps + 1, self.n_state))
        states[0] = x
        slow, fast = self._parts(states[:1].copy())
        for i in range(n_steps):
            model.advance(slow, fast, dt=self._inner_dt, n_steps=self.n_inner)
            states[i + 1] = np.concatenate([slow[0], fast[0]])
        return states

    def sweep_tl(self, states: Array, p: Array, x_tl: Array, p_tl: Array) -> Array:
        """Return the changes along a trajectory `[time, column, k]`, by hand."""
        model = self.with_coefficients(p)
        changes = np.empty((len(states), *x_tl.shape))
        changes[0] = x_tl
        for i in range(len(states) - 1):
            repeated = np.repeat(states[i : i + 1], len(x_tl), axis=0)
            slow, fast = self._parts(repeated)
            slow_tl, fast_tl = self._parts(changes[i])
            _, change = model.advance_tl(
                slow,
                fast,
                x_tl=slow_tl,
                z_tl=fast_tl,
                coefficients_tl=p_tl,
                dt=self._inner_dt,
                n_steps=self.n_inner,
            )
            changes[i + 1] = np.concatenate(change, axis=1)
        return changes

    def sweep_ad(self, states: Array, p: Array, sensitivity: Array) -> Sensitivity:
        """Return the sensitivities to first state and coefficients, by the adjoint."""
        model = self.with_coefficients(p)
        x_ad, p_ad = sensitivity[-1:].copy(), np.zeros(4)
        for i in range(len(states) - 2, -1, -1):
            slow, fast = self._parts(states[i : i + 1])
            slow_ad, fast_ad = self._parts(x_ad)
            found = model.advance_ad(
                slow,
                fast,
                x_ad=slow_ad,
                z_ad=fast_ad,
                dt=self._inner_dt,
                n_steps=self.n_inner,
            )
            x_ad = np.concatenate([found.x, found.z], axis=1) + sensitivity[i]
            p_ad += found.coefficients[0]
        return Sensitivity(x_ad[0], p_ad)

    def with_coefficients(self, p: Array) -> TwoLevelLorenz96:
        """Return the model with other coefficients."""
        forcing, h, c, b = (float(value) for value in p)
        return replace(self.model, forcing=forcing, h=h, c=c, b=b)

    def _parts(self, states: Array) -> tuple[Array, Array]:
        """Return slow and fast part `[member, k]`, each in one piece."""
        slow, fast = np.split(states, [self.n_slow], axis=1)
        return np.ascontiguousarray(slow), np.ascontiguousarray(fast)


def by_columns(
    model: ParametricModel,
    states: Array,
    p: Array,
    sensitivity: Array,
    is_state_known: bool,
) -> Sensitivity:
    """Return the sensitivities by a change for each element of x and p.

    Parameters
    ----------
    model
        Its `sweep_tl` makes the changes.
    states, p, sensitivity
        As for `sweep_ad`.
    is_state_known
        Then the sensitivities to the first state are not asked for: zero.
    """
    n, n_p = model.n_state, len(model.names)
    n_left = n if is_state_known else 0
    columns = np.eye(n + n_p)[n_left:]
    changes = model.sweep_tl(states, p, columns[:, :n], columns[:, n:])
    found = np.zeros(n + n_p)
    found[n_left:] = np.einsum("tck,tk->c", changes, sensitivity)
    return Sensitivity(found[:n], found[n:])


class DifferenceParameters(ParametricModel):
    """Any such model with derivatives by central differences of whole windows.

    The increments are `eps^(1/3)` of the sizes given, made so small that the errors of
    cutting off and of rounding are alike. The adjoint costs two windows for each element of
    state and parameters.

    Parameters
    ----------
    model
        What is run; its derivatives are not used.
    x_scale
        Size of the state's values.
    p_scale
        Sizes of the parameters `[i]`, or one for all.
    is_state_known
        Whether the first state is not to be found: its sensitivities are left zero, which
        leaves two windows for each parameter.
    """

    def __init__(
        self,
        model: ParametricModel,
        *,
        x_scale: float = 1.0,
        p_scale: Array | float = 1.0,
        is_state_known: bool = False,
    ) -> None:
        self.model, self.is_state_known = model, is_state_known
        self.n_state, self.names, self.dt = model.n_state, model.names, model.dt
        small = float(np.cbrt(np.finfo(np.float64).eps))
        self._x_step = small * x_scale
        self._p_step = small * np.broadcast_to(p_scale, (len(self.names),))

    def trajectory(self, x: Array, p: Array, n_steps: int) -> Array:
        """Return all states of a window `[time, k]`."""
        return self.model.trajectory(x, p, n_steps)

    def sweep_tl(self, states: Array, p: Array, x_tl: Array, p_tl: Array) -> Array:
        """Return the changes along a trajectory, by two windows for each column."""
        n_steps = len(states) - 1
        changes = np.empty((len(states), *x_tl.shape))
        for column, (dx, dp) in enumerate(zip(x_tl, p_tl, strict=True)):
            size = max(np.abs(dx).max() / self._x_step, np.abs(dp / self._p_step).max())
            h = 1.0 / size if size > 0.0 else 1.0
            ahead = self.model.trajectory(states[0] + h * dx, p + h * dp, n_steps)
            behind = self.model.trajectory(states[0] - h * dx, p - h * dp, n_steps)
            changes[:, column] = (ahead - behind) / (2.0 * h)
        return changes

    def sweep_ad(self, states: Array, p: Array, sensitivity: Array) -> Sensitivity:
        """Return the sensitivities, by two windows for each element of x and p."""
        return by_columns(self, states, p, sensitivity, self.is_state_known)


class BorrowedParameters(ParametricModel):
    """One model's states with another's derivatives along them.

    Simulator forward, conditional emulator back.

    Parameters
    ----------
    model
        What is run.
    derivatives
        Of the same states and parameters.

    Raises
    ------
    ConfigurationError
        If states or parameters are others.
    """

    def __init__(self, model: ParametricModel, derivatives: ParametricModel) -> None:
        own, other = ((m.n_state, tuple(m.names), m.dt) for m in (model, derivatives))
        if own != other:
            raise ConfigurationError(
                "states, parameters and time step of the borrowed derivatives are "
                f"{other}, expected {own}"
            )
        self.model, self.derivatives = model, derivatives
        self.n_state, self.names, self.dt = model.n_state, model.names, model.dt

    def trajectory(self, x: Array, p: Array, n_steps: int) -> Array:
        """Return all states of a window `[time, k]`."""
        return self.model.trajectory(x, p, n_steps)

    def sweep_tl(self, states: Array, p: Array, x_tl: Array, p_tl: Array) -> Array:
        """Return the changes along a trajectory `[time, column, k]`."""
        return self.derivatives.sweep_tl(states, p, x_tl, p_tl)

    def sweep_ad(self, states: Array, p: Array, sensitivity: Array) -> Sensitivity:
        """Return the sensitivities to first state and parameters."""
        return self.derivatives.sweep_ad(states, p, sensitivity)
