# SPDX-License-Identifier: MIT
"""The shallow water model from Python, and PyTorch's derivatives through it."""

import gc

import numpy as np
import pytest
import torch
from torch.autograd import gradcheck

from isthmus.couple.shallow_water import CONTROL_NAMES, fortran_shallow_water_step
from isthmus.errors import BindingError, ConfigurationError, ModelRunError
from isthmus.models import (
    Lorenz96,
    ShallowWater,
    ShallowWaterForcing,
    ShallowWaterGrid,
    ShallowWaterState,
    set_threads,
)
from isthmus.models.shallow_water_grid import ELEVATION, LAND, RADIATING, TRANSPORT, WATER

N_Y, N_X = 5, 6
TIGHT = 1e-14  # of the solver [m]: finite differences of 1e-6 see 1e-8 of it
ROUNDING = 1e-11  # of sums over some hundred products, and of solves to 1e-13


@pytest.fixture(autouse=True)
def one_thread():
    set_threads(1)  # small grids
    torch.set_num_threads(1)


@pytest.fixture
def generator():
    return np.random.default_rng(5)


def open_grid(generator):
    cell = np.full((N_Y, N_X), WATER)
    cell[2, 2] = LAND
    cell[:2, 0] = ELEVATION
    cell[1:4, -1] = RADIATING
    cell[-1, 3] = TRANSPORT
    depth = 20.0 + generator.standard_normal((N_Y, N_X))
    return ShallowWaterGrid.plane(depth, dx=1000.0, dy=900.0, f=1e-4, cell=cell)


def model_of(grid, **parameters):  # noqa: ANN003
    return ShallowWater(grid, dt=150.0, theta=0.6, drag=0.003, **parameters)


def random_state(generator, size=1.0):
    scales = (0.1, 1.0, 1.0)
    return ShallowWaterState(
        *(size * scale * generator.standard_normal((N_Y, N_X)) for scale in scales)
    )


def random_forcing(generator):
    scales = (1e-4, 1e-4, 0.1, 0.2, 1.0, 1.0)
    return ShallowWaterForcing(*(s * generator.standard_normal((N_Y, N_X)) for s in scales))


def dot(one, other):
    return sum(float(np.sum(a * b)) for a, b in zip(one, other, strict=True))


def test_a_closed_basin_keeps_its_volume_and_comes_to_rest():
    depth = np.full((20, 30), 15.0)
    depth[5:8, 5:9] = -1.0
    model = ShallowWater(ShallowWaterGrid.plane(depth, dx=2e3), dt=300.0, linear_drag=1e-3)
    state = model.state_at_rest()
    state.zeta[10:, 20:] = 0.5
    volume = state.zeta.sum()
    report = model.step(state, n_steps=400)
    water = depth > 0
    assert state.zeta.sum() == pytest.approx(volume, rel=1e-12)
    assert np.ptp(state.zeta[water]) < 1e-3
    assert report.n_iterations > 0
    assert report.solver_error < 1e-4


def test_a_step_changes_the_arrays_that_it_is_given(generator):
    model = model_of(open_grid(generator))
    state = random_state(generator)
    before = state.copy()
    addresses = [part.ctypes.data for part in state]
    model.step(state, forcing=random_forcing(generator))
    assert [part.ctypes.data for part in state] == addresses
    assert not np.array_equal(before.zeta, state.zeta)


def test_axes_are_y_then_x_and_v_points_north():
    grid = ShallowWaterGrid.plane(np.full((4, 9), 10.0), dx=1e3)
    model = ShallowWater(grid, dt=60.0, tolerance=TIGHT)
    state = model.state_at_rest()
    state.zeta[0, :] = 0.1
    model.step(state)
    assert state.v[0, 4] > 0.0
    assert np.abs(state.u).max() < 1e-12
    assert np.all(state.v[-1] == 0.0)


def test_rows_of_a_sphere_shrink_towards_the_pole():
    latitudes = np.linspace(50.0, 60.0, 11)
    grid = ShallowWaterGrid.sphere(
        np.full((11, 8), 50.0), longitudes=np.linspace(0.0, 7.0, 8), latitudes=latitudes
    )
    expected = 111194.9 * np.cos(np.deg2rad(latitudes))  # one degree of 6371 km
    assert np.allclose(grid.metric[0, 2:-2], expected, rtol=1e-6)
    assert np.allclose(grid.metric[2, 2:-2], 1.4584e-4 * np.sin(np.deg2rad(latitudes)))


