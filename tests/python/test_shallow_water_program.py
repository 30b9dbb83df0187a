# SPDX-License-Identifier: MIT
"""The program `isthmus-shallow-water` from the outside: files, restarts and bad days."""

import re
import resource
import shutil
import signal
import subprocess
import time
from pathlib import Path
from types import MappingProxyType

import netCDF4
import numpy as np
import pytest

from isthmus.couple.programs import find_program, write_namelist
from isthmus.errors import ModelRunError

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


@pytest.fixture
def folder(tmp_path):
    write_initial(tmp_path / "initial.nc")
    return tmp_path


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


def test_fields_have_what_cf_and_the_c_grid_ask_for(folder):
    assert run(folder, namelist(physics={"theta": 0.6})) == (0, "")
    with netCDF4.Dataset(folder / "out.nc") as data:
        assert data.Conventions.startswith("CF-")
        assert (data.theta, data.dt, data.drag) == (0.6, 300.0, "quadratic")
        assert re.fullmatch(r"\d+\.\d+\.\d+", data.version)
        assert data["zeta"].dimensions == ("time", "y", "x")
        assert data["u"].dimensions == ("time", "y", "x_u")
        assert data["v"].dimensions == ("time", "y_v", "x")
        for variable in data.variables.values():
            assert variable.units
            assert variable.long_name
        assert data["x_u"].c_grid_axis_shift == 0.5
        np.testing.assert_allclose(data["x_u"][:] - data["x"][:], DX / 2)
        np.testing.assert_allclose(data["y_v"][:] - data["y"][:], DX / 2)
        assert data["grid"].cf_role == "grid_topology"
        assert data["time"].units == "seconds since 2000-01-01 00:00:00"
        np.testing.assert_array_equal(data["time"][:], 1500.0 * np.arange(5))
        assert data["depth"].positive == "down"


def test_velocities_are_transports_over_the_depth_at_faces(folder):
    files = {"velocities": True, "output_every": 0}
    assert run(folder, namelist(physics={"face_depth": "linear"}, files=files)) == (0, "")
    with netCDF4.Dataset(folder / "out.nc") as data:
        assert data["u_velocity"].dimensions == ("time", "y", "x_u")
        assert data["v_velocity"].dimensions == ("time", "y_v", "x")
        for name in ("u", "v"):
            moved = data[f"{name}_velocity"]
            assert moved.units == "m s-1"
            assert "barotropic" in moved.standard_name
            assert np.abs(data[name][:]).max() > 0.1
            np.testing.assert_allclose(moved[:], data[name][:] / 40, rtol=1e-14)


def write_tracers(path):
    x, y = np.meshgrid(np.arange(NX), np.arange(NY))
    with netCDF4.Dataset(path, "w") as data:
        data.createDimension("x", NX)
        data.createDimension("y", NY)
        data.createVariable("dye", "f8", ("y", "x"))[:] = (x > 8) & (y < 10)
        data.createVariable("even", "f8", ("y", "x"))[:] = 0.3


def test_tracers_are_carried_kept_and_restarted_bit_for_bit(folder):
    write_tracers(folder / "tracers.nc")
    carried = {"names": ["dye", "even"], "units": ["kg m-3", "1"], "file": "tracers.nc"}
    settings = namelist(tracers=carried, files={"restart_out": "r.nc"})
    assert run(folder, settings) == (0, "")
    with netCDF4.Dataset(folder / "out.nc") as data:
        assert data["dye"].units == "kg m-3"
        dye, even = data["dye"][:], data["even"][:]
        depth = 40 + data["zeta"][:]
    assert np.abs(dye[-1] - dye[0]).max() > 1e-3
    np.testing.assert_allclose(
        (dye * depth).sum((1, 2)), (dye * depth)[0].sum(), rtol=ROUNDING
    )
    np.testing.assert_allclose(even, 0.3, rtol=ROUNDING)
    assert -ROUNDING <= dye.min() <= dye.max() <= 1 + ROUNDING
    half = {"restart_out": "half.nc", "output": "half_out.nc"}
    first = namelist(tracers=carried, files=half, integration={"n_steps": 10})
    assert run(folder, first) == (0, "")
    go_on = {"restart_in": "half.nc", "initial": "", "output": "more.nc"}
    second = namelist(tracers=carried, files=go_on, integration={"n_steps": 10})
    assert run(folder, second) == (0, "")
    np.testing.assert_array_equal(read(folder / "more.nc", "dye")[-1], dye[-1])


def test_tracers_that_cannot_be_are_refused(folder):
    fails(folder, namelist(tracers={"names": ["zeta"]}), 2, "'zeta'", "name of its own")
    two = {"names": ["a", "b"], "units": ["1"]}
    fails(folder, namelist(tracers=two), 2, "'units'", "as many")
    missing = {"names": ["dye"], "file": "initial.nc"}
    fails(folder, namelist(tracers=missing), 1, "tracers", "'dye'")


