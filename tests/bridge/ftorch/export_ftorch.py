# SPDX-License-Identifier: MIT
"""Write the networks of the tests of module ftorch: export_ftorch.py FOLDER."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import torch
from torch import Tensor, nn


class Doubling(nn.Module):
    """y = W x with W twice the identity, 5 by 5: what FTorch's examples start with."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(5, 5, bias=False)
        with torch.no_grad():
            self.linear.weight.copy_(2.0 * torch.eye(5))

    def forward(self, x: Tensor) -> Tensor:
        """Double."""
        return self.linear(x)


class Indexing(nn.Module):
    """Tells torch's index of each element: 10 i + j, added to x."""

    def forward(self, x: Tensor) -> Tensor:
        """Add the indices, counted from 1."""
        i = torch.arange(1, x.shape[0] + 1, dtype=x.dtype)
        j = torch.arange(1, x.shape[1] + 1, dtype=x.dtype)
        return x + 10 * i[:, None] + j[None, :]


class Pair(nn.Module):
    """Two inputs, two outputs."""

    def forward(self, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        """Sum and product."""
        return a + b, a * b


class Dropping(nn.Module):
    """Drops everything in training mode, nothing in evaluation mode."""

    def __init__(self) -> None:
        super().__init__()
        self.drop = nn.Dropout(1.0)

    def forward(self, x: Tensor) -> Tensor:
        """Drop."""
        return self.drop(x)


class Single(nn.Module):
    """Returns one row, whatever the number of rows that came in."""

    def forward(self, x: Tensor) -> Tensor:
        """Mean over rows, kept as a dimension."""
        return x.mean(dim=0, keepdim=True)


class Halving(nn.Module):
    """Returns another element type than it was given."""

    def forward(self, x: Tensor) -> Tensor:
        """Half precision."""
        return x.half()


class Nesting(nn.Module):
    """Returns a tensor and a pair of tensors."""

    def forward(self, x: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Once, twice and three times x."""
        return x, (2 * x, 3 * x)


class Total(nn.Module):
    """Returns a tensor of rank 0."""

    def forward(self, x: Tensor) -> Tensor:
        """Sum of all."""
        return x.sum()


def main() -> None:
    """Write every network as TorchScript."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    warnings.simplefilter("ignore")  # torch calls TorchScript deprecated
    kinds = [Doubling, Indexing, Pair, Dropping, Single, Halving, Nesting, Total]
    for kind in kinds:
        path = folder / f"{kind.__name__.lower()}.pt"
        torch.jit.script(kind().eval()).save(str(path))


if __name__ == "__main__":
    main()
