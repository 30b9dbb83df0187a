# SPDX-License-Identifier: MIT
"""Rollouts, losses and samples: what is predicted, what is punished, what flows back."""

import numpy as np
import pytest
import torch

from isthmus.data import Trajectories
from isthmus.errors import ConfigurationError, DataError
from isthmus.learn import Curriculum, FitSettings, Pairs, Rollout, RolloutLoss, Windows
from isthmus.learn.lorenz96 import train_closure, train_emulator
from isthmus.learn.simulators import simulate_two_level
from isthmus.nets import (
    BilinearNet,
    LocalClosure,
    Lorenz96Tendency,
    ResolvedStep,
    Rk4Step,
    StencilClosure,
)

DT, F, K = 0.05, 8.0, 12


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)
    torch.manual_seed(4)


@pytest.fixture
def x():
    return 3.0 * torch.randn(5, K, dtype=torch.float64)


@pytest.fixture(scope="module")
def two_level():
    return simulate_two_level(120, dt=0.01, n_sites=K, n_members=2, spin_up=3.0)


def test_rollout_feeds_the_step_its_own_output(x):
    step = Rk4Step(BilinearNet.analytic(F), DT)
    states = Rollout(step).predict(x, 3)
    assert torch.equal(states, torch.stack([step(x), step(step(x)), step(step(step(x)))]))


@pytest.mark.parametrize("leads", ["all", "last"])
@pytest.mark.parametrize("growth", [1.0, 1.2])
def test_gradient_of_a_rollout_loss_is_that_of_finite_differences(x, leads, growth):
    rollout = Rollout(
        resolved=Lorenz96Tendency(F), closure=StencilClosure().double(), dt=DT
    )
    rollout.closure.layers[1] = torch.nn.SiLU()  # no kinks under the differences
    rollout.closure.layers[3] = torch.nn.SiLU()
    target = torch.randn(4, 5, K, dtype=torch.float64)
    loss = RolloutLoss(leads=leads, growth=growth, scale=3.0)

    def value():
        return loss(rollout.predict(x, 4), target)

    parameters = list(rollout.closure.parameters())
    gradient = torch.autograd.grad(value(), parameters)
    direction = [torch.randn_like(p) for p in parameters]
    slope = sum(float((g * d).sum()) for g, d in zip(gradient, direction, strict=True))
    h = 1e-5

    def moved(amount):
        with torch.no_grad():
            for p, d in zip(parameters, direction, strict=True):
                p += amount * d
            result = float(value())
            for p, d in zip(parameters, direction, strict=True):
                p -= amount * d
        return result

    # Central differences of a smooth function: error h^2 plus rounding / h.
    assert (moved(h) - moved(-h)) / (2 * h) == pytest.approx(slope, rel=1e-7)


def test_loss_over_all_leads_is_their_mean():
    predicted = torch.tensor([1.0, 2.0]).reshape(2, 1, 1)
    target = torch.zeros(2, 1, 1)
    assert float(RolloutLoss()(predicted, target)) == pytest.approx((1 + 4) / 2)
    assert float(RolloutLoss(leads="last")(predicted, target)) == pytest.approx(4)
    assert float(RolloutLoss(scale=2.0)(predicted, target)) == pytest.approx(5 / 8)
    weighted = (1 + 4 * 0.25) / 1.25
    assert float(RolloutLoss(growth=2.0)(predicted, target)) == pytest.approx(weighted)


def test_detaching_every_step_leaves_values_and_cuts_gradients(x):
    step = Rk4Step(BilinearNet(), DT).double()
    whole, cut = Rollout(step), Rollout(step, detach_every=1)
    assert torch.equal(whole.predict(x, 4), cut.predict(x, 4))
    start = x.clone().requires_grad_()
    (through,) = torch.autograd.grad(whole.predict(start, 4)[-1].sum(), start)
    assert through.abs().max() > 0
    weight = step.tendency.product_weight
    (short,) = torch.autograd.grad(cut.predict(start, 4)[-1].sum(), weight)
    before_last = whole.predict(x, 3)[-1].detach()
    (expected,) = torch.autograd.grad(step(before_last).sum(), weight)
    assert torch.equal(short, expected)


