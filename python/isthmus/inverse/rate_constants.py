# SPDX-License-Identifier: MIT
"""Rate constants of a chemistry box, by tangent-linear and adjoint of its integration.

A state is the concentrations of one box or of several, which share their constants, in one
row `[box * species]`. A parameter is the factor on the rate constant of one reaction. What
the boxes begin with is known, as in a smog chamber, so that constants are what is left to
find.
"""

from collections.abc import Sequence

import numpy as np

from isthmus.errors import ConfigurationError
from isthmus.inverse.forward import Array, check_time_step
from isthmus.inverse.observations import Sites
from isthmus.inverse.parameter_window import Observed, Window
from isthmus.inverse.parametric import ParametricModel, Sensitivity
from isthmus.inverse.parametric_kinds import with_derivatives
from isthmus.models import Mechanism
from isthmus.nets.mass_action import (
    BoxesStep,
    KnownConstants,
    MassAction,
    RosenbrockStep,
)

RTOL = 1e-6  # adaptive steps: the cost is smooth to this


class RateConstants(ParametricModel):
    """Factors of rate constants.

    Parameters
    ----------
    mechanism
        Reactions and their solver.
    reactions
        Numbers of those whose constants are parameters, 1 the first of the file.
    n_boxes
        Side by side.
    dt, t
        Step and start in the mechanism's time unit; t = 0 is midnight.

    Raises
    ------
    ConfigurationError
        If there is no such reaction, or one is named twice.
    """

    def __init__(
        self,
        mechanism: Mechanism,
        reactions: Sequence[int],
        *,
        n_boxes: int,
        dt: float,
        t: float = 0.0,
    ) -> None:
        n = len(mechanism.reactions)
        chosen = np.asarray(reactions, np.intp) - 1
        if not ((chosen >= 0) & (chosen < n)).all() or np.unique(chosen).size < chosen.size:
            raise ConfigurationError(
                f"'reactions' must be different numbers 1 to {n}, found {list(reactions)}"
            )
        self.mechanism, self.chosen, self.t = mechanism, chosen, t
        self.shape = n_boxes, len(mechanism)
        self.n_state, self.dt = n_boxes * len(mechanism), check_time_step(dt)
        self.names = tuple(f"k{number}" for number in reactions)

    def trajectory(self, x: Array, p: Array, n_steps: int) -> Array:
        """Return all states of a window `[time, k]`; NaN after a step that failed."""
        states = np.full((n_steps + 1, self.n_state), np.nan)
        states[0] = x
        y, factors = x.reshape(self.shape).copy(), self._factors(p)
        for i in range(n_steps):
            done = self.mechanism.integrate(
                y, self.dt, t=self._time(i), rate_factors=factors
            )
            if done.flags.any():
                break
            states[i + 1] = y.ravel()
        return states

    def sweep_tl(self, states: Array, p: Array, x_tl: Array, p_tl: Array) -> Array:
        """Return the changes along a trajectory `[time, column, k]`, by hand.

        All columns are boxes of one call.
        """
        n = len(x_tl)
        changes = np.empty((len(states), *x_tl.shape))
        changes[0] = x_tl
        factors = self._factors(p)
        rates = np.zeros((n, factors.size))
        rates[:, self.chosen] = p_tl / p  # relative
        rates = np.repeat(rates, self.shape[0], axis=0)
        for i, x in enumerate(states[:-1]):
            done = self.mechanism.integrate_tl(
                np.tile(x.reshape(self.shape), (n, 1)),
                changes[i].reshape(-1, self.shape[1]),
                self.dt,
                t=self._time(i),
                rate_factors=factors,
                rates_tl=rates,
            )
            changes[i + 1] = done.y_tl.reshape(n, -1)
        return changes

    def sweep_ad(self, states: Array, p: Array, sensitivity: Array) -> Sensitivity:
        """Return the sensitivities to first state and factors, by the adjoint."""
        factors = self._factors(p)
        x_ad, rates_ad = sensitivity[-1].copy(), np.zeros(factors.size)
        for i in range(len(states) - 2, -1, -1):
            back = self.mechanism.integrate_ad(
                np.ascontiguousarray(states[i].reshape(self.shape)),
                np.ascontiguousarray(x_ad.reshape(self.shape)),
                self.dt,
                t=self._time(i),
                rate_factors=factors,
            )
            x_ad = back.y_ad.ravel() + sensitivity[i]
            rates_ad += back.rates_ad.sum(axis=0)
        return Sensitivity(x_ad, rates_ad[self.chosen] / p)

    def torch_step(self) -> BoxesStep:
        """Return the step in PyTorch, with equal inner steps for all states.

        Raises
        ------
        ConfigurationError
            If constants change with the light: the step would not know the time.
        """
        box = self.mechanism
        day = np.linspace(0.0, 24.0 / box.hours_per_unit, 25)
        if np.ptp(box.light(day)) > 0.0:
            raise ConfigurationError(
                f"the constants of '{box.name}' change with the light: 'derivatives' "
                "autodiff and autodiff-forward are for mechanisms without"
            )
        kinetics = MassAction(box.stoichiometry, box.reactants())
        step = RosenbrockStep(kinetics, self.dt)
        constants = KnownConstants(box.rate_constants(), self.chosen)
        return BoxesStep(step, constants, self.shape[0])

    def _time(self, step: int) -> float:
        """Return when a step begins."""
        return self.t + step * self.dt

    def _factors(self, p: Array) -> Array:
        """Return the factors of all constants `[reaction]`."""
        factors = np.ones(len(self.mechanism.reactions))
        factors[self.chosen] = p
        return factors


