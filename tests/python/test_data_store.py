# SPDX-License-Identifier: MIT
"""Trajectories on disk: what is written is read, what is no trajectory is refused."""

from pathlib import Path

import netCDF4
import numpy as np
import pytest

from isthmus.data import FIELDS, Trajectories, open_trajectories, save_trajectories
from isthmus.errors import DataError

N_TIMES, N_MEMBERS, N_SITES = 5, 3, 8


@pytest.fixture
def trajectories():
    rng = np.random.default_rng(1)
    x = rng.standard_normal((N_TIMES, N_MEMBERS, N_SITES))
    z = rng.standard_normal((N_TIMES, N_MEMBERS, 4 * N_SITES)).astype(np.float32)
    forcing = np.array([7.0, 8.0, 9.0])
    arrays = {"x": x, "z": z, "forcing": forcing}
    return Trajectories(arrays, 0.05 * np.arange(N_TIMES), {"model": "lorenz96", "seed": 4})


@pytest.fixture
def path(trajectories, tmp_path):
    save_trajectories(trajectories, tmp_path / "run.nc")
    return tmp_path / "run.nc"


def edit(path: Path, change):
    with netCDF4.Dataset(path, "a") as dataset:
        change(dataset)


def test_what_is_saved_is_read_bit_for_bit(trajectories, path):
    read = open_trajectories(path, variables=["x", "z", "forcing"])
    for name, values in trajectories.arrays.items():
        assert read[name].dtype == values.dtype
        np.testing.assert_array_equal(read[name], values)
    np.testing.assert_array_equal(read.time, trajectories.time)
    assert read.dt == 0.05
    assert read.attributes["model"] == "lorenz96"
    assert read.attributes["seed"] == 4


def test_file_carries_units_and_long_names(path):
    with netCDF4.Dataset(path) as dataset:
        for name in ("time", "x", "z", "forcing"):
            assert dataset[name].units == FIELDS[name].units
            assert dataset[name].long_name == FIELDS[name].long_name
        assert dataset.dimensions["time"].isunlimited()
        assert dataset["z"].dimensions == ("time", "member", "jk")


def test_layout_is_that_of_fortran_x_k_member(path):
    """A Fortran slab x(k, member) is a C slab [member, k]: k runs fastest in the file."""
    with netCDF4.Dataset(path) as dataset:
        assert dataset["x"].dimensions == ("time", "member", "k")


def test_split_in_time_keeps_every_time_once(trajectories):
    first, rest = trajectories.split(0.6)
    assert (len(first), len(rest)) == (3, 2)
    np.testing.assert_array_equal(
        np.concatenate([first["x"], rest["x"]]), trajectories["x"]
    )
    np.testing.assert_array_equal(rest["forcing"], trajectories["forcing"])
    assert rest.time[0] == trajectories.time[3]


@pytest.mark.parametrize("fraction", [0.0, 1.0, 0.05])
def test_split_that_leaves_a_part_empty_is_refused(trajectories, fraction):
    with pytest.raises(DataError, match="leaves a part empty"):
        trajectories.split(fraction)


def test_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"absent\.nc: no such file"):
        open_trajectories(tmp_path / "absent.nc")


@pytest.mark.parametrize("content", [b"", b"not netCDF, a text"])
def test_file_that_is_not_netcdf_is_refused(tmp_path, content):
    (tmp_path / "text.nc").write_bytes(content)
    with pytest.raises(DataError, match="not a readable netCDF file"):
        open_trajectories(tmp_path / "text.nc")


def test_truncated_file_is_refused(path):
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(DataError, match=r"run\.nc"):
        open_trajectories(path)


def test_missing_variable_lists_what_is_there(path):
    with pytest.raises(DataError, match="no variable 'coupling'; found: 'time', 'x'"):
        open_trajectories(path, variables=["x", "coupling"])


def test_variable_outside_the_schema_is_refused(path):
    with pytest.raises(DataError, match="unknown variable 'temperature'"):
        open_trajectories(path, variables=["temperature"])


def test_wrong_dimensions_are_shown(tmp_path):
    with netCDF4.Dataset(tmp_path / "turned.nc", "w") as dataset:
        for name, extent in (("time", 4), ("member", 2), ("k", 6)):
            dataset.createDimension(name, extent)
        dataset.createVariable("time", "f8", ("time",))[:] = np.arange(4.0)
        dataset.createVariable("x", "f8", ("time", "k", "member"))[:] = 0.0
    expected = r"'x' has dimensions \[time, k, member\], expected \[time, member, k\]"
    with pytest.raises(DataError, match=expected):
        open_trajectories(tmp_path / "turned.nc")


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_value_that_is_not_finite_is_located(path, bad):
    edit(path, lambda dataset: dataset["x"].__setitem__((2, 1, 5), bad))
    with pytest.raises(DataError, match=r"'x' holds 1 values .* the first at \[2, 1, 5\]"):
        open_trajectories(path)


def test_missing_values_are_refused(path):
    edit(path, lambda d: d["x"].__setitem__((0, 0, 0), netCDF4.default_fillvals["f8"]))
    with pytest.raises(DataError, match="'x' has 1 missing values"):
        open_trajectories(path)


def test_uneven_time_is_refused(path):
    edit(path, lambda dataset: dataset["time"].__setitem__(3, 0.151))
    with pytest.raises(DataError, match="'time' is not evenly increasing"):
        open_trajectories(path)


def test_member_counts_that_differ_are_refused(trajectories):
    arrays = {**trajectories.arrays, "forcing": np.array([8.0])}
    expected = "'forcing' has 1 entries along 'member', expected 3"
    with pytest.raises(DataError, match=expected):
        Trajectories(arrays, trajectories.time)


def test_writing_into_an_absent_folder_is_refused(trajectories, tmp_path):
    with pytest.raises(DataError, match="cannot be written"):
        save_trajectories(trajectories, tmp_path / "absent" / "run.nc")


def test_failed_write_leaves_the_old_file(trajectories, path, monkeypatch):
    before = path.read_bytes()

    def disk_full(*_: object):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("isthmus.data.store._write", disk_full)
    with pytest.raises(DataError, match="No space left"):
        save_trajectories(trajectories, path)
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == ["run.nc"]
