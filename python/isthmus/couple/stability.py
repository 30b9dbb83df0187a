# SPDX-License-Identifier: MIT
"""Judge long coupled runs: whether they survive, stay, and have the climate of the truth.

`assess_stability` reads a reference run (the truth), a control run (the resolved model
without a network) and candidate runs, each from netCDF files of any size, and returns a
`StabilityReport`. A candidate passes only if it meets every criterion
(`criteria.Criteria`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from isthmus.couple.assessment import Assessment, Run
from isthmus.couple.climate import ClimateGrid
from isthmus.couple.criteria import Criteria, Verdict
from isthmus.couple.intervals import LEVEL, N_REPLICATES
from isthmus.couple.judge import Judge, Progress
from isthmus.errors import ConfigurationError

__all__ = ["Assessment", "Run", "StabilityReport", "assess_stability"]


@dataclass(frozen=True)
class StabilityReport:
    """The judged runs; `report.write_report` turns it into pages."""

    reference: Assessment
    control: Assessment | None
    candidates: list[Assessment]
    criteria: Criteria
    grid: ClimateGrid
    metadata: Mapping[str, Any]
    level: float = LEVEL

    @property
    def runs(self) -> list[Assessment]:
        """All runs: reference, control, candidates."""
        control = [self.control] if self.control else []
        return [self.reference, *control, *self.candidates]

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
            "criteria": vars(self.criteria),
            "training_range": self.grid.training_range,
            "runs": [run.to_dict() for run in self.runs],
            "metadata": dict(self.metadata),
        }


def _because(assessment: Assessment) -> str:
    """Name the criteria that are not passed, failures first."""
    if assessment.verdict is Verdict.PASS:
        return f" all {len(assessment.findings)} criteria"
    keys = [f.key for f in assessment.findings if f.verdict is assessment.verdict]
    return ": " + ", ".join(key.replace("_", " ") for key in keys)


def assess_stability(
    reference: Run,
    candidates: Sequence[Run],
    *,
    control: Run | None = None,
    truth_for_forecasts: Sequence[Path] = (),
    training_range: tuple[float, float] | None = None,
    lyapunov_exponent: float | None = None,
    criteria: Criteria | None = None,
    discard: float = 0.0,
    metadata: Mapping[str, Any] | None = None,
    n_replicates: int = N_REPLICATES,
    seed: int = 0,
    on_progress: Progress | None = None,
) -> StabilityReport:
    """Judge candidate runs against the reference and against no network.

    Parameters
    ----------
    reference, control, candidates
        The runs; all have the same sites and output interval.
    truth_for_forecasts
        Truth from whose first states the runs' `forecasts` start.
    training_range
        Smallest and largest state the networks were trained on (their contract has it).
    lyapunov_exponent
        Leading exponent of the reference [1 / time unit], for valid times.
    discard
        Model time at the beginning of each run that is no part of the climate.
    metadata
        Shown in the report as it is.
    n_replicates, seed
        Of the bootstrap over members.
    on_progress
        Called with the name of the run and the share of it that is read.

    Raises
    ------
    ConfigurationError
        If there is no candidate, or two runs have one name.
    DataError
        If a file is not what it should be, or the reference is no sound reference.
    """
    judge = Judge(
        criteria=criteria or Criteria(),
        truth_for_forecasts=tuple(truth_for_forecasts),
        discard=discard,
        n_replicates=n_replicates,
        seed=seed,
        on_progress=on_progress or (lambda name, share: None),
    )
    _check_names([reference, *([control] if control else []), *candidates])
    judged_reference = judge.read_reference(reference, training_range, lyapunov_exponent)
    judged_control = judge.assess(control, "control") if control else None
    return StabilityReport(
        reference=judged_reference,
        control=judged_control,
        candidates=[judge.assess(run, "candidate") for run in candidates],
        criteria=judge.criteria,
        grid=judge.grid,
        metadata=metadata or {},
    )


def _check_names(runs: list[Run]) -> None:
    """Make sure that there is something to judge and that names tell runs apart."""
    names = [run.name for run in runs]
    if len(runs) < 2:
        raise ConfigurationError("stability: no candidate run given, at least one expected")
    if len(set(names)) != len(names):
        raise ConfigurationError(f"stability: two runs have the same name: {names}")