def test_volume_is_kept_and_told(folder):
    assert run(folder, namelist())[0] == 0
    zeta = read(folder / "out.nc", "zeta")
    np.testing.assert_allclose(zeta.sum(axis=(1, 2)), zeta[0].sum(), rtol=1e-12)


def test_twice_n_steps_are_n_restart_and_n_bit_for_bit(folder):
    physics = {"advection": "upwind", "viscosity": 10.0}
    assert run(folder, namelist(physics=physics))[0] == 0
    half = {"integration": {"n_steps": 10}, "physics": physics}
    first = {"output": "first.nc", "restart_out": "restart.nc"}
    second = {"output": "second.nc", "restart_in": "restart.nc", "initial": ""}
    assert run(folder, namelist(files=first, **half)) == (0, "")
    assert run(folder, namelist(files=second, **half)) == (0, "")
    for name in ("zeta", "u", "v", "time"):
        parts = [read(folder / part, name) for part in ("first.nc", "second.nc")]
        assert np.concatenate(parts).tobytes() == read(folder / "out.nc", name).tobytes()


def test_an_output_is_an_initial_state(folder):
    sides = {"west": "radiating", "east": "elevation"}
    settings = namelist(boundary=sides)
    assert run(folder, settings) == (0, "")
    (folder / "out.nc").rename(folder / "before.nc")
    settings["files"]["initial"] = "before.nc"
    assert run(folder, settings) == (0, "")
    for name in ("zeta", "u", "v"):
        before, after = read(folder / "before.nc", name), read(folder / "out.nc", name)
        np.testing.assert_array_equal(after[0], before[-1])


def test_a_restart_of_another_run_is_refused_by_name(folder):
    files = {"output": "", "restart_out": "r.nc"}
    assert run(folder, namelist(files=files)) == (0, "")
    again = {"files": {"restart_in": "r.nc", "initial": ""}}
    longer = namelist({**BOX, "nx": NX + 1}, **again)
    fails(folder, longer, 1, "'nx'", str(NX), str(NX + 1))
    deeper = namelist({**BOX, "depth": 41.0}, **again)
    fails(folder, deeper, 1, "'grid_fingerprint'", "another grid")
    fails(folder, namelist(physics={"theta": 0.7}, **again), 1, "'theta'", "0.55", "0.7")
    fails(folder, namelist(integration={"dt": 200.0}, **again), 1, "'dt'")


def test_a_grid_file_gives_the_fields_of_the_box(folder):
    # A basin with land around it is the box of its water.
    grid = GridFile(NX + 2, NY + 2)
    grid.write(folder / "grid.nc")
    assert run(folder, namelist(solver=EXACT))[0] == 0
    box = read(folder / "out.nc", "zeta")
    with netCDF4.Dataset(folder / "initial.nc", "a") as data:
        inner = data["zeta"][:]
    (folder / "initial.nc").unlink()
    write_initial(folder / "initial.nc", NX + 2, NY + 2)
    with netCDF4.Dataset(folder / "initial.nc", "a") as data:
        data["zeta"][:] = np.pad(inner, 1)
    assert run(folder, namelist(dict(FROM_FILE), solver=EXACT))[0] == 0
    filed = read(folder / "out.nc", "zeta")
    np.testing.assert_allclose(filed[:, 1:-1, 1:-1], box, rtol=0, atol=SOLVER_ERROR)
    assert np.isnan(filed[:, 0]).all()


def test_elevation_must_say_that_it_is_positive_up(folder):
    grid = GridFile()
    grid.depth = -grid.depth
    grid.names["depth"] = "elevation"
    grid.attributes = {}
    refuses_grid(folder, grid, "'elevation'", "positive = 'up'")
    grid.attributes = {"positive": "up"}
    grid.write(folder / "grid.nc")
    assert run(folder, namelist(dict(FROM_FILE))) == (0, "")
    assert np.nanmax(read(folder / "out.nc", "depth")) == 40.0


def test_depth_that_is_not_what_it_must_be_is_refused(folder):
    grid = GridFile()
    grid.depth[5, 7] = np.nan
    refuses_grid(folder, grid, "'depth' in column 8, row 6", "'mask'")
    grid = GridFile()
    grid.units["depth"] = "cm"
    refuses_grid(folder, grid, "'depth' in 'cm', expected 'm'")
    del grid.units["depth"]
    refuses_grid(folder, grid, "units of 'depth'")
    grid = GridFile()
    grid.attributes = {"positive": "up"}
    refuses_grid(folder, grid, "positive = 'up', expected 'down'")
    grid = GridFile()
    grid.is_transposed = True
    refuses_grid(folder, grid, "'depth' transposed", "(x, y)", "(y, x)")
    grid = GridFile()
    grid.without = ("depth",)
    refuses_grid(folder, grid, "no variable 'depth'", "'mask'")
    grid = GridFile()
    grid.depth = -grid.depth
    grid.mask = None
    refuses_grid(folder, grid, "positive down")


