# SPDX-License-Identifier: MIT
"""Runs judged member by member: each way to be wrong is found by its criterion."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import netCDF4
import numpy as np
import pytest

from isthmus.couple.campaign_config import (
    CampaignConfig,
    Chunk,
    Dialect,
    Scheme,
    Settings,
)
from isthmus.couple.criteria import Verdict
from isthmus.couple.paired import (
    PairedCriteria,
    PairedReport,
    Quantity,
    Run,
    Series,
    assess_pairs,
)
from isthmus.couple.paired_trial import Extent, judge_in_system
from isthmus.couple.report import write_report
from isthmus.errors import ConfigurationError, DataError

N_TIMES, N_MEMBERS = 40, 80  # 60 is the fewest that can pass
OZONE = Quantity("ozone", "ozone", "ppb")
REPLICATES = 300


def series(error: float = 0.1, seed: int = 1) -> Series:
    """Return members about a common curve, with independent errors [sd, nearly]."""
    curve = np.random.default_rng(0).standard_normal((N_TIMES, N_MEMBERS))
    noise = error * np.random.default_rng(seed).standard_normal(curve.shape)
    return Series(
        times=np.arange(N_TIMES, dtype=np.float64),
        values={"ozone": curve + noise},
        is_physical=np.ones(curve.shape, dtype=np.bool_),
        imbalance=np.full(curve.shape, 1e-15),
    )


def faulty(kind: str) -> Series:
    """Return a run that is right but for one thing."""
    found = series()
    ozone, imbalance = found.values["ozone"].copy(), np.full((N_TIMES, N_MEMBERS), 1e-15)
    physical = found.is_physical.copy()
    if kind == "biased":
        ozone += 0.5
    elif kind == "drifting":
        ozone += np.linspace(-1.0, 1.0, N_TIMES)[:, None]
    elif kind == "wild":
        ozone = series(error=1.0).values["ozone"]
    elif kind == "worse than the control":
        ozone = series(error=0.45).values["ozone"]
    elif kind == "dead":
        physical[30, 7] = False
        ozone[31:, 7] = np.nan
    elif kind == "leaking":
        imbalance[20, 3] = 1e-6
    return Series(found.times, {"ozone": ozone}, physical, imbalance)


EXPECTED = {
    "right": set(),
    "biased": {"bias: ozone"},
    "drifting": {"drift: ozone"},
    "wild": {"error: ozone"},
    "worse than the control": {"error_ratio: ozone"},
    "dead": {"survival"},
    "leaking": {"imbalance"},
}


@pytest.fixture(scope="module")
def report() -> PairedReport:
    known = {kind: faulty(kind) for kind in EXPECTED}
    known |= {"truth": series(0.0), "scheme": series(0.3, seed=2)}
    return assess_pairs(
        Run("truth", (Path("truth"),)),
        [Run(kind, (Path(kind),), planned_end=N_TIMES - 1.0) for kind in EXPECTED],
        control=Run("scheme", (Path("scheme"),)),
        read=lambda files: known[files[0].name],
        quantities=[OZONE],
        n_replicates=REPLICATES,
    )


@pytest.mark.parametrize("kind", EXPECTED)
def test_fault_is_found_by_its_criterion(report: PairedReport, kind: str) -> None:
    run = next(r for r in report.candidates if r.run.name == kind)
    failed = {f.key for f in run.findings if f.verdict is Verdict.FAIL}
    assert EXPECTED[kind] <= failed, run.findings
    assert run.verdict is (Verdict.FAIL if EXPECTED[kind] else Verdict.PASS)


def test_control_is_not_judged_against_itself(report: PairedReport) -> None:
    assert report.control is not None
    assert report.control.verdict is Verdict.PASS
    assert not any(f.key.startswith("error_ratio") for f in report.control.findings)


def test_report_shows_every_run(report: PairedReport, tmp_path: Path) -> None:
    page = write_report(report, tmp_path).read_text()
    for kind in EXPECTED:
        assert kind in page
    assert "Error of ozone relative to the control" in page
    names = {path.name for path in (tmp_path / "figures").glob("*.png")}
    assert names == {f"report_{kind}.png" for kind in ("survival", "means", "errors")}


def test_stopped_run_and_short_run_do_not_pass() -> None:
    short = series()
    short = Series(
        short.times[:10], {"ozone": short.values["ozone"][:10]}, short.is_physical[:10]
    )
    known = {"truth": series(0.0), "short": short}
    report = assess_pairs(
        Run("truth", (Path("truth"),)),
        [
            Run("short", (Path("short"),), planned_end=N_TIMES - 1.0),
            Run("stopped", (Path("short"),), failure="the state is not finite"),
            Run("dead at once", (), failure="the state is not finite"),
        ],
        read=lambda files: known[files[0].name],
        quantities=[OZONE],
        n_replicates=REPLICATES,
    )
    verdicts = [run.verdict for run in report.candidates]
    assert verdicts == [Verdict.UNDECIDED, Verdict.FAIL, Verdict.FAIL]


def test_runs_that_do_not_pair_are_refused() -> None:
    fewer = series()
    fewer = Series(
        fewer.times, {"ozone": fewer.values["ozone"][:, :5]}, fewer.is_physical[:, :5]
    )
    known = {"truth": series(0.0), "fewer": fewer}
    with pytest.raises(DataError, match="'fewer' has 5 members, the reference 80"):
        assess_pairs(
            Run("truth", (Path("truth"),)),
            [Run("fewer", (Path("fewer"),))],
            read=lambda files: known[files[0].name],
            quantities=[OZONE],
            n_replicates=REPLICATES,
        )


# A whole system: decay of boxes at rates of their own, by a program that is a script.
PROGRAM = """#!{python}
import sys
import f90nml, netCDF4
import numpy as np
nml = f90nml.read(sys.argv[1])
run, error = nml["run"], nml["model"]["error"]
if error == "nan":
    sys.exit("decay: the state is not finite in box 3")
