# SPDX-License-Identifier: MIT
"""Steps with few numbers to learn, fitted by Gauss and Newton's method."""

import numpy as np
import pytest
import torch

from isthmus.errors import TrainingError
from isthmus.learn.conditional import DrivenRollout
from isthmus.learn.least_squares import (
    flat_weights,
    least_squares,
    set_weights,
    with_weights,
)
from isthmus.nets.channel import BasinStep, LearnedBasinStep, SmallBasin
from isthmus.nets.mass_action import (
    BoxesStep,
    KnownConstants,
    LearnedConstants,
    MassAction,
    RosenbrockStep,
)

# torch.func's first use scripts functions of its own.
pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")

FOUND = 1e-6  # of numbers that data without noise determine


def test_weights_of_a_straight_line_and_a_start_that_is_not_finite():
    t = torch.linspace(0.0, 1.0, 9, dtype=torch.float64)
    found = least_squares(
        lambda w: torch.exp(w[0]) * t + w[1] - (3.0 * t - 0.5), torch.zeros(2).double()
    )
    assert np.allclose(found.weights.tolist(), [np.log(3.0), -0.5], atol=FOUND)
    assert found.error < FOUND
    with pytest.raises(TrainingError, match="not finite at the first weights"):
        least_squares(lambda w: w / 0.0, torch.ones(1))


def test_a_basin_learns_its_scheme_and_the_law_of_friction():
    cells = np.ones((2, 8), bool)
    fixed = cells & (np.arange(8) == 0)
    regions = np.stack([np.arange(8) < 4, np.arange(8) >= 4])[:, None].repeat(2, 1)
    depth = np.linspace(20.0, 8.0, 8)[None].repeat(2, 0)
    exact = BasinStep(
        SmallBasin(cells, fixed), depth, regions.astype(float), dx=5e3, dt=600.0
    )
    rng = np.random.default_rng(0)
    drags = torch.from_numpy(np.exp(rng.uniform(-7.0, -4.5, (12, 2))))
    level = torch.from_numpy(np.sin(0.4 * np.arange(1.0, 9.0)))[:, None].repeat(1, 12)
    beside = torch.cat([drags.repeat(8, 1, 1), level.unsqueeze(-1)], dim=-1)
    first = torch.zeros(12, 48, dtype=torch.float64)
    states = [first, *DrivenRollout(exact).predict((first, beside), 8)]
    before, after = torch.cat(states[2:-1]), torch.cat(states[3:])
    torch.manual_seed(0)
    step = LearnedBasinStep(exact)
    inputs = beside[2:].flatten(0, 1).unbind(-1)
    scale = (after - before).std()
    found = least_squares(
        lambda w: (with_weights(step, w)(before, *inputs) - after) / scale,
        flat_weights(step),
    )
    set_weights(step, found.weights)
    assert step.law.tolist() == pytest.approx([np.log(600.0), 1.0, 1.0, -2.0], rel=FOUND)
    assert np.allclose([w.item() for w in step.weights()], exact.weights(), rtol=FOUND)


def test_constants_learn_which_reaction_a_factor_is_of():
    """A -> B -> C and B -> A; the factors are of the second and of the first."""
    stoichiometry = np.array([[-1.0, 0.0, 1.0], [1.0, -1.0, -1.0], [0.0, 1.0, 0.0]])
    reactants = np.array([[0, 3, 3], [1, 3, 3], [1, 3, 3]])
    inner = RosenbrockStep(MassAction(stoichiometry, reactants), 1.0, n_inner=2)
    k, chosen = np.array([0.5, 0.3, 0.8]), np.array([1, 0])
    exact = BoxesStep(inner, KnownConstants(k, chosen), 1)
    torch.manual_seed(1)
    step = BoxesStep(inner, LearnedConstants(k, 2), 1)
    y, factors = torch.rand(40, 3).double(), torch.exp(0.5 * torch.randn(40, 2).double())
    given = (y, *factors.unbind(1))
    after = exact(*given)
    found = least_squares(
        lambda w: with_weights(step, w)(*given) - after, flat_weights(step)
    )
    set_weights(step, found.weights)
    assert np.allclose(torch.exp(step.constants.c).tolist(), k, rtol=FOUND)
    assert np.allclose(step.constants.w.tolist(), np.eye(3)[chosen], atol=FOUND)
