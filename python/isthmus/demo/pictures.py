# SPDX-License-Identifier: MIT
"""The figures of the demo, from the coupled runs and the networks."""

from pathlib import Path

import netCDF4
import numpy as np
import torch

from isthmus.couple import climate_statistics as statistics
from isthmus.couple.figures import (
    draw_climates,
    draw_error_growth,
    draw_hovmoeller,
    draw_jacobians,
)
from isthmus.couple.lorenz96 import ONE_LEVEL
from isthmus.couple.stability import StabilityReport
from isthmus.learn.measures import jacobian
from isthmus.nets import Lorenz96Tendency, Rk4Step

from .truth import Truth


def draw_all(
    closures: StabilityReport,
    emulators: StabilityReport,
    steps: dict[str, Rk4Step],
    truth: Truth,
    folder: Path,
) -> list[Path]:
    """Draw error growth, Hovmoeller diagrams, Jacobians and climates; return the files."""
    paths = [_error_growth(closures, folder, "closures_error_growth")]
    paths.append(_error_growth(emulators, folder, "emulators_error_growth"))
    paths += [_hovmoeller(emulators, run.run.name, folder) for run in emulators.candidates]
    paths += [_jacobians(name, step, truth, folder) for name, step in steps.items()]
    paths.append(_climates(closures, folder))
    return paths


def _error_growth(report: StabilityReport, folder: Path, name: str) -> Path:
    """Draw the forecast error of every judged run."""
    skills = {run.run.name: run.skill for run in report.runs if run.skill is not None}
    return draw_error_growth(skills, folder, name)


def _hovmoeller(report: StabilityReport, name: str, folder: Path) -> Path:
    """Draw one forecast of an emulator beside the truth."""
    run = next(run for run in report.candidates if run.run.name == name)
    forecast = run.run.forecasts[0]
    truth_file = next((forecast.parents[2] / "truth").glob("reference/x_*.nc"))
    truth, times = _first_member(truth_file)
    emulated, _ = _first_member(forecast)
    shared = min(len(truth), len(emulated))
    return draw_hovmoeller(
        truth[:shared],
        emulated[:shared],
        times[:shared],
        folder,
        f"hovmoeller_{name}",
        label=name,
    )


def _first_member(file: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return x [time, k] of the first member, and the times."""
    with netCDF4.Dataset(file) as dataset:
        return np.asarray(dataset["x"][:, 0, :]), np.asarray(dataset["time"][...])


def _jacobians(name: str, step: Rk4Step, truth: Truth, folder: Path) -> Path:
    """Draw the derivative of one step of an emulator beside the true one."""
    x = torch.from_numpy(np.asarray(truth.one_level[1]["x"])[0, :1])
    exact = Rk4Step(Lorenz96Tendency(float(ONE_LEVEL["forcing"])), step.dt)
    return draw_jacobians(
        jacobian(exact, x)[0].numpy(),
        jacobian(step, x)[0].numpy(),
        folder,
        f"jacobians_{name}",
        label=name,
    )


def _climates(report: StabilityReport, folder: Path) -> Path:
    """Draw the distributions of the two-level model, of none and of every closure."""
    grid = report.grid
    climates = {
        run.run.name: (
            grid.bin_edges,
            statistics.density(run.climate.sums.total(), grid)[0],
        )
        for run in report.runs
        if run.climate is not None
    }
    control = report.control.run.name if report.control else None
    return draw_climates(
        climates,
        folder,
        "climates",
        reference=report.reference.run.name,
        control=control,
    )
