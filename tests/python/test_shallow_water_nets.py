# SPDX-License-Identifier: MIT
"""Networks on the C grid against the Fortran step, and their invariants."""

import numpy as np
import pytest
import torch

from isthmus.bridge import Model
from isthmus.export import export_network
from isthmus.learn import Curriculum, fit
from isthmus.learn.shallow_water import BasinRollout, BasinWindows
from isthmus.models import ShallowWater, ShallowWaterGrid, ShallowWaterState
from isthmus.nets.shallow_water import BackhausStep, open_faces
from isthmus.nets.shallow_water_baselines import (
    PlainConvNet,
    fourier_operator,
    reach_for,
    u_net,
)
from isthmus.nets.shallow_water_emulators import (
    ELEVATION_SCALE,
    VELOCITY_RATIO,
    ImplicitFluxNet,
    known_flux_net,
    mirrored,
    turned_over,
)

ROUNDING = 1e-12  # of fields of order one after some steps; solvers stop at 1e-14


def basin(shape=(20, 24)):
    """Return a depth with land, and a state at motion, seeded."""
    rng = np.random.default_rng(2)
    depth = 15.0 + 3.0 * rng.standard_normal(shape)
    depth[0, :4] = depth[7:10, 5:8] = -1.0
    wet = depth > 0.0
    zeta = 0.1 * rng.standard_normal(shape) * wet
    u, v = 0.5 * rng.standard_normal((2, *shape))
    u[:, :-1] *= wet[:, :-1] & wet[:, 1:]
    v[:-1] *= wet[:-1] & wet[1:]
    u[:, -1] = v[-1] = 0.0
    return depth, ShallowWaterState(zeta, u, v)


@pytest.mark.parametrize("dt", [300.0, 900.0, 1500.0])
@pytest.mark.parametrize("theta", [0.5, 0.7])
def test_known_weights_are_the_fortran_step(dt, theta):
    depth, state = basin()
    fields = [torch.from_numpy(part.copy()) for part in state]
    model = ShallowWater(
        ShallowWaterGrid.plane(depth, dx=1.0e4),
        dt=dt,
        theta=theta,
        drag=1e-3,
        tolerance=1e-15,
    )
    step = BackhausStep(dx=1.0e4, dt=dt, theta=theta, drag=1e-3, tolerance=1e-14)
    total = fields[0].sum()
    for _ in range(3):
        model.step(state)
        fields = step(*fields, torch.from_numpy(depth))
        for found, expected in zip(fields, state, strict=True):
            assert abs(found.numpy() - expected).max() < ROUNDING
    assert abs(fields[0].sum() - total) < ROUNDING


def test_derivative_is_that_of_the_fortran_adjoint():
    depth, state = basin((5, 6))
    model = ShallowWater(
        ShallowWaterGrid.plane(depth, dx=1.0e4), dt=900.0, drag=1e-3, tolerance=1e-15
    )
    rng = np.random.default_rng(3)
    wet = depth > 0.0
    weights = ShallowWaterState(*(rng.standard_normal((3, 5, 6)) * wet))
    adjoint = model.step_ad(state, weights)
    fields = [torch.from_numpy(part).requires_grad_() for part in state]
    step = BackhausStep(dx=1.0e4, dt=900.0, drag=1e-3, tolerance=1e-14)
    after = step(*fields, torch.from_numpy(depth))
    sum(
        (torch.from_numpy(weight) * field).sum()
        for weight, field in zip(weights, after, strict=True)
    ).backward()
    assert abs(fields[0].grad.numpy() - adjoint.state.zeta)[wet].max() < 1e3 * ROUNDING


EXACT = 1e-13  # of fields of order ten, after one step
# The model weights the flow across by the depth of its faces, the net does not: over a flat
# bottom what friction does (1e-3) times the relative elevation (1e-3).
OF_FRICTION = 1e-6


def scaled_state(shape=(3, 12, 12)):
    """Return a random scaled state that fits a depth with land, and that depth."""
    torch.manual_seed(5)
    depth = 10.0 + 10.0 * torch.rand(shape, dtype=torch.float64)
    depth[:, 2, 3:6] = depth[0, 7:, 0] = -1.0
    state = torch.randn(shape[0], 3, *shape[1:], dtype=torch.float64)
    is_open = open_faces((depth > 0.0).double())
    masks = torch.stack([(depth > 0.0).double(), is_open.east, is_open.north], 1)
    return state * masks, depth