def test_packed_depths_are_unpacked_and_absurd_ones_refused(folder):
    grid = GridFile()
    grid.write(folder / "grid.nc")
    with netCDF4.Dataset(folder / "grid.nc", "a") as data:
        data.set_auto_maskandscale(False)
        data["depth"][:] = np.where(grid.mask > 0, 500.0, -1.0)
        data["depth"].setncatts({"scale_factor": 0.1, "add_offset": -10.0})
    assert run(folder, namelist(dict(FROM_FILE))) == (0, "")
    assert np.nanmax(read(folder / "out.nc", "depth")) == 40.0
    (folder / "out.nc").unlink()
    grid.depth = 1000 * grid.depth
    refuses_grid(folder, grid, "'depth' down to 40000.0 m", "metres?")


def test_coordinates_that_make_no_grid_are_refused(folder):
    grid = GridFile()
    grid.without = ("x",)
    refuses_grid(folder, grid, "no variable 'x'")
    grid = GridFile()
    grid.units["x"] = "km"
    refuses_grid(folder, grid, "'x' in 'km', expected 'm'")
    grid = GridFile()
    grid.x[3] += 0.1 * DX
    refuses_grid(folder, grid, "'x'", "even steps")
    grid = GridFile()
    grid.y = grid.y[::-1]
    refuses_grid(folder, grid, "'y' decreasing")
    refuses_grid(folder, GridFile(), "projection = 'sphere'", projection="sphere")


def test_masks_and_open_boundaries_are_checked(folder):
    grid = GridFile()
    grid.mask[4, 4] = 2
    refuses_grid(folder, grid, "'mask' = 2", "column 5, row 5")
    grid = GridFile()
    grid.mask[:] = 0
    grid.write(folder / "grid.nc")
    fails(folder, namelist(dict(FROM_FILE)), 1, "no water")
    grid = GridFile()
    grid.more["cell"] = grid.mask.copy()
    grid.more["cell"][:, 0] = 2
    refuses_grid(folder, grid, "open boundary on land", "column 1, row 1")


def test_water_cut_off_is_refused_filled_or_kept(folder):
    grid = GridFile()
    grid.mask[:, 16] = 0
    grid.write(folder / "grid.nc")
    fails(
        folder, namelist(dict(FROM_FILE)), 1, "2 parts", "210 cells", "84 cells", "'fill'"
    )
    for islands, n_water in (("fill", 210), ("keep", 294)):
        settings = namelist({**FROM_FILE, "islands": islands})
        assert run(folder, settings) == (0, "")
        assert (read(folder / "out.nc", "cell") == 1).sum() == n_water


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"integration": {"dt": 86400.0}}, ("Courant", "max_courant", "dt <=")),
        (
            {"integration": {"dt": 7200.0, "max_courant": 1e9}},
            ("rotation f*dt", "at most 0.5"),
        ),
        ({"physics": {"linear_drag": 0.1}}, ("linear_drag*dt", "dt <= 10")),
        ({"physics": {"viscosity": 1e5}}, ("viscosity*dt", "at most 0.5")),
    ],
)
def test_an_absurd_time_step_is_refused_with_its_limit(folder, changes, words):
    fails(folder, namelist(**changes), 1, "'dt'", "too long", *words)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("&grid\n nz = 4\n/\n", ("config.nml:2:", "unknown key 'nz'")),
        ("&grid\n nx = 4.5\n/\n", ("config.nml:2:", "'nx' must be an integer")),
        ("&grid nx = 4 5 /", ("config.nml:1:", "'nx' must be an integer")),
        ("&grid\n file = grid.nc\n/\n", ("'file' must be text in quotation marks",)),
        ("&gird\n/\n", ("config.nml:1:", "&gird", "unknown group", "&grid")),
        ("&integration dt = -1.0 /", ("'dt' must be positive",)),
        ("&physics theta = 0.3 /", ("'theta' must lie between 0.5 and 1",)),
        ("&physics drag = 'square' /", ("'drag' must be none or quadratic", "'square'")),
        ("&integration duration = 1000.0 /", ("'duration'", "no whole number of steps")),
        (
            "&grid nx = 4, ny = 4, dx = 1e3, dy = 1e3, depth = 10.0 /\n"
            "&integration is_reproducible = .true. /\n&solver name = 'cg_incomplete' /",
            ("'is_reproducible' cannot hold", "'cg_incomplete'"),
        ),
        ("&log every = 1 /", ("&grid must name a 'file', or the size of a box",)),
        ("", ("holds no namelist group",)),
    ],
)
def test_mistakes_in_the_namelist_have_file_line_and_key(folder, text, words):
    fails(folder, text, 2, *words)


def test_an_initial_state_that_does_not_fit_is_refused(folder):
    write_initial(folder / "initial.nc", nx=NX + 1)
    fails(folder, namelist(), 1, "'zeta' of 16 rows of 25 cells", "16 rows of 24 cells")
    fails(folder, namelist(files={"initial": "no.nc"}), 1, "no.nc", "No such file")


