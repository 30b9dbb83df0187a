# SPDX-License-Identifier: MIT
"""Analyses of an ensemble: stochastic EnKF, ETKF, LETKF; inflation, rotation, localization.

Ensembles are `[member, k]`. With anomalies `A = E - mean`, their observed `Y = H(E) - mean`
and N members, the analyses solve for weights in the space of the members:

    S = (N - 1) I + Y R^-1 Y^T,   w = d^T R^-1 Y^T S^-1,   T = sqrt(N - 1) S^-1/2
    E_a = mean + (w + T) A,       d = y - mean H(E)

EnKF: Burgers, van Leeuwen and Evensen (1998). ETKF: Bishop, Etherton and Majumdar (2001),
symmetric as in Hunt, Kostelich and Szunyogh (2007), who also give the LETKF. Taper: Gaspari
and Cohn (1999), equation 4.10. Rotations that keep the mean: Sakov and Oke (2008).

Where the anomalies are rotated at random anyway, any root that keeps their mean has the
same distribution as the symmetric one, and Cholesky's is cheapest. `S = L L^T`, ones are
e, `L^T e` has the length of `sqrt(N (N - 1))`; H being the reflection that takes its
direction to that of e, `T = sqrt(N - 1) H L^-1` keeps the mean: `e^T H L^-1 A ~ e^T A = 0`.
"""

import numpy as np
import numpy.typing as npt
from scipy.linalg import blas, cho_factor, cho_solve, lapack

from isthmus.errors import AssimilationError, BindingError, ConfigurationError
from isthmus.inverse.covariances import Covariance
from isthmus.inverse.forward import Array

BANK = 64  # random rotations drawn at the start; their products soon fill the group
DIVERGED = 1e3  # larger values of a Lorenz-96 state mean that an ensemble blew up


def enkf(
    ensemble: Array,
    observed: Array,
    y: Array,
    covariance: Covariance,
    rng: np.random.Generator,
) -> Array:
    """Return the analysis with perturbed observations `[member, k]`.

    Parameters
    ----------
    ensemble
        Forecast `[member, k]`.
    observed
        H of each member `[member, obs]`.
    y
        Observations `[obs]`, NaN where missing.
    covariance
        R.
    rng
        Of the perturbations, whose mean is taken out.
    """
    _check_members(ensemble, observed)
    observed, y, covariance = _present(observed, y, covariance)
    n_members = len(ensemble)
    a, yy = anomalies_of(ensemble)[1], anomalies_of(observed)[1]
    perturbation = covariance.sample(rng, n_members)
    perturbation -= perturbation.mean(axis=0)
    r = covariance.apply(np.eye(y.size))
    factor = cho_factor(yy.T @ yy + (n_members - 1) * r, lower=True, check_finite=False)
    innovation = y + perturbation - observed
    weights = cho_solve(factor, innovation.T, check_finite=False).T @ yy.T
    return ensemble + weights @ a


def etkf(ensemble: Array, observed: Array, y: Array, covariance: Covariance) -> Array:
    """Return the analysis by a symmetric transform `[member, k]`.

    See `enkf` for the arguments. In the linear Gaussian case mean and covariance are those
    of the Kalman filter whose covariance is that of the ensemble.
    """
    mean, a = etkf_parts(ensemble, observed, y, covariance)
    return mean + a


def etkf_parts(
    ensemble: Array,
    observed: Array,
    y: Array,
    covariance: Covariance,
    *,
    is_symmetric: bool = True,
) -> tuple[Array, Array]:
    """Return mean `[k]` and anomalies `[member, k]` of the analysis of `etkf`.

    Not symmetric, the root is Cholesky's, for anomalies that will be rotated at random.
    """
    _check_members(ensemble, observed)
    observed, y, covariance = _present(observed, y, covariance)
    mean, a = anomalies_of(ensemble)
    mean_o, yy = anomalies_of(observed)
    weighted = covariance.solve(yy)
    if not is_symmetric:
        w, anomalies = _cholesky_parts(a, weighted @ yy.T, weighted @ (y - mean_o))
        return mean + w @ a, anomalies
    s, v = eigenpairs(weighted @ yy.T)
    s += len(ensemble) - 1
    w = v @ ((v.T @ (weighted @ (y - mean_o))) / s)
    transform = (v * np.sqrt((len(ensemble) - 1) / s)) @ v.T
    return mean + w @ a, transform @ a


