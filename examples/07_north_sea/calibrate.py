# SPDX-License-Identifier: MIT
"""Calibrate the North Sea model on the gauges given.

    python calibrate.py            # boundary.csv and range_m2.nc, about 65 runs
    python calibrate.py --scan     # besides scan.csv: friction and depth, 27 runs more

Unknown are the complex amplitudes of M2 at ten knots of the open boundary. The model is
nearly linear in them: runs with each knot changed a little, in its real and its imaginary
part, give the response of every gauge, and least squares, held by the prior's standard
deviations, the next estimate (Gauss and Newton). Friction and the two numbers of the depth
correction are the same for the whole sea; their values in `calibration.csv` were chosen by
the scan, in the middle of its valley, with gauges held out.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import netCDF4
import numpy as np
from chart import skill_table
from model import Experiment, run_all, write_coordinates
from north_sea import HERE, Boundary, Calibration, Gauges, Grid, Skill
from rich.progress import track

CHANGE = 0.05  # m, of a knot, for its response
ITERATIONS = 3
CYCLES, ANALYSED = 7, 1  # of a run: the seventh period repeats the sixth to millimetres
UNIFORM = Calibration(drag=2.5e-3, depth_offset=5.0, datum_factor=0.0, shallowest=5.0)
"""The depth correction to start from: nothing known but that ETOPO5 is too shallow."""

# What a cell of 5 minutes can at best tell about a gauge of this kind, m: a prior judgement
# by kind, not by station. Estuaries and fjords are not resolved and hardly count.
REPRESENTS = {"o": 0.08, "c": 0.15, "b": 0.15, "e": 0.5}

SCAN = {  # around the values of calibration.csv
    "drag": (0.0025, 0.003, 0.0035),
    "depth_offset": (1.0, 2.0, 3.0),
    "datum_factor": (1.5, 2.0, 2.5),
}


@dataclass
class Response:
    """The gauges' answer to the knots, near some knots."""

    knots: np.ndarray  # complex [knot]
    base: np.ndarray  # complex [gauge]
    slopes: np.ndarray  # to real, then to imaginary parts [2*knot, gauge]

    def predict(self, knots: np.ndarray) -> np.ndarray:
        """Return the gauges for other knots."""
        change = knots - self.knots
        return self.base + np.concatenate([change.real, change.imag]) @ self.slopes


def main() -> None:
    """Estimate the boundary, tell the skill, write what the model reads."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scan", action="store_true", help="scan friction and depth too")
    parser.add_argument("--directory", type=Path, default=HERE, help="where to write")
    arguments = parser.parse_args()
    grid = Grid.read()
    gauges = Gauges.read(grid)
    prior = Boundary.read(HERE / "boundary_prior.csv")
    calibration = Calibration.read()

    none = np.zeros(grid.cell.shape)
    start = Experiment(UNIFORM, prior.amplitude, none, cycles=CYCLES, analysed=ANALYSED)
    field = next(iter(run_all(grid, prior, [start])))
    print("prior boundary, all depths + 5 m:\n" + skill_table(gauges.of(field), gauges))

    experiment = replace(start, calibration=calibration)
    for iteration in range(ITERATIONS):
        if iteration < ITERATIONS - 1:  # then it is kept, so that Newton converges
            experiment = replace(experiment, range_m2=np.nan_to_num(abs(field)))
        response, field = linearise(grid, prior, gauges, experiment)
        everything = np.arange(len(gauges.port))
        knots = estimate(response, prior, gauges, everything)
        change = max(abs(knots - experiment.knots))
        experiment = replace(experiment, knots=knots)
        print(f"iteration {iteration + 1}: knots change by at most {change:.3f} m")
    (field,) = run_all(grid, prior, [experiment])
    print("calibrated:\n" + skill_table(gauges.of(field), gauges))
    held_out = cross_validate(response, prior, gauges)
    print("held out, two folds:\n" + skill_table(held_out, gauges))
    replace(prior, amplitude=experiment.knots).write(arguments.directory / "boundary.csv")
    write_range(arguments.directory / "range_m2.nc", grid, experiment.range_m2)
    if arguments.scan:
        scan(arguments.directory / "scan.csv", grid, prior, gauges, experiment, response)


def linearise(
    grid: Grid, boundary: Boundary, gauges: Gauges, experiment: Experiment
) -> tuple[Response, np.ndarray]:
    """Return the response around an experiment's knots, and its field."""
    units = np.eye(len(experiment.knots))
    changes = [CHANGE * unit * part for part in (1, 1j) for unit in units]
    experiments = [
        replace(experiment, knots=experiment.knots + change) for change in changes
    ]
    runs = run_all(grid, boundary, [experiment, *experiments])
    fields = list(track(runs, "responses of the gauges", total=len(changes) + 1))
    base = gauges.of(fields[0])
    slopes = np.array([(gauges.of(field) - base) / CHANGE for field in fields[1:]])
    return Response(experiment.knots, base, slopes), fields[0]


