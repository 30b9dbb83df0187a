# SPDX-License-Identifier: MIT
"""Schemes and seeds of a TOML file, run as twins; scores as netCDF with the file inside.

[model]                       # one-level Lorenz-96
n_sites = 40
forcing = 8.0
dt = 0.05

[twin]
steps = 1                     # between observations
cycles = 4000
burn_in = 400                 # cycles
variance = 1.0                # of the observations
every_site = 1                # 2: every second site is observed
seeds = [1, 2, 3]

[[scheme]]
name = "ETKF N=24"
kind = "etkf"                 # climatology, interpolation, 3d-var, 4d-var, enkf, ...
n_members = 24                # what else the kind's class takes; 4d-var: `derivatives`
published = 0.18              # for the table
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np

from isthmus.errors import ConfigurationError
from isthmus.inverse.fortran_models import FortranModel
from isthmus.inverse.forward import Array
from isthmus.inverse.observations import Sites
from isthmus.inverse.schemes import (
    FILTERS,
    Climatology,
    EnsembleFilter,
    IterativeSmoother,
    SlidingFourDVar,
    Static,
)
from isthmus.inverse.settings import check_kinds, examples_of, read_toml, refuse_unknown
from isthmus.inverse.twins import Scheme, Score, Twin
from isthmus.models import Lorenz96

KINDS: dict[str, Callable[..., Scheme]] = {
    "climatology": Climatology,
    "interpolation": partial(Static, has_forecast=False),
    "3d-var": Static,
    "4d-var": SlidingFourDVar,
    "smoother": IterativeSmoother,
}
TWIN_DEFAULTS: dict[str, Any] = {
    "steps": 1,
    "cycles": 1000,
    "burn_in": 200,
    "variance": 1.0,
    "every_site": 1,
    "seeds": [1, 2, 3],
}
MODEL_DEFAULTS: dict[str, Any] = {"n_sites": 40, "forcing": 8.0, "dt": 0.05}
SCORES: dict[str, tuple[str, str]] = {  # units, what it is
    "rmse": ("1", "time mean of the analysis error after the burn-in"),
    "rmse_error": ("1", "its standard error"),
    "spread": ("1", "time mean of the ensemble's spread"),
    "milliseconds": ("ms", "processor time of a cycle"),
    "is_diverged": ("1", "1 if the truth was lost"),
    "n_unconverged": ("1", "cycles whose minimisation did not converge"),
    "worst_gradient": ("1", "largest share of the gradient's norm that such a cycle left"),
}
ENDINGS = {  # of each cycle's minimisation, as `Ending` has them
    "is_converged": "1 if the minimisation of a cycle converged",
    "gradient_norm": "norm of the gradient at its end",
    "gradient_norm_start": "norm of the gradient at its start",
}


@dataclass(frozen=True)
class Entry:
    """A scheme of the table.

    Attributes
    ----------
    name
        Of the row.
    settings
        Kind and what its class takes.
    published
        Score to compare with, NaN if there is none.
    """

    name: str
    settings: Mapping[str, Any]
    published: float = np.nan

    def scheme(self) -> Scheme:
        """Return the scheme.

        Raises
        ------
        ConfigurationError
            If the kind is unknown, or does not take a setting.
        """
        given = dict(self.settings)
        kind = given.pop("kind", None)
        if kind in FILTERS:
            given["method"] = kind
            make: Callable[..., Scheme] = EnsembleFilter
        elif kind in KINDS:
            make = KINDS[kind]
        else:
            known = ", ".join((*KINDS, *FILTERS))
            raise ConfigurationError(
                f"scheme '{self.name}': 'kind' must be one of {known}, found {kind!r}"
            )
        try:
            check_kinds("", given, examples_of(make))
            return make(**given)
        except (TypeError, ConfigurationError) as error:
            raise ConfigurationError(f"scheme '{self.name}': {error}") from None


@dataclass(frozen=True)
class Campaign:
    """What a TOML file asks for.

    Attributes
    ----------
    text
        The whole file.
    model, twin
        Settings with their defaults.
    entries
        The schemes.
    """

    text: str
    model: Mapping[str, Any]
    twin: Mapping[str, Any]
    entries: tuple[Entry, ...]

    @property
    def seeds(self) -> list[int]:
        """Seeds of the twins."""
        return list(self.twin["seeds"])

    def twin_of(self, seed: int) -> Twin:
        """Return the twin experiment of a seed."""
        model = Lorenz96(self.model["n_sites"], self.model["forcing"])
        sites = range(0, model.n_sites, self.twin["every_site"])
        return Twin(
            FortranModel(model, self.model["dt"]),
            n_steps=self.twin["steps"],
            n_cycles=self.twin["cycles"],
            burn_in=self.twin["burn_in"],
            seed=seed,
            sites=Sites(model.n_sites, sites),
            variance=self.twin["variance"],
        )


def read_campaign(path: Path) -> Campaign:
    """Return what a TOML file asks for.

    Raises
    ------
    ConfigurationError
        If it is no TOML, or a key is unknown or missing; the key is told.
    """
    text, found = read_toml(path)
    refuse_unknown(path, "", found, {"model", "twin", "scheme"})
    model, twin = found.get("model", {}), found.get("twin", {})
    refuse_unknown(path, "model.", model, MODEL_DEFAULTS)
    refuse_unknown(path, "twin.", twin, TWIN_DEFAULTS)
    check_kinds("model.", model, MODEL_DEFAULTS)
    check_kinds("twin.", twin, TWIN_DEFAULTS)
    entries = []
    for settings in found.get("scheme", []):
        settings = dict(settings)
        name = settings.pop("name", settings.get("kind", "?"))
        own = {key: settings.pop(key) for key in ("published",) if key in settings}
        check_kinds("scheme.", {"name": name, **own}, {"name": "", "published": 0.0})
        entries.append(Entry(name, settings, own.get("published", np.nan)))
        entries[-1].scheme()  # refuses what it cannot be before anything runs
    if not entries:
        raise ConfigurationError(f"'{path}' has no [[scheme]]")
    campaign = Campaign(
        text, {**MODEL_DEFAULTS, **model}, {**TWIN_DEFAULTS, **twin}, tuple(entries)
    )
    _check_twin(campaign)
    campaign.twin_of(campaign.seeds[0])  # likewise
    return campaign


def _check_twin(campaign: Campaign) -> None:
    """Refuse numbers that make no twin experiment."""
    twin, n_sites = campaign.twin, campaign.model["n_sites"]
    if not 1 <= twin["every_site"] <= n_sites:
        raise ConfigurationError(
            f"'twin.every_site' must be 1 to {n_sites}, found {twin['every_site']}"
        )
    if twin["steps"] < 1:
        raise ConfigurationError(f"'twin.steps' must be at least 1, found {twin['steps']}")
    seeds = campaign.seeds
    if min(seeds) < 0 or len(set(seeds)) < len(seeds):
        raise ConfigurationError(
            f"'twin.seeds' must differ and not be negative, found {seeds}"
        )


class Results:
    """Scores of a campaign `[scheme, seed]`, written after each run.

    Parameters
    ----------
    campaign
        What is run.
    path
        NetCDF file. If it holds runs of the same TOML text, these are not repeated.
    """

    def __init__(self, campaign: Campaign, path: Path) -> None:
        self.campaign = campaign
        self.path = path
        shape = len(campaign.entries), len(campaign.seeds)
        self.scores: dict[str, Array] = {name: np.full(shape, np.nan) for name in SCORES}
        self.errors = np.full((*shape, campaign.twin["cycles"]), np.nan)
        self.endings = np.full((*self.errors.shape, len(ENDINGS)), np.nan)
        if path.exists():
            self._read()

    def is_done(self, entry: int, seed: int) -> bool:
        """Whether a run is there already."""
        return not np.isnan(self.scores["is_diverged"][entry, seed])

    def add(self, entry: int, seed: int, score: Score) -> None:
        """Take a run and write the file anew."""
        for name in SCORES:
            self.scores[name][entry, seed] = getattr(score, name)
        self.errors[entry, seed] = score.errors
        self.endings[entry, seed] = score.endings
        self.write()

    def write(self) -> None:
        """Write the file; what was there stays until it is complete."""
        campaign = self.campaign
        unfinished = self.path.with_name(f".{self.path.name}.unfinished")
        with netCDF4.Dataset(unfinished, "w") as file:
            file.configuration = campaign.text
            file.title = "analysis errors of twin experiments, Lorenz-96"
            file.createDimension("scheme", len(campaign.entries))
            file.createDimension("seed", len(campaign.seeds))
            file.createDimension("cycle", campaign.twin["cycles"])
            names = file.createVariable("scheme", str, ("scheme",))
            for i, entry in enumerate(campaign.entries):
                names[i] = entry.name
            file.createVariable("seed", "i8", ("seed",))[:] = campaign.seeds
            for name, (units, long_name) in SCORES.items():
                variable = file.createVariable(name, "f8", ("scheme", "seed"))
                variable.units, variable.long_name = units, long_name
                variable[:] = self.scores[name]
            _write_cycles(file, "error", "analysis error of a cycle", self.errors)
            for i, (name, long_name) in enumerate(ENDINGS.items()):
                _write_cycles(file, name, long_name, self.endings[..., i])
        unfinished.replace(self.path)

    def _read(self) -> None:
        """Take over the runs of an earlier call."""
        with netCDF4.Dataset(self.path) as file:
            if getattr(file, "configuration", None) != self.campaign.text:
                raise ConfigurationError(
                    f"'{self.path}' holds results of another configuration; move it away "
                    "or write elsewhere"
                )
            for name in SCORES:
                if name in file.variables:  # older files know fewer
                    self.scores[name] = np.ma.filled(file[name][:], np.nan)
            self.errors = np.ma.filled(file["error"][:].astype(np.float64), np.nan)
            for i, name in enumerate(ENDINGS):
                if name in file.variables:
                    self.endings[..., i] = np.ma.filled(file[name][:], np.nan)


def run_campaign(
    campaign: Campaign, path: Path, progress: Callable[[str, float], None]
) -> Results:
    """Return the scores of all schemes and seeds.

    Parameters
    ----------
    campaign
        What to run.
    path
        NetCDF file of the results; a second call continues it.
    progress
        Told a scheme's name and the share done.
    """
    results = Results(campaign, path)
    for i, entry in enumerate(campaign.entries):
        for j, seed in enumerate(campaign.seeds):
            done = j / len(campaign.seeds)
            if not results.is_done(i, j):
                score = campaign.twin_of(seed).run(
                    entry.scheme(),
                    lambda share, name=entry.name, done=done: progress(  # type: ignore[misc]
                        name, done + share / len(campaign.seeds)
                    ),
                )
                results.add(i, j, score)
            progress(entry.name, (j + 1) / len(campaign.seeds))
    return results


def _write_cycles(file: netCDF4.Dataset, name: str, long_name: str, values: Array) -> None:
    """Write a number of every cycle `[scheme, seed, cycle]`."""
    shape = "scheme", "seed", "cycle"
    variable = file.createVariable(name, "f4", shape, compression="zlib")
    variable.units, variable.long_name = "1", long_name
    variable[:] = values
