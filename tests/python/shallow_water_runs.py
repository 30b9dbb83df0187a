# SPDX-License-Identifier: MIT
"""Runs of `isthmus-shallow-water` for its tests: settings, files, and how one fails."""

import re
import subprocess
from types import MappingProxyType

import netCDF4
import numpy as np

from isthmus.couple.programs import find_program, write_namelist

NX, NY, DX = 24, 16, 2000.0
BOX = MappingProxyType(
    {"nx": NX, "ny": NY, "dx": DX, "dy": DX, "depth": 40.0, "latitude": 54.0}
)


INTEGRATION = MappingProxyType({"dt": 300.0, "n_steps": 20})
EXACT = MappingProxyType({"tolerance": 1e-11})
SOLVER_ERROR = 1e-9  # of EXACT, grown over the steps [m]
ROUNDING = 1e-13  # of sums over cells and steps


def namelist(grid=None, **groups: dict):
    """Return a run of a box with a hump; groups are merged into its own."""
    settings = {
        "grid": dict(BOX) if grid is None else grid,
        "integration": dict(INTEGRATION),
        "files": {"output": "out.nc", "output_every": 5, "initial": "initial.nc"},
    }
    for group, keys in groups.items():
        settings[group] = {**settings.get(group, {}), **keys}
    return settings


def write_initial(path, nx=NX, ny=NY, height=1.0):
    x, y = np.meshgrid(np.arange(nx), np.arange(ny))
    with netCDF4.Dataset(path, "w") as data:
        data.createDimension("x", nx)
        data.createDimension("y", ny)
        zeta = data.createVariable("zeta", "f8", ("y", "x"))
        zeta.units = "m"
        zeta[:] = height * np.exp(-((x - nx / 3) ** 2 + (y - ny / 2) ** 2) / 20)


def run(directory, settings, before=None):
    """Run the program; return its status and what it said apart from its progress."""
    path = directory / "config.nml"
    if isinstance(settings, str):
        path.write_text(settings)
    else:
        write_namelist(settings, path)
    done = subprocess.run(
        [find_program("isthmus-shallow-water"), "config.nml"],
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=120,
        preexec_fn=before,
    )
    lines = [
        line
        for line in done.stderr.splitlines()
        if not re.match(r" *\d+ (% \(|x \d+ cells)", line)
    ]
    return done.returncode, "\n".join(lines)


def read(path, name):
    with netCDF4.Dataset(path) as data:
        return data[name][:].filled(np.nan)


def fails(directory, settings, status, *words: str):
    """Assert one sentence with these words, this status, and no output."""
    found, said = run(directory, settings)
    assert found == status, said
    assert len(said.splitlines()) == 1, said
    assert said.startswith("isthmus-shallow-water: ")
    for word in words:
        assert word in said, said
    assert not (directory / "out.nc").exists()
    assert not list(directory.glob("*.part"))


class GridFile:
    """A good grid file of a basin with land around it; tests spoil one thing of it."""

    def __init__(self, nx=NX, ny=NY) -> None:
        self.depth = np.full((ny, nx), 40.0)
        self.mask = np.ones((ny, nx))
        self.mask[[0, -1], :] = 0
        self.mask[:, [0, -1]] = 0
        self.depth[self.mask == 0] = np.nan
        self.x = DX * np.arange(nx)
        self.y = DX * np.arange(ny)
        self.names = {"depth": "depth", "x": "x", "y": "y"}
        self.units = {"depth": "m", "x": "m", "y": "m"}
        self.attributes = {"positive": "down"}
        self.more = {}
        self.is_transposed = False
        self.without = ()

    def write(self, path):
        """Write it."""
        with netCDF4.Dataset(path, "w") as data:
            for name in ("x", "y"):
                values = getattr(self, name)
                data.createDimension(name, len(values))
                if name not in self.without:
                    variable = data.createVariable(self.names[name], "f8", (name,))
                    variable[:] = values
                    variable.units = self.units[name]
            fields = {"depth": self.depth, "mask": self.mask, **self.more}
            for name, values in fields.items():
                if name in self.without or values is None:
                    continue
                dims = ("x", "y") if self.is_transposed else ("y", "x")
                values = values.T if self.is_transposed else values
                variable = data.createVariable(self.names.get(name, name), "f8", dims)
                variable[:] = values
                if name in self.units:
                    variable.units = self.units[name]
                if name == "depth":
                    variable.setncatts(self.attributes)


