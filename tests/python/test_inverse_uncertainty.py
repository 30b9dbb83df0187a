# SPDX-License-Identifier: MIT
"""Laplace posterior, sampler and calibration where the posterior is known."""

import numpy as np
import pytest
from lorenz96_steps import export_exact_step
from scipy.sparse.linalg import aslinearoperator

from isthmus.errors import AssimilationError, ConfigurationError
from isthmus.inverse import (
    Diagonal,
    DifferenceModel,
    FortranModel,
    FourDVar,
    Full,
    Observations,
    Sites,
)
from isthmus.inverse.calibration import Calibration, calibrate
from isthmus.inverse.derivative_kinds import KINDS, OF_A_FILE, with_derivatives
from isthmus.inverse.laplace import laplace_posterior, randomized_eigenpairs
from isthmus.inverse.sampling import nuts
from isthmus.models import Lorenz96

N, DT = 12, 0.05
LINEAR = 1e-10  # dense against randomized, all eigenpairs, n = 12
PAIRS = 1e-10  # eigenvalues that fall by 2 each, two subspace iterations, relative
MOMENT = 5.0  # standard errors of a mean or variance, given the effective samples
UNIFORM = 1e-3  # smallest p-value of a calibrated posterior: fixed seeds, one in a thousand
SAME_CHAIN = 1e-4  # deviations: some leapfrogs with gradients that agree to 1e-8
WRONG = 1e-6  # p-value of one whose deviation is half of what it should be


