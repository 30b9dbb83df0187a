# SPDX-License-Identifier: MIT
"""Observing-system design as a TOML file asks for it.

[case]
kind = "lorenz96"             # or "file": sensitivities of any model
n_sites = 40
forcing = 8.0
dt = 0.05
seed = 1                      # of the state that is estimated
steps = [2, 4, 6]             # of the window, when a site is observed
present_every = 4             # sites that are observed already, 0 for none
prior_sd = 0.5                # of the first state
prior_length = 0.0            # correlation [sites]; without one the twins are fast
noise_sd = 0.3
derivatives = "adjoint"       # or another of `derivative_kinds`; some need
network = ""                  # a model file

[design]
n_chosen = 3                  # observations to add
exact = true                  # the best of all sets too, not only the greedy one
only = "coast"                # names from which sets are chosen; all if left out

[twins]                       # only for "lorenz96"
n = 200                       # truths that each network analyses; 0 for none
seed = 1

With kind = "file" the case has `sensitivities`, a netCDF file, its path relative to the
TOML file: gradient(candidate, part, control) in units of the controls' prior deviations,
sd, lon, lat, name (candidate), control and group (control), and the same with `present_` of
what is observed already.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np

from isthmus.errors import ConfigurationError, ModelFileError
from isthmus.inverse.covariances import Covariance, Diagonal, gaussian_on_ring
from isthmus.inverse.derivative_kinds import with_derivatives
from isthmus.inverse.fortran_models import FortranModel
from isthmus.inverse.forward import Array
from isthmus.inverse.four_d_var import Analysis, FourDVar
from isthmus.inverse.observations import Observations, Sites
from isthmus.inverse.observing import Measure, scaled_rows, updated
from isthmus.inverse.settings import check_kinds, read_toml, refuse_unknown
from isthmus.models import Lorenz96

SPIN_UP = 400  # steps to the attractor
CONVERGED = 1e-3  # factor by which the gradient of a twin's analysis falls
RING: dict[str, Any] = {
    "n_sites": 40,
    "forcing": 8.0,
    "dt": 0.05,
    "seed": 1,
    "steps": [2, 4, 6],
    "present_every": 4,
    "prior_sd": 0.5,
    "prior_length": 0.0,
    "noise_sd": 0.3,
    "derivatives": "adjoint",
    "network": "",
}
DEFAULTS: dict[str, dict[str, Any]] = {
    "design": {"n_chosen": 3, "exact": False, "only": ""},
    "twins": {"n": 0, "seed": 1},
}


@dataclass(frozen=True)
class Places:
    """Observations: where they are, and what they see.

    Attributes
    ----------
    names
        Of each.
    lon, lat
        Place `[n]`; on a ring the site, and 0.
    deviation
        Of the errors `[n]`.
    rows
        Gradients in units of it `[n, part, control]`.
    """

    names: list[str]
    lon: Array
    lat: Array
    deviation: Array
    rows: Array


@dataclass(frozen=True)
class Problem:
    """Candidates, what is there, and what is to be known.

    Attributes
    ----------
    text
        The whole TOML file.
    case, design, twins
        Settings with their defaults.
    controls, groups
        Name and group of each control.
    prior
        Covariance of the controls `[control, control]`.
    candidates, present
        Observations that might be, and that are.
    """

    text: str
    case: Mapping[str, Any]
    design: Mapping[str, Any]
    twins: Mapping[str, Any]
    controls: list[str]
    groups: list[str]
    prior: Array
    candidates: Places
    present: Places

    @property
    def covariance(self) -> Array:
        """Posterior of what is observed already `[control, control]`."""
        return updated(self.prior, self.present.rows)

    @property
    def eligible(self) -> np.ndarray:
        """Candidates from which sets are chosen, as indices."""
        only = self.design["only"]
        names = self.candidates.names
        return np.array([i for i, name in enumerate(names) if not only or name == only])

    @property
    def measures(self) -> list[Measure]:
        """Information, and the variance of each group of controls."""
        names = list(dict.fromkeys(self.groups))
        masks = [np.array([g == name for g in self.groups]) for name in names]
        groups = [Measure(n, m) for n, m in zip(names, masks, strict=True)]
        return [Measure("information"), *groups]


def read_problem(path: Path) -> Problem:
    """Return what a TOML file asks for.

    Raises
    ------
    ConfigurationError
        If it is no TOML, or a key is unknown, missing or out of range; the key is told.
    """
    text, found = read_toml(path)
    refuse_unknown(path, "", found, {"case", *DEFAULTS})
    settings = {name: {**known, **found.get(name, {})} for name, known in DEFAULTS.items()}
    for name, known in DEFAULTS.items():
        refuse_unknown(path, f"{name}.", settings[name], set(known))
        check_kinds(f"{name}.", settings[name], known)
    case = dict(found.get("case", {}))
    kind = case.pop("kind", None)
    if kind == "lorenz96":
        refuse_unknown(path, "case.", case, set(RING))
        check_kinds("case.", case, RING)
        case = {**RING, **case}
        ring = Ring(case)
        parts = ring.controls, ring.groups, ring.prior, ring.candidates, ring.present
    elif kind == "file":
        refuse_unknown(path, "case.", case, {"sensitivities"})
        if "sensitivities" not in case:
            raise ConfigurationError(f"'{path}': 'case.sensitivities' is missing")
        if settings["twins"]["n"]:
            raise ConfigurationError(
                f"'{path}': 'twins.n' needs a model, which kind = 'file' does not have"
            )
        parts = read_sensitivities(path.parent / case["sensitivities"])
    else:
        raise ConfigurationError(
            f"'{path}': 'case.kind' must be 'lorenz96' or 'file', found {kind!r}"
        )
    case["kind"] = kind
    if settings["twins"]["n"] < 0:
        raise ConfigurationError(
            f"'{path}': 'twins.n' must not be negative, found {settings['twins']['n']}"
        )
    n_chosen, only = settings["design"]["n_chosen"], settings["design"]["only"]
    n_candidates = sum(not only or name == only for name in parts[3].names)
    if not 1 <= n_chosen <= n_candidates:
        raise ConfigurationError(
            f"'{path}': 'design.n_chosen' must be 1 to {n_candidates}, found {n_chosen}"
        )
    return Problem(text, case, settings["design"], settings["twins"], *parts)


class Ring:
    """The first state of a window of Lorenz-96, observed at sites.

    Parameters
    ----------
    case
        Settings, as in the module's text; what is missing has its default.
    """

    def __init__(self, case: Mapping[str, Any]) -> None:
        case = {**RING, **case}
        n = case["n_sites"]
        ring = Lorenz96(n, case["forcing"])
        self.truth = FortranModel(ring, case["dt"])
        self.model = with_derivatives(self.truth, case["derivatives"], case["network"])
        self.steps = np.asarray(case["steps"], int)
        if not (self.steps.size and self.steps[0] >= 0 and (np.diff(self.steps) > 0).all()):
            raise ConfigurationError(
                f"'case.steps' must ascend from 0, found {case['steps']}"
            )
        self.n_steps = int(self.steps[-1])
        first = ring.initial_state(1, seed=case["seed"])
        self.center = ring.advance(first, case["dt"], n_steps=SPIN_UP)[0]
        for key in ("prior_sd", "noise_sd"):
            if not case[key] > 0.0:
                raise ConfigurationError(
                    f"'case.{key}' must be positive, found {case[key]}"
                )
        sd, length = case["prior_sd"], case["prior_length"]
        self.covariance: Covariance = (
            gaussian_on_ring(n, sd=sd, length=length) if length else Diagonal(sd**2, n)
        )
        self.prior = self.covariance.apply(np.eye(n))
        self.noise = float(case["noise_sd"])
        every = case["present_every"]
        if not 0 <= every <= n:
            raise ConfigurationError(
                f"'case.present_every' must be 0 (none) to {n}, found {every}"
            )
        self.there = list(range(0, n, every)) if every else []
        self.controls = [f"x({k})" for k in range(n)]
        self.groups = ["state"] * n
        states = self.model.trajectory(
            np.repeat(self.center[None], n, axis=0), self.n_steps
        )
        changes = self.model.sweep_tl(states, np.eye(n))  # [time, control, site]
        gradients = changes[self.steps].transpose(2, 0, 1)
        rows = scaled_rows(gradients, np.full(n, self.noise))
        names = [f"site {k}" for k in range(n)]
        self.free = [k for k in range(n) if k not in self.there]
        self.candidates = self._places(names, rows, self.free)
        self.present = self._places(names, rows, self.there)

    def _places(self, names: list[str], rows: Array, sites: list[int]) -> Places:
        """Return some sites."""
        where = np.array(sites, float)
        deviation = np.full(len(sites), self.noise)
        zero = np.zeros(len(sites))
        return Places([names[k] for k in sites], where, zero, deviation, rows[sites])

    def squared_error(self, added: list[int], rng: np.random.Generator) -> float:
        """Return the mean square error of an analysis with some candidates added.

        Truth and noise of all sites come from `rng`: the same for each network.
        """
        truth = self.center + self.covariance.sample(rng, 1)[0]
        states = self.truth.trajectory(truth[None], self.n_steps)[:, 0]
        noise = self.noise * rng.standard_normal((self.steps.size, truth.size))
        sites = sorted([*self.there, *(self.free[i] for i in added)])
        values = (states[self.steps] + noise)[:, sites]
        observed = Observations(
            self.steps,
            values,
            Sites(truth.size, sites),
            Diagonal(self.noise**2, len(sites)),
        )
        error = self._analyse(observed).x - truth
        return float(error @ error / error.size)

    def _analyse(self, observed: Observations) -> Analysis:
        """Return the analysis, in one call of Fortran if B is diagonal.

        Gauss and Newton's steps may circle where the misfit bends; L-BFGS then finishes.
        """
        b, n_steps = self.covariance, self.n_steps
        window = FourDVar(self.model, n_steps, observed, self.center, b)
        if isinstance(b, Diagonal) and isinstance(self.model, FortranModel):
            found = self.model.analyse(
                self.center, b, observed, n_steps, tolerance=CONVERGED
            )
        else:
            found = window.incremental(tolerance=CONVERGED)
        if not found.is_converged:
            start = window.control(found.x)
            shrunk = CONVERGED * found.gradient_norm_start / found.gradient_norm
            found = window.direct(start=start, tolerance=shrunk)
        return found.required()


def read_sensitivities(path: Path) -> tuple[list[str], list[str], Array, Places, Places]:
    """Return controls, groups, prior, candidates and what is present.

    Raises
    ------
    ModelFileError
        If a variable is missing.
    """
    with netCDF4.Dataset(path) as file:
        needed = ["control", "group"]
        needed += [
            prefix + name
            for prefix in ("", "present_")
            for name in ("gradient", "sd", "lon", "lat", "name")
        ]
        for name in needed:
            if name not in file.variables:
                raise ModelFileError(f"'{path}' has no variable '{name}'")

        def words(name: str) -> list[str]:
            return [str(word) for word in file[name][:]]

        def numbers(name: str) -> Array:
            return np.ma.filled(file[name][:].astype(np.float64), np.nan)

        places = [
            Places(
                words(prefix + "name"),
                numbers(prefix + "lon"),
                numbers(prefix + "lat"),
                numbers(prefix + "sd"),
                scaled_rows(numbers(prefix + "gradient"), numbers(prefix + "sd")),
            )
            for prefix in ("", "present_")
        ]
        controls = words("control")
        return controls, words("group"), np.eye(len(controls)), places[0], places[1]
