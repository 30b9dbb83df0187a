# SPDX-License-Identifier: MIT
"""Strong-constraint 4D-Var: the first state of a window from its observations.

    J(x_0) = 1/2 (x_0 - x_b)^T B^-1 (x_0 - x_b)
           + 1/2 sum_i (H(x_i) - y_i)^T R^-1 (H(x_i) - y_i),     x_{i+1} = M(x_i)

It is minimised in v, with `x_0 = x_b + U v` and `B = U U^T`: the background term is then
`v^T v/2`, and B preconditions. Without B, U is one and the term is left out.

Direct: L-BFGS on J (Liu and Nocedal 1989). Incremental: Gauss and Newton's outer loops
around conjugate gradients on the quadratic cost of the tangent-linear model (Courtier,
Thépaut and Hollingsworth 1994).
"""

from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import minimize
from scipy.sparse.linalg import LinearOperator, cg

from isthmus.errors import AssimilationError
from isthmus.inverse.checkpoints import checkpointed_gradient
from isthmus.inverse.covariances import Covariance, check_background
from isthmus.inverse.forward import Array, Ending, ForwardModel, Misfit
from isthmus.inverse.observations import Observations

MEMORY = 10  # corrections that L-BFGS keeps
HALVINGS = 12  # of an outer step that does not lower the cost
SUFFICIENT = 1e-4  # of the decrease that the gradient promises (Armijo)


@dataclass(frozen=True)
class Analysis:
    """What a minimisation found, and how it ended.

    Attributes
    ----------
    x
        First state of the window `[k]`.
    cost, cost_background
        J, and its background term.
    gradient_norm, gradient_norm_start
        Of the gradient in the control variable, at the end and at the start.
    is_converged
        Whether the norm fell by the factor that was asked for.
    n_gradients
        Sweeps forward and back, those of inner loops included.
    n_outer
        Linearisations, or iterations of L-BFGS.
    n_observed, n_missing
        Values that were used, and that were NaN and masked.
    """

    x: Array
    cost: float
    cost_background: float
    gradient_norm: float
    gradient_norm_start: float
    is_converged: bool
    n_gradients: int
    n_outer: int
    n_observed: int
    n_missing: int

    @property
    def ending(self) -> Ending:
        """How the minimisation ended."""
        return Ending(self.is_converged, self.gradient_norm, self.gradient_norm_start)

    def __str__(self) -> str:
        """Return one sentence."""
        end = "converged" if self.is_converged else "did not converge"
        masked = f", {self.n_missing} missing and masked" if self.n_missing else ""
        return (
            f"4D-Var {end} after {self.n_gradients} gradients: cost {self.cost:.6g}, "
            f"gradient {self.gradient_norm:.3g} of {self.gradient_norm_start:.3g} at the "
            f"start; {self.n_observed} observations{masked}"
        )

    def required(self) -> "Analysis":
        """Return the analysis itself if it converged.

        Raises
        ------
        AssimilationError
            If it did not; the norms of the gradient are told.
        """
        if not self.is_converged:
            raise AssimilationError(
                f"{self}; allow more iterations, a looser 'tolerance' or a shorter window"
            )
        return self


