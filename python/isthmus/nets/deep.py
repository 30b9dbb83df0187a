# SPDX-License-Identifier: MIT
"""The deep convolutional emulators: limited reach, then a deep pointwise rest.

A tendency of Lorenz-96 sees sites k-2..k+1, so two width-3 convolutions (k-2..k+2) suffice
and all other layers act at one site. Pointwise layers are matrix products with channels
last: three times faster on a CPU than 1x1 convolutions, and the same weights.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from .ring import activation


class StencilLinear(nn.Module):
    """A ring convolution on channels-last data, as one matrix product."""

    def __init__(self, n_in: int, n_out: int, reach: int) -> None:
        super().__init__()
        self.reach = reach
        self.linear = nn.Linear((2 * reach + 1) * n_in, n_out)

    def forward(self, x: Tensor) -> Tensor:
        """Convolve `x` [member, k, channel]."""
        k = x.shape[1]
        ring = torch.cat([x[:, k - self.reach :], x, x[:, : self.reach]], dim=1)
        taps = [ring[:, i : i + k] for i in range(2 * self.reach + 1)]
        return self.linear(torch.cat(taps, dim=-1))


class Normalization(nn.Module):
    """Scale the state on its way in and the tendency on its way out, by fixed numbers."""

    mean: Tensor
    sd: Tensor
    tendency_scale: Tensor

    def __init__(
        self, mean: float = 0.0, sd: float = 1.0, tendency_scale: float = 1.0
    ) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(float(mean), dtype=torch.float64))
        self.register_buffer("sd", torch.tensor(float(sd), dtype=torch.float64))
        scale = torch.tensor(float(tendency_scale), dtype=torch.float64)
        self.register_buffer("tendency_scale", scale)

    def forward(self, x: Tensor) -> Tensor:
        """Return the normalized state."""
        return (x - self.mean) / self.sd

    def out(self, tendency: Tensor) -> Tensor:
        """Return the tendency in the model's units."""
        return tendency * self.tendency_scale


class ConvNet(nn.Module):
    """The deep network of 43,201 weights ("deepNet"): reach 2, then pointwise.

    Layers: 3-wide 1->16; pointwise 16->32->32->32; 3-wide 32->32; pointwise
    32->128->128->128; pointwise 128->1.

    Parameters
    ----------
    activation_name : str
        The published network has "relu"; "silu" has a smooth Jacobian.
    is_conditional : bool
        Whether the forcing [member] is a second argument, seen as a second channel.
    normalization : Normalization, optional
        Fixed scales; without it the network sees the state in its own units.
    """

    def __init__(
        self,
        activation_name: str = "relu",
        *,
        is_conditional: bool = False,
        normalization: Normalization | None = None,
    ) -> None:
        super().__init__()
        self.normalization = normalization if normalization is not None else Normalization()
        n_in = 2 if is_conditional else 1
        self.layers = nn.Sequential(
            StencilLinear(n_in, 16, 1),
            activation(activation_name),
            *_pointwise(16, (32, 32, 32), activation_name),
            StencilLinear(32, 32, 1),
            activation(activation_name),
            *_pointwise(32, (128, 128, 128), activation_name),
            nn.Linear(128, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return the tendency [member, k] at `x` [member, k]."""
        y = self.layers(self.normalization(x).unsqueeze(-1))
        return self.normalization.out(y.squeeze(-1))


class ConditionalConvNet(ConvNet):
    """`ConvNet` that knows the forcing: a second channel, constant on the ring."""

    def __init__(
        self,
        activation_name: str = "relu",
        *,
        normalization: Normalization | None = None,
    ) -> None:
        super().__init__(activation_name, is_conditional=True, normalization=normalization)

    def forward(self, x: Tensor, forcing: Tensor) -> Tensor:  # type: ignore[override]
        """Return the tendency [member, k] at `x` [member, k] under `forcing` [member]."""
        channel = forcing.unsqueeze(-1).expand_as(x)
        y = self.layers(torch.stack([self.normalization(x), channel], dim=-1))
        return self.normalization.out(y.squeeze(-1))


class ResidualBlock(nn.Module):
    """Pointwise two-layer block with a skip; it does not widen the receptive field."""

    def __init__(self, width: int, activation_name: str) -> None:
        super().__init__()
        self.first = nn.Linear(width, width)
        self.second = nn.Linear(width, width)
        self.activation = activation(activation_name)

    def forward(self, x: Tensor) -> Tensor:
        """Return `x` [member, k, channel] plus the block's correction."""
        return x + self.second(self.activation(self.first(x)))


class ResidualConvNet(nn.Module):
    """A ResNet on the ring: one stencil of limited reach, then pointwise residual blocks.

    Parameters
    ----------
    reach : int
        The tendency at k sees sites k-reach..k+reach, whatever the depth.
    width, n_blocks : int
        Channels and number of residual blocks.
    """

    def __init__(
        self,
        reach: int = 2,
        width: int = 64,
        n_blocks: int = 3,
        activation_name: str = "silu",
        *,
        normalization: Normalization | None = None,
    ) -> None:
        super().__init__()
        self.normalization = normalization if normalization is not None else Normalization()
        self.lift = StencilLinear(1, width, reach)
        self.blocks = nn.Sequential(
            *(ResidualBlock(width, activation_name) for _ in range(n_blocks))
        )
        self.activation = activation(activation_name)
        self.head = nn.Linear(width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return the tendency [member, k] at `x` [member, k]."""
        y = self.blocks(self.lift(self.normalization(x).unsqueeze(-1)))
        return self.normalization.out(self.head(self.activation(y)).squeeze(-1))


def _pointwise(n_in: int, widths: Sequence[int], activation_name: str) -> list[nn.Module]:
    layers: list[nn.Module] = []
    for n_out in widths:
        layers += [nn.Linear(n_in, n_out), activation(activation_name)]
        n_in = n_out
    return layers