class BoundaryFile:
    """M2 and S2 along the west side of the box; tests spoil one thing of it."""

    def __init__(self) -> None:
        self.x = np.full(NY, 0.5 * DX)
        self.y = DX * (np.arange(NY) + 0.5)
        self.amplitude = np.stack([np.linspace(0.8, 1.2, NY), np.full(NY, 0.3)])
        self.phase = np.stack([np.linspace(40.0, 60.0, NY), np.full(NY, 350.0)])
        self.constituents = "M2 S2"
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
                    variable = data.createVariable(name, "f8", ("constituent", "point"))
                    variable[:] = getattr(self, name)
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


def test_analysis_finds_the_tide_of_the_boundary(folder):
    boundary = BoundaryFile()
    boundary.write(folder / "boundary.nc")
    linear = {"drag": "none", "linear_drag": 1e-5, "face_depth": "linear"}
    settings = tide(analysis=dict(ANALYSIS), physics=linear, integration={"n_steps": 2400})
    assert run(folder, settings) == (0, "")
    with netCDF4.Dataset(folder / "tide.nc") as data:
        assert list(netCDF4.chartostring(data["name"][:])) == ["M2", "S2"]
        assert data["amplitude"].dimensions == ("constituent", "y", "x")
        np.testing.assert_allclose(
            data["amplitude"][:, :, 0], boundary.amplitude, atol=1e-6
        )
        np.testing.assert_allclose(data["phase"][:, :, 0], boundary.phase, atol=1e-4)
        # A small shallow bay follows its mouth, and there is nothing but the tide.
        assert (data["amplitude"][0, :, -1] > 0.9).all()
        assert abs(data["mean"][:]).max() < 1e-2


def test_gauges_show_the_boundary_that_is_prescribed(folder):
    boundary = BoundaryFile()
    boundary.write(folder / "boundary.nc")
    (folder / "gauges.csv").write_text(
        "# a list\nname,depth,x,y\nmouth,12,1100,5000\nInner Harbour,3,46000,90000\n"
    )
    gauges = {"file": "gauges.csv", "output": "gauges.nc", "every": 4}
    assert run(folder, tide(gauges=gauges, boundary={"ramp": 7200.0})) == (0, "")
    with netCDF4.Dataset(folder / "gauges.nc") as data:
        assert list(netCDF4.chartostring(data["name"][:])) == ["mouth", "Inner Harbour"]
        time = data["time"][:]
        np.testing.assert_array_equal(time, 3600.0 * np.arange(201))
        np.testing.assert_allclose(data["distance"][0], 100.0)
        assert data["distance"][1] > 50e3
        assert data["cell_y"][1] == 31000.0
        zeta = data["zeta"][:, 0]
    # The arguments of the constituents on 2000-01-01 are of the tests of swe_tides: here
    # only the speeds count, and the ramp.
    speeds = np.deg2rad([28.984104, 30.0]) / 3600
    basis = np.concatenate([f(np.outer(time, speeds)) for f in (np.cos, np.sin)], axis=1)
    fit = np.linalg.lstsq(basis[10:], zeta[10:], rcond=None)[0]
    np.testing.assert_allclose(np.hypot(fit[:2], fit[2:]), boundary.amplitude[:, 2], 1e-4)
    assert zeta[0] == 0
    assert abs(zeta[1] / (basis[1] @ fit) - 0.5) < 0.01


def test_a_series_at_the_boundary_is_interpolated_in_time(folder):
    boundary = BoundaryFile()
    boundary.amplitude = None
    boundary.series = np.sin(np.arange(60) / 3.0)
    boundary.time_units = "hours since 1999-12-31 12:00"
    boundary.write(folder / "boundary.nc")
    settings = tide(integration={"n_steps": 96}, files={"output_every": 1}, solver=EXACT)
    assert run(folder, settings) == (0, "")
    hours = 12 + 0.25 * np.arange(97)
    expected = np.interp(hours, np.arange(60), boundary.series)
    zeta = read(folder / "out.nc", "zeta")[:, :, 0]
    np.testing.assert_allclose(
        zeta[1:], expected[1:, None] + 0 * zeta[1:], atol=SOLVER_ERROR
    )
    (folder / "out.nc").unlink()
    fails(folder, tide(), 1, "boundary.nc", "'time'", "the run needs 0.0000000 s")


def test_boundaries_that_make_no_sense_are_refused(folder):
    def refuses(boundary, *words: str, **groups: dict):
        boundary.write(folder / "boundary.nc")
        fails(folder, tide(**groups), 1, "boundary.nc", *words)

    boundary = BoundaryFile()
    boundary.x[3] = -50 * DX
    refuses(boundary, "point 4", "outside of the grid")
    boundary = BoundaryFile()
    boundary.y[3] = boundary.y[2]
    refuses(boundary, "point 4", "same cell as point 3")
    boundary = BoundaryFile()
    boundary.constituents = "M2"
    refuses(boundary, "'constituents'")
    boundary.constituents = "M2 M99"
    refuses(boundary, "'M99' is not known", "S2")
    boundary = BoundaryFile()
    boundary.units = "cm"
    refuses(boundary, "'amplitude' in 'cm', expected 'm'")
    boundary = BoundaryFile()
    boundary.amplitude = None
    refuses(boundary, "neither 'amplitude' and 'phase' nor 'zeta'")
    boundary = BoundaryFile()
    boundary.amplitude = None
    boundary.series = np.zeros(999)
    boundary.time_units = "hours"
    refuses(boundary, "'time' in 'hours'", "since")
    refuses(
        BoundaryFile(),
        "'dt' is too long for M2",
        grid={**BOX, "latitude": 0.0},
        integration={"dt": 5400.0, "max_courant": 1e9},
    )
    grid = GridFile()
    grid.write(folder / "grid.nc")
    refuses(BoundaryFile(), "point 1", "open boundary on land", grid=dict(FROM_FILE))


