# SPDX-License-Identifier: MIT
"""Parameters of a TOML file, estimated in many twins, to see how often error bars hold.

[model]                       # see `parameter_cases`
kind = "lorenz96"

[window]
n_steps = 20

[[parameter]]                 # in the order of the model
name = "forcing"
background = 8.0
sd = 2.0                      # relative if scale = "log"
scale = "linear"

[twins]                       # truths drawn from the prior
n = 200
seed = 1
"""

import time
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
from scipy.stats import norm

from isthmus.errors import AssimilationError, ConfigurationError
from isthmus.inverse.estimation import Estimated, Estimation, Parameter, Prior
from isthmus.inverse.forward import Array
from isthmus.inverse.parameter_cases import Case, make_case

LEVELS = (0.5, 0.68, 0.9, 0.95)
SECONDS_BETWEEN_WRITES = 5.0
GROUPS = {"model", "window", "parameter", "twins"}
TWINS = {"n": 200, "seed": 1}
NUMBERS = (
    "cost",
    "gradient_norm",
    "decrement",
    "n_iterations",
    "n_observed",
    "is_converged",
    "is_consistent",
)


@dataclass(frozen=True)
class Tuning:
    """What a TOML file asks for.

    Attributes
    ----------
    text
        The whole file.
    case, prior
        Model, window, parameters.
    n_stages
        Of each minimisation.
    n_twins, seed
        How many, and the first seed.
    """

    text: str
    case: Case
    prior: Prior
    n_stages: int
    n_twins: int
    seed: int

    def run(self, twin: int) -> tuple[Array, Estimated]:
        """Return the truth p `[i]` of a twin, and what is estimated of it.

        Raises
        ------
        AssimilationError
            If the model blows up from the first guess.
        """
        rng = np.random.default_rng([self.seed, twin])
        p = self.prior.sample(rng)
        x = self.case.start(p, rng)
        states = self.case.truth.trajectory(x, p, self.n_steps)
        observations = self.case.observe(states, rng)
        b = self.case.covariance
        guess = x if b is None else x + b.sample(rng, 1)[0]
        estimation = Estimation(
            self.case.model, self.n_steps, observations, self.prior, guess, b
        )
        return p, estimation.minimise(n_stages=self.n_stages)

    @property
    def n_steps(self) -> int:
        """Length of a window."""
        return int(self.case.window.n_steps)


def read_tuning(path: Path) -> Tuning:
    """Return what a TOML file asks for.

    Raises
    ------
    ConfigurationError
        If it is no TOML, or a key is unknown or missing; the key is told.
    """
    text = path.read_text(encoding="utf-8")
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"'{path}' is no TOML: {error}") from None
    for key in found:
        if key not in GROUPS:
            raise ConfigurationError(
                f"'{path}': unknown group '{key}', expected {', '.join(sorted(GROUPS))}"
            )
    case = make_case(found.get("model", {}), found.get("window", {}))
    prior = Prior([_parameter(path, entry) for entry in found.get("parameter", [])])
    if prior.names != tuple(case.model.names):
        raise ConfigurationError(
            f"'{path}': [[parameter]] are {list(prior.names)}, expected "
            f"{list(case.model.names)} in this order"
        )
    twins: Mapping[str, Any] = found.get("twins", {})
    for key in twins:
        if key not in TWINS:
            raise ConfigurationError(
                f"'{path}': unknown key 'twins.{key}', expected {', '.join(TWINS)}"
            )
    chosen = {**TWINS, **twins}
    if not (isinstance(chosen["n"], int) and chosen["n"] >= 1):
        raise ConfigurationError(
            f"'{path}': 'twins.n' must be at least 1, found {chosen['n']!r}"
        )
    n_stages = int(case.window.n_stages)
    return Tuning(text, case, prior, n_stages, chosen["n"], int(chosen["seed"]))


