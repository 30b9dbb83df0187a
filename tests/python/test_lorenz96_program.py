# SPDX-License-Identifier: MIT
"""The program `isthmus-lorenz96` from the outside: files, restarts and bad days."""

import re
import resource
import signal
import subprocess
import time

import netCDF4
import numpy as np
import pytest

from isthmus.couple.programs import find_program, write_namelist

MODEL = {"levels": 1, "n_sites": 12, "forcing": 8.0}
TWO_LEVEL = {"levels": 2, "n_sites": 8, "n_fast": 4, "forcing": 10.0}
INTEGRATION = {"dt": 0.01, "n_steps": 40, "n_members": 3, "output_every": 5}


def namelist(model=None, integration=None, files=None, closure=None):
    groups = {
        "model": {**MODEL, **(model or {})},
        "integration": {**INTEGRATION, **(integration or {})},
        "files": {"output": "out.nc", **(files or {})},
    }
    return groups if closure is None else {**groups, "closure": closure}


def start(directory, settings, before=None):
    """Start the program on settings, or on the text of a namelist."""
    path = directory / "config.nml"
    if isinstance(settings, str):
        path.write_text(settings)
    else:
        write_namelist(settings, path)
    command = [find_program("isthmus-lorenz96"), "config.nml"]
    return subprocess.Popen(
        command,
        cwd=directory,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=before,
    )


def run(directory, settings, before=None):
    """Run the program; return its status and what it said apart from its progress."""
    process = start(directory, settings, before)
    _, said = process.communicate(timeout=120)
    lines = [line for line in said.splitlines() if not re.match(r" *\d+ % \(", line)]
    return process.returncode, "\n".join(lines)


def read(path, name="x"):
    with netCDF4.Dataset(path) as data:
        return data[name][:].data


def fails(directory, settings, status, *words: str):
    """Assert one sentence with these words, this status, and no trajectory."""
    found, said = run(directory, settings)
    assert found == status, said
    assert len(said.splitlines()) == 1, said
    assert said.startswith("isthmus-lorenz96: ")
    for word in words:
        assert word in said
    assert not (directory / "out.nc").exists()
    assert not list(directory.glob("*.part"))


def test_trajectory_has_what_cf_asks_for(tmp_path):
    settings = namelist(model=TWO_LEVEL, integration={"seed": 5})
    assert run(tmp_path, settings) == (0, "")
    with netCDF4.Dataset(tmp_path / "out.nc") as data:
        assert data.Conventions.startswith("CF-")
        assert data.model == "Lorenz-96, two levels"
        assert (data.n_sites, data.n_fast, data.forcing, data.seed) == (8, 4, 10.0, 5)
        assert re.fullmatch(r"\d+\.\d+\.\d+", data.version)
        assert data.dimensions["time"].isunlimited()
        assert data["x"].dimensions == ("time", "member", "k")
        assert data["z"].dimensions == ("time", "member", "jk")
        assert data["coupling"].dimensions == ("time", "member", "k")
        for variable in data.variables.values():
            assert variable.units == "1"
            assert variable.long_name
        np.testing.assert_allclose(data["time"][:], 0.05 * np.arange(9), rtol=1e-12)
        mean = data["z"][:].reshape(9, 3, 8, 4).mean(axis=-1)
        np.testing.assert_allclose(data["coupling"][:], -10.0 * mean, rtol=1e-12)


def test_single_precision_is_the_rounded_double(tmp_path):
    assert run(tmp_path, namelist()) == (0, "")
    double = read(tmp_path / "out.nc")
    assert run(tmp_path, namelist(files={"precision": "float32"})) == (0, "")
    single = read(tmp_path / "out.nc")
    assert single.dtype == np.float32
    assert np.array_equal(single, double.astype(np.float32))


def test_a_seed_repeats_and_members_do_not_depend_on_the_ensemble(tmp_path):
    assert run(tmp_path, namelist()) == (0, "")
    three = read(tmp_path / "out.nc")
    assert run(tmp_path, namelist(integration={"n_members": 2})) == (0, "")
    assert np.array_equal(read(tmp_path / "out.nc"), three[:, :2])
    assert run(tmp_path, namelist(integration={"seed": 2})) == (0, "")
    assert not np.array_equal(read(tmp_path / "out.nc"), three)
    assert not np.array_equal(three[0, 0], three[0, 1])


