# SPDX-License-Identifier: MIT
"""Parameters from noisy, incomplete observations of a window, with error bars.

First state and parameters of `x_{i+1} = M(x_i, p)` are estimated together:

    J(x_0, q) = 1/2 (x_0 - x_b)^T B^-1 (x_0 - x_b) + 1/2 sum ((q - q_b)/s)^2
              + 1/2 sum_i (H(x_i) - y_i)^T R^-1 (H(x_i) - y_i)

with q = p, or q = log p where p is positive. J is minimised in z = [v, w], with
`x_0 = x_b + U v`, `B = U U^T`, `q = q_b + s w`, by Gauss and Newton's method with the
damping of Levenberg and Marquardt. The gradient is the adjoint's; the Hessian `J'^T J'` is
the tangent-linear's, and its inverse is the covariance of the estimate (Laplace), so that
the error of a parameter includes the uncertainty of the state.
"""

from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from isthmus.errors import AssimilationError, BindingError
from isthmus.inverse.covariances import Covariance, check_background
from isthmus.inverse.estimates import Estimated
from isthmus.inverse.forward import Array
from isthmus.inverse.observations import Observations
from isthmus.inverse.parametric import ParametricModel
from isthmus.inverse.priors import Prior

MAX_ITERATIONS = 100
FIRST_DAMPING = 1e-3
LARGEST_DAMPING = 1e10
FACTOR = 10.0  # by which the damping falls after a step that is taken, and rises otherwise
ROUGH = 0.1  # standard errors to go at the end of a shorter window


