# SPDX-License-Identifier: MIT
"""What the comparison measures: errors over lead time, volume, energy, spectra.

All fields are scaled (4.7 mm and its velocity of equal energy), states are
`[member, field, y, x]`, depths [m] `[member, y, x]`.
"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
from scipy.fft import dctn
from torch import Tensor

from isthmus.learn.shallow_water import BasinRollout
from isthmus.nets.shallow_water_emulators import VELOCITY_RATIO

SPIN_UP = 10  # steps of the model before a forecast starts
GRAVITY = 9.81
N_BINS = 12  # of wave numbers


class Scores(NamedTuple):
    """Of one model at one time step, means over trials unless said."""

    errors: Tensor
    """Root of the mean square over fields and cells [lead]."""
    size: Tensor
    """The same of the truth: the error of a forecast of rest [lead]."""
    volume: float
    """Largest change over a trial's own volume."""
    energy: float
    """At the end, over the truth's."""
    spectrum: float
    """Root mean square of the logarithm (base 10) of the ratio of spectra at the end."""
    forecast: Tensor
    """States at the end [member, field, y, x]."""

    def useful(self) -> int:
        """Return the number of leads until a forecast of rest is better."""
        late = (~(self.errors < self.size)).nonzero()
        return int(late[0]) if len(late) else len(self.errors)


def spectrum(field: Tensor) -> np.ndarray:
    """Return the variance in bins of wave number [member, bin], in waves of the basin."""
    n = min(field.shape[-2:])
    square = dctn(field.numpy(), axes=(-2, -1), norm="ortho") ** 2
    k_y, k_x = (np.arange(size) / size for size in field.shape[-2:])
    wave = np.hypot(k_y[:, None], k_x)
    edges = np.geomspace(1.0 / n, 1.0, N_BINS + 1)
    bins = [square[:, (wave >= a) & (wave < b)].sum(-1) for a, b in pairwise(edges)]
    return np.stack(bins, -1)


def energy(state: Tensor, depth: Tensor) -> Tensor:
    """Return potential and kinetic energy of each member, in the same unit."""
    kinetic = (
        (state[:, 1:] ** 2).sum(1) * depth.clamp(min=0.0) * VELOCITY_RATIO**2 / GRAVITY
    )
    return (state[:, 0] ** 2 + kinetic).sum((-2, -1))


def root_mean_square(field: Tensor) -> Tensor:
    """Return the mean over members of the root mean square over fields and cells."""
    return (field**2).mean((-3, -2, -1)).sqrt().mean()


@torch.no_grad()
def score(model: BasinRollout, states: Tensor, depth: Tensor) -> Scores:
    """Run a model from the tenth of the true states on, and compare."""
    dtype = next(model.parameters()).dtype
    state, errors, sizes = states[SPIN_UP].to(dtype), [], []
    volume = state[:, 0].double().sum((-2, -1))
    for truth in states[SPIN_UP + 1 :]:
        state = model(state, depth.to(dtype))
        errors.append(root_mean_square(state.double() - truth))
        sizes.append(root_mean_square(truth))
    end = state.double().nan_to_num(1e30, 1e30, -1e30).clamp(-1e30, 1e30)
    drift = (end[:, 0].sum((-2, -1)) - volume).abs() / volume.abs()
    ratio = energy(end, depth) / energy(states[-1], depth)
    found, true = (spectrum(x[:, 0]) for x in (end, states[-1]))
    log_ratio = np.log10((found + 1e-30) / (true + 1e-30))
    return Scores(
        torch.stack(errors),
        torch.stack(sizes),
        float(drift.max()),
        float(ratio.mean()),
        float(np.sqrt(np.mean(log_ratio**2))),
        end,
    )
