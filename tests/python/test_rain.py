# SPDX-License-Identifier: MIT
"""Warm rain: scheme, flux form, limits, training and the exported network."""

import math
from dataclasses import replace

import netCDF4
import numpy as np
import pytest
import torch

from isthmus.bridge import Model
from isthmus.couple.campaign import Scheme
from isthmus.couple.criteria import Verdict
from isthmus.couple.paired_trial import judge_in_system
from isthmus.couple.programs import run_program
from isthmus.couple.rain import export_rain
from isthmus.couple.rain_stability import RainColumns
from isthmus.errors import (
    BindingError,
    ConfigurationError,
    DataError,
    ModelRunError,
)
from isthmus.learn import Curriculum, FitSettings
from isthmus.learn.rain import (
    RainWindows,
    rollout_errors,
    train_rain,
    transition_times,
)
from isthmus.models import RainBulk
from isthmus.nets.rain import (
    RainNet,
    RainStep,
    SeifertBeheng,
    apply_rates,
    seifert_beheng_rates,
)

ROUNDING = 1e-13  # torch and Fortran order the same few operations differently
DT = 20.0


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def clouds(n=24, n_steps=40):
    """States with little and much rain [cell, 7]."""
    l0 = 1e-4 * (4 + np.arange(n) % 15)
    rm = 1e-6 * (11 + np.arange(n) % 5)
    box = RainBulk()
    state = box.initial_state(l0, rm, 0.5 * (np.arange(n) % 9))
    return box.advance(state, DT / 4, n_steps=4 * n_steps)


def random_net(form):
    torch.manual_seed(3)
    net = RainNet(form, width=16, depth=2)
    torch.nn.init.normal_(net.layers[-1].weight, std=0.5)
    return net


def test_torch_and_fortran_have_the_same_rates_and_step():
    state = clouds()
    rates = RainBulk().rates(state)
    ours = seifert_beheng_rates(torch.from_numpy(state))
    np.testing.assert_allclose(ours.numpy(), rates, rtol=ROUNDING)
    stepped = apply_rates(torch.from_numpy(state), ours, DT).numpy()
    np.testing.assert_allclose(
        stepped, RainBulk().step(state.copy(), rates, DT), rtol=ROUNDING
    )


def test_mean_rates_step_as_far_as_the_substeps():
    state = clouds()
    rates = RainBulk().rates(state, dt=DT, n_substeps=4)
    stepped = RainBulk().step(state.copy(), rates, DT)
    np.testing.assert_allclose(
        stepped, RainBulk().advance(state.copy(), DT / 4, n_steps=4), rtol=ROUNDING
    )


@pytest.mark.parametrize("form", ["correction", "free"])
def test_an_untrained_network_keeps_water_and_positivity(form):
    step = RainStep(random_net(form), DT)
    state = start = torch.from_numpy(clouds(n_steps=0))
    with torch.no_grad():
        for _ in range(180):
            state = step(state)
    assert bool((state >= 0).all()) and bool(torch.isfinite(state).all())
    water = state[:, 0] + state[:, 2]
    torch.testing.assert_close(water, start[:, 0], rtol=ROUNDING, atol=0.0)
    assert bool((random_net(form)(start) >= 0).all())


def test_rates_beyond_all_bounds_move_what_there_is():
    state = torch.from_numpy(clouds())
    after = apply_rates(state, torch.full((state.shape[0], 4), 1e6).double(), DT)
    assert float(after[:, 0].abs().max()) == 0.0
    torch.testing.assert_close(after[:, 2], state[:, 0] + state[:, 2], rtol=1e-15, atol=0)
    assert bool((after >= 0).all())


def test_a_correction_begins_as_the_scheme_itself():
    state = torch.from_numpy(clouds())
    torch.testing.assert_close(RainNet()(state), SeifertBeheng()(state))


def test_a_cell_alone_has_the_same_rates():
    net, state = random_net("correction").double(), torch.from_numpy(clouds())
    torch.testing.assert_close(net(state)[5:6], net(state[5:6]), rtol=1e-12, atol=0.0)


def test_gradients_are_finite_without_rain():
    state = torch.from_numpy(clouds(n_steps=0)).float().requires_grad_()
    net = random_net("correction")
    x = state
    for _ in range(3):
        x = RainStep(net, DT)(x)
    (x[:, :4] / x[:, :4].detach().mean(0)).sum().backward()
    assert bool(torch.isfinite(state.grad).all())
    assert all(bool(torch.isfinite(p.grad).all()) for p in net.parameters())


