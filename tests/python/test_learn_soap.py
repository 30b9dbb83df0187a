# SPDX-License-Identifier: MIT
"""SOAP: what it does to a matrix does not depend on the basis, and narrow valleys end."""

import math

import torch
from torch import nn

from isthmus.learn.soap import Soap

N_STEPS = 60
ROUNDING = 1e-6  # relative, float64: sixty steps, eigenvectors of close eigenvalues
FASTER = 3.0  # 10 times is measured after 300 steps
NARROW, ROUND = 1e3, 3.0  # ratio of the largest to the least deviation of the inputs


def problem(condition, turn=None):
    """Return inputs with narrow directions, targets, and a layer; all turned if asked."""
    torch.manual_seed(2)
    x = torch.randn(400, 8, dtype=torch.float64)
    x = x * torch.logspace(0, -math.log10(condition), 8)
    mix = torch.linalg.qr(torch.randn(8, 8, dtype=torch.float64))[0]
    x = x @ mix
    target = torch.sin(3 * x @ torch.linalg.inv(mix)) / 3
    layer = nn.Linear(8, 8, bias=False).double()
    nn.init.zeros_(layer.weight)
    return (x if turn is None else x @ turn), target, layer


def losses(x, target, layer, optimizer, n_steps=N_STEPS):
    """Return the loss before each step."""
    found = []
    for _ in range(n_steps):
        optimizer.zero_grad()
        loss = (layer(x) - target).square().mean()
        loss.backward()
        optimizer.step()
        found.append(float(loss.detach()))
    return torch.tensor(found)


def test_steps_do_not_depend_on_the_basis_of_the_inputs():
    turn = torch.linalg.qr(torch.randn(8, 8, dtype=torch.float64))[0]
    plain, turned = problem(ROUND), problem(ROUND, turn)
    first = losses(*plain, Soap(plain[2].parameters(), lr=1e-2))
    second = losses(*turned, Soap(turned[2].parameters(), lr=1e-2))
    assert torch.allclose(first, second, rtol=ROUNDING)
    adam = losses(*(p := problem(ROUND)), torch.optim.Adam(p[2].parameters(), lr=1e-2))
    other = losses(
        *(p := problem(ROUND, turn)), torch.optim.Adam(p[2].parameters(), lr=1e-2)
    )
    assert not torch.allclose(adam, other, rtol=1e-3)  # so the test can fail


def test_narrow_directions_are_fitted_sooner_than_by_adam():
    x, target, _ = problem(NARROW)
    left = x @ torch.linalg.lstsq(x, target).solution - target
    least = float(left.square().mean())
    excess = {}
    for kind in (Soap, torch.optim.Adam):
        x, target, layer = problem(NARROW)
        found = losses(x, target, layer, kind(layer.parameters(), lr=3e-2), 300)
        excess[kind] = float(found[-1]) - least
    assert 0 <= excess[Soap] < excess[torch.optim.Adam] / FASTER


def test_weight_decay_shrinks_what_has_no_gradient():
    weights = nn.Parameter(torch.ones(3, 2))
    optimizer = Soap([weights], lr=0.1, weight_decay=0.5)
    for _ in range(3):
        weights.grad = torch.zeros_like(weights)
        optimizer.step()
    assert torch.allclose(weights.detach(), torch.full((3, 2), 0.95**2))
