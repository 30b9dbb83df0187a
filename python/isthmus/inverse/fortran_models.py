# SPDX-License-Identifier: MIT
"""The Fortran models under the interface: by their adjoints, or by finite differences."""

import numpy as np

from isthmus.errors import AssimilationError, ConfigurationError
from isthmus.inverse.covariances import Diagonal, check_background
from isthmus.inverse.forward import (
    Array,
    ForwardModel,
    Misfit,
    check_states,
    check_time_step,
)
from isthmus.inverse.four_d_var import Analysis
from isthmus.inverse.observations import Observations
from isthmus.models import Lorenz96
from isthmus.models.windows import (
    analyse,
    misfit_gradient,
    sweep_ad,
    sweep_soa,
    sweep_tl,
    trajectory,
)

NESTED_INCREMENT = 1e-3  # differences of differences: rounding and truncation are alike


class FortranModel(ForwardModel):
    """One-level Lorenz-96 with its hand-written tangent-linear and adjoint.

    Each sweep is one call of Fortran.

    Parameters
    ----------
    model
        Equations; the scheme is "rk4".
    dt
        Time step.

    Raises
    ------
    ConfigurationError
        For another scheme or a time step that is not positive.
    """

    def __init__(self, model: Lorenz96, dt: float) -> None:
        if model.scheme != "rk4":
            raise ConfigurationError(
                f"'scheme' must be 'rk4' over windows, found {model.scheme!r}"
            )
        self.model = model
        self.n_state = model.n_sites
        self.dt = check_time_step(dt)

    def step(self, x: Array) -> Array:
        """Return the states `[member, k]` one step later."""
        return self.trajectory(x, 1)[1]

    def step_tl(self, x: Array, x_tl: Array) -> Array:
        """Return the change after a step `[member, k]`."""
        return self.sweep_tl(np.stack([x, x]), x_tl)[1]

    def step_ad(self, x: Array, x_ad: Array) -> Array:
        """Return the sensitivity before a step `[member, k]`."""
        return self.sweep_ad(np.stack([x, x]), np.stack([np.zeros_like(x_ad), x_ad]))

    def advance(self, x: Array, n_steps: int) -> Array:
        """Return the states `[member, k]` some steps later: blocks of members, threads.

        Rounding differs from that of `trajectory`, which steps one member at a time.
        """
        x = check_states("x", x, self.n_state).copy()
        return self.model.advance(x, self.dt, n_steps=n_steps)

    def trajectory(self, x: Array, n_steps: int) -> Array:
        """Return all states of a window `[time, member, k]`."""
        x = check_states("x", x, self.n_state)
        return trajectory(x, forcing=self.model.forcing, dt=self.dt, n_steps=n_steps)

    def sweep_tl(self, trajectory: Array, x_tl: Array) -> Array:
        """Return the changes along a trajectory `[time, member, k]`."""
        x_tl = check_states("x_tl", x_tl, self.n_state)
        return sweep_tl(trajectory, x_tl, forcing=self.model.forcing, dt=self.dt)

    def sweep_ad(self, trajectory: Array, sensitivity: Array) -> Array:
        """Return the sensitivity to the first state `[member, k]`."""
        return sweep_ad(trajectory, sensitivity, forcing=self.model.forcing, dt=self.dt)[0]

    def step_soa(self, x: Array, x_tl: Array, x_ad: Array, x_ad_tl: Array) -> Array:
        """Return the change of `step_ad(x, x_ad)` `[member, k]`."""
        nothing = np.zeros_like(x)
        return self.sweep_soa(
            np.stack([x, x]),
            np.stack([x_tl, x_tl]),
            np.stack([nothing, x_ad]),
            np.stack([nothing, x_ad_tl]),
        )

    def sweep_soa(
        self, trajectory: Array, changes: Array, sensitivity: Array, sensitivity_tl: Array
    ) -> Array:
        """Return the change of what `sweep_ad` returns `[member, k]`, exact."""
        return sweep_soa(
            trajectory,
            changes,
            sensitivity,
            sensitivity_tl,
            forcing=self.model.forcing,
            dt=self.dt,
        )[0]

    def misfit_gradient(self, x: Array, observed: Array, weight: Array) -> Misfit:
        """Return cost and gradient of a diagonal misfit, in one call of Fortran."""
        cost, gradient, _ = misfit_gradient(
            x, observed, weight, forcing=self.model.forcing, dt=self.dt
        )
        return Misfit(cost, gradient)

    def analyse(
        self,
        background: Array,
        covariance: Diagonal | None,
        observations: Observations,
        n_steps: int,
        *,
        tolerance: float = 1e-6,
        max_outer: int = 20,
        max_inner: int = 50,
    ) -> Analysis:
        """Return the incremental 4D-Var analysis of a window, in one call of Fortran.

        Parameters
        ----------
        background, covariance, n_steps
            As for `FourDVar`; B is diagonal or None.
        observations
            Of sites, each once, with uncorrelated errors.
        tolerance, max_outer, max_inner
            As for `FourDVar.incremental`.

        Raises
        ------
        BindingError
            If sizes do not fit, or observations lie outside the window.
        ConfigurationError
            If the observations are of another kind.
        AssimilationError
            If the model blows up from the background.
        """
        background = check_background(background, self.n_state, covariance)
        observations.check_window(n_steps)
        weights = observations.as_weights(n_steps, self.n_state)
        if weights is None:
            raise ConfigurationError(
                "one call of Fortran needs sites with uncorrelated errors; use FourDVar"
            )
        x, report = analyse(
            background,
            None if covariance is None else np.sqrt(covariance.variance),
            *weights,
            forcing=self.model.forcing,
            dt=self.dt,
            tolerance=tolerance,
            max_outer=max_outer,
            max_inner=max_inner,
        )
        cost, norm, norm_start, n_sweeps, n_outer, is_converged = report.tolist()
        if not np.isfinite(cost):
            raise AssimilationError(
                "the cost is not finite at the first guess: the model blew up in the window"
            )
        departure = 0.0
        if covariance is not None:
            increment = x - background
            departure = 0.5 * float(increment @ covariance.solve(increment))
        return Analysis(
            x=x,
            cost=cost,
            cost_background=departure,
            gradient_norm=norm,
            gradient_norm_start=norm_start,
            is_converged=bool(is_converged),
            n_gradients=int(n_sweeps),
            n_outer=int(n_outer),
            n_observed=observations.n_observed,
            n_missing=observations.n_missing,
        )


