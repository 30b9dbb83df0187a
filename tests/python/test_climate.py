# SPDX-License-Identifier: MIT
"""Climate statistics against analytic cases, scipy, and themselves in other pieces."""

from dataclasses import fields
from pathlib import Path

import netCDF4
import numpy as np
import pytest
from ensembles import INTERVAL, MEAN, PHI, SD, ar1, climate, write
from scipy.signal import welch
from scipy.stats import binom, ks_2samp, wasserstein_distance

from isthmus.couple import climate_statistics as statistics
from isthmus.couple.climate import ClimateGrid, ClimateSums, gather_climate
from isthmus.couple.comparison import Sample, compare, describe
from isthmus.couple.intervals import (
    distance_interval,
    member_weights,
    percentile_interval,
    wilson_interval,
)
from isthmus.couple.trajectories import Trajectory
from isthmus.errors import DataError

SUM_TOLERANCE = 1e-11  # relative; sums of 1e5 terms of order one in another order


def gathered(path: Path, grid: ClimateGrid | None = None, **options: int):
    run = Trajectory(path)
    grid = grid or ClimateGrid.from_reference(run)
    return gather_climate(run, grid, **options)


@pytest.fixture(scope="module")
def long_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("climate")
    return write(folder / "long.nc", climate(3000, 20, 12, seed=1))


def test_moments_are_those_of_numpy(long_run: Path) -> None:
    with netCDF4.Dataset(long_run) as dataset:
        x = np.asarray(dataset["x"][:])
    result = gathered(long_run)
    total, grid = result.sums.total(), result.grid
    assert grid.center == pytest.approx(x.mean(), rel=1e-12)
    assert grid.scale == pytest.approx(x.std(), rel=1e-12)
    assert statistics.mean(total)[0] == pytest.approx(0.0, abs=1e-12)
    assert statistics.sd(total)[0] == pytest.approx(1.0, rel=1e-12)
    skewness = ((x - x.mean()) ** 3).mean() / x.std() ** 3
    assert statistics.skewness(total)[0] == pytest.approx(skewness, rel=1e-9)
    assert result.extremes == (x.min(), x.max())


@pytest.mark.parametrize("piece_times", [7, 256, 1000])
def test_result_does_not_depend_on_the_pieces(long_run: Path, piece_times: int) -> None:
    whole = gathered(long_run)
    pieces = gathered(long_run, whole.grid, piece_times=piece_times)
    for entry in fields(ClimateSums):
        a, b = getattr(whole.sums, entry.name), getattr(pieces.sums, entry.name)
        np.testing.assert_allclose(b, a, rtol=SUM_TOLERANCE, atol=SUM_TOLERANCE * a.max())


def test_result_does_not_depend_on_the_files(long_run: Path, tmp_path: Path) -> None:
    with netCDF4.Dataset(long_run) as dataset:
        x = np.asarray(dataset["x"][:])
    # The second file repeats the last time of the first, as a restart may.
    first = write(tmp_path / "1.nc", x[:1100])
    second = write(tmp_path / "2.nc", x[1099:], start=1099 * INTERVAL)
    joined = Trajectory([first, second])
    assert joined.n_times == 3000
    whole = gathered(long_run)
    parts = gather_climate(joined, whole.grid)
    np.testing.assert_allclose(parts.sums.time_power, whole.sums.time_power, rtol=1e-12)
    np.testing.assert_allclose(parts.sums.lag_products, whole.sums.lag_products, rtol=1e-9)


def test_memory_does_not_grow_with_the_run(tmp_path: Path) -> None:
    import tracemalloc

    peaks = []
    for n_times in (1000, 8000):
        path = write(tmp_path / f"{n_times}.nc", climate(n_times, 10, 8, seed=2))
        run = Trajectory(path)
        grid = ClimateGrid.from_reference(run)
        tracemalloc.start()
        gather_climate(run, grid, piece_times=100)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    size_of_long = 8000 * 10 * 8 * 8
    assert peaks[1] < 1.1 * peaks[0]
    assert peaks[1] < size_of_long


def test_autocorrelation_of_ar1_is_a_power(long_run: Path) -> None:
    result = gathered(long_run)
    found = statistics.autocorrelation(result.sums.total())[0]
    expected = PHI ** np.arange(found.size)
    # Bartlett: the error at long lags is about sqrt((1 + phi^2) / (1 - phi^2) / n).
    n = 3000 * 20 * 12 / 2  # neighbours share noise
    error = np.sqrt((1 + PHI**2) / (1 - PHI**2) / n)
    assert np.abs(found - expected).max() < 5 * error