def test_training_on_rollouts_learns_another_scheme():
    """Truth is the scheme with twice the accretion: one factor is to be learned."""

    def truth(state):
        rates = RainBulk().rates(state, dt=DT)
        rates[:, 1] *= 2.0
        return rates

    states = RainBulk().run(clouds(n_steps=0), DT, n_steps=60, closure=truth)
    data = torch.from_numpy(states)
    net, history = train_rain(
        data[:, ::2],
        data[:, 1::2],
        start=RainNet(width=16, depth=2),
        curriculum=Curriculum((1, 10), (20, 8)),
        settings=FitSettings(
            batch_size=64, schedule="cosine", learning_rate=5e-3, evaluate_every=20
        ),
        every=4,
    )
    assert np.isfinite(history.best)
    start = data[0, 1::2]
    errors = {}
    for name, closure in (("scheme", SeifertBeheng()), ("net", net.double())):
        x, path = start, [start]
        with torch.no_grad():
            for _ in range(60):
                x = RainStep(closure, DT)(x)
                path.append(x)
        errors[name] = rollout_errors(torch.stack(path), data[:, 1::2])
    assert float(errors["net"][2]) < 0.3 * float(errors["scheme"][2])


def test_transition_times_are_interpolated():
    states = torch.zeros(4, 2, 7)
    states[:, :, 0], states[:, 0, 2] = 1.0, torch.tensor([0.0, 0.0, 1.0, 3.0])
    times = transition_times(states, 0.25, 20.0)
    assert float(times[0]) == 30.0 and float(times[1]) == float("inf")


@pytest.mark.parametrize("program", ["isthmus-rain", "isthmus-rain-bins"])
@pytest.mark.parametrize(
    ("cloud", "words"),
    [
        ({"liquid_water": -1e-3}, "'liquid_water' must be positive"),
        ({"mean_radius": float("nan")}, "'mean_radius' must be positive"),
        ({"shape": -1.5}, "'shape' must be in 0 to 50"),
    ],
)
def test_what_is_no_cloud_is_refused_by_name(tmp_path, program, cloud, words):
    good = {"liquid_water": 1e-3, "mean_radius": 13e-6, "shape": 1.0}
    groups = {"clouds": good | cloud, "files": {"output": "rain.nc"}}
    with pytest.raises(ModelRunError, match=words):
        run_program(program, groups, tmp_path)


def test_bad_states_are_named():
    state = clouds(4)
    state[2, 3] = np.nan
    with pytest.raises(BindingError, match="'nr' in cell 2"):
        RainBulk().advance(state, 1.0, n_steps=1)
    state[2, 3] = -1.0
    with pytest.raises(BindingError, match="'nr' in cell 2"):
        RainBulk().rates(state)
    for dt in (-1.0, float("nan")):
        with pytest.raises(ConfigurationError, match="'dt' must be"):
            RainBulk().rates(clouds(4), dt=dt)
    with pytest.raises(ConfigurationError, match="'dt' must be positive"):
        RainBulk().advance(clouds(4), 0.0, n_steps=1)
    with pytest.raises(DataError, match="expected \\[time, cell, 7\\]"):
        RainWindows(torch.zeros(3, 2, 4), torch.ones(4))


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    path = tmp_path_factory.mktemp("network") / "rain.pt"
    example = torch.from_numpy(clouds())
    net = random_net("correction").double().eval()
    export_rain(net, path, example, dt=DT)
    return net, path


def test_exported_network_has_the_rates_of_torch(network):
    net, path = network
    state = clouds()
    with torch.no_grad():
        expected = net(torch.from_numpy(state)).numpy()
    found = Model(path)(state=state)["rates"]
    np.testing.assert_allclose(found, expected, rtol=ROUNDING)


PUBLISHED = {"clouds": {"liquid_water": [4e-4, 1e-3], "mean_radius": [11e-6, 14e-6]}}


def run_bulk(tmp_path, name, groups):
    """Run a program of rain by moments and return what it wrote."""
    output = tmp_path / "rain.nc"
    namelist = {**PUBLISHED, **groups, "files": {"output": str(output)}}
    run_program(name, namelist, tmp_path)
    with netCDF4.Dataset(output) as file:
        return {k: np.asarray(v[:]) for k, v in file.variables.items()}


def test_the_coupled_program_runs_the_network_of_torch(tmp_path, network):
    net, path = network
    found = run_bulk(
        tmp_path,
        "isthmus-rain-bulk-coupled",
        {"integration": {"duration": 1200.0}, "coupling": {"network": str(path)}},
    )
    l0 = np.repeat(PUBLISHED["clouds"]["liquid_water"], 2)
    rm = np.tile(PUBLISHED["clouds"]["mean_radius"], 2)
    state = torch.from_numpy(RainBulk().initial_state(l0, rm, np.ones(4)))
    with torch.no_grad():
        for _ in range(60):
            state = RainStep(net, DT)(state)
    for i, name in enumerate(("lc", "nc", "lr", "nr")):
        np.testing.assert_allclose(found[name][-1], state[:, i].numpy(), rtol=1e-11)