@pytest.mark.parametrize(
    ("model", "closure"),
    [
        (MODEL, None),
        (TWO_LEVEL, None),
        ({**TWO_LEVEL, "wrap": "sites", "coupling": "sum"}, None),
        (MODEL, {"kind": "linear", "coefficients": [-0.2, -0.31]}),
        (
            MODEL,
            {
                "kind": "polynomial",
                "coefficients": [0.1, -0.3, 0.01],
                "scheme": "every_stage",
            },
        ),
    ],
)
def test_twice_n_steps_are_n_restart_and_n_bit_for_bit(tmp_path, model, closure):
    whole = namelist(model, {"n_steps": 40, "spin_up_steps": 7}, None, closure)
    assert run(tmp_path, whole) == (0, "")
    half = {"n_steps": 20, "spin_up_steps": 7}
    first = {"output": "first.nc", "restart_out": "restart.nc"}
    second = {"output": "second.nc", "restart_in": "restart.nc"}
    assert run(tmp_path, namelist(model, half, first, closure)) == (0, "")
    assert run(tmp_path, namelist(model, half, second, closure)) == (0, "")
    for name in ("x", "time") + (("z",) if model["levels"] == 2 else ()):
        parts = [read(tmp_path / part, name) for part in ("first.nc", "second.nc")]
        assert np.concatenate(parts).tobytes() == read(tmp_path / "out.nc", name).tobytes()


def test_a_restart_of_another_run_is_refused_by_name(tmp_path):
    assert run(tmp_path, namelist(files={"output": "", "restart_out": "r.nc"})) == (0, "")
    again = {"restart_in": "r.nc"}
    fails(tmp_path, namelist(TWO_LEVEL, None, again), 1, "'model'", "one level")
    fails(tmp_path, namelist({"n_sites": 13}, None, again), 1, "'n_sites'", "12", "13")
    fails(tmp_path, namelist({"forcing": 9.0}, None, again), 1, "'forcing'", "is 8", "9")
    fails(tmp_path, namelist(None, {"dt": 0.02}, again), 1, "'dt'")
    fails(tmp_path, namelist(None, {"n_members": 4}, again), 1, "'x'", "3 members")
    closure = {"kind": "linear", "coefficients": [0.0, -0.3]}
    fails(tmp_path, namelist(None, None, again, closure), 1, "'closure'", "linear")


def test_closures_add_what_their_coefficients_say(tmp_path):
    damped = {"kind": "linear", "coefficients": [2.0, 0.0]}
    settings = namelist({"forcing": 6.0}, {"perturbation": 0.0}, None, damped)
    assert run(tmp_path, settings) == (0, "")
    with_closure = read(tmp_path / "out.nc")
    start_at = with_closure[0]
    write_initial(tmp_path / "initial.nc", start_at)
    assert run(tmp_path, namelist(files={"initial": "initial.nc"})) == (0, "")
    # A constant of two on top of F = 6 is F = 8.
    np.testing.assert_allclose(read(tmp_path / "out.nc"), with_closure, atol=1e-12)


def write_initial(path, x):
    with netCDF4.Dataset(path, "w") as data:
        dims = [f"axis{axis}" for axis in range(x.ndim)]
        for dim, extent in zip(dims, x.shape, strict=True):
            data.createDimension(dim, extent)
        data.createVariable("x", "f8", dims)[:] = x


def test_initial_states_of_one_site_row_ensemble_or_trajectory(tmp_path):
    rows = np.random.default_rng(1).normal(size=(4, 3, 12))
    for x, record, expected in (
        (rows[0, 0], 0, np.stack([rows[0, 0]] * 3)),
        (rows[0], 0, rows[0]),
        (rows, 0, rows[-1]),
        (rows, 2, rows[1]),
    ):
        write_initial(tmp_path / "i.nc", x)
        files = {"initial": "i.nc", "initial_record": record}
        assert run(tmp_path, namelist(files=files)) == (0, "")
        assert np.array_equal(read(tmp_path / "out.nc")[0], expected)


