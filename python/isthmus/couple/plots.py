# SPDX-License-Identifier: MIT
"""The figures of the stability report."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from isthmus.couple import climate_statistics as statistics
from isthmus.couple.captions import caption
from isthmus.couple.climate import Climate
from isthmus.couple.judgement import A, Judgement
from isthmus.couple.skill import Curve
from isthmus.couple.stability import StabilityReport
from isthmus.couple.style import (
    CONTROL_LOOK,
    PALE,
    REFERENCE,
    REFERENCE_LOOK,
    WIDTH,
    Look,
    draw_line,
    house_style,
    looks,
    put_legend,
)

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ReportFigure:
    """A figure with the words that explain it."""

    name: str
    title: str
    caption: str
    figure: Figure


def report_figures(report: StabilityReport) -> list[ReportFigure]:
    """Draw all figures of a report that its data allow."""
    with house_style():
        figures = [
            draw_survival(report, caption("survival", plausible=report.grid.plausible_sd)),
            draw_drift(report),
            draw_distribution(report),
            draw_correlations(report),
            draw_spectra(report),
        ]
        if any(run.skill for run in report.runs):
            figures.append(draw_skill(report))
        if report.grid.training_range is not None:
            figures.append(draw_range(report))
    return figures


def styled_runs(report: Judgement[A]) -> list[tuple[A, Look]]:
    """Return the runs with their looks: reference, control, candidates."""
    styled: list[tuple[A, Look]] = [(report.reference, REFERENCE_LOOK)]
    if report.control:
        styled.append((report.control, CONTROL_LOOK))
    return styled + list(zip(report.candidates, looks(len(report.candidates)), strict=True))


def _with_climate(report: StabilityReport) -> list[tuple[str, Climate, Look]]:
    """Return name, climate and look of the runs that have any output."""
    return [
        (run.run.name, run.climate, look)
        for run, look in styled_runs(report)
        if run.climate is not None
    ]


def _panels(n: int, height: float = 2.9) -> tuple[Figure, Sequence[Axes]]:
    """Return a figure of `n` panels side by side."""
    figure = Figure(figsize=(WIDTH, height))
    return figure, [figure.add_subplot(1, n, i + 1) for i in range(n)]


def draw_survival(report: Judgement[A], words: str) -> ReportFigure:
    """Draw the share of members alive over time; `words` explain it."""
    figure, (axes,) = _panels(1, 2.5)
    begin, longest = np.inf, -np.inf
    for run, look in styled_runs(report):
        survival = run.survival
        if survival is None:
            continue
        end = survival.end
        times = np.linspace(survival.start, end, 400)
        share, low, high = survival.curve(times)
        if survival.n_dead > np.count_nonzero(np.isfinite(survival.death_times)):
            share[-1] = survival.fraction().value
        draw_line(axes, times, 100 * share, look, run.run.name)
        axes.fill_between(times, 100 * low, 100 * high, color=look.colour, alpha=0.10, lw=0)
        if run.run.failure is not None:
            axes.plot(end, 100 * share[-1], marker="x", ms=8, mew=2, color=look.colour)
        begin, longest = min(begin, survival.start), max(longest, end)
    axes.set(xlabel=f"time [{report.time_unit}]")
    axes.set(ylabel="members alive [%]", ylim=(-3, 104))
    axes.set_xlim(begin, longest)
    put_legend(figure, axes)
    return ReportFigure("survival", "Survival", words, figure)


def draw_drift(report: StabilityReport) -> ReportFigure:
    """Draw ensemble mean and variance over time."""
    figure, (left, right) = _panels(2)
    grid = report.grid
    for name, climate, look in _with_climate(report):
        sums, times = climate.sums.total(), climate.block_times
        draw_line(
            left,
            times,
            grid.center + grid.scale * statistics.block_means(sums)[0],
            look,
            name,
        )
        variance = grid.scale**2 * statistics.block_variances(sums)[0]
        draw_line(right, times, variance, look)
    _scale_to_survivors(report, left, right)
    left.set(xlabel="time [model units]", ylabel="mean of x", title="Mean")
    right.set(xlabel="time [model units]", ylabel="variance of x", title="Variance")
    put_legend(figure, left)
    return ReportFigure("drift", "Drift", caption("drift"), figure)


def _scale_to_survivors(report: StabilityReport, *panels: Axes) -> None:
    """Scale axes to the runs without a death, lest a blow-up flatten the others."""
    survived = [climate.survival.n_dead == 0 for _, climate, _ in _with_climate(report)]
    for axes in panels:
        lines = [line for line, alive in zip(axes.lines, survived, strict=True) if alive]
        values = np.concatenate([np.asarray(line.get_ydata()) for line in lines])
        low, high = float(np.nanmin(values)), float(np.nanmax(values))
        margin = 0.05 * (high - low)
        axes.set_ylim(low - margin, high + margin)


def draw_distribution(report: StabilityReport) -> ReportFigure:
    """Draw histograms, and their difference from the reference."""
    figure, (left, right) = _panels(2)
    grid, join = report.grid, 5  # fine bins are too noisy for the eye
    middle = (
        (0.5 * (grid.bin_edges[:-1] + grid.bin_edges[1:])).reshape(-1, join).mean(axis=1)
    )
    densities = {}
    for name, climate, look in _with_climate(report):
        fine = statistics.density(climate.sums.total(), grid)[0]
        densities[name] = fine.reshape(-1, join).mean(axis=1)
        seen = np.where(densities[name] > 0, densities[name], np.nan)
        draw_line(left, middle, seen, look, name)
    reference = densities[report.reference.run.name]
    for name, _, look in _with_climate(report)[1:]:
        draw_line(right, middle, densities[name] - reference, look)
    occupied = middle[reference > 0]
    margin = 0.4 * np.ptp(occupied)  # tells tails that are too long from a blow-up's
    left.set_xlim(occupied.min() - margin, occupied.max() + margin)
    right.set_xlim(grid.center - 4 * grid.scale, grid.center + 4 * grid.scale)
    right.axhline(0.0, color=REFERENCE, lw=1.0)
    left.set(yscale="log", xlabel="x", ylabel="probability density", title="Distribution")
    right.set(
        xlabel="x", ylabel="density - reference", title="Difference from the reference"
    )
    if grid.training_range is not None:
        for edge in grid.training_range:
            left.axvline(edge, color=PALE, lw=0.9, ls=":")
    put_legend(figure, left)
    return ReportFigure(
        "distribution", "Distribution of states", caption("distribution"), figure
    )


def draw_correlations(report: StabilityReport) -> ReportFigure:
    """Draw the correlation in space and in time."""
    figure, (left, right) = _panels(2)
    grid = report.grid
    distances = np.arange(grid.n_sites // 2 + 1).astype(np.float64)
    for name, climate, look in _with_climate(report):
        sums = climate.sums.total()
        draw_line(left, distances, statistics.site_correlation(sums, grid)[0], look, name)
        draw_line(right, grid.lags, statistics.autocorrelation(sums)[0], look)
    left.set(xlabel="distance [sites]", ylabel="correlation", title="In space")
    left.xaxis.set_major_locator(MaxNLocator(integer=True))
    right.set(xlabel="time lag [model units]", ylabel="correlation", title="In time")
    put_legend(figure, left)
    return ReportFigure("correlations", "Correlations", caption("correlations"), figure)


def draw_spectra(report: StabilityReport) -> ReportFigure:
    """Draw power by wavenumber and by frequency."""
    figure, (left, right) = _panels(2)
    grid = report.grid
    wavenumbers = np.arange(grid.n_sites // 2 + 1).astype(np.float64)
    for name, climate, look in _with_climate(report):
        sums = climate.sums.total()
        power = grid.scale**2 * statistics.site_spectrum(sums, grid)[0]
        draw_line(left, wavenumbers[1:], power[1:], look, name)
        density = grid.scale**2 * statistics.time_spectrum(sums)[0]
        draw_line(
            right,
            grid.frequencies[1:-1],
            np.where(density > 0, density, np.nan)[1:-1],
            look,
        )
    for axes in (left, right):
        _cut_below_reference(axes)
    left.set(
        yscale="log", xlabel="wavenumber [waves around the ring]", ylabel="variance of x"
    )
    left.xaxis.set_major_locator(MaxNLocator(integer=True))
    right.set(xscale="log", yscale="log", xlabel="frequency [cycles per model time unit]")
    right.set(ylabel="power density of x")
    left.set_title("By wavenumber")
    right.set_title("By frequency")
    put_legend(figure, left)
    return ReportFigure(
        "spectra", "Spectra", caption("spectra", segment=grid.segment), figure
    )


def _cut_below_reference(axes: Axes) -> None:
    """End a logarithmic axis somewhat below the first line, lest a frozen run rule it."""
    reference = np.asarray(axes.lines[0].get_ydata(), dtype=np.float64)
    top = float(np.nanmax(reference))
    axes.set_ylim(bottom=max(float(np.nanmin(reference)) / 30.0, 1e-9 * top))


def _band(axes: Axes, leads: Array, curve: Curve, look: Look, label: str) -> None:
    """Draw a curve with its interval."""
    axes.fill_between(leads, curve.low, curve.high, color=look.colour, alpha=0.15, lw=0)
    draw_line(axes, leads, curve.value, look, label)


def draw_skill(report: StabilityReport) -> ReportFigure:
    """Draw RMSE, ACC and valid time of the forecasts."""
    figure, (left, middle, right) = _panels(3)
    scored = [(run, look) for run, look in styled_runs(report) if run.skill is not None]
    top = 0.0
    for i, (run, look) in enumerate(scored):
        assert run.skill is not None
        _band(left, run.skill.leads, run.skill.rmse(), look, run.run.name)
        _band(middle, run.skill.leads, run.skill.acc(), look, run.run.name)
        valid = run.skill.valid_time_lyapunov() or run.skill.valid_time()
        errors = [[valid.value - valid.low], [valid.high - valid.value]]
        right.barh(
            i, valid.value, color=look.colour, height=0.6, xerr=errors, ecolor="#404040"
        )
        top = run.skill.saturation
    left.axhline(top, color=PALE, lw=0.9, ls=":")
    left.set(xlabel="lead time [model units]", ylabel="RMSE of x", ylim=(0, 1.15 * top))
    middle.set(
        xlabel="lead time [model units]", ylabel="anomaly correlation", ylim=(-0.1, 1.03)
    )
    lyapunov = (
        scored[0][0].skill.climatology.lyapunov_exponent if scored[0][0].skill else None
    )
    unit = "model units" if lyapunov is None else "Lyapunov times"
    right.set(xlabel=f"valid time [{unit}]", yticks=range(len(scored)))
    right.set_yticklabels([run.run.name for run, _ in scored])
    right.invert_yaxis()
    right.grid(axis="y", visible=False)
    left.set_title("Error")
    middle.set_title("Correlation")
    right.set_title("Valid time")
    put_legend(figure, left)
    return ReportFigure("skill", "Forecast skill", caption("skill"), figure)


def draw_range(report: StabilityReport) -> ReportFigure:
    """Draw the share of values outside the training range over time."""
    figure, (axes,) = _panels(1, 2.5)
    for name, climate, look in _with_climate(report):
        share = statistics.outside_share_by_time(climate.sums.total())[0]
        draw_line(axes, climate.block_times, 100 * share, look, name)
    limit = 100 * report.criteria.outside_share
    axes.axhline(limit, color=PALE, lw=0.9, ls=":")
    axes.set(xlabel="time [model units]", ylabel="values outside [%]")
    axes.set_ylim(bottom=0.0)
    axes.set_ylim(top=max(1.2 * limit, axes.get_ylim()[1]))
    put_legend(figure, axes)
    low, high = report.grid.training_range or (np.nan, np.nan)
    return ReportFigure(
        "range", "Outside the training range", caption("range", low=low, high=high), figure
    )
