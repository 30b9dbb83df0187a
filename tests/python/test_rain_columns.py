# SPDX-License-Identifier: MIT
"""Rain columns in torch: those of Fortran, their gradients, training through them."""

import netCDF4
import numpy as np
import pytest
import torch

from isthmus.couple.programs import run_program
from isthmus.errors import DataError
from isthmus.learn import Curriculum, FitSettings
from isthmus.learn.rain_column import (
    ColumnWindows,
    column_scale,
    open_shafts,
    train_columns,
)
from isthmus.models import RainBulk
from isthmus.nets.rain import RainNet, apply_rates, seifert_beheng_rates
from isthmus.nets.rain_column import RainColumn, ShaftGeometry, fall_speeds

ROUNDING = 1e-11  # of 60 steps; torch and Fortran order the same few operations differently
SHAFT = {
    "levels": 8,
    "dz": 300.0,
    "cloud_base": 500.0,
    "updraft_min": 2.0,
    "updraft_max": 4.0,
    "updraft_every": 0.0,
    "columns": 3,
}
CLOUDS = {"mean_radius": [13e-6, 14e-6, 15e-6], "shape": [0.0, 1.0, 2.0]}
GEOMETRY = ShaftGeometry(levels=8, dz=300.0, cloud_base=500.0, updraft_every=0.0)
N_STEPS = 100
DRIVEN = {
    "strongest": torch.tensor([2.0, 3.0, 4.0]),
    "mean_radius": torch.tensor(CLOUDS["mean_radius"], dtype=torch.float64),
    "shape": torch.tensor(CLOUDS["shape"], dtype=torch.float64),
}


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


class FortranScheme(torch.nn.Module):
    """Seifert and Beheng's mean rates over a step, by Fortran."""

    def forward(self, state):
        """Return mean rates over a step."""
        rates = RainBulk().rates(np.ascontiguousarray(state.numpy()), dt=20.0, n_substeps=4)
        return torch.from_numpy(rates)


@pytest.fixture(scope="module")
def shafts(tmp_path_factory):
    """Return what the program of columns wrote, read as super-droplets are."""
    folder = tmp_path_factory.mktemp("shafts")
    path = folder / "rain.nc"
    groups = {
        "clouds": CLOUDS,
        "shaft": SHAFT,
        "integration": {"dt": 20.0, "duration": 20.0 * N_STEPS, "output_every": 20.0},
        "files": {"output": str(path)},
    }
    run_program("isthmus-rain-bulk", groups, folder)
    return path, open_shafts(path, GEOMETRY, **DRIVEN)


def rolled(column, updrafts, n_steps=N_STEPS, dtype=torch.float64):
    state = column.start(DRIVEN["mean_radius"].to(dtype), DRIVEN["shape"].to(dtype))
    for i in range(n_steps):
        state = column(state, updrafts[i].to(dtype))
    return state


def test_columns_of_torch_are_those_of_fortran(shafts):
    column = RainColumn(FortranScheme(), GEOMETRY).double()
    state = rolled(column, GEOMETRY.updrafts(DRIVEN["strongest"], N_STEPS))
    expected = shafts[1].states[-1]
    assert expected[:, -2].min() > 0.1  # it rained
    scale = expected.abs().max()
    torch.testing.assert_close(state[:, -2], expected[:, -2], rtol=ROUNDING, atol=0.0)
    water = [0, 2]
    for i in range(4):
        found, given = (s[:, :-4].unflatten(1, (8, 4))[..., i] for s in (state, expected))
        scale = given.abs().max().item()
        torch.testing.assert_close(found, given, rtol=0.0, atol=ROUNDING * scale)
    assert all(state[:, :-4][:, i::4].min() >= 0.0 for i in water)


