# SPDX-License-Identifier: MIT
"""What a coupled run must do to be believed: thresholds, and how they are judged.

A threshold is a statement about the true value, of which a run gives an interval. A
criterion passes if the whole interval is within the threshold, fails if the whole interval
is beyond, and is undecided otherwise: the run is then too short or has too few members to
tell. (For two-sided thresholds this is the test of equivalence by two one-sided tests: D.
J. Schuirmann, J. Pharmacokinet. Biopharm. 15, 657 (1987), doi:10.1007/BF01068419.) So a
short run cannot pass for want of evidence.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from isthmus.couple.intervals import Interval

PERCENT = frozenset(
    [
        "survival",
        "completeness",
        "outside_share",
        "mean_error",
        "sd_error",
        "drift",
        "variance_drift",
        "wasserstein",
        "time_spectrum",
        "error",
        "bias",
    ]
)
"""Criteria that readers are shown in percent; `error: ozone` is one of `error`."""


def quote(key: str, value: float) -> str:
    """Write a value of a criterion as readers are shown it."""
    if not np.isfinite(value):
        return "no data"
    return f"{100 * value:.3g} %" if key.partition(":")[0] in PERCENT else f"{value:.3g}"


class Verdict(StrEnum):
    """Outcome of a criterion or of a run."""

    PASS = "pass"
    FAIL = "fail"
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class Criteria:
    """Thresholds, in standard deviations of the reference (sd) unless said otherwise.

    The defaults say that a user of the climate would not notice the network. They are
    argued for chaotic systems whose statistics converge, such as Lorenz-96.
    """

    survival_low: float = 0.9
    """All members must survive, and enough of them run that the true share is above this:
    100 of 100 gives 0.938; 60 of 60 is the fewest that can pass."""
    mean_error: float = 0.005
    """Error of the mean. Half a percent is what two good closures of a model differ by."""
    sd_error: float = 0.005
    """Relative error of the standard deviation, as for the mean."""
    drift: float = 0.01
    """Change of the ensemble mean over the whole run, from its linear trend. A drift shifts
    the mean of the run by half of it: this is the allowance of the mean, used up."""
    variance_drift: float = 0.02
    """Change of the variance over the run, relative; 2 % is 1 % of sd."""
    wasserstein: float = 0.01
    """Wasserstein-1 distance of the distributions. It is at least the error of the mean;
    twice that allowance leaves as much for the shape."""
    wasserstein_ratio: float = 0.5
    """The same distance relative to the run without a network: one that does not at least
    halve it is not worth its cost."""
    site_correlation: float = 0.05
    """Largest error of the correlation at any distance."""
    autocorrelation: float = 0.1
    """Largest error of the correlation at any time lag. A frozen ensemble can have a
    perfect distribution; this sees it. Wider than the limits of the distribution, because a
    closure that is a function of x cannot have the scatter of the unresolved level: in
    two-level Lorenz-96 the linear regression errs by 0.058, no closure by 0.20."""
    time_spectrum: float = 0.1
    """Share of variance at the wrong frequency; wider for the same reason (0.051, 0.66)."""
    outside_share: float = 0.01
    """Share of values outside the training range: there the network extrapolates. A few are
    no harm: a long run of nature itself leaves the range of a short one."""
    valid_time_ratio: float = 1.0
    """Valid forecast time relative to the run without a network: the network must help."""

    def __post_init__(self) -> None:
        """Refuse thresholds that no run or every run would meet."""
        for name, value in vars(self).items():
            if not (np.isfinite(value) and value > 0):
                raise ValueError(f"criteria: '{name}' must be positive, found {value}")


@dataclass(frozen=True)
class Finding:
    """One criterion, judged.

    Attributes
    ----------
    key
        Name of the criterion, as in `Criteria`.
    title
        What was measured, with its unit, for a reader.
    measured
        The estimate with its interval.
    limit
        The threshold as text, in the unit of `quote`.
    verdict
        Pass, fail or undecided.
    """

    key: str
    title: str
    measured: Interval
    limit: str
    verdict: Verdict

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data for JSON."""
        return {
            "criterion": self.key,
            "title": self.title,
            "limit": self.limit,
            "verdict": str(self.verdict),
            **self.measured.to_dict(),
        }


def _verdict(measured: Interval, *, within: bool, beyond: bool) -> Verdict:
    """Turn two comparisons into a verdict; without a finite interval nothing is decided."""
    if not np.all(np.isfinite([measured.value, measured.low, measured.high])):
        return Verdict.UNDECIDED
    if within:
        return Verdict.PASS
    return Verdict.FAIL if beyond else Verdict.UNDECIDED


def judge_magnitude(key: str, title: str, measured: Interval, limit: float) -> Finding:
    """Judge that a signed value is within `[-limit, limit]`."""
    within = -limit <= measured.low and measured.high <= limit
    beyond = measured.low > limit or measured.high < -limit
    verdict = _verdict(measured, within=within, beyond=beyond)
    return Finding(key, title, measured, f"within ±{quote(key, limit)}", verdict)


def judge_at_most(key: str, title: str, measured: Interval, limit: float) -> Finding:
    """Judge that a value is at most `limit`."""
    verdict = _verdict(measured, within=measured.high <= limit, beyond=measured.low > limit)
    return Finding(key, title, measured, f"≤ {quote(key, limit)}", verdict)


def judge_at_least(key: str, title: str, measured: Interval, limit: float) -> Finding:
    """Judge that a value is at least `limit`."""
    verdict = _verdict(measured, within=measured.low >= limit, beyond=measured.high < limit)
    return Finding(key, title, measured, f"≥ {quote(key, limit)}", verdict)


def judge_survival(measured: Interval, low: float) -> Finding:
    """Judge that all members survived and that they were enough to say so."""
    dead = measured.value < 1.0
    verdict = _verdict(measured, within=not dead and measured.low >= low, beyond=dead)
    limit = f"all; true share ≥ {quote('survival', low)}"
    return Finding("survival", "Members alive at the end", measured, limit, verdict)


def overall(findings: list[Finding]) -> Verdict:
    """Return fail if any criterion fails, else undecided if any is, else pass."""
    verdicts = {finding.verdict for finding in findings}
    for verdict in (Verdict.FAIL, Verdict.UNDECIDED):
        if verdict in verdicts:
            return verdict
    return Verdict.PASS
