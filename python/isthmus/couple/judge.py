# SPDX-License-Identifier: MIT
"""Read runs one after the other and judge each against the first, the reference."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from isthmus.couple.assessment import Assessment, Run, judge_completeness, share_alive
from isthmus.couple.climate import Climate, ClimateGrid, gather_climate
from isthmus.couple.comparison import Sample, compare, describe, wasserstein_ratio
from isthmus.couple.criteria import (
    Criteria,
    Finding,
    judge_at_least,
    judge_at_most,
    judge_magnitude,
    judge_survival,
)
from isthmus.couple.intervals import Interval, wilson_interval
from isthmus.couple.skill import Climatology, Skill, forecast_skill
from isthmus.couple.trajectories import Trajectory, has_output
from isthmus.errors import ConfigurationError, DataError

Progress = Callable[[str, float], None]


@dataclass(frozen=True, kw_only=True)
class ClimateAssessment(Assessment):
    """A run judged by its climate and its forecasts; neither if it has no output."""

    climate: Climate | None
    skill: Skill | None


@dataclass
class Judge:
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
    ) -> ClimateAssessment:
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
        return self._entry(
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

    def assess(self, run: Run, role: str) -> ClimateAssessment:
        """Judge a run."""
        sample = self._read(run)
        skill = self._skill(run)
        if sample is None:
            findings = [judge_survival(wilson_interval(0, 1), self.criteria.survival_low)]
            return self._entry(run, role, None, skill, {}, findings)
        climate = sample.climate
        quantities = describe(sample) | compare(sample, self.reference)
        quantities["survival"] = share_alive(run, climate.survival)
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
        return self._entry(run, role, climate, skill, quantities, findings)

    @staticmethod
    def _entry(
        run: Run,
        role: str,
        climate: Climate | None,
        skill: Skill | None,
        quantities: dict[str, Interval],
        findings: list[Finding],
    ) -> ClimateAssessment:
        """Return what is known of a run."""
        return ClimateAssessment(
            run=run,
            role=role,
            survival=climate.survival if climate else None,
            quantities=quantities,
            findings=findings,
            climate=climate,
            skill=skill,
        )

    def _read(self, run: Run) -> Sample | None:
        """Read a run; None if it blew up before the first output."""
        if not has_output(run.files, discard=self.discard):
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
        findings += judge_completeness(run, climate.survival, self.grid.interval)
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