def test_site_correlation_of_shared_noise_is_one_half(long_run: Path) -> None:
    result = gathered(long_run)
    found = statistics.site_correlation(result.sums.total(), result.grid)[0]
    expected = np.array([1.0, 0.5, 0.0, 0.0, 0.0, 0.0, 0.0])
    assert np.abs(found - expected).max() < 0.02


def test_site_spectrum_sums_to_the_variance(long_run: Path) -> None:
    result = gathered(long_run)
    power = statistics.site_spectrum(result.sums.total(), result.grid)[0]
    assert power.sum() == pytest.approx(1.0, rel=1e-10)  # in units of the variance
    wavenumber = np.arange(power.size)
    expected = (1 + np.cos(2 * np.pi * wavenumber / 12)) / 12  # of the shared noise
    expected[1:-1] *= 2
    np.testing.assert_allclose(power, expected, atol=0.01)


def test_time_spectrum_is_scipys(long_run: Path) -> None:
    with netCDF4.Dataset(long_run) as dataset:
        x = np.asarray(dataset["x"][:])
    result = gathered(long_run)
    frequencies, density = welch(
        x, fs=1 / INTERVAL, nperseg=256, noverlap=128, detrend="constant", axis=0
    )
    found = result.grid.scale**2 * statistics.time_spectrum(result.sums.total())[0]
    np.testing.assert_allclose(result.grid.frequencies, frequencies, rtol=1e-12)
    np.testing.assert_allclose(found, density.mean(axis=(1, 2)), rtol=1e-9)


def test_white_noise_has_a_flat_spectrum(tmp_path: Path) -> None:
    x = np.random.default_rng(3).standard_normal((4096, 8, 8))
    result = gathered(write(tmp_path / "white.nc", x))
    density = statistics.time_spectrum(result.sums.total())[0]
    # One-sided density of unit variance: 2 * interval; ends have no twin or lost the mean.
    np.testing.assert_allclose(density[2:-1], 2 * INTERVAL, rtol=0.1)


def test_wasserstein_between_gaussians_is_known(tmp_path: Path) -> None:
    generator = np.random.default_rng(4)
    a, b = generator.standard_normal((2, 4000, 10, 10))
    one = gathered(write(tmp_path / "a.nc", a))
    for shift, factor in ((0.3, 1.0), (0.0, 1.2)):
        other = gathered(write(tmp_path / "b.nc", shift + factor * b), one.grid)
        found = statistics.wasserstein(other.sums.total(), one.sums.total(), one.grid)[0]
        # Shift: |shift|. Scale: (factor - 1) E|N| = (factor - 1) sqrt(2 / pi).
        expected = shift + (factor - 1.0) * np.sqrt(2.0 / np.pi)
        assert found == pytest.approx(expected, abs=0.006)  # 5 sd of the mean of 4e5 values


def test_distances_are_scipys(tmp_path: Path) -> None:
    generator = np.random.default_rng(5)
    a = generator.standard_normal((500, 4, 4))
    b = generator.gamma(3.0, 1.0, (500, 4, 4)) - 2.0
    one = gathered(write(tmp_path / "a.nc", a))
    two = gathered(write(tmp_path / "b.nc", b), one.grid)
    pair = (two.sums.total(), one.sums.total())
    w1 = statistics.wasserstein(*pair, one.grid)[0] * one.grid.scale
    assert w1 == pytest.approx(wasserstein_distance(a.ravel(), b.ravel()), rel=5e-3)
    ks = statistics.maximum_norm(statistics.distribution_difference(*pair))[0]
    assert ks == pytest.approx(ks_2samp(a.ravel(), b.ravel()).statistic, abs=0.01)
    itself = statistics.hellinger_norm(statistics.hellinger_difference(pair[0], pair[0]))
    assert itself[0] == 0.0


def test_hellinger_of_disjoint_climates_is_one(tmp_path: Path) -> None:
    x = climate(200, 5, 6, seed=6)
    one = gathered(write(tmp_path / "a.nc", x))
    far = 0.05 * (x - MEAN) + MEAN + 8 * SD
    two = gathered(write(tmp_path / "b.nc", far), one.grid)
    rows = statistics.hellinger_difference(two.sums.total(), one.sums.total())
    assert statistics.hellinger_norm(rows)[0] == pytest.approx(1.0, abs=1e-12)