def estimate(
    response: Response, prior: Boundary, gauges: Gauges, chosen: np.ndarray
) -> np.ndarray:
    """Return the knots that fit the chosen gauges and the prior best."""
    sigma = np.array([REPRESENTS[kind] for kind in gauges.kind[chosen]])
    slopes = (response.slopes[:, chosen] / sigma).T
    misfit = (gauges.amplitude - response.base)[chosen] / sigma
    from_prior = (prior.amplitude - response.knots) / prior.sigma
    matrix = np.concatenate(
        [slopes.real, slopes.imag, np.diag(np.tile(1 / prior.sigma, 2))]
    )
    right = np.concatenate([misfit.real, misfit.imag, from_prior.real, from_prior.imag])
    change = np.linalg.lstsq(matrix, right)[0]
    n = len(response.knots)
    return response.knots + change[:n] + 1j * change[n:]


def cross_validate(
    response: Response, prior: Boundary, gauges: Gauges, folds: int = 2
) -> np.ndarray:
    """Return each gauge as predicted by a boundary fitted without its fold.

    Folds alternate along the coast, from the south-west to the north-east.
    """
    place = np.argsort(np.argsort(gauges.lat + 0.3 * gauges.lon))
    predicted = np.empty_like(gauges.amplitude)
    for fold in range(folds):
        held_out = place % folds == fold
        knots = estimate(response, prior, gauges, np.flatnonzero(~held_out))
        predicted[held_out] = response.predict(knots)[held_out]
    return predicted


def scan(
    path: Path,
    grid: Grid,
    prior: Boundary,
    gauges: Gauges,
    experiment: Experiment,
    response: Response,
) -> None:
    """Vary friction and depth, fit the boundary anew for each, write the skills."""
    choices = [dict(zip(SCAN, values, strict=True)) for values in product(*SCAN.values())]
    experiments = [
        replace(experiment, calibration=replace(experiment.calibration, **choice))
        for choice in choices
    ]
    fields = track(run_all(grid, prior, experiments), "scan", total=len(choices))
    here = np.isin(gauges.kind, ["c", "o"]), gauges.kind == "o"
    with path.open("w") as file:
        file.write(",".join(SCAN) + ",fitted_co,fitted_o,held_out_co,held_out_o\n")
        for choice, field in zip(choices, fields, strict=True):
            near = replace(response, knots=experiment.knots, base=gauges.of(field))
            knots = estimate(near, prior, gauges, np.arange(len(gauges.port)))
            skills = [
                Skill.of(model[chosen], gauges.amplitude[chosen]).rms_vector
                for model in (near.predict(knots), cross_validate(near, prior, gauges))
                for chosen in here
            ]
            file.write(",".join(f"{value:g}" for value in choice.values()))
            file.write("".join(f",{skill:.3f}" for skill in skills) + "\n")


def write_range(path: Path, grid: Grid, range_m2: np.ndarray) -> None:
    """Write the amplitude that the depth correction is made of, in millimetres."""
    with netCDF4.Dataset(path, "w") as file:
        file.title = "Amplitude of M2 of the model, for the depth of the chart datum"
        file.history = "python calibrate.py"
        write_coordinates(file, grid)
        variable = file.createVariable(
            "M2_amplitude", "i2", ("lat", "lon"), zlib=True, fill_value=-1
        )
        variable.setncatts({"units": "m", "scale_factor": 0.001})
        variable[:] = range_m2


if __name__ == "__main__":
    main()
