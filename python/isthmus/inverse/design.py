# SPDX-License-Identifier: MIT
"""The value of observations before they are made, in the linear Gaussian case.

With a prior covariance `B = U U^T`, and observations with gradients G `[obs, k]` (rows
`(M^T H^T)^T` of the linearised model) and error variances r, the posterior is

    P = (B^-1 + G^T R^-1 G)^-1 = U (1 + U^T G^T R^-1 G U)^-1 U^T

The variance of a scalar target with gradient g falls from `g^T B g` to `g^T P g`; its
relative reduction lies in [0, 1] and grows with each observation. D-optimal sets have the
smallest determinant of P, A-optimal ones the smallest trace. Alexanderian (2021) reviews
them; Loose and Heimbach (2021) use the reduction and its proxy for the ocean.
"""

from collections.abc import Callable, Sequence
from itertools import combinations

import numpy as np
from scipy.sparse.linalg import LinearOperator, eigsh

from isthmus.errors import ConfigurationError
from isthmus.inverse.covariances import Covariance
from isthmus.inverse.forward import Array

Criterion = Callable[[Array], float]


def posterior(covariance: Covariance, gradients: Array, variance: Array) -> Array:
    """Return P `[k, k]` by dense algebra.

    Parameters
    ----------
    covariance
        B.
    gradients
        G `[obs, k]`.
    variance
        r of each observation `[obs]`.
    """
    seen = covariance.sqrt_ad(np.asarray(gradients)) / np.sqrt(variance)[:, None]
    inverse = np.linalg.inv(np.eye(seen.shape[1]) + seen.T @ seen).astype(np.float64)
    return covariance.sqrt(covariance.sqrt(inverse).T)


def low_rank_posterior(
    covariance: Covariance, hessian: LinearOperator, rank: int, *, seed: int = 1
) -> Callable[[Array], Array]:
    """Return `P x` as a function, from the leading eigenpairs of the misfit's Hessian.

    `P = U (1 - V diag(l/(1 + l)) V^T) U^T`: exact if no more than `rank` directions are
    observed, else an upper bound.

    Parameters
    ----------
    covariance
        B.
    hessian
        `U^T G^T R^-1 G U`, an operator on the control variable: sweeps of the model.
    rank
        Eigenpairs, by Lanczos' method, fewer than the length of the state.
    seed
        Of Lanczos' first vector.
    """
    n = hessian.shape[0]
    if not 0 < rank < n:
        raise ConfigurationError(f"'rank' must be 1 to {n - 1}, found {rank}")
    start = np.random.default_rng(seed).standard_normal(n)
    values, vectors = eigsh(hessian, k=rank, v0=start)
    values = np.maximum(values, 0.0)
    shrink = values / (1.0 + values)

    def apply(x: Array) -> Array:
        v = covariance.sqrt_ad(x)
        return covariance.sqrt(v - ((v @ vectors) * shrink) @ vectors.T)

    return apply


def variance_reduction(covariance: Covariance, p: Array, target: Array) -> float:
    """Return `1 - g^T P g / g^T B g` of a scalar target with gradient g `[k]`."""
    return 1.0 - float(target @ p @ target) / float(target @ covariance.apply(target))


def proxy_potential(
    covariance: Covariance, gradients: Array, variance: Array, target: Array
) -> Array:
    """Return the reduction that each observation alone would bring `[obs]`.

    `(g^T B h)^2/((g^T B g) (h^T B h + r))`, exact for one observation.
    """
    bg = covariance.apply(target)
    bh = covariance.apply(np.asarray(gradients))
    own = np.einsum("mk,mk->m", gradients, bh)
    return (gradients @ bg) ** 2 / (float(target @ bg) * (own + variance))


def a_optimal(p: Array) -> float:
    """Return the trace of P."""
    return float(np.trace(p))


def d_optimal(p: Array) -> float:
    """Return the logarithm of the determinant of P."""
    return float(np.linalg.slogdet(p)[1])


def greedy(
    covariance: Covariance,
    gradients: Array,
    variance: Array,
    n_chosen: int,
    criterion: Criterion = d_optimal,
) -> list[int]:
    """Return observations chosen one after another, each the best addition.

    Parameters
    ----------
    covariance, gradients, variance
        As for `posterior`, of all candidates.
    n_chosen
        How many.
    criterion
        What is to be small: `a_optimal`, `d_optimal`, or a function of P.
    """
    _check_number(n_chosen, len(gradients))
    chosen: list[int] = []
    for _ in range(n_chosen):
        rest = [i for i in range(len(gradients)) if i not in chosen]
        scores = [
            _score(covariance, gradients, variance, [*chosen, i], criterion) for i in rest
        ]
        chosen.append(rest[int(np.argmin(scores))])
    return chosen


def exhaustive(
    covariance: Covariance,
    gradients: Array,
    variance: Array,
    n_chosen: int,
    criterion: Criterion = d_optimal,
) -> list[int]:
    """Return the best set of all; see `greedy` for the arguments."""
    _check_number(n_chosen, len(gradients))
    sets = [list(s) for s in combinations(range(len(gradients)), n_chosen)]
    scores = [_score(covariance, gradients, variance, s, criterion) for s in sets]
    return sets[int(np.argmin(scores))]


def _score(
    covariance: Covariance,
    gradients: Array,
    variance: Array,
    chosen: Sequence[int],
    criterion: Criterion,
) -> float:
    """Return the criterion of a set."""
    return criterion(posterior(covariance, gradients[chosen], variance[chosen]))


def _check_number(n_chosen: int, n_candidates: int) -> None:
    """Refuse to choose more than there are."""
    if not 1 <= n_chosen <= n_candidates:
        raise ConfigurationError(
            f"'n_chosen' must be 1 to {n_candidates}, found {n_chosen}"
        )
