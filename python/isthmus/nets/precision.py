# SPDX-License-Identifier: MIT
"""Networks in less than double precision inside models in double precision.

The border is part of the network: what is rounded is what goes into its first layer and
what comes out of its last, never the model's own state. The conversion is in the network's
own file, so that nobody has to ask for it.
"""

import copy
import warnings
from collections.abc import Callable
from typing import Final, Self

import torch
from torch import Tensor, nn

from ..errors import ConfigurationError

DTYPES: Final = {
    "float64": torch.float64,
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
}
KINDS: Final = (*DTYPES, "int8 weights", "int8")
"""What a network can be computed in. "int8 weights": weights are integers of 8 bits with a
scale for each output, multiplied out at each call; sums in float32. "int8": the same
weights, and what each linear layer reads is rounded to 8 bits over the range it has in the
call: torch's dynamic quantization, of linear layers only."""
INT8_STEPS: Final = 127


class InPrecision(nn.Module):
    """Evaluate a network in another precision, whatever that of its input and output.

    Parameters
    ----------
    net : module
        Of one argument; it is converted in place.
    dtype : torch.dtype
        What its layers compute in.
    """

    def __init__(self, net: nn.Module, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        self.net = net.to(dtype)
        self.dtype = dtype

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """Keep the layers' precision when the module around them is converted."""
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        self.net.to(self.dtype)
        return self

    def extra_repr(self) -> str:
        """Return what the layers compute in."""
        return str(self.dtype)

    def forward(self, x: Tensor) -> Tensor:
        """Return the network's answer in the precision of `x`."""
        return self.net(x.to(self.dtype)).to(x.dtype)


class InSinglePrecision(InPrecision):
    """Evaluate a network in float32, whatever the precision of its input and output.

    The state of a double-precision model keeps its digits; only the tendency is rounded.
    """

    def __init__(self, net: nn.Module) -> None:
        super().__init__(net, torch.float32)


class Int8Linear(nn.Module):
    """A linear layer whose weights are stored in 8 bits and multiplied out at each call."""

    weight: Tensor
    scale: Tensor
    bias: Tensor

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__()
        w = layer.weight.detach().double()
        scale = (w.abs().amax(dim=1, keepdim=True) / INT8_STEPS).clamp(min=1e-30)
        bias = torch.zeros(w.shape[0]) if layer.bias is None else layer.bias.detach()
        self.register_buffer("weight", (w / scale).round().to(torch.int8))
        self.register_buffer("scale", scale.float())
        self.register_buffer("bias", bias.float())

    def forward(self, x: Tensor) -> Tensor:
        """Return the layer's answer to `x` [..., in], float32."""
        return nn.functional.linear(x, self.weight.to(x.dtype) * self.scale, self.bias)


def in_precision(module: nn.Module, kind: str, part: str = "") -> nn.Module:
    """Return a copy in which a network computes in one of `KINDS`, all else in double.

    Parameters
    ----------
    module : module
        Stays as it is.
    kind : str
        One of `KINDS`.
    part : str
        Path of the network in the module, e.g. "closure.net"; "" is all of it. What lies
        around it (logarithms, sums that must cancel, projections) stays in double.

    Raises
    ------
    ConfigurationError
        If the kind is unknown, or "int8" finds no linear layer.
    """
    if kind not in KINDS:
        raise ConfigurationError(f"precision '{kind}', expected one of {', '.join(KINDS)}")
    whole = copy.deepcopy(module).double().eval()
    net = whole.get_submodule(part)
    if kind in DTYPES:
        lowered: nn.Module = InPrecision(net, DTYPES[kind])
    else:
        lowered = InPrecision(_in_int8(net.float(), kind), torch.float32)
    lowered.eval()
    if part == "":
        return lowered
    parent, _, name = part.rpartition(".")
    setattr(whole.get_submodule(parent), name, lowered)
    return whole


def _in_int8(net: nn.Module, kind: str) -> nn.Module:
    """Return a float32 network with linear layers in 8 bits."""
    if not any(isinstance(layer, nn.Linear) for layer in net.modules()):
        raise ConfigurationError(f"{type(net).__name__} has no linear layer for '{kind}'")
    if kind == "int8":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch.ao is to move to another package
            by_channel = torch.ao.quantization.per_channel_dynamic_qconfig
            quantized: nn.Module = torch.ao.quantization.quantize_dynamic(  # type: ignore[no-untyped-call]
                net, {nn.Linear: by_channel}
            )
        return quantized
    if isinstance(net, nn.Linear):
        return Int8Linear(net)
    for parent in list(net.modules()):
        for name, layer in list(parent.named_children()):
            if isinstance(layer, nn.Linear):
                setattr(parent, name, Int8Linear(layer))
    return net
