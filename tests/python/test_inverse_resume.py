# SPDX-License-Identifier: MIT
"""`isthmus assimilate`, `tune` and `design`: interrupted and called again, same results."""

import netCDF4
import numpy as np
import pytest

from isthmus.inverse.campaigns import read_campaign, run_campaign
from isthmus.inverse.design_cases import read_problem
from isthmus.inverse.design_results import Design
from isthmus.inverse.parameter_campaigns import read_tuning, run_tuning

ASSIMILATE = """
[model]
n_sites = 12
[twin]
cycles = 30
burn_in = 10
seeds = [1, 2]
[[scheme]]
kind = "etkf"
n_members = 14
inflation = 1.02
has_rotation = true
[[scheme]]
kind = "4d-var"
lag = 1
variance = 0.2
"""
TUNE = """
[model]
kind = "lorenz96"
n_sites = 8
[window]
n_steps = 4
sd = 0.5
[[parameter]]
name = "forcing"
background = 8.0
sd = 1.0
[posterior]
draws = 16
[twins]
n = 5
"""
DESIGN = """
[case]
kind = "lorenz96"
n_sites = 8
steps = [1]
prior_sd = 0.1
noise_sd = 0.1
[design]
n_chosen = 1
[twins]
n = 5
"""
TIMES = {"milliseconds"}  # no property of the results


def assimilate(file, path, progress):
    """Run the twins of all schemes."""
    run_campaign(read_campaign(file), path, progress)


def tune(file, path, progress):
    """Estimate all twins."""
    run_tuning(read_tuning(file), path, progress)


def design(file, path, progress):
    """Value the candidates and run the twins."""
    Design(read_problem(file), path).run(progress)


def contents(path, text):
    """Return the numbers of a file, whose configuration is the text."""
    with netCDF4.Dataset(path) as file:
        assert file.configuration == text
        numbers = {name: v[:] for name, v in file.variables.items() if v.dtype is not str}
    return {
        name: np.ma.filled(values.astype(np.float64), np.nan)
        for name, values in numbers.items()
        if name not in TIMES
    }


@pytest.mark.parametrize(
    ("run", "text"), [(assimilate, ASSIMILATE), (tune, TUNE), (design, DESIGN)]
)
def test_what_is_interrupted_ends_as_if_it_had_not_been(tmp_path, run, text):
    file = tmp_path / "asked.toml"
    file.write_text(text)
    run(file, tmp_path / "whole.nc", lambda *_: None)
    n_calls = 0

    def interrupt(*_):  # noqa: ANN002 (of either kind of progress)
        nonlocal n_calls
        n_calls += 1
        if n_calls == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(file, tmp_path / "parts.nc", interrupt)
    assert (tmp_path / "parts.nc").exists()
    run(file, tmp_path / "parts.nc", lambda *_: None)
    whole, parts = (contents(tmp_path / f"{name}.nc", text) for name in ("whole", "parts"))
    assert whole.keys() == parts.keys()
    for name, values in whole.items():
        np.testing.assert_array_equal(parts[name], values, err_msg=name)
