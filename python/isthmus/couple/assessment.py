# SPDX-License-Identifier: MIT
"""A run to be judged, and what is known of it afterwards."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from isthmus.couple.criteria import Finding, Verdict, overall
from isthmus.couple.intervals import Interval
from isthmus.couple.survival import Survival


@dataclass(frozen=True)
class Run:
    """An ensemble run to be judged.

    Attributes
    ----------
    name
        Short name, shown in tables and legends.
    files
        Its output in order of time; empty if the run died at once.
    failure
        The program's last sentence if it stopped on a blow-up, else None.
    planned_end
        Model time the run was to reach, if known.
    forecasts
        Forecasts from the states of `truth_for_forecasts`, if there are any.
    crowd
        Output of many more members, which only have to survive and to conserve.
    provenance
        Command, network, versions, machine time and the like, shown as they are.
    """

    name: str
    files: tuple[Path, ...]
    failure: str | None = None
    planned_end: float | None = None
    forecasts: tuple[Path, ...] = ()
    crowd: tuple[Path, ...] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Assessment:
    """A run with what was measured and how it was judged.

    Attributes
    ----------
    role
        `reference`, `control` or `candidate`.
    survival
        None if the run has no output at all.
    quantities
        Every measured number by name.
    """

    run: Run
    role: str
    survival: Survival | None
    quantities: dict[str, Interval]
    findings: list[Finding]

    @property
    def verdict(self) -> Verdict:
        """Fail if any criterion fails, else undecided if any is, else pass."""
        return overall(self.findings)

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data for JSON."""
        return {
            "name": self.run.name,
            "role": self.role,
            "verdict": str(self.verdict),
            "criteria": [finding.to_dict() for finding in self.findings],
            "quantities": {n: q.to_dict() for n, q in self.quantities.items()},
            "failure": self.run.failure,
            "n_members": self.survival.n_members if self.survival else 0,
            "end_time": self.survival.end if self.survival else None,
            "planned_end": self.run.planned_end,
            "provenance": dict(self.run.provenance),
        }


def share_alive(run: Run, survival: Survival) -> Interval:
    """Return the share of members alive at the end."""
    seen = survival.fraction()
    if run.failure is None:
        return seen
    # The program stopped on the first death: the others might all have followed.
    return Interval(seen.value, 0.0, seen.high)


def judge_completeness(run: Run, survival: Survival, interval: float) -> list[Finding]:
    """Judge that a run came to its planned end: one stopped early has not survived yet.

    Parameters
    ----------
    interval
        Time between two outputs.
    """
    if run.failure is not None or run.planned_end is None:
        return []
    share = min(1.0, survival.end / run.planned_end)
    short = survival.end < run.planned_end - 1.5 * interval
    verdict = Verdict.UNDECIDED if short else Verdict.PASS
    title = "Share of the planned time that was run"
    complete = Interval(share, float("nan"), float("nan"))
    return [Finding("completeness", title, complete, "1", verdict)]
