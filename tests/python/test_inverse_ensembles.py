# SPDX-License-Identifier: MIT
"""Ensemble analyses against the Kalman filter, and schemes against published scores."""

import logging

import numpy as np
import pytest
from lorenz96_steps import export_exact_step

from isthmus.errors import AssimilationError, BindingError, ConfigurationError
from isthmus.inverse import (
    Diagonal,
    EnsembleFilter,
    FortranModel,
    Full,
    IterativeSmoother,
    Sites,
    SlidingFourDVar,
    Static,
    Twin,
    enkf,
    etkf,
    gaspari_cohn,
    letkf,
    ring_taper,
    smooth,
)
from isthmus.inverse.derivative_kinds import KINDS, OF_A_FILE
from isthmus.inverse.ensembles import Rotations, etkf_parts
from isthmus.models import Lorenz96

ROUNDING = 1e-12  # of some hundred operations on numbers of order one
SAME_MINIMUM = 1e-5  # of minimisations whose gradient fell by 1e7
RATE = 0.15  # of the Monte Carlo error's exponent, from 30 repetitions
SAMPLING = 0.03  # of a score over 400 cycles: three standard errors
N_STATE, N_MEMBERS = 8, 30


def kalman(mean, b, h, y, r):
    """Return the Kalman filter's analysis and its covariance."""
    gain = np.linalg.solve(h @ b @ h.T + r, h @ b).T
    return mean + gain @ (y - h @ mean), b - gain @ h @ b


@pytest.fixture
def problem():
    """Return ensemble, H, y and R of a linear problem."""
    rng = np.random.default_rng(1)
    ensemble = rng.standard_normal((N_MEMBERS, N_STATE)) @ rng.standard_normal(
        (N_STATE, N_STATE)
    )
    h = rng.standard_normal((3, N_STATE))
    r = np.cov(rng.standard_normal((3, 20)))
    return ensemble, h, rng.standard_normal(3), r


def test_etkf_has_mean_and_covariance_of_the_kalman_filter(problem):
    ensemble, h, y, r = problem
    mean, b = kalman(ensemble.mean(axis=0), np.cov(ensemble.T), h, y, r)
    analysis = etkf(ensemble, ensemble @ h.T, y, Full(r))
    assert np.allclose(analysis.mean(axis=0), mean, rtol=0, atol=10 * ROUNDING)
    assert np.allclose(np.cov(analysis.T), b, rtol=0, atol=10 * ROUNDING)


def test_smoother_of_one_linear_window_is_the_etkf(problem):
    ensemble, h, y, r = problem
    smoothed = smooth(ensemble, lambda e: e, lambda e: e @ h.T, y, Full(r))
    exact = etkf(ensemble, ensemble @ h.T, y, Full(r))
    assert np.allclose(smoothed, exact, rtol=0, atol=1e3 * ROUNDING)


def test_letkf_without_taper_is_the_etkf(problem):
    ensemble, h, y, _ = problem
    variance = np.array([0.5, 1.0, 2.0])
    local = letkf(ensemble, ensemble @ h.T, y, variance, np.ones((N_STATE, 3)))
    exact = etkf(ensemble, ensemble @ h.T, y, Diagonal(variance))
    assert np.allclose(local, exact, rtol=0, atol=100 * ROUNDING)


def test_letkf_leaves_what_is_far_from_observations(problem):
    ensemble, _, y, _ = problem
    taper = ring_taper(N_STATE, np.array([0]), 1.0)
    local = letkf(ensemble, ensemble[:, :1], y[:1], np.ones(1), taper)
    assert np.allclose(local[:, 2:7], ensemble[:, 2:7], rtol=0, atol=ROUNDING)
    assert not np.allclose(local[:, 0], ensemble[:, 0])


def test_enkf_becomes_the_kalman_filter_as_the_square_root_of_its_size():
    rng = np.random.default_rng(2)
    root = rng.standard_normal((4, 4))
    h, y, r = rng.standard_normal((2, 4)), np.array([1.0, -1.0]), np.eye(2)
    exact, _ = kalman(np.zeros(4), root @ root.T, h, y, r)
    sizes, errors = np.array([50, 200, 800]), []
    for n in sizes:
        means = []
        for _ in range(30):
            ensemble = rng.standard_normal((n, 4)) @ root.T
            analysis = enkf(ensemble, ensemble @ h.T, y, Full(r), rng)
            means.append(analysis.mean(axis=0) - exact)
        errors.append(np.sqrt(np.mean(np.square(means))))
    rate = np.polyfit(np.log(sizes), np.log(errors), 1)[0]
    assert abs(rate + 0.5) <= RATE


