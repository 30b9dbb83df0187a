# SPDX-License-Identifier: MIT
"""Compare coarse columns, by physics and by networks, with fine ones never seen."""

import argparse
from pathlib import Path

import matplotlib.pyplot as plt
import netCDF4
import numpy as np

from isthmus.couple.style import REFERENCE_LOOK, draw_line, house_style, looks

LEVELS, DAY = 20, 86400.0
LEADS = (1, 10, 30)  # days
NAMES = {
    "unseen_physics": "physics of the coarse grid",
    "unseen_one_step": "network, one step",
}
NAMES["unseen_rollouts"] = "network, rollouts"
Array = np.ndarray


def read(path: Path) -> dict[str, Array]:
    """Return time, budget, T and u on coarse levels [time, column, level]."""
    with netCDF4.Dataset(path) as file:
        found = {name: np.asarray(file[name][:]) for name in ("time", "t", "u", "budget")}
    for name in ("t", "u"):
        field = found[name]
        found[name] = field.reshape(*field.shape[:2], LEVELS, -1).mean(-1)
    return found


def rms(x: Array) -> float:
    """Return the root of the mean square."""
    return float(np.sqrt(np.square(x).mean()))


def row(name: str, run: dict[str, Array], truth: dict[str, Array]) -> str:
    """Return a line of the table."""
    last = [int(np.searchsorted(run["time"], lead * DAY)) for lead in LEADS]
    last = [min(i, len(run["time"]) - 1) for i in last]
    warm = " | ".join(f"{1e3 * rms(run['t'][i] - truth['t'][i]):.1f}" for i in last)
    fast = f"{1e3 * rms(run['u'] - truth['u']):.2f}"
    surface = 1e3 * float((run["t"] - truth["t"])[:, :, 0].mean())
    budget = np.abs(run["budget"] - run["budget"][0]).max() / run["budget"][0].max()
    return f"| {name} | {warm} | {surface:+.1f} | {fast} | {budget:.0e} |"


def draw(path: Path, runs: dict[str, dict[str, Array]], truth: dict[str, Array]) -> None:
    """Draw the error of temperature in time and at the end by depth."""
    depth = (np.arange(LEVELS) + 0.5) * 100.0 / LEVELS
    with house_style():
        figure, (left, right) = plt.subplots(1, 2, figsize=(7.6, 2.9))
        for look, (name, run) in zip(looks(len(runs)), runs.items(), strict=True):
            error = run["t"] - truth["t"]
            growth = 1e3 * np.sqrt(np.square(error).mean((1, 2)))
            draw_line(left, run["time"] / DAY, growth, look, name)
            draw_line(right, 1e3 * error[-1].mean(0), depth, look)
        draw_line(right, np.zeros(LEVELS), depth, REFERENCE_LOOK)
        left.set(xlabel="time [d]", ylabel="error of temperature [mK]", ylim=(0, None))
        right.set(xlabel="mean error at the end [mK]", ylabel="depth [m]", ylim=(60, 0))
        left.legend()
        figure.savefig(path)


def main() -> None:
    """Print the table, draw the figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("truth", type=Path, help="fine columns")
    parser.add_argument("runs", type=Path, nargs="+", help="coarse columns")
    parser.add_argument("--figure", type=Path)
    given = parser.parse_args()
    truth = read(given.truth)
    runs = {NAMES.get(path.stem, path.stem): read(path) for path in given.runs}
    leads = " | ".join(f"T after {lead} d" for lead in LEADS)
    print(f"| in the slot | {leads} | surface T, mean | u | heat budget |")
    print("|---" * (len(LEADS) + 4) + "|")
    for name, run in runs.items():
        print(row(name, run, truth))
    if given.figure is not None:
        draw(given.figure, runs, truth)


if __name__ == "__main__":
    main()
