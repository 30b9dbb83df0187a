# SPDX-License-Identifier: MIT
"""Emulators that know the forcing: rollouts, samples and a recipe.

The forcing of a member is constant in time and goes into every step beside the state.
"""

from collections.abc import Callable
from typing import Final

import torch
from torch import Tensor, nn

from ..data import Trajectories
from ..errors import ConfigurationError, DataError
from ..nets import ConditionalBilinearNet, ConditionalConvNet, ConditionalRk4Step
from .curriculum import Curriculum
from .fit import fit
from .losses import RolloutLoss
from .rollout import Trainable
from .samples import Windows, digest
from .settings import FitSettings, History

CONDITIONAL_EMULATORS: Final[dict[str, Callable[[], nn.Module]]] = {
    "bilinear": ConditionalBilinearNet,
    "deep": lambda: ConditionalConvNet("silu"),
}


class ConditionalRollout(Trainable):
    """A step (x, forcing) -> x iterated on its own output under a constant forcing."""

    def __init__(self, step: nn.Module) -> None:
        super().__init__()
        self.step = step

    def forward(self, x: Tensor, forcing: Tensor) -> Tensor:
        """Return the state [member, k] one step later under `forcing` [member]."""
        return self.step(x, forcing)

    def predict(self, start: tuple[Tensor, Tensor], n_steps: int) -> Tensor:
        """Return the states [lead, member, k] after 1 .. n_steps steps.

        Parameters
        ----------
        start : tuple of Tensor
            The first state [member, k] and the forcing [member].
        """
        x, forcing = start
        states = []
        for _ in range(n_steps):
            x = self(x, forcing)
            states.append(x)
        return torch.stack(states)


class ForcedWindows:
    """All windows of consecutive states, each with the forcing of its member.

    Parameters
    ----------
    x : Tensor
        States [time, member, k].
    forcing : Tensor
        [member].

    Raises
    ------
    DataError
        If there is not one forcing for each member.
    """

    def __init__(self, x: Tensor, forcing: Tensor) -> None:
        if forcing.shape != x.shape[1:2]:
            raise DataError(
                f"'forcing' has shape {list(forcing.shape)}, expected [{x.shape[1]}]: "
                "one for each member"
            )
        self.windows = Windows(x)
        self.forcing = forcing

    @classmethod
    def of(cls, trajectories: Trajectories) -> "ForcedWindows":
        """Take `x` and `forcing` of trajectories."""
        x, forcing = (torch.from_numpy(trajectories[name]) for name in ("x", "forcing"))
        return cls(x, forcing)

    def count(self, length: int) -> int:
        """Return the number of windows of `length` steps."""
        return self.windows.count(length)

    def batch(self, indices: Tensor, length: int) -> tuple[tuple[Tensor, Tensor], Tensor]:
        """Return (states [member, k], forcing [member]) and targets [lead, member, k]."""
        x, target = self.windows.batch(indices, length)
        return (x, self.forcing[indices % self.forcing.shape[0]]), target

    def to(self, dtype: torch.dtype) -> "ForcedWindows":
        """Return the windows in another precision."""
        return ForcedWindows(self.windows.x.to(dtype), self.forcing.to(dtype))

    def digest(self) -> str:
        """Return a checksum of states and forcing."""
        return digest(self.windows.x, self.forcing)


def train_conditional_emulator(
    kind: str,
    train: Trajectories,
    valid: Trajectories,
    *,
    curriculum: Curriculum | None = None,
    loss: RolloutLoss | None = None,
    settings: FitSettings | None = None,
    progress: bool | None = None,
) -> tuple[ConditionalRk4Step, History]:
    """Train a network tendency g(x, F) on members of different forcing.

    Parameters
    ----------
    kind : str
        One of `CONDITIONAL_EMULATORS`.
    train, valid : Trajectories
        With `x` [time, member, k] and `forcing` [member].

    Returns
    -------
    step : ConditionalRk4Step
        (x [member, k], forcing [member]) -> [member, k], with the best weights.
    history : History
        The evaluations.

    Raises
    ------
    ConfigurationError
        If `kind` is unknown.
    """
    settings = settings or FitSettings()
    if kind not in CONDITIONAL_EMULATORS:
        expected = ", ".join(CONDITIONAL_EMULATORS)
        raise ConfigurationError(
            f"conditional emulator '{kind}', expected one of {expected}"
        )
    torch.manual_seed(settings.seed)
    step = ConditionalRk4Step(CONDITIONAL_EMULATORS[kind](), train.dt)
    history = fit(
        ConditionalRollout(step),
        ForcedWindows.of(train),
        ForcedWindows.of(valid),
        curriculum=curriculum,
        loss=loss,
        settings=settings,
        progress=progress,
    )
    return step, history
