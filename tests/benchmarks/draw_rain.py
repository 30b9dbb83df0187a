# SPDX-License-Identifier: MIT
"""Draw the mass distributions that ``rain_spectra`` prints, for docs/rain.md.

Usage: draw_rain.py BUILD/tests/benchmarks/rain_spectra [FIGURE]
"""

import subprocess
import sys
from collections import defaultdict

import matplotlib as mpl

mpl.use("Agg")

import numpy as np
from matplotlib import pyplot as plt

from isthmus.couple.style import COLOURS, REFERENCE, STYLE

MINUTES = {
    "golovin": (0, 20, 40, 60),
    "long": (0, 20, 30, 40),
    "hall": (0, 20, 30, 40),
}
TITLES = {
    "golovin": "Golovin's kernel, 30.5 $\\mu$m, 1 g m$^{-3}$",
    "long": "Long's kernel, 10 $\\mu$m, 1 g m$^{-3}$",
    "hall": "Hall's kernel, 10 $\\mu$m, 1 g m$^{-3}$",
}


def main() -> None:
    """Run the program, draw one panel for each kernel."""
    out = subprocess.run([sys.argv[1]], capture_output=True, text=True, check=True).stdout
    lines: dict[tuple[str, str, int], list[tuple[float, float]]] = defaultdict(list)
    for kernel, method, minutes, radius, mass in map(str.split, out.splitlines()):
        lines[kernel, method, int(minutes)].append((float(radius), float(mass)))
    with mpl.rc_context(STYLE):
        figure, panels = plt.subplots(1, 3, figsize=(9.6, 3.4), sharey=True)
        for axes, (kernel, title) in zip(panels, TITLES.items(), strict=True):
            for i, minutes in enumerate(MINUTES[kernel]):
                reference = "exact" if kernel == "golovin" else "bins"
                radius, mass = np.array(lines[kernel, reference, minutes]).T
                axes.plot(1e6 * radius, 1e3 * mass, color=REFERENCE, linewidth=0.9)
                radius, mass = np.array(lines[kernel, "droplets", minutes]).T
                axes.plot(
                    1e6 * radius,
                    1e3 * mass,
                    "o",
                    markersize=2.6,
                    color=COLOURS[i],
                    label=f"{minutes} min",
                )
            axes.set_xscale("log")
            axes.set_xlim(2.0, 5000.0)
            axes.set_ylim(0.0, 2.0)
            axes.legend()
            axes.set_xlabel("radius [$\\mu$m]")
            axes.set_title(title)
        panels[0].set_ylabel("mass per ln(radius) [g m$^{-3}$]")
        figure.savefig(sys.argv[2] if len(sys.argv) > 2 else "rain_spectra.png")


if __name__ == "__main__":
    main()
