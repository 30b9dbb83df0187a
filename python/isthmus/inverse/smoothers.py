# SPDX-License-Identifier: MIT
"""The iterative ensemble Kalman smoother: Gauss and Newton's steps in the members' space.

A window begins `lag` observation times before the newest observation, the only one that is
new. The ensemble at its beginning, `x_0 + (w + T) A_0`, is run to the observation until w
has converged; the sensitivities are those of the ensemble. Bocquet and Sakov (2014).

With a hyperprior the ensemble's size takes the place of inflation (Bocquet 2011; the mode
as corrected by Bocquet, Raanes and Hannart 2015, equation 36).
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from isthmus.errors import ConfigurationError
from isthmus.inverse.covariances import Covariance
from isthmus.inverse.ensembles import eigenpairs
from isthmus.inverse.forward import Array, Ending

LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True)
class Hyperprior:
    """The finite-size prior of an ensemble.

    Parameters
    ----------
    boost
        Factor on its two constants, 1 for a perfect model without other errors.
    """

    boost: float = 1.0

    def precision(self, w: Array, s: Array) -> float:
        """Return what takes the place of `N - 1` in front of `w^T w`.

        Parameters
        ----------
        w
            Weights `[member]`.
        s
            Eigenvalues of `Y R^-1 Y^T` `[member]`.
        """
        n = w.size
        constant, exponent = (n + 1) / n, n / (n - 1)
        unseen = float(np.mean((n - 1) / (s + n - 1)))  # share that data do not constrain
        mode = np.sqrt((constant / exponent) ** unseen)
        constant, exponent = self.boost * constant / mode, self.boost * exponent * mode
        return (n - 1) * exponent / (constant + float(w @ w))


def smooth(
    ensemble: Array,
    run: Callable[[Array], Array],
    observe: Callable[[Array], Array],
    y: Array,
    covariance: Covariance,
    *,
    n_iterations: int = 10,
    tolerance: float = 1e-5,
    hyperprior: Hyperprior | None = None,
    ended: Callable[[Ending], None] | None = None,
) -> Array:
    """Return the ensemble at the beginning of the window, given its new observation.

    Parameters
    ----------
    ensemble
        At the beginning of the window `[member, k]`.
    run
        Takes an ensemble from there to the observation.
    observe
        H on `[member, k]`.
    y, covariance
        New observation `[obs]` and R.
    n_iterations, tolerance
        Steps at most, and the root mean square change of w at which they end.
    hyperprior
        In the place of `N - 1`.
    ended
        Told how the steps ended; without it, those that did not converge are logged as a
        warning. The norm is that of the cost's gradient in w where the last step began.

    Raises
    ------
    ConfigurationError
        If there are to be no steps.
    """
    if n_iterations < 1:
        raise ConfigurationError(f"'n_iterations' must be at least 1, found {n_iterations}")
    n = len(ensemble)
    mean = ensemble.mean(axis=0)
    a = ensemble - mean
    w, transform, inverse = np.zeros(n), np.eye(n), np.eye(n)
    norm_start = np.nan
    for i in range(n_iterations):
        observed = observe(run(mean + (w + transform) @ a))
        mean_o = observed.mean(axis=0)
        yy = inverse @ (observed - mean_o)  # the transform is undone
        weighted = covariance.solve(yy)
        s, v = eigenpairs(weighted @ yy.T)
        precision = float(n - 1) if hyperprior is None else hyperprior.precision(w, s)
        slope = weighted @ (y - mean_o) - precision * w
        norm = float(np.sqrt(slope @ slope))
        norm_start = norm if i == 0 else norm_start
        change = v @ ((v.T @ slope) / (s + precision))
        w = w + change
        root = np.sqrt((s + precision) / (n - 1))
        transform, inverse = (v / root) @ v.T, (v * root) @ v.T
        is_converged = bool(change @ change <= n * tolerance**2)
        if is_converged:
            break
    ending = Ending(is_converged, norm, norm_start)
    if ended is not None:
        ended(ending)
    elif not is_converged:
        LOGGER.warning("the iterative smoother %s", ending)
    return mean + (w + transform) @ a
