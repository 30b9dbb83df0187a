# SPDX-License-Identifier: MIT
"""Run M2 and S2 together; S2 was never fitted.

    python springs.py            # 35 periods of M2, the last 29 analysed

The ratio of S2 to M2, a complex number, changes slowly along the open boundary: it is taken
from gauges near the boundary, weighted by the inverse square of their distance. All else is
the model calibrated on M2 alone, so that S2 in the sea is a prediction, and M2 meets the
friction of the spring tides.
"""

from __future__ import annotations

import argparse
import csv
import os

import numpy as np
from chart import skill_table
from model import Experiment, run
from north_sea import (
    HERE,
    Boundary,
    Calibration,
    Gauges,
    Grid,
    complex_column,
    numbers,
    read_range,
)
from rich.console import Console

SPIN_UP, FORTNIGHT = 6, 29  # periods of M2; 29 of them are 15 days, spring to spring
NEAR = 1.5  # degrees of latitude: a gauge tells about the boundary


def main() -> None:
    """Run, compare both constituents."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.parse_args()
    grid, boundary = Grid.read(), Boundary.read(HERE / "boundary.csv")
    gauges = Gauges.read(grid)
    experiment = Experiment(
        Calibration.read(),
        boundary.amplitude,
        read_range(),
        cycles=SPIN_UP + FORTNIGHT,
        analysed=FORTNIGHT,
        knots_s2=boundary.amplitude * s2_to_m2(boundary),
    )
    threads = len(os.sched_getaffinity(0))
    with Console().status(f"{experiment.cycles} periods of M2 and S2"):
        tides = run(grid, boundary, experiment, ["M2", "S2"], threads=threads)
    for name, field, observed in zip(
        ("M2", "S2"), tides, (gauges.amplitude, gauges.s2), strict=True
    ):
        size = np.sqrt(np.mean(abs(observed[np.isin(gauges.kind, ["c", "o"])]) ** 2))
        print(f"{name}, whose RMS amplitude at open coast and offshore is {size:.3f} m:")
        print(skill_table(gauges.of(field), gauges, observed))


def s2_to_m2(boundary: Boundary) -> np.ndarray:
    """Return the complex ratio of S2 to M2 at the knots."""
    with (HERE / "gauges.csv").open() as file:
        rows = list(csv.DictReader(file))
    ratio = complex_column(rows, "S2") / complex_column(rows, "M2")
    x = (numbers(rows, "lon")[None] - boundary.lon[:, None]) * np.cos(
        np.radians(boundary.lat)
    )[:, None]
    squares = x**2 + (numbers(rows, "lat")[None] - boundary.lat[:, None]) ** 2
    weights = np.where(squares < NEAR**2, 1 / squares, 0.0)
    # A knot in the open sea takes its nearest gauge, however far.
    lonely = weights.sum(axis=1) == 0
    weights[lonely, np.argmin(squares[lonely], axis=1)] = 1.0
    return weights @ ratio / weights.sum(axis=1)


if __name__ == "__main__":
    main()
