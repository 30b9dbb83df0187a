# SPDX-License-Identifier: MIT
"""Rain shafts in torch: the columns of `fortran/rain/bulk_shaft`, to be differentiated.

Water condenses in rising air above cloud base, a closure lets drops collide, rain falls.
A network that is trained through this column sees what columns make of its own rates: rain
that falls into air without cloud, new cloud among old rain. Fluxes are upwind, in equal
parts of a step that nothing outruns; water is kept to rounding.

Rain is taken to have a gamma spectrum N(D) ~ D^mu exp(-D/d). With Atlas, Srivastava and
Sekhon's v(D) = 9.65 - 10.3 exp(-600 D) (1973, doi:10.1029/RG011i001p00001) its moment of
order k falls with 9.65 - 10.3 (1 + 600 d)^-(mu+k+1); number is k = 0 and mass k = 3.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn

from .rain import LEAST, X_STAR, apply_rates

WATER: Final = 1000.0  # density [kg m-3]
V_LARGE: Final = 9.65  # fall speed of the largest drops [m s-1]
V_SMALL: Final = 10.3  # less this of small ones [m s-1]
PER_DIAMETER: Final = 600.0  # [m-1]
LARGEST_MASS: Final = 1e-5  # mean mass of rain drops, at most [kg]
N_MOMENTS: Final = 4
FallSpeeds = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""Lr, Nr of cells -> fall speeds of mass and of number [m s-1]."""


@dataclass(frozen=True)
class ShaftGeometry:
    """Levels of a shaft and what drives it, as in `&shaft` of the rain programs.

    Attributes
    ----------
    levels, dz, cloud_base
        From the ground up; heights in m.
    lapse
        Water condensed per height [kg m-4].
    updraft_time, updraft_every
        Length of an updraft, and time between two [s]; 0: only one.
    fastest
        Updraft that the parts of a step are made for [m s-1].
    dt
        Time step [s].
    """

    levels: int = 30
    dz: float = 100.0
    cloud_base: float = 600.0
    lapse: float = 2e-6
    updraft_time: float = 1200.0
    updraft_every: float = 3600.0
    fastest: float = 4.0
    dt: float = 20.0

    @property
    def n_parts(self) -> int:
        """Parts of a step in which nothing passes a whole level."""
        return math.ceil(self.dt * (V_LARGE + self.fastest) / self.dz)

    def updrafts(self, strongest: Tensor, n_steps: int) -> Tensor:
        """Return the updraft in the parts of all steps [step, column, part], m s-1.

        `strongest` is w_max of each column [column].
        """
        part = self.dt / self.n_parts
        time = part * (torch.arange(n_steps * self.n_parts, dtype=torch.float64) + 0.5)
        if self.updraft_every > 0.0:
            time = time % self.updraft_every
        phase = torch.sin(torch.pi * time / self.updraft_time)
        shape = torch.where(time < self.updraft_time, phase, 0.0)
        shape = shape.reshape(n_steps, 1, self.n_parts)
        return shape * strongest.double()[:, None]


def fall_speeds(lr: Tensor, nr: Tensor, mu: Tensor | float = 0.0) -> tuple[Tensor, Tensor]:
    """Return the fall speeds of rain mass and number [m s-1], of a gamma spectrum."""
    mass = torch.minimum(torch.maximum(lr, X_STAR * nr), LARGEST_MASS * nr) / (nr + LEAST)
    scale = math.pi / 6.0 * WATER * (mu + 1.0) * (mu + 2.0) * (mu + 3.0)
    # Where there is no rain the root has no derivative.
    width = torch.pow(torch.clamp(mass, min=0.1 * X_STAR) / scale, 1.0 / 3.0)
    logarithm = torch.log1p(PER_DIAMETER * width)
    number = torch.relu(V_LARGE - V_SMALL * torch.exp(-(mu + 1.0) * logarithm))
    return torch.relu(V_LARGE - V_SMALL * torch.exp(-(mu + 4.0) * logarithm)), number


