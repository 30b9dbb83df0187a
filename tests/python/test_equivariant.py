# SPDX-License-Identifier: MIT
"""Group convolutions on the C grid: exact under the symmetries, and only under them."""

import pytest
import torch

from isthmus.errors import ConfigurationError
from isthmus.nets.equivariant import GROUPS, GroupNet, elements, matrix, quotients
from isthmus.nets.shallow_water import open_faces
from isthmus.nets.shallow_water_emulators import mirrored, turned_over

ROUNDING = 1e-13  # of fields of order one after four layers


def sample(shape=(2, 11, 11)):
    """Return a random state that fits a depth with land, and that depth."""
    torch.manual_seed(7)
    depth = 10.0 + 10.0 * torch.rand(shape, dtype=torch.float64)
    depth[:, 2, 3:6] = depth[0, 7:, 0] = -1.0
    is_open = open_faces((depth > 0.0).double())
    masks = torch.stack([(depth > 0.0).double(), is_open.east, is_open.north], 1)
    state = torch.randn(shape[0], 3, *shape[1:], dtype=torch.float64)
    return state * masks, depth


def move(word, state, depth):
    """Return state and depth moved by a word."""
    for letter in word:
        if letter == "t":
            state, depth = turned_over(state), depth.transpose(-1, -2)
        else:
            state, depth = mirrored(state), depth.flip(-1)
    return state, depth


@torch.no_grad()
def error(net, word):
    """Return the largest difference of net(moved) and moved net(.), over its change."""
    state, depth = sample()
    after = net(state, depth)
    expected, moved_depth = move(word, after, depth)
    found = net(move(word, state, depth)[0], moved_depth)
    return float((found - expected).abs().max() / (after - state).abs().max())


def strong(group, *, conserves):
    """Return a net with weights that matter."""
    torch.manual_seed(3)
    net = GroupNet(group, 4, 4, conserves=conserves).double()
    with torch.no_grad():
        for weight in net.parameters():
            weight += 0.2 * torch.randn_like(weight)
    return net


@pytest.mark.parametrize("conserves", [False, True])
@pytest.mark.parametrize("group", ["p4", "p4m"])
def test_net_commutes_with_every_element_of_its_group(group, conserves):
    net = strong(group, conserves=conserves)
    for word in elements(group):
        assert error(net, word) < ROUNDING


def test_net_commutes_with_nothing_more():
    assert error(strong("p4", conserves=False), "m") > 1e-2
    assert error(strong("p1", conserves=False), "tm") > 1e-2


def test_flux_form_keeps_the_water():
    state, depth = sample()
    after = strong("p4m", conserves=True)(state, depth)
    lost = (after[:, 0] - state[:, 0]).sum((-2, -1)).abs().max()
    assert lost < ROUNDING * state.shape[-1] ** 2
    without = strong("p4m", conserves=False)(state, depth)
    assert (without[:, 0] - state[:, 0]).sum((-2, -1)).abs().max() > 1e-3


def test_land_and_walls_stay_closed():
    state, depth = sample()
    after = strong("p4m", conserves=True)(state, depth)
    is_open = open_faces((depth > 0.0).double())
    masks = torch.stack([(depth > 0.0).double(), is_open.east, is_open.north], 1)
    assert bool((after[masks == 0.0] == 0.0).all())


@pytest.mark.parametrize("group", list(GROUPS))
def test_words_are_a_group(group):
    words = elements(group)
    assert len(words) == GROUPS[group]
    matrices = [matrix(word) for word in words]
    table = quotients(group)
    for g, row in enumerate(table.tolist()):
        assert sorted(row) == list(range(len(words)))
        for h, k in enumerate(row):
            assert torch.equal(matrices[g] @ matrices[k], matrices[h])


def test_unknown_group_is_an_error_that_says_what_there_is():
    with pytest.raises(ConfigurationError, match="p4m"):
        GroupNet("p6", 4)
