# SPDX-License-Identifier: MIT
"""Estimates of a state and of parameters: values, error bars, and how they were found."""

from dataclasses import dataclass

import numpy as np
from scipy.special import erf
from scipy.stats import norm

from isthmus.errors import AssimilationError
from isthmus.inverse.forward import Array
from isthmus.inverse.priors import Prior

SUSPICIOUS = 5.0  # standard deviations of the cost above what is expected


@dataclass(frozen=True)
class Estimated:
    """First state and parameters of a window.

    Attributes
    ----------
    prior
        Names and scales.
    x, x_error
        First state and its standard errors `[k]`; no errors where it is known.
    control
        The minimum `[n_control]`.
    q, covariance
        Parameters, logarithms of those on a log scale `[i]`, and their posterior
        covariance `[i, i]`.
    cost, cost_prior
        J, and what of it departs from state and parameters given.
    gradient_norm, gradient_norm_start
        Of the gradient in the control variable, at the end and at the start.
    decrement
        Length of the step that remains, in standard errors.
    is_converged
        Whether it is as short as was asked for.
    n_iterations, n_observed, n_missing
        Linearisations; values used, and values that were NaN and masked.
    """

    prior: Prior
    x: Array
    x_error: Array
    control: Array
    q: Array
    covariance: Array
    cost: float
    cost_prior: float
    gradient_norm: float
    gradient_norm_start: float
    decrement: float
    is_converged: bool
    n_iterations: int
    n_observed: int
    n_missing: int

    @property
    def p(self) -> Array:
        """The parameters `[i]`."""
        return self.prior.p(self.q)

    @property
    def is_consistent(self) -> bool:
        """Whether 2 J is what the errors given let expect: n_observed, give or take.

        If it is far above, the minimum is a wrong one, or an error was given too small.
        """
        n = self.n_observed
        return bool(2.0 * self.cost <= n + SUSPICIOUS * np.sqrt(2.0 * n))

    @property
    def error(self) -> Array:
        """Standard errors of q `[i]`: relative ones of p on a log scale."""
        return np.sqrt(np.diagonal(self.covariance))

    def interval(self, level: float) -> Array:
        """Return lower and upper bounds of p `[2, i]` that hold the truth so often."""
        reach = float(norm.ppf(0.5 + 0.5 * level)) * self.error
        return np.stack([self.prior.p(self.q - reach), self.prior.p(self.q + reach)])

    def score(self, truth: Array) -> Array:
        """Return departures of q from the true p, in standard errors `[i]`."""
        return (self.q - self.prior.q(truth)) / self.error

    def __str__(self) -> str:
        """Return one sentence."""
        end = "converged" if self.is_converged else "did not converge"
        masked = f", {self.n_missing} missing and masked" if self.n_missing else ""
        low, high = self.interval(float(erf(np.sqrt(0.5))))
        found = ", ".join(
            f"{name} {p:.4g} ({a:.4g} to {b:.4g})"
            for name, p, a, b in zip(self.prior.names, self.p, low, high, strict=True)
        )
        return (
            f"estimation {end} after {self.n_iterations} linearisations: {found}; gradient "
            f"{self.gradient_norm:.3g} of {self.gradient_norm_start:.3g} at the start, "
            f"{self.decrement:.2g} standard errors to go; {self.n_observed} "
            f"observations{masked}; cost {self.cost / max(1, self.n_observed):.2f} of each"
            f"{'' if self.is_consistent else ', too high: a wrong minimum?'}"
        )

    def required(self) -> "Estimated":
        """Return the estimate itself if it converged.

        Raises
        ------
        AssimilationError
            If it did not; the norms of the gradient are told.
        """
        if not self.is_converged:
            raise AssimilationError(
                f"{self}; give a better first guess or a shorter window"
            )
        return self
