# SPDX-License-Identifier: MIT
"""Error and cost of 4D-Var over the length of its windows and the density of observations.

The experiment is that of `four_d_var.py` with the Fortran adjoint; each of the 40 sites is
observed once in 1, 2, 4 or 8 steps of 0.0125, in an order drawn anew: 40, 20, 10 or 5
values in each step. Windows do not overlap, and there is no background term.

    python densities.py [--trials 3] [--steps 4000] [--figure windows.png]
"""

import argparse
from pathlib import Path

import numpy as np
from four_d_var import DT, IN_FORTRAN, F, K, assimilate
from matplotlib.figure import Figure
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from isthmus.cli.progress import progress_bar
from isthmus.couple.style import COLOURS, house_style
from isthmus.inverse import FortranModel
from isthmus.models import Lorenz96

WINDOWS = (8, 16, 24, 32, 48, 64)  # steps
CYCLES = (1, 2, 4, 8)  # steps in which each site is observed once
SIZE = (7.6, 3.0)  # inches


def main() -> None:
    """Run all windows and densities; show the table and draw the figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=4000, help="of each trial")
    parser.add_argument("--trials", type=int, default=3)
    parser.add_argument("--figure", type=Path, default=Path("windows.png"))
    args = parser.parse_args()
    model = FortranModel(Lorenz96(K, F), DT)
    shape = len(CYCLES), len(WINDOWS)
    error, spread, cost = np.empty(shape), np.empty(shape), np.empty(shape)
    n_failed = np.zeros(shape, int)
    with progress_bar("4D-Var") as update:
        for at in np.ndindex(shape):
            cycle, n_steps = CYCLES[at[0]], WINDOWS[at[1]]
            found = [
                assimilate(model, n_steps, args.steps, trial, IN_FORTRAN, cycle)
                for trial in range(args.trials)
            ]
            errors = np.concatenate([f[0][1:] for f in found])  # the first has no forecast
            error[at], spread[at] = errors.mean(), errors.std(ddof=1) / errors.size**0.5
            cost[at] = 1e3 * np.mean([f[1] for f in found])
            n_failed[at] = sum(f[3] for f in found)
            update((np.ravel_multi_index(at, shape) + 1) / error.size)
    Console(highlight=False, width=190).print(table(error, spread, cost, n_failed))
    draw(error, spread, cost, args.figure)


def table(
    error: np.ndarray, spread: np.ndarray, cost: np.ndarray, n_failed: np.ndarray
) -> Table:
    """Return a row per density: error +- its standard error, and milliseconds."""
    shown = Table(box=SIMPLE_HEAD)
    shown.add_column("values/step", justify="right")
    for n_steps in WINDOWS:
        shown.add_column(f"{n_steps * DT:.1f}", justify="right")
        shown.add_column("ms", justify="right")
    shown.add_column("unconverged", justify="right")
    for i, cycle in enumerate(CYCLES):
        cells = []
        for j in range(len(WINDOWS)):
            cells += [f"{error[i, j]:.3f} +- {spread[i, j]:.3f}", f"{cost[i, j]:.2f}"]
        shown.add_row(f"{K // cycle}", *cells, f"{n_failed[i].sum()}")
    return shown


def draw(error: np.ndarray, spread: np.ndarray, cost: np.ndarray, path: Path) -> None:
    """Draw errors and costs over the window, a line per density."""
    time = DT * np.array(WINDOWS)
    with house_style():
        figure = Figure(figsize=SIZE)
        left, right = figure.subplots(1, 2)
        for i, cycle in enumerate(CYCLES):
            look = {"color": COLOURS[i], "marker": "o", "ms": 3.5}
            label = f"{K // cycle} of {K} sites a step"
            left.errorbar(time, error[i], spread[i], label=label, capsize=2, **look)
            right.plot(time, cost[i], **look)
        left.set(ylabel="analysis error", ylim=(0.0, None))
        right.set(ylabel="processor time of a window [ms]", yscale="log")
        for axes in (left, right):
            axes.set_xlabel("window [time units]")
        left.legend(fontsize="small")
        figure.savefig(path)


if __name__ == "__main__":
    main()
