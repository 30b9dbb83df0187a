# SPDX-License-Identifier: MIT
"""What is known of parameters before the observations, on a linear or a log scale."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from isthmus.errors import ConfigurationError
from isthmus.inverse.forward import Array

SCALES = ("linear", "log")


@dataclass(frozen=True)
class Parameter:
    """What is known of a parameter before the observations.

    Attributes
    ----------
    name
        As the model calls it.
    background
        Best guess.
    sd
        Standard deviation; relative, of log p, if `scale` is "log".
    scale
        "linear", or "log" for what is positive.

    Raises
    ------
    ConfigurationError
        If a value makes no sense.
    """

    name: str
    background: float
    sd: float
    scale: str = "linear"

    def __post_init__(self) -> None:
        """Check the values."""
        if self.scale not in SCALES:
            raise ConfigurationError(
                f"parameter '{self.name}': 'scale' must be one of {SCALES}, "
                f"found {self.scale!r}"
            )
        if not (np.isfinite(self.sd) and self.sd > 0.0):
            raise ConfigurationError(
                f"parameter '{self.name}': 'sd' must be above 0, found {self.sd}"
            )
        if not np.isfinite(self.background) or (self.is_log and self.background <= 0.0):
            raise ConfigurationError(
                f"parameter '{self.name}': 'background' must be "
                f"{'above 0' if self.is_log else 'finite'}, found {self.background}"
            )

    @property
    def is_log(self) -> bool:
        """Whether q is the logarithm."""
        return self.scale == "log"


class Prior:
    """Independent parameters in the order of the model, and the way between p and q.

    Parameters
    ----------
    parameters
        All of the model's that are estimated.

    Attributes
    ----------
    mean, sd
        Of q `[i]`.
    """

    def __init__(self, parameters: Sequence[Parameter]) -> None:
        if not parameters:
            raise ConfigurationError("no parameter to be estimated")
        self.parameters = tuple(parameters)
        self.names = tuple(parameter.name for parameter in parameters)
        self._is_log = np.array([parameter.is_log for parameter in parameters])
        background = np.array([parameter.background for parameter in parameters])
        self.mean = self.q(background)
        self.sd = np.array([parameter.sd for parameter in parameters])

    def q(self, p: Array) -> Array:
        """Return q of p `[i]`."""
        return np.where(self._is_log, np.log(np.where(self._is_log, p, 1.0)), p)

    def p(self, q: Array) -> Array:
        """Return p of q `[i]`."""
        return np.where(self._is_log, np.exp(np.where(self._is_log, q, 0.0)), q)

    def slope(self, q: Array) -> Array:
        """Return dp/dq `[i]`."""
        return np.where(self._is_log, self.p(q), 1.0)

    def bounds(self, n_deviations: float) -> tuple[Array, Array]:
        """Return the lowest and highest p `[i]` within so many deviations of the mean."""
        wide = n_deviations * self.sd
        return self.p(self.mean - wide), self.p(self.mean + wide)

    def sample(self, rng: np.random.Generator) -> Array:
        """Return parameters drawn from the prior `[i]`."""
        return self.p(self.mean + self.sd * rng.standard_normal(self.mean.size))
