# SPDX-License-Identifier: MIT
"""Warm rain boxes as `isthmus-rain` (ensembles) and `isthmus-rain-bins` write them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import netCDF4
import numpy as np
from numpy.typing import NDArray

from ..errors import DataError

MOMENTS: Final = ("lc", "nc", "lr", "nr")
START: Final = ("liquid_water", "mean_radius", "shape")


@dataclass(frozen=True)
class RainEnsembles:
    """Boxes of drops, each the mean over an ensemble.

    Attributes
    ----------
    states : numpy.ndarray
        Lc, Nc, Lr, Nr [kg m-3, m-3] and L0 [kg m-3], rm [m], nu [1]: [time, cell, 7].
    standard_errors : numpy.ndarray
        Of the four moments [time, cell, 4].
    dt : float
        Interval between two times [s].
    """

    states: NDArray[np.float64]
    standard_errors: NDArray[np.float64]
    dt: float

    def cells(self, indices: NDArray[Any]) -> "RainEnsembles":
        """Return some of the cells."""
        return RainEnsembles(
            self.states[:, indices], self.standard_errors[:, indices], self.dt
        )

    def set_aside(
        self, n_test: int, *, seed: int
    ) -> tuple["RainEnsembles", "RainEnsembles"]:
        """Split at random by cell into the rest and `n_test` cells.

        Raises
        ------
        DataError
            If nothing would be left.
        """
        n_cells = self.states.shape[1]
        if not 0 < n_test < n_cells:
            raise DataError(f"cannot set {n_test} of {n_cells} cells aside")
        order = np.random.default_rng(seed).permutation(n_cells)
        return self.cells(np.sort(order[n_test:])), self.cells(np.sort(order[:n_test]))


def open_rain(path: str | Path) -> RainEnsembles:
    """Read ensemble means of boxes; of an unfinished file the cases that are finished.

    Raises
    ------
    DataError
        If a variable is missing, times are uneven, or values are not finite.
    """
    with netCDF4.Dataset(path) as file:
        wanted = ("time", *MOMENTS, *START)
        missing = [name for name in wanted if name not in file.variables]
        if missing:
            raise DataError(f"{path}: no variable '{missing[0]}', expected {wanted}")
        keep = np.ones(file["liquid_water"].shape[0], dtype=bool)
        if "finished" in file.variables:
            keep = np.asarray(file["finished"][:]) == 1
        time = np.asarray(file["time"][:], np.float64)
        moments = [_numbers(file, name)[keep].T for name in MOMENTS]
        fixed = [np.broadcast_to(_numbers(file, n)[keep], moments[0].shape) for n in START]
        errors = [
            _numbers(file, f"{n}_se")[keep].T
            if f"{n}_se" in file.variables
            else np.zeros_like(moments[0])
            for n in MOMENTS
        ]
    steps = np.diff(time)
    if steps.size == 0 or not np.allclose(steps, steps[0]):
        raise DataError(f"{path}: 'time' is not evenly spaced")
    states = np.stack([*moments, *fixed], axis=-1)
    if states.shape[1] == 0 or not np.isfinite(states).all():
        raise DataError(f"{path}: no finished case, or values that are not finite")
    return RainEnsembles(states, np.stack(errors, axis=-1), float(steps[0]))


def _numbers(file: Any, name: str) -> NDArray[np.float64]:  # noqa: ANN401
    """Return a variable, cases first; what was never written is not a number."""
    values = np.ma.filled(np.ma.asarray(file[name][:], dtype=np.float64), np.nan)
    return values.T if file[name].dimensions[0] == "time" else values
