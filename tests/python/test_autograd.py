# SPDX-License-Identifier: MIT
"""PyTorch's derivatives through the Fortran models against finite differences."""

import pytest
import torch
from torch.autograd import gradcheck
from torch.autograd.forward_ad import dual_level, make_dual, unpack_dual

from isthmus.couple.autograd import (
    fortran_step,
    fortran_tendency,
    fortran_two_level_step,
)
from isthmus.errors import BindingError
from isthmus.models import Lorenz96, TwoLevelLorenz96

N_MEMBERS = 2
ROUNDING = 1e-13  # a few operations in double precision


def random(*shape: int, requires_grad=True, scale=1.0):
    values = scale * torch.randn(*shape, dtype=torch.float64)
    return values.requires_grad_(requires_grad)


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(3)
    torch.set_num_threads(1)


def roll_tendency(x, forcing):
    """Return dx/dt by PyTorch's own operations: the reference for values and gradients."""
    return -x.roll(1, -1) * (x.roll(2, -1) - x.roll(-1, -1)) - x + forcing


def roll_step(x, forcing, dt):
    k1 = roll_tendency(x, forcing)
    k2 = roll_tendency(x + dt / 2 * k1, forcing)
    k3 = roll_tendency(x + dt / 2 * k2, forcing)
    k4 = roll_tendency(x + dt * k3, forcing)
    return x + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


@pytest.mark.parametrize("scheme", ["rk4", "euler"])
@pytest.mark.parametrize("n_steps", [1, 3])
def test_step_passes_gradcheck_in_both_modes(scheme, n_steps):
    step = fortran_step(Lorenz96(n_sites=7, scheme=scheme), 0.05, n_steps=n_steps)
    inputs = (
        random(N_MEMBERS, 7, scale=3.0),
        random(N_MEMBERS, 7),
        torch.tensor(8.0, dtype=torch.float64, requires_grad=True),
    )
    assert gradcheck(step, inputs, check_forward_ad=True, check_batched_grad=False)


def test_tendency_passes_gradcheck_in_both_modes():
    tendency = fortran_tendency(Lorenz96(n_sites=6))
    forcing = random(N_MEMBERS)
    x = random(N_MEMBERS, 6, scale=3.0)
    assert gradcheck(tendency, (x, forcing), check_forward_ad=True)


@pytest.mark.parametrize("wrap", ["ring", "sites"])
@pytest.mark.parametrize("coupling", ["mean", "sum"])
def test_two_level_step_passes_gradcheck_in_both_modes(wrap, coupling):
    model = TwoLevelLorenz96(n_sites=4, n_fast=4, wrap=wrap, coupling=coupling)
    step = fortran_two_level_step(model, 0.002, n_steps=2)
    coefficients = torch.tensor([10.0, 1.0, 10.0, 10.0], dtype=torch.float64)
    inputs = (
        random(N_MEMBERS, 4, scale=3.0),
        random(N_MEMBERS, 16, scale=0.3),
        random(N_MEMBERS, 4),
        coefficients.requires_grad_(),
    )
    assert gradcheck(step, inputs, check_forward_ad=True)


def test_values_and_gradients_equal_those_of_the_model_in_pytorch():
    n_steps, dt = 20, 0.05
    step = fortran_step(Lorenz96(), dt)
    x = random(N_MEMBERS, 40, scale=3.0)
    target = random(N_MEMBERS, 40, requires_grad=False)
    forcing = torch.tensor(8.0, dtype=torch.float64, requires_grad=True)
    gradients = []
    for one_step in (lambda y: step(y, None, forcing), lambda y: roll_step(y, forcing, dt)):
        y = x
        for _ in range(n_steps):
            y = one_step(y)
        loss = ((y - target) ** 2).sum()
        gradients.append((y.detach(), *torch.autograd.grad(loss, (x, forcing))))
    for ours, reference in zip(*gradients, strict=True):
        error = (ours - reference).norm() / reference.norm()
        assert error < 1e-11  # rounding, grown along 20 steps of a chaotic model


def test_added_tendency_gets_the_gradient_of_a_closure_in_the_loop():
    step = fortran_step(Lorenz96(n_sites=8), 0.05)
    slope = torch.tensor(-0.3, dtype=torch.float64, requires_grad=True)
    x = random(N_MEMBERS, 8, requires_grad=False, scale=3.0)

    def loss_of(slope):
        y = x
        for _ in range(4):
            y = step(y, slope * y)
        return (y**2).mean()

    assert gradcheck(loss_of, (slope,))


def test_forcing_per_member_equals_one_model_per_member():
    x = random(2, 40, requires_grad=False)
    forcing = torch.tensor([6.0, 9.0], dtype=torch.float64)
    together = fortran_step(Lorenz96(), 0.05)(x, None, forcing)
    for m, value in enumerate(forcing.tolist()):
        alone = fortran_step(Lorenz96(forcing=value), 0.05)(x[m : m + 1])
        assert torch.equal(together[m], alone[0])


def test_forward_mode_equals_transposed_reverse_mode():
    step = fortran_step(Lorenz96(), 0.05, n_steps=10)
    x, direction, result = (random(N_MEMBERS, 40, requires_grad=False) for _ in range(3))
    with dual_level():
        change = unpack_dual(step(make_dual(x, direction))).tangent
    leaf = x.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(step(leaf), leaf, result)
    forward, backward = (change * result).sum(), (gradient * direction).sum()
    assert abs(forward - backward) < ROUNDING * change.norm() * result.norm()


def test_inputs_are_not_changed_and_transposed_tensors_are_read_in_order():
    step = fortran_step(Lorenz96(n_sites=5), 0.05)
    x = random(3, 5, requires_grad=False)
    before = x.clone()
    reference = step(x)
    assert torch.equal(x, before)
    assert torch.equal(step(x.t().contiguous().t()), reference)


@pytest.mark.parametrize(
    ("x", "b", "words"),
    [
        (torch.zeros(2, 5), None, "'x' has dtype torch.float32"),
        (torch.zeros(2, 6, dtype=torch.float64), None, r"'x' has shape \[2, 6\]"),
        (torch.zeros(5, dtype=torch.float64), None, r"'x' has shape \[5\]"),
        (
            torch.zeros(2, 5, dtype=torch.float64),
            torch.zeros(1, 5, dtype=torch.float64),
            r"'b' has shape \[1, 5\], expected \[2, 5\]",
        ),
        (torch.zeros(2, 5, dtype=torch.float64, device="meta"), None, "'x' is on meta"),
    ],
)
def test_a_tensor_that_does_not_fit_is_named(x, b, words):
    with pytest.raises(BindingError, match=words):
        fortran_step(Lorenz96(n_sites=5), 0.05)(x, b)


def test_second_derivatives_are_refused():
    step = fortran_step(Lorenz96(n_sites=5), 0.05)
    x = random(1, 5)
    (gradient,) = torch.autograd.grad((step(x) ** 2).sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        gradient.sum().backward()
