# SPDX-License-Identifier: MIT
"""Judge long coupled runs: whether they survive, stay, and have the climate of the truth.

`assess_stability` reads a reference run (the truth), a control run (the resolved model
without a network) and candidate runs, each from netCDF files of any size, and returns a
`StabilityReport`. A candidate passes only if it meets every criterion
(`criteria.Criteria`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from isthmus.couple.climate import Climate, ClimateGrid, gather_climate
from isthmus.couple.comparison import Sample, compare, describe, wasserstein_ratio
from isthmus.couple.criteria import (
    Criteria,
    Finding,
    Verdict,
    judge_at_least,
    judge_at_most,
    judge_magnitude,
    judge_survival,
    overall,
)
from isthmus.couple.intervals import LEVEL, N_REPLICATES, Interval, wilson_interval
from isthmus.couple.skill import Climatology, Skill, forecast_skill
from isthmus.couple.trajectories import Trajectory, has_output
from isthmus.errors import ConfigurationError, DataError

Progress = Callable[[str, float], None]


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
    judge = _Judge(
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


@dataclass
class _Judge:
    """Reads runs one after the other and judges them against the first, the reference."""

    criteria: Criteria
    truth_for_forecasts: tuple[Path, ...]
    discard: float
    n_replicates: int
    seed: int
    on_progress: Progress
    grid: ClimateGrid = field(init=False)
    reference: Sample = field(init=False)
    climatology: Climatology = field(init=False)
    control: tuple[Sample | None, Skill | None] = (None, None)
    control_distance: Interval = field(init=False)
    n_drawn: int = 0

    def read_reference(
        self,
        run: Run,
        training_range: tuple[float, float] | None,
        lyapunov_exponent: float | None,
    ) -> Assessment:
        """Read the reference and make it the measure of all others."""
        trajectory = Trajectory(run.files, discard=self.discard)
        self.grid = ClimateGrid.from_reference(trajectory, training_range=training_range)
        self.climatology = Climatology(self.grid.center, self.grid.scale, lyapunov_exponent)
        self.reference = self._sample(run, trajectory)
        survival = self.reference.climate.survival
        if survival.n_dead:
            low, high = self.grid.plausible_range
            raise DataError(
                f"reference run '{run.name}': {survival.n_dead} of {survival.n_members} "
                f"members leave the plausible range {low:.3g} to {high:.3g}"
            )
        quantities = describe(self.reference)
        findings = self._drift_findings(quantities)
        return Assessment(
            run, "reference", self.reference.climate, None, quantities, findings
        )

    def _sample(self, run: Run, trajectory: Trajectory) -> Sample:
        """Read a run and draw its replicates."""
        climate = gather_climate(
            trajectory,
            self.grid,
            n_unseen_deaths=0 if run.failure is None else 1,
            on_progress=lambda share: self.on_progress(run.name, share),
        )
        self.n_drawn += 1
        seed = self.seed + self.n_drawn
        return Sample.draw(climate, seed=seed, n_replicates=self.n_replicates)

    def assess(self, run: Run, role: str) -> Assessment:
        """Judge a run."""
        sample = self._read(run)
        skill = self._skill(run)
        if sample is None:
            findings = [judge_survival(wilson_interval(0, 1), self.criteria.survival_low)]
            return Assessment(run, role, None, skill, {}, findings)
        climate = sample.climate
        quantities = describe(sample) | compare(sample, self.reference)
        quantities["survival"] = climate.survival.fraction()
        findings = self._survival_findings(run, climate, quantities)
        findings += self._climate_findings(quantities)
        if role == "control":
            self.control = (sample, skill)
            self.control_distance = quantities["wasserstein"]
        else:
            findings += self._network_findings(sample, skill, quantities)
        if skill is not None:
            quantities["valid_time"] = skill.valid_time()
            lyapunov = skill.valid_time_lyapunov()
            quantities |= {"valid_time_lyapunov": lyapunov} if lyapunov else {}
        return Assessment(run, role, climate, skill, quantities, findings)

    def _read(self, run: Run) -> Sample | None:
        """Read a run; None if it blew up before the first output."""
        if not has_output(run.files):
            if run.failure is None:
                raise DataError(
                    f"run '{run.name}' has no output, and no failure that explains it"
                )
            return None
        return self._sample(run, Trajectory(run.files, discard=self.discard))

    def _skill(self, run: Run) -> Skill | None:
        """Score the forecasts of a run, if it has any."""
        if not run.forecasts:
            return None
        if not self.truth_for_forecasts:
            raise ConfigurationError(
                f"run '{run.name}' has forecasts, but 'truth_for_forecasts' is empty"
            )
        return forecast_skill(
            Trajectory(self.truth_for_forecasts),
            Trajectory(run.forecasts),
            self.climatology,
            seed=self.seed,
            n_replicates=self.n_replicates,
        )

    def _survival_findings(
        self, run: Run, climate: Climate, quantities: dict[str, Interval]
    ) -> list[Finding]:
        """Judge survival; a run that was stopped early has not survived yet."""
        findings = [judge_survival(quantities["survival"], self.criteria.survival_low)]
        end, planned = climate.survival.end, run.planned_end
        if run.failure is None and planned is not None:
            share = min(1.0, end / planned)
            complete = Interval(share, share, share)
            short = end < planned - 1.5 * self.grid.interval
            verdict = Verdict.UNDECIDED if short else Verdict.PASS
            title = "Share of the planned time that was run"
            findings.append(Finding("completeness", title, complete, "1", verdict))
        return findings

    def _drift_findings(self, quantities: dict[str, Interval]) -> list[Finding]:
        """Judge the trends of mean and variance."""
        limits = self.criteria
        return [
            judge_magnitude(
                "drift",
                "Drift of the mean over the run [% of sd]",
                quantities["drift"],
                limits.drift,
            ),
            judge_magnitude(
                "variance_drift",
                "Drift of the variance over the run [%]",
                quantities["variance_drift"],
                limits.variance_drift,
            ),
        ]

    def _climate_findings(self, quantities: dict[str, Interval]) -> list[Finding]:
        """Judge what every run can be judged by."""
        signed = {
            "mean_error": "Error of the mean [% of sd]",
            "sd_error": "Error of the standard deviation [%]",
        }
        distances = {
            "wasserstein": "Wasserstein-1 distance of the distribution [% of sd]",
            "site_correlation": "Largest error of the spatial correlation",
            "autocorrelation": "Largest error of the autocorrelation in time",
            "time_spectrum": "Variance at the wrong frequency",
        }
        limits = vars(self.criteria)
        findings = self._drift_findings(quantities)
        for key, title in signed.items():
            findings.append(judge_magnitude(key, title, quantities[key], limits[key]))
        for key, title in distances.items():
            findings.append(judge_at_most(key, title, quantities[key], limits[key]))
        return findings

    def _network_findings(
        self, sample: Sample, skill: Skill | None, quantities: dict[str, Interval]
    ) -> list[Finding]:
        """Judge what only a network can be judged by: its range, and its worth."""
        findings, limits = [], self.criteria
        if "outside_share" in quantities:
            title = "Values outside the training range"
            findings.append(
                judge_at_most(
                    "outside_share",
                    title,
                    quantities["outside_share"],
                    limits.outside_share,
                )
            )
        control, control_skill = self.control
        # Where the model is right without a network there is no error to halve.
        if control is not None and self.control_distance.low > limits.wasserstein:
            ratio = wasserstein_ratio(sample, control, self.reference)
            quantities["wasserstein_ratio"] = ratio
            title = "Wasserstein distance relative to no network"
            findings.append(
                judge_at_most("wasserstein_ratio", title, ratio, limits.wasserstein_ratio)
            )
        if skill is not None and control_skill is not None:
            ratio = skill.valid_time_ratio(control_skill)
            quantities["valid_time_ratio"] = ratio
            title = "Valid forecast time relative to no network"
            findings.append(
                judge_at_least("valid_time_ratio", title, ratio, limits.valid_time_ratio)
            )
        return findings
