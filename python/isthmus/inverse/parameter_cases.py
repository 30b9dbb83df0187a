# SPDX-License-Identifier: MIT
"""What a TOML file can tune: a model, what is observed of it, and how a twin begins.

[model]                       # kind = "lorenz96"
kind = "lorenz96"             # or "two_level", "shallow_water", "chemistry"
n_sites = 40
dt = 0.05
derivatives = "adjoint"       # "differences"; "network": of the emulator below
network = "step.pt"           # conditional emulator, its own states and derivatives

[window]
n_steps = 20
every_step = 1                # observed from the first step on
every_site = 2
sd = 0.5                      # of the observations
state_sd = 1.0                # of the first guess of the state
"""

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from isthmus.errors import ConfigurationError
from isthmus.inverse.covariances import Covariance, Diagonal
from isthmus.inverse.forward import Array
from isthmus.inverse.friction import ChannelCase
from isthmus.inverse.observations import Observations, Sites
from isthmus.inverse.parameter_window import Observed, Window
from isthmus.inverse.parametric import (
    DifferenceParameters,
    ForcedLorenz96,
    ParametricModel,
    TwoLevelCoefficients,
)
from isthmus.inverse.parametric_networks import BridgeParameters
from isthmus.inverse.rate_constants import ChemistryCase
from isthmus.models import Lorenz96, TwoLevelLorenz96

DERIVATIVES = ("adjoint", "differences", "network")
SPIN_UP = 20.0  # time units from rest to the attractor


class Case(Protocol):
    """A model with parameters, and what is known and observed in a window."""

    @property
    def window(self) -> Window:
        """Length, observations, stages."""

    @property
    def truth(self) -> ParametricModel:
        """Model of the twins."""

    @property
    def model(self) -> ParametricModel:
        """Model of the estimates."""

    @property
    def covariance(self) -> Covariance | None:
        """B."""

    def start(self, p: Array, rng: np.random.Generator) -> Array:
        """Return a true first state `[k]` under parameters `[i]`."""

    def observe(self, states: Array, rng: np.random.Generator) -> Observations:
        """Return noisy observations of a true trajectory `[time, k]`."""

    def given(self, values: Array) -> Observations:
        """Return values `[time, obs]` with their times, operator and errors."""


class Lorenz96Case(Observed):
    """F of one-level Lorenz-96, by the Fortran model or by a conditional emulator."""

    def __init__(
        self,
        window: Window,
        *,
        n_sites: int = 40,
        dt: float = 0.05,
        derivatives: str = "adjoint",
        network: str | None = None,
    ) -> None:
        self.window = window
        self.truth: ParametricModel = ForcedLorenz96(n_sites, dt)
        self.covariance = Diagonal(window.state_sd**2, n_sites)
        self.operator = Sites(n_sites, range(0, n_sites, window.every_site))
        self.variance = np.full(self.operator.indices.size, window.sd**2)
        if (network is not None) != (derivatives == "network"):
            raise ConfigurationError(
                "'model.network' is needed for derivatives = \"network\", and only there"
            )
        if network is not None:
            self.model: ParametricModel = BridgeParameters(network, n_sites, dt=dt)
        else:
            self.model = _derived(self.truth, derivatives, x_scale=4.0, p_scale=4.0)

    def start(self, p: Array, rng: np.random.Generator) -> Array:
        """Return a state on the attractor of F."""
        model = Lorenz96(self.truth.n_state, float(p[0]))
        x = model.initial_state(1, seed=int(rng.integers(2**31)))
        return model.advance(x, self.truth.dt, n_steps=round(SPIN_UP / self.truth.dt))[0]


class TwoLevelCase(Observed):
    """F, h, c and b of two-level Lorenz-96 in Fortran, from its slow level.

    The first guess of the fast level is as uncertain as that of the slow one, relative to
    their sizes: 1/b.
    """

    def __init__(
        self,
        window: Window,
        *,
        n_sites: int = 8,
        n_fast: int = 8,
        dt: float = 0.05,
        n_inner: int = 10,
        every_fast: int = 0,
        fast_sd: float = 0.1,
        derivatives: str = "adjoint",
    ) -> None:
        self.window = window
        base = TwoLevelLorenz96(n_sites, n_fast)
        self.truth = TwoLevelCoefficients(base, dt, n_inner=n_inner)
        self.model = _derived(
            self.truth, derivatives, x_scale=1.0, p_scale=np.array([10.0, 1.0, 10.0, 10.0])
        )
        self._inner = dt / n_inner
        sd = np.full(self.truth.n_state, window.state_sd / base.b)
        sd[:n_sites] = window.state_sd
        self.covariance = Diagonal(sd**2)
        slow = np.arange(0, n_sites, window.every_site)
        fast = np.arange(n_sites, self.truth.n_state)[:: every_fast or self.truth.n_state]
        fast = fast if every_fast else fast[:0]
        self.operator = Sites(self.truth.n_state, [*slow, *fast])
        self.variance = np.array([window.sd**2] * slow.size + [fast_sd**2] * fast.size)

    def start(self, p: Array, rng: np.random.Generator) -> Array:
        """Return a state on the attractor of the coefficients."""
        model = self.truth.with_coefficients(p)
        x, z = model.initial_state(1, seed=int(rng.integers(2**31)))
        n_steps = round(SPIN_UP / self._inner)
        model.advance(x, z, dt=self._inner, n_steps=n_steps)
        return np.concatenate([x[0], z[0]])


CASES: dict[str, Any] = {
    "lorenz96": Lorenz96Case,
    "two_level": TwoLevelCase,
    "shallow_water": ChannelCase,
    "chemistry": ChemistryCase,
}


def make_case(settings: Mapping[str, Any], window: Mapping[str, Any]) -> Case:
    """Return the case that the groups `[model]` and `[window]` of a file ask for.

    Raises
    ------
    ConfigurationError
        If a key is unknown or missing, or a value makes no sense.
    """
    given = dict(settings)
    kind = given.pop("kind", None)
    if kind not in CASES:
        raise ConfigurationError(
            f"'model.kind' must be one of {', '.join(CASES)}, found {kind!r}"
        )
    try:
        found: Case = CASES[kind](Window(**window), **given)
    except TypeError as error:
        raise ConfigurationError(f"[model] or [window] of kind '{kind}': {error}") from None
    return found


def _derived(
    model: ParametricModel, derivatives: str, *, x_scale: float, p_scale: Array | float
) -> ParametricModel:
    """Return the model with the derivatives asked for.

    Raises
    ------
    ConfigurationError
        If there are none of the name.
    """
    if derivatives == "adjoint":
        return model
    if derivatives == "differences":
        return DifferenceParameters(model, x_scale=x_scale, p_scale=p_scale)
    raise ConfigurationError(
        f"'model.derivatives' must be one of {', '.join(DERIVATIVES)}, found "
        f"{derivatives!r}"
    )
