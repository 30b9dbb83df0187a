# SPDX-License-Identifier: MIT
"""Basins in which steps of the shallow water model are judged."""

from pathlib import Path

import numpy as np
import pytest

from isthmus.couple import shallow_water_stability as system
from isthmus.couple.campaign_config import CampaignConfig, Chunk
from isthmus.couple.programs import run_program
from isthmus.errors import ConfigurationError

N_MEMBERS, N_STEPS = 3, 8
ROUNDING = 1e-14  # of a volume, relative


def run(folder: Path, n_members: int) -> system.Series:
    """Run the model in some basins and read what they did."""
    basins = system.Basins()
    scheme = basins.reference()
    config = CampaignConfig((scheme,), dt=1500.0, n_steps=N_STEPS, n_members=n_members)
    chunk = Chunk(N_STEPS, "out.nc", "restart.nc", None)
    groups = {**scheme.namelist, **basins.dialect.groups(config, chunk)}
    groups["files"] = {**groups["files"], "output_every": 1}
    run_program(scheme.program, groups, folder)
    return basins.read([folder / "out.nc"])


def test_basins_know_nothing_of_each_other_and_keep_their_water(tmp_path: Path) -> None:
    three = run(tmp_path / "three", N_MEMBERS)
    assert three.values["gauge"].shape == (N_STEPS + 1, N_MEMBERS)
    assert three.is_physical.all()
    assert three.imbalance is not None
    assert three.imbalance.max() < ROUNDING
    depth, zeta = system.basins(N_MEMBERS, 1)
    potential = 0.5 * system.GRAVITY * (zeta**2).mean((-2, -1))
    np.testing.assert_allclose(three.values["potential"][0], potential)
    assert (three.values["kinetic"][-1] > 0.0).all()
    energy = three.values["potential"] + three.values["kinetic"]
    assert (energy[-1] < energy[0]).all()
    assert depth.min() >= 1.0


def test_stacked_basins_come_apart_again() -> None:
    depth, _ = system.basins(N_MEMBERS, 4)
    whole = system.stacked(depth)
    assert np.array_equal(system.members_of(whole[None])[0], depth)
    assert not whole[system.N_CELLS].any()


def test_unknown_option_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="role"):
        system.Basins({"role": "step"})
