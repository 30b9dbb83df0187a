# SPDX-License-Identifier: MIT
"""Steps in PyTorch that know parameters, against the Fortran models they write down."""

import numpy as np
import pytest
import torch

from isthmus.errors import BindingError, ConfigurationError
from isthmus.inverse.friction import RegionalFriction
from isthmus.inverse.rate_constants import RateConstants
from isthmus.models import Mechanism, ShallowWater, ShallowWaterForcing, ShallowWaterGrid
from isthmus.models.shallow_water_grid import ELEVATION, LAND, WATER
from isthmus.nets.channel import BasinStep, SmallBasin
from isthmus.nets.mass_action import (
    BoxesStep,
    KnownConstants,
    MassAction,
    RosenbrockStep,
    growing_shares,
)

ELLIPTIC = 1e-9  # [m], [m2 s-1]: the Fortran solver leaves 1e-13 m in each of some steps
EXACT = 1e-9  # of derivatives, relative: linear solves of 1e-13
STIFF = 1e-5  # of a species' largest: 4e-6 by 32 inner steps, 5e-6 by rtol = 1e-6
SLOPE = 1e-4  # of gradients, relative: both solvers' errors, differentiated
DX, DT = 5000.0, 600.0


def basin():
    """Return a basin with land and two open sides in Fortran and in PyTorch."""
    rng = np.random.default_rng(3)
    cell = np.full((5, 7), WATER, np.int32)
    cell[:, 0] = cell[0, 1:3] = ELEVATION
    cell[2, 3] = cell[4, 6] = LAND
    depth = np.where(cell == LAND, 0.0, 12.0 + 3.0 * rng.standard_normal(cell.shape))
    regions = np.broadcast_to(np.arange(7) // 4, cell.shape)

    def forcing(step):
        return ShallowWaterForcing(open_zeta=np.full(cell.shape, 0.3 * np.sin(step + 1.0)))

    grid = ShallowWaterGrid.plane(depth, dx=DX, cell=cell)
    model = ShallowWater(grid, dt=DT, tolerance=1e-13, theta=0.6)
    fortran = RegionalFriction(model, regions, forcing)
    flat = SmallBasin(cell != LAND, cell == ELEVATION)
    return fortran, BasinStep(flat, depth, fortran.masks, dx=DX, dt=DT, theta=0.6)


def in_motion(step):
    """Return a state of a basin with motion at all open faces."""
    rng = np.random.default_rng(4)
    n, n_faces = step.basin.n_cells, len(step.basin.faces)
    zeta, u = (torch.from_numpy(rng.standard_normal((1, k))) for k in (n, n_faces))
    return step.basin.joined(0.2 * zeta * (step.depth > 0.0), u)


def test_a_basin_by_matrices_is_the_fortran_step_and_has_its_adjoint():
    fortran, step = basin()
    x, p = in_motion(step), np.array([0.002, 0.006])
    states = fortran.trajectory(x[0].numpy(), p, 4)
    drags = [torch.tensor([value], dtype=torch.float64, requires_grad=True) for value in p]
    first = x.clone().requires_grad_()
    weights = np.random.default_rng(5).standard_normal(states.shape) * (x[0].numpy() != 0.0)
    after = first
    cost = torch.zeros((), dtype=torch.float64)
    for i in range(4):
        level = torch.tensor([0.3 * np.sin(i + 1.0)])
        after = step(after, *drags, level)
        assert np.abs(after[0].detach().numpy() - states[i + 1]).max() < ELLIPTIC
        cost = cost + after[0] @ torch.from_numpy(weights[i + 1])
    found = torch.autograd.grad(cost, [first, *drags])
    weights[0] = 0.0
    true = fortran.sweep_ad(states, p, weights)
    acts = x[0].numpy() != 0.0  # land and closed faces take no part
    of_x = found[0][0].numpy()
    assert np.allclose(of_x[acts], true.x[acts], rtol=0, atol=EXACT * np.abs(of_x).max())
    assert np.allclose([float(g) for g in found[1:]], true.p, rtol=EXACT)


def test_water_of_a_closed_basin_stays_and_members_do_not_meet():
    fortran, _ = basin()
    closed = BasinStep(
        SmallBasin(fortran.model.depth > 0.0, np.zeros((5, 7), bool)),
        fortran.model.depth,
        fortran.masks,
        dx=DX,
        dt=DT,
    )
    x = in_motion(closed).repeat(2, 1)
    x[1] *= 0.5
    drags = [torch.tensor([0.002, 0.004], dtype=torch.float64)] * 3
    after = closed(x, *drags)
    assert torch.allclose(after[:, :35].sum(1), x[:, :35].sum(1), rtol=0, atol=1e-12)
    alone = closed(x[1:], *(d[1:] for d in drags))
    assert torch.allclose(after[1:], alone, rtol=0, atol=1e-12)


def boxes(n_inner=32):
    """Return two boxes of POLLU in Fortran and in PyTorch, a start and factors."""
    box = Mechanism("pollu", rtol=1e-6)
    fortran = RateConstants(box, [1, 2, 14], n_boxes=2, dt=5.0)
    kinetics = MassAction(box.stoichiometry, box.reactants())
    inner = RosenbrockStep(kinetics, 5.0, n_inner=n_inner)
    step = BoxesStep(inner, KnownConstants(box.rate_constants(), fortran.chosen), 2)
    x = np.concatenate([box.initial, 1.5 * box.initial])
    return fortran, step, x, np.array([1.2, 0.8, 1.1])


def test_boxes_by_equal_inner_steps_follow_the_adaptive_solver_from_the_start():
    fortran, step, x, p = boxes()
    states = fortran.trajectory(x, p, 3)
    largest = np.tile(states.reshape(-1, 20).max(axis=0), 2)
    factors = [torch.tensor([v], dtype=torch.float64, requires_grad=True) for v in p]
    weights = np.random.default_rng(6).standard_normal(states.shape) / largest
    after, cost = torch.from_numpy(x)[None], torch.zeros((), dtype=torch.float64)
    for i in range(3):
        after = step(after, *factors)
        error = np.abs(after[0].detach().numpy() - states[i + 1]) / largest
        assert error.max() < STIFF
        cost = cost + after[0] @ torch.from_numpy(weights[i + 1])
    found = [float(g) for g in torch.autograd.grad(cost, factors)]
    true = fortran.sweep_ad(states, p, weights).p
    assert np.allclose(found, true, rtol=0, atol=SLOPE * np.abs(true).max())


def test_atoms_stay_and_the_method_is_of_fourth_order():
    fortran, step, x, _ = boxes()
    y, k = torch.from_numpy(x).reshape(2, 20), step.constants.k.repeat(2, 1)
    kept = torch.from_numpy(fortran.mechanism.composition)
    with torch.no_grad():
        later = step.step(y, k)
        assert torch.allclose(later @ kept.t(), y @ kept.t(), rtol=1e-12)
        # Rates of order one, so that no order is lost to stiffness.
        mild = RosenbrockStep(step.step.kinetics, 1.0)
        slow = k.clamp(max=2.0)
        ends = []
        for n in (8, 16, 64):
            mild.inner = [1.0 / n] * n
            ends.append(mild(later, slow))
    errors = [float((end - ends[-1]).abs().max()) for end in ends[:-1]]
    assert 3.5 < np.log2(errors[0] / errors[1]) < 4.5


@pytest.mark.parametrize("name", ["pollu", "superfast", "orego", "rober", "hires"])
def test_mass_action_of_every_mechanism_is_the_tendency_of_the_solver(name):
    """A step so short that the solver's explicit Euler is all there is."""
    box = Mechanism(name, rtol=1e-3, fixed_steps=1, negatives="keep")
    rng = np.random.default_rng(7)
    y = (box.initial.max() * rng.random((1, len(box)))) + box.initial
    k = box.rate_constants(0.0)
    kinetics = MassAction(box.stoichiometry, box.reactants())
    rate = kinetics.tendency(torch.from_numpy(y), torch.from_numpy(k[None]))
    found = kinetics.jacobian(torch.from_numpy(y), torch.from_numpy(k[None]))[0]
    one = torch.autograd.functional.jacobian(
        lambda y: kinetics.tendency(y[None], torch.from_numpy(k[None]))[0],
        torch.from_numpy(y[0]),
    )
    assert torch.allclose(found, one, rtol=1e-12, atol=1e-12 * float(one.abs().max()))
    dt = 1e-9 * y.max() / float(rate.abs().max())
    after = y.copy()
    assert not box.integrate(after, dt).flags.any()
    largest = np.abs(after - y).max()
    assert np.allclose(dt * rate.numpy(), after - y, rtol=0, atol=1e-5 * largest)


def test_what_makes_no_sense_is_refused():
    with pytest.raises(BindingError, match="false on land"):
        SmallBasin(np.zeros((2, 2), bool), np.ones((2, 2), bool))
    flat = SmallBasin(np.ones((2, 2), bool), np.zeros((2, 2), bool))
    with pytest.raises(BindingError, match="are not of the basin's 4 cells"):
        BasinStep(flat, np.ones((2, 3)), np.ones((1, 2, 3)), dx=DX, dt=DT)
    with pytest.raises(ConfigurationError, match="'dt' and 'n_inner' must be above 0"):
        RosenbrockStep(MassAction(np.eye(1), np.zeros((1, 3), np.intp)), 0.0)
    shares = growing_shares(32, 1e-3)
    assert shares.sum() == pytest.approx(1.0)
    assert shares[0] == pytest.approx(1e-3, rel=1e-6)