class DifferenceModel(ForwardModel):
    """Any model with derivatives by central differences of its own steps.

    `dM = (M(x + h d) - M(x - h d))/(2 h)` with `h = eps^(1/3) scale/|d|_max`. The adjoint
    needs the whole Jacobian, 2 K steps of the model for each step, run as one ensemble.

    Parameters
    ----------
    model
        What is stepped; its derivatives are not used.
    scale
        Size of the state's values.
    """

    def __init__(self, model: ForwardModel, *, scale: float = 1.0) -> None:
        self.model = model
        self.n_state = model.n_state
        self.dt = model.dt
        self.increment = float(np.cbrt(np.finfo(np.float64).eps)) * scale
        self.soa_increment = NESTED_INCREMENT * scale

    def step(self, x: Array) -> Array:
        """Return the states `[member, k]` one step later."""
        return self.model.step(x)

    def advance(self, x: Array, n_steps: int) -> Array:
        """Return the states `[member, k]` some steps later."""
        return self.model.advance(x, n_steps)

    def trajectory(self, x: Array, n_steps: int) -> Array:
        """Return all states of a window `[time, member, k]`."""
        return self.model.trajectory(x, n_steps)

    def step_tl(self, x: Array, x_tl: Array) -> Array:
        """Return the change after a step `[member, k]`, by two steps."""
        size = np.abs(x_tl).max(axis=1, keepdims=True)
        size[size == 0.0] = 1.0
        change = self.increment / size * x_tl
        both = self.model.step(np.concatenate([x + change, x - change]))
        ahead, behind = np.split(both, 2)
        return (ahead - behind) * (size / (2.0 * self.increment))

    def step_ad(self, x: Array, x_ad: Array) -> Array:
        """Return the sensitivity before a step `[member, k]`, by 2 K steps of each."""
        n = self.n_state
        change = self.increment * np.eye(n)
        disturbed = np.concatenate([x[:, None] + change, x[:, None] - change], axis=1)
        ahead, behind = np.split(
            self.model.step(disturbed.reshape(-1, n)).reshape(len(x), 2 * n, n), 2, axis=1
        )
        jacobian = (ahead - behind) / (2.0 * self.increment)
        return np.einsum("mik,mk->mi", jacobian, x_ad)
