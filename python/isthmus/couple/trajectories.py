# SPDX-License-Identifier: MIT
"""Read an ensemble trajectory `x(time, member, k)` from netCDF files, in pieces.

A long run is written in several files; a file may repeat the last time of the one before
(a restart does). Repeated times are skipped, gaps and jumps back are errors. Only one piece
is in memory at a time, whatever the size of the files.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import netCDF4
import numpy as np
import numpy.typing as npt

from isthmus.errors import DataError

Array = npt.NDArray[np.float64]

DIMENSIONS = ("time", "member", "k")
PIECE_BYTES = 32 * 2**20  # of float64; a few work arrays of this size exist at a time
FILL = 1.0e30  # larger magnitudes are netCDF fill values or overflow: read as NaN


@dataclass(frozen=True)
class _Part:
    """The times of one file that belong to the trajectory: `[start, stop)`."""

    path: Path
    start: int
    stop: int


class Trajectory:
    """An ensemble run on disk, read in pieces of consecutive times.

    Parameters
    ----------
    paths
        Files in order of time, each with `x(time, member, k)` and the coordinate `time`.
    variable
        Name of the state variable.
    discard
        Model time at the beginning that is left out (spin-up), counted from the first time.

    Raises
    ------
    DataError
        If a file is absent, not netCDF, of another shape, or does not continue the one
        before.
    """

    def __init__(
        self, paths: Sequence[Path] | Path, *, variable: str = "x", discard: float = 0.0
    ) -> None:
        files = [paths] if isinstance(paths, Path) else list(paths)
        if not files:
            raise DataError("trajectory: no files given, at least one expected")
        self.variable = variable
        self._parts: list[_Part] = []
        self.n_members = self.n_sites = 0
        times: list[Array] = []
        first = np.nan
        for path in files:
            file_times = self._open_header(path)
            if not file_times.size:
                continue  # a run that failed before its first output leaves such a file
            first = float(file_times[0]) if np.isnan(first) else first
            start = self._first_new(path, file_times, times, first + discard)
            if start < file_times.size:
                self._parts.append(_Part(path, start, file_times.size))
                times.append(file_times[start:])
        if not times:
            raise DataError(
                f"trajectory: '{files[0]}' has no output after the {discard:g} time "
                f"units that are discarded"
            )
        self.times: Array = np.concatenate(times)  # model time [1] [time]
        self._check_spacing(files[0])

    def _open_header(self, path: Path) -> Array:
        """Check one file and return its times [time]."""
        with _open(path) as dataset:
            for name in (self.variable, "time"):
                if name not in dataset.variables:
                    found = ", ".join(dataset.variables)
                    raise DataError(f"'{path}' has no variable '{name}'; it has {found}")
            found_dimensions = dataset[self.variable].dimensions
            if found_dimensions != DIMENSIONS:
                raise DataError(
                    f"'{path}': '{self.variable}' has dimensions {found_dimensions}, "
                    f"expected {DIMENSIONS}"
                )
            _, members, sites = dataset[self.variable].shape
            if self.n_members and (members, sites) != (self.n_members, self.n_sites):
                raise DataError(
                    f"'{path}': '{self.variable}' has {members} members of {sites} sites, "
                    f"the files before have {self.n_members} of {self.n_sites}"
                )
            self.n_members, self.n_sites = members, sites
            times = np.ma.filled(dataset["time"][:].astype(np.float64), np.nan)
        if not np.all(np.isfinite(times)) or np.any(np.diff(times) <= 0):
            raise DataError(f"'{path}': 'time' does not increase, or is not finite")
        return np.asarray(times)

    @staticmethod
    def _first_new(path: Path, file_times: Array, before: list[Array], begin: float) -> int:
        """Return the first index of a file that lies after all that is read already."""
        tolerance = 1e-9 * max(1.0, abs(float(file_times[-1])))
        if not before:
            return int(np.searchsorted(file_times, begin - tolerance))
        last = float(before[-1][-1])
        if file_times[-1] <= last - tolerance:
            raise DataError(
                f"'{path}': its times end at {file_times[-1]:g}, before {last:g} where the "
                f"file before it ends: is the order of the files right?"
            )
        return int(np.searchsorted(file_times, last + tolerance, side="right"))

    def _check_spacing(self, path: Path) -> None:
        """Make sure that the output times are equally spaced across the files."""
        steps = np.diff(self.times)
        if steps.size and np.ptp(steps) > 1e-3 * steps.mean():
            at = float(self.times[int(np.argmax(np.abs(steps - np.median(steps))))])
            raise DataError(
                f"trajectory from '{path}': output times are not equally spaced, "
                f"steps of {steps.min():g} to {steps.max():g} found near time {at:g}"
            )

    @property
    def n_times(self) -> int:
        """Number of output times."""
        return int(self.times.size)

    @property
    def interval(self) -> float:
        """Time between outputs [1] (NaN for a single time)."""
        return float(np.mean(np.diff(self.times))) if self.n_times > 1 else float("nan")

    def pieces(self, n_times: int | None = None) -> Iterator[Array]:
        """Yield consecutive pieces `[time, member, k]` in float64, NaN where undefined.

        Parameters
        ----------
        n_times
            Times in a piece at most; default: as many as fit in 32 MiB.
        """
        row = 8 * self.n_members * self.n_sites
        n_times = n_times or max(1, PIECE_BYTES // row)
        for part in self._parts:
            with _open(part.path) as dataset:
                source = dataset[self.variable]
                source.set_auto_mask(False)
                for start in range(part.start, part.stop, n_times):
                    piece = source[start : min(start + n_times, part.stop)].astype(
                        np.float64
                    )
                    piece[~(np.abs(piece) < FILL)] = np.nan
                    yield piece


def has_output(paths: Sequence[Path], *, discard: float = 0.0) -> bool:
    """Tell whether any of the files holds a time after the first `discard` units."""
    first = None
    for path in paths:
        with _open(path) as dataset:
            if "time" not in dataset.variables or not dataset["time"].size:
                continue
            first = float(dataset["time"][0]) if first is None else first
            if float(dataset["time"][-1]) >= first + discard:
                return True
    return False


def _open(path: Path) -> netCDF4.Dataset:
    """Open a netCDF file for reading, or say why not."""
    if not path.is_file():
        raise DataError(f"'{path}' not found: a netCDF file was expected")
    try:
        return netCDF4.Dataset(path, "r")
    except OSError as error:
        raise DataError(f"'{path}' cannot be read as netCDF: {error}") from error
