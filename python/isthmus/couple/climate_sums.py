# SPDX-License-Identifier: MIT
"""What is counted of a run, and in which units and bins."""

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from isthmus.couple.trajectories import Trajectory
from isthmus.errors import DataError

Array = npt.NDArray[np.float64]

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
