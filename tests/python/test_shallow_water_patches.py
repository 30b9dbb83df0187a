# SPDX-License-Identifier: MIT
"""Patches of basins: the same numbers as the whole where the halo is wide enough."""

import numpy as np
import pytest
import torch

from isthmus.errors import DataError
from isthmus.learn.shallow_water import (
    BasinPatches,
    BasinRollout,
    BasinStart,
    BasinWindows,
    PatchRollout,
)
from isthmus.nets.shallow_water import BackhausStep
from isthmus.nets.shallow_water_baselines import PlainConvNet

N, TIMES = 24, 4


def runs():
    """Return random states in two basins with islands: numbers, not a solution."""
    torch.manual_seed(4)
    depth = 10.0 + 10.0 * torch.rand(2, N, N, dtype=torch.float64)
    depth[:, 5:8, 9:12] = -1.0
    return BasinWindows(torch.randn(TIMES, 2, 3, N, N, dtype=torch.float64), depth)


def test_patch_is_a_part_of_the_run_and_land_is_outside():
    windows, halo = runs(), 3
    patches = BasinPatches(windows, 6, halo, 50)
    start, target = patches.batch(torch.arange(50), 2)
    assert start.state.shape == (50, 3, 12, 12) and target.shape == (2, 50, 108)
    rim = torch.nn.functional.pad(windows.depth, [halo] * 4, value=-1.0)
    found = 0
    for depth in start.depth:
        for member in range(2):
            views = rim[member].unfold(0, 12, 1).unfold(1, 12, 1)
            found += int((views == depth).all(-1).all(-1).sum())
    assert found == 50
    assert (start.state[start.depth[:, None].expand_as(start.state) < 0.0].abs()).max() > 0
    outside = patches.batch(torch.arange(50), 2)[0].depth == -1.0
    assert outside.any()


def test_draws_are_those_of_the_seed_in_any_precision():
    one, other = (BasinPatches(runs(), 6, 2, 9, seed=1) for _ in range(2))
    assert one.digest() == other.digest()
    assert one.digest() != BasinPatches(runs(), 6, 2, 9, seed=2).digest()
    single = one.to(torch.float32).batch(torch.arange(9), 1)[1]
    assert torch.equal(single, one.batch(torch.arange(9), 1)[1].float())


@torch.no_grad()
@pytest.mark.parametrize(("reach", "steps"), [(2, 1), (2, 3)])
def test_halo_of_the_reach_gives_the_numbers_of_the_whole_basin(reach, steps):
    torch.manual_seed(0)
    net, windows = PlainConvNet(reach, 4).double(), runs()
    halo = reach * steps
    # Hidden layers are computed on land too: give the whole basin as much of it.
    rim = [halo] * 4
    first = torch.nn.functional.pad(windows.states[0], rim)
    depth = torch.nn.functional.pad(windows.depth, rim, value=-1.0)
    whole = BasinRollout(net).predict(BasinStart(first, depth), steps)[-1]
    whole = whole.unflatten(-1, first.shape[1:])
    patches = BasinPatches(windows, 5, halo, 20)
    starts = patches.batch(torch.arange(20), 1)[0]
    found = PatchRollout(net, halo).predict(starts, steps)[-1].unflatten(-1, (3, 5, 5))
    n_compared = 0
    for k, start in enumerate(starts.state):
        views = first.unfold(2, 5 + 2 * halo, 1).unfold(3, 5 + 2 * halo, 1)
        at = (views == start[None, :, None, None]).all(-1).all(-1).all(1).nonzero()
        for member, y, x in at.tolist():
            inner = whole[member, :, y + halo : y + halo + 5, x + halo : x + halo + 5]
            assert (found[k] - inner).abs().max() < 1e-12
            n_compared += 1
    assert n_compared > 0


def test_wall_around_a_patch_is_felt_as_theory_says():
    """An implicit step in a patch: its wall fades as exp(-r/a), a = theta c cells."""
    theta, dx, dt, depth = 0.5, 1e4, 3000.0, 15.0
    a = theta * dt * np.sqrt(9.81 * depth) / dx
    step = BackhausStep(dx=dx, dt=dt, theta=theta, tolerance=1e-14)
    # A uniform slope: each cut, wherever it is, stops the same push.
    zeta = 1e-4 * torch.arange(60, dtype=torch.float64).expand(3, 60)
    rest, deep = torch.zeros_like(zeta), torch.full_like(zeta, depth)
    whole = step(zeta, rest, rest, deep)[0][1]
    errors = []
    for halo in (2, 4, 6, 8, 10):
        cut = slice(30 - halo, 36 + halo)
        parts = [field[:, cut] for field in (zeta, rest, rest, deep)]
        found = step(*parts)[0][1][halo:-halo]
        errors.append(float((found - whole[30:36]).abs().max()))
    decay = -2.0 / np.diff(np.log(errors))
    assert np.all(abs(decay / a - 1.0) < 0.05)  # 0.013 is the cell's finite size


def test_patch_that_does_not_fit_is_an_error():
    with pytest.raises(DataError, match="'size' is 25"):
        BasinPatches(runs(), 25, 2, 3)
