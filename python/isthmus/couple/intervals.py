# SPDX-License-Identifier: MIT
"""Confidence intervals: bootstrap over independent members, and Wilson's for a fraction.

The members of an ensemble are independent, the times and sites of one member are not. So
members are resampled with replacement, whole. A replicate is a row of weights: how often
each member was drawn. Any statistic that is a function of sums over members is then
computed for all replicates by one matrix product.

Sources: B. Efron, R. Tibshirani, An Introduction to the Bootstrap (1993), chapter 13;
E. B. Wilson, J. Am. Stat. Assoc. 22, 209 (1927), doi:10.1080/01621459.1927.10502953.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import norm

Array = npt.NDArray[np.float64]

LEVEL = 0.95  # confidence of every interval unless said otherwise
N_REPLICATES = 1000  # enough for two-sided 95 % limits (Efron and Tibshirani, section 19.3)


@dataclass(frozen=True)
class Interval:
    """An estimate with its confidence limits."""

    value: float
    low: float
    high: float

    def __format__(self, spec: str) -> str:
        """Format as `value [low, high]`, each by `spec`."""
        spec = spec or ".3g"
        return f"{self.value:{spec}} [{self.low:{spec}}, {self.high:{spec}}]"

    def scaled(self, factor: float) -> "Interval":
        """Return the interval in other units (`factor` positive)."""
        return Interval(self.value * factor, self.low * factor, self.high * factor)

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain numbers for JSON; what is not finite becomes None."""
        parts = {"value": self.value, "low": self.low, "high": self.high}
        return {name: part if np.isfinite(part) else None for name, part in parts.items()}


def member_weights(n_members: int, *, n_replicates: int = N_REPLICATES, seed: int) -> Array:
    """Draw bootstrap weights `[replicate, member]`; each row sums to `n_members`."""
    generator = np.random.default_rng(seed)
    shares = np.full(n_members, 1.0 / n_members)
    return generator.multinomial(n_members, shares, size=n_replicates).astype(np.float64)


def percentile_interval(value: float, replicates: Array, level: float = LEVEL) -> Interval:
    """Return the percentile bootstrap interval, for statistics without a bound nearby.

    Parameters
    ----------
    value
        The estimate from all members.
    replicates
        The statistic of each replicate `[replicate]`; NaN ones make the limits NaN.
    """
    tail = (1.0 - level) / 2.0
    low, high = np.quantile(replicates, [tail, 1.0 - tail])
    return Interval(value, float(low), float(high))


def distance_interval(value: float, replicates: Array, level: float = LEVEL) -> Interval:
    """Return the basic bootstrap interval of a distance, cut at zero.

    Resampling adds noise to a distance and so lifts it, as sampling lifted the estimate;
    the basic interval takes that bias off again, the percentile interval would add it
    twice.
    """
    tail = (1.0 - level) / 2.0
    low, high = 2.0 * value - np.quantile(replicates, [1.0 - tail, tail])
    return Interval(value, max(0.0, min(float(low), value)), max(float(high), value))


def wilson_interval(n_hits: int, n: int, level: float = LEVEL) -> Interval:
    """Return Wilson's score interval of a fraction `n_hits / n`.

    >>> f"{wilson_interval(100, 100):.3f}"
    '1.000 [0.963, 1.000]'
    """
    z = float(norm.ppf(0.5 + level / 2.0))
    share = n_hits / n
    center = share + z * z / (2 * n)
    half = z * np.sqrt(share * (1.0 - share) / n + z * z / (4 * n * n))
    denominator = 1.0 + z * z / n
    low, high = (center - half) / denominator, (center + half) / denominator
    # At the ends rounding would leave the limit a hair away from the estimate.
    return Interval(
        share, min(max(float(low), 0.0), share), max(min(float(high), 1.0), share)
    )