def test_noise_is_added_in_training_only(x):
    rollout = Rollout(Rk4Step(BilinearNet.analytic(F), DT), noise=0.5)
    exact = rollout.step(x)
    assert not torch.allclose(rollout.train().predict(x, 1)[0], exact)
    assert torch.equal(rollout.eval().predict(x, 1)[0], exact)


def test_resolved_tendency_and_resolved_step_are_the_same_model(x):
    closure = LocalClosure().double()
    by_tendency = Rollout(resolved=Lorenz96Tendency(F), closure=closure, dt=DT)
    by_step = Rollout(resolved=ResolvedStep(Lorenz96Tendency(F), DT), closure=closure)
    coupled = Rk4Step(Lorenz96Tendency(F), DT, closure)
    assert torch.equal(by_tendency(x), by_step(x))
    assert torch.equal(by_tendency(x), coupled(x))


def test_resolved_network_is_frozen_and_passes_gradients(x):
    emulator = BilinearNet().double()
    rollout = Rollout(resolved=emulator, closure=LocalClosure().double(), dt=DT)
    trained = [name for name, p in rollout.named_parameters() if p.requires_grad]
    assert trained
    assert all(name.startswith("closure.") for name in trained)
    rollout.predict(x, 3)[-1].sum().backward()
    assert all(p.grad is None for p in emulator.parameters())


class ForeignStep(torch.autograd.Function):
    """A step torch cannot see into, with its adjoint: as the Fortran model is to torch."""

    twin = ResolvedStep(Lorenz96Tendency(10.0), 0.01)

    @staticmethod
    def forward(ctx, x, b) -> torch.Tensor:
        """Step without a graph."""
        ctx.save_for_backward(x, b)
        with torch.no_grad():
            return ForeignStep.twin(x, b)

    @staticmethod
    def backward(ctx, cotangent) -> tuple[torch.Tensor, ...]:
        """Apply the adjoint of the step."""
        _, pull = torch.func.vjp(ForeignStep.twin, *ctx.saved_tensors)
        return pull(cotangent)


def test_training_through_a_foreign_step_equals_training_through_its_twin(two_level):
    train, valid = two_level.split(0.7)
    settings = FitSettings(dtype="float64", evaluate_every=3, seed=8)
    common = {"n_steps": 5, "settings": settings, "curriculum": Curriculum((5,), 2)}
    by_torch, history = train_closure(
        "rollout", train, valid, resolved=Lorenz96Tendency(10.0), **common
    )
    foreign, other = train_closure(
        "rollout", train, valid, resolved=ForeignStep.apply, **common
    )
    assert other.best == pytest.approx(history.best, rel=1e-10)
    for p, q in zip(by_torch.parameters(), foreign.parameters(), strict=True):
        assert torch.allclose(p, q, rtol=1e-6, atol=1e-9)


def test_offline_closure_explains_the_coupling(two_level):
    train, valid = two_level.split(0.7)
    settings = FitSettings(learning_rate=1e-2, schedule="cosine", evaluate_every=10)
    closure, history = train_closure(
        "offline", train, valid, settings=settings, curriculum=Curriculum((1,), 60)
    )
    variance = float(np.var(valid["coupling"]))
    assert history.best < 0.5 * variance
    assert closure(torch.zeros(3, K)).shape == (3, K)


def test_offline_and_rollout_start_from_the_same_weights(two_level):
    train, valid = two_level.split(0.7)
    settings = FitSettings(learning_rate=1e-12, evaluate_every=50, dtype="float64")
    once = {"settings": settings, "curriculum": Curriculum((1,), 1)}
    offline, _ = train_closure("offline", train, valid, **once)
    rollout, _ = train_closure(
        "rollout", train, valid, resolved=Lorenz96Tendency(10.0), **once
    )
    for p, q in zip(offline.parameters(), rollout.parameters(), strict=True):
        assert torch.allclose(p, q, rtol=0, atol=1e-9)  # they moved by 1e-10 per batch


