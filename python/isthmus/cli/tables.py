# SPDX-License-Identifier: MIT
"""Short tables of a stability report: a row per run, the few numbers one asks for first."""

from rich.table import Table

from isthmus.couple.assessment import Assessment
from isthmus.couple.criteria import Verdict
from isthmus.couple.stability import StabilityReport

COLOURS = {Verdict.PASS: "green", Verdict.FAIL: "red", Verdict.UNDECIDED: "yellow"}
# Quantity, heading, factor to the unit of the heading.
COLUMNS = (
    ("survival", "alive [%]", 100.0),
    ("mean_error", "mean error [% of sd]", 100.0),
    ("sd_error", "sd error [%]", 100.0),
    ("wasserstein", "W1 [% of sd]", 100.0),
    ("valid_time", "valid time", 1.0),
)


def short_table(report: StabilityReport, title: str) -> Table:
    """Return verdict and main numbers of every run but the reference."""
    table = Table(title=title, title_justify="left")
    table.add_column("run")
    table.add_column("verdict")
    for _, heading, _ in COLUMNS:
        table.add_column(heading, justify="right")
    for run in report.runs[1:]:
        table.add_row(*_row(run))
    return table


def _row(run: Assessment) -> list[str]:
    """Return the cells of a run."""
    colour = COLOURS[run.verdict]
    cells = [run.run.name, f"[{colour}]{run.verdict}[/]"]
    for key, _, factor in COLUMNS:
        found = run.quantities.get(key)
        cells.append("-" if found is None else f"{factor * found.value:.3g}")
    return cells