def test_gradients_through_columns_are_finite_in_single_precision():
    torch.manual_seed(0)
    net = RainNet("column", width=8, depth=1)
    torch.nn.init.normal_(net.layers[-1].weight, std=0.1)
    column = RainColumn(net, GEOMETRY).float()
    updrafts = GEOMETRY.updrafts(DRIVEN["strongest"], N_STEPS)
    rained = rolled(column, updrafts, dtype=torch.float32)[:, -2]
    assert rained.detach().min() > 0.0
    rained.sum().backward()
    for parameter in net.parameters():
        assert torch.isfinite(parameter.grad).all()
    assert net.layers[-1].bias.grad.abs().max() > 0.0


def test_a_narrow_spectrum_falls_with_one_speed():
    lr, nr = torch.tensor([1e-3]).double(), torch.tensor([500.0]).double()
    wide, narrow = (fall_speeds(lr, nr, mu) for mu in (0.0, 500.0))
    diameter = (6.0 * lr / nr / torch.pi / 1000.0) ** (1.0 / 3.0)
    alone = 9.65 - 10.3 * torch.exp(-600.0 * diameter)
    assert abs(narrow[0] / narrow[1] - 1.0) < 0.01 < wide[0] / wide[1] - 1.0
    torch.testing.assert_close(narrow[0], alone, rtol=0.01, atol=0.0)


def test_rates_of_hardly_any_cloud_are_finite():
    state = torch.tensor([[1e-38, 1e8, 0.0, 0.0, 1e-3, 1e-5, 1.0]] * 2)
    state[1, 0] = 0.0
    rates = torch.zeros(2, 4)
    rates[1, 1] = 1e-3  # a network may ask for what is not there
    state.requires_grad_()
    after = apply_rates(state, rates, 20.0)
    after.sum().backward()
    assert torch.isfinite(after).all() and torch.isfinite(state.grad).all()
    assert (after[:, 0] <= state[:, 0]).all()
    stepped = RainBulk().step(state.detach().double().numpy(), rates.double().numpy(), 20.0)
    assert np.isfinite(stepped).all() and (stepped >= 0.0).all()


def test_old_rain_collects_as_long_s_kernel_says():
    """Compare at tau = 1e-4 of grown drops: 1/1296 of kcr Lc Lr in boxes."""
    state = torch.tensor([[1e-3, 1e8, 1e-7, 1.0, 1e-3, 1.3e-5, 1.0]], dtype=torch.float64)
    young = seifert_beheng_rates(state)[0, 1]
    old = seifert_beheng_rates(state, all_grown=True)[0, 1]
    assert old / young == pytest.approx(6.0**4, rel=1e-3)
    torch.testing.assert_close(RainNet("column").double()(state)[0, 1], old)


def test_training_through_columns_finds_a_better_network(shafts):
    torch.manual_seed(1)
    net = RainNet("column", width=8, depth=1)  # not the scheme that made the shafts
    settings = FitSettings(
        batch_size=3, learning_rate=1e-2, evaluate_every=1, schedule="cosine"
    )
    history = train_columns(
        shafts[1],
        shafts[1],
        net,
        curriculum=Curriculum((30,), (3,)),
        settings=settings,
        every=50,
        progress=False,
    )
    losses = [e.valid_loss for e in history.evaluations]
    assert history.best < 0.8 * losses[0]


def test_targets_of_windows_follow_their_start(shafts):
    data = shafts[1]
    windows = ColumnWindows(data, column_scale(data.states), every=10)
    (start, beside), target = windows.batch(torch.tensor([4]), 7)
    torch.testing.assert_close(start, data.states[10, 1:2])
    torch.testing.assert_close(beside[:, 0], data.updrafts[10:17, 1])
    torch.testing.assert_close(target[6, 0], windows.measured(data.states[17, 1]))


def test_files_of_another_geometry_are_refused(shafts):
    with pytest.raises(DataError, match=r"8 levels .* expected 30"):
        open_shafts(shafts[0], ShaftGeometry(), **DRIVEN)
    with netCDF4.Dataset(shafts[0].with_name("other.nc"), "w"):
        pass
    with pytest.raises(DataError, match="not of a rain shaft"):
        open_shafts(shafts[0].with_name("other.nc"), GEOMETRY, **DRIVEN)
