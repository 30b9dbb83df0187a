# SPDX-License-Identifier: MIT
"""What cannot be compiled is refused by two sentences and torch's own words."""

import pytest
import torch
from torch import Tensor, nn

from isthmus.errors import ExportError
from isthmus.export import export_network
from isthmus.export.reasons import reason_of


class _Branch(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return 2 * x if x.sum() > 0 else -x


class _Printing(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.from_numpy(x.numpy() + 1.0) + 0 * x


@pytest.mark.parametrize(
    ("module", "said"),
    [
        (_Branch(), "lets Python decide by a tensor's value.*torch.where"),
        (_Printing(), "besides computing with tensors.*Take that out"),
    ],
)
def test_a_network_that_is_no_graph_is_explained(tmp_path, module, said):
    path = tmp_path / "net.pt2"
    with pytest.raises(ExportError, match=said) as caught:
        export_network(
            module.eval(),
            path,
            inputs={"x": torch.ones(4, 3)},
            outputs=["y"],
            dynamic={"n": 0},
            derivatives=False,
        )
    assert "PyTorch says: " in str(caught.value)
    assert not path.exists()


class _Complex(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.fft.rfft(x)


@pytest.mark.parametrize(
    ("module", "said"),
    [
        (_Printing(), "neither script nor trace.*calls NumPy.*Take that out"),
        (_Complex(), "'y' is torch.complex64.*by torch.view_as_complex"),
        (
            nn.Linear(3, 3).to(torch.bfloat16),
            "weights are bfloat16, the inputs float32: give inputs of the weights' type",
        ),
    ],
)
def test_what_torchscript_cannot_hold_is_explained(tmp_path, module, said):
    path = tmp_path / "net.pt"
    with pytest.raises(ExportError, match=said):
        export_network(
            module.eval(),
            path,
            inputs={"x": torch.ones(4, 3)},
            outputs=["y"],
            dynamic={"n": 0},
        )
    assert not path.exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Could not guard on data-dependent expression u0 > 0", "by a tensor's value"),
        ("Constraints violated (n)! 3 was specialized", "fixed by the network's code"),
        ("aten.nonzero: dynamic output shape", "size of a result depends on values"),
        ("Unsupported operator: my::op", "no rule for export"),
        ("the derivative for 'foo' is not implemented", "no rule for export"),
        ("something never seen", "cannot turn the network into a graph"),
    ],
)
def test_typical_failures_are_told_apart(text, said):
    assert said in reason_of(RuntimeError(text))
    assert text.rstrip(".") in reason_of(RuntimeError(text))
