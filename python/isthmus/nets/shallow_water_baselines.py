# SPDX-License-Identifier: MIT
"""Explicit emulators of the shallow water step: what standard networks make of it.

Each adds to the scaled state `[member, field, y, x]` what a network makes of five channels,
the state, the depth over its scale and the mask, and closes what is closed. Plain layers,
products of layers, a U-Net and a Fourier neural operator differ in that network alone.

One implicit step acts like 1/(1 - a^2 Laplacian) with a = theta c cells, c the Courant
number: a network that is to be right to 1e-3 must see 5 to 6 of these lengths around a
cell. `reach_for` says how many cells that are.
"""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from isthmus.errors import ConfigurationError

from .shallow_water import open_faces
from .shallow_water_emulators import DEPTH_SCALE

N_CHANNELS, N_FIELDS = 5, 3
LENGTHS = 6.0  # of theta c cells, for an error of 1e-3
SMALL_START = 0.1  # factor on the last layer: a first step that hardly moves


def reach_for(courant: float, theta: float = 0.5) -> int:
    """Return the receptive radius [cells] that one step at a Courant number needs."""
    return max(2, math.ceil(LENGTHS * theta * courant))


class IncrementStep(nn.Module):
    """What a network of five channels adds to the state, in wet cells and at open faces.

    Parameters
    ----------
    body
        From [member, 5, y, x] to [member, 3, y, x].
    multiple
        The sizes that the body takes; others are filled up with land.
    """

    def __init__(self, body: nn.Module, multiple: int = 1) -> None:
        super().__init__()
        self.body = body
        self.multiple = multiple

    def forward(self, state: Tensor, depth: Tensor) -> Tensor:
        """Return the state one step later [member, field, y, x]; depth [member, y, x]."""
        wet = (depth > 0.0).to(state.dtype)
        is_open = open_faces(wet)
        masks = torch.stack([wet, is_open.east, is_open.north], -3)
        x = torch.cat([state, torch.stack([wet * depth / DEPTH_SCALE, wet], -3)], -3)
        n_y, n_x = x.size(-2), x.size(-1)
        wide = functional.pad(x, [0, -n_x % self.multiple, 0, -n_y % self.multiple])
        change = self.body(wide)[..., :n_y, :n_x]
        return masks * (state + change)


class ConvBody(nn.Module):
    """3 x 3 layers with skips; their radii add up.

    Parameters
    ----------
    dilations
        Distance of the nine points of each layer [cells], the last layer included.
    width
        Channels.
    bilinear
        Whether half of each layer's channels are multiplied by the other half.
    """

    def __init__(
        self, dilations: Sequence[int], width: int = 16, *, bilinear: bool = False
    ) -> None:
        super().__init__()
        self.bilinear = bilinear
        n_in, n_out = N_CHANNELS, width * 2 if bilinear else width
        self.layers = nn.ModuleList()
        for distance in dilations[:-1]:
            self.layers.append(_conv(n_in, n_out, distance))
            n_in = width
        self.last = _conv(n_in, N_FIELDS, dilations[-1])
        with torch.no_grad():
            self.last.weight *= SMALL_START
            self.last.bias.zero_()  # type: ignore[union-attr]

    def forward(self, x: Tensor) -> Tensor:
        """Return the change of three fields from five channels."""
        for layer in self.layers:
            y = layer(x)
            if self.bilinear:
                one, other = y.chunk(2, -3)
                y = one + torch.tanh(one) * other
            else:
                y = functional.silu(y)
            x = y if x.shape != y.shape else x + y
        return self.last(x)


def _conv(n_in: int, n_out: int, distance: int) -> nn.Conv2d:
    return nn.Conv2d(n_in, n_out, 3, padding=distance, dilation=distance)


class PlainConvNet(IncrementStep):
    """An explicit convolutional step: what the state changes by, from a neighbourhood.

    Parameters
    ----------
    reach
        Receptive radius [cells]; see `reach_for`.
    width
        Channels.
    bilinear
        Whether half of each layer's channels are multiplied by the other half.
    dilations
        Distances of the points of each layer [cells]; without them all are 1, and there are
        `reach` layers.
    """

    def __init__(
        self,
        reach: int = 6,
        width: int = 24,
        *,
        bilinear: bool = False,
        dilations: Sequence[int] | None = None,
    ) -> None:
        distances = dilations or [1] * reach
        super().__init__(ConvBody(distances, width, bilinear=bilinear))
        self.reach = sum(distances)


class _Scaled(nn.Module):
    """A network of a library, its output scaled to start small."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: Tensor) -> Tensor:
        return SMALL_START * self.net(x)

    def state_dict(self, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401
        """Return the weights; a library adds its settings, which are none."""
        found = super().state_dict(*arguments, **options)
        found.pop("_metadata", None)
        return found


def u_net(width: int = 10, n_levels: int = 3, **options: Any) -> IncrementStep:  # noqa: ANN401
    """Return a step around MONAI's residual U-Net without normalisation.

    Parameters
    ----------
    width
        Channels of the finest level, doubled with each coarser one.
    n_levels
        The finest included.
    **options
        Of `monai.networks.nets.UNet`.

    Raises
    ------
    ConfigurationError
        If MONAI is not installed.
    """
    try:
        from monai.networks.nets.unet import UNet
    except ImportError as error:
        raise ConfigurationError(_missing("the U-Net", "monai")) from error
    channels = [width, *(width * 2**k for k in range(n_levels))]
    net = UNet(
        spatial_dims=2,
        in_channels=N_CHANNELS,
        out_channels=N_FIELDS,
        channels=channels,
        strides=[1] + [2] * (n_levels - 1),
        # The first level is doubled, not halved: its skip stays at full resolution.
        **({"num_res_units": 1, "norm": None} | options),
    )
    return IncrementStep(_Scaled(net), multiple=2 ** (n_levels - 1))


def fourier_operator(
    modes: int = 12,
    width: int = 12,
    n_layers: int = 4,
    **options: Any,  # noqa: ANN401
) -> IncrementStep:
    """Return a step around the Fourier neural operator of `neuraloperator`.

    Its modes are waves per basin, so what it learns in a basin of one size belongs to that
    size. Li et al. (2021), ICLR.

    Parameters
    ----------
    modes
        Waves kept along each dimension.
    width, n_layers
        Hidden channels; Fourier layers.
    **options
        Of `neuralop.models.FNO`.

    Raises
    ------
    ConfigurationError
        If `neuraloperator` is not installed.
    """
    try:
        from neuralop.models import FNO
    except ImportError as error:
        raise ConfigurationError(_missing("the operator", "neuraloperator")) from error
    net = FNO(
        n_modes=(modes, modes),
        in_channels=N_CHANNELS,
        out_channels=N_FIELDS,
        hidden_channels=width,
        n_layers=n_layers,
        **options,
    )
    return IncrementStep(_Scaled(net))


def _missing(what: str, package: str) -> str:
    return (
        f"{what} comes from '{package}', which is not here: pip install isthmus[baselines]"
    )
