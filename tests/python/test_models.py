# SPDX-License-Identifier: MIT
"""The wrapped Fortran models: values, shared memory, derivatives, statistics, refusals."""

import numpy as np
import pytest

from isthmus.errors import BindingError, ConfigurationError
from isthmus.models import Lorenz96, TwoLevelLorenz96, lyapunov_exponent

ROUNDING = 1e-13  # a few operations on numbers of order ten in double precision
TRANSPOSITION = 1e-14  # of a dot product, relative to the norms


@pytest.fixture
def random():
    return np.random.default_rng(4)


def on_attractor(model, n_members):
    return model.advance(model.initial_state(n_members), 0.01, n_steps=1000)


def rolled(x, forcing):
    """Return dx/dt by numpy's roll, which shares no code with Fortran."""
    back, back2, ahead = np.roll(x, 1, -1), np.roll(x, 2, -1), np.roll(x, -1, -1)
    return -back * (back2 - ahead) - x + forcing


def test_known_value_is_in_double_precision():
    # Read as single precision, which a wrong kind map would do, this would be nonsense.
    model = Lorenz96(n_sites=5, forcing=8.0)
    x = np.array([[1.0, 2.0, 3.0, 4.0, 5.0]]) + 1e-12
    assert np.array_equal(np.round(model.tendency(x)), [[-3.0, 4.0, 11.0, 13.0, -5.0]])
    np.testing.assert_allclose(model.tendency(x), rolled(x, 8.0), rtol=0, atol=ROUNDING)


def test_arrays_are_shared_not_copied(random):
    model = Lorenz96(n_sites=6)
    memory = random.normal(size=(5, 6))
    view = memory[1:4]  # contiguous: a part of the caller's own ensemble
    expected = model.step(view.copy(), 0.05)
    untouched = memory[[0, 4]].copy()
    assert model.step(view, 0.05) is view
    assert np.array_equal(memory[1:4], expected)
    assert np.array_equal(memory[[0, 4]], untouched)


def test_step_holds_the_added_tendency(random):
    model = Lorenz96(n_sites=9, forcing=3.0)
    x, b = random.normal(size=(2, 4, 9))
    k1 = rolled(x, 3.0) + b
    k2 = rolled(x + 0.025 * k1, 3.0) + b
    k3 = rolled(x + 0.025 * k2, 3.0) + b
    k4 = rolled(x + 0.05 * k3, 3.0) + b
    expected = x + 0.05 / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    stepped = model.step(x.copy(), 0.05, b=b)
    np.testing.assert_allclose(stepped, expected, rtol=0, atol=ROUNDING)
    euler = Lorenz96(n_sites=9, forcing=3.0, scheme="euler").step(x.copy(), 0.05, b=b)
    np.testing.assert_allclose(euler, x + 0.05 * k1, rtol=0, atol=ROUNDING)


def test_two_level_tendency_is_that_of_numpy(random):
    model = TwoLevelLorenz96()
    x = random.normal(size=(3, 36), scale=3.0)
    z = random.normal(size=(3, 360), scale=0.3)
    coupling = -10.0 * z.reshape(3, 36, 10).mean(axis=-1)
    ahead, ahead2, back = (np.roll(z, shift, -1) for shift in (-1, -2, 1))
    dzdt = 10.0 * (-10.0 * ahead * (ahead2 - back) - z + 0.1 * np.repeat(x, 10, axis=-1))
    f = model.tendency(x, z)
    np.testing.assert_allclose(model.coupling_tendency(x, z), coupling, atol=ROUNDING)
    np.testing.assert_allclose(f.x, rolled(x, 10.0) + coupling, rtol=0, atol=ROUNDING)
    np.testing.assert_allclose(f.z, dzdt, rtol=0, atol=1e-12)