FROM_FILE = MappingProxyType({"file": "grid.nc", "latitude": 54.0})


def refuses_grid(directory, grid, *words: str, **keys: object):
    grid.write(directory / "grid.nc")
    fails(directory, namelist({**FROM_FILE, **keys}), 1, "grid.nc", *words)


def write_tracers(path):
    x, y = np.meshgrid(np.arange(NX), np.arange(NY))
    with netCDF4.Dataset(path, "w") as data:
        data.createDimension("x", NX)
        data.createDimension("y", NY)
        data.createVariable("dye", "f8", ("y", "x"))[:] = (x > 8) & (y < 10)
        data.createVariable("even", "f8", ("y", "x"))[:] = 0.3


class BoundaryFile:
    """M2 and S2 along the west side of the box; tests spoil one thing of it."""

    def __init__(self) -> None:
        self.x = np.full(NY, 0.5 * DX)
        self.y = DX * (np.arange(NY) + 0.5)
        self.amplitude = np.stack([np.linspace(0.8, 1.2, NY), np.full(NY, 0.3)])
        self.phase = np.stack([np.linspace(40.0, 60.0, NY), np.full(NY, 350.0)])
        self.constituents = "M2 S2"
        self.dimensions = ("constituent", "point")
        self.units = "m"
        self.series = None
        self.time_units = "hours since 2000-01-01 00:00:00"

    def write(self, path):
        """Write it."""
        with netCDF4.Dataset(path, "w") as data:
            data.createDimension("point", len(self.x))
            for name in ("x", "y"):
                variable = data.createVariable(name, "f8", ("point",))
                variable[:] = getattr(self, name)
                variable.units = "m"
            if self.amplitude is not None:
                data.createDimension("constituent", len(self.amplitude))
                for name, units in (("amplitude", self.units), ("phase", "degrees")):
                    variable = data.createVariable(name, "f8", self.dimensions)
                    values = getattr(self, name)
                    variable[:] = values if self.dimensions[1] == "point" else values.T
                    variable.units = units
                data["amplitude"].constituents = self.constituents
            if self.series is not None:
                data.createDimension("time", len(self.series))
                data.createVariable("time", "f8", ("time",))[:] = np.arange(
                    len(self.series)
                )
                data["time"].units = self.time_units
                zeta = data.createVariable("zeta", "f8", ("time", "point"))
                zeta[:] = self.series[:, None] + 0 * self.x
                zeta.units = "m"


def tide(**groups: dict):
    boundary = {"file": "boundary.nc", **groups.pop("boundary", {})}
    files = {"initial": "", "output_every": 20, **groups.pop("files", {})}
    steps = {"n_steps": 800, "dt": 900.0, **groups.pop("integration", {})}
    return namelist(boundary=boundary, files=files, integration=steps, **groups)


ANALYSIS = MappingProxyType(
    {"constituents": ["M2", "S2"], "start": 90000.0, "output": "tide.nc"}
)


def write_weather(path, n_times=30, pressure=None, **stress: float):
    with netCDF4.Dataset(path, "w") as data:
        for name, size in (("time", n_times), ("y", NY), ("x", NX)):
            data.createDimension(name, size)
        data.createVariable("time", "f8", ("time",))[:] = np.arange(n_times)
        data["time"].units = "hours since 2000-01-01"
        for name, value in stress.items():
            variable = data.createVariable(name, "f8", ("time", "y", "x"))
            variable[:] = value
            variable.units = "N m-2" if "stress" in name else "m s-1"
        if pressure is not None:
            variable = data.createVariable("pressure", "f8", ("time", "y", "x"))
            variable[:] = pressure
            variable.units = "Pa"
