# SPDX-License-Identifier: MIT
"""The Laplace posterior of a window: a Gaussian around the analysis, prior minus low rank.

At the minimum v* of J in the control variable (`x = x_b + U v`, `B = U U^T`) the Hessian is
`1 + M`, M being that of the misfit. With its leading eigenpairs `M ~ V diag(d) V^T`

    P = U (1 - V diag(d/(1 + d)) V^T) U^T,
    x = x* + U (1 - V diag(1 - (1 + d)^-1/2) V^T) z,    z ~ N(0, 1)

Exact if the model is linear and the rank that of the observations. Eigenpairs by randomized
subspace iteration, whose blocks are ensembles of one call of the model: Halko, Martinsson
and Tropp (2011), algorithms 4.4 and 5.3, doi 10.1137/090771806. The posterior: Bui-Thanh,
Ghattas, Martin and Stadler (2013), doi 10.1137/12089586X.
"""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import eigh
from scipy.sparse.linalg import LinearOperator

from isthmus.errors import AssimilationError, ConfigurationError
from isthmus.inverse.covariances import Covariance
from isthmus.inverse.forward import Array
from isthmus.inverse.four_d_var import Analysis, FourDVar

OVERSAMPLING = 10  # columns beyond the rank, so that the last eigenpairs are sharp too


def randomized_eigenpairs(
    operator: LinearOperator,
    rank: int,
    *,
    n_power: int = 2,
    oversampling: int = OVERSAMPLING,
    seed: int = 1,
) -> tuple[Array, Array]:
    """Return the largest eigenvalues, descending `[rank]`, and eigenvectors `[n, rank]`.

    Parameters
    ----------
    operator
        Symmetric; it is given blocks of `rank + oversampling` columns.
    rank
        How many, 1 to n.
    n_power
        Subspace iterations; each makes the error of what was left out smaller by the ratio
        of neighbouring eigenvalues, squared.
    oversampling
        Columns beyond the rank.
    seed
        Of the first block.

    Raises
    ------
    ConfigurationError
        If the rank is not 1 to n.
    """
    n = operator.shape[0]
    if not 1 <= rank <= n:
        raise ConfigurationError(f"'rank' must be 1 to {n}, found {rank}")
    width = min(n, rank + oversampling)
    q = np.random.default_rng(seed).standard_normal((n, width))
    for _ in range(1 + n_power):
        q = np.linalg.qr(operator @ q)[0]
    small = q.T @ (operator @ q)
    values, vectors = eigh(0.5 * (small + small.T))
    leading = np.argsort(values)[::-1][:rank]
    return values[leading], q @ vectors[:, leading]


@dataclass(frozen=True)
class Laplace:
    """A Gaussian posterior of the first state of a window.

    Attributes
    ----------
    x
        Its mean `[k]`.
    control
        The mean in the control variable `[n_control]`.
    values, vectors
        Eigenpairs of the misfit's Hessian in the control variable `[rank]`, `[n, rank]`.
    covariance
        B.
    n_products
        Hessian times vector, that were needed.
    """

    x: Array
    control: Array
    values: Array
    vectors: Array
    covariance: Covariance
    n_products: int

    def apply(self, x: Array) -> Array:
        """Return `P x` `[..., k]`."""
        v = self.covariance.sqrt_ad(x)
        shrink = self.values / (1.0 + self.values)
        return self.covariance.sqrt(v - ((v @ self.vectors) * shrink) @ self.vectors.T)

    def dense(self) -> Array:
        """Return P `[k, k]`."""
        return self.apply(np.eye(self.x.size))

    def deviation(self) -> Array:
        """Return the standard deviation of each element `[k]`."""
        return np.sqrt(np.diagonal(self.dense()))

    def whiten(self, z: Array) -> Array:
        """Return the control `[..., n]` of normal numbers `[..., n]`: `v* + S z`."""
        return self.control + self.root(z)

    def root(self, z: Array) -> Array:
        """Return `S z` `[..., n]`: S is the symmetric root of the control's covariance."""
        shrink = 1.0 - 1.0 / np.sqrt(1.0 + self.values)
        return z - ((z @ self.vectors) * shrink) @ self.vectors.T

    def sample(self, rng: np.random.Generator, n_samples: int) -> Array:
        """Return states `[sample, k]`."""
        z = rng.standard_normal((n_samples, self.control.size))
        return self.x + self.covariance.sqrt(self.root(z))

    @property
    def information(self) -> float:
        """Return half of log det (P^-1 B): what the observations told [nat]."""
        return 0.5 * float(np.log1p(self.values).sum())


def laplace_posterior(
    window: FourDVar,
    analysis: Analysis,
    *,
    rank: int | None = None,
    is_exact: bool = True,
    seed: int = 1,
) -> Laplace:
    """Return the Laplace posterior around an analysis.

    Parameters
    ----------
    window
        Its cost function, with a covariance.
    analysis
        Converged minimum of it.
    rank
        Eigenpairs that are kept, all if None.
    is_exact
        With the second-order adjoint; otherwise by Gauss and Newton's Hessian, which is
        never negative.
    seed
        Of the first block of directions.

    Raises
    ------
    ConfigurationError
        If the window has no background term, or the rank is not 1 to n.
    AssimilationError
        If the Hessian is not positive there: the analysis is not a minimum.
    """
    b = window.covariance
    if b is None:
        raise ConfigurationError(
            "the Laplace posterior needs a 'covariance' of the background: without one the "
            "unobserved directions have no variance to start from"
        )
    v = window.control(analysis.required().x)
    n = window.n_control
    whole = window.hessian(v, is_exact=is_exact)
    n_products = 0

    def misfit(block: Array) -> Array:
        nonlocal n_products
        n_products += block.shape[1]
        return whole @ block - block

    operator = LinearOperator((n, n), matmat=misfit, matvec=misfit, dtype=np.float64)
    values, vectors = randomized_eigenpairs(
        operator, n if rank is None else rank, seed=seed
    )
    if not values[-1] > -1.0:
        raise AssimilationError(
            f"the Hessian has the eigenvalue {1.0 + values[-1]:.3g} at the analysis, which "
            "is no minimum; continue the minimisation, or use 'is_exact=False'"
        )
    return Laplace(analysis.x, v, values, vectors, b, n_products)
