# SPDX-License-Identifier: MIT
"""Judge runs of driven systems member by member: each has a twin in the reference.

Lorenz-96 forgets its first state, so its runs are judged by their climate (`stability`). A
rain shaft or a box of chemistry does not: member i of every run has the forcing and the
first state of member i of the reference, and is compared with it, time by time:

    e = (value - value of the reference)/sd,   sd over members and times of the reference

for each quantity that the system names. Intervals are bootstraps over members, the same
members being drawn for a run and for the control.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from isthmus.couple.assessment import Assessment, Run, judge_completeness, share_alive
from isthmus.couple.criteria import (
    Finding,
    judge_at_most,
    judge_magnitude,
    judge_survival,
)
from isthmus.couple.intervals import (
    N_REPLICATES,
    Interval,
    member_weights,
    percentile_interval,
    wilson_interval,
)
from isthmus.couple.judgement import Judgement, check_names
from isthmus.couple.survival import Survival
from isthmus.errors import DataError

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Quantity:
    """What members are compared by: its name in `Series.values`, for readers, its unit."""

    name: str
    title: str
    unit: str


@dataclass(frozen=True)
class Series:
    """What a run did, member by member.

    Attributes
    ----------
    times
        Output times `[time]`.
    values
        Quantities by name `[time, member]`.
    is_physical
        Whether the whole state of a member is finite and possible `[time, member]`.
    imbalance
        Largest relative error of what must be conserved `[time, member]`, if anything.
    """

    times: Array
    values: Mapping[str, Array]
    is_physical: Mask
    imbalance: Array | None = None

    @property
    def alive(self) -> Mask:
        """Who is physical now and ever before `[time, member]`."""
        return np.asarray(np.logical_and.accumulate(self.is_physical, axis=0))

    @property
    def survival(self) -> Survival:
        """When the members died."""
        alive = self.alive
        first = self.times[np.argmin(alive, axis=0)]  # time of the first False
        deaths = np.where(alive[-1], np.inf, first)
        return Survival(deaths, float(self.times[0]), float(self.times[-1]))


Reader = Callable[[Sequence[Path]], Series]


@dataclass(frozen=True)
class PairedCriteria:
    """Limits of the verdicts; lengths are standard deviations of the reference (sd)."""

    survival_low: float = 0.9
    """All members must survive, and enough of them run that the true share is above."""
    imbalance: float = 1e-10
    """Relative error of what must be conserved: rounding of long sums, nothing else."""
    error: float = 0.5
    """Root mean square error of each quantity."""
    bias: float = 0.2
    """Mean error of each quantity."""
    drift: float = 0.4
    """Growth of the mean error over the run, from its linear trend."""
    error_ratio: float | None = 1.0
    """Error relative to the control: a network must be better than what it replaces. None:
    not asked, where it replaces a scheme that is nearly exact."""

    def __post_init__(self) -> None:
        """Refuse thresholds that no run or every run would meet."""
        for name, value in vars(self).items():
            if value is not None and not (np.isfinite(value) and value > 0):
                raise ValueError(f"criteria: '{name}' must be positive, found {value}")


@dataclass(frozen=True, kw_only=True)
class PairedAssessment(Assessment):
    """A run judged against its twin; no series if it has no output."""

    series: Series | None


@dataclass(frozen=True, kw_only=True)
class PairedReport(Judgement[PairedAssessment]):
    """Runs judged member by member."""

    criteria: PairedCriteria
    quantities: tuple[Quantity, ...]
    scales: Mapping[str, float]

    @property
    def scale_note(self) -> str:
        """What `sd` is for each quantity."""
        scales = (f"{q.title} {self.scales[q.name]:.3g} {q.unit}" for q in self.quantities)
        return (
            "sd is the standard deviation of the reference over members and times: "
            + ", ".join(scales)
            + "."
        )

    @property
    def titles(self) -> Mapping[str, str]:
        """Titles of the means that the report shows."""
        return {f"mean: {q.name}": f"Mean of {q.title} [{q.unit}]" for q in self.quantities}

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the curves as plain data for JSON."""
        return super().to_dict() | {
            "criteria": vars(self.criteria),
            "sd": dict(self.scales),
        }


