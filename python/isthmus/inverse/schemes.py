# SPDX-License-Identifier: MIT
"""Schemes that a twin experiment can run: from the climate alone to iterative smoothers."""

from dataclasses import dataclass

import numpy as np

from isthmus.errors import ConfigurationError
from isthmus.inverse.covariances import Diagonal
from isthmus.inverse.derivative_kinds import check_derivatives, with_derivatives
from isthmus.inverse.ensembles import (
    Rotations,
    anomalies_of,
    enkf,
    etkf_parts,
    letkf,
    require_sane,
    ring_taper,
    spread,
)
from isthmus.inverse.fortran_models import FortranModel
from isthmus.inverse.forward import Array, Ending
from isthmus.inverse.four_d_var import FourDVar
from isthmus.inverse.observations import Observations
from isthmus.inverse.smoothers import Hyperprior, smooth
from isthmus.inverse.twins import Estimate, Scheme, Twin

CLIMATE_SEED = 20_000_003  # of a run that has nothing to do with the truth
CLIMATE_STATES = 20_000
CLIMATE_SPIN_UP = 400
FILTERS = ("enkf", "etkf", "letkf")
TAPER = np.sqrt(10 / 3)  # length of the taper for an influence radius of one


def climate_of(twin: Twin) -> Array:
    """Return states of a long free run `[state, k]`."""
    x = twin.draw_first(1, np.random.default_rng(CLIMATE_SEED))
    x = twin.model.advance(x, CLIMATE_SPIN_UP)
    return twin.model.trajectory(x, CLIMATE_STATES - 1)[:, 0]


class Climatology(Scheme):
    """The mean of the climate, whatever is observed."""

    def start(self, twin: Twin, rng: np.random.Generator) -> None:
        """Find the climate."""
        states = climate_of(twin)
        mean, a = anomalies_of(states)
        self._estimate = Estimate(mean, spread(a))

    def cycle(self, y: Array) -> Estimate:
        """Return the climate."""
        return self._estimate


@dataclass
class Static(Scheme):
    """Optimal interpolation and 3D-Var: an analysis with the climate's covariance.

    Parameters
    ----------
    share
        Of the climate's covariance that is B.
    has_forecast
        Whether the background is a forecast, or the mean of the climate.
    """

    share: float = 1.0
    has_forecast: bool = True

    def start(self, twin: Twin, rng: np.random.Generator) -> None:
        """Find the gain; it is the same in all cycles."""
        states = climate_of(twin)
        b = self.share * np.cov(states.T)
        h = twin.operator(np.eye(twin.model.n_state)).T
        r = twin.covariance.apply(np.eye(len(h)))
        self._gain = np.linalg.solve(h @ b @ h.T + r, h @ b).T
        self._spread = float(np.sqrt(np.trace(b - self._gain @ h @ b) / len(b)))
        self._mean = states.mean(axis=0)
        self._twin = twin
        self._x = twin.first[None]

    def cycle(self, y: Array) -> Estimate:
        """Forecast, or forget; analyse."""
        twin = self._twin
        if self.has_forecast:
            x = twin.model.advance(self._x, twin.n_steps)[0]
        else:
            x = self._mean
        x = x + self._gain @ (y - twin.operator(x))
        self._x = x[None]
        return Estimate(x, self._spread)


@dataclass
class EnsembleFilter(Scheme):
    """EnKF, ETKF or LETKF.

    Parameters
    ----------
    method
        "enkf", "etkf" or "letkf".
    n_members
        N.
    inflation
        Factor on the anomalies after each analysis.
    has_rotation
        Whether they are rotated too.
    radius
        Of influence [sites], of the LETKF.
    """

    method: str
    n_members: int
    inflation: float = 1.0
    has_rotation: bool = False
    radius: float = 4.0

    def __post_init__(self) -> None:
        """Check the method and the numbers."""
        if self.method not in FILTERS:
            raise ConfigurationError(
                f"'method' must be one of {', '.join(FILTERS)}, found {self.method!r}"
            )
        _require("n_members", self.n_members, 2)

    def start(self, twin: Twin, rng: np.random.Generator) -> None:
        """Draw the ensemble."""
        self._twin, self._rng = twin, rng
        self._operator, self._covariance = twin.operator, twin.covariance
        self._ensemble = twin.draw_first(self.n_members, rng)
        self._rotate = Rotations(self.n_members, rng) if self.has_rotation else None
        sites = self._operator.indices
        self._taper = ring_taper(twin.model.n_state, sites, TAPER * self.radius)

    def cycle(self, y: Array) -> Estimate:
        """Forecast all members in one call, and analyse."""
        twin = self._twin
        forecast = require_sane(twin.model.advance(self._ensemble, twin.n_steps))
        observed, r = self._operator(forecast), self._covariance
        if self.method == "enkf":
            mean, a = anomalies_of(enkf(forecast, observed, y, r, self._rng))
        elif self.method == "etkf":
            mean, a = etkf_parts(
                forecast, observed, y, r, is_symmetric=self._rotate is None
            )
        else:
            mean, a = anomalies_of(letkf(forecast, observed, y, r.variance, self._taper))
        estimate = Estimate(mean, spread(a))
        a *= self.inflation
        self._ensemble = mean + (a if self._rotate is None else self._rotate(a))
        return estimate


