# SPDX-License-Identifier: MIT
"""A plume of nitrogen oxides in a gyre: by the solver, by the network, and a film strip.

python examples/09_chemistry/plume.py --figure docs/figures/chemistry_plume.png
"""

import argparse
import os
import subprocess
import time
from pathlib import Path

import matplotlib.pyplot as plt
import netCDF4
import numpy as np

from isthmus.couple.programs import find_program
from isthmus.couple.style import house_style
from isthmus.models import find_mechanism

FOLDER = Path(__file__).parent / "build"
NETWORK = FOLDER / "superfast_3600.nc"
DAYS, HOURS_SHOWN = 3.0, (6, 24, 48, 72)
PPB = 2.46e10  # molecules per cm3 in one of 1e9, as in the mechanism's comments


def main() -> None:
    """Run both, compare, draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--figure", type=Path, default=FOLDER / "plume.png")
    args = parser.parse_args()
    runs = {}
    for name, network in (("solver", "none"), ("network", str(NETWORK))):
        output = FOLDER / f"plume_{name}.nc"
        command = [find_program("isthmus-plume"), network, find_mechanism("superfast")]
        begin = time.perf_counter()
        done = subprocess.run(
            [*command, output, str(DAYS)],
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        print(f"{name}, {time.perf_counter() - begin:.1f} s\n{done.stdout}")
        with netCDF4.Dataset(output) as file:
            runs[name] = {v: file[v][:].data for v in ("O3", "NO2", "by_solver")}
            hours = file["time"][:].data / 3600.0
    for hour in HOURS_SHOWN:
        i = int(np.abs(hours - hour).argmin())
        error = runs["network"]["O3"][i] / runs["solver"]["O3"][i] - 1
        rms, most = 100 * np.sqrt((error**2).mean()), 100 * np.abs(error).max()
        print(
            f"{hour} h: ozone of the network off by {rms:.2f} % (rms), {most:.2f} % (most)"
        )
    draw(runs, hours, args.figure)


def draw(runs: dict[str, dict[str, np.ndarray]], hours: np.ndarray, path: Path) -> None:
    """Draw rows of NO2, ozone and the network's error, columns of hours."""
    rows = (
        ("NO2, network [ppb]", runs["network"]["NO2"] / PPB, "viridis", None),
        ("ozone, network [ppb]", runs["network"]["O3"] / PPB, "magma", None),
        (
            "ozone, network - solver [%]",
            100 * (runs["network"]["O3"] / runs["solver"]["O3"] - 1),
            "RdBu_r",
            15.0,
        ),
    )
    frames = [int(np.abs(hours - hour).argmin()) for hour in HOURS_SHOWN]
    with house_style():
        figure, axes = plt.subplots(3, len(frames), figsize=(7.6, 5.8))
        for row, (label, values, colours, limit) in zip(axes, rows, strict=True):
            shown = values[frames]
            low, high = (-limit, limit) if limit else (shown.min(), shown.max())
            for axis, frame, hour in zip(row, frames, HOURS_SHOWN, strict=True):
                image = axis.pcolormesh(values[frame], cmap=colours, vmin=low, vmax=high)
                by_solver = runs["network"]["by_solver"][frame]
                if by_solver.any():
                    axis.contour(by_solver, levels=[0.5], colors="black", linewidths=0.8)
                axis.set(aspect="equal", xticks=[], yticks=[])
                axis.set_title(f"{hour} h")
            row[0].set_ylabel(label)
            figure.colorbar(image, ax=row, shrink=0.8)
        figure.savefig(path)


if __name__ == "__main__":
    main()
