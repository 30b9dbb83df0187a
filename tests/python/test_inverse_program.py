# SPDX-License-Identifier: MIT
"""The program `isthmus-four-d-var`: the analyses of Python without Python, and bad days."""

import re
import subprocess

import netCDF4
import numpy as np
import pytest
import torch

from isthmus.couple.programs import find_program, write_namelist
from isthmus.export import export_network
from isthmus.inverse import Diagonal, FortranModel, Observations, Sites
from isthmus.models import Lorenz96
from isthmus.nets import Lorenz96Tendency, Rk4Step

N, DT, WINDOW, N_WINDOWS = 40, 0.05, 5, 3
SD = 0.5
SAME = 1e-8  # the same arithmetic, in another order of loops
NETWORK = 1e-5  # minima of two codes whose gradients fell by 1e-6


@pytest.fixture(scope="module")
def observed() -> tuple[np.ndarray, np.ndarray]:
    """Return noisy values with gaps `[time, k]`, and a background `[k]`."""
    rng = np.random.default_rng(1)
    model = FortranModel(Lorenz96(N, 8.0), DT)
    x = model.advance(model.model.initial_state(1, seed=2), 400)
    states = model.trajectory(x, N_WINDOWS * WINDOW - 1)[:, 0]
    values = states + rng.standard_normal(states.shape)
    values[rng.random(values.shape) < 0.25] = np.nan
    return values, states[0] + SD * rng.standard_normal(N)


def write_observations(path, values, first):
    with netCDF4.Dataset(path, "w") as file:
        file.createDimension("time", len(values))
        file.createDimension("k", values.shape[1])
        y = file.createVariable("y", "f8", ("time", "k"), fill_value=-999.0)
        y[:] = np.ma.masked_where(np.isnan(values), values)
        file.createVariable("x_first", "f8", ("k",))[:] = first


def run(directory, observed, **settings: object):
    """Return status, what was said, and the analyses if there are any."""
    write_observations(directory / "observed.nc", *observed)
    group = {"observations": "observed.nc", "n_window": WINDOW, "sd": SD, **settings}
    write_namelist({"assimilation": group}, directory / "config.nml")
    done = subprocess.run(
        [find_program("isthmus-four-d-var"), "config.nml"],
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    path = directory / "analysis.nc"
    if not path.exists():
        return done.returncode, done.stdout + done.stderr, None
    with netCDF4.Dataset(path) as file:
        return done.returncode, done.stdout, file["x"][:].data


def in_python(observed) -> np.ndarray:
    """Return the analyses of all windows `[window, k]`."""
    values, x = observed
    model = FortranModel(Lorenz96(N, 8.0), DT)
    analyses = []
    for i in range(N_WINDOWS):
        window = values[i * WINDOW : (i + 1) * WINDOW]
        observations = Observations(np.arange(WINDOW), window, Sites(N), Diagonal(1.0, N))
        b = Diagonal(SD**2, N)
        found = model.analyse(x, b, observations, WINDOW - 1, tolerance=1e-6)
        analyses.append(found.required().x)
        x = model.advance(found.x[None], WINDOW)[0]
    return np.array(analyses)


def test_program_finds_the_analyses_of_python(tmp_path, observed):
    status, said, analyses = run(tmp_path, observed, tolerance=1e-6)
    assert status == 0
    missing = int(np.isnan(observed[0]).sum())
    assert f"3 windows, 0 of them did not converge, {missing} missing values" in said
    assert np.abs(analyses - in_python(observed)).max() <= SAME


def test_program_assimilates_with_the_adjoint_of_a_network(tmp_path, observed):
    step = Rk4Step(Lorenz96Tendency(8.0), DT).double().eval()
    export_network(
        step,
        tmp_path / "step.pt",
        inputs={"x": torch.zeros(2, N, dtype=torch.float64)},
        outputs=["x_next"],
        dynamic={"member": 0},
        dt=DT,
    )
    status, _, analyses = run(tmp_path, observed, network="step.pt", tolerance=1e-6)
    assert status == 0
    assert np.abs(analyses - in_python(observed)).max() <= NETWORK


@pytest.mark.parametrize(
    ("settings", "status", "text"),
    [
        ({"sd": -1.0}, 2, "'sd' must not be negative"),
        ({"n_sites": 36}, 1, "have sites 40 and 40, expected 36"),
        ({"windows": 3}, 2, "unknown key 'windows'"),
        ({"observations": "absent.nc"}, 1, "absent.nc"),
        ({"dt": 5.0}, 1, "the model blew up"),
        ({"network": "absent.pt"}, 1, "absent.pt"),
    ],
    ids=["sd", "sites", "key", "file", "blow-up", "network"],
)
def test_program_says_what_is_wrong(tmp_path, observed, settings, status, text):
    found, said, analyses = run(tmp_path, observed, **settings)
    assert found == status
    assert text in said
    assert analyses is None


def test_program_refuses_infinite_observations(tmp_path, observed):
    values, first = observed[0].copy(), observed[1]
    values[0, 0] = np.inf
    status, said, analyses = run(tmp_path, (values, first))
    assert status == 1
    assert "'y' holds infinity" in said
    assert analyses is None


def test_program_tells_of_windows_that_did_not_converge(tmp_path, observed):
    status, said, _ = run(tmp_path, observed, tolerance=1e-12, max_outer=1)
    assert status == 0
    assert "3 of them did not converge" in said
    left = re.search(r"norm fell to (\S+) of that at the start", said)
    assert left is not None
    assert 1e-12 < float(left[1]) < 1.0
