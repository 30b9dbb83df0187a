# SPDX-License-Identifier: MIT
"""The figures of a report on runs that were judged member by member."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from isthmus.couple.captions import caption
from isthmus.couple.paired import PairedAssessment, PairedReport, Quantity
from isthmus.couple.plots import ReportFigure, draw_survival, styled_runs
from isthmus.couple.style import WIDTH, Look, draw_line, house_style, put_legend

PER_ROW = 2
ROW_HEIGHT = 2.5  # inches


def paired_figures(report: PairedReport) -> list[ReportFigure]:
    """Draw all figures of a report."""
    with house_style():
        return [
            draw_survival(report, caption("paired_survival")),
            _draw_means(report),
            _draw_errors(report),
        ]


def _panels(quantities: Sequence[Quantity]) -> tuple[Figure, list[Axes]]:
    """Return a figure with a panel for each quantity."""
    rows = -(-len(quantities) // PER_ROW)
    figure = Figure(figsize=(WIDTH, ROW_HEIGHT * rows))
    columns = min(PER_ROW, len(quantities))
    panels = [figure.add_subplot(rows, columns, i + 1) for i in range(len(quantities))]
    return figure, panels


def _with_series(report: PairedReport) -> list[tuple[PairedAssessment, Look]]:
    """Return the runs that have any output."""
    return [(run, look) for run, look in styled_runs(report) if run.series is not None]


def _draw_means(report: PairedReport) -> ReportFigure:
    """Draw the mean over members of each quantity over time."""
    figure, panels = _panels(report.quantities)
    for quantity, axes in zip(report.quantities, panels, strict=True):
        for run, look in _with_series(report):
            assert run.series is not None
            values = np.where(run.series.alive, run.series.values[quantity.name], np.nan)
            known = np.isfinite(values).any(axis=1)
            mean = np.nanmean(values[known], axis=1)
            draw_line(axes, run.series.times[known], mean, look, run.run.name)
        axes.set(xlabel=f"time [{report.time_unit}]", ylabel=f"mean [{quantity.unit}]")
        axes.set_title(quantity.title)
    put_legend(figure, panels[0])
    return ReportFigure("means", "Means over the members", caption("means"), figure)


def _draw_errors(report: PairedReport) -> ReportFigure:
    """Draw the root mean square error of each quantity over time."""
    figure, panels = _panels(report.quantities)
    reference = report.reference.series
    assert reference is not None
    for quantity, axes in zip(report.quantities, panels, strict=True):
        true, sd = reference.values[quantity.name], report.scales[quantity.name]
        for run, look in _with_series(report)[1:]:
            assert run.series is not None
            both = min(true.shape[0], run.series.times.size)
            error = (run.series.values[quantity.name][:both] - true[:both]) / sd
            error[~run.series.alive[:both]] = np.nan
            known = np.isfinite(error).any(axis=1)
            rms = np.sqrt(np.nanmean(error[known] ** 2, axis=1))
            draw_line(axes, run.series.times[:both][known], rms, look, run.run.name)
        axes.set(xlabel=f"time [{report.time_unit}]", ylabel="error [sd]")
        axes.set_ylim(bottom=0.0)
        axes.set_title(quantity.title)
    put_legend(figure, panels[0])
    return ReportFigure("errors", "Errors of the members", caption("errors"), figure)
