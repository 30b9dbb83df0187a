# SPDX-License-Identifier: MIT
"""Climate statistics of an ensemble run, gathered in one pass and constant memory.

A run `x(time, member, k)` is read in pieces. For each member, sums are kept from which
every statistic follows: powers of x, a histogram, power by wavenumber, products at time
lags, power by frequency, sums by block of time. None grows with the length of the run.
Because the sums are kept by member, `climate_statistics` can resample members without
reading again.

Working variable: u = (x - center) / scale with the reference run's mean and standard
deviation, so that sums of powers lose no digits. Frequency spectra are Welch's: segments of
fixed length, half overlapping, mean removed, Hann window (P. D. Welch, IEEE Trans. Audio
Electroacoust. 15, 70 (1967), doi:10.1109/TAU.1967.1161901).
"""

from collections.abc import Callable
from dataclasses import dataclass, field, fields

import numpy as np
import numpy.typing as npt
from scipy.signal import get_window

from isthmus.couple.survival import Survival, plausible
from isthmus.couple.trajectories import Trajectory
from isthmus.errors import DataError

Array = npt.NDArray[np.float64]
Progress = Callable[[float], None]

PLAUSIBLE_SD = 10.0  # farther from the mean than this is a blow-up, not weather
BINS_PER_SD = 50  # histogram bins of 0.02 sd: Wasserstein distance to about 1e-4 sd
SEGMENT = 256  # output times in a segment of the frequency spectrum
MAX_LAG = 100  # output intervals to which the autocorrelation is followed
N_BLOCKS = 50  # blocks of time for drift and range


