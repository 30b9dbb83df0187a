# SPDX-License-Identifier: MIT
"""How far the network is rolled out, and when it goes farther."""

from collections.abc import Iterator
from dataclasses import dataclass

from ..errors import ConfigurationError


@dataclass(frozen=True)
class Stage:
    """One part of a training: rollouts of `length` steps for at most `epochs` epochs."""

    length: int
    epochs: int
    learning_rate: float
    """Factor on the learning rate of the training."""


@dataclass(frozen=True)
class Curriculum:
    """Longer and longer rollouts: first one step, then more.

    Parameters
    ----------
    steps : tuple of int
        Length of the rollouts of each stage.
    epochs : int or tuple of int
        Largest number of epochs of each stage.
    learning_rates : tuple of float, optional
        Factor on the learning rate for each stage; 1 without it.

    Raises
    ------
    ConfigurationError
        If a length or number of epochs is not positive, or the tuples differ in length.
    """

    steps: tuple[int, ...] = (1,)
    epochs: int | tuple[int, ...] = 20
    learning_rates: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        """Check the numbers once, before anything is trained."""
        for name, values in (("steps", self.steps), ("epochs", self._epochs())):
            if len(values) != len(self.steps) or min(values, default=0) < 1:
                raise ConfigurationError(
                    f"curriculum '{name}' is {values}, expected "
                    f"{len(self.steps) or 'some'} positive numbers"
                )
        if len(self._rates()) != len(self.steps) or min(self._rates()) <= 0:
            raise ConfigurationError(
                f"curriculum 'learning_rates' is {self.learning_rates}, expected "
                f"{len(self.steps)} positive numbers"
            )

    def __iter__(self) -> Iterator[Stage]:
        """Yield the stages in order."""
        for length, epochs, rate in zip(
            self.steps, self._epochs(), self._rates(), strict=True
        ):
            yield Stage(length, epochs, rate)

    def __len__(self) -> int:
        """Return the number of stages."""
        return len(self.steps)

    def _epochs(self) -> tuple[int, ...]:
        return (
            (self.epochs,) * len(self.steps)
            if isinstance(self.epochs, int)
            else self.epochs
        )

    def _rates(self) -> tuple[float, ...]:
        return self.learning_rates or (1.0,) * len(self.steps)
