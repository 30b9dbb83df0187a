# SPDX-License-Identifier: MIT
"""A run to be judged, and what is known of it afterwards."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from isthmus.couple.climate import Climate
from isthmus.couple.criteria import Finding, Verdict, overall
from isthmus.couple.intervals import Interval
from isthmus.couple.skill import Skill


@dataclass(frozen=True)
class Run:
    """An ensemble run to be judged.

    Attributes
    ----------
    name
        Short name, shown in tables and legends.
    files
        Trajectory `x(time, member, k)` in order of time; empty if the run died at once.
    failure
        The program's last sentence if it stopped on a blow-up, else None.
    planned_end
        Model time the run was to reach, if known.
    forecasts
        Forecasts from the states of `truth_for_forecasts`, if there are any.
    provenance
        Command, network, versions, machine time and the like, shown as they are.
    """

    name: str
    files: tuple[Path, ...]
    failure: str | None = None
    planned_end: float | None = None
    forecasts: tuple[Path, ...] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Assessment:
    """A run with what was measured and how it was judged.

    Attributes
    ----------
    role
        `reference`, `control` or `candidate`.
    climate
        None if the run has no output at all.
    quantities
        Every measured number by name: see `comparison.describe` and `comparison.compare`.
    """

    run: Run
    role: str
    climate: Climate | None
    skill: Skill | None
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
            "n_members": self.climate.survival.n_members if self.climate else 0,
            "end_time": self.climate.survival.end if self.climate else None,
            "planned_end": self.run.planned_end,
            "provenance": dict(self.run.provenance),
        }
