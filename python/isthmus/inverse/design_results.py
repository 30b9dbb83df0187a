# SPDX-License-Identifier: MIT
"""Values of candidates, chosen sets and twins, as netCDF with the TOML inside."""

from collections.abc import Callable
from pathlib import Path

import netCDF4
import numpy as np

from isthmus.errors import ConfigurationError
from isthmus.inverse.design_cases import Problem, Ring
from isthmus.inverse.forward import Array
from isthmus.inverse.observing import choose, choose_best, updated, value_of

WRITE_EVERY = 10  # trials of the twin experiments

Progress = Callable[[str, float], None]


class Design:
    """What a design problem's candidates are worth.

    Parameters
    ----------
    problem
        As read.
    path
        NetCDF file. If it holds twin experiments of the same TOML text, these are not
        repeated.

    Attributes
    ----------
    values
        Of each candidate alone `[measure, candidate]`.
    greedy, best
        Chosen candidates `[measure, chosen]`; -1 where the best set was not asked for.
    greedy_value, best_value
        Of the sets `[measure]`.
    errors
        Mean square errors of twin analyses `[trial, network]`: first without an addition,
        then with each candidate; NaN where not yet done.
    """

    def __init__(self, problem: Problem, path: Path) -> None:
        self.problem, self.path = problem, path
        n_measures, n = len(problem.measures), len(problem.candidates.names)
        shape = n_measures, problem.design["n_chosen"]
        self.values = np.full((n_measures, n), np.nan)
        self.greedy = np.full(shape, -1)
        self.best = np.full(shape, -1)
        self.greedy_value, self.best_value = np.full((2, n_measures), np.nan)
        n_trials = problem.twins["n"]
        self.errors = np.full((n_trials, 1 + n if n_trials else 0), np.nan)
        if path.exists():
            self._read()

    def run(self, progress: Progress) -> None:
        """Value all candidates, choose sets, run the twins; the file is kept up to date."""
        self._value(progress)
        self.write()
        if self.problem.twins["n"]:
            self._run_twins(progress)

    @property
    def realised(self) -> Array:
        """Relative fall of the mean square error by each candidate `[candidate]`."""
        mean = np.nanmean(self.errors, axis=0)
        return 1.0 - mean[1:] / mean[0]

    @property
    def realised_error(self) -> Array:
        """Its standard error, from the pairs of analyses of each truth `[candidate]`."""
        mean = np.nanmean(self.errors, axis=0)
        paired = self.errors[:, 1:] - self.errors[:, :1] * (mean[1:] / mean[0])
        n = np.isfinite(paired).sum(axis=0)
        return np.nanstd(paired, axis=0, ddof=1) / np.sqrt(n) / mean[0]

    def deviations(self, chosen: list[int]) -> Array:
        """Return standard deviations of the controls after a set `[control]`."""
        p = self.problem.covariance
        if chosen:
            p = updated(p, self.problem.candidates.rows[chosen])
        return np.sqrt(np.diagonal(p))

    def _value(self, progress: Progress) -> None:
        """Value candidates and sets."""
        problem, p = self.problem, self.problem.covariance
        rows, n_chosen = problem.candidates.rows, problem.design["n_chosen"]
        measures = problem.measures
        for i, measure in enumerate(measures):
            self.values[i] = measure.gains(p, rows)
            some = problem.eligible
            self.greedy[i] = some[choose(p, rows[some], n_chosen, measure)]
            self.greedy_value[i] = value_of(p, rows, list(self.greedy[i]), measure)
            if problem.design["exact"]:
                self.best[i] = some[choose_best(p, rows[some], n_chosen, measure)]
                self.best_value[i] = value_of(p, rows, list(self.best[i]), measure)
            progress("values and sets", (i + 1) / len(measures))

    def _run_twins(self, progress: Progress) -> None:
        """Analyse each truth with each network."""
        ring = Ring(self.problem.case)
        n_trials, n_networks = self.errors.shape
        seed = self.problem.twins["seed"]
        for trial in range(n_trials):
            if np.isnan(self.errors[trial]).any():
                for network in range(n_networks):
                    added = [network - 1] if network else []
                    rng = np.random.default_rng([seed, trial])
                    self.errors[trial, network] = ring.squared_error(added, rng)
                if trial % WRITE_EVERY == 0 or trial == n_trials - 1:
                    self.write()
            progress("twin experiments", (trial + 1) / n_trials)

    def write(self) -> None:
        """Write the file; what was there stays until it is complete."""
        problem, places = self.problem, self.problem.candidates
        unfinished = self.path.with_name(f".{self.path.name}.unfinished")
        with netCDF4.Dataset(unfinished, "w") as file:
            file.title = "value of observations before they are made"
            file.configuration = problem.text
            for name, size in (
                ("measure", len(problem.measures)),
                ("candidate", len(places.names)),
                ("present", len(problem.present.names)),
                ("control", len(problem.controls)),
                ("chosen", problem.design["n_chosen"]),
                ("trial", len(self.errors)),
                ("network", self.errors.shape[1]),
            ):
                file.createDimension(name, size)
            for name, words in (
                ("measure", [m.name for m in problem.measures]),
                ("control", problem.controls),
            ):
                file.createVariable(name, str, (name,))[:] = np.array(words, object)
            for name, of, values, units, long_name in (
                ("lon", ("candidate",), places.lon, "degrees_east", "place"),
                ("lat", ("candidate",), places.lat, "degrees_north", "place"),
                (
                    "value",
                    ("measure", "candidate"),
                    self.values,
                    "1",
                    "information [nat], or relative fall of the variance of a group",
                ),
                ("greedy", ("measure", "chosen"), self.greedy, "1", "one after another"),
                ("best", ("measure", "chosen"), self.best, "1", "best set, -1: not sought"),
                ("greedy_value", ("measure",), self.greedy_value, "1", "of the set"),
                ("best_value", ("measure",), self.best_value, "1", "of the set"),
                (
                    "prior_sd",
                    ("control",),
                    np.sqrt(np.diagonal(problem.prior)),
                    "1",
                    "deviation before any observation",
                ),
                (
                    "present_sd",
                    ("control",),
                    self.deviations([]),
                    "1",
                    "deviation with what is observed already",
                ),
                (
                    "error",
                    ("trial", "network"),
                    self.errors,
                    "1",
                    "mean square error of a twin analysis; network 0 has no addition",
                ),
            ):
                kind = "i4" if values.dtype.kind == "i" else "f8"
                variable = file.createVariable(name, kind, of, compression="zlib")
                variable.units, variable.long_name = units, long_name
                variable[:] = values
        unfinished.replace(self.path)

    def _read(self) -> None:
        """Take over the twin experiments of an earlier call."""
        with netCDF4.Dataset(self.path) as file:
            if getattr(file, "configuration", None) != self.problem.text:
                raise ConfigurationError(
                    f"'{self.path}' holds results of another configuration; move it away "
                    "or write elsewhere"
                )
            if self.errors.size:
                self.errors = np.ma.filled(file["error"][:], np.nan)