def test_drift_is_found_per_time_unit(tmp_path: Path) -> None:
    x = climate(2000, 50, 8, seed=7)
    grid = ClimateGrid.from_reference(Trajectory(write(tmp_path / "a.nc", x)))
    times = INTERVAL * np.arange(2000)[:, None, None]
    drifting = gathered(write(tmp_path / "b.nc", x + 0.01 * times), grid)
    told = describe(Sample.draw(drifting, seed=1))
    assert told["mean_trend"].low < 0.01 < told["mean_trend"].high
    assert told["mean_trend"].high - told["mean_trend"].low < 0.003
    assert told["drift"].value == pytest.approx(0.01 * times.max() / grid.scale, rel=0.2)
    growing = MEAN + (x - MEAN) * np.sqrt(1.0 + 0.002 * times)
    told = describe(Sample.draw(gathered(write(tmp_path / "c.nc", growing), grid), seed=1))
    expected = 0.002 * SD**2
    assert told["variance_trend"].low < expected < told["variance_trend"].high


def test_dead_members_leave_the_climate(tmp_path: Path) -> None:
    x = climate(600, 10, 6, seed=8)
    grid = ClimateGrid.from_reference(Trajectory(write(tmp_path / "a.nc", x)))
    spoilt = x.copy()
    spoilt[100:, 2, 3] = np.nan
    spoilt[250, 5, 0] = 1e20  # back again later: still dead
    broken = gathered(write(tmp_path / "b.nc", spoilt), grid, piece_times=64)
    deaths = broken.survival.death_times
    assert deaths[2] == pytest.approx(100 * INTERVAL)
    assert deaths[5] == pytest.approx(250 * INTERVAL)
    assert np.isinf(np.delete(deaths, [2, 5])).all()
    assert broken.sums.count[2] == 100 * 6
    whole = gathered(tmp_path / "a.nc", grid)
    for name in ("powers", "histogram", "time_power", "block_sum"):
        untouched = np.delete(getattr(broken.sums, name), [2, 5], axis=0)
        expected = np.delete(getattr(whole.sums, name), [2, 5], axis=0)
        np.testing.assert_allclose(untouched, expected, rtol=1e-10, atol=1e-10)
    assert np.isfinite(statistics.mean(broken.sums.total())[0])


def test_share_outside_the_training_range(tmp_path: Path) -> None:
    x = climate(400, 5, 6, seed=9)
    path = write(tmp_path / "a.nc", x)
    grid = ClimateGrid.from_reference(Trajectory(path), training_range=(-1.0, 6.0))
    result = gathered(path, grid)
    expected = ((x < -1.0) | (x > 6.0)).mean()
    total = result.sums.total()
    assert statistics.outside_share(total)[0] == pytest.approx(expected, rel=1e-12)
    by_time = statistics.outside_share_by_time(total)[0]
    assert by_time.mean() == pytest.approx(expected, rel=1e-6)


def test_interval_of_a_mean_covers_the_truth_as_often_as_it_says(tmp_path: Path) -> None:
    # 200 twins of 40 members; the true mean and sd are known. 90 % of the intervals must
    # hold them, within the binomial error.
    level, n_twins, hits = 0.9, 200, np.zeros(2)
    twins = ar1(60, 40 * n_twins, 4, seed=10)
    weights = np.concatenate(
        [np.ones((1, 40)), member_weights(40, n_replicates=400, seed=1)]
    )
    for x in np.split(twins, n_twins, axis=1):
        first, second = x.mean(axis=(0, 2)), (x**2).mean(axis=(0, 2))
        mean = weights @ first / 40
        sd = np.sqrt(weights @ second / 40 - mean**2)
        for i, (rows, truth) in enumerate(((mean, 0.0), (sd, 1.0))):
            interval = percentile_interval(float(rows[0]), rows[1:], level, n_members=40)
            hits[i] += interval.low <= truth <= interval.high
    low, high = binom.interval(0.999, n_twins, level)
    assert np.all(hits >= low)
    assert np.all(hits <= high)


