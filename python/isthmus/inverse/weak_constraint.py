# SPDX-License-Identifier: MIT
"""Weak-constraint 4D-Var: the first state of a window, and the model's errors in it.

    J(x_0, q) = 1/2 (x_0 - x_b)^T B^-1 (x_0 - x_b) + 1/2 sum_i q_i^T Q^-1 q_i + Jo,
    x_{i+1} = M(x_i) + q_i

in the control variable `[v, e_1 .. e_n]` with `x_0 = x_b + U v` and `q_i = V e_i`, where
`B = U U^T` and `Q = V V^T`: all background terms are half a square. Tremolet (2006), model
error as forcing.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from isthmus.errors import AssimilationError, BindingError
from isthmus.inverse.covariances import Covariance, check_background
from isthmus.inverse.forward import Array, Ending, ForwardModel, Misfit
from isthmus.inverse.four_d_var import MEMORY
from isthmus.inverse.observations import Observations


@dataclass(frozen=True)
class WeakAnalysis:
    """What a minimisation found.

    Attributes
    ----------
    states
        Trajectory with the model's errors added `[time, k]`.
    errors
        q, of each step `[step, k]`.
    cost, gradient_norm, gradient_norm_start
        J at the end; the norm of its gradient at the end and at the start.
    is_converged
        Whether the norm fell by the factor that was asked for.
    n_gradients
        Sweeps forward and back.
    n_observed, n_missing
        Values that were used, and that were NaN and masked.
    """

    states: Array
    errors: Array
    cost: float
    gradient_norm: float
    gradient_norm_start: float
    is_converged: bool
    n_gradients: int
    n_observed: int
    n_missing: int

    def __str__(self) -> str:
        """Return one sentence."""
        ending = Ending(self.is_converged, self.gradient_norm, self.gradient_norm_start)
        masked = f", {self.n_missing} missing and masked" if self.n_missing else ""
        return (
            f"weak-constraint 4D-Var {ending}, after {self.n_gradients} gradients: cost "
            f"{self.cost:.6g}; {self.n_observed} observations{masked}"
        )

    def required(self) -> "WeakAnalysis":
        """Return the analysis itself if it converged.

        Raises
        ------
        AssimilationError
            If it did not; the norms of the gradient are told.
        """
        if not self.is_converged:
            raise AssimilationError(f"{self}; allow more iterations")
        return self


@dataclass(frozen=True)
class WeakFourDVar:
    """The cost function of a window with model errors.

    Parameters
    ----------
    model, n_steps, observations
        As for `FourDVar`.
    background, covariance
        x_b `[k]` and B.
    model_error
        Q, of the error of each step.

    Raises
    ------
    BindingError
        If sizes do not fit, or observations lie outside the window.
    """

    model: ForwardModel
    n_steps: int
    observations: Observations
    background: Array
    covariance: Covariance
    model_error: Covariance

    def __post_init__(self) -> None:
        """Check what was given."""
        n = self.model.n_state
        check_background(self.background, n, self.covariance)
        if self.model_error.size != n:
            raise BindingError(
                f"'model_error' is of {self.model_error.size} numbers, the state has {n}"
            )
        self.observations.check_window(self.n_steps)

    @property
    def n_control(self) -> int:
        """Length of the control variable."""
        return self.covariance.n_control + self.n_steps * self.model_error.n_control

    def trajectory(self, control: Array) -> tuple[Array, Array]:
        """Return states `[time, k]` and model errors `[step, k]` of a control."""
        n = self.covariance.n_control
        errors = self.model_error.sqrt(control[n:].reshape(self.n_steps, -1))
        states = np.empty((self.n_steps + 1, self.model.n_state))
        states[0] = self.background + self.covariance.sqrt(control[:n])
        for i in range(self.n_steps):
            states[i + 1] = self.model.step(states[i : i + 1])[0] + errors[i]
        return states, errors

    def cost(self, control: Array) -> Misfit:
        """Return J and its gradient in the control variable."""
        states, _ = self.trajectory(control)
        cost, s = self.observations.misfit(states)
        sensitivity = np.empty((self.n_steps, self.model.n_state))
        x_ad = s[-1]
        for i in range(self.n_steps - 1, -1, -1):
            sensitivity[i] = x_ad
            x_ad = self.model.step_ad(states[i : i + 1], x_ad[None])[0] + s[i]
        gradient = np.concatenate(
            [self.covariance.sqrt_ad(x_ad), self.model_error.sqrt_ad(sensitivity).ravel()]
        )
        return Misfit(cost + 0.5 * float(control @ control), control + gradient)

    def direct(
        self, *, tolerance: float = 1e-6, max_iterations: int = 1000
    ) -> WeakAnalysis:
        """Minimise by L-BFGS.

        Parameters
        ----------
        tolerance
            The norm of the gradient is to fall by this factor.
        max_iterations
            Of L-BFGS.

        Raises
        ------
        AssimilationError
            If the cost is not finite at the background.
        """
        control = np.zeros(self.n_control)
        first = self.cost(control)
        if not np.isfinite(first.cost):
            raise AssimilationError(
                "the cost is not finite at the background: the model blew up in the window"
            )
        start = float(np.linalg.norm(first.gradient))
        with np.errstate(over="ignore", invalid="ignore"):
            found = minimize(
                self.cost,
                control,
                jac=True,
                method="L-BFGS-B",
                options={
                    "maxcor": MEMORY,
                    "maxiter": max_iterations,
                    "maxfun": 20 * max_iterations,
                    "ftol": 0.0,
                    "gtol": tolerance * start / np.sqrt(control.size),
                },
            )
        end = self.cost(found.x)
        norm = float(np.linalg.norm(end.gradient))
        states, errors = self.trajectory(found.x)
        return WeakAnalysis(
            states=states,
            errors=errors,
            cost=end.cost,
            gradient_norm=norm,
            gradient_norm_start=start,
            is_converged=bool(norm <= tolerance * start),
            n_gradients=int(found.nfev),
            n_observed=self.observations.n_observed,
            n_missing=self.observations.n_missing,
        )
