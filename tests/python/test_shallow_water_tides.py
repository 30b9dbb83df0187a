# SPDX-License-Identifier: MIT
"""What drives `isthmus-shallow-water`, and what is measured: tides, weather, gauges."""

import netCDF4
import numpy as np
import pytest
from shallow_water_runs import (
    ANALYSIS,
    BOX,
    DX,
    EXACT,
    FROM_FILE,
    NX,
    SOLVER_ERROR,
    BoundaryFile,
    GridFile,
    fails,
    namelist,
    read,
    run,
    tide,
    write_weather,
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
    boundary.dimensions = ("point", "constituent")
    refuses(boundary, "'amplitude' transposed", "expected (constituent, point)")
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