def test_initial_states_that_do_not_fit_are_refused_by_name(tmp_path):
    settings = namelist(files={"initial": "i.nc"})
    fails(tmp_path, settings, 1, "i.nc", "No such file")
    (tmp_path / "i.nc").write_text("no netCDF")
    fails(tmp_path, settings, 1, "i.nc", "Unknown file format")
    write_initial(tmp_path / "i.nc", np.zeros((3, 13)))
    fails(tmp_path, settings, 1, "'x' has 13 sites, expected 12")
    write_initial(tmp_path / "i.nc", np.zeros((2, 12)))
    fails(tmp_path, settings, 1, "'x' has 2 members, 'n_members' is 3")
    x = np.zeros((3, 12))
    x[1, 4] = np.nan
    write_initial(tmp_path / "i.nc", x)
    fails(tmp_path, settings, 1, "'x' is not finite at site 4, member 1")
    x = np.zeros((3, 8))
    write_initial(tmp_path / "i.nc", x)
    two_level = namelist(model=TWO_LEVEL, files={"initial": "i.nc"})
    fails(tmp_path, two_level, 1, "has no variable 'z'")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("&model\n n_sitez = 4\n/\n", ("config.nml:2:", "unknown key 'n_sitez'")),
        ("&model\n n_sites = 4.5\n/\n", ("config.nml:2:", "not of the type of 'n_sites'")),
        ("&modl\n/\n", ("config.nml:1:", "&modl", "unknown group")),
        ("&model\n n_sites = 8\n", ("'&model' has no end",)),
        ("&integration n_members = 0 /", ("'n_members' must be at least 1, found 0",)),
        ("&integration scheme = 'rk5' /", ("'scheme' must be rk4 or euler", "'rk5'")),
        ("", ("holds no namelist group",)),
    ],
)
def test_mistakes_in_the_namelist_have_file_line_and_key(tmp_path, text, words):
    fails(tmp_path, text, 2, *words)


def test_no_argument_and_no_file_are_one_sentence(tmp_path):
    program = find_program("isthmus-lorenz96")
    for arguments in ([], ["absent.nml"], ["a", "b"]):
        done = subprocess.run(
            [program, *arguments], cwd=tmp_path, capture_output=True, text=True
        )
        assert done.returncode == 2
        assert len(done.stderr.splitlines()) == 1
    helped = subprocess.run([program, "--help"], capture_output=True, text=True)
    assert helped.returncode == 0
    assert "&integration" in helped.stdout


def test_an_unwritable_output_is_named_and_costs_no_computing(tmp_path):
    long_run = {"n_steps": 10**8}
    output = {"output": "no/such/out.nc"}
    fails(tmp_path, namelist(None, long_run, output), 1, "no/such/out.nc", "No such file")
    restart = {"restart_out": "no/such/r.nc"}
    fails(tmp_path, namelist(None, long_run, restart), 1, "no/such/r.nc")


def test_a_full_disk_leaves_the_good_file_as_it_was(tmp_path):
    assert run(tmp_path, namelist()) == (0, "")
    good = (tmp_path / "out.nc").read_bytes()

    def small_disk():
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))

    larger = namelist(integration={"n_steps": 4000, "output_every": 1})
    status, said = run(tmp_path, larger, before=small_disk)
    assert status == 1
    assert "cannot write" in said.splitlines()[-1]
    assert "disk full" in said.splitlines()[-1]
    assert (tmp_path / "out.nc").read_bytes() == good
    assert not list(tmp_path.glob("*.part"))


def test_a_run_that_blows_up_keeps_what_was_good(tmp_path):
    (tmp_path / "out.nc").write_text("good")
    settings = namelist(
        None,
        {"dt": 0.5, "n_steps": 500, "output_every": 1},
        {"restart_out": "r.nc"},
    )
    status, said = run(tmp_path, settings)
    assert status == 1
    assert "not finite" in said
    assert (tmp_path / "out.nc").read_text() == "good"
    assert not (tmp_path / "r.nc").exists()
    kept = read(tmp_path / "out.failed.nc")
    restart = read(tmp_path / "r.failed.nc")
    assert np.isfinite(kept).all()
    assert np.array_equal(restart, kept[-1])


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)]
)
def test_ctrl_c_ends_cleanly_and_the_run_can_go_on(tmp_path, number, status):
    (tmp_path / "out.nc").write_text("good")
    files = {"output": "out.nc", "restart_out": "r.nc"}
    endless = {"n_steps": 10**8, "output_every": 1000}
    process = start(tmp_path, namelist(None, endless, files))
    part = tmp_path / "out.nc.part"
    deadline = time.monotonic() + 20
    while not (part.exists() and part.stat().st_size > 0) and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.3)
    process.send_signal(number)
    _, said = process.communicate(timeout=20)
    assert process.returncode == status
    assert "interrupted after step" in said.splitlines()[-1]
    assert (tmp_path / "out.nc").read_text() == "good"
    assert not list(tmp_path.glob("*.part"))
    assert np.isfinite(read(tmp_path / "out.interrupted.nc")).all()
    (tmp_path / "r.interrupted.nc").rename(tmp_path / "r.nc")
    go_on = {"output": "more.nc", "restart_in": "r.nc"}
    assert run(tmp_path, namelist(None, {"n_steps": 2000}, go_on))[0] == 0
