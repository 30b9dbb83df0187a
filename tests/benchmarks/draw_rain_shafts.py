# SPDX-License-Identifier: MIT
"""Draw what rains from the shafts of some files, for docs/rain.md and docs/results.

Usage: draw_rain_shafts.py DROPLETS.nc MOMENTS.nc... FIGURE.png

The files are of ``isthmus-rain-shaft`` and ``isthmus-rain-bulk``, of one namelist;
of many columns three are drawn. Prints what rained, and when the rain began (0.01 mm at the
ground), as rows of a table.
"""

import sys
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

import netCDF4
import numpy as np
from matplotlib import pyplot as plt

from isthmus.couple.style import COLOURS, REFERENCE, STYLE, put_legend

ONSET = 0.01  # kg m-2 at the ground
DRAWN = 3  # columns at most


def print_row(name: str, column: int, data: netCDF4.Dataset) -> None:
    """Print one column of one file."""
    time, rained = data["time"][:], data["rained"][:, column]
    rate = 3600.0 * data["rain_rate"][:, column]
    cells = [f"{rained[np.argmin(abs(time - t))]:.2f}" for t in (1800.0, 2400.0, 3600.0)]
    onset = time[np.argmax(rained > ONSET)] if (rained > ONSET).any() else np.nan
    words = [str(column + 1), name, f"{onset:.0f}", *cells, f"{rate.max():.0f}"]
    print("| " + " | ".join(words) + f" | {data['left'][-1, column]:.2f} |")


def name_of(data: netCDF4.Dataset) -> str:
    """Return what fills the slot, for a legend."""
    closure = getattr(data, "closure", "super-droplets")
    return f"network {Path(closure).stem}" if "." in closure else closure


def draw_column(axes: plt.Axes, column: int, files: list[netCDF4.Dataset]) -> None:
    """Draw the rain rate of one column, the droplets with their standard error."""
    droplets = files[0]
    minutes = droplets["time"][:] / 60.0
    rate = 3600.0 * droplets["rain_rate"][:, column]
    error = 3600.0 * droplets["rain_rate_se"][:, column]
    axes.plot(minutes, rate, color=REFERENCE, label="super-droplets")
    axes.fill_between(minutes, rate - error, rate + error, color="#d0d0d0")
    for i, moments in enumerate(files[1:]):
        axes.plot(
            moments["time"][:] / 60.0,
            3600.0 * moments["rain_rate"][:, column],
            color=COLOURS[1 - i % 2],
            linestyle=("--", "-.")[i % 2],
            label=name_of(moments),
        )
    axes.set_title(f"column {column + 1}")
    axes.set_xlabel("time [min]")
    for data in files:
        print_row(name_of(data), column, data)


def main() -> None:
    """Read, print, draw."""
    files = [netCDF4.Dataset(path) for path in sys.argv[1:-1]]
    n_columns = files[0].dimensions["column"].size
    drawn = np.unique(np.linspace(0, n_columns - 1, min(n_columns, DRAWN)).astype(int))
    with mpl.rc_context(STYLE):
        figure, panels = plt.subplots(1, drawn.size, figsize=(9.6, 2.8), squeeze=False)
        for column, axes in zip(drawn, panels[0], strict=True):
            draw_column(axes, int(column), files)
        panels[0, 0].set_ylabel("rain at the ground [mm h$^{-1}$]")
        put_legend(figure, panels[0, 0])
        figure.savefig(sys.argv[-1])


if __name__ == "__main__":
    main()
