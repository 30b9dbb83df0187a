# SPDX-License-Identifier: MIT
"""Write a stability report: one HTML page that needs nothing else, and JSON beside it."""

import base64
import io
import json
import math
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2
from matplotlib.figure import Figure
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from isthmus.couple.assessment import Assessment
from isthmus.couple.criteria import Finding, Verdict, quote
from isthmus.couple.judgement import Judgement
from isthmus.couple.paired import PairedReport
from isthmus.couple.paired_plots import paired_figures
from isthmus.couple.plots import ReportFigure, report_figures
from isthmus.couple.stability import StabilityReport
from isthmus.couple.style import house_style

TEMPLATE = "report.html.j2"
Report = StabilityReport | PairedReport
SYMBOLS = {Verdict.PASS: "✓", Verdict.FAIL: "✗", Verdict.UNDECIDED: "?"}
RICH_STYLES = {Verdict.PASS: "green", Verdict.FAIL: "red", Verdict.UNDECIDED: "yellow"}


def write_report(report: Report, directory: Path, name: str = "report") -> Path:
    """Write `report.html`, `report.json` and `figures/*.png`; return the page's path.

    Each file appears whole or not at all; an older one stays until the new one is complete.

    Raises
    ------
    OSError
        If the directory cannot be written.
    """
    if isinstance(report, PairedReport):
        figures = paired_figures(report)
    else:
        figures = report_figures(report)
    (directory / "figures").mkdir(parents=True, exist_ok=True)
    images = {}
    for drawn in figures:
        images[drawn.name] = _png(drawn.figure)
        _replace(directory / "figures" / f"{name}_{drawn.name}.png", images[drawn.name])
    page = _render(report, figures, images)
    _replace(directory / f"{name}.html", page.encode("utf-8"))
    data = json.dumps(finite(report.to_dict()), indent=2, ensure_ascii=False, default=str)
    _replace(directory / f"{name}.json", data.encode("utf-8"))
    return directory / f"{name}.html"


def finite(data: Any) -> Any:  # noqa: ANN401 - JSON is any nesting of plain data
    """Replace numbers that JSON does not have (NaN, infinity) by None."""
    if isinstance(data, Mapping):
        return {str(key): finite(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [finite(value) for value in data]
    if isinstance(data, float) and not math.isfinite(data):
        return None
    return data


def summary_table(report: Judgement[Any]) -> Table:
    """Return the verdicts as a table for the terminal."""
    table = Table(title="Stability", title_justify="left")
    table.add_column("criterion")
    table.add_column("limit")
    judged = _judged(report)
    for run in judged:
        table.add_column(escape(run.run.name), justify="right")
    table.add_row(
        "verdict", "", *(_styled(run.verdict, str(run.verdict)) for run in judged)
    )
    table.add_section()
    for row in _rows(report):
        cells = [
            "-"
            if f is None
            else _styled(f.verdict, f"{format_value(f)} {SYMBOLS[f.verdict]}")
            for f in row["cells"]
        ]
        table.add_row(escape(row["title"]), row["limit"], *cells)
    return table


def format_value(finding: Finding) -> str:
    """Write a measured value."""
    return quote(finding.key, finding.measured.value)


def format_interval(finding: Finding) -> str:
    """Write the confidence limits of a measured value."""
    low, high = finding.measured.low, finding.measured.high
    if not (math.isfinite(low) and math.isfinite(high)):
        return ""
    return f"{quote(finding.key, low).removesuffix(' %')} … {quote(finding.key, high)}"


def _styled(verdict: Verdict, text: str) -> Text:
    return Text(text, style=RICH_STYLES[verdict])


def _judged(report: Judgement[Any]) -> list[Assessment]:
    """Return the runs in the order of the table: candidates, then the control."""
    return [*report.candidates, *([report.control] if report.control else [])]


def _rows(report: Judgement[Any]) -> list[dict[str, Any]]:
    """Return one row per criterion, a cell (or None) per judged run."""
    judged = _judged(report)
    by_run = [{finding.key: finding for finding in run.findings} for run in judged]
    keys: dict[str, Finding] = {}
    for findings in by_run:
        for key, finding in findings.items():
            keys.setdefault(key, finding)
    return [
        {
            "key": key,
            "title": f.title,
            "limit": f.limit,
            "cells": [m.get(key) for m in by_run],
        }
        for key, f in keys.items()
    ]


def _render(
    report: Report, figures: list[ReportFigure], images: Mapping[str, bytes]
) -> str:
    """Fill the template."""
    environment = jinja2.Environment(
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["value"] = format_value
    environment.filters["interval"] = format_interval
    environment.filters["number"] = lambda q: f"{q.value:.4g}"
    environment.filters["limits"] = lambda q: f"{q.low:.4g} … {q.high:.4g}"
    source = files("isthmus.couple").joinpath(TEMPLATE).read_text(encoding="utf-8")
    encoded = {name: base64.b64encode(png).decode("ascii") for name, png in images.items()}
    return environment.from_string(source).render(
        report=report,
        judged=_judged(report),
        rows=_rows(report),
        quantities=[
            (key, title)
            for key, title in report.titles.items()
            if any(key in run.quantities for run in report.runs)
        ],
        figures=figures,
        images=encoded,
        symbols={str(verdict): symbol for verdict, symbol in SYMBOLS.items()},
    )


def _png(figure: Figure) -> bytes:
    """Return a figure as PNG."""
    buffer = io.BytesIO()
    with house_style():
        figure.savefig(buffer, format="png")
    return buffer.getvalue()


def _replace(path: Path, content: bytes) -> None:
    """Write a file beside its place and move it there."""
    partial = path.with_name(path.name + ".part")
    try:
        partial.write_bytes(content)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