def test_an_analysis_goes_on_over_a_restart(folder):
    BoundaryFile().write(folder / "boundary.nc")
    analysis = {**ANALYSIS, "every": 3}
    assert run(folder, tide(analysis=analysis))[0] == 0
    whole = [read(folder / "tide.nc", name) for name in ("amplitude", "phase")]
    half = {"integration": {"n_steps": 400}, "analysis": {**analysis, "output": ""}}
    assert run(folder, tide(files={"restart_out": "r.nc"}, **half)) == (0, "")
    half["analysis"] = analysis
    (folder / "out.nc").unlink()
    assert run(folder, tide(files={"restart_in": "r.nc"}, **half)) == (0, "")
    parts = [read(folder / "tide.nc", name) for name in ("amplitude", "phase")]
    for one, other in zip(whole, parts, strict=True):
        assert one.tobytes() == other.tobytes()
    half["analysis"] = {**analysis, "constituents": ["M2", "N2"]}
    (folder / "out.nc").unlink()
    fails(folder, tide(files={"restart_in": "r.nc"}, **half), 1, "analysis", "'start'")


def test_an_analysis_that_cannot_succeed_costs_no_computing(folder):
    BoundaryFile().write(folder / "boundary.nc")
    short = {**ANALYSIS, "start": 640000.0}
    fails(folder, tide(analysis=short), 1, "'M2' and 'S2' cannot be told apart", "hours")
    never = {**ANALYSIS, "start": 1e9}
    fails(folder, tide(analysis=never), 1, "no sample")


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


def test_wind_sets_water_up_and_pressure_pushes_it_down(folder):
    # Theory of a steady state without rotation: g H dzeta/dx = stress/density.
    flat = {"drag": "none", "linear_drag": 1e-3, "face_depth": "linear"}
    settings = namelist(
        {**BOX, "latitude": 0.0},
        physics=flat,
        files={"initial": "", "output_every": 0},
        forcing={"file": "weather.nc"},
        integration={"n_steps": 300},
        solver=EXACT,
    )
    write_weather(folder / "weather.nc", stress_u=0.2, stress_v=0.0)
    assert run(folder, settings) == (0, "")
    zeta = read(folder / "out.nc", "zeta")[-1, 5]
    np.testing.assert_allclose(np.diff(zeta) / DX, 0.2 / 1025 / 9.81 / 40, rtol=1e-4)
    high = 101325.0 + 50 * np.arange(NX)
    write_weather(folder / "weather.nc", pressure=high)
    assert run(folder, settings) == (0, "")
    zeta = read(folder / "out.nc", "zeta")[-1, 5]
    np.testing.assert_allclose(np.diff(zeta), -50 / 1025 / 9.81, rtol=1e-4)
    speed = 10.0
    stress = 1.22 * (0.75 + 0.067 * speed) * 1e-3 * speed**2
    write_weather(folder / "weather.nc", wind_u=speed, wind_v=0.0)
    assert run(folder, settings) == (0, "")
    zeta = read(folder / "out.nc", "zeta")[-1, 5]
    np.testing.assert_allclose(np.diff(zeta) / DX, stress / 1025 / 9.81 / 40, rtol=1e-4)
    (folder / "out.nc").unlink()
    write_weather(folder / "weather.nc", n_times=3, wind_u=speed, wind_v=0.0)
    fails(folder, settings, 1, "weather.nc", "'time'", "the run needs")
    write_weather(folder / "weather.nc", stress_u=0.2)
    fails(folder, settings, 1, "weather.nc", "no variable 'stress_v'")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("station,a,b\nx,1,2\n", ("'name', 'x' and 'y'",)),
        ("name,x,y\nport,one,2\n", ("line 2", "'one' is no coordinate")),
        ("name,x,y\n", ("no gauge",)),
        ("name,x,y\nfar,1e6,0\n", ("'far'", "max_distance")),
    ],
)
def test_gauge_lists_are_checked(folder, text, words):
    (folder / "gauges.csv").write_text(text)
    gauges = {"file": "gauges.csv", "output": "gauges.nc", "max_distance": 5000.0}
    fails(folder, namelist(gauges=gauges), 1, *words)


