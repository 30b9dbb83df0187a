# SPDX-License-Identifier: MIT
"""Emulators that know parameters, such as the forcing: rollouts, samples and a recipe.

The parameters of a member are constant in time and go into every step beside the state.
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
from .rollout import Rollout
from .samples import Windows
from .settings import FitSettings, History

CONDITIONAL_EMULATORS: Final[dict[str, Callable[[], nn.Module]]] = {
    "bilinear": ConditionalBilinearNet,
    "deep": lambda: ConditionalConvNet("silu"),
}


class ConditionalRollout(Rollout):
    """A step (x, p_1, p_2, ...) -> x iterated on its own output, parameters constant."""

    def advance(self, x: Tensor, beside: Tensor | None, lead: int) -> Tensor:
        """Return the state [member, k] one step later; `beside` holds in all steps."""
        given = (beside,) if beside is None or beside.ndim == 1 else beside.unbind(-1)
        result: Tensor = self(x, *given)
        return result


class DrivenRollout(Rollout):
    """A step (x, p_1, ..., known_1, ...) -> x whose inputs may change in each step.

    The samples are `Windows` with the inputs beside the state [time, member, i].
    """

    def advance(self, x: Tensor, beside: Tensor | None, lead: int) -> Tensor:
        """Return the state [member, k] one step later."""
        given = () if beside is None else beside[lead].unbind(-1)
        result: Tensor = self(x, *given)
        return result


class ForcedWindows(Windows):
    """All windows of consecutive states, each with the parameters of its member.

    Parameters
    ----------
    x : Tensor
        States [time, member, k].
    forcing : Tensor
        The forcing [member], or several parameters [member, i].

    Raises
    ------
    DataError
        If there is not one forcing for each member.
    """

    tensors = ("x", "forcing")

    def __init__(self, x: Tensor, forcing: Tensor) -> None:
        if forcing.shape[:1] != x.shape[1:2]:
            raise DataError(
                f"'forcing' has shape {list(forcing.shape)}, expected [{x.shape[1]}]: "
                "one for each member"
            )
        super().__init__(x)
        self.forcing = forcing

    @classmethod
    def of(cls, trajectories: Trajectories) -> "ForcedWindows":
        """Take `x` and `forcing` of trajectories."""
        x, forcing = (torch.from_numpy(trajectories[name]) for name in ("x", "forcing"))
        return cls(x, forcing)

    def start(self, x: Tensor, member: Tensor) -> tuple[Tensor, Tensor]:
        """Return first states [member, k] and their parameters."""
        return x, self.forcing[member]


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