@pytest.mark.parametrize("n_steps", [1, 10, 100])
@pytest.mark.parametrize("scheme", ["rk4", "euler"])
def test_adjoint_is_transpose_of_tangent_linear(random, n_steps, scheme):
    model = Lorenz96(scheme=scheme)
    dt = 0.05 if scheme == "rk4" else 0.005
    x = on_attractor(Lorenz96(), 3)
    b, b_tl, x_tl, y = random.normal(size=(4, 3, 40))
    forcing_tl = random.normal(size=3)
    _, y_tl = model.advance_tl(
        x, x_tl, dt=dt, n_steps=n_steps, b=b, forcing_tl=forcing_tl, b_tl=b_tl
    )
    adjoint = model.advance_ad(x, y, dt=dt, n_steps=n_steps, b=b)
    forward = np.vdot(y_tl, y)
    backward = np.vdot(x_tl, adjoint.x) + np.vdot(b_tl, adjoint.b)
    backward += forcing_tl @ adjoint.forcing
    bound = TRANSPOSITION * np.linalg.norm(y_tl) * np.linalg.norm(y)
    assert abs(forward - backward) <= bound


def test_tendency_adjoint_is_transpose_of_tangent_linear(random):
    model = Lorenz96()
    x, x_tl, y = random.normal(size=(3, 2, 40))
    forcing_tl = random.normal(size=2)
    f_tl = model.tendency_tl(x, x_tl, forcing_tl=forcing_tl)
    x_ad, forcing_ad = model.tendency_ad(x, y)
    difference = np.vdot(f_tl, y) - np.vdot(x_tl, x_ad) - forcing_tl @ forcing_ad
    assert abs(difference) <= TRANSPOSITION * np.linalg.norm(f_tl) * np.linalg.norm(y)


@pytest.mark.parametrize("wrap", ["ring", "sites"])
@pytest.mark.parametrize("coupling", ["mean", "sum"])
def test_two_level_adjoint_is_transpose_of_tangent_linear(random, wrap, coupling):
    model = TwoLevelLorenz96(n_sites=6, n_fast=5, wrap=wrap, coupling=coupling)
    x, z = model.advance(*model.initial_state(2), dt=0.002, n_steps=500)
    x_tl, x_ad, added, added_tl = random.normal(size=(4, 2, 6))
    z_tl, z_ad = random.normal(size=(2, 2, 30))
    q_tl = random.normal(size=(2, 4))
    _, change = model.advance_tl(
        x,
        z,
        x_tl=x_tl,
        z_tl=z_tl,
        dt=0.002,
        n_steps=20,
        added=added,
        coefficients_tl=q_tl,
        added_tl=added_tl,
    )
    adjoint = model.advance_ad(
        x, z, x_ad=x_ad, z_ad=z_ad, dt=0.002, n_steps=20, added=added
    )
    forward = np.vdot(change.x, x_ad) + np.vdot(change.z, z_ad)
    given = (x_tl, z_tl, q_tl, added_tl)
    backward = sum(np.vdot(a, b) for a, b in zip(given, adjoint, strict=True))
    scale = np.hypot(np.linalg.norm(change.x), np.linalg.norm(change.z))
    assert abs(forward - backward) <= TRANSPOSITION * scale * np.hypot(
        np.linalg.norm(x_ad), np.linalg.norm(z_ad)
    )
    f_tl = model.tendency_tl(x, z, x_tl=x_tl, z_tl=z_tl, coefficients_tl=q_tl)
    f_ad = model.tendency_ad(x, z, dxdt_ad=x_ad, dzdt_ad=z_ad)
    forward = np.vdot(f_tl.x, x_ad) + np.vdot(f_tl.z, z_ad)
    backward = sum(np.vdot(a, b) for a, b in zip((x_tl, z_tl, q_tl), f_ad, strict=True))
    assert abs(forward - backward) <= TRANSPOSITION * np.linalg.norm(
        f_tl.z
    ) * np.linalg.norm(z_ad)


def test_derivatives_leave_their_arguments_alone(random):
    model = Lorenz96(n_sites=6)
    x, x_tl = random.normal(size=(2, 3, 6))
    before = x.copy(), x_tl.copy()
    model.advance_tl(x, x_tl, dt=0.05, n_steps=3)
    model.advance_ad(x, x_tl, dt=0.05, n_steps=3)
    assert np.array_equal(x, before[0])
    assert np.array_equal(x_tl, before[1])


@pytest.mark.slow
def test_leading_lyapunov_exponent_is_the_published_one():
    estimate = lyapunov_exponent(Lorenz96(), time=2000.0, n_members=16)
    assert abs(estimate.value / 1.66 - 1.0) < 0.02
    assert estimate.standard_error < 0.012