@pytest.mark.parametrize("has_network", [False, True])
def test_shafts_close_their_budget_of_water(tmp_path, network, has_network):
    groups = {
        "shaft": {"levels": 40, "columns": 5, "updraft_min": 2.0, "updraft_max": 5.0},
        "integration": {"duration": 5400.0, "output_every": 60.0},
    }
    program = "isthmus-rain-bulk"
    if has_network:
        program += "-coupled"
        groups["coupling"] = {"network": str(network[1])}
    found = run_bulk(tmp_path, program, groups)
    gone = found["rained"] + found["left"] + found["water_path"]
    scale = found["condensed"].max()
    assert np.abs(found["condensed"] - gone).max() < 1e-12 * scale
    assert found["rained"][-1].min() > 0.0
    assert all(found[name].min() >= 0.0 for name in ("lc", "nc", "lr", "nr"))


def test_a_network_of_another_step_is_refused(tmp_path, network):
    with pytest.raises(ModelRunError, match=r"20\.000 s, the namelist has dt = 10"):
        run_bulk(
            tmp_path,
            "isthmus-rain-bulk-coupled",
            {
                "integration": {"dt": 10.0, "output_every": 10.0},
                "coupling": {"network": str(network[1])},
            },
        )


def test_updrafts_that_come_again_condense_as_much(tmp_path):
    shaft = {"levels": 30, "columns": 2, "updraft_every": 3600.0}
    integration = {"duration": 7200.0, "output_every": 3600.0}
    groups = {"shaft": shaft, "integration": integration}
    condensed = run_bulk(tmp_path, "isthmus-rain-bulk", groups)["condensed"]
    np.testing.assert_allclose(condensed[2], 2.0 * condensed[1], rtol=1e-12)
    groups["shaft"] = {**shaft, "updraft_every": 600.0}
    with pytest.raises(ModelRunError, match="'updraft_every' must be 0"):
        run_bulk(tmp_path, "isthmus-rain-bulk", groups)


class Faulty(torch.nn.Module):
    """Seifert and Beheng but for one fault where there is rain."""

    def __init__(self, factor) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, state):
        """Return rates."""
        state = torch.relu(state)  # the exporter probes states that no cloud has
        rates, is_wrong = seifert_beheng_rates(state), state[:, 2:3] > 1e-5
        if math.isnan(self.factor):  # so rare that the exporter's probes do not find it
            is_wrong = is_wrong & (torch.abs(state[:, 6:] - 2.0) < 1e-9)
            return torch.where(is_wrong, torch.full_like(rates, self.factor), rates)
        return torch.where(is_wrong, self.factor * rates, rates)


@pytest.fixture(scope="module")
def faulty_networks(tmp_path_factory):
    folder, example = tmp_path_factory.mktemp("faulty"), torch.from_numpy(clouds())
    example[:, 2:4] = 0.0
    example[:, 6] = 1.0
    networks = {}
    for name, factor in (("fine", 1.0), ("slow", 0.1), ("nan", float("nan"))):
        networks[name] = folder / f"{name}.pt"
        export_rain(Faulty(factor), networks[name], example, dt=DT)
    return networks


def test_rates_that_are_not_finite_are_refused(tmp_path, faulty_networks):
    groups = {
        "clouds": {**PUBLISHED["clouds"], "shape": [2.0]},
        "coupling": {"network": str(faulty_networks["nan"])},
    }
    with pytest.raises(ModelRunError, match="rate 'au' in cell 4 is not finite"):
        run_bulk(tmp_path, "isthmus-rain-bulk-coupled", groups)


class CheapColumns(RainColumns):
    """Columns whose truth is the scheme in small steps: droplets take too long here."""

    def reference(self):
        """Return the truth."""
        groups = super().control().namelist
        return Scheme("truth", "isthmus-rain-bulk", {**groups, "integration": SMALL_STEPS})

    def control(self):
        """Return none: a network that repeats the scheme is not better than it."""


SMALL_STEPS = {"substeps": 40}


def test_columns_are_judged_and_spoilt_networks_fail(tmp_path, faulty_networks):
    system = CheapColumns()
    system.extent = replace(system.extent, n_members=12, n_crowd=80, n_parallel=1)
    report = judge_in_system(system, faulty_networks, tmp_path)
    failed = {
        run.run.name: {f.key for f in run.findings if f.verdict is Verdict.FAIL}
        for run in report.candidates
    }
    assert failed["fine"] == set()
    assert "error: rain_path" in failed["slow"]
    assert "survival" not in failed["slow"]
    assert "survival" in failed["nan"]