def assess_pairs(
    reference: Run,
    candidates: Sequence[Run],
    *,
    read: Reader,
    quantities: Sequence[Quantity],
    control: Run | None = None,
    criteria: PairedCriteria | None = None,
    metadata: Mapping[str, Any] | None = None,
    time_unit: str = "time units",
    n_replicates: int = N_REPLICATES,
    seed: int = 0,
) -> PairedReport:
    """Judge candidate runs against the reference, member by member.

    Parameters
    ----------
    reference, control, candidates
        The runs; member i of each has the same first state and forcing. The `crowd` of a
        run is judged by survival and conservation only.
    read
        Returns the series of output files.
    quantities
        What members are compared by.
    time_unit
        Of the output times.

    Raises
    ------
    ConfigurationError
        If there is no candidate, or two runs have one name.
    DataError
        If the reference is no sound reference, or runs do not pair.
    """
    check_names([reference, *([control] if control else []), *candidates])
    judge = _PairedJudge(
        read, tuple(quantities), criteria or PairedCriteria(), n_replicates, seed
    )
    judged_reference = judge.read_reference(reference)
    return PairedReport(
        reference=judged_reference,
        control=judge.assess(control, "control") if control else None,
        candidates=[judge.assess(run, "candidate") for run in candidates],
        metadata=metadata or {},
        time_unit=time_unit,
        criteria=judge.criteria,
        quantities=judge.quantities,
        scales=judge.scales,
    )


@dataclass
class _MemberErrors:
    """Errors of one quantity [sd], each by member `[member]`; NaN of those that died."""

    square: Array
    mean: Array
    growth: Array


def _with_unseen(run: Run, survival: Survival) -> Survival:
    """Count a member that the program stopped on: its death is in no file."""
    return survival if run.failure is None else replace(survival, n_unseen=1)


