# SPDX-License-Identifier: MIT
"""Train a network step of chemistry on its own rollouts of days.

The rollouts are those of `learn`: `ChemistryRollout` iterates the step with the light of
each step, `ChemistryWindows` cuts trajectories, `RolloutLoss` measures. Errors are those of
log(y + floor) over what the species usually changes by in a step, so that a radical counts
as much as ozone and what is below its floor does not count.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..errors import DataError
from ..nets.chemistry import ChemistryStep, FirstStepNet, floors
from .curriculum import Curriculum
from .fit import fit
from .losses import RolloutLoss
from .rollout import Rollout, Trainable
from .samples import Windows, digest
from .settings import FitSettings, History

Array = NDArray[np.float64]

CURRICULUM: Final = Curriculum(
    steps=(1, 4, 24), epochs=(20, 4, 2), learning_rates=(1.0, 0.3, 0.1)
)
SETTINGS: Final = FitSettings(
    learning_rate=3e-3, batch_size=512, schedule="cosine", evaluate_every=400, clip_norm=1.0
)
SMALLEST_CHANGE: Final = 1e-3
"""Relative change per step that counts as one, where a species usually changes less."""


@dataclass(frozen=True)
class ChemistryData:
    """Trajectories of many cells.

    Attributes
    ----------
    y : array
        Concentrations [time, cell, species].
    light : array
        During the step that begins at each time [time, cell, n_light].
    dt : float
        Between two times [mechanism's unit].
    """

    y: Array
    light: Array
    dt: float

    def __post_init__(self) -> None:
        """Check the shapes once.

        Raises
        ------
        DataError
            If they do not fit together, or a value is not finite.
        """
        if self.y.ndim != 3 or self.light.shape[:2] != self.y.shape[:2]:
            raise DataError(
                f"'y' is {list(self.y.shape)} and 'light' {list(self.light.shape)}, "
                "expected [time, cell, species] and [time, cell, n]"
            )
        if not (np.isfinite(self.y).all() and np.isfinite(self.light).all()):
            raise DataError("'y' or 'light' holds values that are not finite")

    def cells(self, first: int, last: int) -> "ChemistryData":
        """Return some cells."""
        return replace(self, y=self.y[:, first:last], light=self.light[:, first:last])


def pairs(*parts: ChemistryData) -> ChemistryData:
    """Return all single steps of trajectories of any length, as cells of two times."""

    def joined(arrays: list[Array], times: slice) -> Array:
        # Without light the last extent is zero, and no other may be left to be found.
        cut = [whole[times] for whole in arrays]
        flat = [part.reshape(part.shape[0] * part.shape[1], part.shape[2]) for part in cut]
        return np.concatenate(flat)

    y, light = (
        np.stack([joined(arrays, slice(None, -1)), joined(arrays, slice(1, None))])
        for arrays in ([part.y for part in parts], [part.light for part in parts])
    )
    return ChemistryData(y, light, parts[0].dt)


class ChemistryWindows(Windows):
    """All windows of trajectories: a start with the light of all its steps, and targets.

    Parameters
    ----------
    y : tensor
        Concentrations [time, cell, species].
    light : tensor
        [time, cell, n_light].
    floor, unit : tensor
        Of the logarithm and of the errors [species].
    """

    tensors = ("x", "beside", "floor", "unit")
    name = "y"
    axes = "[time, cell, species]"

    def __init__(self, y: Tensor, light: Tensor, floor: Tensor, unit: Tensor) -> None:
        super().__init__(y, light)
        self.floor, self.unit = floor, unit

    def measured(self, x: Tensor) -> Tensor:
        """Return log(y + floor) / unit [lead, cell, species]."""
        return torch.log(x + self.floor) / self.unit


class ChemistryRollout(Rollout):
    """The step iterated on its own output, with the light of each step.

    Parameters
    ----------
    step : ChemistryStep
        What is trained.
    unit : tensor
        What errors of the logarithms are measured in [species].
    detach_every : int, optional
        Cut the gradient every so many steps.
    noise : float
        Relative standard deviation of noise on the first concentrations in training.
    """

    floor: Tensor
    unit: Tensor

    def __init__(
        self,
        step: ChemistryStep,
        unit: Tensor,
        *,
        detach_every: int | None = None,
        noise: float = 0.0,
    ) -> None:
        super().__init__(step, detach_every=detach_every, noise=noise)
        self.register_buffer("floor", step.floor.clone(), persistent=False)
        self.register_buffer("unit", unit.clone())

    def disturbed(self, x: Tensor) -> Tensor:
        """Return concentrations [cell, species] multiplied by noise."""
        return x * torch.exp(self.noise * torch.randn_like(x))

    def measured(self, x: Tensor) -> Tensor:
        """Return log(y + floor) / unit [cell, species]."""
        return torch.log(x.clamp(min=0.0) + self.floor) / self.unit


def units(data: ChemistryData, floor: Array) -> Array:
    """Return what a species' log(y + floor) usually changes by in a step [species]."""
    logs = np.log(data.y + floor)
    changes = np.sqrt(np.square(np.diff(logs, axis=0)).mean(axis=(0, 1)))
    return np.maximum(changes, SMALLEST_CHANGE)


def train_chemistry_step(
    train: ChemistryData,
    valid: ChemistryData,
    invariants: Array,
    *,
    hidden: tuple[int, ...] = (64, 64),
    activation_name: str = "silu",
    weights: Array | None = None,
    floor: Array | None = None,
    start: ChemistryStep | None = None,
    curriculum: Curriculum | None = None,
    loss: RolloutLoss | None = None,
    settings: FitSettings | None = None,
    progress: bool | None = None,
) -> tuple[ChemistryStep, History]:
    """Train one network step on trajectories of a stiff solver.

    Parameters
    ----------
    train, valid : ChemistryData
        Of different cells.
    invariants : array
        Conserved sums [family, species]: `Mechanism.linear_invariants()`.
    hidden : tuple of int
        Widths of the hidden layers.
    activation_name : str
        See `ChemistryStep`.
    weights : array, optional
        How much the error of each species [species] counts; 1 if not given.
    floor : array, optional
        [species]; `nets.chemistry.floors` of the training data if not given.
    start : ChemistryStep, optional
        A trained step that is trained on, instead of a new one; it is changed.

    Returns
    -------
    step : ChemistryStep
        With the best weights, exact parts in float64.
    history : History
        The evaluations.
    """
    settings = settings or SETTINGS
    low = floors(train.y) if floor is None else np.asarray(floor, np.float64)
    torch.manual_seed(settings.seed)
    if start is None:
        step = ChemistryStep(
            invariants,
            low,
            dt=train.dt,
            n_light=train.light.shape[-1],
            hidden=hidden,
            activation_name=activation_name,
        )
        y, light = torch.from_numpy(train.y), torch.from_numpy(train.light)
        first = (y[:-1].flatten(0, 1), light[:-1].flatten(0, 1))
        step.fit_linear(*first, y[1:].flatten(0, 1))
    else:
        step, low = start, start.floor.double().numpy()
    emphasis = np.ones(len(low)) if weights is None else np.asarray(weights, np.float64)
    unit = torch.from_numpy(units(train, low) / emphasis)
    samples = [
        ChemistryWindows(
            torch.from_numpy(data.y),
            torch.from_numpy(data.light),
            torch.from_numpy(low),
            unit,
        )
        for data in (train, valid)
    ]
    history = fit(
        ChemistryRollout(step, unit),
        *samples,
        curriculum=curriculum or CURRICULUM,
        loss=loss,
        settings=settings,
        progress=progress,
    )
    return step.after_training(), history


class FirstSteps:
    """States with the inner step that served them: `h` as log(h / dt) [cell, 1]."""

    def __init__(self, y: Tensor, light: Tensor, h: Tensor) -> None:
        self.y, self.light, self.h = y, light, h

    def count(self, length: int) -> int:
        """Return the number of states."""
        return len(self.y)

    def batch(self, indices: Tensor, length: int) -> tuple[tuple[Tensor, Tensor], Tensor]:
        """Return states with their light, and targets [1, cell, 1]."""
        return (self.y[indices], self.light[indices]), self.h[indices].unsqueeze(0)

    def to(self, dtype: torch.dtype) -> "FirstSteps":
        """Return the samples in another precision."""
        return FirstSteps(*(part.to(dtype) for part in (self.y, self.light, self.h)))

    def digest(self) -> str:
        """Return a checksum of the values."""
        return digest(self.y, self.light, self.h)


class _FirstStepRegression(Trainable):
    """Unpack state and light for the network."""

    def __init__(self, net: FirstStepNet) -> None:
        super().__init__()
        self.net = net

    def predict(self, start: tuple[Tensor, Tensor], n_steps: int) -> Tensor:
        """Return log(h / dt) as the single lead of [1, cell, 1]."""
        guess: Tensor = self.net(*start)
        return guess.unsqueeze(0)


def train_first_step(
    step: ChemistryStep,
    train: FirstSteps,
    valid: FirstSteps,
    *,
    settings: FitSettings | None = None,
    progress: bool | None = None,
) -> tuple[FirstStepNet, History]:
    """Train a guess of the solver's first inner step."""
    settings = settings or replace(SETTINGS, evaluate_every=100)
    torch.manual_seed(settings.seed)
    net = FirstStepNet(step)
    history = fit(
        _FirstStepRegression(net),
        train,
        valid,
        curriculum=Curriculum((1,), 10),
        settings=settings,
        progress=progress,
    )
    net.double()
    net.net.float()
    return net.eval(), history
