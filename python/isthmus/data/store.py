# SPDX-License-Identifier: MIT
"""Read and write trajectories as netCDF, and refuse whatever is not one.

A trajectory file has the dimensions and variables of `schema`, an evenly spaced `time`
coordinate, and the model's parameters as global attributes.
"""

import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import netCDF4
import numpy as np
from numpy.typing import NDArray

from ..errors import DataError
from .schema import FIELDS, TIME

EVEN_SPACING: Final = 1e-6  # relative; a single-precision time coordinate still passes


@dataclass(frozen=True)
class Trajectories:
    """Arrays that share one evenly spaced time axis.

    Attributes
    ----------
    arrays : dict of str to numpy.ndarray
        By name; those with a time axis have it first, e.g. `x` is [time, member, k].
    time : numpy.ndarray
        Model time [1], shape [time].
    attributes : dict
        Global attributes of the file: model, parameters, seed, version.
    """

    arrays: dict[str, NDArray[Any]]
    time: NDArray[np.float64]
    attributes: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check that every array fits its declared dimensions and holds finite numbers."""
        _check_time(self.time)
        extents: dict[str, int] = {TIME: self.time.size}
        for name, values in self.arrays.items():
            _check_array(name, values, extents)

    def __getitem__(self, name: str) -> NDArray[Any]:
        """Return an array by name.

        Raises
        ------
        DataError
            If there is no such array.
        """
        if name not in self.arrays:
            raise DataError(f"no variable '{name}'; found: {_listed(self.arrays)}")
        return self.arrays[name]

    def __len__(self) -> int:
        """Return the number of times."""
        return int(self.time.size)

    @property
    def dt(self) -> float:
        """Interval between two stored times [1]."""
        if self.time.size < 2:
            raise DataError("'time' has a single entry: the interval is unknown")
        mean = (self.time[-1] - self.time[0]) / (self.time.size - 1)
        return float(f"{mean:.10g}")  # times are multiples of dt: the last digits are noise

    def slice(self, start: int, stop: int) -> "Trajectories":
        """Return the times `start` to `stop` (exclusive) as views."""
        cut = {
            name: values[start:stop] if FIELDS[name].dims[0] == TIME else values
            for name, values in self.arrays.items()
        }
        return Trajectories(cut, self.time[start:stop], self.attributes)

    def split(self, fraction: float) -> tuple["Trajectories", "Trajectories"]:
        """Split in time: the first `fraction` of the times, and the rest.

        Raises
        ------
        DataError
            If a part would be empty.
        """
        n_first = round(fraction * len(self))
        if not 0 < n_first < len(self):
            raise DataError(
                f"split: fraction {fraction} of {len(self)} times leaves a part empty"
            )
        return self.slice(0, n_first), self.slice(n_first, len(self))


def open_trajectories(
    path: str | Path,
    variables: Sequence[str] = ("x",),
) -> Trajectories:
    """Read trajectories from a netCDF file.

    Parameters
    ----------
    path : path
        The file.
    variables : sequence of str
        Names of `schema.FIELDS` that must be there.

    Raises
    ------
    DataError
        If the file is absent or not netCDF, a variable is absent, has other dimensions than
        the schema says, holds missing or non-finite values, or time is not evenly spaced.
    """
    path = Path(path)
    unknown = [name for name in variables if name not in FIELDS]
    if unknown:
        raise DataError(
            f"unknown variable '{unknown[0]}'; the schema has: {_listed(FIELDS)}"
        )
    if not path.is_file():
        raise DataError(f"{path}: no such file")
    try:
        dataset = netCDF4.Dataset(path)
    except OSError as error:
        raise DataError(f"{path}: not a readable netCDF file ({error})") from error
    with dataset:
        arrays = {name: _read(dataset, name, path) for name in variables}
        time = _read(dataset, TIME, path).astype(np.float64)
        attributes = {name: dataset.getncattr(name) for name in dataset.ncattrs()}
    try:
        return Trajectories(arrays, time, attributes)
    except DataError as error:
        raise DataError(f"{path}: {error}") from error


def save_trajectories(trajectories: Trajectories, path: str | Path) -> None:
    """Write trajectories to a netCDF file, all of it or nothing.

    Raises
    ------
    DataError
        If the folder is absent or the file cannot be written.
    """
    path = Path(path)
    temporary = _temporary_beside(path)
    try:
        with netCDF4.Dataset(temporary, "w", format="NETCDF4") as dataset:
            _write(dataset, trajectories)
        temporary.replace(path)
    except (OSError, RuntimeError) as error:
        raise DataError(f"{path}: cannot be written ({error})") from error
    finally:
        temporary.unlink(missing_ok=True)


def _temporary_beside(path: Path) -> Path:
    """Return a fresh name in the same folder, so that the final rename is atomic."""
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        raise DataError(f"{path}: cannot be written ({error.strerror})") from error
    os.close(handle)
    return Path(name)


def _read(dataset: netCDF4.Dataset, name: str, path: Path) -> NDArray[Any]:
    if name not in dataset.variables:
        raise DataError(
            f"{path}: no variable '{name}'; found: {_listed(dataset.variables)}"
        )
    variable = dataset.variables[name]
    if variable.dimensions != FIELDS[name].dims:
        raise DataError(
            f"{path}: '{name}' has dimensions {_bracketed(variable.dimensions)}, "
            f"expected {_bracketed(FIELDS[name].dims)}"
        )
    try:
        values = variable[...]
    except (OSError, RuntimeError) as error:
        raise DataError(f"{path}: '{name}' cannot be read ({error})") from error
    if np.ma.is_masked(values):
        raise DataError(
            f"{path}: '{name}' has {int(np.ma.getmaskarray(values).sum())} missing values"
        )
    return np.ascontiguousarray(np.ma.getdata(values))


def _write(dataset: netCDF4.Dataset, trajectories: Trajectories) -> None:
    arrays = {TIME: trajectories.time, **trajectories.arrays}
    for name, values in arrays.items():
        for dimension, extent in zip(FIELDS[name].dims, values.shape, strict=True):
            if dimension not in dataset.dimensions:
                dataset.createDimension(dimension, None if dimension == TIME else extent)
        variable = dataset.createVariable(name, values.dtype, FIELDS[name].dims)
        variable.setncatts(
            {"units": FIELDS[name].units, "long_name": FIELDS[name].long_name}
        )
        variable[...] = values
    dataset.setncatts({"Conventions": "CF-1.10", **trajectories.attributes})


def _check_time(time: NDArray[np.float64]) -> None:
    if time.ndim != 1 or time.size == 0:
        raise DataError(
            f"'time' has shape {list(time.shape)}, expected [time] with entries"
        )
    if not np.isfinite(time).all():
        raise DataError("'time' holds values that are not finite")
    steps = np.diff(time)
    if steps.size and (
        steps.min() <= 0 or np.ptp(steps) > EVEN_SPACING * np.abs(time).max()
    ):
        raise DataError(
            f"'time' is not evenly increasing: intervals {steps.min():g} to {steps.max():g}"
        )


def _check_array(name: str, values: NDArray[Any], extents: dict[str, int]) -> None:
    if name not in FIELDS:
        raise DataError(f"unknown variable '{name}'; the schema has: {_listed(FIELDS)}")
    dims = FIELDS[name].dims
    if values.ndim != len(dims):
        raise DataError(
            f"'{name}' has shape {list(values.shape)}, expected {_bracketed(dims)}"
        )
    for dimension, extent in zip(dims, values.shape, strict=True):
        if extents.setdefault(dimension, extent) != extent:
            raise DataError(
                f"'{name}' has {extent} entries along '{dimension}', "
                f"expected {extents[dimension]}"
            )
    if values.dtype.kind not in "fiu":
        raise DataError(f"'{name}' has type {values.dtype}, expected numbers")
    finite = np.isfinite(values)
    if not finite.all():
        where = [int(i) for i in np.argwhere(~finite)[0]]
        raise DataError(
            f"'{name}' holds {int((~finite).sum())} values that are not finite, "
            f"the first at {where}"
        )


def _listed(names: Mapping[str, Any]) -> str:
    return ", ".join(f"'{name}'" for name in names) or "nothing"


def _bracketed(dims: Sequence[str]) -> str:
    return f"[{', '.join(dims)}]"