@pytest.mark.parametrize("method", [etkf, enkf])
def test_missing_observations_are_as_if_they_were_not_there(problem, method):
    ensemble, h, y, r = problem
    present = np.array([True, False, True])
    extra = [(np.random.default_rng(3),) if method is enkf else () for _ in range(2)]
    masked = method(
        ensemble, ensemble @ h.T, np.where(present, y, np.nan), Full(r), *extra[0]
    )
    fewer = method(
        ensemble,
        ensemble @ h[present].T,
        y[present],
        Full(r[np.ix_(present, present)]),
        *extra[1],
    )
    assert np.allclose(masked, fewer, rtol=0, atol=ROUNDING)


def test_rotations_keep_mean_and_covariance(problem):
    anomalies = problem[0] - problem[0].mean(axis=0)
    rotated = Rotations(N_MEMBERS, np.random.default_rng(4))(anomalies)
    assert np.abs(rotated.mean(axis=0)).max() <= ROUNDING
    assert np.allclose(np.cov(rotated.T), np.cov(anomalies.T), rtol=0, atol=10 * ROUNDING)
    assert not np.allclose(rotated, anomalies)


def test_taper_is_a_correlation():
    taper = ring_taper(40, np.arange(40), 5.0)
    assert np.linalg.eigvalsh(taper).min() > -ROUNDING
    assert gaspari_cohn(np.array([0.0, 1.0, 2.0]), 1.0) == pytest.approx(
        [1.0, 5 / 24, 0.0], abs=ROUNDING
    )


def test_what_blows_up_or_does_not_fit_is_named(problem):
    ensemble, h, y, r = problem
    with pytest.raises(AssimilationError, match="NaN"):
        etkf(ensemble * np.nan, ensemble @ h.T * np.nan, y, Full(r))
    with pytest.raises(AssimilationError, match="NaN"):  # where nothing is observed, too
        etkf(ensemble * np.nan, ensemble @ h.T, y, Full(r))
    with pytest.raises(BindingError, match="'y' has shape"):
        etkf(ensemble, ensemble @ h.T, y[:2], Full(r))
    with pytest.raises(BindingError, match="holds infinity"):
        etkf(ensemble, ensemble @ h.T, np.full_like(y, np.inf), Full(r))
    with pytest.raises(BindingError, match="1 members and the observed one 1, expected"):
        etkf(ensemble[:1], ensemble[:1] @ h.T, y, Full(r))
    with pytest.raises(ConfigurationError, match="'method'"):
        EnsembleFilter("kalman", 10)
    with pytest.raises(ConfigurationError, match="'n_members' must be at least 2"):
        EnsembleFilter("etkf", 1)
    with pytest.raises(ConfigurationError, match="singular"):
        SlidingFourDVar(lag=4, variance=0.0)
    with pytest.raises(ConfigurationError, match="'burn_in'"):
        twin(n_cycles=10, burn_in=10)


def twin(*, n_steps: int = 1, n_cycles: int = 500, burn_in: int = 100) -> Twin:
    """Return a twin experiment of Sakov and Oke's set-up."""
    return Twin(FortranModel(Lorenz96(), 0.05), n_steps, n_cycles, burn_in, seed=1)


@pytest.mark.parametrize(
    ("scheme", "published"),
    [
        (Static(1.0, has_forecast=False), 0.95),
        (Static(0.02), 0.41),
        (EnsembleFilter("enkf", 40, 1.06), 0.22),
        (EnsembleFilter("etkf", 24, 1.013, has_rotation=True), 0.18),
        (EnsembleFilter("letkf", 7, 1.04, has_rotation=True, radius=4.0), 0.22),
    ],
    ids=["oi", "3dvar", "enkf", "etkf", "letkf"],
)
def test_scores_are_those_published(scheme, published):
    score = twin().run(scheme)
    assert not score.is_diverged
    assert abs(score.rmse - published) <= SAMPLING