class ChemistryCase(Observed):
    """Rate constants of boxes from noisy concentrations, `kind = "chemistry"`.

    The boxes begin with the mechanism's published concentrations, each species that is
    there multiplied by a factor of its own, drawn once.

    Parameters
    ----------
    window
        Its `sd` is relative to the largest concentration that a species reaches with the
        published constants; `every_site` is not used.
    mechanism
        File, or the name of one that comes with the package.
    reactions
        Numbers of those whose constants are sought.
    species
        That are observed.
    n_boxes, spread
        Boxes, and standard deviation of the logarithm of their starts' factors.
    dt, t
        Step and start in the mechanism's time unit.
    derivatives, network
        As for `with_derivatives`.
    """

    covariance = None  # the first state is known

    def __init__(
        self,
        window: Window,
        *,
        reactions: Sequence[int],
        species: Sequence[str],
        mechanism: str = "pollu",
        n_boxes: int = 4,
        spread: float = 0.5,
        dt: float = 5.0,
        t: float = 0.0,
        derivatives: str = "adjoint",
        network: str = "",
    ) -> None:
        if not (isinstance(n_boxes, int) and n_boxes >= 1 and species and reactions):
            raise ConfigurationError(
                "'model.n_boxes', 'model.species' and 'model.reactions' need one at least"
            )
        self.window = window
        box = Mechanism(mechanism, rtol=RTOL)
        self.truth = RateConstants(box, reactions, n_boxes=n_boxes, dt=dt, t=t)
        self.torch_step, self.spread = self.truth.torch_step, spread
        self.model = with_derivatives(
            self.truth,
            derivatives,
            network,
            torch_step=self.torch_step,
            is_state_known=True,
        )
        rng = np.random.default_rng(1)
        factors = np.exp(spread * rng.standard_normal((n_boxes, len(box))))
        self._first = (box.initial * factors).ravel()
        places = [box.index(name) for name in species]
        sites = np.add.outer(len(box) * np.arange(n_boxes), places).ravel()
        self.operator = Sites(self.truth.n_state, sites.tolist())
        known = self.truth.trajectory(self._first, np.ones(len(reactions)), window.n_steps)
        largest = known.reshape(-1, len(box))[:, places].max(axis=0)
        if not (np.isfinite(known).all() and (largest > 0.0).all()):
            raise ConfigurationError(
                f"of {list(species)} one stays zero or the solver fails with the published "
                "constants; observe others, or give another 'dt'"
            )
        self.variance = np.tile((window.sd * largest) ** 2, n_boxes)

    def start(self, p: Array, rng: np.random.Generator) -> Array:
        """Return what the boxes begin with."""
        return self._first
