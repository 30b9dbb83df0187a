# SPDX-License-Identifier: MIT
"""Measures of an emulator, on steps whose derivative and exponent are known."""

import pytest
import torch

from isthmus.learn.measures import (
    Estimate,
    jacobian,
    jacobian_by_lead,
    lyapunov_exponent,
    rmse_by_lead,
)
from isthmus.learn.simulators import simulate_one_level
from isthmus.nets import BilinearNet, Lorenz96Tendency, Rk4Step

# Forward mode scripts its decompositions: nothing we could change.
pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")

DT, F, K = 0.05, 8.0, 10


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture
def x():
    generator = torch.Generator().manual_seed(2)
    return 3.0 * torch.randn(4, K, dtype=torch.float64, generator=generator)


def linear_step(matrix):
    return lambda x: x @ matrix.T


def test_jacobian_of_a_linear_step_is_its_matrix(x):
    matrix = torch.randn(K, K, dtype=torch.float64)
    got = jacobian(linear_step(matrix), x)
    assert torch.allclose(got, matrix.expand(4, K, K), rtol=1e-14)


def test_jacobian_of_a_step_is_the_hand_written_chain(x):
    """The tangent of Runge-Kutta from the tendency's derivative, stage by stage."""

    def derivative(s):
        eye = torch.eye(K, dtype=torch.float64)
        before, before2, after = s.roll(1, -1), s.roll(2, -1), s.roll(-1, -1)
        return (
            -eye
            - (before2 - after)[:, :, None] * eye.roll(-1, 1)
            - before[:, :, None] * eye.roll(-2, 1)
            + before[:, :, None] * eye.roll(1, 1)
        )

    f = Lorenz96Tendency(F)
    eye = torch.eye(K, dtype=torch.float64)
    k1 = f(x)
    k2 = f(x + DT / 2 * k1)
    k3 = f(x + DT / 2 * k2)
    j1 = derivative(x)
    j2 = derivative(x + DT / 2 * k1) @ (eye + DT / 2 * j1)
    j3 = derivative(x + DT / 2 * k2) @ (eye + DT / 2 * j2)
    j4 = derivative(x + DT * k3) @ (eye + DT * j3)
    expected = eye + DT / 6 * (j1 + 2 * j2 + 2 * j3 + j4)
    assert torch.allclose(jacobian(Rk4Step(f, DT), x), expected, rtol=1e-12, atol=1e-13)


def test_jacobian_of_many_steps_is_that_of_the_iterated_step(x):
    step = Rk4Step(BilinearNet.analytic(F), DT)
    one, three = jacobian_by_lead(step, x, (1, 3))
    assert torch.equal(one, jacobian(step, x))
    thrice = jacobian(lambda s: step(step(step(s))), x)
    assert torch.allclose(three, thrice, rtol=1e-11, atol=1e-12)


def test_exponent_of_a_linear_step_is_the_logarithm_of_its_largest_value():
    values = torch.tensor([1.3, 0.9, 0.5], dtype=torch.float64)
    got = lyapunov_exponent(
        linear_step(torch.diag(values)),
        torch.ones(3, 3, dtype=torch.float64) * 1e-30,
        dt=0.1,
        n_steps=50,
        n_settle=150,
    )
    assert got.mean == pytest.approx(float(values[0].log()) / 0.1, rel=1e-12)
    assert got.error < 1e-12


def test_leading_exponent_of_lorenz96_is_the_published_one():
    """K = 40, F = 8: the doubling time of 0.42 time units, or 1.66 +- 2 %."""
    start = simulate_one_level(0, dt=DT, n_members=60, spin_up=10.0)["x"][0]
    step = Rk4Step(Lorenz96Tendency(F), DT)
    got = lyapunov_exponent(step, torch.from_numpy(start), dt=DT, n_steps=400, n_settle=100)
    assert abs(got.mean - 1.66) < 0.02 * 1.66 + 3 * got.error
    assert got.error < 0.05


def test_rmse_by_lead_starts_from_the_truth_and_counts_steps(x):
    double = linear_step(2 * torch.eye(K, dtype=torch.float64))
    truth = x.expand(4, 4, K)
    errors = rmse_by_lead(double, truth, (1, 3))
    size = (x**2).mean(-1).sqrt()
    assert torch.allclose(errors, torch.stack([size, 7 * size]), rtol=1e-14)


def test_estimate_is_mean_and_standard_error():
    got = Estimate.of(torch.tensor([1.0, 2.0, 3.0, 6.0]))
    assert got.mean == 3.0
    assert got.error == pytest.approx((14 / 3) ** 0.5 / 2)
