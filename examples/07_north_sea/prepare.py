# SPDX-License-Identifier: MIT
"""Cut relief, land fraction and coast line of the North Sea from public data sets.

The result, `bathymetry.nc`, is committed; this script says how it was made and runs only to
make it again:

    apt-get install ferret-datasets          # ETOPO5, NOAA/NGDC, public domain
    npm pack world-atlas@2.0.2               # Natural Earth 4.1 land, public domain
    tar xzf world-atlas-2.0.2.tgz
    python prepare.py /usr/share/ferret-vis/data/etopo5.cdf package/land-10m.json
"""

from __future__ import annotations

import argparse
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path as Outline

WEST, EAST, SOUTH, NORTH = -5.0, 13.0, 48.25, 61.5  # centres of the outermost cells
PER_DEGREE = 12  # cells: 5 minutes
PIXELS = 12  # of a cell's side, to find how much of it is land
GAP = -32768  # parts two coast lines
COAST_SCALE = 1.0e-3  # degrees: about 100 m


def main() -> None:
    """Read both data sets, write the subset."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("etopo5", type=Path, help="etopo5.cdf")
    parser.add_argument("land", type=Path, help="land-10m.json")
    parser.add_argument("--output", type=Path, default=Path("bathymetry.nc"))
    arguments = parser.parse_args()
    lon = np.arange(round((EAST - WEST) * PER_DEGREE) + 1) / PER_DEGREE + WEST
    lat = np.arange(round((NORTH - SOUTH) * PER_DEGREE) + 1) / PER_DEGREE + SOUTH
    rings = read_rings(arguments.land)
    write(
        arguments.output,
        lon=lon,
        lat=lat,
        relief=read_relief(arguments.etopo5, lon, lat),
        land=land_fraction(rings, lon, lat),
        coast=coast_points(rings),
    )
    print(f"{arguments.output}: {lon.size} x {lat.size} cells")


def read_relief(path: Path, lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
    """Return ETOPO5 [lat, lon], metres above the sea."""
    with netCDF4.Dataset(path) as file:
        all_lon = np.asarray(file["ETOPO05_X"][:])
        all_lat = np.asarray(file["ETOPO05_Y"][:])
        columns = [int(np.argmin(abs((all_lon - x + 180) % 360 - 180))) for x in lon]
        rows = [int(np.argmin(abs(all_lat - y))) for y in lat]
        return np.asarray(file["ROSE"][rows[0] : rows[-1] + 1])[:, columns]


def read_rings(path: Path) -> list[list[np.ndarray]]:
    """Return polygons of land near the domain: for each its rings [point, (lon, lat)]."""
    topology: dict[str, Any] = json.loads(path.read_text())
    scale = np.array(topology["transform"]["scale"])
    origin = np.array(topology["transform"]["translate"])
    arcs = [np.cumsum(arc, axis=0) * scale + origin for arc in topology["arcs"]]

    def ring(indices: list[int]) -> np.ndarray:
        parts = [arcs[i] if i >= 0 else arcs[~i][::-1] for i in indices]
        return np.concatenate([parts[0]] + [part[1:] for part in parts[1:]])

    polygons = [
        [ring(indices) for indices in polygon]
        for geometry in topology["objects"]["land"]["geometries"]
        for polygon in geometry["arcs"]
    ]
    low, high = np.array([WEST - 1, SOUTH - 1]), np.array([EAST + 1, NORTH + 1])
    return [
        polygon
        for polygon in polygons
        if np.all(polygon[0].max(0) > low) and np.all(polygon[0].min(0) < high)
    ]


def land_fraction(
    rings: list[list[np.ndarray]], lon: np.ndarray, lat: np.ndarray
) -> np.ndarray:
    """Return the part of each cell that is land [lat, lon], by painting the polygons."""
    figure = Figure(figsize=(lon.size, lat.size), dpi=PIXELS)
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    half = 0.5 / PER_DEGREE
    axes.set_xlim(lon[0] - half, lon[-1] + half)
    axes.set_ylim(lat[0] - half, lat[-1] + half)
    for polygon in rings:
        outline = Outline.make_compound_path(
            *[Outline(ring, closed=True) for ring in polygon]
        )
        axes.add_patch(PathPatch(outline, facecolor="black", edgecolor="none", aa=False))
    canvas.draw()
    is_land = np.asarray(canvas.buffer_rgba())[::-1, :, 0] < 128
    return is_land.reshape(lat.size, PIXELS, lon.size, PIXELS).mean(axis=(1, 3))


def coast_points(rings: list[list[np.ndarray]]) -> np.ndarray:
    """Return rings of land cut to the domain [point, (lon, lat)], NaN between two."""
    margin = 0.3  # degrees, so that the cuts lie outside a chart
    pieces = []
    for ring in (ring for polygon in rings for ring in polygon):
        piece = ring
        for axis, bound, sign in (
            (0, WEST - margin, 1),
            (0, EAST + margin, -1),
            (1, SOUTH - margin, 1),
            (1, NORTH + margin, -1),
        ):
            piece = clip(piece, axis, bound, sign)
        if len(piece) > 2:
            pieces += [piece, np.full((1, 2), np.nan)]
    return np.concatenate(pieces[:-1])


def clip(ring: np.ndarray, axis: int, bound: float, sign: int) -> np.ndarray:
    """Cut a ring by a line (Sutherland and Hodgman 1974): keep sign*(x - bound) >= 0."""
    kept: list[np.ndarray] = []
    for here, following in pairwise([*ring, *ring[:1]]):
        distances = sign * (here[axis] - bound), sign * (following[axis] - bound)
        if distances[0] >= 0:
            kept.append(here)
        if (distances[0] >= 0) != (distances[1] >= 0):
            part = distances[0] / (distances[0] - distances[1])
            kept.append(here + part * (following - here))
    return np.array(kept).reshape(-1, 2)


def write(
    path: Path,
    *,
    lon: np.ndarray,
    lat: np.ndarray,
    relief: np.ndarray,
    land: np.ndarray,
    coast: np.ndarray,
) -> None:
    """Write packed integers, compressed."""
    with netCDF4.Dataset(path, "w") as file:
        file.Conventions = "CF-1.8"
        file.title = "Relief and land of the North Sea and the English Channel, 5 minutes"
        file.source = (
            "ETOPO5, 5-minute gridded elevation data, NOAA/NGDC (1988), from etopo5.cdf of "
            "Debian's ferret-datasets; Natural Earth 4.1, 1:10m land, from npm's "
            "world-atlas 2.0.2"
        )
        file.license = "Both sources are in the public domain"
        file.history = "python prepare.py etopo5.cdf land-10m.json"
        file.createDimension("lat", lat.size)
        file.createDimension("lon", lon.size)
        file.createDimension("point", len(coast))
        add(file, "lat", ("lat",), lat, units="degrees_north", standard_name="latitude")
        add(file, "lon", ("lon",), lon, units="degrees_east", standard_name="longitude")
        add(
            file,
            "relief",
            ("lat", "lon"),
            np.rint(relief).astype("i2"),
            units="m",
            long_name="height of the solid surface above sea level",
        )
        add(
            file,
            "land_fraction",
            ("lat", "lon"),
            np.rint(100 * land).astype("i1"),
            units="percent",
            long_name="part of the cell that is land",
        )
        for k, name in enumerate(("coast_lon", "coast_lat")):
            centre = (WEST + EAST, SOUTH + NORTH)[k] / 2
            packed = np.where(
                np.isnan(coast[:, k]), GAP, (coast[:, k] - centre) / COAST_SCALE
            )
            variable = file.createVariable(
                name, "i2", ("point",), zlib=True, fill_value=GAP
            )
            variable.set_auto_maskandscale(False)
            variable.setncatts(
                {
                    "units": ("degrees_east", "degrees_north")[k],
                    "long_name": "rings of land, parted by missing values",
                    "scale_factor": COAST_SCALE,
                    "add_offset": centre,
                }
            )
            variable[:] = np.rint(packed).astype("i2")


def add(
    file: netCDF4.Dataset,
    name: str,
    dimensions: tuple[str, ...],
    values: np.ndarray,
    **attributes: str,
) -> None:
    """Add a variable."""
    variable = file.createVariable(name, values.dtype, dimensions, zlib=values.ndim > 1)
    variable.setncatts(attributes)
    variable[:] = values


if __name__ == "__main__":
    main()
