# SPDX-License-Identifier: MIT
"""Write the model's input files, run it, read the tide back.

    python model.py [--directory .]

writes `grid.nc`, `boundary.nc` and `m2.nml` of the calibrated model, for
`isthmus-shallow-water m2.nml`.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

import netCDF4
import numpy as np
from north_sea import (
    HERE,
    LAND,
    M2_PERIOD,
    Boundary,
    Calibration,
    Grid,
    read_range,
    read_tide,
)

PROGRAM = "isthmus-shallow-water"
ONE_AT_A_TIME = Lock()  # for netCDF, whose library is not safe with threads
STEPS_PER_CYCLE = 50  # dt = 894 s

NAMELIST = """\
! M2 of the North Sea: {cycles} periods, the last {analysed} analysed. Written by model.py.
&grid
  file = "grid.nc"
/
&physics
  theta = 0.51
  drag_coefficient = {drag:.6g}
/
&integration
  start = "2000-01-01T00:00:00"
  dt = {dt:.6f}
  n_steps = {n_steps}
/
&solver
  tolerance = {tolerance:.1e}
/
&boundary
  file = "boundary.nc"
  ramp = {ramp:.3f}
/
&analysis
  constituents = {constituents}
  start = {start:.3f}
  output = "m2.nc"
/
"""


@dataclass(frozen=True)
class Experiment:
    """One run: what makes it differ from others."""

    calibration: Calibration
    knots: np.ndarray  # complex amplitudes along the boundary
    range_m2: np.ndarray  # m, see Grid.depth
    cycles: int = 10  # periods of M2
    analysed: int = 2  # of them, at the end
    steps_per_cycle: int = STEPS_PER_CYCLE
    tolerance: float = 1.0e-4  # m, of the solver
    knots_s2: np.ndarray | None = None  # S2 along the boundary; None: M2 alone


def main() -> None:
    """Write the input files of the calibrated model."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--directory", type=Path, default=HERE)
    parser.add_argument("--cycles", type=int, default=10, help="periods of M2 to run")
    arguments = parser.parse_args()
    arguments.directory.mkdir(parents=True, exist_ok=True)
    grid, boundary = Grid.read(), Boundary.read(HERE / "boundary.csv")
    experiment = Experiment(
        Calibration.read(), boundary.amplitude, read_range(), cycles=arguments.cycles
    )
    write_inputs(arguments.directory, grid, boundary, experiment)


def run(
    grid: Grid,
    boundary: Boundary,
    experiment: Experiment,
    constituents: Sequence[str] = ("M2",),
    threads: int = 1,
) -> list[np.ndarray]:
    """Return the complex amplitudes [lat, lon] that a run gives, NaN on land."""
    environment = {"OMP_WAIT_POLICY": "passive", "OMP_NUM_THREADS": str(threads)}
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder)
        with ONE_AT_A_TIME:
            write_inputs(directory, grid, boundary, experiment)
        done = subprocess.run(
            [PROGRAM, "m2.nml"],
            cwd=directory,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(f"{PROGRAM} failed: {done.stderr.strip()}")
        with ONE_AT_A_TIME:
            return [read_tide(directory / "m2.nc", name) for name in constituents]


def run_all(
    grid: Grid, boundary: Boundary, experiments: Iterable[Experiment]
) -> Iterator[np.ndarray]:
    """Run several experiments, as many at a time as there are cores; yield in order."""
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        yield from pool.map(
            lambda experiment: run(grid, boundary, experiment)[0], experiments
        )


def write_inputs(
    directory: Path, grid: Grid, boundary: Boundary, experiment: Experiment
) -> None:
    """Write grid, boundary and namelist."""
    write_grid(directory / "grid.nc", grid, experiment)
    tides = {"M2": experiment.knots}
    if experiment.knots_s2 is not None:
        tides["S2"] = experiment.knots_s2
    write_boundary(directory / "boundary.nc", grid, boundary, tides)
    dt = M2_PERIOD / experiment.steps_per_cycle
    (directory / "m2.nml").write_text(
        NAMELIST.format(
            cycles=experiment.cycles,
            constituents=", ".join(f'"{name}"' for name in [*tides, "M4"]),
            analysed=experiment.analysed,
            drag=experiment.calibration.drag,
            dt=dt,
            n_steps=experiment.cycles * experiment.steps_per_cycle,
            tolerance=experiment.tolerance,
            ramp=2 * M2_PERIOD,
            start=(experiment.cycles - experiment.analysed) * M2_PERIOD,
        )
    )


def write_grid(path: Path, grid: Grid, experiment: Experiment) -> None:
    """Write what the program reads of the grid."""
    with netCDF4.Dataset(path, "w") as file:
        file.Conventions = "CF-1.8"
        file.title = "North Sea, 5 minutes, depth below mean sea level"
        file.source = "ETOPO5 (NOAA/NGDC) and Natural Earth, corrected; see north_sea.py"
        write_coordinates(file, grid)
        depth = file.createVariable("depth", "f8", ("lat", "lon"), zlib=True)
        depth.setncatts(
            {"units": "m", "positive": "down", "long_name": "undisturbed depth"}
        )
        depth[:] = grid.depth(experiment.calibration, experiment.range_m2)
        mask = file.createVariable("mask", "i4", ("lat", "lon"), zlib=True)
        mask.setncatts({"units": "1", "long_name": "1 water, 0 land"})
        mask[:] = grid.cell != LAND


def write_coordinates(file: netCDF4.Dataset, grid: Grid) -> None:
    """Write longitude and latitude."""
    for name, values, units in (
        ("lat", grid.lat, "degrees_north"),
        ("lon", grid.lon, "degrees_east"),
    ):
        file.createDimension(name, values.size)
        variable = file.createVariable(name, "f8", (name,))
        variable.units = units
        variable[:] = values


def write_boundary(
    path: Path, grid: Grid, boundary: Boundary, tides: dict[str, np.ndarray]
) -> None:
    """Write the constituents in the cells of prescribed elevation, given at the knots."""
    rows, columns = grid.open_points()
    amplitude = np.array([boundary.weights(grid) @ knots for knots in tides.values()])
    with netCDF4.Dataset(path, "w") as file:
        file.createDimension("point", len(rows))
        file.createDimension("constituent", len(tides))
        for name, values, units in (
            ("lon", grid.lon[columns], "degrees_east"),
            ("lat", grid.lat[rows], "degrees_north"),
        ):
            variable = file.createVariable(name, "f8", ("point",))
            variable.units = units
            variable[:] = values
        for name, values, units in (
            ("amplitude", abs(amplitude), "m"),
            ("phase", np.degrees(-np.angle(amplitude)) % 360, "degree"),
        ):
            variable = file.createVariable(name, "f8", ("constituent", "point"))
            variable.setncatts({"units": units, "constituents": " ".join(tides)})
            variable[:] = values


if __name__ == "__main__":
    main()
