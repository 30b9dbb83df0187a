# SPDX-License-Identifier: MIT
"""Statistics and distances of climates, from the sums that `climate` gathered.

Every function takes sums with a leading axis of replicates and returns one row each, so
that the estimate (one replicate, all members) and its bootstrap are the same code:

    estimate   statistic(climate.sums.total())[0]
    bootstrap  statistic(climate.sums.resample(weights))

Sums are in units of the reference's standard deviation (u); so are the results, except
correlations and shares, which have none.
"""

import numpy as np
import numpy.typing as npt

from isthmus.couple.climate import ClimateGrid, ClimateSums

Array = npt.NDArray[np.float64]

HELLINGER_BINS = (
    10  # fine bins per coarse one: 0.2 sd, few enough to keep sampling bias low
)


def _ratio(numerator: Array, denominator: Array) -> Array:
    """Divide, giving NaN where nothing was counted."""
    result = np.full(np.broadcast(numerator, denominator).shape, np.nan)
    np.divide(numerator, denominator, out=result, where=np.asarray(denominator) > 0)
    return result


def mean(sums: ClimateSums) -> Array:
    """Return the mean of u `[replicate]`."""
    return _ratio(sums.powers[:, 0], sums.count)


def sd(sums: ClimateSums) -> Array:
    """Return the standard deviation of u `[replicate]`."""
    return np.sqrt(np.maximum(_ratio(sums.powers[:, 1], sums.count) - mean(sums) ** 2, 0.0))


def skewness(sums: ClimateSums) -> Array:
    """Return the skewness, the third standardized moment `[replicate]`."""
    m1, m2, m3 = (_ratio(sums.powers[:, i], sums.count) for i in range(3))
    return _ratio(m3 - 3.0 * m1 * m2 + 2.0 * m1**3, sd(sums) ** 3)


def density(sums: ClimateSums, grid: ClimateGrid) -> Array:
    """Return the probability density of x [1 / unit of x] `[replicate, bin]`."""
    widths = np.diff(grid.bin_edges)
    return np.asarray(_ratio(sums.histogram, sums.count[:, None]) / widths)


def distribution_difference(a: ClimateSums, b: ClimateSums) -> Array:
    """Return the difference of the distribution functions `[replicate, bin]`."""
    first = np.cumsum(_ratio(a.histogram, a.count[:, None]), axis=1)
    second = np.cumsum(_ratio(b.histogram, b.count[:, None]), axis=1)
    return np.asarray(first - second)


def wasserstein_norm(difference: Array, grid: ClimateGrid) -> Array:
    """Return the area between distribution functions [sd] `[replicate]`.

    It is the Wasserstein-1 distance: how far states must be shifted on average to turn one
    climate into the other.
    """
    return np.asarray(
        np.abs(difference).sum(axis=1) * 2.0 * grid.plausible_sd / grid.n_bins
    )


def wasserstein(a: ClimateSums, b: ClimateSums, grid: ClimateGrid) -> Array:
    """Return the Wasserstein-1 distance [sd] `[replicate]`."""
    return wasserstein_norm(distribution_difference(a, b), grid)


def hellinger_difference(a: ClimateSums, b: ClimateSums) -> Array:
    """Return the difference of the roots of the histograms `[replicate, coarse bin]`.

    Its Euclidean norm over the root of 2 is the Hellinger distance, 0 (same) to 1.
    """
    roots = []
    for sums in (a, b):
        coarse = sums.histogram.reshape(sums.count.size, -1, HELLINGER_BINS).sum(axis=2)
        roots.append(np.sqrt(_ratio(coarse, sums.count[:, None])))
    return np.asarray(roots[0] - roots[1])


def maximum_norm(difference: Array) -> Array:
    """Return the largest magnitude of each row `[replicate]`."""
    return np.asarray(np.abs(difference).max(axis=1))


def sum_norm(difference: Array) -> Array:
    """Return the sum of magnitudes of each row `[replicate]`."""
    return np.asarray(np.abs(difference).sum(axis=1))


def hellinger_norm(difference: Array) -> Array:
    """Return the Hellinger distance from `hellinger_difference` `[replicate]`."""
    return np.asarray(np.sqrt((difference**2).sum(axis=1) / 2.0))


def site_spectrum(sums: ClimateSums, grid: ClimateGrid) -> Array:
    """Return variance by wavenumber; the sum is the variance `[replicate, wavenumber]`."""
    power = _ratio(sums.site_power, sums.n_states[:, None]) / grid.n_sites**2
    power[:, 0] -= mean(sums) ** 2
    power[:, 1 : (grid.n_sites + 1) // 2] *= 2.0  # one-sided; mean and Nyquist have no twin
    return np.asarray(np.maximum(power, 0.0))


def site_correlation(sums: ClimateSums, grid: ClimateGrid) -> Array:
    """Return the correlation of sites by distance on the ring `[replicate, distance]`."""
    power = _ratio(sums.site_power, sums.n_states[:, None]) / grid.n_sites**2
    power[:, 0] -= mean(sums) ** 2
    covariance = np.fft.irfft(power, n=grid.n_sites, axis=1)[:, : grid.n_sites // 2 + 1]
    return _ratio(covariance, covariance[:, :1])


def autocorrelation(sums: ClimateSums) -> Array:
    """Return the autocorrelation by time lag `[replicate, lag]`.

    Deviations are from the mean over the ensemble and all times, so a run that does not
    move keeps the correlation 1 at every lag.
    """
    covariance = _ratio(sums.lag_products, sums.lag_count) - mean(sums)[:, None] ** 2
    return _ratio(covariance, covariance[:, :1])


def time_spectrum(sums: ClimateSums) -> Array:
    """Return the power density by frequency [u^2 time] `[replicate, frequency]`."""
    return _ratio(sums.time_power, sums.n_series[:, None])


def spectrum_difference(a: Array, b: Array) -> Array:
    """Return (a - b) / sum b; the sum of magnitudes is the misplaced share of variance."""
    return _ratio(a - b, b.sum(axis=1, keepdims=True))


def block_means(sums: ClimateSums) -> Array:
    """Return the mean of u by block of time `[replicate, block]`."""
    return _ratio(sums.block_sum, sums.block_count)


def block_variances(sums: ClimateSums) -> Array:
    """Return the variance of u over members, sites and the times of each block."""
    return _ratio(sums.block_square, sums.block_count) - block_means(sums) ** 2


def trend(blocks: Array, times: Array) -> Array:
    """Return the least-squares slope of blocks over time [per time unit] `[replicate]`.

    Parameters
    ----------
    blocks
        `[replicate, block]`; blocks that are NaN in any replicate are left out of all.
    times
        `[block]`
    """
    good = np.isfinite(blocks).all(axis=0) & np.isfinite(times)
    if np.count_nonzero(good) < 2:
        return np.full(blocks.shape[0], np.nan)
    centered = times[good] - times[good].mean()
    return np.asarray(blocks[:, good] @ centered / (centered**2).sum())


def outside_share(sums: ClimateSums) -> Array:
    """Return the share of values outside the training range `[replicate]`."""
    return _ratio(sums.block_outside.sum(axis=1), sums.block_count.sum(axis=1))


def outside_share_by_time(sums: ClimateSums) -> Array:
    """Return that share by block of time `[replicate, block]`."""
    return _ratio(sums.block_outside, sums.block_count)
