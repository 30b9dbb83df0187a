# SPDX-License-Identifier: MIT
"""The value of observations, against what is known exactly."""

import numpy as np
import pytest
from scipy.sparse.linalg import aslinearoperator

from isthmus.errors import ConfigurationError
from isthmus.inverse import FortranModel, Full
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
from isthmus.models import Lorenz96

N, DT = 40, 0.05
LANCZOS = 1e-10  # dense against iterated, n = 40
ROUNDING = 1e-12


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
