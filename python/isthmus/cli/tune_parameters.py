# SPDX-License-Identifier: MIT
"""`isthmus tune FILE.toml`: a model's parameters by observations, real or of twins."""

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
    is_real = tuning.observed is not None
    what = str(tuning.observed) if is_real else f"{tuning.n_twins} twins"
    with progress_bar(f"{file.name}: {what}") as advanced:
        results = run_tuning(tuning, path, advanced)
    out = Console(highlight=False, soft_wrap=True)
    out.width = max(out.width, WIDE)
    if is_real:
        out.print(_estimates(results))
        for line in _fit(results):
            out.print(line, markup=False)
        out.print(f"results: {path}", markup=False)
        return
    out.print(_parameters(results))
    numbers = results.numbers
    out.print(
        f"{tuning.n_twins} twins: {int(np.nansum(numbers['is_converged']))} converged, "
        f"{int(np.nansum(numbers['is_consistent']))} with a cost as expected; "
        f"{np.nanmean(numbers['n_iterations']):.0f} linearisations each"
    )
    failed = numbers["is_converged"] == 0.0
    if (failed & np.isfinite(numbers["gradient_norm"])).any():
        out.print(
            f"{int(failed.sum())} did not converge: norm of the gradient up to "
            f"{np.nanmax(numbers['gradient_norm'][failed]):.3g}, up to "
            f"{np.nanmax(numbers['decrement'][failed]):.2g} standard errors to go"
        )
    if tuning.n_draws:
        out.print(
            f"error bars of {tuning.n_draws} draws of each posterior, "
            f"{np.nanmin(numbers['effective']):.0f} at least of which count"
        )
    out.print(f"results: {path}", markup=False)


def _estimates(results: TuningResults) -> Table:
    """Return a row per parameter: what was known, and what the observations tell."""
    table = Table(box=SIMPLE_HEAD)
    names = "parameter", "before", "estimate", "68 % from", "to", "95 % from", "to"
    for name in names:
        table.add_column(name, justify="left" if name == "parameter" else "right")
    bounds = [results.intervals[0, LEVELS.index(level)] for level in (0.68, 0.95)]
    for i, parameter in enumerate(results.prior.parameters):
        table.add_row(
            parameter.name,
            f"{parameter.background:.4g}",
            f"{results.estimate[0, i]:.4g}",
            *(f"{bound:.4g}" for pair in bounds for bound in pair[:, i]),
        )
    return table


def _fit(results: TuningResults) -> list[str]:
    """Return how the minimisation ended, and how well the observations are fitted."""
    n = {name: float(values[0]) for name, values in results.numbers.items()}
    if np.isnan(n["cost"]):
        return ["the model blew up from the first guess: nothing was estimated"]
    lines = [
        f"{'converged' if n['is_converged'] else 'did not converge'} after "
        f"{n['n_iterations']:.0f} linearisations: gradient {n['gradient_norm']:.3g}, "
        f"{n['decrement']:.2g} standard errors to go",
        f"cost {n['cost_before']:.4g} before, {n['cost']:.4g} after; {n['n_observed']:.0f} "
        "observations, half as much is expected",
    ]
    if not n["is_consistent"]:
        lines.append("the cost is too high: errors given too small, or a wrong model")
    return lines


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
