# SPDX-License-Identifier: MIT
"""Learn from training data where a network may be believed: ranges and a distance.

Ranges are quantiles of each element (or of a whole variable), widened by a margin. The
Mahalanobis distance sees what ranges cannot: values that are usual one by one and never
occurred together. Its covariance is shrunk towards its diagonal, so that it can be inverted
where elements are nearly dependent, as neighbouring levels are.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

import numpy as np
from torch import Tensor

from ..contract import Guard, Limits, Mahalanobis
from ..errors import ExportError

Samples = Mapping[str, "np.ndarray[Any, Any] | Tensor"]
Matrix = np.ndarray[tuple[int, int], np.dtype[np.float64]]

HELD_OUT: Final = 5
"""Every fifth sample sets the threshold; the others the mean and the covariance."""
LARGEST_DISTANCE: Final = 512
"""Elements in the distance: its matrix is part of the contract, and costs n^2 a sample."""
FEWEST_SAMPLES: Final = 20
RIDGE: Final = 1e-6
"""Smallest variance kept in a direction, relative to the mean variance [1]."""


def learn_guard(
    samples: Samples,
    quantiles: tuple[float, float] = (0.001, 0.999),
    *,
    margin: float = 0.1,
    per: Literal["element", "variable"] = "element",
    mahalanobis: bool | Sequence[str] = True,
    fraction: float = 0.001,
    outputs: Sequence[str] = (),
) -> Guard:
    """Return a guard from training data.

    Parameters
    ----------
    samples
        By variable: [sample, ...], the values a host will bind, in the variable's units.
    quantiles
        Of the data, which become the limits.
    margin
        Widens the limits on both sides, as a share of the distance between them.
    per
        `"element"`: limits for each element of a sample; `"variable"`: one pair for all.
    mahalanobis
        Whether to learn the distance of all inputs, or the inputs to learn it of.
    fraction
        Share of samples like these that the distance flags (false alarms). Held-out samples
        tell the threshold where there are enough, else the chi-square distribution.
    outputs
        Which of `samples` are outputs of the network; the others are inputs.

    Raises
    ------
    ExportError
        If the data are too few, not finite or not of one length.
    """
    if not 0.0 <= quantiles[0] < quantiles[1] <= 1.0:
        raise ExportError(f"quantiles is {quantiles}, expected two rising within 0 to 1")
    if not 0.0 < fraction < 1.0 or margin < 0.0:
        raise ExportError(
            f"fraction is {fraction} and margin {margin}, expected within 0 to 1 and >= 0"
        )
    data = {name: _flattened(name, values) for name, values in samples.items()}
    for name in outputs:
        if name not in data:
            raise ExportError(f"outputs names '{name}', which samples lacks")
    limits = {n: _limits(values, quantiles, margin, per) for n, values in data.items()}
    inputs = [name for name in data if name not in outputs]
    chosen = inputs if mahalanobis is True else list(mahalanobis or ())
    return Guard(
        inputs={name: limits[name] for name in inputs},
        outputs={name: limits[name] for name in outputs},
        quantiles=quantiles,
        mahalanobis=_distance(data, chosen, fraction) if chosen else None,
    )


def flagged(guard: Guard, samples: Samples) -> "np.ndarray[Any, np.dtype[np.bool_]]":
    """Return which samples a guard flags: the rule of docs/contract.md, in NumPy [sample].

    Parameters
    ----------
    guard
        Its limits and distance; fixers play no part.
    samples
        By variable: [sample, ...].
    """
    data = {
        name: np.asarray(values, np.float64).reshape(len(values), -1)
        for name, values in samples.items()
    }
    result = np.zeros(len(next(iter(data.values()))), np.bool_)
    for name, limits in {**guard.inputs, **guard.outputs}.items():
        if name not in data:
            continue
        values = data[name]
        low = _filled(limits.low, -np.inf, values.shape[1])
        high = _filled(limits.high, np.inf, values.shape[1])
        result |= ~((values >= low) & (values <= high) & np.isfinite(values)).all(axis=1)
    distance = guard.mahalanobis
    if distance is not None:
        f = np.concatenate([data[name] for name in distance.inputs], axis=1)
        z = (f - np.array(distance.mean)) @ np.array(distance.whitening).T
        result |= ~((z * z).sum(axis=1) <= distance.threshold)
    return result


# Helpers


def _flattened(name: str, values: "np.ndarray[Any, Any] | Tensor") -> Matrix:
    array = values.detach().cpu().numpy() if isinstance(values, Tensor) else values
    array = np.asarray(array, np.float64)
    if array.ndim < 1 or len(array) < FEWEST_SAMPLES:
        raise ExportError(
            f"'{name}' has shape {list(array.shape)}, expected [sample, ...] with at least"
            f" {FEWEST_SAMPLES} samples"
        )
    if not np.isfinite(array).all():
        raise ExportError(f"'{name}' has values that are not finite")
    return array.reshape(len(array), -1)


def _limits(
    values: Matrix, quantiles: tuple[float, float], margin: float, per: str
) -> Limits:
    low, high = np.quantile(values, quantiles, axis=0 if per == "element" else None)
    slack = margin * (high - low)
    low, high = low - slack, high + slack
    if per == "element":
        return Limits(tuple(low.tolist()), tuple(high.tolist()))
    return Limits(float(low), float(high))


def _filled(limit: object, absent: float, size: int) -> "np.ndarray[Any, Any]":
    values = limit if isinstance(limit, tuple) else (limit,) * size
    return np.array([absent if value is None else value for value in values])


def _distance(
    data: Mapping[str, Matrix], names: Sequence[str], fraction: float
) -> Mahalanobis:
    for name in names:
        if name not in data:
            raise ExportError(f"mahalanobis names '{name}', which samples lacks")
    lengths = {len(data[name]) for name in names}
    if len(lengths) != 1:
        raise ExportError(f"the variables have {sorted(lengths)} samples: give one length")
    f = np.concatenate([data[name] for name in names], axis=1)
    if f.shape[1] > LARGEST_DISTANCE:
        raise ExportError(
            f"a sample has {f.shape[1]} elements, too many for a distance (at most"
            f" {LARGEST_DISTANCE}): name fewer inputs in mahalanobis, or pass False"
        )
    is_held_out = np.arange(len(f)) % HELD_OUT == 0
    training, held_out = f[~is_held_out], f[is_held_out]
    mean = training.mean(axis=0)
    whitening = _whitening(training - mean)
    z = (held_out - mean) @ whitening.T
    return Mahalanobis(
        inputs=tuple(names),
        mean=tuple(mean.tolist()),
        whitening=tuple(tuple(row) for row in whitening.tolist()),
        threshold=_threshold((z * z).sum(axis=1), f.shape[1], fraction),
    )


def _whitening(deviations: Matrix) -> Matrix:
    """Return `W` with `W C W^T = 1` for the shrunk covariance `C` of these deviations.

    Elements are scaled by their spread first; an element that never varies is ignored: its
    range alone guards it.
    """
    n, size = deviations.shape
    spread = deviations.std(axis=0)
    varies = spread > 0.0
    scale = np.divide(1.0, spread, out=np.zeros(size), where=varies)
    scaled = deviations * scale
    correlation = scaled.T @ scaled / n
    shrinkage = _shrinkage(scaled, correlation)
    correlation = (1.0 - shrinkage) * correlation + shrinkage * np.diag(varies * 1.0)
    variances, directions = np.linalg.eigh(correlation[np.ix_(varies, varies)])
    floor = RIDGE * max(float(variances.mean()), 1.0) if len(variances) else 1.0
    whitening = np.zeros((len(variances), size))
    whitening[:, varies] = (directions / np.sqrt(np.maximum(variances, floor))).T
    if not len(variances):
        raise ExportError("no input varies: there is no distance to learn")
    scaled_back: Matrix = whitening * scale
    return scaled_back


def _shrinkage(scaled: Matrix, correlation: Matrix) -> float:
    """Return how far to move correlations towards 0 [1].

    Schaefer and Strimmer (2005), doi:10.2202/1544-6115.1175: the variance of the estimated
    correlations over their squares.
    """
    n = len(scaled)
    squares = (scaled * scaled).T @ (scaled * scaled) / n
    variance = (squares - correlation * correlation) / max(n - 1, 1)
    off = ~np.eye(len(correlation), dtype=bool)
    total = float((correlation[off] ** 2).sum())
    return float(np.clip(variance[off].sum() / total, 0.0, 1.0)) if total > 0.0 else 1.0


def _threshold(distances: "np.ndarray[Any, Any]", size: int, fraction: float) -> float:
    """Return the quantile of held-out distances; chi-square where they are too few."""
    if fraction * len(distances) >= 1.0:
        return float(np.quantile(distances, 1.0 - fraction))
    from scipy.stats import chi2

    return max(float(chi2.ppf(1.0 - fraction, size)), float(distances.max()))