class RainColumn(nn.Module):
    """One step of rain shafts under the rates of a closure.

    A state is [column, 4 level + 4]: Lc, Nc, Lr, Nr [kg m-3, m-3] of all levels from the
    ground up, level by level, then mean radius [m] and shape [1] of the drops that form,
    rain at the ground since the start [kg m-2] and its rate [kg m-2 s-1], mean over about
    `memory` seconds.

    Parameters
    ----------
    closure : module
        State of cells [cell, 7] to rates [cell, 4].
    geometry : ShaftGeometry
    fall : callable
        Fall speeds of mass and number.
    memory : float
        Of the mean rain rate [s].
    """

    above: Tensor

    def __init__(
        self,
        closure: nn.Module,
        geometry: ShaftGeometry,
        *,
        fall: FallSpeeds = fall_speeds,
        memory: float = 300.0,
    ) -> None:
        super().__init__()
        self.closure = closure
        self.geometry = geometry
        self.fall = fall
        self.kept = math.exp(-geometry.dt / memory)
        middles = geometry.dz * (torch.arange(geometry.levels) + 0.5)
        self.register_buffer("above", (middles >= geometry.cloud_base).float())

    def extra_repr(self) -> str:
        """Return what tells this column from another of the same closure."""
        return f"{self.geometry}"

    def start(self, mean_radius: Tensor, shape: Tensor) -> Tensor:
        """Return dry columns [column, 4 level + 4]; both arguments are [column]."""
        state = mean_radius.new_zeros(len(shape), N_MOMENTS * self.geometry.levels + 4)
        state[:, -4], state[:, -3] = mean_radius, shape
        return state

    def forward(self, state: Tensor, updraft: Tensor) -> Tensor:
        """Return the columns one step later; `updraft` is [column, part], m s-1."""
        g = self.geometry
        cells = column_cells(state)
        cloud, rain = cells[..., :2], cells[..., 2:]
        radius, shape = state[:, -4], state[:, -3]
        fallen = torch.zeros_like(radius)
        per_mass = 3.0 / (4.0 * math.pi * WATER * radius**3)
        new = g.lapse * torch.stack([torch.ones_like(radius), per_mass], dim=-1)
        part = g.dt / g.n_parts
        for i in range(g.n_parts):
            w = updraft[:, i, None]
            cloud = cloud + part * w[..., None] * new[:, None] * self.above[:, None]
            cloud = cloud + part / g.dz * _rise(w[..., None] * cloud)
            speeds = torch.stack(self.fall(rain[..., 0], rain[..., 1]), dim=-1)
            rain, down = _transport(rain, w[..., None] - speeds, part / g.dz)
            fallen = fallen + g.dz * down[:, 0]
        cells = torch.cat([cloud, rain], dim=-1).flatten(0, 1)
        beside = torch.stack([radius, shape], dim=-1).repeat_interleave(g.levels, dim=0)
        water = (cells[:, 0] + cells[:, 2]).unsqueeze(-1)
        boxes = torch.cat([cells, water, beside], dim=-1)
        boxes = apply_rates(boxes, self.closure(boxes), g.dt)
        rate = self.kept * state[:, -1] + (1.0 - self.kept) * fallen / g.dt
        after = torch.stack([radius, shape, state[:, -2] + fallen, rate], dim=-1)
        return torch.cat([boxes[:, :N_MOMENTS].reshape(len(state), -1), after], dim=-1)


def column_cells(state: Tensor) -> Tensor:
    """Return the moments [..., level, 4] of columns [..., 4 level + 4]."""
    return state[..., :-4].reshape(*state.shape[:-1], -1, N_MOMENTS)


def _rise(flux: Tensor) -> Tensor:
    """Return what upward fluxes [column, level, k] bring to each level."""
    return torch.cat([-flux[:, :1], flux[:, :-1] - flux[:, 1:]], dim=1)


def _transport(x: Tensor, speed: Tensor, ratio: float) -> tuple[Tensor, Tensor]:
    """Return x [column, level, k] moved upwind, and what reached the ground [column, k]."""
    up, down = ratio * torch.relu(speed) * x, ratio * torch.relu(-speed) * x
    arrived = torch.cat([down[:, 1:], torch.zeros_like(down[:, :1])], dim=1)
    risen = torch.cat([torch.zeros_like(up[:, :1]), up[:, :-1]], dim=1)
    return torch.relu(x - up - down + arrived + risen), down[:, 0]
