# SPDX-License-Identifier: MIT
"""Error bars that need no quadratic cost: weighted draws of the posterior of an estimation.

Draws of a Student distribution around the minimum z*, whose shape is the inverse Hessian
`H^-1 = L^-T L^-1`, are weighted so that they stand for `exp(-J)`:

    z = z* + L^-T t,    log weight = -J(z) + (nu + n)/2 log(1 + t^T t/nu)

t has heavier tails than a Gaussian, so that no weight is large where J is flatter than its
Hessian says. The numbers are a scrambled Sobol' sequence: two parameters need a hundred.
Importance sampling: Owen (2013), Monte Carlo theory, methods and examples, chapter 9.
"""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import cholesky, solve_triangular
from scipy.stats import chi2, norm, qmc

from isthmus.errors import AssimilationError, ConfigurationError
from isthmus.inverse.estimates import Estimated
from isthmus.inverse.estimation import Estimation
from isthmus.inverse.forward import Array

TAILS = 5  # degrees of freedom beyond the number of controls
FEWEST = 16  # draws from which quantiles can be told


@dataclass(frozen=True)
class Draws:
    """Weighted draws of the parameters.

    Attributes
    ----------
    q
        Parameters, logarithms of those on a log scale `[draw, i]`.
    weight
        Of each draw, sum 1 `[draw]`.
    """

    q: Array
    weight: Array

    @property
    def effective(self) -> float:
        """How many equal draws would tell as much."""
        return float(1.0 / np.sum(self.weight**2))

    def quantile(self, share: float) -> Array:
        """Return q below which a share of the posterior lies `[i]`."""
        found = np.empty(self.q.shape[1])
        for i, q in enumerate(self.q.T):
            order = np.argsort(q)
            weight = self.weight[order]
            found[i] = np.interp(share, np.cumsum(weight) - 0.5 * weight, q[order])
        return found

    def interval(self, level: float) -> Array:
        """Return bounds of q with equal shares beyond them `[2, i]`."""
        return np.stack(
            [self.quantile(0.5 - 0.5 * level), self.quantile(0.5 + 0.5 * level)]
        )


def draw_posterior(
    estimation: Estimation, found: Estimated, n_draws: int, rng: np.random.Generator
) -> Draws:
    """Return draws of the posterior around a converged estimate.

    Parameters
    ----------
    estimation, found
        The cost function and its minimum.
    n_draws
        Model runs; powers of 2 fill space best.
    rng
        Scrambles the sequence.

    Raises
    ------
    ConfigurationError
        If there are too few draws.
    AssimilationError
        If the estimate did not converge.
    """
    if n_draws < FEWEST:
        raise ConfigurationError(f"'n_draws' must be {FEWEST} at least, found {n_draws}")
    if not found.is_converged:
        raise AssimilationError(f"no posterior around what is no minimum: {found}")
    n = estimation.n_control
    lower = cholesky(
        estimation.hessian(found.control, estimation.cost(found.control)[2]), lower=True
    )
    t, log_density = _student(n, n_draws, rng)
    z = found.control + solve_triangular(lower, t.T, lower=True, trans="T").T
    log_weight = -np.array([estimation.value(row) for row in z]) - log_density
    weight = np.exp(log_weight - log_weight.max())
    q = np.stack([estimation.unpack(row)[1] for row in z])
    return Draws(q, weight / weight.sum())


def _student(n: int, n_draws: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Return Student numbers `[draw, n]` and the logarithm of their density."""
    nu = TAILS + n
    # A number at the very edge of (0, 1) would be infinitely far away.
    edge = 0.5 / n_draws**2
    u = np.clip(qmc.Sobol(n + 1, rng=rng).random(n_draws), edge, 1.0 - edge)
    t = norm.ppf(u[:, :n]) * np.sqrt(nu / chi2.ppf(u[:, n:], nu))
    return t, -0.5 * (nu + n) * np.log1p(np.einsum("di,di->d", t, t) / nu)
