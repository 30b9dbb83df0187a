# SPDX-License-Identifier: MIT
"""What came of the twins of `isthmus tune FILE.toml`, as netCDF with the file inside."""

from dataclasses import dataclass
from pathlib import Path

import netCDF4
import numpy as np

from isthmus.errors import ConfigurationError
from isthmus.inverse.estimates import Estimated
from isthmus.inverse.forward import Array
from isthmus.inverse.priors import Prior

LEVELS = (0.5, 0.68, 0.9, 0.95)
NUMBERS = (
    "cost",
    "gradient_norm",
    "decrement",
    "n_iterations",
    "n_observed",
    "is_converged",
    "is_consistent",
    "effective",
    "cost_before",
)
OF_TWIN = ("effective", "cost_before")  # the others are of what was estimated


@dataclass(frozen=True)
class TwinResult:
    """What came of a twin.

    Attributes
    ----------
    truth
        Its parameters p `[i]`.
    found
        What is estimated of them.
    intervals
        Bounds of p that hold the truth as often as `LEVELS` say `[level, 2, i]`.
    effective
        Draws of the posterior that count, NaN if none were drawn.
    cost_before
        J at the background.
    """

    truth: Array
    found: Estimated
    intervals: Array
    effective: float
    cost_before: float


class TuningResults:
    """Truths and estimates `[twin, parameter]`, written after each twin.

    Parameters
    ----------
    text
        The whole TOML file.
    prior
        Of the parameters.
    n_twins
        How many.
    path
        NetCDF file. If it holds twins of the same text, these are not repeated.
    observed
        Fingerprint of the real observations, "" for twins.
    """

    def __init__(
        self, text: str, prior: Prior, n_twins: int, path: Path, *, observed: str = ""
    ) -> None:
        self.text, self.prior, self.n_twins, self.path = text, prior, n_twins, path
        self.observed = observed
        shape = n_twins, len(prior.names)
        self.truth = np.full(shape, np.nan)
        self.estimate = np.full(shape, np.nan)
        self.covariance = np.full((*shape, shape[1]), np.nan)
        self.intervals = np.full((shape[0], len(LEVELS), 2, shape[1]), np.nan)
        self.numbers = {name: np.full(shape[0], np.nan) for name in NUMBERS}
        if path.exists():
            self._read()

    def is_done(self, twin: int) -> bool:
        """Whether a twin is there already."""
        return not np.isnan(self.numbers["is_converged"][twin])

    @property
    def n_done(self) -> int:
        """How many twins are there."""
        return int(np.isfinite(self.numbers["is_converged"]).sum())

    def add(self, twin: int, result: TwinResult) -> None:
        """Take a twin."""
        found = result.found
        self.truth[twin], self.estimate[twin] = result.truth, found.p
        self.covariance[twin], self.intervals[twin] = found.covariance, result.intervals
        for name in NUMBERS:
            source = result if name in OF_TWIN else found
            self.numbers[name][twin] = getattr(source, name)

    def add_failure(self, twin: int) -> None:
        """Take a twin whose model blew up: not converged, its values stay NaN."""
        self.numbers["is_converged"][twin] = 0.0

    def coverage(self, level: float) -> Array:
        """Return the share of twins whose interval holds the truth `[parameter]`.

        Those that did not converge count as misses.
        """
        lower, upper = np.moveaxis(self.intervals[:, LEVELS.index(level)], 1, 0)
        inside = (lower <= self.truth) & (self.truth <= upper)
        converged = self.numbers["is_converged"] == 1.0
        return np.asarray((inside & converged[:, None]).mean(axis=0))

    def write(self) -> None:
        """Write the file; what was there stays until it is complete."""
        unfinished = self.path.with_name(f".{self.path.name}.unfinished")
        prior = self.prior
        with netCDF4.Dataset(unfinished, "w") as file:
            file.configuration, file.observations_sha256 = self.text, self.observed
            file.title = "parameters estimated in twin experiments"
            file.createDimension("twin", self.n_twins)
            file.createDimension("parameter", len(prior.names))
            names = file.createVariable("parameter", str, ("parameter",))
            scales = file.createVariable("scale", str, ("parameter",))
            for i, parameter in enumerate(prior.parameters):
                names[i], scales[i] = parameter.name, parameter.scale
            for name, text in (
                ("truth", "parameter of the twin"),
                ("estimate", "parameter estimated"),
            ):
                variable = file.createVariable(name, "f8", ("twin", "parameter"))
                variable.units, variable.long_name = "1", text
                variable[:] = getattr(self, name)
            covariance = file.createVariable(
                "covariance", "f8", ("twin", "parameter", "parameter")
            )
            covariance.units = "1"
            covariance.long_name = "of the estimate, of its logarithm on a log scale"
            covariance[:] = self.covariance
            file.createDimension("level", len(LEVELS))
            file.createDimension("bound", 2)
            file.createVariable("level", "f8", ("level",))[:] = LEVELS
            shape = ("twin", "level", "bound", "parameter")
            interval = file.createVariable("interval", "f8", shape)
            interval.units, interval.long_name = "1", "bounds that hold the truth so often"
            interval[:] = self.intervals
            for name, values in self.numbers.items():
                variable = file.createVariable(name, "f8", ("twin",))
                variable.units, variable.long_name = "1", name.replace("_", " ")
                variable[:] = values
        unfinished.replace(self.path)

    def _read(self) -> None:
        """Take over the twins of an earlier call."""
        with netCDF4.Dataset(self.path) as file:
            found = getattr(file, "configuration", None)
            if (found, getattr(file, "observations_sha256", "")) != (
                self.text,
                self.observed,
            ):
                raise ConfigurationError(
                    f"'{self.path}' holds results of another configuration, or of other "
                    "observations; move it away or write elsewhere"
                )
            for name in ("truth", "estimate", "covariance"):
                setattr(self, name, np.ma.filled(file[name][:], np.nan))
            if "interval" not in file.variables:
                raise ConfigurationError(
                    f"'{self.path}' was written by an older version; move it away or write "
                    "elsewhere"
                )
            self.intervals = np.ma.filled(file["interval"][:], np.nan)
            for name in NUMBERS:
                self.numbers[name] = np.ma.filled(file[name][:], np.nan)
