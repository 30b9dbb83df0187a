# SPDX-License-Identifier: MIT
"""Grid, open boundary and gauges of the North Sea model, shared by the scripts here.

Complex amplitudes are a*exp(-i*g), with a in metres and g the Greenwich phase lag.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import netCDF4
import numpy as np
from scipy import ndimage

HERE = Path(__file__).resolve().parent
M2_PERIOD = 44714.164  # s
LAND, WATER, ELEVATION = 0, 1, 2  # kinds of cells, as in the model's grid file
EARTH_RADIUS = 6371.0  # km
MAX_DISTANCE = 15.0  # km from a gauge to its cell


@dataclass
class Calibration:
    """What was estimated besides the tide at the open boundary; see calibrate.py."""

    drag: float = 2.5e-3  # coefficient of the quadratic bottom friction
    depth_offset: float = 5.0  # m, added to all depths
    datum_factor: float = 0.0  # depth of the chart datum below the mean sea level / M2
    shallowest: float = 5.0  # m, least depth in ETOPO5 before the corrections

    @classmethod
    def read(cls, path: Path = HERE / "calibration.csv") -> Self:
        """Read `name,value` lines."""
        with path.open() as file:
            rows = {row["name"]: float(row["value"]) for row in csv.DictReader(file)}
        return cls(**rows)


@dataclass
class Grid:
    """Cells of the model: 5 minutes, [lat, lon]."""

    lon: np.ndarray
    lat: np.ndarray
    relief: np.ndarray  # m above the sea
    cell: np.ndarray  # LAND, WATER or ELEVATION

    @classmethod
    def read(cls, bathymetry: Path = HERE / "bathymetry.nc") -> Self:
        """Read the relief, decide what is land and where the sea is open."""
        with netCDF4.Dataset(bathymetry) as file:
            lon, lat = (np.asarray(file[name][:], float) for name in ("lon", "lat"))
            relief = np.asarray(file["relief"][:], float)
            sea = np.asarray(file["land_fraction"][:]) < 50
        for west, east, south, north in read_boxes():
            inside_lon = (lon >= west) & (lon <= east)
            inside_lat = (lat >= south) & (lat <= north)
            sea[np.ix_(inside_lat, inside_lon)] = False
        is_open = np.zeros_like(sea)
        is_open[:, 0] = sea[:, 0] & (lat < 50.3)  # the Channel's entrance, 5 W
        two_west = int(np.argmin(abs(lon + 2)))
        is_open[:, two_west] = sea[:, two_west] & (lat > 57.6)  # north of Rattray Head
        is_open[-1] = sea[-1] & (lon >= -2) & (lon < 5.3)  # 61.5 N
        # Water that no open boundary reaches stands still: it is no part of the model.
        bodies, _ = ndimage.label(sea)
        sea &= np.isin(bodies, np.unique(bodies[is_open]))
        cell = np.where(is_open & sea, ELEVATION, np.where(sea, WATER, LAND))
        return cls(lon, lat, relief, cell)

    def depth(self, calibration: Calibration, range_m2: np.ndarray) -> np.ndarray:
        """Return the depth below mean sea level [lat, lon].

        Charts, and with them ETOPO5 on the shelf, count depths from about the lowest tide.
        It lies below the mean by a multiple of the amplitude of M2, `range_m2`.
        """
        charted = np.maximum(-self.relief, calibration.shallowest)
        depth = charted + calibration.depth_offset + calibration.datum_factor * range_m2
        return np.where(self.cell == LAND, 0.0, depth)

    def open_points(self) -> tuple[np.ndarray, np.ndarray]:
        """Return row and column of the cells of prescribed elevation."""
        rows, columns = np.nonzero(self.cell == ELEVATION)
        return rows, columns

    def nearest(self, lon: float, lat: float) -> tuple[int, int] | None:
        """Return row and column of the nearest water cell, None if it is too far away."""
        x = np.radians(self.lon - lon) * np.cos(np.radians(lat))
        y = np.radians(self.lat - lat)
        distance = EARTH_RADIUS * np.hypot(x[None, :], y[:, None])
        distance[self.cell == LAND] = np.inf
        row, column = np.unravel_index(np.argmin(distance), distance.shape)
        if distance[row, column] > MAX_DISTANCE:
            return None
        return int(row), int(column)


def read_boxes(path: Path = HERE / "mask.txt") -> np.ndarray:
    """Return west, east, south, north of the boxes that are land."""
    lines = [line.split("|")[0].split("#")[0].split() for line in path.open()]
    return np.array([[float(word) for word in words] for words in lines if words])


@dataclass
class Boundary:
    """M2 along the open boundary: complex amplitudes at knots, linear between."""

    segment: list[str]
    lat: np.ndarray
    lon: np.ndarray
    amplitude: np.ndarray  # complex
    sigma: np.ndarray  # standard deviation, m

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read the knots in the form of `boundary_prior.csv`."""
        with path.open() as file:
            rows = list(csv.DictReader(file))
        return cls(
            [row["segment"] for row in rows],
            numbers(rows, "lat"),
            numbers(rows, "lon"),
            complex_column(rows, "M2"),
            numbers(rows, "sigma_m"),
        )

    def write(self, path: Path) -> None:
        """Write the knots in the same form."""
        with path.open("w") as file:
            file.write("segment,lat,lon,M2_amp_m,M2_glag_deg,sigma_m\n")
            for k, segment in enumerate(self.segment):
                file.write(
                    f"{segment},{self.lat[k]:g},{self.lon[k]:g},{abs(self.amplitude[k]):.4f},"
                    f"{lag_degrees(self.amplitude[k]):.2f},{self.sigma[k]:g}\n"
                )

    def weights(self, grid: Grid) -> np.ndarray:
        """Return the weight of each knot in each open cell [cell, knot]."""
        rows, columns = grid.open_points()
        weights = np.zeros((len(rows), len(self.segment)))
        channel = np.flatnonzero(self.lon < -4.9)
        west = np.flatnonzero(abs(self.lon + 2) < 0.01)
        north = np.flatnonzero(self.lat > 61.4)
        for n, (lat, lon) in enumerate(zip(grid.lat[rows], grid.lon[columns], strict=True)):
            if lon < -4.9:
                knots, along, place = channel, self.lat, lat
            elif lat < 61.49:
                knots, along, place = west, self.lat, lat
            else:
                knots, along, place = north, self.lon, lon
            for k, unit in zip(knots, np.eye(len(knots)), strict=True):
                weights[n, k] = np.interp(place, along[knots], unit)
        return weights


