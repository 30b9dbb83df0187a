# SPDX-License-Identifier: MIT
"""Observations of a window: values with their times, operator and errors.

A value that is NaN was not observed: it is masked, with its row and column of R, and the
analysis tells how many there were.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from isthmus.errors import BindingError
from isthmus.inverse.covariances import Covariance, Diagonal
from isthmus.inverse.forward import Array

INCREMENT = float(np.cbrt(np.finfo(np.float64).eps))  # of central differences


class ObservationOperator(ABC):
    """`y = H(x)` on the last axis, with derivative and transpose."""

    @abstractmethod
    def __call__(self, x: Array) -> Array:
        """Return what would be observed `[..., obs]` of states `[..., k]`."""

    @abstractmethod
    def tl(self, x: Array, x_tl: Array) -> Array:
        """Return the change of the observed `[..., obs]`."""

    @abstractmethod
    def ad(self, x: Array, y_ad: Array) -> Array:
        """Return the sensitivity to the state `[..., k]`."""

    def bend(self, x: Array, x_tl: Array, y_ad: Array) -> Array:
        """Return the change of `ad(x, y_ad)` with x `[..., k]`: zero where H is linear."""
        return np.zeros_like(x_tl)


class Sites(ObservationOperator):
    """Some elements of the state.

    Parameters
    ----------
    n_state
        Length of the state.
    indices
        Of the elements, all if None.

    Raises
    ------
    BindingError
        If an index lies outside the state.
    """

    def __init__(self, n_state: int, indices: Sequence[int] | None = None) -> None:
        chosen = np.arange(n_state) if indices is None else np.asarray(indices, np.intp)
        outside = chosen[(chosen < 0) | (chosen >= n_state)]
        if outside.size:
            raise BindingError(
                f"observed site {outside[0]} lies outside the state: 0 to {n_state - 1}"
            )
        self.n_state = n_state
        self.indices = chosen
        self._are_distinct = np.unique(chosen).size == chosen.size
        self._are_all = np.array_equal(chosen, np.arange(n_state))

    def __call__(self, x: Array) -> Array:
        """Return `x` at the sites: `x` itself if these are all."""
        return x if self._are_all else x[..., self.indices]

    def tl(self, x: Array, x_tl: Array) -> Array:
        """Return the change at the sites."""
        return x_tl[..., self.indices]

    def ad(self, x: Array, y_ad: Array) -> Array:
        """Return the sensitivity, zero where nothing is observed."""
        x_ad = np.zeros((*y_ad.shape[:-1], self.n_state))
        if self._are_distinct:
            x_ad[..., self.indices] = y_ad
        else:
            np.add.at(x_ad.T, self.indices, y_ad.T)
        return x_ad


class Linear(ObservationOperator):
    """A matrix `[obs, k]`."""

    def __init__(self, matrix: Array) -> None:
        self.matrix = np.asarray(matrix, np.float64)

    def __call__(self, x: Array) -> Array:
        """Return `H x`."""
        return x @ self.matrix.T

    def tl(self, x: Array, x_tl: Array) -> Array:
        """Return `H dx`."""
        return x_tl @ self.matrix.T

    def ad(self, x: Array, y_ad: Array) -> Array:
        """Return `H^T y_ad`."""
        return y_ad @ self.matrix


class Nonlinear(ObservationOperator):
    """Three functions that act on the last axis; `ad` is differenced for Hessians.

    Parameters
    ----------
    h
        `h(x)`.
    tl
        `tl(x, x_tl)`.
    ad
        `ad(x, y_ad)`.
    """

    def __init__(
        self,
        h: Callable[[Array], Array],
        tl: Callable[[Array, Array], Array],
        ad: Callable[[Array, Array], Array],
    ) -> None:
        self._h, self._tl, self._ad = h, tl, ad

    def __call__(self, x: Array) -> Array:
        """Return `h(x)`."""
        return self._h(x)

    def tl(self, x: Array, x_tl: Array) -> Array:
        """Return the change."""
        return self._tl(x, x_tl)

    def ad(self, x: Array, y_ad: Array) -> Array:
        """Return the sensitivity."""
        return self._ad(x, y_ad)

    def bend(self, x: Array, x_tl: Array, y_ad: Array) -> Array:
        """Return the change of `ad(x, y_ad)` with x, by central differences."""
        size = np.abs(x_tl).max(axis=-1, keepdims=True)
        size = np.where(size == 0.0, 1.0, size)
        change = INCREMENT / size * x_tl
        bent = self._ad(x + change, y_ad) - self._ad(x - change, y_ad)
        return bent * (size / (2.0 * INCREMENT))


@dataclass(frozen=True)
class Observations:
    """What was observed in a window.

    Parameters
    ----------
    steps
        Time of each row, in steps from the beginning of the window, ascending `[time]`.
    values
        NaN where nothing was observed `[time, obs]`.
    operator
        H.
    covariance
        R, the same at all times.

    Raises
    ------
    BindingError
        If shapes do not fit, a step is repeated or negative, or a value is infinite.
    """

    steps: np.ndarray
    values: Array
    operator: ObservationOperator
    covariance: Covariance

    def __post_init__(self) -> None:
        """Check the arrays."""
        steps, values = np.asarray(self.steps), np.asarray(self.values)
        shape = [steps.size, self.covariance.size]
        if list(values.shape) != shape:
            raise BindingError(f"'values' has shape {list(values.shape)}, expected {shape}")
        if not np.issubdtype(steps.dtype, np.integer):
            raise BindingError(f"'steps' has dtype {steps.dtype}, expected integers")
        if steps.size and (steps[0] < 0 or (np.diff(steps) <= 0).any()):
            raise BindingError("'steps' must ascend from 0 without repetition")
        if np.isinf(values).any():
            raise BindingError("'values' holds infinity; NaN marks what was not observed")

    @property
    def n_observed(self) -> int:
        """Values that are not NaN."""
        return int(self.present.sum())

    @property
    def n_missing(self) -> int:
        """Values that are NaN."""
        return self.present.size - self.n_observed

    @cached_property
    def present(self) -> np.ndarray:
        """Whether a value was observed `[time, obs]`."""
        return np.isfinite(self.values)

    @cached_property
    def _errors(self) -> list[Covariance | None]:
        """R at each time without what is missing, None where nothing was observed."""
        return [self.covariance.of(row) if row.any() else None for row in self.present]

    def check_window(self, n_steps: int) -> None:
        """Refuse observations after the end of a window.

        Raises
        ------
        BindingError
            If there are.
        """
        if self.steps.size and self.steps[-1] > n_steps:
            raise BindingError(
                f"observed at step {self.steps[-1]}, outside the window of {n_steps} steps"
            )

    def misfit(self, states: Array) -> tuple[float, Array]:
        """Return `J = 1/2 sum (H(x) - y)^T R^-1 (H(x) - y)` and its sensitivities.

        Parameters
        ----------
        states
            Trajectory `[time, k]`, all steps of the window.

        Returns
        -------
        tuple
            The cost, and the sensitivity to each state `[time, k]`.
        """
        cost, sensitivity = 0.0, np.zeros_like(states)
        for i, row in enumerate(self.steps):
            cost_i, sensitivity[row] = self.misfit_at(i, states[row])
            cost += cost_i
        return cost, sensitivity

    def misfit_at(self, i: int, x: Array) -> tuple[float, Array]:
        """Return the cost at the i-th time, and its sensitivity `[k]`, at `x` `[k]`."""
        present, errors = self.present[i], self._errors[i]
        if errors is None:
            return 0.0, np.zeros_like(x)
        departure = (self.operator(x) - self.values[i])[present]
        weighted = errors.solve(departure)
        spread = np.zeros(present.size)
        spread[present] = weighted
        return 0.5 * float(departure @ weighted), self.operator.ad(x, spread)

    def curvature(self, states: Array, changes: Array) -> Array:
        """Return `H'^T R^-1 H' dx` on trajectories `[time, ..., k]`: Gauss and Newton's."""
        sensitivity = np.zeros_like(changes)
        for i, row in enumerate(self.steps):
            present, errors = self.present[i], self._errors[i]
            if errors is not None:
                y_tl = self.operator.tl(states[row], changes[row])
                spread = np.zeros(y_tl.shape)
                spread[..., present] = errors.solve(y_tl[..., present])
                sensitivity[row] = self.operator.ad(states[row], spread)
        return sensitivity

    def bend(self, states: Array, changes: Array) -> Array:
        """Return `(H'' dx)^T R^-1 (H(x) - y)`, what Gauss and Newton leave out of H.

        Arguments as for `curvature`.
        """
        sensitivity = np.zeros_like(changes)
        for i, row in enumerate(self.steps):
            present, errors = self.present[i], self._errors[i]
            if errors is not None:
                departure = (self.operator(states[row]) - self.values[i])[..., present]
                spread = np.zeros((*departure.shape[:-1], present.size))
                spread[..., present] = errors.solve(departure)
                sensitivity[row] = self.operator.bend(states[row], changes[row], spread)
        return sensitivity

    def gram(self, states: Array, changes: Array) -> Array:
        """Return `Y^T R^-1 Y`, `Y = H' dX` of many changes, `[column, column]`.

        Parameters
        ----------
        states
            Trajectory `[time, k]`.
        changes
            Along it `[time, column, k]`.
        """
        on_state = self.as_weights(states.shape[0] - 1, states.shape[1])
        if on_state is not None:
            weights = on_state[1]
            seen = weights > 0.0
            scaled = changes.transpose(1, 0, 2)[:, seen] * np.sqrt(weights[seen])
            return np.asarray(scaled @ scaled.T)
        total = np.zeros((changes.shape[1],) * 2)
        for i, row in enumerate(self.steps):
            present, errors = self.present[i], self._errors[i]
            if errors is not None:
                state = np.broadcast_to(states[row], changes[row].shape)
                y_tl = self.operator.tl(state, changes[row])[:, present]
                total += y_tl @ errors.solve(y_tl).T
        return total

    def until(self, n_steps: int) -> "Observations":
        """Return those of the first steps of the window."""
        n = int(np.searchsorted(self.steps, n_steps, side="right"))
        return replace(self, steps=self.steps[:n], values=self.values[:n])

    def as_weights(self, n_steps: int, n_state: int) -> tuple[Array, Array] | None:
        """Return values and inverse variances on the state `[time, k]`, or None.

        None unless sites are observed, each once, with uncorrelated errors.
        """
        operator, covariance = self.operator, self.covariance
        if not (isinstance(operator, Sites) and isinstance(covariance, Diagonal)):
            return None
        if np.unique(operator.indices).size != operator.indices.size:
            return None
        observed, weight = np.zeros((2, n_steps + 1, n_state))
        rows = np.ix_(self.steps, operator.indices)
        observed[rows] = np.where(self.present, self.values, 0.0)
        weight[rows] = np.where(self.present, covariance.weight, 0.0)
        return observed, weight