def test_an_unwritable_output_is_named_and_costs_no_computing(folder):
    long_run = {"n_steps": 10**8}
    for group, key in (("files", "output"), ("files", "restart_out"), ("gauges", "output")):
        (folder / "gauges.csv").write_text("name,x,y\na,1000,1000\n")
        settings = namelist(integration=long_run, gauges={"file": "gauges.csv"})
        settings[group][key] = "no/such/file.nc"
        fails(folder, settings, 1, "no/such/file.nc")


def test_a_full_disk_leaves_the_good_file_as_it_was(folder):
    assert run(folder, namelist()) == (0, "")
    good = (folder / "out.nc").read_bytes()

    def small_disk():
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))

    settings = namelist(integration={"n_steps": 400}, files={"output_every": 1})
    status, said = run(folder, settings, before=small_disk)
    assert status == 1
    assert "cannot write" in said.splitlines()[-1]
    assert "disk full" in said.splitlines()[-1]
    assert (folder / "out.nc").read_bytes() == good
    assert not list(folder.glob("*.part"))


WHERE = ("in column", "row", "after step", " s: ", "last good state is that of step")


def test_a_run_that_blows_up_keeps_what_was_good(folder):
    (folder / "out.nc").write_text("good")
    write_initial(folder / "initial.nc", height=30.0)
    settings = namelist(
        physics={"advection": "upwind", "drag": "none", "theta": 0.5},
        integration={"dt": 600.0, "n_steps": 3000},
        files={"restart_out": "r.nc", "output_every": 1},
    )
    status, said = run(folder, settings)
    assert status == 1
    for word in ("'u' and 'v' have the advective Courant number", *WHERE):
        assert word in said
    assert (folder / "out.nc").read_text() == "good"
    assert not (folder / "r.nc").exists()
    assert np.isfinite(read(folder / "r.failed.nc", "zeta")).all()
    assert (folder / "out.failed.nc").exists()


def test_a_state_out_of_all_bounds_is_named(folder):
    write_initial(folder / "initial.nc", height=2e6)
    settings = namelist(files={"output": "", "restart_out": "r.nc"})
    status, said = run(folder, settings)
    assert status == 1
    assert "'zeta' is 0.1044E+7 in column 7, row 6" in said
    assert "before the first step" in said
    assert not (folder / "r.failed.nc").exists()


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)]
)
def test_ctrl_c_ends_cleanly_and_the_run_can_go_on(folder, number, status):
    endless = namelist(
        integration={"n_steps": 10**8}, files={"output_every": 10, "restart_out": "r.nc"}
    )
    write_namelist(endless, folder / "config.nml")
    process = subprocess.Popen(
        [find_program("isthmus-shallow-water"), "config.nml"],
        cwd=folder,
        stderr=subprocess.PIPE,
        text=True,
    )
    part = folder / "out.nc.part"
    deadline = time.monotonic() + 20
    while not (part.exists() and part.stat().st_size > 0) and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.3)
    process.send_signal(number)
    _, said = process.communicate(timeout=20)
    assert process.returncode == status
    assert "interrupted after step" in said.splitlines()[-1]
    assert not list(folder.glob("*.part"))
    (folder / "r.interrupted.nc").rename(folder / "r.nc")
    go_on = {"output": "more.nc", "restart_in": "r.nc", "initial": ""}
    assert run(folder, namelist(files=go_on))[0] == 0


def mpi_command():
    """Return the start of a command on four ranks; skip if there is no MPI."""
    mpirun = shutil.which("mpirun")
    try:
        program = find_program("isthmus-shallow-water-mpi")
    except ModelRunError:
        pytest.skip("not built with MPI")
    if mpirun is None:
        pytest.skip("no mpirun")
    return [mpirun, "--allow-run-as-root", "--oversubscribe", "-n", "4", program]


