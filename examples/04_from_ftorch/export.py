# SPDX-License-Identifier: MIT
"""Make the network of this example as FTorch's users do: plain PyTorch, TorchScript."""

import warnings

import torch
from torch import Tensor, nn


class Scheme(nn.Module):
    """Ten numbers in, ten out, for any number of columns."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(10, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 10)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Evaluate `x` [column, variable]."""
        return self.layers(x)


warnings.simplefilter("ignore")  # torch calls TorchScript deprecated
torch.manual_seed(1)
torch.jit.script(Scheme().eval()).save("scheme.pt")
