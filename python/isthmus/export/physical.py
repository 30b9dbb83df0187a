# SPDX-License-Identifier: MIT
"""A network as the host sees it: in physical values, where the bridge normalizes.

The bridge applies `(x - mean)/sd` to inputs and `y*sd + mean` to outputs. What is written
is the bare network; what it is checked against, and what users name in examples and
training ranges, are physical values.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from ..contract import Normalization, Variable, check_variable
from ..errors import ContractError, ExportError
from .derivatives import Tensors, as_tuple

_Factors = tuple[Tensor, Tensor]
"""Mean and standard deviation, in the shape that broadcasts over the variable."""


class Physical(nn.Module):
    """A module with the normalization of the bridge around it."""

    def __init__(
        self,
        module: nn.Module,
        inputs: Mapping[str, Variable],
        outputs: Mapping[str, Variable],
    ) -> None:
        super().__init__()
        self.module = module
        self._inputs = [_factors(name, v) for name, v in inputs.items()]
        self._outputs = [_factors(name, v) for name, v in outputs.items()]

    @property
    def seen(self) -> nn.Module:
        """What the host calls: this, or the bare network where nothing is normalized."""
        is_bare = not any((*self._inputs, *self._outputs))
        return self.module if is_bare else self

    def forward(self, *x: Tensor) -> Tensors:
        """Evaluate the network on physical values; return physical values."""
        y = as_tuple(self.module(*self.normalized(x)))
        if not self._outputs:
            return y
        return tuple(_expanded(t, f) for t, f in zip(y, self._outputs, strict=True))

    def normalized(self, x: Tensors) -> Tensors:
        """Return what the network itself is given for physical values."""
        return tuple(_reduced(t, f) for t, f in zip(x, self._inputs, strict=True))


def _factors(name: str, variable: Variable) -> _Factors | None:
    scaling = variable.normalization
    try:
        check_variable(name, variable)
    except ContractError as error:
        raise ExportError(f"the contract cannot be written: {error}") from error
    if scaling is None or scaling.applied_by != "bridge":
        return None
    return _shaped(scaling.mean, scaling, variable), _shaped(scaling.sd, scaling, variable)


def _shaped(
    values: float | tuple[float, ...], scaling: Normalization, variable: Variable
) -> Tensor:
    """Return values in float64, along the dimension they are listed for."""
    tensor = torch.tensor(values, dtype=torch.float64)
    if not isinstance(values, tuple):
        return tensor
    axis = list(variable.dims or ()).index(str(scaling.dim))
    return tensor.reshape([-1] + [1] * (len(variable.shape) - axis - 1))


# In float64, as exact as it can be said: the bridge computes in the wider of both types.


def _reduced(x: Tensor, factors: _Factors | None) -> Tensor:
    if factors is None:
        return x
    return ((x.double() - factors[0]) / factors[1]).to(x.dtype)


def _expanded(y: Tensor, factors: _Factors | None) -> Tensor:
    if factors is None:
        return y
    return (y.double() * factors[1] + factors[0]).to(y.dtype)