def test_four_ranks_write_the_file_of_one(folder):
    command = mpi_command()
    BoundaryFile().write(folder / "boundary.nc")
    (folder / "gauges.csv").write_text("name,x,y\na,1000,1000\nb,40000,20000\n")
    settings = tide(
        integration={"n_steps": 100},
        analysis={**ANALYSIS, "constituents": ["M2"], "start": 0.0},
        gauges={"file": "gauges.csv", "output": "gauges.nc"},
        tracers={"names": ["dye"], "file": "tracers.nc"},
        solver=EXACT,
        files={"restart_out": "r.nc"},
    )
    write_tracers(folder / "tracers.nc")
    assert run(folder, settings)[0] == 0
    dye = read(folder / "out.nc", "dye")
    names = {"out.nc": "zeta", "gauges.nc": "u", "tide.nc": "amplitude", "r.nc": "v"}
    alone = {path: read(folder / path, name) for path, name in names.items()}
    for path in names:
        (folder / path).unlink()
    done = subprocess.run(
        [*command, "config.nml"], cwd=folder, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    for path, name in names.items():
        together = read(folder / path, name)
        np.testing.assert_allclose(together, alone[path], rtol=0, atol=100 * SOLVER_ERROR)
    np.testing.assert_allclose(
        read(folder / "out.nc", "dye"), dye, rtol=0, atol=100 * SOLVER_ERROR
    )
    write_namelist(
        tide(physics={"theta": 0.9}, solver={"name": "x"}), folder / "config.nml"
    )
    done = subprocess.run(
        [*command, "config.nml"], cwd=folder, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 1
    assert done.stderr.count("no solver is called 'x'") == 1
    # A disaster in the block of one rank is told by that rank, once.
    write_initial(folder / "initial.nc", height=2e6)
    write_namelist(namelist(), folder / "config.nml")
    done = subprocess.run(
        [*command, "config.nml"], cwd=folder, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 1
    assert done.stderr.count("'zeta' is") == 1


@pytest.mark.parametrize("what", ["namelist", "grid", "initial", "restart", "record"])
def test_a_rank_that_cannot_read_stops_the_others(folder, what):
    """Rank 1 has settings of its own that name what is not there."""
    *launcher, _, _, program = mpi_command()
    one, other = namelist(), namelist()
    if what == "namelist":
        other["physics"] = {"no_such_key": 1}
    elif what == "grid":
        other["grid"] = {"file": "no.nc"}
    elif what == "initial":
        other["files"]["initial"] = "no.nc"
    elif what == "restart":
        assert run(folder, namelist(files={"restart_out": "r.nc"}))[0] == 0
        for settings, name in ((one, "r.nc"), (other, "no.nc")):
            settings["files"] |= {"initial": "", "restart_in": name}
    else:  # in the middle of the run
        stress = np.full((30, NY, NX), 0.1)
        write_weather(folder / "weather.nc", stress_u=stress, stress_v=0.0)
        stress[3, 2, 2] = np.nan
        write_weather(folder / "no.nc", stress_u=stress, stress_v=0.0)
        for settings, name in ((one, "weather.nc"), (other, "no.nc")):
            settings["forcing"] = {"file": name}
            settings["integration"]["n_steps"] = 60
    write_namelist(one, folder / "one.nml")
    write_namelist(other, folder / "other.nml")
    done = subprocess.run(
        [*launcher, "-n", "1", program, "one.nml", ":", "-n", "1", program, "other.nml"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == (2 if what == "namelist" else 1)
    named = {"namelist": "no_such_key", "record": "record 4"}.get(what, "no.nc")
    said = [line for line in done.stderr.splitlines() if line.startswith("rank 1: ")]
    assert len(said) == 1
    assert named in said[0]
    assert "stopped with rank 1" in done.stderr


def test_a_periodic_channel_does_not_know_where_it_begins(folder):
    grid = {**BOX, "periodic_x": True}
    assert run(folder, namelist(grid, solver=EXACT)) == (0, "")
    zeta = read(folder / "out.nc", "zeta")
    with netCDF4.Dataset(folder / "initial.nc", "a") as data:
        data["zeta"][:] = np.roll(data["zeta"][:], 7, axis=1)
    assert run(folder, namelist(grid, solver=EXACT)) == (0, "")
    shifted = np.roll(read(folder / "out.nc", "zeta"), -7, axis=2)
    np.testing.assert_allclose(shifted, zeta, rtol=0, atol=SOLVER_ERROR)


def test_open_sides_let_a_wave_out(folder):
    sides = dict.fromkeys(("west", "east", "south", "north"), "radiating")
    steps = {"n_steps": 60}
    assert run(folder, namelist(integration=steps, boundary=sides)) == (0, "")
    radiated = abs(read(folder / "out.nc", "zeta")[-1, 1:-1, 1:-1]).max()
    assert run(folder, namelist(integration=steps)) == (0, "")
    assert radiated < 0.05 * abs(read(folder / "out.nc", "zeta")[-1]).max()


def test_a_river_fills_the_basin_by_what_it_brings(folder):
    boundary = BoundaryFile()
    boundary.x, boundary.y = np.array([0.5 * DX]), np.array([0.5 * DX])
    boundary.amplitude = None
    boundary.series = np.full(30, 2.0)
    boundary.write(folder / "boundary.nc")
    settings = tide(boundary={"kind": "transport"}, integration={"n_steps": 20})
    with netCDF4.Dataset(folder / "boundary.nc", "a") as data:
        data["zeta"].units = "m2 s-1"
        data.renameVariable("zeta", "transport")
    assert run(folder, settings) == (0, "")
    zeta = read(folder / "out.nc", "zeta")[-1]
    # Two faces of the corner cell open on the basin. The first step has no old transport.
    theta, volume = 0.55, 2.0 * 2 * DX * 900.0
    expected = volume * (20 - (1 - theta))
    np.testing.assert_allclose(np.nansum(zeta) * DX * DX, expected, rtol=1e-12)


def test_nothing_is_recorded_before_the_spin_up_is_over(folder):
    settings = namelist(integration={"spin_up": 3000.0})
    assert run(folder, settings) == (0, "")
    np.testing.assert_array_equal(read(folder / "out.nc", "time"), [3000, 4500, 6000])


def test_a_grid_of_degrees_is_a_sphere(folder):
    grid = GridFile()
    grid.names = {"depth": "depth", "x": "lon", "y": "lat"}
    grid.units = {"depth": "m", "lon": "degrees_east", "lat": "degrees_north"}
    grid.units |= {"x": "degrees_east", "y": "degrees_north"}
    grid.x = 350 + 0.05 * np.arange(NX)
    grid.y = 54 + 0.03 * np.arange(NY)
    grid.write(folder / "grid.nc")
    assert run(folder, namelist({"file": "grid.nc"})) == (0, "")
    with netCDF4.Dataset(folder / "out.nc") as data:
        assert data["x"].standard_name == "longitude"
        assert data["y_v"].units == "degrees_north"
    grid.units["y"] = "m"
    (folder / "out.nc").unlink()
    refuses_grid(folder, grid, "'lat' in 'm', expected 'degrees_north'")


def test_land_floods_and_dries_without_negative_depth(folder):
    grid = GridFile()
    slope = np.linspace(20.0, -2.0, NX)
    grid.depth = np.where(grid.mask > 0, slope[None, :], np.nan)
    grid.write(folder / "grid.nc")
    physics = {
        "wetting": "newton",
        "face_depth": "upwind",
        "advection": "upwind",
        "thin_depth": 0.1,
    }
    steps = {"dt": 60.0, "n_steps": 200, "max_advective": 10.0}
    settings = namelist(dict(FROM_FILE), physics=physics, integration=steps)
    assert run(folder, settings) == (0, "")
    depth = read(folder / "out.nc", "depth") + read(folder / "out.nc", "zeta")
    assert np.nanmin(depth) >= -1e-12
    n_wet = (depth > 1e-3).sum(axis=(1, 2))
    assert n_wet.max() > n_wet[0]
    fails_at = namelist(dict(FROM_FILE), physics={"wetting": "newton"})
    (folder / "out.nc").unlink()
    fails(folder, fails_at, 2, "'wetting' = 'newton' needs 'face_depth' = 'upwind'")


def test_the_program_in_single_precision_agrees_to_its_digits(folder):
    assert run(folder, namelist(solver=EXACT)) == (0, "")
    double = read(folder / "out.nc", "zeta")
    try:
        program = find_program("isthmus-shallow-water-real32")
    except ModelRunError:
        pytest.skip("not built")
    write_namelist(namelist(), folder / "config.nml")
    subprocess.run([program, "config.nml"], cwd=folder, check=True, capture_output=True)
    with netCDF4.Dataset(folder / "out.nc") as data:
        assert data.working_precision == "float32"
    np.testing.assert_allclose(read(folder / "out.nc", "zeta"), double, rtol=0, atol=1e-4)


def test_a_reproducible_run_has_the_same_bits_on_four_ranks(folder):
    command = mpi_command()
    write_initial(folder / "initial.nc", 64, 64)
    settings = namelist(
        {**BOX, "nx": 64, "ny": 64},
        integration={"is_reproducible": True},
        physics={"advection": "limited", "viscosity": 10.0},
    )
    assert run(folder, settings)[0] == 0
    alone = {name: read(folder / "out.nc", name) for name in ("zeta", "u", "v")}
    (folder / "out.nc").unlink()
    subprocess.run(
        [*command, "config.nml"], cwd=folder, check=True, capture_output=True, timeout=120
    )
    for name, values in alone.items():
        assert read(folder / "out.nc", name).tobytes() == values.tobytes()


def test_a_solver_that_does_not_converge_ends_the_run(folder):
    solver = {"name": "cg", "max_iterations": 2}
    status, said = run(folder, namelist(solver=solver, files={"restart_out": "r.nc"}))
    assert status == 1
    for word in ("the solver left, after 2 iterations", "step 1", "'max_iterations'"):
        assert word in said
    start = read(folder / "initial.nc", "zeta")
    assert np.array_equal(read(folder / "r.failed.nc", "zeta"), start)


def test_the_example_of_the_documentation_runs(folder):
    text = (Path(__file__).parents[2] / "docs/shallow_water_program.md").read_text()
    example = text.split("```fortran\n")[1].split("```")[0]
    boundary = BoundaryFile()
    boundary.x = np.full(60, 2500.0)
    boundary.y = 5000.0 * (np.arange(60) + 0.5)
    boundary.amplitude = np.repeat([[1.0], [0.3]], 60, axis=1)
    boundary.phase = np.repeat([[30.0], [80.0]], 60, axis=1)
    boundary.write(folder / "west.nc")
    (folder / "gauges.csv").write_text("name,x,y\ninner end,498000,150000\n")
    assert run(folder, example) == (0, "")
    assert len(read(folder / "gauges.nc", "time")) == 1441
    amplitude = read(folder / "tide.nc", "amplitude")
    np.testing.assert_allclose(amplitude[:, 30, 0], [1.0, 0.3], rtol=1e-3)


def test_help_tells_the_groups(folder):
    program = find_program("isthmus-shallow-water")
    helped = subprocess.run([program, "--help"], capture_output=True, text=True)
    assert helped.returncode == 0
    for group in ("&grid", "&physics", "&boundary", "&forcing", "&gauges", "&analysis"):
        assert group in helped.stdout
