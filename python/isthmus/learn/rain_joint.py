# SPDX-License-Identifier: MIT
"""Rain networks trained through columns and on boxes at once.

A network trained in boxes alone takes little rain for young rain, one trained in columns
alone forgets how a cloud begins to rain. Here every column of a batch brings some boxes
along: one call of the network serves the cells of both, and errors of both are added. A
state is [column, 4 level + 4 + 7 n]: a column of `nets.rain_column`, then n boxes of
`nets.rain`.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from ..nets.rain import LARGEST_FACTOR, LEAST, RainNet, RainStep, rain_features
from ..nets.rain_column import RainColumn
from .curriculum import Curriculum
from .fit import fit
from .rain import RainWindows, measures, moment_scale
from .rain_column import (
    FIRST_RAIN,
    ColumnWindows,
    RainShafts,
    column_measures,
    column_scale,
)
from .rollout import Rollout
from .samples import Windows
from .settings import FitSettings, History

N_BOX: Final = 7
LENGTHS: Final = (180,)  # steps of 20 s: an hour
EPOCHS: Final = (45,)
RATES: Final = (1.0,)
BOX_WEIGHT: Final = 10.0  # errors of boxes are a fifth of those of columns, squared 1/25
WITHIN: Final = 99.0  # per cent of boxes, see `beyond_boxes`
SPLIT_SEED: Final = 5
IMITATIONS: Final = 4000  # updates of `imitate`
CELLS_AT_ONCE: Final = 2048
COUNTS: Final = 0.3  # weight of self-collection beside what moves water, in `imitate`


class JointStep(nn.Module):
    """One step of columns and of the boxes beside them.

    Parameters
    ----------
    column : RainColumn
        Its closure is that of the boxes too.
    """

    def __init__(self, column: RainColumn) -> None:
        super().__init__()
        self.column = column
        self.width = 4 * column.geometry.levels + 4
        self.box = RainStep(column.closure, column.geometry.dt)

    def forward(self, state: Tensor, updraft: Tensor) -> Tensor:
        """Return columns and boxes one step later."""
        boxes = self.box(state[:, self.width :].reshape(-1, N_BOX))
        column = self.column(state[:, : self.width], updraft)
        return torch.cat([column, boxes.reshape(len(state), -1)], dim=-1)


class JointMeasures:
    """What columns and boxes are judged by, in units that make them weigh alike.

    Parameters
    ----------
    width : int
        Numbers that make a column.
    column, box : Tensor
        Units of `column_measures` and of the moments of boxes.
    weight : float
        Weight of the mean squared error of boxes beside that of columns.
    """

    def __init__(self, width: int, column: Tensor, box: Tensor, weight: float) -> None:
        self.width, self.column, self.box, self.weight = width, column, box, weight

    def __call__(self, x: Tensor) -> Tensor:
        """Return the measures [..., k] of states [..., 4 level + 4 + 7 n]."""
        columns = column_measures(x[..., : self.width]) / self.column.to(x)
        boxes = x[..., self.width :].reshape(*x.shape[:-1], -1, N_BOX)
        found = measures(boxes, self.box.to(x)).flatten(-2)
        share = (self.weight * columns.shape[-1] / found.shape[-1]) ** 0.5
        return torch.cat([columns, share * found], dim=-1)


class JointWindows(Windows):
    """Windows of columns, each with as many boxes as it takes to see all of them.

    Boxes of long rollouts begin at their first state, which has no noise.
    """

    tensors = ("x", "beside")
    name = "states"

    def __init__(
        self, columns: ColumnWindows, boxes: RainWindows, measured: Callable[..., Tensor]
    ) -> None:
        super().__init__(columns.x, columns.beside, stride=columns.every)
        self.columns, self.boxes, self.measures = columns, boxes, measured

    def batch(self, indices: Tensor, length: int) -> tuple[Any, Tensor]:
        """Return columns and boxes, with updrafts, and the measures of what follows."""
        member = indices % self.x.shape[1]
        time = torch.div(indices, self.x.shape[1], rounding_mode="floor")
        time = time * self.stride(length)
        leads = torch.arange(length + 1).unsqueeze(-1)
        columns = self.x[time + leads, member]
        states = torch.cat([columns, self._boxes(indices, length).to(columns)], dim=-1)
        assert self.beside is not None
        updraft = self.beside[time + leads[:-1], member]
        return (states[0], updraft), self.measures(states[1:])

    def to(self, dtype: torch.dtype) -> "JointWindows":
        """Return the windows in another precision."""
        return JointWindows(self.columns.to(dtype), self.boxes.to(dtype), self.measures)

    def digest(self) -> str:
        """Return a checksum of columns and boxes."""
        return self.columns.digest() + self.boxes.digest()

    def _boxes(self, indices: Tensor, length: int) -> Tensor:
        """Return the boxes [lead, column, 7 n] that go with some columns."""
        states = self.boxes.x
        n_beside = max(1, round(states.shape[1] / self.count(length)))
        n_starts = max(1, (states.shape[0] - length) // self.boxes.stride(length))
        seed = torch.Generator().manual_seed(SPLIT_SEED)
        order = torch.randperm(n_starts * states.shape[1], generator=seed)
        place = indices[:, None] * n_beside + torch.arange(n_beside)
        found = order[place % len(order)]
        start = torch.div(found, states.shape[1], rounding_mode="floor")
        start = start * self.boxes.stride(length)
        leads = torch.arange(length + 1)[:, None, None]
        return states[start + leads, found % states.shape[1]].flatten(-2)


class JointRollout(Rollout):
    """Columns and boxes iterated on their own output."""

    def __init__(
        self, step: JointStep, measured: JointMeasures, detach_every: int | None = None
    ) -> None:
        super().__init__(step, detach_every=detach_every)
        self.measures = measured

    def measured(self, x: Tensor) -> Tensor:
        """Return the measures [column, k] of states."""
        return self.measures(x)


def beyond_boxes(boxes: Tensor, columns: Tensor, percent: float = WITHIN) -> Tensor:
    """Return the cells of columns that are like no box [cell, 7].

    Those whose inputs of a network lie farther out, by Mahalanobis' distance, than so many
    per cent of the boxes: old rain in new cloud. There a teacher of boxes is wrong.
    """
    seen = rain_features(boxes[boxes[:, 0] + boxes[:, 2] > FIRST_RAIN])
    centre, inverse = seen.mean(0), torch.linalg.pinv(torch.cov(seen.T))

    def square(cells: Tensor) -> Tensor:
        apart = cells - centre
        return ((apart @ inverse) * apart).sum(-1)

    limit = np.percentile(square(seen).numpy(), percent)
    return columns[square(rain_features(columns)) > limit]


def imitate(
    net: RainNet,
    teacher: nn.Module,
    boxes: Tensor,
    columns: Tensor,
    *,
    n_updates: int = IMITATIONS,
) -> float:
    """Let a network of the form "column" begin as a teacher in boxes, as tuned in columns.

    Logarithms of the rates are fitted, those of autoconversion and accretion by their share
    in what moves water. Without it rollouts begin far from boxes and need many updates.

    Parameters
    ----------
    net : RainNet
        Trained in place.
    teacher : module
        State of cells [cell, 7] to rates [cell, 4], good in boxes.
    boxes, columns : Tensor
        Cells [cell, 7]; dry ones teach nothing. Columns: of `beyond_boxes`.

    Returns
    -------
    float
        Root mean square of the logarithms' weighted error in the last hundred updates.
    """
    net.float()
    with torch.no_grad():
        ratio = (teacher(boxes) + LEAST) / (net.base(boxes) + LEAST)
        target = torch.log(ratio).clamp(-LARGEST_FACTOR, LARGEST_FACTOR)
        rates = teacher(boxes)[:, :2]
        share = rates / (rates.sum(-1, keepdim=True) + LEAST)
        weight = torch.cat([share, torch.full_like(share, COUNTS)], dim=-1)
    cells = torch.cat([rain_features(boxes), rain_features(columns)]).float()
    target = torch.cat([target, target.new_zeros(len(columns), 4)]).float()
    weight = torch.cat([weight, weight.new_ones(len(columns), 4)]).float()
    # As many of both in a batch.
    chance = torch.cat([torch.full((len(v),), 1.0 / len(v)) for v in (boxes, columns)])
    optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, n_updates)
    last: list[float] = []
    for _ in range(n_updates):
        i = torch.multinomial(chance, CELLS_AT_ONCE, replacement=True)
        out = LARGEST_FACTOR * torch.tanh(net.layers(cells[i]) / LARGEST_FACTOR)
        loss = (weight[i] * (out - target[i]) ** 2).mean()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
        last = [*last[-99:], float(loss.detach())]
    return float((sum(last) / len(last)) ** 0.5)


def train_jointly(
    columns: tuple[RainShafts, RainShafts],
    boxes: tuple[Tensor, Tensor],
    closure: nn.Module,
    *,
    curriculum: Curriculum | None = None,
    settings: FitSettings | None = None,
    weight: float = BOX_WEIGHT,
    detach_every: int | None = None,
    compiled: bool = False,
    progress: bool | None = None,
) -> History:
    """Train a network of rates, in place, in columns and boxes; return the evaluations.

    Parameters
    ----------
    columns : (RainShafts, RainShafts)
        To train on and to choose the weights by.
    boxes : (Tensor, Tensor)
        States [time, cell, 7], likewise.
    closure : module
        State of cells [cell, 7] to rates [cell, 4].
    curriculum : Curriculum, optional
        By default rollouts of `LENGTHS`.
    weight : float
        Of the mean squared error of boxes.
    detach_every : int, optional
        Cut the gradient every so many steps.
    compiled : bool
        Compile the step by torch's inductor: it costs a minute and makes steps faster.
    """
    settings = settings or FitSettings(
        batch_size=16, schedule="cosine", learning_rate=1e-3, evaluate_every=10
    )
    torch.manual_seed(settings.seed)
    column_unit, box_unit = column_scale(columns[0].states), moment_scale(boxes[0])
    step = JointStep(RainColumn(closure, columns[0].geometry))
    if compiled:
        step.compile(dynamic=False)
    judged = JointMeasures(step.width, column_unit, box_unit, weight)
    curriculum = curriculum or Curriculum(LENGTHS, EPOCHS, RATES)
    every = max(stage.length for stage in curriculum)

    def windows(shafts: RainShafts, states: Tensor) -> JointWindows:
        return JointWindows(
            ColumnWindows(shafts, column_unit, every), RainWindows(states, box_unit), judged
        )

    return fit(
        JointRollout(step, judged, detach_every),
        windows(columns[0], boxes[0]),
        windows(columns[1], boxes[1]),
        curriculum=curriculum,
        settings=replace(settings, clip_norm=settings.clip_norm or 1.0),
        progress=progress,
    )