@pytest.mark.parametrize("n_steps", [1, 7])
@pytest.mark.parametrize(
    "parameters",
    [
        {"face_depth": "linear", "drag_law": "manning"},
        {"face_depth": "upwind", "advection": "limited", "thin_depth": 1.0},
        {"viscosity": 50.0, "no_slip": True, "solver": "cg"},
    ],
)
def test_adjoint_is_transpose_of_tangent_linear(generator, n_steps, parameters):
    model = model_of(open_grid(generator), **parameters)
    state, forcing = random_state(generator), random_forcing(generator)
    change, sensitivity = random_state(generator), random_state(generator)
    depth_tl, drag_tl = generator.standard_normal((2, N_Y, N_X)) * [[[1.0]], [[1e-3]]]
    forcing_tl = random_forcing(generator)
    _, end = model.step_tl(
        state,
        change,
        depth_tl=depth_tl,
        drag_tl=drag_tl,
        linear_drag_tl=1e-5,
        forcing=forcing,
        forcing_tl=forcing_tl,
        n_steps=n_steps,
    )
    adjoint = model.step_ad(state, sensitivity, forcing=forcing, n_steps=n_steps)
    backward = (
        dot(change, adjoint.state)
        + dot([depth_tl, drag_tl], [adjoint.depth, adjoint.drag])
        + 1e-5 * adjoint.linear_drag
        + dot(vars(forcing_tl).values(), vars(adjoint.forcing).values())
    )
    size = np.sqrt(dot(end, end) * dot(sensitivity, sensitivity))
    assert abs(dot(end, sensitivity) - backward) < ROUNDING * size


def test_torch_gradients_pass_gradcheck_in_both_modes(generator):
    model = model_of(open_grid(generator), tolerance=TIGHT, linear_drag=1e-4)
    step = fortran_shallow_water_step(model, n_steps=2)
    state, forcing = random_state(generator), random_forcing(generator)
    fields = {"depth": model.depth, "drag": model.drag, "linear_drag": np.asarray(1e-4)}
    fields.update(vars(forcing))
    inputs = [torch.tensor(part, requires_grad=True) for part in state]
    inputs += [torch.tensor(fields[name], requires_grad=True) for name in CONTROL_NAMES]

    def scaled(zeta, u, v, *controls):  # noqa: ANN002
        # In units of each control's size, so that one finite difference serves all.
        scales = {"drag": 1e-3, "linear_drag": 1e-4, "stress_u": 1e-3, "stress_v": 1e-3}
        named = {
            name: torch.tensor(fields[name])
            + scales.get(name, 1.0) * (control - torch.tensor(fields[name]))
            for name, control in zip(CONTROL_NAMES, controls, strict=True)
        }
        return step(zeta, u, v, **named)

    assert gradcheck(scaled, inputs, check_forward_ad=True, atol=1e-6, rtol=1e-4)


def test_a_loss_along_a_run_reaches_friction_and_boundary(generator):
    model = model_of(open_grid(generator), tolerance=TIGHT)
    step = fortran_shallow_water_step(model)
    start = [torch.tensor(part) for part in random_state(generator)]

    def loss_of(drag, amplitude):
        zeta, u, v = start
        loss = torch.zeros((), dtype=torch.float64)
        for n in range(6):
            edge = amplitude * np.cos(0.3 * n) * torch.ones(N_Y, N_X, dtype=torch.float64)
            field = 1e-3 * drag * torch.ones(N_Y, N_X, dtype=torch.float64)
            zeta, u, v = step(zeta, u, v, drag=field, open_zeta=edge)
            loss = loss + (zeta**2).sum()
        return loss

    inputs = [torch.tensor(value, dtype=torch.float64) for value in (3.0, 0.5)]
    assert gradcheck(loss_of, [value.requires_grad_() for value in inputs])
    assert np.all(model.drag == 0.003)  # the model's own is back


