# SPDX-License-Identifier: MIT
"""The program `isthmus-shallow-water` from the outside: files, restarts and bad days."""

import re
import resource
import signal
import subprocess
import time
from pathlib import Path

import netCDF4
import numpy as np
import pytest
from shallow_water_runs import (
    BOX,
    DX,
    EXACT,
    NX,
    ROUNDING,
    SOLVER_ERROR,
    BoundaryFile,
    fails,
    namelist,
    read,
    run,
    write_initial,
    write_tracers,
)

from isthmus.couple.programs import find_program, write_namelist
from isthmus.errors import ModelRunError


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
    fails(folder, longer, 1, f"'nx' is {NX}, this run has {NX + 1}: it is of another grid")
    deeper = namelist({**BOX, "depth": 41.0}, **again)
    fails(folder, deeper, 1, "'grid_fingerprint'", "another grid")
    fails(folder, namelist(physics={"theta": 0.7}, **again), 1, "'theta'", "0.55", "0.7")
    fails(folder, namelist(integration={"dt": 200.0}, **again), 1, "'dt'")


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


A_BOX = "&integration n_steps = 1 /\n&grid nx = 4, ny = 4, dx = 1e3, dy = 1e3, depth = 9.0,"
A_STEP = f"{A_BOX} /\n"


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
            "&integration n_steps = 1, is_reproducible = .true. /\n"
            "&solver name = 'cg_incomplete' /",
            ("'is_reproducible' cannot hold", "'cg_incomplete'"),
        ),
        ("&integration dt = 60.0 /", ("must say how long", "'n_steps'", "'duration'")),
        ("&integration n_steps = 1, duration = nan /", ("exclude each other",)),
        ("&integration n_steps = -2 /", ("'n_steps' must be at least 0",)),
        (f"{A_STEP} &analysis constituents = 'M2' /", ("'&analysis' need 'output'",)),
        (f"{A_STEP} &gauges file = 'g.csv' /", ("'&gauges' needs 'output'",)),
        (f"{A_STEP} &tracers names = 'dye' /", ("'names' in &tracers needs 'file'",)),
        (f"{A_BOX} latitude = 91.0 /", ("'latitude' must be from -90", "found 91.0")),
        (f"{A_BOX} depth_offset = nan /", ("'depth_offset' must be from", "NaN")),
        (
            f"{A_STEP} &files output = 'a.nc', restart_out = 'a.nc' /",
            ("'output' in '&files' and 'restart_out' both name 'a.nc'",),
        ),
        (
            f"{A_STEP} &files initial = 'a.nc', output = 'a.nc' /",
            ("'initial' both name 'a.nc', which would be overwritten",),
        ),
        ("&integration n_steps = 1 /", ("&grid must name a 'file', or the size of a box",)),
        ("", ("holds no namelist group",)),
    ],
)
def test_mistakes_in_the_namelist_have_file_line_and_key(folder, text, words):
    fails(folder, text, 2, *words)


def test_a_box_beyond_all_memory_is_refused(folder):
    huge = {**BOX, "nx": 2_000_000, "ny": 2_000_000}
    fails(folder, namelist(huge), 2, "'nx' by 'ny' make 4.00E+12 values", "more than")


def test_an_initial_state_that_does_not_fit_is_refused(folder):
    write_initial(folder / "initial.nc", nx=NX + 1)
    fails(folder, namelist(), 1, "'zeta' of 16 rows of 25 cells", "16 rows of 24 cells")
    fails(folder, namelist(files={"initial": "no.nc"}), 1, "no.nc", "No such file")


def test_an_unwritable_output_is_named_and_costs_no_computing(folder):
    long_run = {"n_steps": 10**8}
    for group, key in (("files", "output"), ("files", "restart_out"), ("gauges", "output")):
        (folder / "gauges.csv").write_text("name,x,y\na,1000,1000\n")
        gauges = {"file": "gauges.csv", "output": "gauges.nc"}
        settings = namelist(integration=long_run, gauges=gauges)
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


def test_a_periodic_channel_does_not_know_where_it_begins(folder):
    grid = {**BOX, "periodic_x": True}
    assert run(folder, namelist(grid, solver=EXACT)) == (0, "")
    zeta = read(folder / "out.nc", "zeta")
    with netCDF4.Dataset(folder / "initial.nc", "a") as data:
        data["zeta"][:] = np.roll(data["zeta"][:], 7, axis=1)
    assert run(folder, namelist(grid, solver=EXACT)) == (0, "")
    shifted = np.roll(read(folder / "out.nc", "zeta"), -7, axis=2)
    np.testing.assert_allclose(shifted, zeta, rtol=0, atol=SOLVER_ERROR)


def test_nothing_is_recorded_before_the_spin_up_is_over(folder):
    settings = namelist(integration={"spin_up": 3000.0})
    assert run(folder, settings) == (0, "")
    np.testing.assert_array_equal(read(folder / "out.nc", "time"), [3000, 4500, 6000])


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
