# SPDX-License-Identifier: MIT
"""Mechanisms in Python and the program `isthmus-chemistry`: values, sums, refusals."""

import re
import subprocess

import netCDF4
import numpy as np
import pytest

from isthmus.couple.programs import find_program, write_namelist
from isthmus.errors import BindingError, ConfigurationError, DataError
from isthmus.models import Mechanism, find_mechanism, flag_text

ROUNDING = 1e-14  # of a sum of twenty terms, relative
POLLU_O3 = 5.5231402074843599373e-3  # at 60 minutes, 20-digit reference
ASKED = 1e-6  # relative tolerance of the test's integration; digits found are 7.8
FIRST_ORDER = (0.8, 1.3)  # observed order of a first-order method near its asymptote


@pytest.fixture(scope="module")
def superfast():
    return Mechanism("superfast")


def aged(mechanism, n_cells, hours=2.0, start=9.0):
    """Return states away from the published start, radicals included."""
    random = np.random.default_rng(3)
    y = mechanism.initial * 2.0 ** random.uniform(-1, 1, (n_cells, len(mechanism)))
    length = hours / mechanism.hours_per_unit
    done = mechanism.integrate(y, length, t=start / mechanism.hours_per_unit)
    assert not done.flags.any()
    return np.maximum(y, 0.0)


def test_known_value_and_invariants_of_pollu():
    pollu = Mechanism("pollu", method="rodas4", rtol=ASKED, atol=1e-12)
    y = np.repeat(pollu.initial[None], 3, axis=0)
    done = pollu.integrate(y, pollu.end_time)
    assert done.n_accepted > 0 and not done.flags.any()
    np.testing.assert_allclose(y[:, pollu.index("O3")], POLLU_O3, rtol=ASKED)
    invariants = pollu.linear_invariants()
    assert invariants.shape == (3, 20)  # rank 17: N, C, S
    assert np.abs(invariants @ pollu.stoichiometry).max() < ROUNDING
    np.testing.assert_allclose(
        y @ invariants.T, pollu.initial @ invariants.T * np.ones((3, 1)), rtol=ROUNDING * 10
    )


def test_invariants_are_the_left_null_space(superfast):
    for mechanism in (superfast, Mechanism("small_strato"), Mechanism("rober")):
        rank = np.linalg.matrix_rank(mechanism.stoichiometry)
        invariants = mechanism.linear_invariants()
        assert len(invariants) == len(mechanism) - rank
        assert np.abs(invariants @ mechanism.stoichiometry).max() < ROUNDING


def test_a_bad_cell_spoils_no_neighbour(superfast):
    y = aged(superfast, 40)
    good = y.copy()
    superfast.integrate(good, 600.0, t=36000.0)
    bad = y.copy()
    bad[7, 3] = np.nan
    bad[11, 0] = -1e12
    temperature = np.full(40, superfast.temperature)
    temperature[13] = 0.0
    given = bad.copy()
    done = superfast.integrate(bad, 600.0, t=36000.0, temperature=temperature)
    assert done.flags[[7, 11, 13]].tolist() == [1, 2, 3]
    assert "finite" in flag_text(1) and "negative" in flag_text(2)
    assert np.array_equal(bad[[7, 11, 13]], given[[7, 11, 13]], equal_nan=True)
    others = np.setdiff1d(np.arange(40), [7, 11, 13])
    assert not done.flags[others].any()
    assert np.array_equal(bad[others], good[others])  # bit for bit


def test_kept_step_saves_the_start_up(superfast):
    y = aged(superfast, 16)
    first = superfast.integrate(y, 3600.0, t=39600.0)
    again, fresh = y.copy(), y.copy()
    kept = superfast.integrate(again, 3600.0, t=43200.0, h=first.h)
    cold = superfast.integrate(fresh, 3600.0, t=43200.0)
    assert kept.n_accepted < cold.n_accepted / 2


def test_quasi_steady_state_is_positive_and_of_first_order(superfast):
    exact = Mechanism("superfast", method="rodas4", rtol=1e-8, atol=1e-4)
    start = aged(superfast, 8)
    truth = start.copy()
    exact.integrate(truth, 600.0, t=43200.0)
    ozone, errors = superfast.index("O3"), []
    for n in (100, 200):
        y = start.copy()
        assert not superfast.integrate_qssa(y, 600.0, n_substeps=n, t=43200.0).any()
        assert (y >= 0).all()
        errors.append(np.abs(y / truth - 1)[:, ozone].max())
    low, high = FIRST_ORDER
    assert low < np.log2(errors[0] / errors[1]) < high


def test_light_and_rates_follow_the_sun(superfast):
    light = superfast.light(np.array([0.0, 43200.0, 86400.0 + 43200.0]))
    assert light[0] == 0 and light[1] == pytest.approx(light[2]) and light[1] > 0.5
    night, noon = superfast.rate_constants(0.0), superfast.rate_constants(43200.0)
    photolysis = ["hv" in reaction for reaction in superfast.reactions]
    assert (night[photolysis] == 0).all() and (noon[photolysis] > 0).all()
    dark = ~np.array(photolysis)
    np.testing.assert_array_equal(night[dark], noon[dark])


