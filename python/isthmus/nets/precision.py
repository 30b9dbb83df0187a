# SPDX-License-Identifier: MIT
"""A network in single precision inside a model in double precision."""

import torch
from torch import Tensor, nn


class InSinglePrecision(nn.Module):
    """Evaluate a network in float32, whatever the precision of its input and output.

    The state of a double-precision model keeps its digits; only the tendency is rounded.
    The conversion is in the network's own file, so that nobody has to ask for it.
    """

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net.float()

    def forward(self, x: Tensor) -> Tensor:
        """Return the network's answer [member, k] in the precision of `x` [member, k]."""
        return self.net(x.to(torch.float32)).to(x.dtype)
