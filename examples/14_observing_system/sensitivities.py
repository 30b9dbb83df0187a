# SPDX-License-Identifier: MIT
"""What M2 in each cell of the North Sea tells about friction and the tide at the boundary.

    python sensitivities.py        # sensitivities.nc, a minute
    python sensitivities.py --derivatives differences --write differences.nc

The tangent-linear of the Fortran model, linearised at the calibrated tide, is run once for
each of the 21 unknowns of `07_north_sea/adjoint.py` (for differences the model itself,
twice): the real and imaginary parts of ten knots and the logarithm of the friction
coefficient, in units of their prior deviations. Its M2 in all cells is what a gauge there
would see. A gauge at a coast counts with the error that `calibrate.py` gives to coasts, one
at sea with that of pressure gauges; the 42 gauges that are there with that of their kind.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import netCDF4
import numpy as np
from rich.progress import track
from scipy.ndimage import binary_dilation

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "07_north_sea"))

from adjoint import TideFit, make_fit  # noqa: E402
from calibrate import REPRESENTS  # noqa: E402
from north_sea import HERE as NORTH_SEA  # noqa: E402
from north_sea import LAND, WATER, Boundary  # noqa: E402

TANGENT_LINEAR = "tangent-linear"
KINDS = (TANGENT_LINEAR, "differences")
INCREMENT = 0.05  # prior deviations: solver tolerances by it are 2e-5, curvature is 1e-3


def main() -> None:
    """Run the tangent-linear model and write the file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", type=Path, default=HERE / "sensitivities.nc")
    parser.add_argument("--cycles", type=int, default=5, help="periods of M2 of a run")
    parser.add_argument("--steps", type=int, default=25, help="per period")
    parser.add_argument("--derivatives", choices=KINDS, default=KINDS[0])
    arguments = parser.parse_args()
    fit = make_fit(arguments.cycles, arguments.steps)
    controls = fit.controls(Boundary.read(NORTH_SEA / "boundary.csv").amplitude, fit.drag)
    fields = everywhere(fit, controls, arguments.derivatives)
    write(arguments.write, fit, controls, fields, arguments.derivatives)
    print(f"{arguments.write}: {len(fields[0][0])} candidates")


def everywhere(
    fit: TideFit, controls: np.ndarray, derivatives: str
) -> tuple[np.ndarray, np.ndarray]:
    """Return derivatives of M2 in all water cells [control, cell], and at the gauges."""
    rows, columns = np.nonzero(fit.grid.cell == WATER)
    gauges, n = fit.gauges, len(fit.gauges.row)
    fit.look_at(rows, columns)
    change = fit.tangent if derivatives == TANGENT_LINEAR else differenced(fit)
    units = track(np.eye(len(controls)), derivatives)
    found = np.array([change(controls, unit) for unit in units])
    fit.gauges = gauges
    return found[:, n:], found[:, :n]


def differenced(fit: TideFit) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """Return what `fit.tangent` does, by central differences of whole runs."""

    def change(controls: np.ndarray, direction: np.ndarray) -> np.ndarray:
        ahead, behind = (
            fit.forward(controls + sign * INCREMENT * direction)[0] for sign in (1, -1)
        )
        return (ahead - behind) / (2 * INCREMENT)

    return change


def write(
    path: Path, fit: TideFit, controls: np.ndarray, fields: tuple, derivatives: str
) -> None:
    """Write candidates and present gauges for `isthmus design`."""
    grid, gauges = fit.grid, fit.gauges
    rows, columns = np.nonzero(grid.cell == WATER)
    at_coast = binary_dilation(grid.cell == LAND, np.ones((3, 3)))[rows, columns]
    knots = [
        f"{segment} {lat:g}N {lon:g}E".replace("  ", " ")
        for segment, lat, lon in zip(
            fit.boundary.segment, fit.boundary.lat, fit.boundary.lon, strict=True
        )
    ]
    names = [*(f"{k} real" for k in knots), *(f"{k} imaginary" for k in knots)]
    with netCDF4.Dataset(path, "w") as file:
        file.title = "M2 of the North Sea: derivatives in friction and boundary"
        file.history = f"python sensitivities.py --derivatives {derivatives}"
        sizes = {"control": len(controls), "part": 2, "candidate": len(rows)}
        for name, size in {**sizes, "present": len(gauges.row)}.items():
            file.createDimension(name, size)
        text(file, "control", ("control",), [*names, "log friction"])
        text(file, "group", ("control",), ["boundary"] * len(names) + ["friction"])
        for prefix, field, lat, lon, sd in (
            (
                "",
                fields[0],
                grid.lat[rows],
                grid.lon[columns],
                np.where(at_coast, REPRESENTS["c"], REPRESENTS["o"]),
            ),
            (
                "present_",
                fields[1],
                gauges.lat,
                gauges.lon,
                np.array([REPRESENTS[kind] for kind in gauges.kind]),
            ),
        ):
            of = "present" if prefix else "candidate"
            parts = np.stack([field.real, field.imag], axis=-1).transpose(1, 2, 0)
            number(file, prefix + "gradient", (of, "part", "control"), parts, "m")
            number(file, prefix + "sd", (of,), sd, "m")
            number(file, prefix + "lat", (of,), lat, "degrees_north")
            number(file, prefix + "lon", (of,), lon, "degrees_east")
        kinds = np.where(at_coast, "coast", "open sea")
        text(file, "name", ("candidate",), list(kinds))
        text(file, "present_name", ("present",), gauges.port)


def number(
    file: netCDF4.Dataset, name: str, of: tuple[str, ...], values: np.ndarray, units: str
) -> None:
    """Write numbers in single precision."""
    variable = file.createVariable(name, "f4", of, compression="zlib")
    variable.units = units
    variable[:] = values


def text(file: netCDF4.Dataset, name: str, of: tuple[str, ...], values: list[str]) -> None:
    """Write words."""
    variable = file.createVariable(name, str, of)
    variable[:] = np.array(values, object)


if __name__ == "__main__":
    main()
