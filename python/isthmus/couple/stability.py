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
from isthmus.couple.criteria import Criteria
from isthmus.couple.intervals import N_REPLICATES
from isthmus.couple.judge import ClimateAssessment, Judge, Progress
from isthmus.couple.judgement import Judgement, check_names

__all__ = ["Assessment", "ClimateAssessment", "Run", "StabilityReport", "assess_stability"]


TITLES = {
    "mean": "Mean of x",
    "sd": "Standard deviation of x",
    "skewness": "Skewness of x",
    "mean_trend": "Trend of the mean [per time unit]",
    "variance_trend": "Trend of the variance [per time unit]",
    "relative_mean_error": "Error of the mean [relative to the mean]",
    "kolmogorov_smirnov": "Kolmogorov-Smirnov distance of the distribution",
    "hellinger": "Hellinger distance of the distribution",
    "site_spectrum": "Variance at the wrong wavenumber [share]",
    "outside_share": "Values outside the training range [share]",
    "valid_time": "Valid forecast time [time units]",
    "valid_time_lyapunov": "Valid forecast time [Lyapunov times]",
}


@dataclass(frozen=True, kw_only=True)
class StabilityReport(Judgement[ClimateAssessment]):
    """Runs judged by their climate, and the units of the comparison."""

    criteria: Criteria
    grid: ClimateGrid

    @property
    def scale_note(self) -> str:
        """What `sd` is."""
        return (
            f"sd is the standard deviation of the reference, {self.grid.scale:.4g}; "
            f"its mean is {self.grid.center:.4g}."
        )

    @property
    def titles(self) -> Mapping[str, str]:
        """Titles of the quantities that the report shows."""
        return TITLES

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the curves as plain data for JSON."""
        own = {"criteria": vars(self.criteria), "training_range": self.grid.training_range}
        return super().to_dict() | own


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
    check_names([reference, *([control] if control else []), *candidates])
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
