# SPDX-License-Identifier: MIT
"""`isthmus design`: where the next observations teach most, as a TOML file asks."""

from pathlib import Path
from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from scipy.stats import spearmanr

from isthmus.cli.progress import progress_bars
from isthmus.inverse.design_cases import read_problem
from isthmus.inverse.design_figures import draw_design
from isthmus.inverse.design_results import Design


def design(
    file: Annotated[
        Path, typer.Argument(help="TOML file of case, design and twins.", dir_okay=False)
    ],
    write: Annotated[
        Path | None,
        typer.Option(help="Results, FILE.nc if not given; a second call continues them."),
    ] = None,
    figure: Annotated[
        Path | None, typer.Option(help="Figure, FILE.png if not given.")
    ] = None,
) -> None:
    """Value candidates for new observations, choose sets of them, check by twins.

    The results are netCDF, with the whole configuration inside.
    """
    problem = read_problem(file)
    path = file.with_suffix(".nc") if write is None else write
    picture = file.with_suffix(".png") if figure is None else figure
    found = Design(problem, path)
    with progress_bars() as update:
        found.run(update)
    draw_design(found, picture)
    out = Console(highlight=False, soft_wrap=True)
    out.print(_table(found))
    if found.errors.size:
        rank = float(spearmanr(found.values[-1], found.realised).statistic)
        out.print(
            f"{len(found.errors)} truths: the predicted and the realised fall of the error "
            f"variance have rank correlation {rank:.2f}",
            markup=False,
        )
    out.print(f"results: {path}\nfigure: {picture}", markup=False)


def _table(found: Design) -> Table:
    """Return a row per chosen candidate of each measure."""
    problem, places = found.problem, found.problem.candidates
    table = Table(
        title=f"{len(places.names)} candidates, {len(problem.present.names)} present",
        box=SIMPLE_HEAD,
        title_justify="left",
    )
    for title in ("measure", "chosen", "place", "alone", "set", "best set"):
        table.add_column(
            title, justify="left" if title in ("measure", "place") else "right"
        )
    for i, measure in enumerate(problem.measures):
        for j, k in enumerate(found.greedy[i]):
            is_last = j == len(found.greedy[i]) - 1
            place = places.names[k]
            if problem.case["kind"] == "file":
                place += f", {places.lat[k]:.2f} N {places.lon[k]:.2f} E"
            table.add_row(
                measure.name if j == 0 else "",
                str(j + 1),
                place,
                f"{found.values[i, k]:.3f}",
                f"{found.greedy_value[i]:.3f}" if is_last else "",
                f"{found.best_value[i]:.3f}" if is_last and found.best[i, 0] >= 0 else "",
            )
    return table
