# SPDX-License-Identifier: MIT
"""Confidence intervals: bootstrap over independent members, and Wilson's for a fraction.

The members of an ensemble are independent, the times and sites of one member are not. So
members are resampled with replacement, whole. A replicate is a row of weights: how often
each member was drawn. Any statistic that is a function of sums over members is then
computed for all replicates by one matrix product.

Sources: B. Efron, R. Tibshirani, An Introduction to the Bootstrap (1993), chapter 13;
E. B. Wilson, J. Am. Stat. Assoc. 22, 209 (1927), doi:10.1080/01621459.1927.10502953.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import norm
from scipy.stats import t as student

Array = npt.NDArray[np.float64]

LEVEL = 0.99  # of every interval: ten criteria together then err in one report in ten
N_REPLICATES = 2000  # ten of them beyond each limit of that level


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


def expanded_level(quantile: float, n_members: int) -> float:
    """Return the quantile of replicates that stands for `quantile` in a small ensemble.

    Resampling n members spreads like the normal distribution with variance (n - 1) / n, the
    estimate itself like Student's t: T. C. Hesterberg, Am. Stat. 69, 371 (2015), section
    5.3, doi:10.1080/00031305.2015.1089789. For 100 members 0.975 becomes 0.977, for 10 it
    is 0.991.
    """
    if n_members < 2:
        return float("nan")
    deviation = student.ppf(quantile, n_members - 1) * np.sqrt(n_members / (n_members - 1))
    return float(norm.cdf(deviation))


def percentile_interval(
    value: float, replicates: Array, level: float = LEVEL, *, n_members: int
) -> Interval:
    """Return the expanded percentile bootstrap interval of a signed statistic.

    Parameters
    ----------
    value
        The estimate from all members.
    replicates
        The statistic of each replicate `[replicate]`; NaN ones make the limits NaN.
    n_members
        Members that were resampled. A single one has no interval: its limits are NaN.
    """
    low, high = percentile_limits(replicates, level, n_members=n_members)
    # Rounding may leave a limit on the wrong side where all members are alike.
    return Interval(value, float(min(low, value)), float(max(high, value)))


def percentile_limits(replicates: Array, level: float, *, n_members: int) -> Array:
    """Return the limits `[2, ...]` of statistics `[replicate, ...]`."""
    top = expanded_level(0.5 + level / 2.0, n_members)
    if np.isnan(top):
        return np.full((2, *replicates.shape[1:]), np.nan)
    return np.asarray(np.quantile(replicates, [1.0 - top, top], axis=0))


def distance_interval(
    difference: Array,
    norm_of: Callable[[Array], Array],
    level: float = LEVEL,
    *,
    n_members: int,
) -> Interval:
    """Return an interval of the distance between two curves, the norm of their difference.

    Sampling lifts a distance: two samples of one climate are not at distance zero, and
    resampling lifts it once more. So the interval is not taken from resampled distances.
    The norm of the sampling error is, and by the triangle inequality the estimate is no
    farther than that from the true distance. The interval is safe rather than short.

    Parameters
    ----------
    difference
        Row 0 is the estimated difference, the others are its replicates `[row, point]`.
    norm_of
        Norm of each row, `[row, point]` to `[row]`.
    n_members
        Members that were resampled.
    """
    value = float(norm_of(difference[:1])[0])
    errors = norm_of(difference[1:] - difference[:1])
    top = expanded_level(level, n_members)
    error = float("nan") if np.isnan(top) else float(np.quantile(errors, top))
    low = value - error
    return Interval(value, 0.0 if low < 0.0 else low, value + error)


def wilson_interval(n_hits: int, n: int, level: float = LEVEL) -> Interval:
    """Return Wilson's score interval of a fraction `n_hits / n`.

    >>> f"{wilson_interval(100, 100):.3f}"
    '1.000 [0.938, 1.000]'
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