def letkf(
    ensemble: Array, observed: Array, y: Array, variance: Array, taper: Array
) -> Array:
    """Return the analysis that sees near observations only `[member, k]`.

    Parameters
    ----------
    ensemble, observed, y
        As for `enkf`.
    variance
        Of uncorrelated observation errors `[obs]`.
    taper
        Share of each observation's weight at each element of the state `[k, obs]`.
    """
    _check_members(ensemble, observed)
    present = _observed(observed, y)
    mean, a = anomalies_of(ensemble)
    mean_o, yy = anomalies_of(observed[:, present])
    n1 = len(ensemble) - 1
    weight = taper[:, present] / variance[present]
    weighted = weight[:, None, :] * yy  # [k, member, obs]
    s, v = np.linalg.eigh(weighted @ yy.T)
    s += n1
    projected = np.einsum("kmi,km->ki", v, weighted @ (y[present] - mean_o))
    w = np.einsum("kmi,ki->km", v, projected / s)
    transform = (v * np.sqrt(n1 / s)[:, None, :]) @ v.transpose(0, 2, 1)
    return mean + np.einsum("knm,mk->nk", transform + w[:, None, :], a)


class Rotations:
    """Random rotations of anomalies that keep mean and covariance.

    Parameters
    ----------
    n_members
        Size of the ensemble.
    rng
        Draws a bank of rotations now, and one of it for each call.
    """

    def __init__(self, n_members: int, rng: np.random.Generator) -> None:
        if n_members < 2:
            raise ConfigurationError(f"'n_members' must be at least 2, found {n_members}")
        n1 = n_members - 1
        noise = rng.standard_normal((BANK, n1, n1))
        q, r = np.linalg.qr(noise)
        q *= np.sign(np.diagonal(r, axis1=1, axis2=2))[:, None, :]  # uniform (Mezzadri)
        # An orthonormal basis whose first vector is along the ones, which stay.
        ones = np.linalg.qr(np.column_stack([np.ones(n_members), np.eye(n_members)[:, 1:]]))
        basis = ones[0][:, 1:]
        self._bank = basis @ q @ basis.T
        self._rng = rng

    def __call__(self, anomalies: Array) -> Array:
        """Return rotated anomalies `[member, k]`, whose mean is zero as before."""
        return self._bank[self._rng.integers(BANK)] @ anomalies


def gaspari_cohn(distance: Array, length: float) -> Array:
    """Return the taper of compact support, zero beyond `2 length`.

    Parameters
    ----------
    distance
        Not negative, any shape.
    length
        Half the support, in the units of the distance.

    Examples
    --------
    >>> gaspari_cohn(np.array([0.0, 1.0, 2.0]), 1.0).round(4)
    array([1.    , 0.2083, 0.    ])
    """
    z = np.asarray(distance, np.float64) / length
    near = 1 - 5 / 3 * z**2 + 5 / 8 * z**3 + z**4 / 2 - z**5 / 4
    beyond = np.maximum(z, 1.0)
    far = 4 - 5 * beyond + 5 / 3 * beyond**2 + 5 / 8 * beyond**3 - beyond**4 / 2
    far += beyond**5 / 12 - 2 / (3 * beyond)
    return np.where(z <= 1.0, near, np.where(z < 2.0, far, 0.0))


def ring_taper(n_sites: int, sites: np.ndarray, length: float) -> Array:
    """Return the taper between the sites of a ring and observed ones `[k, obs]`.

    Parameters
    ----------
    n_sites
        Sites of the ring.
    sites
        Observed ones `[obs]`.
    length
        Of `gaspari_cohn` [sites].
    """
    apart = np.abs(np.arange(n_sites)[:, None] - np.asarray(sites)[None, :])
    return gaspari_cohn(np.minimum(apart, n_sites - apart), length)


