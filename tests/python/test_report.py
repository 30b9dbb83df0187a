# SPDX-License-Identifier: MIT
"""The written report: complete, self-contained, valid JSON, and never half a file."""

import base64
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from ensembles import INTERVAL, MEAN, SD, ar1, climate, write
from rich.console import Console

from isthmus.couple.report import finite, summary_table, write_report
from isthmus.couple.stability import Run, StabilityReport, assess_stability

VOID = {"meta", "img", "br", "link", "hr"}


class Balance(HTMLParser):
    """Checks that every opened element is closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remember an element."""
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Close the innermost one."""
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> StabilityReport:
    folder = tmp_path_factory.mktemp("report")
    shape = (400, 20, 12)
    truth = climate(40, 20, 12, seed=9)
    growth = INTERVAL * SD * ar1(40, 20, 12, seed=10)
    files = {
        "truth": climate(*shape, seed=1),
        "none": MEAN + 1.3 * SD * ar1(*shape, seed=2),
        "good": climate(*shape, seed=3),
        "failed": climate(150, 20, 12, seed=4),
        "f_truth": truth,
        "f_none": truth + 8 * growth * (truth[:1] != truth),
        "f_good": truth + 2 * growth * (truth[:1] != truth),
    }
    paths = {name: write(folder / f"{name}.nc", x) for name, x in files.items()}
    return assess_stability(
        Run("two-level", (paths["truth"],), provenance={"command": "isthmus-lorenz96"}),
        [
            Run("closure <b>", (paths["good"],), forecasts=(paths["f_good"],)),
            Run("spoilt", (paths["failed"],), failure="not finite after step 1510"),
            Run("dead", (), failure="not finite after the spin-up"),
        ],
        control=Run("no closure", (paths["none"],), forecasts=(paths["f_none"],)),
        truth_for_forecasts=[paths["f_truth"]],
        training_range=(-8.0, 13.0),
        lyapunov_exponent=1.66,
        metadata={"title": "Two-level Lorenz-96", "n_steps": 4000, "seed": 1},
        n_replicates=100,
    )


@pytest.fixture(scope="module")
def page(report: StabilityReport, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(report, tmp_path_factory.mktemp("out"))


def test_page_needs_nothing_else(page: Path) -> None:
    html = page.read_text(encoding="utf-8")
    checker = Balance()
    checker.feed(html)
    assert checker.open == []
    sources = re.findall(r'(?:src|href)="([^"]*)"', html)
    assert len(sources) == 7
    for source in sources:
        assert source.startswith("data:image/png;base64,")
        assert base64.b64decode(source.split(",")[1])[:8] == b"\x89PNG\r\n\x1a\n"


def test_page_says_what_was_found(page: Path, report: StabilityReport) -> None:
    html = page.read_text(encoding="utf-8")
    assert "spoilt fails: survival" in html
    assert "dead fails: survival" in html
    assert "not finite after step 1510" in html
    assert "closure &lt;b&gt;" in html  # names are escaped
    assert "closure <b>" not in html
    for finding in report.candidates[0].findings:
        assert finding.title in html
    for words in (
        "4,000",
        "isthmus-lorenz96",
        "Valid forecast time [Lyapunov times]",
    ):
        assert words in html
    assert "nan" not in re.sub(r"base64,[^\"]*", "", html).lower()


def test_json_says_the_same(page: Path, report: StabilityReport) -> None:
    def refuse(token: str) -> None:
        raise AssertionError(f"JSON has no {token}")

    data = json.loads(page.with_suffix(".json").read_text(), parse_constant=refuse)
    assert data["sentence"] == report.sentence
    assert data["verdicts"]["spoilt"] == "fail"
    runs = {run["name"]: run for run in data["runs"]}
    assert set(runs) == {"two-level", "no closure", "closure <b>", "spoilt", "dead"}
    mean = report.candidates[0].quantities["mean"]
    assert runs["closure <b>"]["quantities"]["mean"] == {
        "value": mean.value,
        "low": mean.low,
        "high": mean.high,
    }
    assert runs["dead"]["n_members"] == 0
    assert data["criteria"]["mean_error"] == 0.005


def test_figures_lie_beside_the_page(page: Path) -> None:
    names = {path.stem for path in (page.parent / "figures").glob("*.png")}
    first = {"survival", "drift", "distribution", "correlations", "spectra"}
    assert names == {f"report_{kind}" for kind in first | {"skill", "range"}}


def test_table_for_the_terminal(report: StabilityReport) -> None:
    console = Console(width=200, record=True, force_terminal=False)
    with console.capture() as capture:
        console.print(summary_table(report))
    text = capture.get()
    assert "Members alive at the end" in text
    assert "95 % ✗" in text  # one of 20 members of the spoilt run
    assert "no closure" in text


def test_old_report_stays_until_the_new_one_is_complete(
    report: StabilityReport, page: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = page.read_bytes()

    def full_disk(self: Path, data: bytes) -> int:
        with self.open("wb") as partial:
            partial.write(data[:10])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full_disk)
    with pytest.raises(OSError, match="No space left"):
        write_report(report, page.parent)
    assert page.read_bytes() == before
    assert not list(page.parent.rglob("*.part"))


def test_json_has_no_nan() -> None:
    data = {"a": [float("nan"), 1.0, (float("inf"), "x")], 3: {"b": -1}}
    assert finite(data) == {"a": [None, 1.0, [None, "x"]], "3": {"b": -1}}
