# SPDX-License-Identifier: MIT
"""Hessians by the second-order adjoint: symmetric, of second order, the same by torch."""

import numpy as np
import pytest
import torch
from torch.func import grad, jvp

from isthmus.inverse import (
    Diagonal,
    DifferenceModel,
    FortranModel,
    FourDVar,
    Full,
    Nonlinear,
    Observations,
    Sites,
    TorchModel,
    gaussian_on_ring,
)
from isthmus.models import Lorenz96
from isthmus.models.windows import (
    misfit_gradient,
    sweep_ad,
    sweep_soa,
    sweep_tl,
    trajectory,
)
from isthmus.nets import Lorenz96Tendency, Rk4Step

N, DT, FORCING, N_STEPS = 40, 0.05, 8.0, 12
SYMMETRY = 1e-12  # rounding over a window whose errors double once
TORCH = 1e-12  # the same sums in another order
NESTED = 1e-5  # second derivatives by differences of differences
SLOPE = 2.9  # of a Taylor remainder of third order, over the decades above rounding
BENT = 1e-8  # H'' by central differences of H'


@pytest.fixture(scope="module")
def truth() -> np.ndarray:
    """Return a state on the attractor `[k]`."""
    model = Lorenz96(N, FORCING)
    return model.advance(model.initial_state(1, seed=5), DT, n_steps=400)[0]


def cubic() -> Nonlinear:
    """Return an observation operator that bends."""
    return Nonlinear(
        lambda x: x + 0.02 * x**3,
        lambda x, x_tl: (1.0 + 0.06 * x**2) * x_tl,
        lambda x, y_ad: (1.0 + 0.06 * x**2) * y_ad,
    )


def window(model, truth, *, operator=None, covariance=None) -> FourDVar:
    """Return a window whose observations are far enough for curvature to count."""
    rng = np.random.default_rng(6)
    operator = Sites(N) if operator is None else operator
    steps = np.array([0, 5, N_STEPS])
    states = FortranModel(Lorenz96(N, FORCING), DT).trajectory(truth[None], N_STEPS)[:, 0]
    values = operator(states[steps]) + rng.standard_normal((3, N))
    values[1, ::3] = np.nan
    observations = Observations(steps, values, operator, Diagonal(0.5, N))
    b = Full(np.eye(N)) if covariance is None else covariance
    guess = truth + 0.5 * rng.standard_normal(N)
    return FourDVar(model, N_STEPS, observations, guess, b)


@pytest.mark.parametrize("operator", [None, cubic()])
def test_hessian_is_symmetric_and_not_that_of_gauss_and_newton(truth, operator):
    model = FortranModel(Lorenz96(N, FORCING), DT)
    problem = window(
        model, truth, operator=operator, covariance=gaussian_on_ring(N, sd=0.7, length=2.0)
    )
    v = 0.1 * np.random.default_rng(7).standard_normal(N)
    exact = problem.hessian(v, is_exact=True) @ np.eye(N)
    scale = np.linalg.norm(exact)
    limit = SYMMETRY if operator is None else BENT
    assert np.linalg.norm(exact - exact.T) <= limit * scale
    newton = problem.hessian(v) @ np.eye(N)
    assert np.linalg.norm(exact - newton) >= 1e-2 * scale


@pytest.mark.parametrize("operator", [None, cubic()])
def test_gradient_follows_the_hessian_to_second_order(truth, operator):
    problem = window(FortranModel(Lorenz96(N, FORCING), DT), truth, operator=operator)
    rng = np.random.default_rng(8)
    v, u = 0.1 * rng.standard_normal(N), rng.standard_normal(N)
    cost, gradient = problem.cost(v)
    bent = problem.hessian(v, is_exact=True) @ u
    sizes = 10.0 ** np.arange(-1.5, -3.1, -0.5)
    thirds = [
        abs(problem.cost(v + h * u).cost - cost - h * gradient @ u - h**2 * u @ bent / 2)
        for h in sizes
    ]
    slopes = np.diff(np.log10(thirds)) / np.diff(np.log10(sizes))
    assert slopes.min() >= SLOPE
    seconds = [
        np.linalg.norm(problem.cost(v + h * u).gradient - gradient - h * bent)
        for h in sizes
    ]
    slopes = np.diff(np.log10(seconds)) / np.diff(np.log10(sizes))
    assert slopes.min() >= SLOPE - 1.0


