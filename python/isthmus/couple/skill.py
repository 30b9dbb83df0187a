# SPDX-License-Identifier: MIT
"""Forecast skill by lead time, from forecasts started at states of the truth.

Truth and forecast are files `x(time, member, k)` whose members are pairs: member i of both
starts from the same state. Lead time counts from the first output. For case i and lead t

    MSE_i(t)  = mean_k (f - x)^2
    RMSE(t)   = sqrt(mean_i MSE_i(t))
    ACC_i(t)  = sum_k f' x' / sqrt(sum_k f'^2 sum_k x'^2),   f' = f - climatological mean

The error of two unrelated states saturates at sqrt(2) climatological standard deviations.
The valid time of a case is the first lead at which sqrt(MSE_i) exceeds 0.4 of that, 0.57
standard deviations: between the 0.4 and 0.5 of the state's norm or standard deviation that
are usual for chaotic systems (J. Pathak et al., Phys. Rev. Lett. 120, 024102 (2018),
doi:10.1103/PhysRevLett.120.024102; P. R. Vlachas et al., Neural Networks 126, 191 (2020),
doi:10.1016/j.neunet.2020.02.016).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from isthmus.couple.intervals import (
    LEVEL,
    N_REPLICATES,
    Interval,
    member_weights,
    percentile_interval,
    percentile_limits,
)
from isthmus.couple.trajectories import Trajectory
from isthmus.errors import DataError

Array = npt.NDArray[np.float64]

VALID_SHARE = 0.4  # of the saturated error sqrt(2) sd; see the top of this module
START_TOLERANCE = 1e-5  # of the standard deviation: files may hold single precision


@dataclass(frozen=True)
class Climatology:
    """Mean, standard deviation and leading Lyapunov exponent of the truth."""

    mean: float
    sd: float
    lyapunov_exponent: float | None = None  # [1 / time unit]


@dataclass(frozen=True)
class Curve:
    """A quantity by lead time with its confidence limits, each `[lead]`."""

    value: Array
    low: Array
    high: Array


@dataclass(frozen=True)
class Skill:
    """Errors of every case at every lead; scores and their intervals follow from them.

    Attributes
    ----------
    leads
        Lead times [1] `[lead]`.
    squared_error
        Mean over sites of the squared error `[case, lead]`; infinite where the forecast is.
    correlation
        Anomaly correlation of each case `[case, lead]`; NaN where undefined.
    climatology
        What errors are compared with.
    """

    leads: Array
    squared_error: Array
    correlation: Array
    climatology: Climatology
    seed: int = 0
    n_replicates: int = N_REPLICATES
    level: float = LEVEL

    @property
    def n_cases(self) -> int:
        """Number of forecasts."""
        return int(self.squared_error.shape[0])

    @property
    def saturation(self) -> float:
        """RMSE of two unrelated states of the climate [unit of x]."""
        return float(np.sqrt(2.0) * self.climatology.sd)

    def _weights(self) -> Array:
        """Return bootstrap weights; equal seeds pair the cases of two forecasts."""
        drawn = member_weights(self.n_cases, n_replicates=self.n_replicates, seed=self.seed)
        return drawn / self.n_cases

    def _curve(self, value: Array, replicates: Array) -> Curve:
        low, high = percentile_limits(replicates, self.level, n_members=self.n_cases)
        return Curve(value, low, high)

    def _interval(self, value: float, replicates: Array) -> Interval:
        return percentile_interval(value, replicates, self.level, n_members=self.n_cases)

    def rmse(self) -> Curve:
        """Return the root of the mean squared error over cases and sites."""
        capped = self._capped_error()
        return self._curve(np.sqrt(capped.mean(axis=0)), np.sqrt(self._weights() @ capped))

    def rmse_mean(self) -> Array:
        """Return the mean over cases of each case's RMSE `[lead]`, as some papers score."""
        return np.asarray(np.sqrt(self._capped_error()).mean(axis=0))

    def _capped_error(self) -> Array:
        """Return squared errors, those that overflowed set to 1e30."""
        return np.minimum(np.nan_to_num(self.squared_error, nan=1e30, posinf=1e30), 1e30)

    def acc(self) -> Curve:
        """Return the mean anomaly correlation of the cases; undefined ones count as 0."""
        filled = np.nan_to_num(self.correlation, nan=0.0)
        return self._curve(filled.mean(axis=0), self._weights() @ filled)

    def valid_times(self) -> Array:
        """Return the valid time of each case [1] `[case]`, interpolated between leads.

        A case that never exceeds the threshold gets the last lead: see `share_censored`.
        """
        threshold = VALID_SHARE * self.saturation
        error = np.sqrt(self._capped_error())
        times = np.full(self.n_cases, self.leads[-1])
        for case in np.flatnonzero((error > threshold).any(axis=1)):
            after = int(np.argmax(error[case] > threshold))
            if after == 0:
                times[case] = self.leads[0]
                continue
            e0, e1 = error[case, after - 1], error[case, after]
            t0, t1 = self.leads[after - 1], self.leads[after]
            times[case] = t0 + (t1 - t0) * (threshold - e0) / (e1 - e0)
        return times

    def share_censored(self) -> float:
        """Return the share of cases that stayed valid to the last lead."""
        threshold = VALID_SHARE * self.saturation
        never = ~(np.sqrt(self._capped_error()) > threshold).any(axis=1)
        return float(never.mean())

    def valid_time(self) -> Interval:
        """Return the mean valid time over cases [time units]."""
        times = self.valid_times()
        return self._interval(float(times.mean()), self._weights() @ times)

    def valid_time_lyapunov(self) -> Interval | None:
        """Return the mean valid time in Lyapunov times, if the exponent is known."""
        exponent = self.climatology.lyapunov_exponent
        return None if exponent is None else self.valid_time().scaled(exponent)

    def valid_time_ratio(self, other: "Skill") -> Interval:
        """Return this valid time over another's, the same cases being drawn for both.

        Raises
        ------
        DataError
            If the two do not have the same number of cases.
        """
        if other.n_cases != self.n_cases:
            raise DataError(
                f"skill: {self.n_cases} cases cannot be paired with {other.n_cases}"
            )
        weights, mine, others = self._weights(), self.valid_times(), other.valid_times()
        tiny = 1e-12 * max(1.0, float(self.leads[-1]))
        replicates = (weights @ mine) / np.maximum(weights @ others, tiny)
        value = mine.mean() / max(float(others.mean()), tiny)
        return self._interval(float(value), replicates)