def test_mirrors_of_a_state_are_mirrors():
    state, _ = scaled_state()
    assert torch.equal(mirrored(mirrored(state)), state)
    assert torch.equal(turned_over(turned_over(state)), state)
    quarter = turned_over(mirrored(state))
    again = quarter
    for _ in range(3):
        again = turned_over(mirrored(again))
    assert torch.equal(again, state)
    assert not torch.equal(quarter, state)


def test_random_net_has_all_eight_symmetries_and_conserves_water():
    state, depth = scaled_state()
    net = ImplicitFluxNet(tolerance=1e-14).double()
    with torch.no_grad():
        net.drag.fill_(0.1)  # friction starts from nothing
        net.beside.fill_(0.5)
    after = net(state, depth)
    for n_quarters in range(4):
        for is_mirrored in (False, True):
            moved, moved_depth, moved_after = state, depth, after
            for _ in range(n_quarters):
                moved, moved_after = (
                    turned_over(mirrored(x)) for x in (moved, moved_after)
                )
                moved_depth = moved_depth.flip(-1).transpose(-1, -2)
            if is_mirrored:
                moved, moved_after = mirrored(moved), mirrored(moved_after)
                moved_depth = moved_depth.flip(-1)
            assert (net(moved, moved_depth) - moved_after).abs().max() < EXACT
    total = state[:, 0].sum((-2, -1))
    assert (after[:, 0].sum((-2, -1)) - total).abs().max() < EXACT * 144


@pytest.mark.parametrize("drag", [0.0, 2e-3])
def test_flux_net_with_known_weights_is_the_step(drag):
    n, dt = 12, 1500.0
    depth = torch.full((1, n, n), 15.0, dtype=torch.float64)
    depth[:, 3, 4:7] = -1.0
    state, scale = scaled_state((1, n, n))[0], VELOCITY_RATIO * ELEVATION_SCALE * 15.0
    is_open = open_faces((depth > 0.0).double())
    state = state * torch.stack([(depth > 0.0).double(), is_open.east, is_open.north], 1)
    known = {"dx": 1e4, "dt": dt, "theta": 0.5, "drag": drag, "tolerance": 1e-14}
    scales = torch.tensor([[[ELEVATION_SCALE]], [[scale]], [[scale]]], dtype=torch.float64)
    expected = torch.stack(BackhausStep(**known)(*(state * scales).unbind(1), depth), 1)
    found = known_flux_net(**known)(state, depth)
    assert (found - expected / scales).abs().max() < (EXACT if drag == 0.0 else OF_FRICTION)


@pytest.mark.parametrize("dilations", [None, [1, 2, 1]])
def test_plain_net_reaches_as_far_as_it_says(dilations):
    net = PlainConvNet(reach=4, width=4, dilations=dilations).double()
    assert net.reach == 4
    state = torch.zeros(1, 3, 15, 15, dtype=torch.float64, requires_grad=True)
    depth = torch.full((1, 15, 15), 10.0, dtype=torch.float64)
    net(state, depth)[0, 0, 7, 7].backward()
    rows = state.grad.abs().sum((0, 1, 3)).nonzero().flatten()
    assert rows.min() == 3 and rows.max() == 11