@dataclass
class Estimation:
    """The cost function of a window in first state and parameters.

    Parameters
    ----------
    model
        With as many parameters as the prior.
    n_steps, observations
        The window.
    prior
        Of the parameters.
    x
        x_b `[k]`.
    covariance
        B; None if the first state is known to be `x`.
    """

    model: ParametricModel
    n_steps: int
    observations: Observations
    prior: Prior
    x: Array
    covariance: Covariance | None = None
    _n_v: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        """Check what was given.

        Raises
        ------
        BindingError
            If sizes or names do not fit, or observations lie outside the window.
        """
        n = self.model.n_state
        if self.prior.names != tuple(self.model.names):
            raise BindingError(
                f"the prior is of {list(self.prior.names)}, the model's parameters are "
                f"{list(self.model.names)}"
            )
        self.x = check_background(self.x, n, self.covariance, "x")
        if self.covariance is not None:
            self._n_v = self.covariance.n_control
        self.observations.check_window(self.n_steps)
        self._weights = self.observations.as_weights(self.n_steps, n)

    @property
    def n_control(self) -> int:
        """Length of z."""
        return self._n_v + len(self.prior.names)

    def unpack(self, z: Array) -> tuple[Array, Array]:
        """Return first state `[k]` and q `[i]` of a control."""
        v, w = z[: self._n_v], z[self._n_v :]
        x = self.x if self.covariance is None else self.x + self.covariance.sqrt(v)
        return x, self.prior.mean + self.prior.sd * w

    def cost(self, z: Array) -> tuple[float, Array, Array]:
        """Return J, its gradient in z, and the trajectory `[time, k]`."""
        x, q = self.unpack(z)
        p = self.prior.p(q)
        with np.errstate(over="ignore", invalid="ignore"):
            states = self.model.trajectory(x, p, self.n_steps)
            if not np.isfinite(states).all():
                return np.inf, np.zeros_like(z), states
            misfit, forces = self._misfit(states)
            found = self.model.sweep_ad(states, p, forces)
        gradient = z.copy()
        if self.covariance is not None:
            gradient[: self._n_v] += self.covariance.sqrt_ad(found.x)
        gradient[self._n_v :] += found.p * self.prior.slope(q) * self.prior.sd
        return misfit + 0.5 * float(z @ z), gradient, states

    def value(self, z: Array) -> float:
        """Return J alone; infinity where the model blows up."""
        x, q = self.unpack(z)
        with np.errstate(over="ignore", invalid="ignore"):
            states = self.model.trajectory(x, self.prior.p(q), self.n_steps)
        if not np.isfinite(states).all():
            return np.inf
        return self._misfit(states)[0] + 0.5 * float(z @ z)

    def _misfit(self, states: Array) -> tuple[float, Array]:
        """Return the observation term and its sensitivities `[time, k]`."""
        if self._weights is None:
            return self.observations.misfit(states)
        observed, weight = self._weights
        departure = states - observed
        forces = weight * departure
        return 0.5 * float(np.vdot(forces, departure)), forces

    def hessian(self, z: Array, states: Array) -> Array:
        """Return Gauss and Newton's Hessian of J in z `[n_control, n_control]`."""
        _, q = self.unpack(z)
        n, n_v = self.n_control, self._n_v
        x_tl, p_tl = np.zeros((n, self.model.n_state)), np.zeros((n, n - n_v))
        if self.covariance is not None:
            x_tl[:n_v] = self.covariance.sqrt(np.eye(n_v))
        p_tl[n_v:] = np.diag(self.prior.slope(q) * self.prior.sd)
        changes = self.model.sweep_tl(states, self.prior.p(q), x_tl, p_tl)
        return np.eye(n) + self.observations.gram(states, changes)

    def minimise(
        self,
        *,
        n_stages: int = 1,
        tolerance: float = 1e-4,
        max_iterations: int = MAX_ITERATIONS,
    ) -> Estimated:
        """Return the estimate.

        Parameters
        ----------
        n_stages
            Windows, each twice as long as the one before and begun where that ended; the
            last is the whole. In one long window of a chaotic model the nearest minimum is
            often a wrong one (Pires, Vautard and Talagrand 1996). If the cost at the end is
            too high, the window grows once more from the beginning, step by step.
        tolerance
            The step that remains is to be this short, in standard errors.
        max_iterations
            Linearisations at most, of each window.

        Raises
        ------
        AssimilationError
            If the model blows up from the first guess.
        """
        lengths = [max(1, self.n_steps >> stage) for stage in range(n_stages - 1, 0, -1)]
        found = self._grow(lengths, tolerance, max_iterations)
        if n_stages > 1 and not (found.is_converged and found.is_consistent):
            slowly = self._grow(list(range(1, self.n_steps)), tolerance, max_iterations)
            if slowly.cost < found.cost or not found.is_converged:
                found = slowly
        return found

    def _grow(self, lengths: list[int], tolerance: float, max_iterations: int) -> Estimated:
        """Return the estimate by way of shorter windows."""
        z, n_before = np.zeros(self.n_control), 0
        for n_steps in lengths:
            observations = self.observations.until(n_steps)
            shorter = replace(self, n_steps=n_steps, observations=observations)
            end = shorter.descend(z, tolerance=ROUGH, max_iterations=max_iterations)
            z, n_before = end.z, n_before + end.n_iterations
        end = self.descend(z, tolerance=tolerance, max_iterations=max_iterations)
        return self._estimated(end, tolerance, n_before)

    def descend(self, z: Array, *, tolerance: float, max_iterations: int) -> "Descent":
        """Return where Gauss and Newton's method ends that begins at a control.

        Raises
        ------
        AssimilationError
            If the model blows up there.
        """
        now, gradient, states = self.cost(z)
        if not np.isfinite(now):
            raise AssimilationError(
                "the cost is not finite at the first guess: the model blew up in the "
                "window; give another background or a shorter time step"
            )
        start, damping, n_iterations = float(np.linalg.norm(gradient)), FIRST_DAMPING, 0
        while True:
            hessian = self.hessian(z, states)
            factor = cho_factor(hessian, lower=True)
            decrement = float(np.sqrt(gradient @ cho_solve(factor, gradient)))
            if decrement <= tolerance or n_iterations == max_iterations:
                break
            moved = self._lower(z, now, gradient, hessian, damping)
            if moved is None:
                break
            z, damping, (now, gradient, states) = moved
            n_iterations += 1
        norm = float(np.linalg.norm(gradient))
        return Descent(z, now, norm, start, decrement, factor, n_iterations)

    def _lower(
        self, z: Array, now: float, gradient: Array, hessian: Array, damping: float
    ) -> tuple[Array, float, tuple[float, Array, Array]] | None:
        """Return a control of lower cost, the next damping and what is there, if any."""
        while damping <= LARGEST_DAMPING:
            damped = hessian + damping * np.diag(np.diagonal(hessian))
            trial = z - cho_solve(cho_factor(damped, lower=True), gradient)
            there = self.cost(trial)
            if there[0] < now:
                return trial, damping / FACTOR, there
            damping *= FACTOR
        return None

    def _estimated(self, end: "Descent", tolerance: float, n_before: int) -> Estimated:
        """Return the estimate where a descent ended."""
        x, q = self.unpack(end.z)
        inverse = cho_solve(end.factor, np.eye(end.z.size))
        n_v, sd = self._n_v, self.prior.sd
        x_error = np.zeros(0)
        if self.covariance is not None:
            u = self.covariance.sqrt(np.eye(n_v))
            x_error = np.sqrt(np.einsum("vk,vw,wk->k", u, inverse[:n_v, :n_v], u))
        return Estimated(
            prior=self.prior,
            x=x,
            x_error=x_error,
            control=end.z,
            q=q,
            covariance=sd[:, None] * inverse[n_v:, n_v:] * sd,
            cost=end.cost,
            cost_prior=0.5 * float(end.z @ end.z),
            gradient_norm=end.gradient_norm,
            gradient_norm_start=end.gradient_norm_start,
            decrement=end.decrement,
            is_converged=end.decrement <= tolerance,
            n_iterations=n_before + end.n_iterations,
            n_observed=self.observations.n_observed,
            n_missing=self.observations.n_missing,
        )


class Descent(NamedTuple):
    """Where a minimisation ended: control, cost, gradients, step to go, factor of H."""

    z: Array
    cost: float
    gradient_norm: float
    gradient_norm_start: float
    decrement: float
    factor: tuple[Array, bool]
    n_iterations: int
