# SPDX-License-Identifier: MIT
"""Parameters of a TOML file: of real observations, or of many twins, whose truth is known.

[model]                       # see `parameter_cases`
kind = "lorenz96"

[window]
n_steps = 20

[[parameter]]                 # in the order of the model
name = "forcing"
background = 8.0
sd = 2.0                      # relative if scale = "log"
scale = "linear"

[posterior]                   # error bars
draws = 0                     # 0: of the Gaussian at the minimum; 128: of weighted draws

[twins]                       # truths drawn from the prior, to see if error bars hold them
n = 200
seed = 1

[observations]                # in the place of twins
file = "gauges.nc"            # value(time, observation), NaN where missing; first(k): the
                              # guess of the state where it is not known
"""

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np

from isthmus.errors import AssimilationError, ConfigurationError
from isthmus.inverse.estimation import Estimation
from isthmus.inverse.forward import Array
from isthmus.inverse.observations import Observations
from isthmus.inverse.parameter_cases import Case, make_case
from isthmus.inverse.parameter_results import LEVELS, TuningResults, TwinResult
from isthmus.inverse.posterior_draws import FEWEST, draw_posterior
from isthmus.inverse.priors import Parameter, Prior
from isthmus.inverse.settings import read_toml, refuse_unknown

SECONDS_BETWEEN_WRITES = 5.0
GROUPS = {"model", "window", "parameter", "posterior", "twins", "observations"}
TWINS = {"n": 200, "seed": 1}
POSTERIOR = {"draws": 0}


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
    n_draws
        Of each posterior; 0 for the intervals of the Gaussian at the minimum.
    observed
        File of real observations, None for twins.
    """

    text: str
    case: Case
    prior: Prior
    n_stages: int
    n_twins: int
    seed: int
    n_draws: int = 0
    observed: Path | None = None

    def run(self, twin: int) -> TwinResult:
        """Return the truth of a twin, and what is estimated of it.

        Raises
        ------
        AssimilationError
            If the model blows up from the first guess.
        """
        rng = np.random.default_rng([self.seed, twin])
        if self.observed is not None:
            guess, observations = self._read_observed(self.observed, rng)
            unknown = np.full(len(self.prior.names), np.nan)
            return self._estimated(unknown, guess, observations, rng)
        p = self.prior.sample(rng)
        x = self.case.start(p, rng)
        states = self.case.truth.trajectory(x, p, self.n_steps)
        observations = self.case.observe(states, rng)
        b = self.case.covariance
        guess = x if b is None else x + b.sample(rng, 1)[0]
        return self._estimated(p, guess, observations, rng)

    def _estimated(
        self, p: Array, guess: Array, observations: Observations, rng: np.random.Generator
    ) -> TwinResult:
        """Return what is estimated from observations, beside the truth if there is one."""
        b = self.case.covariance
        estimation = Estimation(
            self.case.model, self.n_steps, observations, self.prior, guess, b
        )
        before = estimation.value(np.zeros(estimation.n_control))
        found = estimation.minimise(n_stages=self.n_stages)
        if not (self.n_draws and found.is_converged):
            bounds = np.stack([found.interval(level) for level in LEVELS])
            return TwinResult(p, found, bounds, np.nan, before)
        draws = draw_posterior(estimation, found, self.n_draws, rng)
        bounds = np.stack([self.prior.p(draws.interval(level)) for level in LEVELS])
        return TwinResult(p, found, bounds, draws.effective, before)

    def _read_observed(
        self, path: Path, rng: np.random.Generator
    ) -> tuple[Array, Observations]:
        """Return the first guess of the state, and the observations of a file.

        Raises
        ------
        ConfigurationError
            If the file or a variable is missing.
        BindingError
            If the observations do not fit the window.
        """
        try:
            with netCDF4.Dataset(path) as file:
                given = {
                    name: np.ma.filled(file[name][:].astype(np.float64), np.nan)
                    for name in ("value", "first")
                    if name in file.variables
                }
        except OSError as error:
            raise ConfigurationError(f"'observations.file': {error}") from None
        if "value" not in given:
            raise ConfigurationError(f"'{path}' has no variable 'value(time, observation)'")
        if self.case.covariance is not None and "first" not in given:
            raise ConfigurationError(
                f"'{path}' has no 'first(k)': the state is not known, and needs a guess"
            )
        guess = given.get("first")
        if guess is None:
            guess = self.case.start(self.prior.p(self.prior.mean), rng)
        return guess, self.case.given(given["value"])

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
    text, found = read_toml(path)
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
    twins = _numbers(path, "twins", TWINS, found)
    posterior = _numbers(path, "posterior", POSTERIOR, found)
    real = found.get("observations", {})
    if real and (set(real) != {"file"} or "twins" in found):
        raise ConfigurationError(
            f"'{path}': [observations] has the key 'file' alone, and takes the place of "
            "[twins]"
        )
    if twins["n"] < 1:
        raise ConfigurationError(
            f"'{path}': 'twins.n' must be at least 1, found {twins['n']}"
        )
    if posterior["draws"] and posterior["draws"] < FEWEST:
        raise ConfigurationError(
            f"'{path}': 'posterior.draws' must be 0 or {FEWEST} at least, found "
            f"{posterior['draws']}"
        )
    return Tuning(
        text,
        case,
        prior,
        int(case.window.n_stages),
        1 if real else twins["n"],
        twins["seed"],
        posterior["draws"],
        path.parent / real["file"] if real else None,
    )


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
    observed = "" if tuning.observed is None else _fingerprint(tuning.observed)
    results = TuningResults(
        tuning.text, tuning.prior, tuning.n_twins, path, observed=observed
    )
    written = time.monotonic()
    try:
        for twin in range(tuning.n_twins):
            if not results.is_done(twin):
                try:
                    results.add(twin, tuning.run(twin))
                except AssimilationError:
                    results.add_failure(twin)
                if time.monotonic() > written + SECONDS_BETWEEN_WRITES:
                    results.write()
                    written = time.monotonic()
            progress((twin + 1) / tuning.n_twins)
    finally:
        if results.n_done:
            results.write()  # after Ctrl-C too
    return results


def _fingerprint(path: Path) -> str:
    """Return what tells one file of observations from another.

    Raises
    ------
    ConfigurationError
        If it cannot be read.
    """
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise ConfigurationError(f"'observations.file': {error}") from None


def _numbers(
    path: Path, group: str, known: Mapping[str, int], found: Mapping[str, Any]
) -> dict[str, int]:
    """Return the whole numbers of a group, those that are not told by their defaults."""
    given: Mapping[str, Any] = found.get(group, {})
    refuse_unknown(path, f"{group}.", given, known)
    for key, value in given.items():
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise ConfigurationError(
                f"'{path}': '{group}.{key}' must be a whole number, found {value!r}"
            )
    return {**known, **given}


def _parameter(path: Path, entry: Mapping[str, Any]) -> Parameter:
    """Return a parameter of the file."""
    try:
        return Parameter(**entry)
    except TypeError as error:
        raise ConfigurationError(f"'{path}': [[parameter]]: {error}") from None