def test_refusals_name_what_is_wrong(tmp_path, superfast):
    path = tmp_path / "x.txt"
    path.write_text("mechanism X\nspecies\n A = 1\nreactions\n A -> C ; 1\n")
    with pytest.raises(DataError, match=r"x\.txt:5: unknown species 'C'"):
        Mechanism(path)
    with pytest.raises(DataError, match=r"nowhere\.txt"):
        Mechanism(tmp_path / "nowhere.txt")
    with pytest.raises(ConfigurationError, match="mechanism 'polu'"):
        Mechanism("polu")
    with pytest.raises(ConfigurationError, match="euler"):
        Mechanism("pollu", method="euler")
    with pytest.raises(ConfigurationError, match="positive"):
        Mechanism("pollu", rtol=-1.0)
    with pytest.raises(BindingError, match="expected \\[member, 16\\]"):
        superfast.integrate(np.ones((2, 3)), 1.0)
    with pytest.raises(ConfigurationError, match="'dt' must be positive"):
        superfast.integrate(np.ones((2, 16)), -1.0)
    with pytest.raises(ConfigurationError, match="species 'XX'"):
        superfast.index("XX")


def run(directory, groups=None):
    """Run the program; return its status and what it said apart from its progress."""
    groups = groups or {}
    settings = {
        "mechanism": {
            "file": str(find_mechanism("superfast")),
            **groups.get("mechanism", {}),
        },
        "integration": {
            "dt": 3600.0,
            "n_steps": 4,
            "n_cells": 5,
            "spread": 2.0,
            **groups.get("integration", {}),
        },
        "files": {"output": "out.nc", **groups.get("files", {})},
    }
    write_namelist(settings, directory / "config.nml")
    process = subprocess.run(
        [find_program("isthmus-chemistry"), "config.nml"],
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    lines = [
        line for line in process.stderr.splitlines() if not re.match(r" *\d+ % \(", line)
    ]
    return process.returncode, "\n".join(lines)


def test_what_fortran_refuses_python_raises(monkeypatch):
    """Arrays that our checks let through by mistake end in an exception, not in silence."""
    mechanism = Mechanism("pollu")
    monkeypatch.setattr(mechanism, "species", mechanism.species[:-1])
    y = np.tile(mechanism.initial[:-1], (3, 1))
    refused = pytest.raises(BindingError, match="19 species, the mechanism 20")
    with refused:
        mechanism.integrate(y, 1.0)
    with refused:
        mechanism.integrate_tl(y, y, 1.0)
    with refused:
        mechanism.integrate_ad(y, y, 1.0)
    with pytest.raises(BindingError, match="extents"):
        mechanism.integrate_qssa(y, 1.0, n_substeps=6)


def test_program_writes_what_python_integrates(tmp_path, superfast):
    status, said = run(tmp_path)
    assert status == 0 and "5 cells of superfast" in said
    with netCDF4.Dataset(tmp_path / "out.nc") as data:
        y, time = data["y"][:].data, data["time"][:].data
        assert data["y"].dimensions == ("time", "cell", "species")
        assert data["time"].units.startswith("seconds since")
        names = [
            name.split("\0")[0]
            for name in (row.tobytes().decode() for row in data["species_name"][:].data)
        ]
        assert not data["flag"][:].any()
    assert names == superfast.species and time.tolist() == [3600.0 * n for n in range(5)]
    state, h = y[0].copy(), None
    for n in range(4):
        done = superfast.integrate(state, 3600.0, t=time[n], h=h)
        h = done.h
        np.testing.assert_array_equal(state, y[n + 1])


def test_program_flags_a_bad_cell_and_goes_on(tmp_path, superfast):
    y = np.repeat(superfast.initial[None], 5, axis=0)
    y[2, 0] = -1e12
    with netCDF4.Dataset(tmp_path / "start.nc", "w") as data:
        data.createDimension("cell", 5)
        data.createDimension("species", 16)
        data.createVariable("y", "f8", ("cell", "species"))[:] = y
    status, said = run(
        tmp_path, {"integration": {"spread": 1.0}, "files": {"initial": "start.nc"}}
    )
    assert status == 0 and "1 of them because the input is negative" in said
    with netCDF4.Dataset(tmp_path / "out.nc") as data:
        assert np.isnan(data["y"][1:, 2].data).all() and (data["flag"][1:, 2] == 2).all()
        others = data["y"][:, [0, 1, 3, 4]].data
    assert np.isfinite(others).all() and (others == others[:, :1]).all()


@pytest.mark.parametrize(
    ("groups", "words"),
    [
        ({"integration": {"method": "euler"}}, "'method' must be ros2 or"),
        ({"integration": {"rtol": -1.0}}, "'rtol' must be from"),
        ({"integration": {"speed": 3}}, "unknown key 'speed'"),
        ({"mechanism": {"file": "absent.txt"}}, "absent.txt"),
        ({"files": {"initial": "absent.nc"}}, "absent.nc"),
        ({"mechanism": {"temperature": 0.0}}, "no cell is left after step 1"),
    ],
)
def test_program_refuses_with_a_sentence(tmp_path, groups, words):
    status, said = run(tmp_path, groups)
    assert status in (1, 2) and words in said
    assert not (tmp_path / "out.nc").exists()
