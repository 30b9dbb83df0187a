# SPDX-License-Identifier: MIT
"""Warm rain recipes: networks of rates trained on one step or on their own rollouts.

States are [time, cell, 7], see `nets.rain`. Errors are measured as published: each of Lc,
Nc, Lr, Nr in units of its standard deviation over all states and times.
"""

from dataclasses import replace
from typing import Final

import torch
from torch import Tensor, nn

from ..errors import DataError
from ..nets.rain import LEAST, RainNet, RainStep
from .curriculum import Curriculum
from .fit import fit
from .losses import RolloutLoss
from .rollout import Rollout
from .samples import Windows
from .settings import FitSettings, History

N_MOMENTS: Final = 4
FIRST_SHARE: Final = 1e-4  # of all water; less rain than this counts as none
FIRST_DROPS: Final = 100.0  # [m-3], likewise
LOG_WEIGHT: Final = 0.25  # a logarithm spans about ten, a scaled moment about one
ROLLOUT_LENGTHS: Final = (1, 5, 20, 60, 180)  # steps of 20 s: to an hour
EPOCHS: Final = (20, 5, 5, 4, 10)
RATES: Final = (1.0, 0.5, 0.3, 0.3, 0.3)


def moment_scale(states: Tensor) -> Tensor:
    """Return the standard deviation [4] of Lc, Nc, Lr, Nr over all of [time, cell, 7]."""
    return states[..., :N_MOMENTS].double().flatten(0, -2).std(dim=0)


def measures(states: Tensor, scale: Tensor) -> Tensor:
    """Return what a rollout is judged by [..., 6] at states [..., 7].

    The four moments in units of their `scale` [4], and the logarithms of rain mass and
    number. Rain grows in proportion to itself, so an error of the first drops comes back
    multiplied; in the units of full-grown rain alone one step would not show it.
    """
    share = torch.log(states[..., 2] / (states[..., 4] + LEAST) + FIRST_SHARE)
    number = torch.log(states[..., 3] + FIRST_DROPS)
    logarithms = LOG_WEIGHT * torch.stack([share, number], dim=-1)
    return torch.cat([states[..., :N_MOMENTS] / scale, logarithms], dim=-1)


class RainWindows(Windows):
    """Windows of consecutive states, with the measures of those that follow.

    Parameters
    ----------
    states : Tensor
        [time, cell, 7].
    scale : Tensor
        Unit of each moment [4].
    every : int, optional
        Steps between the starts of two windows; half their length without it, at least 4.

    Raises
    ------
    DataError
        If the states are not finite or of another shape.
    """

    tensors = ("x", "scale")
    name = "states"

    def __init__(self, states: Tensor, scale: Tensor, every: int | None = None) -> None:
        if states.ndim != 3 or states.shape[-1] != 7:
            raise DataError(
                f"'states' is {list(states.shape)}, expected [time, cell, 7]: "
                "lc, nc, lr, nr, l0, rm, nu"
            )
        super().__init__(states, stride=every)
        self.scale = scale

    def measured(self, x: Tensor) -> Tensor:
        """Return the measures [lead, cell, 6] of states [lead, cell, 7]."""
        return measures(x, self.scale)


class RainRollout(Rollout):
    """Boxes iterated on their own output; predictions are `measures`.

    Parameters
    ----------
    step : RainStep
        Trained.
    scale : Tensor
        Unit of each moment [4].
    detach_every : int, optional
        Cut the gradient every so many steps.
    noise : float
        Relative standard deviation of noise on the moments of the first state in training.
    """

    scale: Tensor

    def __init__(
        self,
        step: RainStep,
        scale: Tensor,
        *,
        detach_every: int | None = None,
        noise: float = 0.0,
    ) -> None:
        super().__init__(step, detach_every=detach_every, noise=noise)
        self.register_buffer("scale", scale.clone())

    def disturbed(self, x: Tensor) -> Tensor:
        """Return states [cell, 7] whose moments are multiplied by noise."""
        moments = x[:, :N_MOMENTS]
        factor = torch.exp(self.noise * torch.randn_like(moments))
        return torch.cat([moments * factor, x[:, N_MOMENTS:]], dim=-1)

    def measured(self, x: Tensor) -> Tensor:
        """Return the measures [cell, 6] of states [cell, 7]."""
        return measures(x, self.scale)


def train_rain(
    train: Tensor,
    valid: Tensor,
    *,
    dt: float = 20.0,
    form: str = "correction",
    start: nn.Module | None = None,
    curriculum: Curriculum | None = None,
    loss: RolloutLoss | None = None,
    settings: FitSettings | None = None,
    every: int | None = None,
    noise: float = 0.0,
    detach_every: int | None = None,
    progress: bool | None = None,
) -> tuple[nn.Module, History]:
    """Train a network of rates on rollouts of growing length; one step is a rollout too.

    Parameters
    ----------
    train, valid : Tensor
        States [time, cell, 7], `dt` apart.
    form : str
        Of `RainNet`.
    start : module, optional
        Network to go on from, changed in place; a new one without it.
    curriculum : Curriculum, optional
        By default rollouts of `ROLLOUT_LENGTHS`.
    every : int, optional
        Steps between starts of windows, see `RainWindows`.

    Returns
    -------
    closure : module
        State [cell, 7] to rates [cell, 4], with the best weights.
    history : History
        The evaluations.
    """
    curriculum = curriculum or Curriculum(ROLLOUT_LENGTHS, EPOCHS, RATES)
    settings = settings or FitSettings(
        batch_size=512, schedule="cosine", learning_rate=3e-3, evaluate_every=10
    )
    torch.manual_seed(settings.seed)
    closure = start if start is not None else RainNet(form)
    scale = moment_scale(train)
    history = fit(
        RainRollout(RainStep(closure, dt), scale, detach_every=detach_every, noise=noise),
        RainWindows(train, scale, every),
        RainWindows(valid, scale, every),
        curriculum=curriculum,
        loss=loss,
        settings=replace(settings, clip_norm=settings.clip_norm or 1.0),
        progress=progress,
    )
    return closure, history


def rollout_errors(predicted: Tensor, truth: Tensor) -> Tensor:
    """Return RMSE over standard deviation of truth [4], both [time, cell, 4 or more].

    Pooled over all times and cells, as published.
    """
    p, t = (v[..., :N_MOMENTS].double().flatten(0, -2) for v in (predicted, truth))
    return (p - t).square().mean(dim=0).sqrt() / t.std(dim=0, unbiased=False)


def transition_times(states: Tensor, tau: float, dt: float) -> Tensor:
    """Return when Lr/(Lc+Lr) first reaches `tau` [cell], s; infinite if it never does.

    Linear between saved times. `states` is [time, cell, 4 or more].
    """
    rain = states[..., 2].double()
    share = rain / (states[..., 0].double() + rain)
    reached = share >= tau
    index = reached.float().argmax(dim=0)
    cell = torch.arange(states.shape[1])
    before = share[(index - 1).clamp(min=0), cell]
    after = share[index, cell]
    part = torch.where(index > 0, (tau - before) / (after - before + 1e-30), 1.0)
    found = dt * ((index - 1).clamp(min=0) + torch.where(index > 0, part, 0.0))
    return torch.where(reached.any(dim=0), found, torch.inf)