def posed(seed: int, *, sd: float = 0.3, model=None) -> FourDVar:
    """Return a window whose truth is drawn from its prior."""
    rng = np.random.default_rng(seed)
    ring = Lorenz96(N, 8.0)
    model = FortranModel(ring, DT) if model is None else model
    center = ring.advance(ring.initial_state(1, seed=4), DT, n_steps=400)[0]
    distance = np.abs(np.subtract.outer(np.arange(N), np.arange(N)))
    b = Full(0.25 * np.exp(-np.minimum(distance, N - distance) / 2.0))
    truth = center + b.sample(rng, 1)[0]
    sites = Sites(N, range(0, N, 2))
    steps = np.array([0, 2, 4])
    states = FortranModel(ring, DT).trajectory(truth[None], 4)[:, 0]
    values = sites(states[steps]) + sd * rng.standard_normal((3, N // 2))
    observed = Observations(steps, values, sites, Diagonal(sd**2, N // 2))
    window = FourDVar(model, 4, observed, center, b)
    window.truth = truth
    return window


def test_randomized_eigenpairs_are_those_of_the_matrix():
    rng = np.random.default_rng(1)
    q = np.linalg.qr(rng.standard_normal((60, 60)))[0]
    values = 1e3 * 0.5 ** np.arange(60.0)
    matrix = (q * values) @ q.T
    found, vectors = randomized_eigenpairs(aslinearoperator(matrix), 8)
    assert np.allclose(found, values[:8], rtol=PAIRS, atol=0)
    assert np.allclose(matrix @ vectors, vectors * found, rtol=0, atol=1e-6 * values[0])
    with pytest.raises(ConfigurationError, match="'rank'"):
        randomized_eigenpairs(aslinearoperator(matrix), 61)


def test_laplace_is_exact_when_the_observations_are_linear():
    """No step of the model: the posterior is that of the Kalman filter."""
    window = posed(1)
    now = Observations(
        np.array([0]),
        window.observations.values[:1],
        window.observations.operator,
        window.observations.covariance,
    )
    window = FourDVar(window.model, 0, now, window.background, window.covariance)
    found = laplace_posterior(window, window.incremental(tolerance=1e-8), rank=N // 2)
    h = np.eye(N)[::2]
    precision = np.linalg.inv(window.covariance.matrix) + h.T @ h / 0.3**2
    assert np.allclose(found.dense(), np.linalg.inv(precision), rtol=0, atol=LINEAR)
    determinant = np.linalg.slogdet(precision @ window.covariance.matrix)[1]
    assert abs(found.information - 0.5 * determinant) <= LINEAR
    draws = found.sample(np.random.default_rng(2), 20_000)
    error = np.sqrt(2.0 / 20_000)
    ratio = draws.var(axis=0) / np.diagonal(found.dense())
    assert np.abs(ratio - 1.0).max() <= MOMENT * error


def test_low_rank_is_an_upper_bound_that_falls_to_the_inverse_hessian():
    window = posed(2)
    analysis = window.incremental(tolerance=1e-8)
    v = window.control(analysis.x)
    u = window.covariance.sqrt(np.eye(N)).T
    exact = u @ np.linalg.inv(window.hessian(v, is_exact=True) @ np.eye(N)) @ u.T
    whole = laplace_posterior(window, analysis)
    assert np.allclose(whole.dense(), exact, rtol=0, atol=LINEAR)
    traces = [
        np.trace(laplace_posterior(window, analysis, rank=r).dense()) for r in (2, 4, 6, 8)
    ]
    assert np.all(np.diff(traces) < 0.0)
    newton = laplace_posterior(window, analysis, is_exact=False)
    assert np.linalg.norm(newton.dense() - exact) >= 1e-3 * np.linalg.norm(exact)


def test_laplace_refuses_what_is_no_minimum():
    window = posed(3)
    with pytest.raises(AssimilationError, match="did not converge"):
        laplace_posterior(window, window.direct(max_iterations=1))
    bare = FourDVar(window.model, 4, window.observations, window.background)
    with pytest.raises(ConfigurationError, match="covariance"):
        laplace_posterior(bare, bare.incremental())


def test_sampler_finds_moments_of_a_gaussian_and_of_a_banana():
    pytest.importorskip("nutpie")
    p = np.array([[1.0, 0.8, 0.0], [0.8, 4.0, 0.0], [0.0, 0.0, 0.25]])
    inverse = np.linalg.inv(p)
    found = nuts(
        lambda v: (0.5 * v @ inverse @ v, inverse @ v), 3, n_draws=1000, n_chains=2
    ).required()
    sd = np.sqrt(np.diagonal(p))
    assert np.all(np.abs(found.flat.mean(axis=0)) <= MOMENT * sd / found.effective**0.5)
    error = np.sqrt(2.0 / found.effective.min())
    assert np.abs(found.flat.var(axis=0) / sd**2 - 1.0).max() <= 2.0 * MOMENT * error
    bend = 0.3

    def banana(v):
        y = v[1] + bend * (v[0] ** 2 - 1.0)
        return 0.5 * (v[0] ** 2 + y**2), np.array([v[0] + 2.0 * bend * v[0] * y, y])

    found = nuts(banana, 2, n_draws=2000, n_chains=2, acceptance=0.95).required()
    # v_1 = y - bend (v_0^2 - 1): variance 1 + 2 bend^2, mean 0, cov(v_1, v_0^2) = -2 bend
    error = MOMENT / np.sqrt(found.effective.min())
    v0, v1 = found.flat.T
    assert abs(v1.mean()) <= error * np.sqrt(1.0 + 2.0 * bend**2)
    assert abs(v1.var() - (1.0 + 2.0 * bend**2)) <= 2.0 * error
    assert abs(np.mean(v1 * (v0**2 - 1.0)) + 2.0 * bend) <= 3.0 * error


def test_chains_that_did_not_meet_are_said():
    pytest.importorskip("nutpie")

    def wall(v):
        return (np.inf if abs(v[0]) > 0.5 else 0.5 * v @ v), v

    found = nuts(wall, 2, n_draws=200, n_tune=100, n_chains=2)
    assert found.n_divergent > 0
    with pytest.raises(AssimilationError, match="divergences"):
        found.required()
    with pytest.raises(AssimilationError, match="not finite"):
        nuts(lambda v: (np.nan, v), 2)


@pytest.mark.parametrize("kind", KINDS[1:])
def test_sampler_takes_every_kind_of_derivative(tmp_path, kind):
    """The same density and seed: the chains part only where rounding has grown."""
    pytest.importorskip("nutpie")
    network = ""
    if kind in OF_A_FILE:
        network = export_exact_step(tmp_path / "step.pt", N, DT)
    fortran = FortranModel(Lorenz96(N, 8.0), DT)
    windows = [posed(5), posed(5, model=with_derivatives(fortran, kind, network))]
    gaussian = laplace_posterior(windows[0], windows[0].incremental(tolerance=1e-6))
    draws = [
        nuts(w.cost, N, n_draws=3, n_tune=2, n_chains=1, laplace=gaussian, seed=3).draws
        for w in windows
    ]
    assert np.abs(draws[1] - draws[0]).max() <= SAME_CHAIN


@pytest.mark.parametrize("kind", ["adjoint", "differences"])
def test_accurate_observations_make_the_posterior_that_of_laplace(kind):
    pytest.importorskip("nutpie")
    model = FortranModel(Lorenz96(N, 8.0), DT)
    if kind == "differences":
        model = DifferenceModel(model, scale=4.0)
    window = posed(5, sd=0.02, model=model)
    gaussian = laplace_posterior(window, window.incremental(tolerance=1e-4))
    n = 600 if kind == "adjoint" else 100
    found = nuts(
        window.cost, N, n_draws=n, n_tune=n // 2, n_chains=2, laplace=gaussian, seed=3
    )
    assert found.n_divergent == 0
    u = window.covariance.sqrt(found.flat)
    ratio = u.std(axis=0) / gaussian.deviation()
    assert np.abs(ratio - 1.0).max() <= MOMENT / np.sqrt(2.0 * found.effective.min()) + 0.05
    assert found.per_gradient >= 0.02  # measured 0.1 to 0.2: whitened, it is round


def test_ranks_are_flat_for_the_posterior_and_cupped_for_half_its_deviation():
    """Prior N(0, 1), one observation y of variance 1: posterior N(y/2, 1/2)."""

    def simulate(rng):
        truth = rng.standard_normal(3)
        return truth, truth + rng.standard_normal(3)

    def right(y, rng, factor=1.0):
        return y / 2.0 + factor * np.sqrt(0.5) * rng.standard_normal((63, 3))

    good = calibrate(simulate, right, n_trials=400, n_draws=63)
    assert good.p_value() >= UNIFORM
    assert good.histogram().sum() == 1200
    narrow = calibrate(
        simulate, lambda y, rng: right(y, rng, 0.5), n_trials=400, n_draws=63
    )
    assert narrow.p_value() <= WRONG
    with pytest.raises(ConfigurationError, match="'n_bins'"):
        Calibration(np.zeros((2, 1), int), 63).histogram(7)


def test_states_of_lorenz96_have_uniform_ranks():
    pytest.importorskip("nutpie")

    def simulate(rng):
        window = posed(int(rng.integers(2**31)))
        return window.truth, window

    def sample(window, rng):
        gaussian = laplace_posterior(
            window, window.incremental(tolerance=1e-6), is_exact=False
        )
        found = nuts(
            window.cost,
            N,
            n_draws=124,
            n_tune=60,
            n_chains=1,
            laplace=gaussian,
            seed=int(rng.integers(2**31)),
        )
        return window.state(found.flat)

    found = calibrate(simulate, sample, n_trials=32, n_draws=31)
    assert found.p_value(4) >= UNIFORM