t = np.arange(0.0, run["end"] + 1e-9, run["every"])
rate = np.linspace(0.1, 1.0, run["boxes"]) * (1.0 + float(error))
with netCDF4.Dataset(run["output"], "w") as file:
    file.createDimension("time", t.size)
    file.createDimension("box", rate.size)
    file.createVariable("time", "f8", ("time",))[:] = t
    file.createVariable("y", "f8", ("time", "box"))[:] = np.exp(-np.outer(t, rate))
"""


class DecayDialect:
    """How the script is told the length of a run."""

    keeps_restarts = False
    blow_up_words = ("is not finite",)

    def groups(self, config: CampaignConfig, chunk: Chunk) -> Settings:
        """Return the group of the run."""
        end, every = (n * config.dt for n in (chunk.n_steps, config.output_every))
        boxes, output = config.n_members, chunk.output
        return {"run": {"end": end, "every": every, "boxes": boxes, "output": output}}


@dataclass
class Decay:
    """Boxes that decay, with an error that the network names."""

    title: str = "Decay"
    time_unit: str = "s"
    quantities: tuple[Quantity, ...] = (Quantity("y", "what is left", "1"),)
    criteria: PairedCriteria = field(default_factory=PairedCriteria)
    extent: Extent = field(default_factory=lambda: Extent(0.1, 40, 4, 30, n_crowd=80))
    dialect: Dialect = field(default_factory=DecayDialect)

    def reference(self) -> Scheme:
        """Return the truth."""
        return Scheme("exact", "decay", {"model": {"error": 0.0}})

    def control(self) -> Scheme:
        """Return a scheme that is somewhat wrong."""
        return Scheme("tenth off", "decay", {"model": {"error": 0.1}})

    def candidate(self, name: str, network: Path) -> Scheme:
        """Return a scheme as wrong as its file says."""
        return Scheme(name, "decay", {"model": {"error": network.read_text()}})

    def read(self, files: Sequence[Path]) -> Series:
        """Read what is left."""
        with netCDF4.Dataset(files[0]) as file:
            y = np.asarray(file["y"][:])
            return Series(np.asarray(file["time"][:]), {"y": y}, np.isfinite(y))


def test_system_is_run_and_judged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "decay").write_text(PROGRAM.format(python=sys.executable))
    (tmp_path / "decay").chmod(0o755)
    monkeypatch.setenv("ISTHMUS_BIN", str(tmp_path))
    networks = {}
    for name, error in (("better", "0.02"), ("worse", "0.3"), ("spoilt", "nan")):
        networks[name] = tmp_path / name
        networks[name].write_text(error)
    report = judge_in_system(Decay(), networks, tmp_path / "runs")
    better, worse, spoilt = report.candidates
    assert better.verdict is Verdict.PASS
    assert better.survival is not None
    assert better.quantities["survival"].low > 0.9  # of the crowd of 80
    assert worse.verdict is Verdict.FAIL
    assert spoilt.verdict is Verdict.FAIL
    with pytest.raises(ConfigurationError, match="no network given"):
        judge_in_system(Decay(), {}, tmp_path / "none")
