# SPDX-License-Identifier: MIT
"""Each way to be wrong is found, by the criterion that is meant for it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ensembles import INTERVAL, MEAN, SD, ar1, climate, lorenz96, write

from isthmus.couple.criteria import (
    Criteria,
    Verdict,
    judge_at_least,
    judge_at_most,
    judge_magnitude,
    judge_survival,
    overall,
)
from isthmus.couple.intervals import Interval, wilson_interval
from isthmus.couple.stability import Assessment, Run, StabilityReport, assess_stability
from isthmus.couple.survival import Survival
from isthmus.errors import ConfigurationError, DataError

SHAPE = (1500, 80, 12)
# The synthetic runs are a hundred times shorter than real ones: wider limits, so that a run
# that is right can pass. Every fault below is several times larger.
CRITERIA = Criteria(
    mean_error=0.03,
    sd_error=0.03,
    drift=0.06,
    variance_drift=0.06,
    wasserstein=0.05,
    site_correlation=0.04,
    autocorrelation=0.04,
    time_spectrum=0.12,
)
RANGE = (MEAN - 3 * SD, MEAN + 3 * SD)


def faulty(kind: str) -> np.ndarray:
    """Return an ensemble that is right but for one thing."""
    x = climate(*SHAPE, seed=100)
    n = SHAPE[0]
    if kind == "biased":
        x += 0.2 * SD
    elif kind == "calm":
        x = MEAN + 0.8 * (x - MEAN)
    elif kind == "drifting":
        # Its mean over time is right: only the trend is wrong.
        x += np.linspace(-0.2, 0.2, n)[:, None, None] * SD
    elif kind == "growing":
        x = MEAN + (x - MEAN) * np.sqrt(np.linspace(0.8, 1.2, n))[:, None, None]
    elif kind == "frozen":
        x = np.broadcast_to(x[:1], x.shape)
    elif kind == "slow":
        x = MEAN + SD * ar1(*SHAPE, seed=101, phi=0.9)
    elif kind == "unrelated sites":
        generator = np.random.default_rng(102)
        x = MEAN + SD * generator.standard_normal(SHAPE)
    elif kind == "exploding":
        x[1000, 4] = 1e9
        x[1001:, 4] = np.nan
    elif kind == "out of range":
        # Five members in a hundred live outside, the others make up for it.
        x[:, :4] += 5 * SD
    return x


EXPECTED = {
    "right": set(),
    "biased": {"mean_error", "wasserstein"},
    "calm": {"sd_error", "wasserstein"},
    "drifting": {"drift"},
    "growing": {"variance_drift"},
    "frozen": {"autocorrelation", "time_spectrum"},
    "slow": {"autocorrelation", "time_spectrum"},
    "unrelated sites": {"site_correlation"},
    "exploding": {"survival"},
    "out of range": {"outside_share"},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("stability")


@pytest.fixture(scope="module")
def report(folder: Path) -> StabilityReport:
    reference = write(folder / "reference.nc", climate(*SHAPE, seed=1), dtype="f4")
    control = write(
        folder / "control.nc", MEAN + 1.3 * SD * ar1(*SHAPE, seed=2), dtype="f4"
    )
    runs = [
        Run(kind, (write(folder / f"{kind}.nc", faulty(kind), dtype="f4"),))
        for kind in EXPECTED
    ]
    return assess_stability(
        Run("truth", (reference,)),
        runs,
        control=Run("no network", (control,)),
        training_range=RANGE,
        criteria=CRITERIA,
        n_replicates=300,
    )


def by_name(report: StabilityReport, name: str) -> Assessment:
    return next(run for run in report.candidates if run.run.name == name)


def keys(run: Assessment, verdict: Verdict) -> set[str]:
    return {f.key for f in run.findings if f.verdict is verdict}


@pytest.mark.parametrize("kind", EXPECTED)
def test_fault_is_found_by_its_criterion(report: StabilityReport, kind: str) -> None:
    run = by_name(report, kind)
    failed = keys(run, Verdict.FAIL)
    assert EXPECTED[kind] <= failed, run.findings
    assert run.verdict is (Verdict.FAIL if EXPECTED[kind] else Verdict.PASS)


def test_run_that_is_right_passes_every_criterion(report: StabilityReport) -> None:
    run = by_name(report, "right")
    assert keys(run, Verdict.PASS) == set(vars(CRITERIA)) - {
        "valid_time_ratio",
        "survival_low",
    } | {"survival"}
    assert "right passes all 11 criteria" in report.sentence
    assert "frozen fails: autocorrelation, time spectrum" in report.sentence


def test_drift_that_cancels_in_the_mean_is_still_found(report: StabilityReport) -> None:
    run = by_name(report, "drifting")
    assert "mean_error" not in keys(run, Verdict.FAIL)
    assert run.quantities["drift"].value == pytest.approx(0.4, abs=0.03)


def test_control_is_judged_but_not_as_a_network(report: StabilityReport) -> None:
    assert report.control is not None
    assert report.control.verdict is Verdict.FAIL
    assert {"outside_share", "wasserstein_ratio"}.isdisjoint(
        f.key for f in report.control.findings
    )


def test_report_is_reproducible(report: StabilityReport, folder: Path) -> None:
    again = assess_stability(
        Run("truth", (folder / "reference.nc",)),
        [Run("right", (folder / "right.nc",))],
        control=Run("no network", (folder / "control.nc",)),
        training_range=RANGE,
        criteria=CRITERIA,
        n_replicates=300,
    )
    assert again.candidates[0].to_dict() == by_name(report, "right").to_dict()


def test_short_run_is_undecided_not_passed(folder: Path) -> None:
    x = climate(60, 10, 12, seed=5)
    report = assess_stability(
        Run("truth", (folder / "reference.nc",)),
        [Run("short", (write(folder / "short.nc", x),), planned_end=150.0)],
    )
    (run,) = report.candidates
    assert run.verdict is Verdict.UNDECIDED
    assert {"survival", "completeness", "mean_error", "autocorrelation"} <= keys(
        run, Verdict.UNDECIDED
    )
    assert "short is undecided" in report.sentence


def test_wrong_forcing_of_lorenz96_is_found(tmp_path: Path) -> None:
    runs = {}
    for i, (name, forcing) in enumerate((("truth", 8.0), ("twin", 8.0), ("strong", 9.0))):
        start = forcing + np.random.default_rng(i).standard_normal((64, 40))
        x = lorenz96(start, 1000, forcing=forcing)[200::2]
        runs[name] = Run(name, (write(tmp_path / f"{name}.nc", x, dtype="f4"),))
    report = assess_stability(runs["truth"], [runs["twin"], runs["strong"]])
    twin, strong = report.candidates
    assert twin.verdict is not Verdict.FAIL
    assert {"mean_error", "sd_error", "wasserstein"} <= keys(strong, Verdict.FAIL)
    # The advection conserves energy, so in the mean forcing balances damping:
    # F <x> = <x^2>, that is sd^2 = <x> (F - <x>).
    for run, forcing in ((twin, 8.0), (strong, 9.0)):
        mean, sd = run.quantities["mean"].value, run.quantities["sd"].value
        assert sd**2 == pytest.approx(mean * (forcing - mean), rel=0.01)


def test_run_that_died_at_once_fails(folder: Path) -> None:
    report = assess_stability(
        Run("truth", (folder / "reference.nc",)),
        [Run("dead", (), failure="the state is not finite after the spin-up")],
        n_replicates=100,
    )
    (run,) = report.candidates
    assert run.verdict is Verdict.FAIL
    assert run.climate is None


def test_death_after_the_last_output_counts(folder: Path) -> None:
    # The program stops on the first member that is not finite: the file shows no death.
    failed = write(folder / "failed.nc", climate(700, 80, 12, seed=6))
    report = assess_stability(
        Run("truth", (folder / "reference.nc",)),
        [
            Run(
                "stopped",
                (failed,),
                failure="not finite after step 7010",
                planned_end=150.0,
            )
        ],
        criteria=CRITERIA,
        n_replicates=100,
    )
    (run,) = report.candidates
    assert "survival" in keys(run, Verdict.FAIL)
    survival = run.quantities["survival"]
    assert survival.value == pytest.approx(79 / 80)
    assert survival.low == 0.0  # the others might have followed


def test_failure_within_the_discarded_time_fails(folder: Path) -> None:
    early = write(folder / "early.nc", climate(20, 80, 12, seed=6))
    report = assess_stability(
        Run("truth", (folder / "reference.nc",)),
        [Run("early", (early,), failure="not finite after step 210")],
        discard=10.0,
        n_replicates=100,
    )
    assert report.candidates[0].verdict is Verdict.FAIL
    assert report.candidates[0].climate is None


def test_forecasts_are_judged_against_no_network(folder: Path) -> None:
    truth = climate(80, 30, 12, seed=7)
    growth = INTERVAL * np.arange(80)[:, None, None]
    files = {"truth": write(folder / "f_truth.nc", truth)}
    for name, rate in (("good", 0.5), ("none", 1.0), ("worse", 2.0)):
        files[name] = write(folder / f"f_{name}.nc", truth + rate * growth)
    runs = {
        name: Run(name, (folder / "right.nc",), forecasts=(files[name],))
        for name in ("good", "none", "worse")
    }
    report = assess_stability(
        Run("truth", (folder / "reference.nc",)),
        [runs["good"], runs["worse"]],
        control=runs["none"],
        truth_for_forecasts=[files["truth"]],
        lyapunov_exponent=1.66,
        criteria=CRITERIA,
        n_replicates=200,
    )
    good, worse = report.candidates
    assert "valid_time_ratio" in keys(good, Verdict.PASS)
    assert "valid_time_ratio" in keys(worse, Verdict.FAIL)
    assert good.quantities["valid_time_lyapunov"].value == pytest.approx(
        1.66 * good.quantities["valid_time"].value
    )
    # The control's climate is right here: there is no error that a network could halve.
    assert "wasserstein_ratio" not in {f.key for f in good.findings}


def test_reference_that_blows_up_is_no_reference(folder: Path) -> None:
    x = climate(300, 5, 12, seed=8)
    x[200, 2, 3] = MEAN + 200 * SD
    with pytest.raises(DataError, match="1 of 5 members leave the plausible range"):
        assess_stability(
            Run("truth", (write(folder / "bad.nc", x),)), [Run("a", (folder / "right.nc",))]
        )


def test_drifting_reference_is_mentioned(folder: Path) -> None:
    report = assess_stability(
        Run("truth", (folder / "drifting.nc",)),
        [Run("right", (folder / "right.nc",))],
        n_replicates=100,
    )
    assert "The reference itself drifts" in report.sentence


def test_wrong_calls_are_refused(folder: Path) -> None:
    truth, run = Run("truth", (folder / "reference.nc",)), Run("a", (folder / "right.nc",))
    with pytest.raises(ConfigurationError, match="no candidate"):
        assess_stability(truth, [])
    with pytest.raises(ConfigurationError, match="same name"):
        assess_stability(truth, [run, run])
    with pytest.raises(ConfigurationError, match="'truth_for_forecasts' is empty"):
        assess_stability(truth, [replace(run, forecasts=(folder / "right.nc",))])
    with pytest.raises(DataError, match="no failure that explains it"):
        assess_stability(truth, [Run("empty", ())])
    with pytest.raises(ValueError, match="'drift' must be positive"):
        Criteria(drift=0.0)


@pytest.mark.parametrize(
    ("low", "value", "high", "expected"),
    [
        (-0.5, 0.0, 0.5, "pass"),
        (0.5, 1.5, 2.5, "undecided"),
        (-3.0, 0.0, 3.0, "undecided"),
        (1.1, 1.5, 2.5, "fail"),
        (-2.5, -1.5, -1.1, "fail"),
        (float("nan"), float("nan"), float("nan"), "undecided"),
    ],
)
def test_verdict_matrix_of_a_signed_value(
    low: float, value: float, high: float, expected: str
) -> None:
    assert judge_magnitude("drift", "", Interval(value, low, high), 1.0).verdict == expected


def test_verdict_matrix_of_one_sided_limits() -> None:
    below, across, above = (Interval(v, v - 0.2, v + 0.2) for v in (0.5, 1.0, 1.5))
    assert [judge_at_most("a", "", i, 1.0).verdict for i in (below, across, above)] == [
        "pass",
        "undecided",
        "fail",
    ]
    assert [judge_at_least("a", "", i, 1.0).verdict for i in (below, across, above)] == [
        "fail",
        "undecided",
        "pass",
    ]


def test_verdict_matrix_of_survival() -> None:
    assert judge_survival(wilson_interval(100, 100), 0.9).verdict == "pass"
    assert judge_survival(wilson_interval(60, 60), 0.9).verdict == "pass"
    assert judge_survival(wilson_interval(59, 59), 0.9).verdict == "undecided"
    assert judge_survival(wilson_interval(99, 100), 0.9).verdict == "fail"


def test_one_failure_outweighs_all() -> None:
    ok = judge_at_most("a", "", Interval(0, 0, 0), 1.0)
    unsure = judge_at_most("b", "", Interval(1, 0, 2), 1.0)
    bad = judge_at_most("c", "", Interval(2, 2, 2), 1.0)
    assert overall([ok]) == "pass"
    assert overall([ok, unsure]) == "undecided"
    assert overall([ok, unsure, bad]) == "fail"


def test_survival_curve_steps_down_at_the_deaths() -> None:
    deaths = np.array([np.inf, 2.0, 3.0, np.inf])
    survival = Survival(deaths, 0.0, 5.0)
    share, low, high = survival.curve(np.array([0.0, 1.9, 2.0, 3.0, 5.0]))
    np.testing.assert_allclose(share, [1.0, 1.0, 0.75, 0.5, 0.5])
    assert np.all((low <= share) & (share <= high))
    assert survival.n_dead == 2
