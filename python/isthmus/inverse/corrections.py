# SPDX-License-Identifier: MIT
"""A corrective term B(x), learned by assimilation from noisy, incomplete observations.

A series of windows of `dx/dt = f(x) + B(x)` is analysed with all first states X and
the weights of B as unknowns (weak-constraint 4D-Var in its state form, multiple shooting):

    J(X, B) = 1/2 sum w (x - y)^2 + 1/2 sum_n |X_{n+1} - M(X_n)|^2/s^2

The jumps between windows have standard deviation s: what B(x) cannot explain, being no
function of x. No true state and no true tendency is needed. Jointly, L-BFGS sees states and
weights together; alternating, each in turn (Brajard, Carrassi, Bocquet and Bertino 2021).
All windows are stepped as members of one batch, in double precision. The step is one of
`corrected_steps`, which says where the derivatives of f come from.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from scipy.optimize import minimize
from torch import Tensor, nn
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from isthmus.errors import AssimilationError, BindingError, ConfigurationError
from isthmus.inverse.forward import Array

MEMORY = 20  # corrections that L-BFGS keeps

Progress = Callable[[float], None]


@dataclass(frozen=True)
class Learned:
    """What an assimilation learned.

    Attributes
    ----------
    states
        First states of the windows `[window, k]`.
    cost, cost_start
        J at the end and at the start.
    gradient_norm, gradient_norm_start
        Of its gradient in states and weights; how far it falls is up to the iterations.
    n_gradients
        Forward and back.
    n_observed, n_missing
        Values that were used, and that were NaN and masked.
    """

    states: Array
    cost: float
    cost_start: float
    gradient_norm: float
    gradient_norm_start: float
    n_gradients: int
    n_observed: int
    n_missing: int

    def __str__(self) -> str:
        """Return one sentence."""
        return (
            f"cost {self.cost:.6g} of {self.cost_start:.6g} and gradient norm "
            f"{self.gradient_norm:.3g} of {self.gradient_norm_start:.3g} at the start, "
            f"after {self.n_gradients} gradients; {self.n_observed} observations, "
            f"{self.n_missing} missing and masked"
        )


class CorrectionProblem:
    """Windows of observations, a model, and a network in it whose weights are unknown.

    Parameters
    ----------
    step
        One time step `[member, k] -> [member, k]` with the network inside.
    network
        B, in double precision; its weights are changed in place.
    observed
        y `[time, k]`, every step, NaN where not observed; the first step is a window's.
    sd
        Standard deviation of the observations' errors.
    window
        Steps of a window; what is left at the end is not used.
    jump_sd
        s.

    Raises
    ------
    BindingError
        If shapes or precision do not fit, a value is infinite, or there is less than two
        windows.
    ConfigurationError
        If a standard deviation is not above 0.
    """

    def __init__(
        self,
        step: nn.Module,
        network: nn.Module,
        observed: Array,
        *,
        sd: float,
        window: int,
        jump_sd: float,
    ) -> None:
        for name, value in (("sd", sd), ("jump_sd", jump_sd)):
            if not (np.isfinite(value) and value > 0.0):
                raise ConfigurationError(f"'{name}' must be above 0, found {value}")
        if any(weight.dtype != torch.float64 for weight in network.parameters()):
            raise BindingError("'network' must be in double precision: network.double()")
        n_windows = len(observed) // window if observed.ndim == 2 else 0
        if n_windows < 2:
            raise BindingError(
                f"'observed' has shape {list(observed.shape)}, expected [time, k] with two "
                f"windows of {window} steps at least"
            )
        if np.isinf(observed).any():
            raise BindingError("'observed' holds infinity; NaN marks what was not observed")
        self.step, self.network = step, network
        self.n_steps, self.jump_sd = window, jump_sd
        values = observed[: n_windows * window].reshape(n_windows, window, -1)
        present = np.isfinite(values)
        self._values = torch.from_numpy(np.where(present, values, 0.0))
        self._weight = torch.from_numpy(present / sd**2)
        self._n_observed, self._n_missing = int(present.sum()), int((~present).sum())
        self.states = _first_guess(values)
        self._n_gradients = 0

    def cost(self, states: Tensor) -> Tensor:
        """Return J at first states `[window, k]` and the weights of the network."""
        self._n_gradients += 1
        x, total = states, torch.zeros((), dtype=torch.float64)
        for i in range(self.n_steps):
            misfit = x - self._values[:, i]
            total = total + 0.5 * (self._weight[:, i] * misfit**2).sum()
            x = self.step(x)
        jumps = (states[1:] - x[:-1]) / self.jump_sd
        return total + 0.5 * (jumps**2).sum()

    def joint(
        self, *, n_iterations: int = 300, progress: Progress | None = None
    ) -> Learned:
        """Return states found together with the weights."""
        return self._learn([(True, True, n_iterations)], progress)

    def alternating(
        self,
        *,
        n_rounds: int = 8,
        n_iterations: int = 40,
        progress: Progress | None = None,
    ) -> Learned:
        """Return states and weights found in turn, each by some iterations of a round."""
        turns = [(True, False, n_iterations), (False, True, n_iterations)]
        return self._learn(turns * n_rounds, progress)

    def _learn(
        self, turns: list[tuple[bool, bool, int]], progress: Progress | None
    ) -> Learned:
        """Return what some minimisations, one after another, end with."""
        self._n_gradients = 0
        start, norm_start = self._cost_and_norm()
        if not np.isfinite(start):
            raise AssimilationError(
                "the cost is not finite at the first guess: the model blew up in a window; "
                "shorten 'window' or the time step"
            )
        for i, (with_states, with_weights, n_iterations) in enumerate(turns):
            self._descend(with_states, with_weights, n_iterations)
            if progress is not None:
                progress((i + 1) / len(turns))
        end, norm = self._cost_and_norm()
        return Learned(
            states=self.states,
            cost=end,
            cost_start=start,
            gradient_norm=norm,
            gradient_norm_start=norm_start,
            n_gradients=self._n_gradients,
            n_observed=self._n_observed,
            n_missing=self._n_missing,
        )

    def _cost_and_norm(self) -> tuple[float, float]:
        """Return J and the norm of its gradient in states and weights."""
        states = torch.from_numpy(self.states.copy()).requires_grad_()
        cost = self.cost(states)
        gradients = torch.autograd.grad(cost, [states, *self.network.parameters()])
        return cost.item(), torch.cat([g.reshape(-1) for g in gradients]).norm().item()

    def _descend(self, with_states: bool, with_weights: bool, n_iterations: int) -> None:
        """Minimise in states, weights or both."""
        weights = list(self.network.parameters())
        flat = parameters_to_vector(weights).detach().numpy()
        n = self.states.size if with_states else 0

        def evaluate(z: Array) -> tuple[float, Array]:
            if with_weights:
                vector_to_parameters(torch.from_numpy(z[n:].copy()), weights)
            given = z[:n].reshape(self.states.shape) if with_states else self.states
            states = torch.from_numpy(given.copy()).requires_grad_(with_states)
            cost = self.cost(states)
            wanted = [states] * with_states + weights * with_weights
            gradients = torch.autograd.grad(cost, wanted)
            if not torch.isfinite(cost):
                return np.inf, np.zeros_like(z)
            return cost.item(), torch.cat([g.reshape(-1) for g in gradients]).numpy()

        parts = [self.states.ravel()] * with_states + [flat] * with_weights
        found = minimize(
            evaluate,
            np.concatenate(parts),
            jac=True,
            method="L-BFGS-B",
            options={"maxcor": MEMORY, "maxiter": n_iterations, "maxfun": 2 * n_iterations},
        )
        evaluate(found.x)  # leaves the weights of the minimum in the network
        if with_states:
            self.states = found.x[:n].reshape(self.states.shape).copy()


def _first_guess(values: Array) -> Array:
    """Return first states `[window, k]` from the first values seen of a window.

    Each site has the first value that is there; sites without one lie between neighbours.
    """
    n_windows, _, n_sites = values.shape
    states = np.zeros((n_windows, n_sites))
    for n, rows in enumerate(values):
        present = np.isfinite(rows)
        seen = np.flatnonzero(present.any(axis=0))
        if seen.size:
            first = rows[present[:, seen].argmax(axis=0), seen]
            states[n] = np.interp(np.arange(n_sites), seen, first, period=n_sites)
    return states
