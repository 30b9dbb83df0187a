# SPDX-License-Identifier: MIT
"""Error covariances as operators: diagonal, full, or by a square root alone.

A covariance `B = U U^T` acts on the last axis of an array. The minimisation works in the
control variable v of `x - x_b = U v`, in which the background term is `v^T v/2`: only U and
its transpose are needed there, so that B may be an operator that is never a matrix.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve, eigh

from isthmus.errors import BindingError, ConfigurationError
from isthmus.inverse.forward import Array

SYMMETRY = 1e-10  # relative: what sums in another order may differ by


class Covariance(ABC):
    """A symmetric positive definite matrix of the errors of `size` numbers.

    Attributes
    ----------
    size
        Length of the vectors it acts on.
    """

    size: int

    @property
    def n_control(self) -> int:
        """Length of v in `U v`: that of the vectors, if U is square."""
        return self.size

    @abstractmethod
    def sqrt(self, v: Array) -> Array:
        """Return `U v` `[..., size]`."""

    @abstractmethod
    def sqrt_ad(self, x: Array) -> Array:
        """Return `U^T x` `[..., size]`."""

    @abstractmethod
    def solve(self, x: Array) -> Array:
        """Return `B^-1 x` `[..., size]`."""

    def apply(self, x: Array) -> Array:
        """Return `B x` `[..., size]`."""
        return self.sqrt(self.sqrt_ad(x))

    def sample(self, rng: np.random.Generator, n_samples: int) -> Array:
        """Return Gaussian errors `[sample, size]`."""
        return self.sqrt(rng.standard_normal((n_samples, self.n_control)))

    def of(self, present: np.ndarray) -> "Covariance":
        """Return the covariance of those numbers that are present.

        Parameters
        ----------
        present
            Logicals `[size]`.
        """
        if present.all():
            return self
        matrix = self.apply(np.eye(self.size))
        return Full(matrix[np.ix_(present, present)])


class Diagonal(Covariance):
    """Uncorrelated errors.

    Parameters
    ----------
    variance
        Of each number, above 0: `[size]`, or one for all.
    size
        Needed with one variance for all.

    Raises
    ------
    ConfigurationError
        If a variance is not above zero.
    """

    def __init__(self, variance: Array | float, size: int | None = None) -> None:
        spread = np.asarray(variance, np.float64)
        if spread.ndim == 0 and size is not None:
            spread = np.full(size, float(spread))
        if spread.ndim != 1:
            raise ConfigurationError(
                f"'variance' has shape {list(spread.shape)}, expected [size]; one number "
                "for all needs 'size'"
            )
        if not (np.isfinite(spread).all() and (spread > 0.0).all()):
            worst = int(np.argmin(np.where(np.isfinite(spread), spread, -np.inf)))
            raise ConfigurationError(
                f"'variance' must be above 0, found {spread[worst]} at {worst}: the "
                "covariance is singular"
            )
        self.variance = spread
        self.size = spread.size
        self.weight = 1.0 / spread
        self._sd = np.sqrt(spread)

    def sqrt(self, v: Array) -> Array:
        """Return `U v` `[..., size]`."""
        return self._sd * v

    def sqrt_ad(self, x: Array) -> Array:
        """Return `U^T x` `[..., size]`."""
        return self._sd * x

    def solve(self, x: Array) -> Array:
        """Return `B^-1 x` `[..., size]`."""
        return self.weight * x

    def apply(self, x: Array) -> Array:
        """Return `B x` `[..., size]`."""
        return self.variance * x

    def of(self, present: np.ndarray) -> "Covariance":
        """Return the covariance of those numbers that are present."""
        return self if present.all() else Diagonal(self.variance[present])


class Full(Covariance):
    """A matrix; U is its Cholesky factor.

    Parameters
    ----------
    matrix
        Symmetric positive definite `[size, size]`.

    Raises
    ------
    ConfigurationError
        If it is not symmetric, or singular: the smallest eigenvalue is told.
    """

    def __init__(self, matrix: Array) -> None:
        matrix = np.asarray(matrix, np.float64)
        if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
            raise ConfigurationError(
                f"'matrix' has shape {list(matrix.shape)}, expected a square"
            )
        if not np.isfinite(matrix).all():
            raise ConfigurationError("'matrix' of a covariance holds NaN or infinity")
        if np.abs(matrix - matrix.T).max() > SYMMETRY * np.abs(matrix).max():
            raise ConfigurationError("'matrix' of a covariance is not symmetric")
        self.matrix = matrix
        self.size = len(matrix)
        try:
            factor, _ = cho_factor(matrix, lower=True)
        except LinAlgError:
            smallest = float(eigh(matrix, eigvals_only=True)[0])
            raise ConfigurationError(
                "the covariance is singular: its smallest eigenvalue is "
                f"{smallest:.3g}; add a variance to its diagonal"
            ) from None
        self._lower = np.tril(factor)

    def sqrt(self, v: Array) -> Array:
        """Return `U v` `[..., size]`."""
        return v @ self._lower.T

    def sqrt_ad(self, x: Array) -> Array:
        """Return `U^T x` `[..., size]`."""
        return x @ self._lower

    def solve(self, x: Array) -> Array:
        """Return `B^-1 x` `[..., size]`."""
        flat = x.reshape(-1, self.size)
        solved: Array = cho_solve((self._lower, True), flat.T).T.reshape(x.shape)
        return solved

    def apply(self, x: Array) -> Array:
        """Return `B x` `[..., size]`."""
        return x @ self.matrix


class SquareRoot(Covariance):
    """A covariance known by its square root as an operator: a filter, a diffusion.

    Parameters
    ----------
    size
        Length of the vectors.
    sqrt, sqrt_ad
        U and its transpose, on the last axis.
    solve
        `B^-1`, needed for observation errors only.
    """

    def __init__(
        self,
        size: int,
        sqrt: Callable[[Array], Array],
        sqrt_ad: Callable[[Array], Array],
        solve: Callable[[Array], Array] | None = None,
    ) -> None:
        self.size = size
        self._sqrt, self._sqrt_ad, self._solve = sqrt, sqrt_ad, solve

    def sqrt(self, v: Array) -> Array:
        """Return `U v` `[..., size]`."""
        return self._sqrt(v)

    def sqrt_ad(self, x: Array) -> Array:
        """Return `U^T x` `[..., size]`."""
        return self._sqrt_ad(x)

    def solve(self, x: Array) -> Array:
        """Return `B^-1 x` `[..., size]`.

        Raises
        ------
        ConfigurationError
            If no such operator was given.
        """
        if self._solve is None:
            raise ConfigurationError(
                "the covariance was given without 'solve', and its inverse is needed"
            )
        return self._solve(x)


class Hybrid(Covariance):
    """A static covariance and that of a localized ensemble (Lorenc 2003, hybrid EnVar).

    `B = (1 - a) B_s + a P o C`, P being the ensemble's covariance and C a localization. Its
    square root is not square: `U = [sqrt(1 - a) U_s, sqrt(a) diag(A_m) C^1/2 ...]` with a
    block for each member's anomaly `A_m`.

    Parameters
    ----------
    static
        B_s.
    ensemble
        Members `[member, size]`.
    share
        a, 0 to below 1.
    localization
        C, a correlation; None for none.

    Raises
    ------
    ConfigurationError
        If sizes do not fit, or the share is not 0 to below 1.
    """

    def __init__(
        self,
        static: Covariance,
        ensemble: Array,
        *,
        share: float,
        localization: Covariance | None = None,
    ) -> None:
        self.size = static.size
        if ensemble.ndim != 2 or ensemble.shape[1] != self.size or len(ensemble) < 2:
            raise ConfigurationError(
                f"'ensemble' has shape {list(ensemble.shape)}, expected [member, "
                f"{self.size}] and two members at least"
            )
        if not 0.0 <= share < 1.0:
            raise ConfigurationError(f"'share' must be 0 to below 1, found {share}")
        if localization is not None and localization.size != self.size:
            raise ConfigurationError(
                f"'localization' is of {localization.size} numbers, expected {self.size}"
            )
        scale = np.sqrt(share / (len(ensemble) - 1))
        self._anomalies = scale * (ensemble - ensemble.mean(axis=0))
        self._static, self._root = static, np.sqrt(1.0 - share)
        self._localization = localization

    @property
    def n_control(self) -> int:
        """Length of v: that of the static part, and of each member's block."""
        block = 1 if self._localization is None else self._localization.n_control
        return self._static.n_control + len(self._anomalies) * block

    def sqrt(self, v: Array) -> Array:
        """Return `U v` `[..., size]`."""
        n, members = self._static.n_control, len(self._anomalies)
        blocks = v[..., n:].reshape(*v.shape[:-1], members, -1)
        if self._localization is not None:
            blocks = self._localization.sqrt(blocks)
        drawn = (blocks * self._anomalies).sum(axis=-2)
        return self._root * self._static.sqrt(v[..., :n]) + drawn

    def sqrt_ad(self, x: Array) -> Array:
        """Return `U^T x` `[..., n_control]`."""
        products = x[..., None, :] * self._anomalies
        if self._localization is None:
            blocks = products.sum(axis=-1)
        else:
            blocks = self._localization.sqrt_ad(products)
            blocks = blocks.reshape(*x.shape[:-1], -1)
        return np.concatenate([self._root * self._static.sqrt_ad(x), blocks], axis=-1)

    def solve(self, x: Array) -> Array:
        """Return `B^-1 x` `[..., size]`, by the matrix."""
        return Full(self.apply(np.eye(self.size))).solve(x)