def test_columns_are_vectors_one_by_one(truth):
    problem = window(FortranModel(Lorenz96(N, FORCING), DT), truth)
    hessian = problem.hessian(np.zeros(N), is_exact=True)
    block = np.random.default_rng(9).standard_normal((N, 5))
    one_by_one = np.stack([hessian @ column for column in block.T], axis=1)
    assert np.array_equal(hessian @ block, one_by_one)


def test_every_kind_of_derivative_gives_the_same_hessian(truth):
    fortran = FortranModel(Lorenz96(N, FORCING), DT)
    step = Rk4Step(Lorenz96Tendency(FORCING), DT).double().eval()
    u = np.random.default_rng(10).standard_normal(N)
    v = np.zeros(N)
    exact = window(fortran, truth).hessian(v, is_exact=True) @ u
    for model, limit in (
        (TorchModel(step, N, dt=DT), TORCH),
        (DifferenceModel(fortran, scale=1.0), NESTED),
        (TorchModel(torch.jit.script(step), N, dt=DT), NESTED),
    ):
        found = window(model, truth).hessian(v, is_exact=True) @ u
        assert np.linalg.norm(found - exact) <= limit * np.linalg.norm(exact)


def test_fortran_equals_forward_over_reverse_of_the_whole_cost(truth):
    problem = window(FortranModel(Lorenz96(N, FORCING), DT), truth)
    step = Rk4Step(Lorenz96Tendency(FORCING), DT).double().eval()
    observed, weight = (
        torch.from_numpy(a) for a in problem.observations.as_weights(N_STEPS, N)
    )

    def cost(x: torch.Tensor) -> torch.Tensor:
        states = [x]
        for _ in range(N_STEPS):
            states.append(step(states[-1][None])[0])
        departure = torch.stack(states) - observed
        increment = x - torch.from_numpy(problem.background)
        return 0.5 * (weight * departure**2).sum() + 0.5 * increment @ increment

    u = np.random.default_rng(11).standard_normal(N)
    x = torch.from_numpy(problem.background)
    by_torch = jvp(grad(cost), (x,), (torch.from_numpy(u),))[1].numpy()
    by_fortran = problem.hessian(np.zeros(N), is_exact=True) @ u
    assert np.linalg.norm(by_fortran - by_torch) <= TORCH * np.linalg.norm(by_torch)


def test_forcing_is_part_of_the_second_order_adjoint(truth):
    rng = np.random.default_rng(12)
    x_tl, forcing_tl = rng.standard_normal((1, N)), 0.7
    s, s_tl = rng.standard_normal((2, N_STEPS + 1, 1, N))

    def adjoint(x, forcing, s):
        states = trajectory(x, forcing=forcing, dt=DT, n_steps=N_STEPS)
        return states, sweep_ad(states, s, forcing=forcing, dt=DT)

    states, _ = adjoint(truth[None], FORCING, s)
    given = {"forcing": FORCING, "dt": DT, "forcing_tl": forcing_tl}
    changes = sweep_tl(states, x_tl, **given)
    exact = sweep_soa(states, changes, s, s_tl, **given)
    h = 1e-5  # error h^2, and rounding over h
    ahead = adjoint(truth[None] + h * x_tl, FORCING + h * forcing_tl, s + h * s_tl)[1]
    behind = adjoint(truth[None] - h * x_tl, FORCING - h * forcing_tl, s - h * s_tl)[1]
    for found, a, b in zip(exact, ahead, behind, strict=True):
        assert np.allclose(found, (a - b) / (2 * h), rtol=1e-7, atol=0)


def test_gradient_by_the_c_interface_is_that_of_the_sweeps(truth):
    """Another order of summation over the window: equal to rounding, as from f90wrap."""
    rng = np.random.default_rng(13)
    observed = rng.standard_normal((N_STEPS + 1, N))
    weight = rng.uniform(0.0, 2.0, observed.shape)
    given = {"forcing": FORCING, "dt": DT}
    cost, gradient, slope = misfit_gradient(truth, observed, weight, **given)
    states = trajectory(truth[None], n_steps=N_STEPS, **given)
    departure = states[:, 0] - observed
    x_ad, forcing_ad = sweep_ad(states, (weight * departure)[:, None], **given)
    assert abs(cost - 0.5 * np.sum(weight * departure**2)) <= TORCH * cost
    assert np.linalg.norm(gradient - x_ad[0]) <= TORCH * np.linalg.norm(gradient)
    assert abs(slope - forcing_ad[0]) <= TORCH * abs(slope)
