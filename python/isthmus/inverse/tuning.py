# SPDX-License-Identifier: MIT
"""Parameters from noisy, incomplete observations, with error bars.

State and forcing of Lorenz-96 are estimated together over a window:

    J(x_0, F) = 1/2 sum w (x - y)^2 + 1/2 (F - F_b)^2/s^2

by Gauss and Newton's method: the derivative in F is one more column of the tangent linear.
The posterior covariance is the inverse of the Gauss-Newton Hessian (Laplace): the standard
error of F is its last diagonal element's root, all uncertainty of the state included.
"""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from isthmus.errors import AssimilationError, ConfigurationError
from isthmus.inverse.fortran_models import FortranModel
from isthmus.inverse.forward import Array
from isthmus.inverse.observations import Observations
from isthmus.models.windows import misfit_gradient, sweep_tl, trajectory

MAX_ITERATIONS = 50
HALVINGS = 12


@dataclass(frozen=True)
class Tuned:
    """State and forcing of a window.

    Attributes
    ----------
    x
        First state `[k]`.
    forcing, forcing_error
        F and its standard error.
    covariance
        Posterior of state and forcing `[k + 1, k + 1]`.
    cost, gradient_norm
        J and the norm of its gradient at the end.
    n_iterations
        Of Gauss and Newton's method.
    """

    x: Array
    forcing: float
    forcing_error: float
    covariance: Array
    cost: float
    gradient_norm: float
    n_iterations: int


def tune_forcing(
    model: FortranModel,
    n_steps: int,
    observations: Observations,
    x: Array,
    *,
    forcing: float,
    forcing_sd: float,
    tolerance: float = 1e-8,
) -> Tuned:
    """Return state and forcing from the observations of a window.

    Parameters
    ----------
    model
        Model whose F is not used.
    n_steps, observations
        Window; sites with uncorrelated errors.
    x
        First guess of the state `[k]`.
    forcing, forcing_sd
        Background of F, and its standard deviation.
    tolerance
        Factor by which the gradient falls.

    Raises
    ------
    ConfigurationError
        If the observations are of another kind.
    AssimilationError
        If the minimisation does not converge, or the data do not determine the state.
    """
    observations.check_window(n_steps)
    weights = observations.as_weights(n_steps, model.n_state)
    if weights is None:
        raise ConfigurationError("tuning needs sites with uncorrelated errors")
    window = _Window(model.dt, *weights, forcing, forcing_sd)
    z = np.append(x, forcing)
    cost, gradient = window.cost(z)
    start = np.linalg.norm(gradient)
    for iteration in range(MAX_ITERATIONS):
        if np.linalg.norm(gradient) <= tolerance * start:
            covariance = window.covariance(z)
            error = float(np.sqrt(covariance[-1, -1]))
            norm = float(np.linalg.norm(gradient))
            return Tuned(z[:-1], float(z[-1]), error, covariance, cost, norm, iteration)
        step = -cho_solve(window.factor(z), gradient)
        for _ in range(HALVINGS):
            there = window.cost(z + step)
            if there[0] <= cost:
                break
            step /= 2.0
        else:
            break
        z, (cost, gradient) = z + step, there
    raise AssimilationError(
        f"tuning did not converge: gradient {np.linalg.norm(gradient):.3g} of {start:.3g} "
        "at the start; give a better first guess or a shorter window"
    )


@dataclass(frozen=True)
class _Window:
    """Cost function of `[x_0, F]`."""

    dt: float
    observed: Array
    weight: Array
    background: float
    sd: float

    def cost(self, z: Array) -> tuple[float, Array]:
        """Return J and its gradient `[k + 1]`."""
        x, forcing = np.ascontiguousarray(z[:-1]), float(z[-1])
        cost, gradient, slope = misfit_gradient(
            x, self.observed, self.weight, forcing=forcing, dt=self.dt
        )
        departure = (forcing - self.background) / self.sd
        total = cost + 0.5 * departure**2
        if not np.isfinite(total):
            return np.inf, np.zeros_like(z)
        return total, np.append(gradient, slope + departure / self.sd)

    def hessian(self, z: Array) -> Array:
        """Return Gauss and Newton's Hessian `[k + 1, k + 1]`."""
        x, forcing = z[:-1], float(z[-1])
        n, n_steps = x.size, len(self.observed) - 1
        repeated = np.repeat(x[None], n + 1, axis=0)
        states = trajectory(repeated, forcing=forcing, dt=self.dt, n_steps=n_steps)
        changes = sweep_tl(
            states,
            np.eye(n + 1, n),
            forcing=forcing,
            dt=self.dt,
            forcing_tl=np.append(np.zeros(n), 1.0),
        )
        rows = (np.sqrt(self.weight)[:, None] * changes).transpose(1, 0, 2)
        flat = rows.reshape(n + 1, -1)
        hessian = flat @ flat.T
        hessian[-1, -1] += self.sd**-2.0
        return hessian

    def factor(self, z: Array) -> tuple[Array, bool]:
        """Return the Cholesky factor of the Hessian.

        Raises
        ------
        AssimilationError
            If it is singular.
        """
        hessian = self.hessian(z)
        smallest = float(np.linalg.eigvalsh(hessian)[0])
        if not smallest > 0.0:
            raise AssimilationError(
                "the observations do not determine the state: smallest eigenvalue of the "
                f"Hessian {smallest:.3g}"
            )
        factor: tuple[Array, bool] = cho_factor(hessian, lower=True)
        return factor

    def covariance(self, z: Array) -> Array:
        """Return the inverse of the Hessian."""
        inverse: Array = cho_solve(self.factor(z), np.eye(z.size))
        return inverse