def gaussian_on_ring(size: int, *, sd: float, length: float) -> SquareRoot:
    """Return errors on a ring that are correlated as `exp(-d^2/(2 length^2))`, by FFT.

    Parameters
    ----------
    size
        Number of sites.
    sd
        Standard deviation at each site.
    length
        Correlation length [sites], above 0.
    """
    if not length > 0.0:
        raise ConfigurationError(f"'length' must be above 0, found {length}")
    distance = np.minimum(np.arange(size), size - np.arange(size))
    spectrum = np.fft.rfft(np.exp(-0.5 * (distance / length) ** 2)).real
    floor = np.finfo(np.float64).eps * spectrum.max()  # rounding makes some negative
    gain = sd * np.sqrt(np.maximum(spectrum, floor))

    def filtered(x: Array, gain: Array) -> Array:
        return np.fft.irfft(gain * np.fft.rfft(x), n=size)

    return SquareRoot(
        size,
        lambda v: filtered(v, gain),
        lambda x: filtered(x, gain),  # symmetric
        lambda x: filtered(x, gain**-2.0),
    )


def check_background(
    x: Array, n_state: int, covariance: Covariance | None, name: str = "background"
) -> Array:
    """Return a background `[k]` as contiguous float64, if it and its B fit the state.

    Raises
    ------
    BindingError
        If a size is another, or a number is not finite.
    """
    x = np.ascontiguousarray(x, np.float64)
    if x.shape != (n_state,):
        raise BindingError(f"'{name}' has shape {list(x.shape)}, expected [{n_state}]")
    if not np.isfinite(x).all():
        raise BindingError(f"'{name}' holds NaN or infinity")
    if covariance is not None and covariance.size != n_state:
        raise BindingError(
            f"'covariance' is of {covariance.size} numbers, the state has {n_state}"
        )
    return x
