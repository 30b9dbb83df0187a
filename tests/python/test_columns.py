# SPDX-License-Identifier: MIT
"""Column models: the numpy face, the torch twin, the run with a network in the slot."""

import re

import netCDF4
import numpy as np
import pytest
import torch

from isthmus.couple.programs import run_program
from isthmus.errors import BindingError, ConfigurationError, ModelRunError
from isthmus.export import export_network
from isthmus.models import OceanColumn
from isthmus.nets.ocean_column import OceanColumnStep, OceanFluxNet

DT = 600.0
ROUNDING = 1e-12  # of temperatures of some ten degrees
LEVELS = 20


@pytest.fixture
def net():
    torch.manual_seed(3)
    net = OceanFluxNet(LEVELS).double().eval()
    torch.nn.init.normal_(net.net[-1].weight)  # not the physics
    return net.requires_grad_(False)


def stirred(n_columns=4, n_steps=60):
    """Return a model and a state that wind and sun have made interesting."""
    ocean = OceanColumn(levels=LEVELS)
    state = ocean.initial_state(n_columns)
    for i in range(n_steps):
        ocean.force(state, i * DT, DT)
        ocean.apply(state, ocean.fluxes(state, DT), DT)
    return ocean, state


def test_the_torch_step_is_the_fortran_step(net):
    ocean, state = stirred()
    found = torch.from_numpy(state.copy())
    for i in range(60, 70):
        ocean.force(state, i * DT, DT)
        weather = torch.from_numpy(state[:, -3:].copy())
        ocean.apply(state, net(torch.from_numpy(state)).numpy(), DT)
        found = OceanColumnStep(net, LEVELS)(found, weather)
    assert np.abs(found.numpy() - state).max() < ROUNDING


def test_heat_is_kept_and_no_extreme_is_made_whatever_the_weights(net):
    _, state = stirred()
    x = torch.from_numpy(state)
    calm = torch.zeros(len(x), 3, dtype=torch.float64)
    for _ in range(200):
        x = OceanColumnStep(net, LEVELS)(x, calm)
    before, after = state[:, :LEVELS], x[:, :LEVELS].numpy()
    assert np.abs(after.sum(1) - before.sum(1)).max() < 100 * ROUNDING
    assert after.max() <= before.max() + ROUNDING
    assert after.min() >= before.min() - ROUNDING


def test_without_training_the_network_is_one_explicit_step_of_the_physics():
    """Where diffusivities are far below the bound, half of dz^2/dt."""
    ocean = OceanColumn(levels=LEVELS, substeps=1)
    state = ocean.force(ocean.initial_state(3), 0.0, 1.0)
    state[:, 2 * LEVELS : 3 * LEVELS] = 0.0  # no weather yet below the surface
    expected = ocean.fluxes(state, 1e-3)[:, : LEVELS - 1]
    found = OceanFluxNet(LEVELS, dt=1e-3).double()(torch.from_numpy(state))
    assert found[:, 1 : LEVELS - 1].detach().numpy() == pytest.approx(
        expected[:, 1:], rel=1e-3
    )


def test_the_program_runs_the_network_as_python_does(tmp_path, net):
    ocean, _ = stirred(1, 0)
    state = ocean.initial_state(3)
    export_network(
        net,
        tmp_path / "net.pt",
        inputs={"state": torch.from_numpy(state)},
        outputs=["fluxes"],
        dynamic={"column": 0},
        separable="column",
        dt=DT,
        derivatives=False,
    )
    groups = {
        "integration": {"columns": 3, "duration": 20 * DT, "output_every": DT},
        "coupling": {"network": "net.pt"},
        "files": {"output": "run.nc"},
    }
    run_program("isthmus-ocean-column-coupled", groups, tmp_path)
    for i in range(20):
        ocean.force(state, i * DT, DT)
        ocean.apply(state, net(torch.from_numpy(state)).numpy(), DT)
    with netCDF4.Dataset(tmp_path / "run.nc") as file:
        last, budget = np.asarray(file["t"][-1]), np.asarray(file["budget"][:])
        assert file.closure == "net.pt"
    assert np.abs(last - state[:, :LEVELS]).max() < ROUNDING
    assert np.abs(budget / budget[0] - 1.0).max() < ROUNDING
    groups["integration"]["dt"] = 300.0
    with pytest.raises(ModelRunError, match=re.escape("means over 600.000 s")):
        run_program("isthmus-ocean-column-coupled", groups, tmp_path)


def test_what_makes_no_sense_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match="ocean_column cannot be set up"):
        OceanColumn(levels=1)
    ocean, state = stirred(2, 1)
    state[1, 3] = np.nan
    with pytest.raises(BindingError, match="'state' is nan in column 1"):
        ocean.fluxes(state, DT)
    groups = {"model": {"levles": 3}, "files": {"output": "run.nc"}}
    with pytest.raises(ModelRunError, match="unknown key 'levles'"):
        run_program("isthmus-ocean-column", groups, tmp_path)