def test_two_level_data_obey_their_coupling(two_level):
    n_fast = two_level["z"].shape[-1] // K
    mean = two_level["z"].reshape(121, 2, K, n_fast).mean(-1)
    np.testing.assert_allclose(two_level["coupling"], -10.0 * mean, rtol=1e-13)


def test_unknown_names_are_refused(two_level):
    train, valid = two_level.split(0.5)
    with pytest.raises(ConfigurationError, match="emulator 'shallow', expected one of"):
        train_emulator("shallow", train, valid)
    with pytest.raises(ConfigurationError, match="closure 'global', expected one of local"):
        train_closure("offline", train, valid, kind="global")
    with pytest.raises(ConfigurationError, match="closure method 'guess', expected one of"):
        train_closure("guess", train, valid)
    with pytest.raises(ConfigurationError, match="needs a resolved model"):
        train_closure("rollout", train, valid)


def test_windows_are_consecutive_states_of_one_member():
    times, members = torch.meshgrid(torch.arange(7.0), torch.arange(3.0), indexing="ij")
    data = (100 * members + times).unsqueeze(-1).expand(7, 3, 2).contiguous()
    windows = Windows(data)
    assert windows.count(4) == 3 * 3
    first, target = windows.batch(torch.arange(9), 4)
    for i in range(9):
        for lead in range(4):
            assert float(target[lead, i, 0]) == float(first[i, 0]) + lead + 1
    assert sorted({float(v) for v in first[:, 0]}) == [
        0,
        1,
        2,
        100,
        101,
        102,
        200,
        201,
        202,
    ]


def test_what_acts_beside_the_state_acts_in_each_step():
    drive = torch.randn(9, 2, 3, dtype=torch.float64)
    x = torch.cat([torch.zeros(1, 2, 3), drive[:-1].cumsum(0)]).double()
    windows = Windows(x, drive, stride=2)
    start, target = windows.batch(torch.arange(windows.count(4)), 4)
    assert windows.count(4) == 3 * 2  # starts 0, 2 and 4 of two members
    predicted = Rollout(lambda x, b: x + b).predict(start, 4)
    assert torch.allclose(predicted, target, rtol=0, atol=1e-14)
    single = windows.to(torch.float32)
    assert (single.x.dtype, single.beside.dtype) == (torch.float32, torch.float32)
    assert windows.x.dtype == torch.float64
    with pytest.raises(DataError, match=r"expected \[9, 2, n\]"):
        Windows(x, drive[1:])


def test_windows_take_the_x_of_trajectories():
    x = np.random.default_rng(0).standard_normal((4, 2, 3))
    assert torch.equal(
        Windows(Trajectories({"x": x}, np.arange(4.0))).x, torch.from_numpy(x)
    )


def test_bad_samples_are_refused():
    good = torch.zeros(4, 2, 3)
    with pytest.raises(DataError, match=r"expected real \[time, member, k\]"):
        Windows(good[0])
    with pytest.raises(DataError, match="not finite"):
        Windows(good / 0)
    with pytest.raises(
        DataError, match=r"'coupling' has shape \[3, 2, 3\], expected \[4, 2, 3\]"
    ):
        Pairs(good, good[1:])
    with pytest.raises(DataError, match="no variable 'coupling'"):
        Pairs(Trajectories({"x": good.numpy()}, np.arange(4.0)))


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {
            "step": torch.nn.Identity(),
            "resolved": Lorenz96Tendency(F),
            "closure": LocalClosure(),
        },
        {"resolved": Lorenz96Tendency(F)},
        {"step": torch.nn.Identity(), "detach_every": 0},
        {"step": torch.nn.Identity(), "noise": -1.0},
    ],
)
def test_rollouts_that_make_no_sense_are_refused(arguments):
    with pytest.raises(ConfigurationError):
        Rollout(**arguments)
