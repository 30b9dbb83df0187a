# SPDX-License-Identifier: MIT
"""What a TOML file can tune: a model, what is observed of it, and how a twin begins.

[model]                       # kind = "lorenz96"
kind = "lorenz96"             # or "two_level", "shallow_water", "chemistry"
n_sites = 40
dt = 0.05
derivatives = "adjoint"       # or another of `derivative_kinds`; some need
network = "step.pt"           # a step with inputs state, parameters, known inputs

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
from torch import nn

from isthmus.errors import ConfigurationError
from isthmus.inverse.covariances import Covariance, Diagonal
from isthmus.inverse.forward import Array
from isthmus.inverse.friction import ChannelCase
from isthmus.inverse.observations import Observations, Sites
from isthmus.inverse.parameter_window import Observed, Window
from isthmus.inverse.parametric import (
    ForcedLorenz96,
    ParametricModel,
    TwoLevelCoefficients,
)
from isthmus.inverse.parametric_kinds import with_derivatives
from isthmus.inverse.rate_constants import ChemistryCase
from isthmus.inverse.settings import check_kinds, examples_of
from isthmus.models import Lorenz96, TwoLevelLorenz96
from isthmus.nets import ConditionalBilinearNet
from isthmus.nets.conditional import ConditionalRk4Step
from isthmus.nets.two_level import CoupledBilinearNet, TwoLevelStep

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

    def torch_step(self) -> nn.Module:
        """Return the step of the truth in PyTorch (`parametric_networks`)."""

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
        network: str = "",
    ) -> None:
        self.window = window
        self.truth: ParametricModel = ForcedLorenz96(n_sites, dt)
        self.covariance = Diagonal(window.state_sd**2, n_sites)
        self.operator = Sites(n_sites, range(0, n_sites, window.every_site))
        self.variance = np.full(self.operator.indices.size, window.sd**2)
        self.model = with_derivatives(
            self.truth,
            derivatives,
            network,
            torch_step=self.torch_step,
            x_scale=4.0,
            p_scale=4.0,
        )

    def torch_step(self) -> ConditionalRk4Step:
        """Return the same step in PyTorch."""
        return ConditionalRk4Step(ConditionalBilinearNet.analytic(), self.truth.dt)

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
        network: str = "",
    ) -> None:
        self.window = window
        base = TwoLevelLorenz96(n_sites, n_fast)
        self.truth = TwoLevelCoefficients(base, dt, n_inner=n_inner)
        self.model = with_derivatives(
            self.truth,
            derivatives,
            network,
            torch_step=self.torch_step,
            p_scale=np.array([10.0, 1.0, 10.0, 10.0]),
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

    def torch_step(self) -> TwoLevelStep:
        """Return the same step in PyTorch."""
        tendency = CoupledBilinearNet.analytic(self.truth.n_slow, self.truth.model.n_fast)
        return TwoLevelStep(tendency, self.truth.dt, self.truth.n_inner)

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
    check_kinds("window.", window, examples_of(Window))
    check_kinds("model.", given, examples_of(CASES[kind]))
    try:
        found: Case = CASES[kind](Window(**window), **given)
    except TypeError as error:
        raise ConfigurationError(f"[model] or [window] of kind '{kind}': {error}") from None
    return found
