# SPDX-License-Identifier: MIT
"""Draw what the verification programs of the shallow water model print.

Runs the drivers of tests/fortran/shallow_water with the argument `full`, which adds the
finest grids and the fields, and writes the figures of docs/shallow_water.md.

    python tests/benchmarks/draw_shallow_water.py BUILD [--write docs/figures]
"""

import argparse
import os
import subprocess
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

LABELS = {
    "kelvin-c=0.5": "Kelvin wave, c = 0.5",
    "kelvin-c=5.0": "Kelvin wave, c = 5",
    "kelvin-explicit": "Kelvin wave, explicit, c = 0.5",
    "taylor": "Taylor's problem",
    "sphere-seiche": "seiche on a sphere",
    "cooscillation-theta=0.50": "tide with drag, $\\theta$ = 0.5",
    "cooscillation-theta=1.00": "tide with drag, $\\theta$ = 1",
}


def run_driver(build: Path, name: str) -> list[list[str]]:
    """Run a driver and return the words of its lines."""
    program = build / "tests" / "fortran" / "shallow_water" / f"test_swe_{name}"
    out = subprocess.run(
        [program, "full"],
        env={"OMP_NUM_THREADS": "2", **os.environ},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return [line.split() for line in out.splitlines()]


def numbers(lines: list[list[str]], key: str) -> np.ndarray:
    """Return the numbers of the lines that start with a key."""
    return np.array(
        [[float(x) for x in words[1:]] for words in lines if words[:1] == [key]]
    )


def draw_convergence(lines: list[list[str]], path: Path) -> None:
    """Draw error over cell size."""
    series: dict[str, list[tuple[float, float]]] = {}
    for words in lines:
        if words[:1] == ["error"] and words[1] in LABELS:
            series.setdefault(words[1], []).append((float(words[2]), float(words[3])))
    figure, axes = plt.subplots(figsize=(6.4, 4.4), layout="constrained")
    for name, label in LABELS.items():
        cells, errors = np.array(series[name]).T
        axes.loglog(cells / 1000, errors, "o-", markersize=4, label=label)
    x = np.array([5.0, 30.0])
    axes.loglog(x, 3e-4 * (x / 5) ** 2, "k:", linewidth=1)
    axes.text(13, 1.3e-3, "second order")
    axes.loglog(x, 0.25 * x / 30, "k--", linewidth=1)
    axes.text(14, 0.09, "first")
    axes.set_xlabel("cell [km]; time step in proportion")
    axes.set_ylabel("relative error")
    axes.legend(fontsize=7, loc="lower right")
    figure.savefig(path / "shallow_water_convergence.png", dpi=130)
    plt.close(figure)


def draw_taylor(chart: np.ndarray, path: Path) -> None:
    """Draw amplitude and phase of Taylor's problem, model above theory."""
    x, y = np.unique(chart[:, 0]), np.unique(chart[:, 1])
    fields = (chart[:, 2] + 1j * chart[:, 3], chart[:, 4] + 1j * chart[:, 5])
    figure, axes = plt.subplots(2, 1, figsize=(6.4, 5.8), sharex=True, layout="constrained")
    for ax, field, title in zip(axes, fields, ("model, 12.5 km", "theory"), strict=True):
        tide = field.reshape(y.size, x.size)
        mesh = ax.pcolormesh(x, y, np.abs(tide), cmap="viridis", vmin=0, vmax=1.4)
        draw_phase_lines(ax, x, y, tide)
        ax.set_title(title, fontsize=9)
        ax.set_ylabel("y [km]")
        ax.set_aspect("equal")
    axes[1].set_xlabel("distance from the closed end [km]")
    figure.colorbar(mesh, ax=axes, label="amplitude [m]", shrink=0.8)
    figure.savefig(path / "shallow_water_taylor.png", dpi=110)
    plt.close(figure)


def draw_phase_lines(ax: Axes, x: np.ndarray, y: np.ndarray, tide: np.ndarray) -> None:
    """Draw lines of equal phase, every twelfth of a period: zeros of a turned part."""
    for k in range(6):
        turned = tide * np.exp(-1j * np.pi * k / 6)
        ax.contour(x, y, turned.imag, levels=[0], colors="white", linewidths=0.7)


def draw_adjustment(profile: np.ndarray, path: Path) -> None:
    """Draw the adjusted step."""
    y, model, theory = profile.T
    near = np.abs(y) < 5
    figure, axes = plt.subplots(figsize=(5.4, 3.2), layout="constrained")
    axes.plot(y[near], -np.sign(y[near]), color="0.7", label="at the start")
    axes.plot(y[near], theory[near], "k-", linewidth=1, label="theory")
    axes.plot(y[near], model[near], "C0.", markersize=4, label="model, cells of 0.15 R")
    axes.set_xlabel("y / R")
    axes.set_ylabel("elevation / step")
    axes.legend(fontsize=8)
    figure.savefig(path / "shallow_water_adjustment.png", dpi=110)
    plt.close(figure)


def main() -> None:
    """Run the drivers and draw."""
    parser = argparse.ArgumentParser(description="Figures of docs/shallow_water.md")
    parser.add_argument("build", type=Path, help="build folder")
    parser.add_argument("--write", type=Path, default=Path("docs/figures"))
    arguments = parser.parse_args()
    arguments.write.mkdir(parents=True, exist_ok=True)
    drivers = ("kelvin", "explicit", "taylor", "sphere", "cooscillation", "geostrophic")
    lines = [words for name in drivers for words in run_driver(arguments.build, name)]
    for words in lines:
        if words[:1] == ["error"]:
            print(*words)
    draw_convergence(lines, arguments.write)
    draw_taylor(numbers(lines, "taylor-chart"), arguments.write)
    draw_adjustment(numbers(lines, "profile"), arguments.write)


if __name__ == "__main__":
    main()