@pytest.mark.parametrize(
    ("scheme", "published"),
    [(IterativeSmoother(20, 4, boost=2.0), 0.29), (SlidingFourDVar(4, 0.02), 0.37)],
    ids=["smoother", "4dvar"],
)
def test_windows_reach_the_published_scores(scheme, published):
    score = twin(n_steps=4, n_cycles=300, burn_in=100).run(scheme)
    assert abs(score.rmse - published) <= 2 * SAMPLING  # a quarter of the time units


def test_cholesky_root_keeps_mean_and_covariance_of_the_symmetric_one():
    rng = np.random.default_rng(5)
    ensemble = rng.standard_normal((20, N_STATE)) + 3.0
    y, r = rng.standard_normal(N_STATE), Diagonal(rng.uniform(0.5, 2.0, N_STATE))
    mean, a = etkf_parts(ensemble, ensemble, y, r)
    other, root = etkf_parts(ensemble, ensemble, y, r, is_symmetric=False)
    assert np.allclose(other, mean, rtol=0, atol=ROUNDING)
    assert np.abs(root.mean(axis=0)).max() <= ROUNDING
    assert np.allclose(root.T @ root, a.T @ a, rtol=0, atol=ROUNDING)
    assert np.abs(root - a).max() >= 0.1  # another root


def test_an_ensemble_that_is_too_small_is_seen_to_diverge():
    score = twin(n_cycles=300).run(EnsembleFilter("etkf", 4))
    assert score.is_diverged


def test_cycled_4d_var_is_the_same_with_each_kind_of_derivative(tmp_path):
    path = export_exact_step(tmp_path / "step.pt", 40, 0.05)
    errors = {}
    for kind in KINDS:
        network = path if kind in OF_A_FILE else ""
        scheme = SlidingFourDVar(2, 0.1, 1e-7, kind, network)
        errors[kind] = twin(n_steps=2, n_cycles=4, burn_in=1).run(scheme).errors
        assert np.abs(errors[kind] - errors["adjoint"]).max() < SAME_MINIMUM
    with pytest.raises(ConfigurationError, match="'derivatives' must be one of"):
        SlidingFourDVar(2, 0.1, derivatives="guessed")
    with pytest.raises(ConfigurationError, match="'network', a model file, is needed"):
        SlidingFourDVar(2, 0.1, derivatives="borrowed")


def test_observed_sites_can_be_few():
    sites = Sites(40, range(0, 40, 2))
    partly = Twin(FortranModel(Lorenz96(), 0.05), 1, 300, 100, seed=2, sites=sites)
    score = partly.run(EnsembleFilter("etkf", 30, 1.03, has_rotation=True))
    assert score.rmse < 0.5


def test_steps_and_windows_that_do_not_converge_are_counted_and_said(caplog):
    model = FortranModel(Lorenz96(40, 8.0), 0.05)
    twin = Twin(model, 4, 12, 2, 1)
    hasty = IterativeSmoother(20, lag=2, inflation=1.2, n_iterations=1)
    assert twin.run(hasty).n_unconverged == 12
    assert twin.run(SlidingFourDVar(lag=1, variance=0.2)).n_unconverged == 0
    caplog.clear()
    with caplog.at_level(logging.INFO, logger="isthmus"):
        score = twin.run(SlidingFourDVar(lag=1, variance=0.2, tolerance=0.0))
    assert score.n_unconverged == len(caplog.records) > 0
    assert [r.levelno for r in caplog.records].count(logging.WARNING) == 1
    found = score.endings[score.endings[:, 0] == 0.0]
    assert score.worst_gradient == (found[:, 1] / found[:, 2]).max() < 1.0
    assert f"gradient {found[0, 1]:.3g} of {found[0, 2]:.3g}" in caplog.messages[0]


def test_a_smoother_on_its_own_says_that_it_did_not_converge(caplog):
    rng = np.random.default_rng(1)
    ensemble, r = rng.standard_normal((20, 8)), Diagonal(1.0, 8)
    smooth(ensemble, lambda e: e + e**3, lambda e: e, np.ones(8), r, n_iterations=1)
    assert "did not converge: gradient" in caplog.messages[0]
    with pytest.raises(ConfigurationError, match="n_iterations"):
        smooth(ensemble, lambda e: e, lambda e: e, np.ones(8), r, n_iterations=0)
