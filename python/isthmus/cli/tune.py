# SPDX-License-Identifier: MIT
"""`isthmus tune`: of a model file the fastest engine, of a TOML file the parameters."""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from isthmus.cli.progress import progress_bar
from isthmus.export.tuning import DEFAULT_EXTENTS, Tuning, tune_file
from isthmus.inverse.parameter_campaigns import (
    LEVELS,
    TuningResults,
    read_tuning,
    run_tuning,
)

WIDE = 130  # columns that the table of parameters needs

Extents = Annotated[
    list[int], typer.Option("--batch", help="Extent of the batch; may be given repeatedly.")
]


Threads = Annotated[
    list[int], typer.Option(help="Threads to measure too; may be given repeatedly.")
]


def tune(
    file: Annotated[
        Path, typer.Argument(help="A model file, .pt or .pt2, or a TOML file.")
    ],
    batch: Extents = list(DEFAULT_EXTENTS),  # noqa: B006
    threads: Threads = [1],  # noqa: B006
    write: Annotated[
        Path | None,
        typer.Option(help="Results of a TOML file, FILE.nc; a second call continues."),
    ] = None,
) -> None:
    """Tune a network to this machine, or the parameters of a model to observations.

    Of a model file, several batches are measured and the choice is stored in
    FILE.tune.json. A load takes it if file, processor and torch are the same;
    ISTHMUS_TUNE=0 in the environment turns that off.

    Of a TOML file, parameters are estimated in twin experiments, with error bars and how
    often they hold the truth.
    """
    if file.suffix == ".toml":
        tune_parameters(file, file.with_suffix(".nc") if write is None else write)
    else:
        tune_engine(file, batch, threads)


def tune_parameters(file: Path, path: Path) -> None:
    """Estimate the parameters of a TOML file; write and show the results."""
    tuning = read_tuning(file)
    with progress_bar(f"{file.name}: {tuning.n_twins} twins") as advanced:
        results = run_tuning(tuning, path, advanced)
    out = Console(highlight=False, soft_wrap=True)
    out.width = max(out.width, WIDE)
    out.print(_parameters(results))
    numbers = results.numbers
    out.print(
        f"{tuning.n_twins} twins: {int(np.nansum(numbers['is_converged']))} converged, "
        f"{int(np.nansum(numbers['is_consistent']))} with a cost as expected; "
        f"{np.nanmean(numbers['n_iterations']):.0f} linearisations each"
    )
    out.print(f"results: {path}", markup=False)


def _parameters(results: TuningResults) -> Table:
    """Return a row per parameter: errors, and how often the error bars hold the truth."""
    title = "errors in the parameter, relative on a log scale; truths inside, %"
    table = Table(title=title, box=SIMPLE_HEAD, title_justify="left")
    for name in ("parameter", "scale", "before", "bias", "rms error", "error bar"):
        table.add_column(
            name, justify="left" if name in ("parameter", "scale") else "right"
        )
    n = results.tuning.n_twins
    for level in LEVELS:
        deviation = 100 * np.sqrt(level * (1 - level) / n)
        table.add_column(f"{100 * level:.0f} +- {deviation:.1f}", justify="right")
    prior = results.tuning.prior
    departures = prior.q(results.estimate) - prior.q(results.truth)
    bars = np.sqrt(np.einsum("tii->ti", results.covariance))
    coverage = [results.coverage(level) for level in LEVELS]
    for i, parameter in enumerate(prior.parameters):
        table.add_row(
            parameter.name,
            parameter.scale,
            f"{parameter.sd:.3g}",
            f"{np.nanmean(departures[:, i]):.2g}",
            f"{np.sqrt(np.nanmean(departures[:, i] ** 2)):.3g}",
            f"{np.sqrt(np.nanmean(bars[:, i] ** 2)):.3g}",
            *(f"{100 * share[i]:.1f}" for share in coverage),
        )
    return table


def tune_engine(file: Path, batch: list[int], threads: list[int]) -> None:
    """Measure a model file for several batches and store the choice."""
    with progress_bar(f"measuring {file.name}") as advanced:
        found = tune_file(file, batch, threads=threads, advanced=advanced)
    out = Console(highlight=False, soft_wrap=True)
    out.print(_table(found))
    if found.reason:
        out.print(f"No own loops: {found.reason}.", markup=False)
    elif found.loops == 0:
        out.print("No own loops: they are not faster here.")
    else:
        out.print(f"Own loops evaluate up to {found.loops} samples from now on.")
    chunk = f"chunks of {found.way.chunk}" if found.way.chunk else "all samples at once"
    out.print(f"The engine takes {chunk}, with the {found.way.allocator} allocator.")
    out.print(f"Stored in {found.write()}", markup=False)


def _table(found: Tuning) -> Table:
    """Return microseconds per call of each way."""
    table = Table(title="us per call, median", box=SIMPLE_HEAD, title_justify="left")
    ways = list(dict.fromkeys(way for m in found.measurements for way in m.ways))
    threads = list(dict.fromkeys(n for m in found.measurements for n in m.threads))
    table.add_column("batch", justify="right")
    for way in ways:
        table.add_column(way.replace(" 0", ""), justify="right")
    table.add_column("own loops", justify="right")
    for n in threads:
        table.add_column(f"{n} threads", justify="right")
    for m in found.measurements:
        cells = [m.ways.get(way) for way in ways]
        cells += [m.loops, *(m.threads.get(n) for n in threads)]
        table.add_row(f"{m.extent}", *("-" if c is None else f"{c:.2f}" for c in cells))
    return table