class TuningResults:
    """Truths and estimates `[twin, parameter]`, written after each twin.

    Parameters
    ----------
    tuning
        What is run.
    path
        NetCDF file. If it holds twins of the same TOML text, these are not repeated.
    """

    def __init__(self, tuning: Tuning, path: Path) -> None:
        self.tuning, self.path = tuning, path
        shape = tuning.n_twins, len(tuning.prior.names)
        self.truth = np.full(shape, np.nan)
        self.estimate = np.full(shape, np.nan)
        self.covariance = np.full((*shape, shape[1]), np.nan)
        self.numbers = {name: np.full(shape[0], np.nan) for name in NUMBERS}
        if path.exists():
            self._read()

    def is_done(self, twin: int) -> bool:
        """Whether a twin is there already."""
        return not np.isnan(self.numbers["is_converged"][twin])

    def add(self, twin: int, truth: Array, found: Estimated) -> None:
        """Take a twin."""
        self.truth[twin], self.estimate[twin] = truth, found.p
        self.covariance[twin] = found.covariance
        for name in NUMBERS:
            self.numbers[name][twin] = getattr(found, name)

    def add_failure(self, twin: int) -> None:
        """Take a twin whose model blew up: not converged, its values stay NaN."""
        self.numbers["is_converged"][twin] = 0.0

    @property
    def scores(self) -> Array:
        """Departures of the estimates in standard errors `[twin, parameter]`."""
        prior = self.tuning.prior
        departures = prior.q(self.estimate) - prior.q(self.truth)
        errors = np.sqrt(np.einsum("tii->ti", self.covariance))
        return np.asarray(departures / errors)

    def coverage(self, level: float) -> Array:
        """Return the share of twins whose interval holds the truth `[parameter]`.

        Those that did not converge count as misses.
        """
        inside = np.abs(self.scores) <= norm.ppf(0.5 + 0.5 * level)
        converged = self.numbers["is_converged"] == 1.0
        return np.asarray((inside & converged[:, None]).mean(axis=0))

    def write(self) -> None:
        """Write the file; what was there stays until it is complete."""
        unfinished = self.path.with_name(f".{self.path.name}.unfinished")
        prior = self.tuning.prior
        with netCDF4.Dataset(unfinished, "w") as file:
            file.configuration = self.tuning.text
            file.title = "parameters estimated in twin experiments"
            file.createDimension("twin", self.tuning.n_twins)
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
            shape = ("twin", "parameter", "parameter")
            covariance = file.createVariable("covariance", "f8", shape)
            covariance.units = "1"
            covariance.long_name = "of the estimate, of its logarithm on a log scale"
            covariance[:] = self.covariance
            for name, values in self.numbers.items():
                variable = file.createVariable(name, "f8", ("twin",))
                variable.units, variable.long_name = "1", name.replace("_", " ")
                variable[:] = values
        unfinished.replace(self.path)

    def _read(self) -> None:
        """Take over the twins of an earlier call."""
        with netCDF4.Dataset(self.path) as file:
            if getattr(file, "configuration", None) != self.tuning.text:
                raise ConfigurationError(
                    f"'{self.path}' holds results of another configuration; move it away "
                    "or write elsewhere"
                )
            for name in ("truth", "estimate", "covariance"):
                setattr(self, name, np.ma.filled(file[name][:], np.nan))
            for name in NUMBERS:
                self.numbers[name] = np.ma.filled(file[name][:], np.nan)


def run_tuning(
    tuning: Tuning, path: Path, progress: Callable[[float], None]
) -> TuningResults:
    """Return truths and estimates of all twins.

    Parameters
    ----------
    tuning
        What to run.
    path
        NetCDF file of the results; a second call continues it.
    progress
        Told the share done.
    """
    results = TuningResults(tuning, path)
    written = time.monotonic()
    try:
        for twin in range(tuning.n_twins):
            if not results.is_done(twin):
                try:
                    results.add(twin, *tuning.run(twin))
                except AssimilationError:
                    results.add_failure(twin)
                if time.monotonic() > written + SECONDS_BETWEEN_WRITES:
                    results.write()
                    written = time.monotonic()
            progress((twin + 1) / tuning.n_twins)
    finally:
        results.write()  # after Ctrl-C too
    return results


def _parameter(path: Path, entry: Mapping[str, Any]) -> Parameter:
    """Return a parameter of the file."""
    try:
        return Parameter(**entry)
    except TypeError as error:
        raise ConfigurationError(f"'{path}': [[parameter]]: {error}") from None
