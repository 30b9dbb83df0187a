# SPDX-License-Identifier: MIT
"""Networks on a periodic ring of sites, all translation equivariant.

A network maps the state `x` [member, k] to a tendency [member, k]. Those that know the
forcing take it as a second argument [member]. Ends are joined by `torch.cat`: circular
padding breaks the export of forward-mode derivatives.

Architectures: after the Lorenz-96 emulators of Nonnenmacher and Greenberg (2021,
doi:10.1029/2021MS002554), rewritten from their description.
"""

from typing import Final

import torch
from torch import Tensor, nn


def join_ends(x: Tensor, left: int, right: int) -> Tensor:
    """Extend a ring `x` [..., k] by its own far ends: [..., left + k + right]."""
    k = x.shape[-1]
    parts = [x]
    if left > 0:
        parts = [x[..., k - left :], x]
    if right > 0:
        parts.append(x[..., :right])
    return torch.cat(parts, dim=-1)


class RingConv(nn.Module):
    """A convolution on the ring: output site k sees sites k-left .. k+right.

    Parameters
    ----------
    n_in, n_out : int
        Channels.
    left, right : int
        Reach to either side; the kernel has left + 1 + right taps.
    """

    def __init__(self, n_in: int, n_out: int, *, left: int = 0, right: int = 0) -> None:
        super().__init__()
        self.left = left
        self.right = right
        self.conv = nn.Conv1d(n_in, n_out, left + 1 + right)

    def forward(self, x: Tensor) -> Tensor:
        """Convolve `x` [member, channel, k]."""
        return self.conv(join_ends(x, self.left, self.right))


class BilinearNet(nn.Module):
    """The 19-weight network that multiplies as Lorenz-96 does.

    Three linear stencils of sites k-2..k+1; the first two are multiplied, the third passes;
    a pointwise sum of both gives the tendency.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stencils = RingConv(1, 3, left=2, right=1)
        self.combine = nn.Conv1d(2, 1, 1)
        self.product_weight = nn.Parameter(torch.ones(1))

    def forward(self, x: Tensor) -> Tensor:
        """Return the tendency [member, k] at the state `x` [member, k]."""
        s = self.stencils(x.unsqueeze(1))
        product = self.product_weight * s[:, 0:1] * s[:, 1:2]
        return self.combine(torch.cat([product, s[:, 2:3]], dim=1)).squeeze(1)

    @classmethod
    def analytic(
        cls, forcing: float, *, dtype: torch.dtype = torch.float64
    ) -> "BilinearNet":
        """Return the weights for which the network is the Lorenz-96 tendency."""
        net = cls().to(dtype)
        taps = [[0.0, 1.0, 0.0, 0.0], [-1.0, 0.0, 0.0, 1.0], [0.0, 0.0, 1.0, 0.0]]
        set_weights(net.stencils.conv, taps, [0.0, 0.0, 0.0])
        set_weights(net.combine, [[1.0], [-1.0]], [forcing])
        return net


class SquareNet(nn.Module):
    """The minimal network: linear stencils, squares, a pointwise sum with `x` itself."""

    def __init__(self) -> None:
        super().__init__()
        self.stencils = RingConv(1, 3, left=2, right=1)
        self.combine = nn.Conv1d(4, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return the tendency [member, k] at the state `x` [member, k]."""
        ring = x.unsqueeze(1)
        s = self.stencils(ring)
        return self.combine(torch.cat([s * s, ring], dim=1)).squeeze(1)

    @classmethod
    def analytic(cls, forcing: float, *, dtype: torch.dtype = torch.float64) -> "SquareNet":
        """Return the weights for which the network is the Lorenz-96 tendency.

        A product is a difference of squares: a b = ((a + b)^2 - a^2 - b^2) / 2.
        """
        net = cls().to(dtype)
        taps = [[0.0, 1.0, 0.0, 0.0], [-1.0, 0.0, 0.0, 1.0], [-1.0, 1.0, 0.0, 1.0]]
        set_weights(net.stencils.conv, taps, [0.0, 0.0, 0.0])
        set_weights(net.combine, [[-0.5], [-0.5], [0.5], [-1.0]], [forcing])
        return net


def set_weights(conv: nn.Conv1d, weight: list[list[float]], bias: list[float]) -> None:
    """Set weights: `weight` is [out, tap] for one input channel, else [in, out=1]."""
    values = torch.tensor(weight, dtype=torch.float64)
    with torch.no_grad():
        conv.weight.copy_(values.reshape(conv.weight.shape))
        assert conv.bias is not None
        conv.bias.copy_(torch.tensor(bias, dtype=torch.float64))


ACTIVATIONS: Final = {
    "relu": nn.ReLU,
    "silu": nn.SiLU,
    "hardswish": nn.Hardswish,  # silu of three straight and curved pieces: no exponential
    "gelu": nn.GELU,
    "tanh": nn.Tanh,
}


def activation(name: str) -> nn.Module:
    """Return an activation by name.

    Raises
    ------
    ValueError
        If the name is unknown.
    """
    if name not in ACTIVATIONS:
        raise ValueError(f"activation '{name}', expected one of {', '.join(ACTIVATIONS)}")
    return ACTIVATIONS[name]()