@dataclass(frozen=True)
class ClimateGrid:
    """What all runs of one comparison share: units, bins, segments, ranges.

    Attributes
    ----------
    center, scale
        Mean and standard deviation of the reference [unit of x].
    interval
        Time between outputs [1].
    n_sites
        Sites of the ring.
    plausible_sd
        Half width of the plausible range, in standard deviations.
    training_range
        Smallest and largest state the network was trained on [unit of x], if known.
    segment, max_lag, n_blocks
        Numbers of output times in a segment, of lags, of blocks of time.
    """

    center: float
    scale: float
    interval: float
    n_sites: int
    plausible_sd: float = PLAUSIBLE_SD
    training_range: tuple[float, float] | None = None
    segment: int = SEGMENT
    max_lag: int = MAX_LAG
    n_blocks: int = N_BLOCKS

    @classmethod
    def from_reference(
        cls,
        reference: Trajectory,
        *,
        training_range: tuple[float, float] | None = None,
        plausible_sd: float = PLAUSIBLE_SD,
        segment: int = SEGMENT,
        max_lag: int = MAX_LAG,
    ) -> "ClimateGrid":
        """Read the reference once for its mean and standard deviation.

        Raises
        ------
        DataError
            If it holds a value that is not finite, or does not vary.
        """
        count, mean, squares = 0, 0.0, 0.0
        for piece in reference.pieces():
            if not np.all(np.isfinite(piece)):
                raise DataError("reference run: it holds values that are not finite")
            # Chan's update keeps the digits that a plain sum of squares would lose.
            shift = float(piece.mean()) - mean
            total = count + piece.size
            squares += float(((piece - piece.mean()) ** 2).sum())
            squares += shift**2 * count * piece.size / total
            mean += shift * piece.size / total
            count = total
        sd = float(np.sqrt(squares / count))
        if sd <= 1e-12 * max(1.0, abs(mean)):
            raise DataError(f"reference run: it does not vary, standard deviation {sd:g}")
        segment = max(2, min(segment, reference.n_times // 4 * 2))
        return cls(
            center=mean,
            scale=sd,
            interval=reference.interval,
            n_sites=reference.n_sites,
            plausible_sd=plausible_sd,
            training_range=training_range,
            segment=segment,
            max_lag=min(max_lag, segment - 1),
            n_blocks=min(N_BLOCKS, reference.n_times),
        )

    @property
    def plausible_range(self) -> tuple[float, float]:
        """Lower and upper limit of plausible states [unit of x]."""
        half = self.plausible_sd * self.scale
        return self.center - half, self.center + half

    @property
    def bin_edges(self) -> Array:
        """Edges of the histogram [unit of x] [bin + 1]; they span the plausible range."""
        low, high = self.plausible_range
        return np.asarray(np.linspace(low, high, self.n_bins + 1), dtype=np.float64)

    @property
    def n_bins(self) -> int:
        """Number of bins, a multiple of 10 so that they can be joined."""
        return 10 * max(1, round(2 * self.plausible_sd * BINS_PER_SD / 10))

    @property
    def lags(self) -> Array:
        """Time lags [1] [lag]."""
        return np.asarray(np.arange(self.max_lag + 1) * self.interval)

    @property
    def frequencies(self) -> Array:
        """Frequencies [cycles per time unit] [frequency]."""
        return np.asarray(np.arange(self.segment // 2 + 1) / (self.segment * self.interval))


@dataclass
class ClimateSums:
    """Sums over the times and sites of each member; the first axis is the member.

    Resampled sums have the same shape with replicates in place of members.
    """

    count: Array  # values [member]
    powers: Array  # sums of u, u^2, u^3, u^4 [member, 4]
    histogram: Array  # values by bin [member, bin]
    site_power: Array  # sum of |rfft over k of u|^2 [member, wavenumber]
    n_states: Array  # states behind site_power [member]
    lag_products: Array  # sums of u(t) u(t + lag) [member, lag]
    lag_count: Array  # products behind them [member, lag]
    time_power: Array  # sum of one-sided power densities of u [member, frequency]
    n_series: Array  # series behind time_power [member]
    block_count: Array  # values by block of time [member, block]
    block_sum: Array  # sum of u [member, block]
    block_square: Array  # sum of u^2 [member, block]
    block_outside: Array  # values outside the training range [member, block]

    @classmethod
    def zeros(cls, n_members: int, grid: ClimateGrid) -> "ClimateSums":
        """Return sums of nothing."""
        sizes = {
            "powers": 4,
            "histogram": grid.n_bins,
            "site_power": grid.n_sites // 2 + 1,
            "lag_products": grid.max_lag + 1,
            "lag_count": grid.max_lag + 1,
            "time_power": grid.segment // 2 + 1,
        }
        sizes |= {f.name: grid.n_blocks for f in fields(cls) if f.name.startswith("block_")}
        shapes = {
            f.name: (n_members, sizes[f.name]) if f.name in sizes else (n_members,)
            for f in fields(cls)
        }
        return cls(**{name: np.zeros(shape) for name, shape in shapes.items()})

    def resample(self, weights: Array) -> "ClimateSums":
        """Return the sums of weighted members, for weights `[replicate, member]`."""
        return ClimateSums(
            **{f.name: weights @ getattr(self, f.name) for f in fields(self)}
        )

    def total(self) -> "ClimateSums":
        """Return the sums over all members, as one replicate."""
        return self.resample(np.ones((1, self.count.size)))


@dataclass
class Climate:
    """What one pass over a run gathered."""

    grid: ClimateGrid
    sums: ClimateSums
    survival: Survival
    block_times: Array  # middle of the blocks of time [1] [block]
    n_times: int
    extremes: tuple[float, float] = field(default=(np.nan, np.nan))  # of surviving states


def gather_climate(
    run: Trajectory,
    grid: ClimateGrid,
    *,
    piece_times: int | None = None,
    n_unseen_deaths: int = 0,
    on_progress: Progress | None = None,
) -> Climate:
    """Read a run once and gather its climate.

    Parameters
    ----------
    run
        The trajectory.
    grid
        Units and bins of the comparison.
    piece_times
        Output times read at once; the result does not depend on it.
    n_unseen_deaths
        Members known to have died after the last output.
    on_progress
        Called with the share that is done.

    Raises
    ------
    DataError
        If the run has other sites or another output interval than the grid.
    """
    if run.n_sites != grid.n_sites:
        raise DataError(f"run has {run.n_sites} sites, the reference has {grid.n_sites}")
    if run.n_times > 1 and abs(run.interval - grid.interval) > 1e-3 * grid.interval:
        raise DataError(
            f"run has an output every {run.interval:g} time units, "
            f"the reference every {grid.interval:g}"
        )
    gatherer = _Gatherer(run, grid)
    for piece in run.pieces(piece_times):
        gatherer.add(piece)
        if on_progress is not None:
            on_progress(gatherer.n_seen / run.n_times)
    return gatherer.finish(n_unseen_deaths)


class _Gatherer:
    """Adds pieces of a run to the sums."""

    def __init__(self, run: Trajectory, grid: ClimateGrid) -> None:
        self.run, self.grid = run, grid
        self.sums = ClimateSums.zeros(run.n_members, grid)
        self.n_seen = 0
        self.death_times = np.full(run.n_members, np.inf)
        self.low, self.high = np.inf, -np.inf
        self.window = get_window("hann", grid.segment)
        shape = (grid.segment, run.n_members, grid.n_sites)
        self.segment = np.empty(shape)
        self.segment_alive = np.zeros(shape[:2], dtype=np.bool_)
        self.n_in_segment = 0

    def add(self, x: Array) -> None:
        """Add a piece `[time, member, k]`."""
        alive = self._mark_deaths(x)
        u = (x - self.grid.center) / self.grid.scale
        u[~alive] = 0.0
        self._add_moments(u, alive)
        self._add_blocks(x, u, alive)
        self._add_segments(u, alive)
        if alive.any():
            self.low = min(self.low, float(np.where(alive[..., None], x, np.inf).min()))
            self.high = max(self.high, float(np.where(alive[..., None], x, -np.inf).max()))
        self.n_seen += x.shape[0]

    def _mark_deaths(self, x: Array) -> npt.NDArray[np.bool_]:
        """Return who is alive `[time, member]`: plausible now and ever before."""
        alive = plausible(x, *self.grid.plausible_range)
        alive[0] &= np.isinf(self.death_times)
        alive = np.logical_and.accumulate(alive, axis=0)
        died = np.isinf(self.death_times) & ~alive[-1]
        first = np.argmin(alive, axis=0)  # index of the first False
        self.death_times[died] = self.run.times[self.n_seen + first[died]]
        return alive

    def _add_moments(self, u: Array, alive: npt.NDArray[np.bool_]) -> None:
        """Add powers, histogram and power by wavenumber."""
        sums, n_members, n_bins = self.sums, self.run.n_members, self.grid.n_bins
        states = alive.sum(axis=0)
        sums.n_states += states
        sums.count += states * self.grid.n_sites
        power = u.copy()
        for i in range(4):
            sums.powers[:, i] += power.sum(axis=(0, 2))
            power *= u
        per_sd = n_bins / (2 * self.grid.plausible_sd)
        bins = ((u + self.grid.plausible_sd) * per_sd).astype(np.int64)
        np.clip(bins, 0, n_bins - 1, out=bins)  # the upper edge belongs to the last bin
        bins += (np.arange(n_members) * n_bins)[:, None]
        counts = np.bincount(bins[alive].ravel(), minlength=n_members * n_bins)
        sums.histogram += counts.reshape(n_members, n_bins)
        sums.site_power += (np.abs(np.fft.rfft(u, axis=2)) ** 2).sum(axis=0)

    def _add_blocks(self, x: Array, u: Array, alive: npt.NDArray[np.bool_]) -> None:
        """Add the sums by block of time."""
        index = self.n_seen + np.arange(x.shape[0])
        block = index * self.grid.n_blocks // self.run.n_times
        np.add.at(self.sums.block_count.T, block, alive * float(self.grid.n_sites))
        np.add.at(self.sums.block_sum.T, block, u.sum(axis=2))
        np.add.at(self.sums.block_square.T, block, (u * u).sum(axis=2))
        if self.grid.training_range is not None:
            low, high = self.grid.training_range
            outside = ((x < low) | (x > high)).sum(axis=2) * alive
            np.add.at(self.sums.block_outside.T, block, outside.astype(np.float64))

    def _add_segments(self, u: Array, alive: npt.NDArray[np.bool_]) -> None:
        """Fill segments that overlap by half, whatever the pieces are."""
        length, done = self.grid.segment, 0
        while done < u.shape[0]:
            take = min(length - self.n_in_segment, u.shape[0] - done)
            target = slice(self.n_in_segment, self.n_in_segment + take)
            self.segment[target] = u[done : done + take]
            self.segment_alive[target] = alive[done : done + take]
            self.n_in_segment += take
            done += take
            if self.n_in_segment == length:
                self._add_segment(self.segment, np.asarray(self.segment_alive.all(axis=0)))
                self.n_in_segment = length - length // 2
                self.segment[: self.n_in_segment] = self.segment[length // 2 :]
                self.segment_alive[: self.n_in_segment] = self.segment_alive[length // 2 :]

    def _add_segment(self, u: Array, alive: npt.NDArray[np.bool_]) -> None:
        """Add products by lag and power by frequency of one segment."""
        length, sums = self.grid.segment, self.sums
        series = alive * float(self.grid.n_sites)
        spectrum = (
            np.abs(np.fft.rfft(u, n=2 * length, axis=0)) ** 2
        )  # padded: no wrap-around
        products = np.fft.irfft(spectrum.sum(axis=2), axis=0)[: self.grid.max_lag + 1]
        sums.lag_products += products.T * alive[:, None]
        sums.lag_count += np.outer(series, length - np.arange(self.grid.max_lag + 1))
        centered = (u - u.mean(axis=0)) * self.window[:, None, None]
        density = np.abs(np.fft.rfft(centered, axis=0)) ** 2
        density *= self.grid.interval / (self.window**2).sum()
        density[1 : (length + 1) // 2] *= 2.0  # one-sided; mean and Nyquist have no twin
        sums.time_power += density.sum(axis=2).T * alive[:, None]
        sums.n_series += series

    def finish(self, n_unseen: int) -> Climate:
        """Return what was gathered."""
        times = self.run.times
        block = np.arange(times.size) * self.grid.n_blocks // times.size
        # A run shorter than the number of blocks leaves some of them empty: NaN there.
        members = np.bincount(block, minlength=self.grid.n_blocks)
        sums = np.bincount(block, times, minlength=self.grid.n_blocks)
        middle = np.full(self.grid.n_blocks, np.nan)
        np.divide(sums, members, out=middle, where=members > 0)
        survival = Survival(self.death_times, float(times[0]), float(times[-1]), n_unseen)
        extremes = (self.low, self.high)
        return Climate(self.grid, self.sums, survival, middle, times.size, extremes)
