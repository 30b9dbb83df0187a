# SPDX-License-Identifier: MIT
"""The judged runs of a system, whatever it is, and the sentence that sums them up."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from isthmus.couple.assessment import Assessment, Run
from isthmus.couple.criteria import Verdict
from isthmus.couple.intervals import LEVEL
from isthmus.errors import ConfigurationError

A = TypeVar("A", bound=Assessment)


@dataclass(frozen=True, kw_only=True)
class Judgement(Generic[A]):
    """The judged runs; `report.write_report` turns them into pages."""

    reference: A
    control: A | None
    candidates: list[A]
    metadata: Mapping[str, Any]
    time_unit: str = "time units"
    level: float = LEVEL

    @property
    def runs(self) -> list[A]:
        """All runs: reference, control, candidates."""
        control = [self.control] if self.control else []
        return [self.reference, *control, *self.candidates]

    @property
    def scale_note(self) -> str:
        """What `sd` means in the criteria."""
        return "sd is the standard deviation of the reference."

    @property
    def titles(self) -> Mapping[str, str]:
        """Titles of the quantities that the report shows."""
        return {}

    @property
    def sentence(self) -> str:
        """The verdict in one sentence."""
        parts = []
        for verdict, verb in (
            (Verdict.PASS, "passes"),
            (Verdict.FAIL, "fails"),
            (Verdict.UNDECIDED, "is undecided"),
        ):
            for candidate in self.candidates:
                if candidate.verdict is verdict:
                    parts.append(f"{candidate.run.name} {verb}{_because(candidate)}")
        text = "; ".join(parts) + "."
        if self.reference.verdict is not Verdict.PASS:
            verb = "drifts" if self.reference.verdict is Verdict.FAIL else "may drift"
            text += f" The reference itself {verb}: it should run longer."
        return text

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the curves as plain data for JSON."""
        return {
            "sentence": self.sentence,
            "verdicts": {c.run.name: str(c.verdict) for c in self.candidates},
            "confidence_level": self.level,
            "runs": [run.to_dict() for run in self.runs],
            "metadata": dict(self.metadata),
        }


def _because(assessment: Assessment) -> str:
    """Name the criteria that are not passed, failures first."""
    if assessment.verdict is Verdict.PASS:
        return f" all {len(assessment.findings)} criteria"
    keys = [f.key for f in assessment.findings if f.verdict is assessment.verdict]
    return ": " + ", ".join(key.replace("_", " ") for key in keys)


def check_names(runs: list[Run]) -> None:
    """Make sure that there is something to judge and that names tell runs apart.

    Raises
    ------
    ConfigurationError
        If there is no candidate, or two runs have one name.
    """
    names = [run.name for run in runs]
    if len(runs) < 2:
        raise ConfigurationError("stability: no candidate run given, at least one expected")
    if len(set(names)) != len(names):
        raise ConfigurationError(f"stability: two runs have the same name: {names}")
