# SPDX-License-Identifier: MIT
"""Draw what rains from the shafts of two files, for docs/rain.md.

Usage: draw_rain_shafts.py DROPLETS.nc MOMENTS.nc [FIGURE]

The files are of ``isthmus-rain-shaft`` and ``isthmus-rain-bulk`` with one namelist. Prints
what rained, and when the rain began (0.01 mm at the ground), as rows of a table.
"""

import sys

import matplotlib as mpl

mpl.use("Agg")

import netCDF4
import numpy as np
from matplotlib import pyplot as plt

from isthmus.couple.style import COLOURS, REFERENCE, STYLE

ONSET = 0.01  # kg m-2 at the ground


def print_row(name: str, column: int, data: netCDF4.Dataset) -> None:
    """Print one column of one file."""
    time, rained = data["time"][:], data["rained"][:, column]
    rate = 3600.0 * data["rain_rate"][:, column]
    cells = [f"{rained[np.argmin(abs(time - t))]:.2f}" for t in (1800.0, 2400.0, 3600.0)]
    onset = time[np.argmax(rained > ONSET)] if (rained > ONSET).any() else np.nan
    words = [str(column + 1), name, f"{onset:.0f}", *cells, f"{rate.max():.0f}"]
    print("| " + " | ".join(words) + f" | {data['left'][-1, column]:.2f} |")


def main() -> None:
    """Read, print, draw."""
    droplets, moments = (netCDF4.Dataset(path) for path in sys.argv[1:3])
    n_columns = droplets.dimensions["column"].size
    with mpl.rc_context(STYLE):
        figure, panels = plt.subplots(1, n_columns, figsize=(9.6, 2.8), squeeze=False)
        for column, axes in enumerate(panels[0]):
            minutes = droplets["time"][:] / 60.0
            rate = 3600.0 * droplets["rain_rate"][:, column]
            error = 3600.0 * droplets["rain_rate_se"][:, column]
            axes.plot(minutes, rate, color=REFERENCE, label="super-droplets")
            axes.fill_between(minutes, rate - error, rate + error, color="#d0d0d0")
            axes.plot(
                moments["time"][:] / 60.0,
                3600.0 * moments["rain_rate"][:, column],
                color=COLOURS[1],
                linestyle="--",
                label=moments.closure,
            )
            axes.set_title(f"column {column + 1}")
            axes.set_xlabel("time [min]")
            print_row("super-droplets", column, droplets)
            print_row(moments.closure, column, moments)
        panels[0, 0].set_ylabel("rain at the ground [mm h$^{-1}$]")
        panels[0, 0].legend()
        figure.savefig(sys.argv[3] if len(sys.argv) > 3 else "rain_shafts.png")


if __name__ == "__main__":
    main()
