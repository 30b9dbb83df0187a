# SPDX-License-Identifier: MIT
"""The North Sea example: its parts against what is known, and its skill, in a short run."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from isthmus.couple.programs import find_program

EXAMPLE = Path(__file__).parents[2] / "examples" / "07_north_sea"
OPEN_SEA_LINE, OFFSHORE_LINE = 0.20, 0.08
"""RMS vector error [m]: what the model has to reach at open coasts and offshore gauges, and
at the latter alone. The sixth period is within millimetres of the tenth."""


@pytest.fixture
def modules(monkeypatch):
    """Import the scripts of the example; forget them afterwards."""
    monkeypatch.syspath_prepend(str(EXAMPLE))
    names = ["north_sea", "chart", "model", "calibrate", "adjoint", "springs"]
    for name in names:
        monkeypatch.delitem(sys.modules, name, raising=False)
    loaded = {name: __import__(name) for name in names}
    yield type("Modules", (), loaded)
    for name in names:
        sys.modules.pop(name, None)


def test_the_committed_calibration_reaches_its_skill(tmp_path):
    folder = tmp_path / "example"
    shutil.copytree(EXAMPLE, folder)
    (folder / "north_sea_m2.png").unlink(missing_ok=True)
    path = os.pathsep.join(
        [
            str(Path(sys.executable).parent),
            str(Path(find_program("isthmus-shallow-water")).parent),
            os.environ["PATH"],
        ]
    )
    done = subprocess.run(
        ["./run.sh"],
        cwd=folder,
        env=os.environ | {"PATH": path, "CYCLES": "6"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    rows = [line.strip("| ").split(" | ") for line in done.stdout.splitlines()]
    vector = {row[0]: float(row[4]) for row in rows if len(row) == 6 and row[1].isdigit()}
    assert vector["open coast and offshore"] <= OPEN_SEA_LINE
    assert vector["offshore"] <= OFFSHORE_LINE
    assert (folder / "north_sea_m2.png").stat().st_size > 0


def test_all_water_is_reached_by_the_tide_of_the_open_boundary(modules):
    grid = modules.north_sea.Grid.read()
    water = grid.cell != modules.north_sea.LAND
    bodies, n_bodies = modules.north_sea.ndimage.label(water)
    open_bodies = np.unique(bodies[grid.cell == modules.north_sea.ELEVATION])
    assert set(open_bodies) == set(range(1, n_bodies + 1))
    ijsselmeer = (np.argmin(abs(grid.lat - 52.7)), np.argmin(abs(grid.lon - 5.4)))
    assert not water[ijsselmeer]


def test_the_boundary_is_linear_between_its_knots(modules):
    sea = modules.north_sea
    grid = sea.Grid.read()
    weights = sea.Boundary.read(EXAMPLE / "boundary.csv").weights(grid)
    assert np.allclose(weights.sum(axis=1), 1.0)
    assert (weights >= 0).all()
    assert ((weights > 0).sum(axis=1) <= 2).all()


def test_an_amphidromic_point_is_found_where_the_amplitude_is_zero(modules):
    grid = modules.north_sea.Grid.read()
    lon, lat = np.meshgrid(grid.lon, grid.lat)
    field = (lon - 3.03) - 1j * (lat - 55.27)  # the phase lag grows counter-clockwise
    ((found_lon, found_lat, sense),) = modules.chart.amphidromes(grid, field)
    assert (found_lon, found_lat) == pytest.approx((3.03, 55.27), abs=1e-9)
    assert sense == 1
    assert modules.chart.amphidromes(grid, np.conj(field))[0][2] == -1


def test_knots_come_back_from_a_linear_sea(modules):
    sea, calibrate = modules.north_sea, modules.calibrate
    grid = sea.Grid.read()
    gauges = sea.Gauges.read(grid)
    prior = sea.Boundary.read(EXAMPLE / "boundary_prior.csv")
    random = np.random.default_rng(7)
    n = len(prior.amplitude)
    slopes = random.normal(size=(2 * n, len(gauges.port))) * (1 + 0.5j)
    response = calibrate.Response(prior.amplitude, gauges.amplitude * 0, slopes)
    truth = prior.amplitude + 0.1 * (random.normal(size=n) + 1j * random.normal(size=n))
    gauges.amplitude = response.predict(truth)
    prior.sigma = prior.sigma * 1e6  # knows nothing
    everything = np.arange(len(gauges.port))
    found = calibrate.estimate(response, prior, gauges, everything)
    assert found == pytest.approx(truth, abs=1e-9)
    held_out = calibrate.cross_validate(response, prior, gauges)
    assert held_out == pytest.approx(gauges.amplitude, abs=1e-9)


def test_spring_tides_come_after_new_moon_all_along_the_boundary(modules):
    """The age of the tide, a day to two: the lag of S2 behind M2 over 1.016 deg/h."""
    boundary = modules.north_sea.Boundary.read(EXAMPLE / "boundary.csv")
    ratio = modules.springs.s2_to_m2(boundary)
    age_hours = np.degrees(-np.angle(ratio)) / 1.0159
    assert ((age_hours > 24) & (age_hours < 48)).all()
    assert ((abs(ratio) > 0.3) & (abs(ratio) < 0.4)).all()


def test_the_gradient_is_that_of_the_loss(modules):
    fit = modules.adjoint.make_fit(cycles=1, steps_per_cycle=10)
    random = np.random.default_rng(3)
    controls, direction = random.normal(size=21), random.normal(size=21)
    step = 1e-4
    ahead = fit.loss(controls + step * direction)[0]
    behind = fit.loss(controls - step * direction)[0]
    slope = fit.loss(controls)[1] @ direction
    assert (ahead - behind) / (2 * step) == pytest.approx(slope, rel=1e-5)


def test_the_tangent_is_that_of_the_tide(modules):
    fit = modules.adjoint.make_fit(cycles=1, steps_per_cycle=10)
    random = np.random.default_rng(4)
    controls, direction = random.normal(size=21), random.normal(size=21)
    step = 1e-4
    ahead = fit.forward(controls + step * direction)[0]
    behind = fit.forward(controls - step * direction)[0]
    tangent = fit.tangent(controls, direction)
    assert (ahead - behind) / (2 * step) == pytest.approx(tangent, abs=1e-5)
