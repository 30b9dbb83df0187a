# SPDX-License-Identifier: MIT
"""Networks in less than double precision: what is rounded, and what stays exact."""

import numpy as np
import pytest
import torch

from isthmus.bridge import Model
from isthmus.errors import ConfigurationError, ExportError
from isthmus.export import export_network
from isthmus.nets import KINDS, LocalClosure, in_precision
from isthmus.nets.chemistry import ChemistryStep

# Rounding of three layers, relative to the largest answer: some units in the last place of
# the kind. Weights of 8 bits are known to 1/127 of the largest of a row. Torch's kernels
# read 7 bits of the range beside that, and later layers may double what the first did.
UNITS = {
    "float64": 0.0,
    "float32": 1e-6,
    "bfloat16": 4e-2,
    "float16": 5e-3,
    "int8 weights": 3 / 127,
    "int8": 2 * 3 * 2 / 127,
}
PARITY = 1e-5  # float32 sums of kernels for other sizes
EXACT = 1e-13  # totals of species ten orders of magnitude apart


@pytest.fixture
def closure():
    torch.manual_seed(2)
    return LocalClosure(activation_name="silu").double().eval()


@pytest.fixture
def x():
    return 5.0 * torch.randn(7, 12, dtype=torch.float64)


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_the_network_to_its_rounding(closure, x, kind):
    with torch.no_grad():
        expected, found = closure(x), in_precision(closure, kind)(x)
    assert found.dtype == torch.float64
    error = float((found - expected).abs().max() / expected.abs().max())
    assert error <= UNITS[kind]
    assert (error > 0.0) == (kind != "float64")
    assert next(closure.parameters()).dtype == torch.float64  # stays as it was


@pytest.mark.parametrize("kind", ["bfloat16", "int8 weights", "int8"])
def test_elements_are_kept_whatever_the_network_is_rounded_to(kind):
    torch.manual_seed(4)
    invariants = np.array([[1.0, 1.0, 2.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0, 1.0]])
    step = ChemistryStep(invariants, np.full(5, 1e-3), dt=1.0)
    torch.nn.init.normal_(step.linear.weight, std=0.1)
    y = 10.0 ** torch.empty(9, 5, dtype=torch.float64).uniform_(-5, 5)
    with torch.no_grad():
        lowered = in_precision(step, kind, "net")
        after = lowered(y, y[:, :0])
        moved = step.double()(y, y[:, :0])
    totals = torch.from_numpy(invariants).T
    assert float((after @ totals / (y @ totals) - 1.0).abs().max()) < EXACT
    assert float(after.min()) >= 0.0
    assert not torch.equal(after, moved)


def test_int8_couples_the_samples_of_a_call(closure, x, tmp_path):
    """The range that 8 bits stand for is that of the whole call: no column is alone."""
    lowered = in_precision(closure, "int8")
    with torch.no_grad():
        alone, beside = lowered(x[:1]), lowered(torch.cat([x[:1], 100.0 * x[1:]]))[:1]
    assert float((alone - beside).abs().max()) > 1e-2 * float(alone.abs().max())
    given = {"inputs": {"x": x}, "outputs": ["b"], "dynamic": {"member": 0}}
    given |= {"derivatives": False, "tolerance": PARITY}
    with pytest.raises(ExportError, match="member"):
        export_network(lowered, tmp_path / "a.pt", separable="member", **given)
    export_network(lowered, tmp_path / "b.pt", **given)
    found = Model(tmp_path / "b.pt")(x=x.numpy())["b"]
    assert found == pytest.approx(lowered(x).detach().numpy(), rel=PARITY, abs=PARITY)


def test_weights_in_8_bits_are_8_bits_in_the_file(tmp_path):
    torch.manual_seed(0)
    net = LocalClosure(width=128).double().eval()
    x = torch.randn(3, 8, dtype=torch.float64)
    size = {}
    for kind in ("float64", "int8 weights"):
        path = tmp_path / f"{kind[:4]}.pt"
        given = {"outputs": ["b"], "dynamic": {"member": 0}, "derivatives": False}
        export_network(
            in_precision(net, kind), path, inputs={"x": x}, tolerance=PARITY, **given
        )
        size[kind] = path.stat().st_size
    n_weights = sum(p.numel() for p in net.parameters())
    assert size["float64"] - size["int8 weights"] > 6 * n_weights


def test_what_cannot_be_lowered_is_refused(closure):
    with pytest.raises(ConfigurationError, match="precision 'int4', expected one of"):
        in_precision(closure, "int4")
    with pytest.raises(ConfigurationError, match="Tanh has no linear layer for 'int8'"):
        in_precision(torch.nn.Tanh(), "int8")


def test_a_lowered_part_keeps_its_precision_when_the_whole_is_converted():
    """Export converts whole modules to double: what was lowered stays as it was."""
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 2))
    x = torch.randn(5, 3, dtype=torch.float64)
    for kind in ("float32", "bfloat16"):
        lowered = in_precision(net, kind, "0")
        expected = lowered(x)
        assert torch.equal(lowered.float().double()(x), expected)
        assert next(lowered[0].parameters()).dtype is not torch.float64
