# SPDX-License-Identifier: MIT
"""Emulators that know the forcing: each member keeps its own, and unseen ones work."""

import numpy as np
import pytest
import torch

from isthmus.data import Trajectories
from isthmus.errors import ConfigurationError, DataError
from isthmus.learn import Curriculum, FitSettings
from isthmus.learn.conditional import (
    ConditionalRollout,
    ForcedWindows,
    train_conditional_emulator,
)
from isthmus.learn.simulators import simulate_one_level
from isthmus.nets import Lorenz96Tendency, Rk4Step

DT, K = 0.05, 10
FORCINGS = (4.0, 6.0, 8.0, 10.0, 12.0)


@pytest.fixture(scope="module")
def data():
    torch.set_num_threads(1)
    runs = [
        simulate_one_level(150, dt=DT, n_sites=K, forcing=f, seed=i)
        for i, f in enumerate(FORCINGS)
    ]
    x = np.concatenate([run["x"] for run in runs], axis=1)
    return Trajectories({"x": x, "forcing": np.array(FORCINGS)}, runs[0].time)


def test_each_window_has_the_forcing_of_its_member(data):
    windows = ForcedWindows.of(data)
    (x, forcing), target = windows.batch(torch.arange(windows.count(2)), 2)
    for i in (0, 3, 4, 5, 77):
        assert float(forcing[i]) == FORCINGS[i % 5]
        step = Rk4Step(Lorenz96Tendency(float(forcing[i])), DT)
        assert torch.allclose(step(x[i : i + 1])[0], target[0, i], rtol=1e-12)


def test_bilinear_emulator_generalizes_to_a_forcing_between_those_seen(data):
    train, valid = data.split(0.8)
    adam = FitSettings(dtype="float64", learning_rate=1e-2, schedule="cosine")
    step, history = train_conditional_emulator(
        "bilinear", train, valid, settings=adam, curriculum=Curriculum((1, 4), (40, 5))
    )
    x = torch.from_numpy(valid["x"][0])
    with torch.no_grad():
        for forcing in (5.0, 9.0):
            truth = Rk4Step(Lorenz96Tendency(forcing), DT)(x)
            error = (step(x, torch.full((5,), forcing).double()) - truth).pow(
                2
            ).mean() ** 0.5
            assert error < 0.02 * (truth - x).pow(2).mean() ** 0.5
    assert history.evaluations[-1].length == 4


def test_deep_emulator_uses_its_forcing(data):
    train, valid = data.split(0.8)
    settings = FitSettings(learning_rate=3e-3, schedule="cosine", evaluate_every=40)
    step, history = train_conditional_emulator(
        "deep", train, valid, settings=settings, curriculum=Curriculum((1,), 12)
    )
    x = torch.from_numpy(valid["x"][0]).float()
    with torch.no_grad():
        low, high = (step(x, torch.full((5,), f)) for f in (7.0, 9.0))
    # Within dt = 0.05 two units of forcing add about 0.1 to every site.
    assert float((high - low).mean()) == pytest.approx(0.1, rel=0.3)
    assert history.best < history.evaluations[0].valid_loss


def test_a_step_may_know_several_parameters(data):
    p = torch.stack([torch.from_numpy(data["forcing"]), torch.ones(5).double()], dim=1)
    windows = ForcedWindows(torch.from_numpy(data["x"]), p)
    start, target = windows.batch(torch.arange(7), 3)

    def step(x, forcing, scale):
        return x + DT * (scale.unsqueeze(-1) * forcing.unsqueeze(-1) - x)

    found = ConditionalRollout(step).predict(start, 3)
    assert found.shape == target.shape
    expected = start[0]
    for _ in range(3):
        expected = step(expected, *start[1].unbind(1))
    assert torch.equal(found[-1], expected)


def test_bad_forcing_and_unknown_kind_are_refused(data):
    x = torch.zeros(4, 3, K)
    with pytest.raises(DataError, match=r"'forcing' has shape \[2\], expected \[3\]"):
        ForcedWindows(x, torch.zeros(2))
    with pytest.raises(DataError, match="no variable 'forcing'"):
        ForcedWindows.of(Trajectories({"x": x.double().numpy()}, np.arange(4.0)))
    with pytest.raises(ConfigurationError, match="conditional emulator 'wide'"):
        train_conditional_emulator("wide", data, data)