@pytest.mark.parametrize("courant", [0.9, 3.0])
def test_an_implicit_step_is_felt_as_far_as_a_net_is_told_to_reach(courant):
    radius, far = reach_for(courant), 40
    dt = courant * 1e4 / np.sqrt(9.81 * 15.0)
    step = BackhausStep(dx=1e4, dt=dt, theta=0.5, tolerance=1e-14)
    zeta, u, v = torch.zeros(3, 1, 2 * far + 1, dtype=torch.float64)
    zeta[0, far] = 1e-3
    after = step(zeta, u, v, torch.full_like(zeta, 15.0))[0].abs()[0] / 1e-3
    assert after[far + radius + 1 :].max() < 5e-3
    assert after[far + radius // 2] > 5e-3  # half of it is not enough


@pytest.mark.parametrize(
    ("make", "package"), [(u_net, "monai"), (fourier_operator, "neuralop")]
)
def test_nets_of_libraries_step_any_basin_and_keep_land_dry(make, package):
    pytest.importorskip(package, reason="pip install isthmus[baselines]")
    torch.manual_seed(0)
    state, depth = scaled_state((2, 13, 18))
    after = (
        make(4).double()(state, depth)
        if package == "monai"
        else make(4, 4)(state.float(), depth.float())
    )
    assert after.shape == state.shape and bool(after.isfinite().all())
    assert (after - state).abs().max() > 0.0
    is_open = open_faces((depth > 0.0).double())
    closed = torch.stack([depth > 0.0, is_open.east > 0.0, is_open.north > 0.0], 1)
    assert bool((after[~closed] == 0.0).all())


def test_complex_weights_are_trained_as_such():
    torch.manual_seed(0)
    net = torch.nn.Linear(3, 3, dtype=torch.complex128)

    class Step(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = net

        def forward(self, state, depth):
            return self.net((1.0 + 1.0j) * state).real

    before = net.weight.imag.clone()
    states = torch.randn(4, 2, 3, 3, 3, dtype=torch.float64)
    runs = BasinWindows(states, torch.ones(2, 3, 3, dtype=torch.float64))
    once_an_epoch = {"curriculum": Curriculum((1,), 20), "evaluate_every": 1}
    history = fit(BasinRollout(Step()), runs, runs, learning_rate=1e-2, **once_an_epoch)
    assert net.weight.dtype == torch.complex64
    assert history.best < history.evaluations[0].valid_loss
    change = (net.weight.imag - before).abs().max()
    assert 1e-2 < change < 0.5  # some of twenty updates of Adam, not a cast to zero


def test_net_learns_a_step_from_runs_of_the_model():
    torch.manual_seed(0)
    depth = torch.full((2, 8, 8), 15.0, dtype=torch.float64)
    step = BackhausStep(dx=1e4, dt=900.0, theta=0.5, tolerance=1e-13)
    scale = torch.tensor(
        [ELEVATION_SCALE] + 2 * [15.0 * VELOCITY_RATIO * ELEVATION_SCALE],
        dtype=torch.float64,
    ).reshape(3, 1, 1)
    state = torch.zeros(2, 3, 8, 8, dtype=torch.float64)
    state[:, 0] = torch.randn(2, 8, 8)
    states = [state]
    for _ in range(6):
        state = torch.stack(step(*(state * scale).unbind(1), depth), 1) / scale
        states.append(state)
    runs = BasinWindows(torch.stack(states), depth)
    model = BasinRollout(ImplicitFluxNet(tolerance=1e-8)).double()
    before = ((model.predict(*runs.batch(torch.arange(12), 1)[:1], 1)) ** 2).mean()
    history = fit(
        model,
        runs,
        runs,
        curriculum=Curriculum((1,), 2),
        optimizer="lbfgs",
        learning_rate=1.0,
        schedule="constant",
        evaluate_every=1,
        dtype="float64",
        progress=False,
    )
    assert history.best < 0.05 * before


def test_file_of_the_known_step_runs_without_python(tmp_path):
    depth, state = basin((8, 10))
    step = BackhausStep(dx=1e4, dt=900.0, drag=1e-3, preconditioner="diagonal")
    names = ("zeta", "u", "v", "depth")
    fields = dict(
        zip(names, (torch.from_numpy(x)[None] for x in (*state, depth)), strict=True)
    )
    path = tmp_path / "step.pt"
    export_network(
        step.eval(),
        path,
        inputs=fields,
        outputs=["zeta_next", "u_next", "v_next"],
        dynamic={"member": 0},
        derivatives=False,
        tolerance=1e-9,  # of random fields that are no flow
        training_range={"depth": (5.0, 25.0), "zeta": (-0.1, 0.1)},
    )
    found = Model(path)(**{name: field.numpy() for name, field in fields.items()})
    expected = step(*fields.values())
    for name, field in zip(("zeta_next", "u_next", "v_next"), expected, strict=True):
        assert abs(found[name] - field.numpy()).max() < ROUNDING