def test_climate_of_one_level_is_the_published_one():
    model = Lorenz96()
    x = on_attractor(model, 100)
    samples = []
    for _ in range(200):
        samples.append(model.advance(x, 0.05, n_steps=10).copy())
    values = np.stack(samples)
    assert abs(values.mean() - 2.34) < 0.01
    assert 3.62 < values.std() < 3.65


@pytest.mark.slow
def test_climate_of_two_levels_is_the_published_one():
    model = TwoLevelLorenz96()
    x, z = model.advance(*model.initial_state(64), dt=0.005, n_steps=2000)
    samples = []
    for _ in range(300):
        model.advance(x, z, dt=0.005, n_steps=40)
        samples.append(x.copy())
    values = np.stack(samples)
    # The published mean is that of 20 runs of 50 time units, ours that of 64 runs of 60.
    # Means over 50 units scatter by 0.068: the difference has a standard error of 0.017.
    assert abs(values.mean() - 2.547) < 3 * 0.017
    assert abs(values.std() / 3.531 - 1.0) < 0.005


@pytest.mark.parametrize(
    ("x", "words"),
    [
        (np.zeros((2, 5), np.float32), "'x' has dtype float32, expected float64"),
        (np.zeros((2, 6)), r"'x' has shape \[2, 6\], expected \[member, 5\]"),
        (np.zeros(5), r"'x' has shape \[5\]"),
        (np.zeros((5, 2)).T, "'x' is not C-contiguous"),
        (np.zeros((2, 10))[:, ::2], "'x' is not C-contiguous"),
        (np.zeros((0, 5)), "'x' has no elements"),
        (np.broadcast_to(np.zeros(5), (1, 5)), "'x' is read-only"),
        ([[0.0] * 5], "'x' is a list"),
    ],
)
def test_an_array_that_does_not_fit_is_named(x, words):
    with pytest.raises(BindingError, match=words):
        Lorenz96(n_sites=5).step(x, 0.05)


def test_second_arrays_that_do_not_fit_are_named(random):
    model, x = Lorenz96(n_sites=5), random.normal(size=(2, 5))
    with pytest.raises(BindingError, match=r"'b' has shape \[3, 5\], expected \[2, 5\]"):
        model.step(x, 0.05, b=np.zeros((3, 5)))
    with pytest.raises(BindingError, match="'b' overlaps 'x'"):
        model.step(x, 0.05, b=x)
    with pytest.raises(BindingError, match="'x_ad' has dtype float32"):
        model.advance_ad(x, x.astype(np.float32), dt=0.05)
    with pytest.raises(BindingError, match=r"'forcing_tl' has shape \[3\]"):
        model.advance_tl(x, x, dt=0.05, forcing_tl=np.zeros(3))
    two_level = TwoLevelLorenz96(n_sites=5, n_fast=4)
    with pytest.raises(BindingError, match=r"'z' has shape \[2, 19\], expected \[2, 20\]"):
        two_level.step(x, np.zeros((2, 19)), dt=0.01)
    with pytest.raises(BindingError, match=r"'added' has shape \[2, 4\]"):
        two_level.step(x, np.zeros((2, 20)), dt=0.01, added=np.zeros((2, 4)))


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: Lorenz96(n_sites=3), "'n_sites' must be 4 to"),
        (lambda: Lorenz96(forcing=float("nan")), "'forcing' must be finite"),
        (
            lambda: Lorenz96(scheme="heun"),
            "'scheme' must be 'rk4' or 'euler', found 'heun'",
        ),
        (lambda: TwoLevelLorenz96(wrap="torus"), "'wrap' must be 'ring' or 'sites'"),
        (lambda: TwoLevelLorenz96(n_fast=3, wrap="sites"), "'n_fast' must be at least 4"),
        (lambda: TwoLevelLorenz96(b=0.0), "'b' must not be zero"),
        (lambda: Lorenz96().step(np.zeros((1, 40)), float("inf")), "'dt' must be finite"),
        (
            lambda: Lorenz96().advance(np.zeros((1, 40)), 0.05, n_steps=-1),
            "'n_steps' must not be negative",
        ),
    ],
)
def test_parameters_that_make_no_sense_are_named(build, words):
    with pytest.raises(ConfigurationError, match=words):
        build()