def forecast_skill(
    truth: Trajectory,
    forecast: Trajectory,
    climatology: Climatology,
    *,
    seed: int = 0,
    n_replicates: int = N_REPLICATES,
    piece_times: int = 64,
    check_start: bool = True,
) -> Skill:
    """Score forecasts against the truth at the leads both have.

    Parameters
    ----------
    truth, forecast
        Runs whose members are pairs and whose first outputs are the same states.
    climatology
        Mean and standard deviation of the truth's climate.
    check_start
        Whether the first states must be equal; off for starts with errors on purpose.

    Raises
    ------
    DataError
        If the runs have other members, sites or output times, or do not start together.
    """
    _check_pair(truth, forecast)
    errors, correlations, n_leads = [], [], min(truth.n_times, forecast.n_times)
    done = 0
    for x, f in zip(truth.pieces(piece_times), forecast.pieces(piece_times), strict=False):
        both = min(x.shape[0], f.shape[0])
        if done == 0 and check_start:
            _check_start(x[0], f[0], climatology.sd)
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            error, correlation = _score(x[:both], f[:both], climatology.mean)
        errors.append(error)
        correlations.append(correlation)
        done += both
    if done != n_leads:
        raise DataError("skill: truth and forecast are split into files at other times")
    return Skill(
        leads=truth.times[:n_leads] - truth.times[0],
        squared_error=np.concatenate(errors).T,
        correlation=np.concatenate(correlations).T,
        climatology=climatology,
        seed=seed,
        n_replicates=n_replicates,
    )


def _score(x: Array, f: Array, mean: float) -> tuple[Array, Array]:
    """Return squared error and anomaly correlation `[time, case]` of one piece."""
    error = ((f - x) ** 2).mean(axis=2)
    error[~np.isfinite(error)] = np.inf
    a, b = x - mean, f - mean
    norm = np.sqrt((a * a).sum(axis=2) * (b * b).sum(axis=2))
    correlation = (a * b).sum(axis=2) / norm
    correlation[~np.isfinite(correlation)] = np.nan
    return error, correlation


def _check_pair(truth: Trajectory, forecast: Trajectory) -> None:
    """Make sure that two runs can be compared time by time."""
    for name in ("n_members", "n_sites"):
        if getattr(truth, name) != getattr(forecast, name):
            raise DataError(
                f"skill: the forecast has {name} = {getattr(forecast, name)}, "
                f"the truth {getattr(truth, name)}"
            )
    both = min(truth.n_times, forecast.n_times)
    leads = [run.times[:both] - run.times[0] for run in (truth, forecast)]
    if both < 2 or not np.allclose(
        leads[0], leads[1], rtol=1e-6, atol=1e-6 * truth.interval
    ):
        raise DataError(
            f"skill: truth (every {truth.interval:g}) and forecast (every "
            f"{forecast.interval:g}) do not have the same output times"
        )


def _check_start(x: Array, f: Array, sd: float) -> None:
    """Make sure that forecasts start from states of the truth."""
    gap = float(np.abs(x - f).max())
    if not gap <= START_TOLERANCE * sd:
        raise DataError(
            f"skill: forecasts must start from the truth's states, but their first states "
            f"differ by {gap:g}, {gap / sd:.1e} standard deviations"
        )
