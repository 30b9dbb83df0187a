# SPDX-License-Identifier: MIT
"""Short tables of a stability report: a row per run, the few numbers one asks for first."""

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.table import Table

from isthmus.couple.criteria import Verdict
from isthmus.couple.skill import Skill
from isthmus.couple.stability import ClimateAssessment, StabilityReport

COLOURS = {Verdict.PASS: "green", Verdict.FAIL: "red", Verdict.UNDECIDED: "yellow"}
# Quantity, heading, factor to the unit of the heading.
COLUMNS = (
    ("mean_error", "mean error [% of sd]", 100.0),
    ("sd_error", "sd error [%]", 100.0),
    ("wasserstein", "W1 [% of sd]", 100.0),
    ("valid_time", "valid time", 1.0),
)
TINY = 1e-3  # below it an error is shown by its power of ten
LEADS = (0.1, 0.5, 1.0)  # of the errors shown [1], those that papers quote


def short_table(report: StabilityReport, title: str) -> Table:
    """Return verdict and main numbers of every run but the reference."""
    table = Table(
        title=title,
        title_justify="left",
        box=SIMPLE_HEAD,
        pad_edge=False,
        collapse_padding=True,
    )
    table.add_column("run", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    for _, heading, _ in COLUMNS:
        table.add_column(heading, justify="right", min_width=5)
    for lead in LEADS:
        table.add_column(f"RMSE {lead:g}", justify="right", min_width=5)
    for run in report.runs[1:]:
        table.add_row(*_row(run))
    return table


def _row(run: ClimateAssessment) -> list[str]:
    """Return the cells of a run."""
    colour = COLOURS[run.verdict]
    cells = [run.run.name, f"[{colour}]{run.verdict}[/]"]
    for key, _, factor in COLUMNS:
        found = run.quantities.get(key)
        cells.append("-" if found is None else f"{factor * found.value:.2f}")
    return [*cells, *_errors(run.skill)]


def _errors(skill: Skill | None) -> list[str]:
    """Return the mean forecast errors at the leads of the table."""
    if skill is None:
        return ["-"] * len(LEADS)
    nearest = [int(np.abs(skill.leads - lead).argmin()) for lead in LEADS]
    errors = [skill.rmse_mean()[i] for i in nearest]
    return [f"{e:.3f}" if e >= TINY else f"{e:.0e}" for e in errors]
