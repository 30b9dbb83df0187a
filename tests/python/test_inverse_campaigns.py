# SPDX-License-Identifier: MIT
"""`isthmus assimilate`: what a TOML file asks for, and results that go on."""

import netCDF4
import numpy as np
import pytest
from typer.testing import CliRunner

from isthmus.cli import app
from isthmus.errors import ConfigurationError
from isthmus.inverse.campaigns import read_campaign

TEXT = """
[twin]
cycles = 120
burn_in = 40
seeds = [1, 2]

[[scheme]]
name = "static"
kind = "3d-var"
share = 0.02
published = 0.41

[[scheme]]
kind = "etkf"
n_members = 24
inflation = 1.02
"""


def assimilate(folder, text=TEXT):
    """Run the command on a TOML text."""
    (folder / "twins.toml").write_text(text)
    return CliRunner().invoke(app, ["assimilate", str(folder / "twins.toml")])


def test_results_hold_scores_and_the_whole_configuration(tmp_path):
    done = assimilate(tmp_path)
    assert done.exit_code == 0
    assert "static" in done.stdout
    with netCDF4.Dataset(tmp_path / "twins.nc") as file:
        assert file.configuration == TEXT
        assert list(file["scheme"][:]) == ["static", "etkf"]
        rmse, error = file["rmse"][:].data, file["error"][:].data
    assert rmse.shape == (2, 2)
    assert np.allclose(error[:, :, 40:].mean(axis=-1), rmse, rtol=1e-6)
    assert (rmse[1] < rmse[0]).all()


def test_many_seeds_are_shown_by_their_extremes(tmp_path):
    text = TEXT.replace("[1, 2]", "[1, 2, 3, 4]")
    shown = assimilate(tmp_path, text).stdout
    assert "lowest" in shown
    assert "seed 1" not in shown
    with netCDF4.Dataset(tmp_path / "twins.nc") as file:
        rmse = file["rmse"][0].data
    for value in (rmse.min(), rmse.max(), rmse.std(ddof=1)):
        assert f"{value:.3f}" in shown


def test_a_second_call_repeats_nothing_and_another_text_is_refused(tmp_path):
    assimilate(tmp_path)
    with netCDF4.Dataset(tmp_path / "twins.nc", "a") as file:
        file["rmse"][0, 0] = 7.0  # a mark that another run would wipe out
    assert "7.000" in assimilate(tmp_path).stdout
    other = assimilate(tmp_path, TEXT.replace("1.02", "1.03"))
    assert isinstance(other.exception, ConfigurationError)
    assert "another configuration" in str(other.exception)


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ("cycles", "cycle", "unknown key 'twin.cycle'"),
        ("3d-var", "5d-var", "'kind' must be one of"),
        ("n_members", "members", "scheme 'etkf': .*members"),
        ("burn_in = 40", "burn_in = 120", "'burn_in' must be 0 to 119"),
        ("[twin]", "[twin", "is no TOML"),
    ],
)
def test_mistakes_are_named(tmp_path, old, new, text):
    path = tmp_path / "twins.toml"
    path.write_text(TEXT.replace(old, new))
    with pytest.raises(ConfigurationError, match=text):
        read_campaign(path)


HASTY = """
[twin]
steps = 4
cycles = 12
burn_in = 2
seeds = [1]

[[scheme]]
name = "asks for too much"
kind = "4d-var"
lag = 1
variance = 0.2
tolerance = 1e-30

[[scheme]]
kind = "smoother"
n_members = 20
n_iterations = 1
"""


def test_what_did_not_converge_is_told_with_its_gradient(tmp_path):
    text = assimilate(tmp_path, HASTY).stdout
    with netCDF4.Dataset(tmp_path / "twins.nc") as file:
        failed = file["is_converged"][:, 0].filled() == 0.0
        share = (file["gradient_norm"][:] / file["gradient_norm_start"][:])[:, 0].filled()
        assert file["n_unconverged"][:, 0].tolist() == failed.sum(axis=1).tolist()
    assert failed.any(axis=1).all()
    names = "asks for too much", "smoother"
    for name, row, left in zip(names, failed, share, strict=True):
        assert f"{name}: {row.sum()} of 12 minimisations did not converge" in text
        assert f"fell to {left[row].max():.2g} of the first" in text
