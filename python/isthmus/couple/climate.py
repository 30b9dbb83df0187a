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
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy.signal import get_window

from isthmus.couple.climate_sums import ClimateGrid, ClimateSums
from isthmus.couple.survival import Survival, plausible
from isthmus.couple.trajectories import Trajectory
from isthmus.errors import DataError

Array = npt.NDArray[np.float64]
Progress = Callable[[float], None]

__all__ = ["Climate", "ClimateGrid", "ClimateSums", "gather_climate"]

WORK_BYTES = 16 * 2**20  # of float64 in one call of the fast Fourier transform


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
                self._add_segment()
                self.n_in_segment = length - length // 2
                self.segment[: self.n_in_segment] = self.segment[length // 2 :]
                self.segment_alive[: self.n_in_segment] = self.segment_alive[length // 2 :]

    def _add_segment(self) -> None:
        """Add products by lag and power by frequency of the full segment."""
        alive = np.asarray(self.segment_alive.all(axis=0), dtype=np.float64)
        length, lags = self.grid.segment, np.arange(self.grid.max_lag + 1)
        self.sums.n_series += alive * self.grid.n_sites
        self.sums.lag_count += np.outer(alive * self.grid.n_sites, length - lags)
        at_once = max(1, WORK_BYTES // (8 * length * self.grid.n_sites))
        for first in range(0, self.run.n_members, at_once):
            members = slice(first, first + at_once)
            u, keep = self.segment[:, members], alive[members, None]
            self.sums.lag_products[members] += keep * self._lag_products(u)
            self.sums.time_power[members] += keep * self._time_power(u)

    def _lag_products(self, u: Array) -> Array:
        """Return sums of u(t) u(t + lag) over times and sites `[member, lag]`."""
        padded = 2 * self.grid.segment  # lest the end of the segment meet its beginning
        power = np.abs(np.fft.rfft(u, n=padded, axis=0)) ** 2
        products = np.fft.irfft(power.sum(axis=2), axis=0)
        return np.asarray(products[: self.grid.max_lag + 1].T)

    def _time_power(self, u: Array) -> Array:
        """Return one-sided power densities summed over sites `[member, frequency]`."""
        centered = (u - u.mean(axis=0)) * self.window[:, None, None]
        density = (np.abs(np.fft.rfft(centered, axis=0)) ** 2).sum(axis=2)
        density *= self.grid.interval / (self.window**2).sum()
        density[1 : (self.grid.segment + 1) // 2] *= 2.0  # mean and Nyquist have no twin
        return np.asarray(density.T)

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
