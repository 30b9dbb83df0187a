# SPDX-License-Identifier: MIT
"""`isthmus tune FILE.toml`: parameters of a model by observations of twins."""

from pathlib import Path

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from isthmus.cli.progress import progress_bar
from isthmus.inverse.parameter_campaigns import read_tuning, run_tuning
from isthmus.inverse.parameter_results import LEVELS, TuningResults

WIDE = 130  # columns that the table of parameters needs


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
    if tuning.n_draws:
        out.print(
            f"error bars of {tuning.n_draws} draws of each posterior, "
            f"{np.nanmin(numbers['effective']):.0f} at least of which count"
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
    n = results.n_twins
    for level in LEVELS:
        deviation = 100 * np.sqrt(level * (1 - level) / n)
        table.add_column(f"{100 * level:.0f} +- {deviation:.1f}", justify="right")
    prior = results.prior
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