def test_a_beach_keeps_its_water_and_no_depth_is_negative():
    depth = np.tile(np.linspace(4.0, -1.0, 40), (3, 1))
    grid = ShallowWaterGrid.plane(depth, dx=100.0, cell=np.full(depth.shape, WATER))
    model = ShallowWater(
        grid, dt=10.0, face_depth="upwind", wetting="newton", thin_depth=0.02, drag=0.003
    )
    state = model.state_at_rest()
    state.zeta[:] = np.maximum(np.where(depth < 1.5, 0.8, -0.2), -depth)  # it runs back
    volume = (depth + state.zeta).sum()
    model.step(state, n_steps=50)
    assert (depth + state.zeta).min() >= 0.0
    assert (depth + state.zeta).sum() == pytest.approx(volume, rel=1e-12)


def test_a_derivative_through_a_cell_that_dries_is_refused(generator):
    model = model_of(open_grid(generator), face_depth="upwind", wetting="newton")
    state = random_state(generator)
    model.step_ad(state, state)  # all cells are deep
    state.zeta[:, 3:] = -model.depth[:, 3:]
    with pytest.raises(ModelRunError, match="wetting"):
        model.step_ad(state, state)


def test_a_wrong_shape_is_named(generator):
    model = model_of(open_grid(generator))
    state = random_state(generator)
    with pytest.raises(BindingError, match=r"'u' has shape \[6, 5\], expected \[5, 6\]"):
        model.step(state._replace(u=np.zeros((N_X, N_Y))))
    with pytest.raises(BindingError, match="'open_zeta' has dtype float32"):
        model.step(
            state, forcing=ShallowWaterForcing(open_zeta=np.zeros((N_Y, N_X), np.float32))
        )
    with pytest.raises(BindingError, match="'v_ad' has shape"):
        model.step_ad(state, state._replace(v=np.zeros(3)))
    with pytest.raises(BindingError, match="'drag' has shape"):
        model.set_fields(drag=np.zeros((2, 2)))
    step = fortran_shallow_water_step(model)
    fields = [torch.tensor(part) for part in state]
    with pytest.raises(BindingError, match="'head' has shape"):
        step(*fields, head=torch.zeros(2, 2, dtype=torch.float64))
    with pytest.raises(BindingError, match="'wind' is no control"):
        step(*fields, wind=fields[0])


def test_parameters_that_make_no_sense_are_named():
    grid = ShallowWaterGrid.plane(np.full((4, 4), 10.0), dx=1e3)
    for name, value in {
        "dt": -1.0,
        "theta": 0.2,
        "solver": "magic",
        "viscosity": -1,
    }.items():
        with pytest.raises(ConfigurationError, match=name):
            ShallowWater(grid, **{"dt": 10.0, name: value})
    with pytest.raises(BindingError, match="not finite"):
        ShallowWaterGrid.plane(np.full((4, 4), np.nan), dx=1e3, cell=np.full((4, 4), WATER))
    with pytest.raises(BindingError, match="'longitudes' must rise"):
        ShallowWaterGrid.sphere(
            np.ones((4, 4)), longitudes=np.zeros(4), latitudes=np.arange(4.0)
        )


def test_a_solver_that_gives_up_is_an_error(generator):
    model = model_of(open_grid(generator), solver="cg", max_iterations=1, tolerance=TIGHT)
    with pytest.raises(ModelRunError, match="max_iterations"):
        model.step(random_state(generator))


def test_models_are_freed_and_do_not_disturb_each_other(generator):
    grid = open_grid(generator)
    first = model_of(grid)
    state = random_state(generator)
    expected = state.copy()
    first.step(expected)
    for _ in range(20):
        model_of(grid, linear_drag=1.0).step(random_state(generator))
    gc.collect()
    first.step(state)
    assert np.array_equal(state.zeta, expected.zeta)


@pytest.mark.parametrize("n_steps", [1.5, "2", True, None])
def test_numbers_of_steps_are_whole(n_steps):
    grid = ShallowWaterGrid.plane(np.full((8, 10), 20.0), dx=1e3)
    model = ShallowWater(grid, dt=60.0)
    with pytest.raises(ConfigurationError, match="'n_steps' must be a whole number"):
        model.step(model.state_at_rest(), n_steps=n_steps)
    with pytest.raises(ConfigurationError, match="'n_steps' must be a whole number"):
        Lorenz96(40, 8.0).advance(np.zeros((1, 40)), 0.05, n_steps=n_steps)