class _PairedJudge:
    """Reads runs one after the other and judges them against the first, the reference."""

    def __init__(
        self,
        read: Reader,
        quantities: tuple[Quantity, ...],
        criteria: PairedCriteria,
        n_replicates: int,
        seed: int,
    ) -> None:
        self.read, self.quantities, self.criteria = read, quantities, criteria
        self.n_replicates, self.seed = n_replicates, seed
        self.scales: dict[str, float] = {}
        self.control: dict[str, _MemberErrors] = {}

    def read_reference(self, run: Run) -> PairedAssessment:
        """Read the reference and make it the measure of all others."""
        self.reference = self.read(run.files)
        n_dead = self.reference.survival.n_dead
        if n_dead or run.failure is not None:
            raise DataError(
                f"reference run '{run.name}': {n_dead} of its members do not survive"
            )
        for quantity in self.quantities:
            sd = float(self.reference.values[quantity.name].std())
            if not sd > 0.0:
                raise DataError(f"reference run: '{quantity.name}' does not vary")
            self.scales[quantity.name] = sd
        n_members = self.reference.is_physical.shape[1]
        drawn = member_weights(n_members, n_replicates=self.n_replicates, seed=self.seed)
        self.weights = np.concatenate([np.ones((1, n_members)), drawn])
        return PairedAssessment(
            run=run,
            role="reference",
            survival=self.reference.survival,
            quantities=self._means(self.reference),
            findings=[],
            series=self.reference,
        )

    def assess(self, run: Run, role: str) -> PairedAssessment:
        """Judge a run."""
        if not run.files:
            findings = [judge_survival(wilson_interval(0, 1), self.criteria.survival_low)]
            return PairedAssessment(
                run=run,
                role=role,
                survival=None,
                quantities={},
                findings=findings,
                series=None,
            )
        series = self.read(run.files)
        self._require_twins(run, series)
        quantities = self._means(series)
        findings = self._conduct(run, series, quantities)
        errors = {q.name: self._errors(series, q.name) for q in self.quantities}
        for quantity in self.quantities:
            findings += self._accuracy(quantity, errors[quantity.name])
            limit = self.criteria.error_ratio
            if self.control and role == "candidate" and limit is not None:
                findings.append(self._worth(quantity, errors[quantity.name], limit))
        if role == "control":
            self.control = errors
        return PairedAssessment(
            run=run,
            role=role,
            survival=_with_unseen(run, series.survival),
            quantities=quantities,
            findings=findings,
            series=series,
        )

    def _require_twins(self, run: Run, series: Series) -> None:
        """Make sure that members and times are those of the reference."""
        n, expected = series.is_physical.shape[1], self.reference.is_physical.shape[1]
        if n != expected:
            raise DataError(f"run '{run.name}' has {n} members, the reference {expected}")
        both = min(series.times.size, self.reference.times.size)
        if not np.allclose(series.times[:both], self.reference.times[:both]):
            raise DataError(f"run '{run.name}' has other output times than the reference")

    def _conduct(
        self, run: Run, series: Series, quantities: dict[str, Interval]
    ) -> list[Finding]:
        """Judge survival and conservation, of the crowd if there is one."""
        seen = self.read(run.crowd) if run.crowd else series
        survival = _with_unseen(run, seen.survival)
        quantities["survival"] = share_alive(run, survival)
        findings = [judge_survival(quantities["survival"], self.criteria.survival_low)]
        interval = float(np.diff(seen.times).mean()) if seen.times.size > 1 else np.nan
        findings += judge_completeness(run, survival, interval)
        if seen.imbalance is not None:
            worst = float(np.max(seen.imbalance, where=seen.alive, initial=0.0))
            # Every member at every time was looked at: there is nothing to sample.
            exact = Interval(worst, worst, worst)
            title = "Largest error of what must be conserved [relative]"
            findings.append(
                judge_at_most("imbalance", title, exact, self.criteria.imbalance)
            )
        return findings

    def _errors(self, series: Series, name: str) -> _MemberErrors:
        """Return the errors of a quantity by member."""
        both = min(series.times.size, self.reference.times.size)
        alive = series.alive[:both]
        difference = series.values[name][:both] - self.reference.values[name][:both]
        error = np.where(alive, difference, np.nan) / self.scales[name]
        error[:, ~alive.all(axis=0)] = np.nan
        times = series.times[:both] - series.times[:both].mean()
        spread = float((times**2).sum()) or np.nan
        duration = float(np.ptp(series.times[:both]))
        growth = duration * (times @ error) / spread
        return _MemberErrors((error**2).mean(axis=0), error.mean(axis=0), growth)

    def _accuracy(self, quantity: Quantity, errors: _MemberErrors) -> list[Finding]:
        """Judge error, bias and drift."""
        limits, name = self.criteria, quantity.name
        root = np.sqrt(self._average(errors.square))
        return [
            judge_at_most(
                f"error: {name}",
                f"Error of {quantity.title} [% of sd]",
                self._interval(root),
                limits.error,
            ),
            judge_magnitude(
                f"bias: {name}",
                f"Mean error of {quantity.title} [% of sd]",
                self._interval(self._average(errors.mean)),
                limits.bias,
            ),
            judge_magnitude(
                f"drift: {name}",
                f"Growth of the mean error of {quantity.title} over the run [% of sd]",
                self._interval(self._average(errors.growth)),
                limits.drift,
            ),
        ]

    def _worth(self, quantity: Quantity, errors: _MemberErrors, limit: float) -> Finding:
        """Judge a network against the control, on the members that both kept."""
        mine, other = errors.square, self.control[quantity.name].square
        both = np.isfinite(mine) & np.isfinite(other)
        squares = (np.where(both, e, np.nan) for e in (mine, other))
        top, bottom = (self._average(square) for square in squares)
        ratio = np.sqrt(top / np.maximum(bottom, np.finfo(float).tiny))
        return judge_at_most(
            f"error_ratio: {quantity.name}",
            f"Error of {quantity.title} relative to the control",
            self._interval(ratio),
            limit,
        )

    def _means(self, series: Series) -> dict[str, Interval]:
        """Return the mean of each quantity over members and times."""
        means = {}
        for quantity in self.quantities:
            values = np.where(series.alive, series.values[quantity.name], np.nan)
            found = np.isfinite(values).any(axis=0)
            by_member = np.full(values.shape[1], np.nan)
            by_member[found] = np.nanmean(values[:, found], axis=0)
            means[f"mean: {quantity.name}"] = self._interval(self._average(by_member))
        return means

    def _average(self, by_member: Array) -> Array:
        """Return the mean of the members that have a value, a row for each replicate."""
        known = np.isfinite(by_member)
        count = self.weights @ known.astype(np.float64)
        total = self.weights @ np.where(known, by_member, 0.0)
        result = np.full(count.shape, np.nan)
        np.divide(total, count, out=result, where=count > 0)
        return result

    def _interval(self, rows: Array) -> Interval:
        """Return the interval of a statistic from its rows (estimate, replicates)."""
        return percentile_interval(
            float(rows[0]), rows[1:], n_members=self.weights.shape[1]
        )