def spread(anomalies: Array) -> float:
    """Return the root mean square of the members' deviation from their mean."""
    n_members, n_state = anomalies.shape
    return float(np.sqrt(np.vdot(anomalies, anomalies) / ((n_members - 1) * n_state)))


def require_sane(ensemble: Array) -> Array:
    """Return the ensemble itself.

    Raises
    ------
    AssimilationError
        If it holds NaN, or values that no state of the model has.
    """
    largest = np.maximum.reduce(np.abs(ensemble), axis=None)
    if not largest < DIVERGED:  # NaN fails too
        raise AssimilationError(
            f"the ensemble blew up: its largest value is {largest:.3g}; try more members, "
            "inflation or localization"
        )
    return ensemble


def eigenpairs(matrix: Array) -> tuple[Array, Array]:
    """Return eigenvalues `[n]`, not below 0, and eigenvectors `[n, n]` in columns.

    LAPACK without the checks of scipy's face, which cost as much as the small problem.

    Raises
    ------
    AssimilationError
        If the matrix holds NaN, or LAPACK did not converge.
    """
    values, vectors, info = lapack.dsyevd(matrix.T)  # symmetric, and in Fortran's order
    if info != 0 or not np.isfinite(values[-1]):
        raise AssimilationError("no eigenvalues: the ensemble holds NaN or blew up")
    return np.maximum(values, 0.0), vectors


def _cholesky_parts(a: Array, gram: Array, slope: Array) -> tuple[Array, Array]:
    """Return the weights of the mean `[member]`, and anomalies by a root of Cholesky.

    Raises
    ------
    AssimilationError
        If the matrix is not positive.
    """
    n = len(a)
    gram.flat[:: n + 1] += n - 1
    # LAPACK and BLAS without the checks of scipy's face; a transpose is Fortran's order.
    factor, info = lapack.dpotrf(gram.T, lower=1, clean=1, overwrite_a=1)
    if info != 0:
        raise AssimilationError("no root: the ensemble holds NaN or blew up")
    w = lapack.dpotrs(factor, slope, lower=1)[0]
    root = blas.dtrsm(np.sqrt(n - 1.0), factor, a.T, side=1, lower=1, trans_a=1).T
    normal = np.add.reduce(factor) / np.sqrt(n - 1.0) - 1.0  # of the mirror, times sqrt(N)
    size = float(normal @ normal)
    if size > 0.0:
        root -= ((2.0 / size) * normal)[:, None] * (normal @ root)
    return w, root


def _check_members(ensemble: Array, observed: Array) -> None:
    """Refuse NaN, infinity, and ensembles without a covariance.

    Raises
    ------
    AssimilationError
        If the ensemble or what would be observed of it holds NaN or infinity.
    BindingError
        If there are less than two members, or they are not the same in both.
    """
    if len(observed) != len(ensemble) or len(ensemble) < 2:
        raise BindingError(
            f"the ensemble has {len(ensemble)} members and the observed one "
            f"{len(observed)}, expected two at least, and the same"
        )
    if not (np.isfinite(ensemble).all() and np.isfinite(observed).all()):
        raise AssimilationError("the ensemble holds NaN or infinity")


def anomalies_of(ensemble: Array) -> tuple[Array, Array]:
    """Return mean `[k]` and anomalies `[member, k]`."""
    mean = np.add.reduce(ensemble) / len(ensemble)  # half the time of `mean`
    return mean, ensemble - mean


def _present(
    observed: Array, y: Array, covariance: Covariance
) -> tuple[Array, Array, Covariance]:
    """Return what is left without the missing observations."""
    present = _observed(observed, y)
    if present.all():
        return observed, y, covariance
    return observed[:, present], y[present], covariance.of(present)


def _observed(observed: Array, y: Array) -> npt.NDArray[np.bool_]:
    """Return which observations are there `[obs]`.

    Raises
    ------
    BindingError
        If sizes do not fit, or a value is infinite.
    """
    if observed.shape[1:] != y.shape:
        raise BindingError(
            f"'y' has shape {list(y.shape)}, the observed ensemble has {observed.shape[1]}"
        )
    present = np.isfinite(y)
    if not present.all() and np.isinf(y).any():
        raise BindingError("'y' holds infinity; NaN marks what was not observed")
    return present
