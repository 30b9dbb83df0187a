# SPDX-License-Identifier: MIT
"""The numpy face of every Fortran column model: a new one names its module and its keys."""

from dataclasses import astuple, dataclass
from typing import Any, ClassVar

import numpy as np

from isthmus.errors import BindingError, ConfigurationError
from isthmus.models._fortran import FloatArray, as_fortran, check_steps, column_api


@dataclass(frozen=True)
class ColumnModel:
    """Columns with a closure slot for fluxes at the faces between their levels.

    A subclass says which Fortran module it is and repeats, in order, the keys that
    `declare` of that module names, with their defaults. A state is `[column, value]`, what
    a closure answers with `[column, flux]`.
    """

    module: ClassVar[str]
    """The Fortran module, as `isthmus_add_column` was told."""

    def __post_init__(self) -> None:
        """Ask Fortran how long a state is.

        Raises
        ------
        ConfigurationError
            If it cannot be set up with these numbers.
        """
        if not np.all(np.isfinite(self.settings)):
            raise ConfigurationError(f"{self.module}: all settings must be finite")
        if self._sizes()[0] == 0:
            raise ConfigurationError(
                f"{self.module} cannot be set up with {self}; "
                f"isthmus-{self.module.replace('_', '-')} says why"
            )

    @property
    def settings(self) -> FloatArray:
        """The numbers of the namelist group &model, in order."""
        return np.array(astuple(self), np.float64)

    @property
    def n_values(self) -> int:
        """Numbers in the state of a column."""
        return self._sizes()[0]

    @property
    def n_fluxes(self) -> int:
        """Numbers that a closure answers with."""
        return self._sizes()[1]

    def initial_state(self, n_columns: int) -> FloatArray:
        """Return the first state `[column, value]`."""
        if n_columns < 1:
            raise ConfigurationError(f"'n_columns' is {n_columns}, expected at least 1")
        state = np.zeros((n_columns, self.n_values))
        self._call("start", state.T)
        return state

    def force(self, state: FloatArray, t: float, dt: float) -> FloatArray:
        """Change `state` in place by what comes before the closure, and return it.

        Parameters
        ----------
        state
            `[column, value]`.
        t, dt
            Start and length of the step [s].
        """
        check_steps(dt, 1)
        self._call("force", dt, t, self._checked(state, writable=True))
        return state

    def fluxes(self, state: FloatArray, dt: float) -> FloatArray:
        """Return what the physics answers with `[column, flux]`, means over a step."""
        check_steps(dt, 1)
        fluxes = np.empty((state.shape[0], self.n_fluxes))
        self._call("fluxes", dt, self._checked(state), fluxes.T)
        return fluxes

    def apply(self, state: FloatArray, fluxes: FloatArray, dt: float) -> FloatArray:
        """Let fluxes `[column, flux]` act on `state` in place for a step, and return it."""
        check_steps(dt, 1)
        cells = self._checked(state, writable=True)
        given = as_fortran("fluxes", fluxes, (state.shape[0], self.n_fluxes))
        self._call("apply", dt, given, cells)
        return state

    def _sizes(self) -> tuple[int, int]:
        sizes = np.zeros(2)
        self._call("sizes", sizes)
        return int(sizes[0]), int(sizes[1])

    def _checked(self, state: FloatArray, *, writable: bool = False) -> FloatArray:
        cells = as_fortran("state", state, (None, self.n_values), writable=writable)
        if not np.all(np.isfinite(state)):
            column, i = np.argwhere(~np.isfinite(state))[0]
            raise BindingError(f"'state' is {state[column, i]} in column {column}")
        return cells

    def _call(self, procedure: str, *arguments: Any) -> None:  # noqa: ANN401 (numbers, arrays)
        wrapped = getattr(column_api(self.module), f"{self.module}_{procedure}")
        wrapped(self.settings, *arguments)
