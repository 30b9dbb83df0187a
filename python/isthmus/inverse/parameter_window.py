# SPDX-License-Identifier: MIT
"""How long a window is, and what is observed in it: `[window]` of a TOML file."""

from dataclasses import dataclass

import numpy as np

from isthmus.errors import BindingError, ConfigurationError
from isthmus.inverse.covariances import Diagonal
from isthmus.inverse.forward import Array
from isthmus.inverse.observations import ObservationOperator, Observations


@dataclass(frozen=True)
class Window:
    """How long a window is, and what is observed in it.

    Attributes
    ----------
    n_steps
        Length.
    every_step, every_site
        Share of the times and of the sites that is observed.
    sd
        Standard deviation of the observations' errors.
    state_sd
        Of the first guess; relative to a site's scale, as each case says.
    n_stages
        Of the minimisation.
    """

    n_steps: int
    every_step: int = 1
    every_site: int = 1
    sd: float = 1.0
    state_sd: float = 1.0
    n_stages: int = 3

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises
        ------
        ConfigurationError
            The key is named.
        """
        for name in ("n_steps", "every_step", "every_site", "n_stages"):
            value = getattr(self, name)
            if not (isinstance(value, int) and value >= 1):
                raise ConfigurationError(
                    f"'window.{name}' must be a whole number above 0, found {value!r}"
                )
        for name in ("sd", "state_sd"):
            value = getattr(self, name)
            if not (np.isfinite(value) and value > 0.0):
                raise ConfigurationError(
                    f"'window.{name}' must be above 0, found {value!r}"
                )

    @property
    def steps(self) -> np.ndarray:
        """Observed times."""
        return np.arange(0, self.n_steps + 1, self.every_step)


class Observed:
    """A case of which some elements of the state are observed, with errors of their own.

    Attributes
    ----------
    window
        When.
    operator
        What.
    variance
        Of the errors `[obs]`.
    """

    window: Window
    operator: ObservationOperator
    variance: Array

    def observe(self, states: Array, rng: np.random.Generator) -> Observations:
        """Return noisy values of a true trajectory `[time, k]`."""
        true = self.operator(states[self.window.steps])
        noise = np.sqrt(self.variance) * rng.standard_normal(true.shape)
        return self.given(true + noise)

    def given(self, values: Array) -> Observations:
        """Return values `[time, obs]` with times, operator and errors; NaN is missing.

        Raises
        ------
        BindingError
            If their shape is not that of the window.
        """
        shape = self.window.steps.size, self.variance.size
        if values.shape != shape:
            raise BindingError(
                f"the observations have shape {list(values.shape)}, expected "
                f"{list(shape)}: one row for each observed time of [window], one column "
                "for each site"
            )
        return Observations(
            self.window.steps, values, self.operator, Diagonal(self.variance)
        )