@dataclass
class Gauges:
    """Observed M2 at the gauges inside the model, and their cells."""

    port: list[str]
    kind: np.ndarray  # c open coast, o offshore, e estuary or fjord, b near the boundary
    lat: np.ndarray
    lon: np.ndarray
    amplitude: np.ndarray  # complex, of M2
    s2: np.ndarray  # complex, of S2
    row: np.ndarray
    column: np.ndarray

    @classmethod
    def read(cls, grid: Grid, path: Path = HERE / "gauges.csv") -> Self:
        """Read the gauges that lie in the model."""
        with path.open() as file:
            rows = list(csv.DictReader(file))
        cells = [grid.nearest(float(row["lon"]), float(row["lat"])) for row in rows]
        pairs = [(row, cell) for row, cell in zip(rows, cells, strict=True) if cell]
        inside = [row for row, _ in pairs]
        return cls(
            [row["port"] for row in inside],
            np.array([row["kind"] for row in inside]),
            numbers(inside, "lat"),
            numbers(inside, "lon"),
            complex_column(inside, "M2"),
            complex_column(inside, "S2"),
            np.array([cell[0] for _, cell in pairs]),
            np.array([cell[1] for _, cell in pairs]),
        )

    def of(self, field: np.ndarray) -> np.ndarray:
        """Return a field [lat, lon] at the gauges."""
        return field[self.row, self.column]


@dataclass
class Skill:
    """How far a model is from gauges."""

    n: int
    rms_vector: float  # m, of the complex difference
    median_vector: float  # m
    rms_amplitude: float  # m
    rms_phase: float  # degrees, where the observed amplitude exceeds 0.1 m

    @classmethod
    def of(cls, model: np.ndarray, gauges: np.ndarray) -> Self:
        """Compare complex amplitudes."""
        vector = abs(model - gauges)
        phase = np.degrees(np.angle(model / gauges))[abs(gauges) > 0.1]
        return cls(
            len(gauges),
            rms(vector),
            float(np.median(vector)),
            rms(abs(model) - abs(gauges)),
            rms(phase),
        )

    def row(self, name: str) -> str:
        """Return a line of a Markdown table."""
        return (
            f"| {name} | {self.n} | {self.rms_amplitude:.3f} | {self.rms_phase:.1f} "
            f"| {self.rms_vector:.3f} | {self.median_vector:.3f} |"
        )


def read_range(path: Path = HERE / "range_m2.nc") -> np.ndarray:
    """Return the amplitude of M2 that the depth correction is made of [lat, lon], m."""
    with netCDF4.Dataset(path) as file:
        return np.ma.filled(file["M2_amplitude"][:], 0.0).astype(float)


def read_tide(path: Path, constituent: str = "M2") -> np.ndarray:
    """Return a complex amplitude [lat, lon] of an analysis, NaN on land."""
    with netCDF4.Dataset(path) as file:
        names = [str(name).strip() for name in netCDF4.chartostring(file["name"][:])]
        k = names.index(constituent)
        amplitude = np.ma.filled(file["amplitude"][k], np.nan)
        phase = np.ma.filled(file["phase"][k], np.nan)
    return np.asarray(amplitude * np.exp(-1j * np.radians(phase)))


def rms(values: np.ndarray) -> float:
    """Return the root of the mean square."""
    return float(np.sqrt(np.mean(np.square(values))))


def lag_degrees(amplitude: complex) -> float:
    """Return the phase lag of a complex amplitude, 0 to 360."""
    return float(np.degrees(-np.angle(amplitude)) % 360)


def numbers(rows: list[dict[str, str]], key: str) -> np.ndarray:
    """Return a column of a table."""
    return np.array([float(row[key]) for row in rows])


def complex_column(rows: list[dict[str, str]], constituent: str) -> np.ndarray:
    """Return the complex amplitudes of a constituent in a table."""
    lag = np.radians(numbers(rows, f"{constituent}_glag_deg"))
    return numbers(rows, f"{constituent}_amp_m") * np.exp(-1j * lag)
