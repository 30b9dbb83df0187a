# SPDX-License-Identifier: MIT
"""Draw what the verification programs of the shallow water model print.

Runs the drivers of tests/fortran/shallow_water with the argument `full`, which adds the
finest grids and the fields (`profiles` where land dries), and writes the figures of
docs/shallow_water.md; `--only` takes some of them.

    python tests/benchmarks/draw_shallow_water.py BUILD [--only shores] [--write FOLDER]
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

from isthmus.couple.style import COLOURS, PALE, REFERENCE, house_style

ORDERS = (("first order", COLOURS[0], "-"), ("second order", COLOURS[1], (0, (5, 1.5))))
GRAVITY = 9.81  # [m s-2]
SET_UP_DEPTH, SET_UP_STRESS = 20.0, 2.0e-3  # of test_swe_set_up [m], [m2 s-2]
LABELS = {
    "kelvin-c=0.5": "Kelvin wave, c = 0.5",
    "kelvin-c=5.0": "Kelvin wave, c = 5",
    "kelvin-explicit": "Kelvin wave, explicit, c = 0.5",
    "taylor": "Taylor's problem",
    "sphere-seiche": "seiche on a sphere",
    "cooscillation-theta=0.50": "tide with drag, $\\theta$ = 0.5",
    "cooscillation-theta=1.00": "tide with drag, $\\theta$ = 1",
}


def run_driver(build: Path, name: str, task: str = "full") -> list[list[str]]:
    """Run a driver and return the words of its lines."""
    program = build / "tests" / "fortran" / "shallow_water" / f"test_swe_{name}"
    out = subprocess.run(
        [program, task],
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


def draw_dam_breaks(lines: list[list[str]], path: Path) -> None:
    """Draw the water six seconds after a dam broke, over water and over dry ground."""
    with house_style():
        figure, axes = plt.subplots(1, 2, figsize=(7.6, 2.8), sharey=True)
        flows = (("stoker", "over 1 mm of water"), ("ritter", "over dry ground"))
        for ax, (flow, title) in zip(axes, flows, strict=True):
            x, _, exact, *models = numbers(lines, flow).T
            ax.plot(x, 1000 * exact, color=REFERENCE, lw=2, label="exact")
            for depth, (label, colour, style) in zip(models, ORDERS, strict=True):
                ax.plot(x, 1000 * depth, color=colour, ls=style, label=label)
            ax.set(title=title, xlabel="distance from the dam [m]")
        axes[0].set_ylabel("depth [mm]")
        axes[0].legend()
        figure.savefig(path / "shallow_water_dam_breaks.png")
        plt.close(figure)


def draw_swings(lines: list[list[str]], path: Path) -> None:
    """Draw a section of the paraboloid after three swings, and the model's errors."""
    with house_style():
        figure, axes = plt.subplots(
            2, 2, figsize=(7.6, 4.4), sharex=True, height_ratios=(3, 2)
        )
        flows = (("radial", "hump, rising and falling"), ("planar", "plane, going round"))
        for (above, below), (flow, title) in zip(axes.T, flows, strict=True):
            x, bed, exact, *models = numbers(lines, flow).T
            near = np.abs(x) < 1.7
            above.fill_between(x[near], -100 * bed[near], -12, color=PALE, lw=0)
            wet = near & (exact > 0)
            surface = np.where(wet, exact - bed, np.nan)
            above.plot(x[near], 100 * surface[near], color=REFERENCE, lw=2, label="exact")
            for depth, (label, colour, style) in zip(models, ORDERS, strict=True):
                surface = np.where(depth > 0.0005, depth - bed, np.nan)
                above.plot(
                    x[near], 100 * surface[near], color=colour, ls=style, label=label
                )
                below.plot(x[near], 100 * (depth - exact)[near], color=colour, ls=style)
            above.set(title=title)
            below.set(xlabel="distance from the middle [m]")
        axes[0, 0].set_ylabel("surface [cm]")
        axes[1, 0].set_ylabel("error of depth [cm]")
        axes[0, 0].legend(loc="upper center")
        figure.savefig(path / "shallow_water_swings.png")
        plt.close(figure)


def piled_up(x: np.ndarray) -> np.ndarray:
    """Return the elevation [m] where H**2/2 - stress*x/g is constant, and the mean is 0."""
    low, high = 0.0, SET_UP_DEPTH**2
    for _ in range(200):
        middle = (low + high) / 2
        depth = np.sqrt(np.maximum(0, 2 * (middle + SET_UP_STRESS * x / GRAVITY)))
        low, high = (middle, high) if depth.mean() < SET_UP_DEPTH else (low, middle)
    return depth - SET_UP_DEPTH


def draw_set_up(profile: np.ndarray, path: Path) -> None:
    """Draw the surface under a steady wind, linear and not."""
    with house_style():
        figure, axes = plt.subplots(1, 2, figsize=(7.6, 2.8))
        kinds = ((1, "linear"), (2, "surface in the depth"))
        for (kind, label), colour in zip(kinds, COLOURS, strict=False):
            x, zeta = profile[profile[:, 0] == kind, 1:].T
            line = SET_UP_STRESS * x / GRAVITY / SET_UP_DEPTH
            exact = piled_up(x) if kind == 2 else line
            theory = "theory" if kind == 1 else None
            for ax, part, unit in zip(axes, (0, line), (1, 100), strict=True):
                y = unit * (exact - part)
                ax.plot(x / 1000, y, color=REFERENCE, lw=1, label=theory)
                ax.plot(x / 1000, unit * (zeta - part), ".", color=colour, label=label)
        for ax in axes:
            ax.set(xlabel="distance from the middle, downwind [km]")
        axes[0].set(ylabel="elevation [m]")
        axes[1].set(ylabel="less the straight line [cm]")
        axes[0].legend()
        figure.savefig(path / "shallow_water_set_up.png")
        plt.close(figure)


def draw_shores(build: Path, path: Path) -> None:
    """Run and draw dam breaks, swings in a paraboloid and the set-up by wind."""
    lines = run_driver(build, "wetting", "profiles")
    draw_dam_breaks(lines, path)
    draw_swings(lines, path)
    draw_set_up(numbers(run_driver(build, "set_up"), "set-up"), path)


def draw_waves(build: Path, path: Path) -> None:
    """Run and draw waves, tides and the adjustment; print the errors."""
    drivers = ("kelvin", "explicit", "taylor", "sphere", "cooscillation", "geostrophic")
    lines = [words for name in drivers for words in run_driver(build, name)]
    for words in lines:
        if words[:1] == ["error"]:
            print(*words)
    draw_convergence(lines, path)
    draw_taylor(numbers(lines, "taylor-chart"), path)
    draw_adjustment(numbers(lines, "profile"), path)


def main() -> None:
    """Run the drivers and draw."""
    topics = {"waves": draw_waves, "shores": draw_shores}
    parser = argparse.ArgumentParser(description="Figures of docs/shallow_water.md")
    parser.add_argument("build", type=Path, help="build folder")
    parser.add_argument("--only", choices=topics, help="some of the figures")
    parser.add_argument("--write", type=Path, default=Path("docs/figures"))
    arguments = parser.parse_args()
    arguments.write.mkdir(parents=True, exist_ok=True)
    for topic, draw in topics.items():
        if arguments.only in (None, topic):
            draw(arguments.build, arguments.write)


if __name__ == "__main__":
    main()
