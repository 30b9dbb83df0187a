# SPDX-License-Identifier: MIT
"""Rain columns: networks of rates trained through rain shafts, on what falls and stays.

Boxes begin with cloud alone, and all their rain is young when there is little of it. Cells
of a column are other: old rain falls into new cloud, large drops leave the small ones
behind. So the network is iterated inside the column (`nets.rain_column`), with the gradient
through condensation, falling and collisions, against a column of super-droplets. One
realization of each column is enough: the rollout begins at its exact state, its chances are
in the target and average out over columns.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import netCDF4
import numpy as np
import torch
from torch import Tensor, nn

from ..errors import DataError
from ..nets.rain_column import N_MOMENTS, RainColumn, ShaftGeometry, column_cells
from .curriculum import Curriculum
from .fit import fit
from .losses import RolloutLoss
from .rain import FIRST_DROPS, LOG_WEIGHT
from .rollout import Rollout
from .samples import Windows
from .settings import FitSettings, History

FIRST_RAIN: Final = 1e-6  # [kg m-3]; less rain than this counts as none
MOMENTS: Final = ("lc", "nc", "lr", "nr")
LENGTHS: Final = (15, 45, 120, 360)  # steps of 20 s: to two hours
EPOCHS: Final = (2, 2, 4, 40)
RATES: Final = (1.0, 0.5, 0.3, 0.2)


@dataclass(frozen=True)
class RainShafts:
    """Columns as `isthmus-rain-shaft` writes them.

    Attributes
    ----------
    states : Tensor
        [time, column, 4 level + 4], see `nets.rain_column.RainColumn`.
    updrafts : Tensor
        In the parts of each step [step, column, part], m s-1.
    geometry : ShaftGeometry
    """

    states: Tensor
    updrafts: Tensor
    geometry: ShaftGeometry


def open_shafts(
    path: Path | str,
    geometry: ShaftGeometry,
    *,
    strongest: Tensor,
    mean_radius: Tensor,
    shape: Tensor,
    memory: float = 300.0,
) -> RainShafts:
    """Read a file of shafts whose columns have the given updrafts and clouds [column].

    Raises
    ------
    DataError
        If a variable is missing, or the file is not of this geometry.
    """
    with netCDF4.Dataset(path) as file:
        try:
            moments = [_levels_last(file, name) for name in MOMENTS]
            rained = np.asarray(file["rained"][:], dtype=np.float64)
            time = np.asarray(file["time"][:], dtype=np.float64)
        except IndexError as error:
            raise DataError(f"'{path}' is not of a rain shaft: {error}") from error
    n_times, n_columns, n_levels = moments[0].shape
    if n_levels != geometry.levels or not np.allclose(np.diff(time), geometry.dt):
        raise DataError(
            f"'{path}' has {n_levels} levels and records {time[1] - time[0]:g} s apart, "
            f"expected {geometry.levels} and {geometry.dt:g}"
        )
    kept = np.exp(-geometry.dt / memory)
    rate = np.zeros_like(rained)
    for i in range(1, n_times):
        now = (rained[i] - rained[i - 1]) / geometry.dt
        rate[i] = kept * rate[i - 1] + (1.0 - kept) * now
    fixed = torch.stack([mean_radius, shape], dim=-1).double().expand(n_times, -1, -1)
    cells = torch.from_numpy(np.stack(moments, axis=-1).reshape(n_times, n_columns, -1))
    falls = torch.from_numpy(np.stack([rained, rate], axis=-1))
    return RainShafts(
        torch.cat([cells, fixed, falls], dim=-1),
        geometry.updrafts(strongest, n_times),
        geometry,
    )


def column_measures(states: Tensor) -> Tensor:
    """Return what columns [..., 4 level + 4] are judged by [..., 6 level + 4].

    Rain at the ground and its rate, paths of cloud and rain water, all as means over
    levels; the four moments of each level; logarithms of rain mass and number.
    """
    cells = column_cells(states)
    rain, drops = cells[..., 2], cells[..., 3]
    paths = torch.stack([cells[..., 0].mean(-1), rain.mean(-1)], dim=-1)
    logarithms = [torch.log(rain + FIRST_RAIN), torch.log(drops + FIRST_DROPS)]
    return torch.cat([states[..., -2:], paths, *cells.unbind(dim=-1), *logarithms], dim=-1)


def column_scale(states: Tensor) -> Tensor:
    """Return the unit [6 level + 4] of each measure from all of [time, column, ...].

    Standard deviations; each quantity of a column weighs as much as one moment of all
    levels, and a logarithm `LOG_WEIGHT`^2 of its square.
    """
    n_levels = (states.shape[-1] - 4) // N_MOMENTS
    values = column_measures(states).double().flatten(0, -2)
    whole, profiles = values[:, :4], values[:, 4:].reshape(len(values), -1, n_levels)
    moments = profiles[:, :N_MOMENTS].movedim(1, -1).flatten(0, 1).std(dim=0)
    return torch.cat(
        [
            whole.std(dim=0) / n_levels**0.5,
            moments.repeat_interleave(n_levels),
            torch.full((2 * n_levels,), 1.0 / LOG_WEIGHT, dtype=torch.float64),
        ]
    )


class ColumnWindows(Windows):
    """Windows of columns, with the updrafts of their steps and the measures that follow."""

    tensors = ("x", "beside", "scale")
    name = "states"

    def __init__(self, shafts: RainShafts, scale: Tensor, every: int | None = None) -> None:
        super().__init__(shafts.states, shafts.updrafts, stride=every)
        self.scale = scale

    def measured(self, x: Tensor) -> Tensor:
        """Return the measures [lead, column, k] of states."""
        return column_measures(x) / self.scale


class ColumnRollout(Rollout):
    """Columns iterated on their own output; predictions are `column_measures`."""

    scale: Tensor

    def __init__(
        self, step: RainColumn, scale: Tensor, *, detach_every: int | None = None
    ) -> None:
        super().__init__(step, detach_every=detach_every)
        self.register_buffer("scale", scale.clone())

    def measured(self, x: Tensor) -> Tensor:
        """Return the measures [column, k] of states."""
        return column_measures(x) / self.scale


def train_columns(
    train: RainShafts,
    valid: RainShafts,
    closure: nn.Module,
    *,
    curriculum: Curriculum | None = None,
    loss: RolloutLoss | None = None,
    settings: FitSettings | None = None,
    every: int | None = None,
    detach_every: int | None = None,
    progress: bool | None = None,
    **column: Any,  # noqa: ANN401 (of `RainColumn`)
) -> History:
    """Train a network of rates, in place, through columns; return the evaluations.

    Parameters
    ----------
    train, valid : RainShafts
        Of one geometry.
    closure : module
        State of cells [cell, 7] to rates [cell, 4].
    curriculum : Curriculum, optional
        By default rollouts of `LENGTHS`.
    every : int, optional
        Steps between starts of windows.
    column
        Further arguments of `RainColumn`.
    """
    settings = settings or FitSettings(
        batch_size=32, schedule="cosine", learning_rate=3e-3, evaluate_every=10
    )
    torch.manual_seed(settings.seed)
    scale = column_scale(train.states)
    step = RainColumn(closure, train.geometry, **column)
    return fit(
        ColumnRollout(step, scale, detach_every=detach_every),
        ColumnWindows(train, scale, every),
        ColumnWindows(valid, scale, every),
        curriculum=curriculum or Curriculum(LENGTHS, EPOCHS, RATES),
        loss=loss,
        settings=replace(settings, clip_norm=settings.clip_norm or 1.0),
        progress=progress,
    )


def _levels_last(file: netCDF4.Dataset, name: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return a profile [time, column, level]."""
    values = np.asarray(file[name][:], dtype=np.float64)
    return np.moveaxis(values, file[name].dimensions.index("level"), -1)
