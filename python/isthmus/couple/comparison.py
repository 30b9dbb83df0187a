# SPDX-License-Identifier: MIT
"""Compare the climate of a run with that of the reference, with bootstrap intervals.

The members of both are resampled, independently: the reference is a sample too.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from isthmus.couple import climate_statistics as statistics
from isthmus.couple.climate import Climate, ClimateSums
from isthmus.couple.intervals import (
    LEVEL,
    N_REPLICATES,
    Interval,
    distance_interval,
    member_weights,
    percentile_interval,
)

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Sample:
    """A climate with its bootstrap replicates: row 0 of `sums` is the estimate itself."""

    climate: Climate
    sums: ClimateSums

    @classmethod
    def draw(
        cls, climate: Climate, *, seed: int, n_replicates: int = N_REPLICATES
    ) -> "Sample":
        """Draw replicates of the members of a climate."""
        n_members = climate.sums.count.size
        weights = member_weights(n_members, n_replicates=n_replicates, seed=seed)
        rows = np.concatenate([np.ones((1, n_members)), weights])
        return cls(climate, climate.sums.resample(rows))

    @property
    def n_members(self) -> int:
        """Number of members that were resampled."""
        return int(self.climate.sums.count.size)


def signed(rows: Array, n_members: int, level: float = LEVEL) -> Interval:
    """Return the interval of a signed statistic from its rows (estimate, replicates)."""
    return percentile_interval(float(rows[0]), rows[1:], level, n_members=n_members)


def describe(sample: Sample, level: float = LEVEL) -> dict[str, Interval]:
    """Return the climate of one run in the units of x, and its drift.

    Returns
    -------
    dict
        `mean`, `sd`, `skewness`, `mean_trend` and `variance_trend` [per time unit], `drift`
        [sd over the run], `variance_drift` [relative, over the run], `outside_share`.
    """
    grid, sums, times = sample.climate.grid, sample.sums, sample.climate.block_times
    survival = sample.climate.survival
    duration = survival.end - survival.start
    mean_trend = statistics.trend(statistics.block_means(sums), times)
    variance_trend = statistics.trend(statistics.block_variances(sums), times)
    rows = {
        "mean": grid.center + grid.scale * statistics.mean(sums),
        "sd": grid.scale * statistics.sd(sums),
        "skewness": statistics.skewness(sums),
        "mean_trend": grid.scale * mean_trend,
        "variance_trend": grid.scale**2 * variance_trend,
        "drift": mean_trend * duration,
        "variance_drift": variance_trend * duration,
    }
    if grid.training_range is not None:
        rows["outside_share"] = statistics.outside_share(sums)
    return {name: signed(values, sample.n_members, level) for name, values in rows.items()}


def compare(run: Sample, reference: Sample, level: float = LEVEL) -> dict[str, Interval]:
    """Return errors of the run's climate relative to the reference.

    Returns
    -------
    dict
        `mean_error` [sd], `relative_mean_error` [of the mean], `sd_error` [relative],
        `skewness_error`, `wasserstein` [sd], `kolmogorov_smirnov`, `hellinger`,
        `site_correlation`, `autocorrelation` (largest errors), `site_spectrum`,
        `time_spectrum` (misplaced share of variance).
    """
    a, b, grid = run.sums, reference.sums, run.climate.grid
    mean_error = statistics.mean(a) - statistics.mean(b)
    true_mean = grid.center + grid.scale * statistics.mean(b)
    signed_rows = {
        "mean_error": mean_error,
        "relative_mean_error": grid.scale * mean_error / np.abs(true_mean),
        "sd_error": statistics.sd(a) / statistics.sd(b) - 1.0,
        "skewness_error": statistics.skewness(a) - statistics.skewness(b),
    }
    distribution = statistics.distribution_difference(a, b)
    site_spectra = [statistics.site_spectrum(sums, grid) for sums in (a, b)]
    time_spectra = [statistics.time_spectrum(sums) for sums in (a, b)]
    site = [statistics.site_correlation(sums, grid) for sums in (a, b)]
    time = [statistics.autocorrelation(sums) for sums in (a, b)]
    distances: dict[str, tuple[Array, Callable[[Array], Array]]] = {
        "wasserstein": (distribution, lambda d: statistics.wasserstein_norm(d, grid)),
        "kolmogorov_smirnov": (distribution, statistics.maximum_norm),
        "hellinger": (statistics.hellinger_difference(a, b), statistics.hellinger_norm),
        "site_correlation": (site[0] - site[1], statistics.maximum_norm),
        "autocorrelation": (time[0] - time[1], statistics.maximum_norm),
        "site_spectrum": (
            statistics.spectrum_difference(*site_spectra),
            statistics.sum_norm,
        ),
        "time_spectrum": (
            statistics.spectrum_difference(*time_spectra),
            statistics.sum_norm,
        ),
    }
    n = min(run.n_members, reference.n_members)
    return {name: signed(rows, n, level) for name, rows in signed_rows.items()} | {
        name: distance_interval(rows, norm, level, n_members=n)
        for name, (rows, norm) in distances.items()
    }


def wasserstein_ratio(
    run: Sample, control: Sample, reference: Sample, level: float = LEVEL
) -> Interval:
    """Return the run's Wasserstein distance to the reference over the control's."""
    grid = run.climate.grid
    mine = statistics.wasserstein(run.sums, reference.sums, grid)
    others = statistics.wasserstein(control.sums, reference.sums, grid)
    n = min(sample.n_members for sample in (run, control, reference))
    return signed(mine / np.maximum(others, 1e-12), n, level)