@dataclass
class FourDVar:
    """The cost function of a window.

    Parameters
    ----------
    model
        Forward model with derivatives.
    n_steps
        Length of the window.
    observations
        Of the window.
    background
        x_b `[k]`; without a covariance it is the first guess.
    covariance
        B, or None for no background term.
    n_checkpoints
        States kept at a time, all if None; the gradient is the same bit for bit.

    Raises
    ------
    BindingError
        If sizes do not fit, or observations lie outside the window.
    """

    model: ForwardModel
    n_steps: int
    observations: Observations
    background: Array
    covariance: Covariance | None = None
    n_checkpoints: int | None = None
    _n_gradients: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        """Check what was given, and see whether the fast way is open."""
        n = self.model.n_state
        self.background = check_background(self.background, n, self.covariance)
        self.observations.check_window(self.n_steps)
        self._weights = self.observations.as_weights(self.n_steps, n)

    @property
    def n_control(self) -> int:
        """Length of the control variable."""
        return self.model.n_state if self.covariance is None else self.covariance.n_control

    def state(self, v: Array) -> Array:
        """Return `x_b + U v`."""
        return self.background + (v if self.covariance is None else self.covariance.sqrt(v))

    def control(self, x: Array) -> Array:
        """Return the v of a state `[k]`, the shortest one if U is not square."""
        increment = x - self.background
        if self.covariance is None:
            return increment
        return self.covariance.sqrt_ad(self.covariance.solve(increment))

    def misfit(self, x: Array) -> Misfit:
        """Return the observation term at `x` `[k]`, and its gradient in x."""
        self._n_gradients += 1
        if self.n_checkpoints is not None:
            return checkpointed_gradient(
                self.model, x, self.n_steps, self.observations, self.n_checkpoints
            )
        if self._weights is not None:
            return self.model.misfit_gradient(x, *self._weights)
        states = self.model.trajectory(x[None], self.n_steps)
        cost, sensitivity = self.observations.misfit(states[:, 0])
        return Misfit(cost, self.model.sweep_ad(states, sensitivity[:, None])[0])

    def cost(self, v: Array) -> Misfit:
        """Return J and its gradient in the control variable `[k]`."""
        misfit = self.misfit(self.state(v))
        if self.covariance is None:
            return misfit
        return Misfit(
            misfit.cost + 0.5 * float(v @ v), v + self.covariance.sqrt_ad(misfit.gradient)
        )

    def direct(
        self,
        *,
        start: Array | None = None,
        tolerance: float = 1e-6,
        max_iterations: int = 1000,
    ) -> Analysis:
        """Minimise by L-BFGS.

        Parameters
        ----------
        start
            First control `[n_control]`, zero if None.
        tolerance
            The norm of the gradient is to fall by this factor.
        max_iterations
            Of L-BFGS.
        """
        self._n_gradients = 0
        v = np.zeros(self.n_control) if start is None else start
        first = self.cost(v)
        norm_start = _norm(first.gradient)
        _require_finite(first)
        with np.errstate(over="ignore", invalid="ignore"):  # far trials are turned down
            found = minimize(
                self.cost,
                v,
                jac=True,
                method="L-BFGS-B",
                options={
                    "maxcor": MEMORY,
                    "maxiter": max_iterations,
                    "maxfun": 20 * max_iterations,
                    "ftol": 0.0,
                    "gtol": tolerance * norm_start / np.sqrt(v.size),
                },
            )
        return self._analysis(found.x, norm_start, tolerance, found.nit)

    def incremental(
        self,
        *,
        start: Array | None = None,
        tolerance: float = 1e-6,
        max_outer: int = 20,
        max_inner: int = 50,
        inner_tolerance: float = 0.1,
    ) -> Analysis:
        """Minimise by outer linearisations and inner conjugate gradients.

        Parameters
        ----------
        start
            First control `[k]`, zero if None.
        tolerance
            The norm of the gradient is to fall by this factor.
        max_outer, max_inner
            Linearisations, and iterations of conjugate gradients in each.
        inner_tolerance
            Factor by which the residual falls in an inner loop.
        """
        self._n_gradients = 0
        v = np.zeros(self.n_control) if start is None else start.copy()
        now = self.cost(v)
        _require_finite(now)
        norm_start = norm = _norm(now.gradient)
        n_outer = 0
        while norm > tolerance * norm_start and n_outer < max_outer:
            n_outer += 1
            increment = self._increment(v, now.gradient, inner_tolerance, max_inner)
            moved = self._lower(v, now, increment)
            if moved is None:
                break
            v, now = moved
            norm = _norm(now.gradient)
        return self._analysis(v, norm_start, tolerance, n_outer)

    def hessian(self, v: Array, *, is_exact: bool = False) -> LinearOperator:
        """Return the Hessian of J in the control variable, at `v`, as an operator.

        It acts on a vector, or on columns, which are then an ensemble of one call.

        Parameters
        ----------
        v
            Control `[n_control]`.
        is_exact
            With the second-order adjoint of the model and the curvature of H; without them
            it is Gauss and Newton's.
        """
        n, b = self.n_control, self.covariance
        states = self.model.trajectory(self.state(v)[None], self.n_steps)
        sensitivity = self.observations.misfit(states[:, 0])[1] if is_exact else None

        def apply(directions: Array) -> Array:
            given = np.asarray(directions, np.float64)
            v_tl = np.ascontiguousarray(given.reshape(n, -1).T)
            m = len(v_tl)
            self._n_gradients += m
            x = np.repeat(states, m, axis=1)
            changes = self.model.sweep_tl(x, v_tl if b is None else b.sqrt(v_tl))
            forces = self.observations.curvature(x, changes)
            if sensitivity is None:
                x_ad = self.model.sweep_ad(x, forces)
            else:
                forces += self.observations.bend(x, changes)
                s = np.repeat(sensitivity[:, None], m, axis=1)
                x_ad = self.model.sweep_soa(x, changes, s, forces)
            product = x_ad if b is None else v_tl + b.sqrt_ad(x_ad)
            return product.T.reshape(given.shape)

        return LinearOperator(
            (n, n), matvec=apply, rmatvec=apply, matmat=apply, dtype=np.float64
        )

    def _increment(
        self, v: Array, gradient: Array, inner_tolerance: float, max_inner: int
    ) -> Array:
        """Return the step that minimises the quadratic cost around `v`."""
        increment: Array = cg(
            self.hessian(v), -gradient, rtol=inner_tolerance, atol=0.0, maxiter=max_inner
        )[0]
        return increment

    def _lower(
        self, v: Array, now: Misfit, increment: Array
    ) -> tuple[Array, Misfit] | None:
        """Return the first halving of a step that lowers the cost enough, if any."""
        slope = float(now.gradient @ increment)
        share = 1.0
        for _ in range(HALVINGS):
            trial = v + share * increment
            with np.errstate(over="ignore", invalid="ignore"):
                there = self.cost(trial)
            if there.cost <= now.cost + SUFFICIENT * share * slope:
                return trial, there
            share /= 2.0
        return None

    def _analysis(
        self, v: Array, norm_start: float, tolerance: float, n_outer: int
    ) -> Analysis:
        """Return the analysis at a control."""
        n_gradients = self._n_gradients
        end = self.cost(v)
        norm = _norm(end.gradient)
        return Analysis(
            x=self.state(v),
            cost=end.cost,
            cost_background=0.0 if self.covariance is None else 0.5 * float(v @ v),
            gradient_norm=norm,
            gradient_norm_start=norm_start,
            is_converged=bool(norm <= tolerance * norm_start),
            n_gradients=n_gradients,
            n_outer=int(n_outer),
            n_observed=self.observations.n_observed,
            n_missing=self.observations.n_missing,
        )


def _norm(x: Array) -> float:
    """Return the Euclidean norm."""
    return float(np.sqrt(x @ x))


def _require_finite(misfit: Misfit) -> None:
    """Refuse a start from which the model blows up.

    Raises
    ------
    AssimilationError
        If the cost there is not finite.
    """
    if not np.isfinite(misfit.cost):
        raise AssimilationError(
            "the cost is not finite at the first guess: the model blew up in the window; "
            "give another 'background' or a shorter time step"
        )
