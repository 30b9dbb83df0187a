# SPDX-License-Identifier: MIT
"""The value of candidates: a map where they have places, bars where they are on a ring."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from isthmus.couple.style import COLOURS, REFERENCE, house_style
from isthmus.inverse.design_results import Design

MAP_COLOURS = "viridis"
PANEL = 3.9  # inches
POLAR = 75.0  # degrees beyond which a degree of longitude is not drawn shorter


def draw_design(design: Design, path: Path) -> None:
    """Draw the values and the chosen places to a file."""
    with house_style():
        is_ring = design.problem.case["kind"] == "lorenz96"
        figure = _ring(design) if is_ring else _maps(design)
        figure.savefig(path)


def _maps(design: Design) -> Figure:
    """Return a map per measure."""
    measures = design.problem.measures
    figure = Figure(figsize=(PANEL * len(measures), PANEL * 1.25))
    for i, axes in enumerate(np.atleast_1d(figure.subplots(1, len(measures)))):
        _map(design, i, axes)
    return figure


def _map(design: Design, i: int, axes: Axes) -> None:
    """Draw all candidates coloured by value, what is there, and what is chosen."""
    there, places = design.problem.present, design.problem.candidates
    order = np.argsort(design.values[i])  # the best are drawn last
    points = axes.scatter(
        places.lon[order],
        places.lat[order],
        c=design.values[i][order],
        s=4,
        marker="s",
        linewidths=0,
        cmap=MAP_COLOURS,
        rasterized=True,
    )
    axes.plot(there.lon, there.lat, "o", ms=3.5, mfc="white", mec=REFERENCE, mew=0.8)
    for number, k in enumerate(design.greedy[i], start=1):
        axes.plot(places.lon[k], places.lat[k], "*", ms=13, color=COLOURS[1], mec="white")
        axes.annotate(
            str(number),
            (places.lon[k], places.lat[k]),
            xytext=(6, 4),
            textcoords="offset points",
            fontweight="bold",
        )
    latitude = min(POLAR, float(np.abs(places.lat).mean()))
    axes.set_aspect(1.0 / np.cos(np.radians(latitude)))
    name = design.problem.measures[i].name
    is_information = design.problem.measures[i].group is None
    axes.set_title("information [nat]" if is_information else f"fall of variance: {name}")
    axes.grid(visible=False)
    axes.figure.colorbar(points, ax=axes, orientation="horizontal", pad=0.06, aspect=35)


def _ring(design: Design) -> Figure:
    """Return predicted values at the sites, and what the twins made of them."""
    problem = design.problem
    figure = Figure(figsize=(2 * PANEL, PANEL * 0.8))
    axes = figure.subplots()
    sites = problem.candidates.lon
    i = len(problem.measures) - 1  # of the state's variance
    axes.bar(sites, 100 * design.values[i], color=COLOURS[5], label="predicted")
    axes.plot(
        problem.present.lon,
        np.zeros(len(problem.present.lon)),
        "o",
        ms=6,
        mfc="white",
        mec=REFERENCE,
        label="observed already",
        clip_on=False,
    )
    if design.errors.size:
        axes.errorbar(
            sites,
            100 * design.realised,
            100 * design.realised_error,
            fmt="o",
            ms=4,
            color=COLOURS[1],
            label=f"twin experiments, {len(design.errors)} truths",
        )
    for number, k in enumerate(design.greedy[i], start=1):
        axes.text(sites[k], 0.1, str(number), ha="center", fontweight="bold")
    axes.set_xlabel("site")
    axes.set_ylabel("fall of the error variance [%]")
    axes.legend(ncols=3, loc="lower center", bbox_to_anchor=(0.5, 1.0))
    return figure