@dataclass
class IterativeSmoother(Scheme):
    """The iterative ensemble Kalman smoother; its estimate is at the window's end.

    Parameters
    ----------
    n_members, inflation, has_rotation
        As for `EnsembleFilter`.
    lag
        Length of the window in observation times.
    boost
        Of the hyperprior, none if 0.
    n_iterations
        At most.
    """

    n_members: int
    lag: int = 1
    inflation: float = 1.0
    has_rotation: bool = False
    boost: float = 0.0
    n_iterations: int = 10

    def __post_init__(self) -> None:
        """Check the numbers."""
        _require("n_members", self.n_members, 2)
        _require("lag", self.lag, 1)
        _require("boost", self.boost, 0)

    def start(self, twin: Twin, rng: np.random.Generator) -> None:
        """Draw the ensemble."""
        self._twin = twin
        self._operator, self._covariance = twin.operator, twin.covariance
        self._ensemble = twin.draw_first(self.n_members, rng)
        self._rotate = Rotations(self.n_members, rng) if self.has_rotation else None
        self._behind = 0  # observation times between the ensemble and the newest

    def cycle(self, y: Array) -> Estimate:
        """Move the window, smooth its beginning, and run to its end."""
        twin, model = self._twin, self._twin.model
        self._behind += 1
        if self._behind > self.lag:
            self._ensemble = model.advance(self._ensemble, twin.n_steps)
            self._behind = self.lag
        n_steps = self._behind * twin.n_steps

        def run(ensemble: Array) -> Array:
            return require_sane(model.advance(ensemble, n_steps))

        endings: list[Ending] = []
        smoothed = smooth(
            self._ensemble,
            run,
            self._operator,
            y,
            self._covariance,
            n_iterations=self.n_iterations,
            hyperprior=Hyperprior(self.boost) if self.boost else None,
            ended=endings.append,
        )
        mean, a = anomalies_of(smoothed)
        a *= self.inflation
        self._ensemble = mean + (a if self._rotate is None else self._rotate(a))
        end, a = anomalies_of(run(smoothed))
        return Estimate(end, spread(a), endings[0])


@dataclass
class SlidingFourDVar(Scheme):
    """4D-Var in windows that slide by one observation time, with a fixed B.

    Each observation is used once, when it is the newest: what the older ones told is in the
    background. The estimate is at the window's end.

    Parameters
    ----------
    lag
        Length of the window in observation times.
    variance
        B is this times the identity.
    tolerance
        Factor by which the gradient falls.
    derivatives, network
        Of the model, by which kind; and the model file that some kinds need
        (`derivative_kinds`).
    """

    lag: int
    variance: float
    tolerance: float = 1e-3
    derivatives: str = "adjoint"
    network: str = ""

    def __post_init__(self) -> None:
        """Check the numbers; a variance that is not above 0 is refused."""
        _require("lag", self.lag, 1)
        Diagonal(self.variance, 1)
        check_derivatives(self.derivatives, self.network)

    def start(self, twin: Twin, rng: np.random.Generator) -> None:
        """Begin at the first state."""
        self._b = Diagonal(self.variance, twin.first.size)
        self._model = twin.model
        if isinstance(twin.model, FortranModel):
            self._model = with_derivatives(twin.model, self.derivatives, self.network)
        elif self.derivatives != "adjoint":
            raise ConfigurationError("'derivatives' are a choice for Lorenz-96 in Fortran")
        self._twin = twin
        self._operator, self._covariance = twin.operator, twin.covariance
        self._x = twin.first
        self._behind = 0

    def cycle(self, y: Array) -> Estimate:
        """Move the window, analyse its beginning, and run to its end."""
        twin, model = self._twin, self._model
        self._behind += 1
        if self._behind > self.lag:
            self._x = model.advance(self._x[None], twin.n_steps)[0]
            self._behind = self.lag
        n_steps = self._behind * twin.n_steps
        observations = Observations(
            np.array([n_steps]), y[None], self._operator, self._covariance
        )
        if isinstance(model, FortranModel):
            analysis = model.analyse(
                self._x, self._b, observations, n_steps, tolerance=self.tolerance
            )
        else:
            window = FourDVar(model, n_steps, observations, self._x, self._b)
            analysis = window.incremental(tolerance=self.tolerance)
        self._x = analysis.x
        end = model.advance(self._x[None], n_steps)[0]
        return Estimate(end, np.nan, analysis.ending)


def _require(name: str, value: float, least: int) -> None:
    """Refuse a number that is too small.

    Raises
    ------
    ConfigurationError
        If it is.
    """
    if value < least:
        raise ConfigurationError(f"'{name}' must be at least {least}, found {value}")
