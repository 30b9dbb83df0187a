# SPDX-License-Identifier: MIT
"""`isthmus assimilate`: twin experiments of a TOML file, beside published scores."""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from isthmus.cli.progress import progress_bars
from isthmus.inverse.campaigns import Results, read_campaign, run_campaign
from isthmus.inverse.forward import Array

WIDE = 140  # columns that the table needs
MANY = 3  # seeds; more of them are shown by their extremes and their deviation


def assimilate(
    file: Annotated[
        Path, typer.Argument(help="TOML file of model, twin and schemes.", dir_okay=False)
    ],
    write: Annotated[
        Path | None,
        typer.Option(help="Results, FILE.nc if not given; a second call continues them."),
    ] = None,
) -> None:
    """Run assimilation schemes against a known truth and show their errors.

    The results are netCDF, with the whole configuration inside.
    """
    campaign = read_campaign(file)
    path = file.with_suffix(".nc") if write is None else write
    with progress_bars() as update:
        results = run_campaign(campaign, path, update)
    out = Console(highlight=False, soft_wrap=True)
    out.width = max(out.width, WIDE)
    out.print(_table(results))
    for line in _unconverged(results):
        out.print(line, markup=False)
    out.print(f"results: {path}", markup=False)


def _table(results: Results) -> Table:
    """Return a row per scheme: errors of all seeds, spread, cost."""
    campaign, scores = results.campaign, results.scores
    table = Table(title="analysis error (rmse)", box=SIMPLE_HEAD, title_justify="left")
    table.add_column("scheme", no_wrap=True)
    seeds = [f"seed {s}" for s in campaign.seeds]
    if len(seeds) > MANY:
        seeds = ["lowest", "highest", "sd of a seed"]
    for name in (
        "published",
        "mean",
        *seeds,
        "+-",
        "spread",
        "ms/cycle",
        "diverged",
        "unconverged",
    ):
        table.add_column(name, justify="right")
    for i, entry in enumerate(campaign.entries):
        table.add_row(
            entry.name,
            _number(entry.published, 3),
            _number(float(scores["rmse"][i].mean()), 3),
            *(_number(value, 3) for value in _of_seeds(scores["rmse"][i])),
            _number(float(scores["rmse_error"][i].mean()), 3),
            _number(float(scores["spread"][i].mean()), 3),
            _number(float(scores["milliseconds"][i].min()), 3),
            f"{int(scores['is_diverged'][i].sum())}",
            _number(float(scores["n_unconverged"][i].sum()), 0),
        )
    return table


def _of_seeds(rmse: Array) -> list[float]:
    """Return the errors of few seeds; of many the lowest, the highest, the deviation."""
    if rmse.size <= MANY:
        return [float(value) for value in rmse]
    return [float(rmse.min()), float(rmse.max()), float(rmse.std(ddof=1))]


def _unconverged(results: Results) -> list[str]:
    """Return a line for each scheme whose minimisations did not all converge."""
    lines = []
    for i, entry in enumerate(results.campaign.entries):
        n = np.nansum(results.scores["n_unconverged"][i])
        if n:
            worst = np.nanmax(results.scores["worst_gradient"][i])
            n_all = int(np.isfinite(results.endings[i, ..., 0]).sum())
            lines.append(
                f"{entry.name}: {n:.0f} of {n_all} minimisations did not converge; the "
                f"gradient's norm fell to {worst:.2g} of the first at worst; each cycle's "
                "is in the results"
            )
    return lines


def _number(value: float, digits: int) -> str:
    """Return a number, or a dash."""
    return "-" if np.isnan(value) else f"{value:.{digits}f}"