def test_compare_covers_the_true_errors(tmp_path: Path) -> None:
    # The same through files and `compare`, for a known error of mean and sd. The interval
    # of the distance is safe by construction: it covers more often than it says.
    n_twins, hits = 25, {"mean_error": 0, "sd_error": 0, "wasserstein": 0}
    shift, factor = 0.05, 1.04
    path = write(tmp_path / "reference.nc", ar1(100, 200, 8, seed=11))
    reference = gathered(path)
    base = Sample.draw(reference, seed=1, n_replicates=200)
    exact = np.linspace(-8, 8, 200_001)
    gauss = np.exp(-(exact**2) / 2) / np.sqrt(2 * np.pi)
    w1 = np.sum(gauss * np.abs(shift + (factor - 1) * exact)) * (exact[1] - exact[0])
    truth = {"mean_error": shift, "sd_error": factor - 1.0, "wasserstein": w1}
    for i in range(n_twins):
        x = shift + factor * ar1(100, 60, 8, seed=100 + i)
        run = gathered(write(tmp_path / "run.nc", x), reference.grid)
        told = compare(Sample.draw(run, seed=2 + i, n_replicates=200), base)
        for name in hits:
            hits[name] += told[name].low <= truth[name] <= told[name].high
    assert min(hits.values()) >= binom.ppf(0.001, n_twins, 0.92)


def test_distance_interval_of_equal_climates_reaches_zero() -> None:
    generator = np.random.default_rng(12)
    hits = 0
    for _ in range(100):
        rows = 0.1 * generator.standard_normal((301, 50))
        rows[1:] += rows[0]  # replicates scatter about the estimate as it does about zero
        interval = distance_interval(rows, statistics.maximum_norm, 0.9, n_members=100)
        hits += interval.low == 0.0
    assert hits >= binom.ppf(0.001, 100, 0.9)


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    # E. B. Wilson's formula evaluated by hand for z = 1.959964
    [(100, 100, 0.963005, 1.0), (0, 10, 0.0, 0.277533), (5, 10, 0.236593, 0.763407)],
)
def test_wilson_interval(hits: int, n: int, low: float, high: float) -> None:
    interval = wilson_interval(hits, n, 0.95)
    assert interval.low == pytest.approx(low, abs=1e-5)
    assert interval.high == pytest.approx(high, abs=1e-5)


def test_frozen_reference_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.nc", np.full((10, 2, 4), 3.0))
    with pytest.raises(DataError, match="does not vary"):
        ClimateGrid.from_reference(Trajectory(path))


def test_other_sites_or_interval_are_refused(tmp_path: Path) -> None:
    grid = ClimateGrid.from_reference(
        Trajectory(write(tmp_path / "a.nc", climate(50, 3, 6, seed=1)))
    )
    with pytest.raises(DataError, match="8 sites, the reference has 6"):
        gathered(write(tmp_path / "b.nc", climate(50, 3, 8, seed=1)), grid)
    thinned = write(tmp_path / "c.nc", climate(50, 3, 6, seed=1))
    with netCDF4.Dataset(thinned, "a") as dataset:
        dataset["time"][:] = 0.2 * np.arange(50)
    with pytest.raises(DataError, match=r"every 0\.2 time units, the reference every 0\.1"):
        gathered(thinned, grid)


def test_files_that_are_no_trajectory_are_named(tmp_path: Path) -> None:
    x = climate(20, 3, 6, seed=1)
    good = write(tmp_path / "good.nc", x)
    text = tmp_path / "text.nc"
    text.write_text("not netCDF")
    with pytest.raises(DataError, match="cannot be read as netCDF"):
        Trajectory(text)
    with pytest.raises(DataError, match="not found"):
        Trajectory(tmp_path / "absent.nc")
    with pytest.raises(DataError, match="no variable 'y'"):
        Trajectory(good, variable="y")
    with pytest.raises(DataError, match="5 members of 6 sites, the files before have 3"):
        Trajectory(
            [good, write(tmp_path / "more.nc", climate(20, 5, 6, seed=1), start=2.0)]
        )
    with pytest.raises(DataError, match="is the order of the files right"):
        Trajectory([write(tmp_path / "late.nc", x, start=10.0), good])
    with pytest.raises(DataError, match="not equally spaced"):
        Trajectory([good, write(tmp_path / "gap.nc", x, start=30.0)])
    with pytest.raises(DataError, match="no output after"):
        Trajectory(good, discard=100.0)


def test_fill_values_and_spin_up(tmp_path: Path) -> None:
    x = climate(30, 3, 6, seed=1)
    x[20:, 1] = 9.969e36  # netCDF's own fill value
    run = Trajectory(write(tmp_path / "a.nc", x, dtype="f4"), discard=0.5)
    assert run.n_times == 25
    piece = next(run.pieces())
    assert np.isnan(piece[15:, 1]).all()
    assert np.isfinite(piece[:15]).all()
