# SPDX-License-Identifier: MIT
"""Tuning with error bars, and the value of observations, against what is known exactly."""

import numpy as np
import pytest
from scipy.sparse.linalg import aslinearoperator

from isthmus.errors import AssimilationError, ConfigurationError
from isthmus.inverse import Diagonal, FortranModel, Full, Observations, Sites
from isthmus.inverse.design import (
    a_optimal,
    d_optimal,
    exhaustive,
    greedy,
    low_rank_posterior,
    posterior,
    proxy_potential,
    variance_reduction,
)
from isthmus.inverse.tuning import tune_forcing
from isthmus.models import Lorenz96

N, DT, FORCING = 40, 0.05, 7.1
LANCZOS = 1e-10  # dense against iterated, n = 40
ROUNDING = 1e-12
DEVIATIONS = 4.0  # standard errors within which one estimate lies
COVERED = (0.5, 0.86)  # of 40 twins within one error bar: 0.68 and 2.5 binomial deviations


@pytest.fixture(scope="module")
def problem():
    """Return B, gradients of 15 observations at the end of a window, and their errors."""
    model = Lorenz96(N, 8.0)
    x = model.advance(model.initial_state(1, seed=2), DT, n_steps=400)[0]
    propagator = FortranModel(model, DT).propagator(x, 8)
    rng = np.random.default_rng(3)
    b = Full(np.cov(rng.standard_normal((N, 90))))
    return b, propagator[rng.permutation(N)[:15]], rng.uniform(0.5, 2.0, 15)


def test_lanczos_is_the_dense_inverse(problem):
    b, g, r = problem
    dense = np.linalg.inv(np.linalg.inv(b.matrix) + g.T @ (g / r[:, None]))
    assert np.allclose(posterior(b, g, r), dense, rtol=0, atol=LANCZOS)
    seen = b.sqrt_ad(g) / np.sqrt(r)[:, None]
    apply = low_rank_posterior(b, aslinearoperator(seen.T @ seen), 15)
    assert np.allclose(apply(np.eye(N)), dense, rtol=0, atol=LANCZOS)


def test_reduction_grows_with_observations_and_is_exact_for_one(problem):
    b, g, r = problem
    target = np.random.default_rng(4).standard_normal(N)
    reductions = [
        variance_reduction(b, posterior(b, g[:m], r[:m]), target) for m in range(1, 16)
    ]
    assert np.all(np.diff(reductions) >= -ROUNDING)
    assert 0.0 <= reductions[0] <= reductions[-1] <= 1.0
    alone = [
        variance_reduction(b, posterior(b, g[i : i + 1], r[i : i + 1]), target)
        for i in range(15)
    ]
    assert np.allclose(proxy_potential(b, g, r, target), alone, rtol=0, atol=LANCZOS)


@pytest.mark.parametrize("criterion", [a_optimal, d_optimal])
def test_greedy_is_nearly_the_best_of_all_sets(problem, criterion):
    b, g, r = (problem[0], problem[1][:10], problem[2][:10])
    nothing = criterion(b.matrix)

    def gain(chosen):
        return nothing - criterion(posterior(b, g[chosen], r[chosen]))

    assert greedy(b, g, r, 1, criterion) == exhaustive(b, g, r, 1, criterion)
    found = gain(greedy(b, g, r, 3, criterion))
    best = gain(exhaustive(b, g, r, 3, criterion))
    # 1 - 1/e is Nemhauser's bound (1978) for submodular gains, as that of D-optimality is.
    assert (1.0 - np.exp(-1.0)) * best <= found <= best + ROUNDING


def test_design_refuses_what_it_cannot_choose(problem):
    b, g, r = problem
    with pytest.raises(ConfigurationError, match="'n_chosen'"):
        greedy(b, g, r, 16)
    with pytest.raises(ConfigurationError, match="'rank'"):
        low_rank_posterior(b, aslinearoperator(np.eye(N)), N)


def twin(seed: int, n_steps: int = 20) -> tuple[np.ndarray, Observations]:
    """Return a first guess and noisy observations of every second site."""
    rng = np.random.default_rng(seed)
    truth = Lorenz96(N, FORCING)
    x = truth.advance(truth.initial_state(1, seed=seed), DT, n_steps=400)
    states = FortranModel(truth, DT).trajectory(x, n_steps)[:, 0]
    values = states + 0.5 * rng.standard_normal(states.shape)
    values[:, 1::2] = np.nan
    observations = Observations(np.arange(n_steps + 1), values, Sites(N), Diagonal(0.25, N))
    return x[0] + 0.3 * rng.standard_normal(N), observations


def test_forcing_is_found_and_its_error_bars_cover():
    model = FortranModel(Lorenz96(N, 8.0), DT)
    departures = []
    for seed in range(40):
        guess, observations = twin(seed)
        found = tune_forcing(model, 20, observations, guess, forcing=8.0, forcing_sd=5.0)
        departures.append((found.forcing - FORCING) / found.forcing_error)
    departures = np.abs(departures)
    assert departures.max() <= DEVIATIONS
    assert COVERED[0] <= np.mean(departures < 1.0) <= COVERED[1]


def test_what_is_not_determined_is_said():
    model = FortranModel(Lorenz96(N, 8.0), DT)
    guess, observations = twin(1)
    only = Observations(
        observations.steps[:1],
        observations.values[:1],
        observations.operator,
        observations.covariance,
    )
    with pytest.raises(AssimilationError, match="do not determine"):
        tune_forcing(model, 20, only, guess, forcing=8.0, forcing_sd=5.0)
