# SPDX-License-Identifier: MIT
"""A module as a function of tensors, with its tangent-linear (jvp) and adjoint (vjp).

For `y = f(x)` with Jacobian `F`: jvp gives `y, y_tl = F x_tl`; vjp gives `x_ad = F^T y_ad`.
Only floating-point variables take part; others are passed through.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

Tensors = tuple[Tensor, ...]


@dataclass(frozen=True)
class Linearisation:
    """The three methods of a network, each from a flat list of tensors to a tuple."""

    module: nn.Module
    n_inputs: int
    inputs: tuple[int, ...]
    """Positions of the differentiable inputs."""
    outputs: tuple[int, ...]
    """Positions of the differentiable outputs."""

    def forward(self, *x: Tensor) -> Tensors:
        """Return all outputs."""
        return as_tuple(self.module(*x))

    def vjp(self, *arguments: Tensor) -> Tensors:
        """Return `x_ad` from `x..., y_ad...`."""
        x, y_ad = arguments[: self.n_inputs], arguments[self.n_inputs :]
        return _pull_back(self._function(x), self._chosen(x), tuple(y_ad))

    def jvp(self, *arguments: Tensor) -> Tensors:
        """Return `y..., y_tl...` from `x..., x_tl...`, by forward-mode differentiation."""
        x, x_tl = arguments[: self.n_inputs], arguments[self.n_inputs :]
        result: Any = torch.func.jvp(
            self._function(x), self._chosen(x), tuple(x_tl), has_aux=True
        )
        _, y_tl, y = result
        return (*y, *y_tl)

    def vjp_by_autograd(self, *arguments: Tensor) -> Tensors:
        """Return what `vjp` does, in the form that can be traced for any size.

        torch.func fixes the extents of what it traces (in a Linear on three dimensions, of
        torch 2.13), autograd does not.
        """
        x, y_ad = arguments[: self.n_inputs], arguments[self.n_inputs :]
        with torch.enable_grad():
            _, leaves, y_d = self._recorded(x)
            return _gradients(y_d, leaves, y_ad)

    def jvp_by_autograd(self, *arguments: Tensor) -> Tensors:
        """Return what `jvp` does, as the adjoint of the adjoint, for any size.

        The adjoint is linear in `u`, so its own adjoint at any `u` is `F`. The compiled
        graph is faster than that of forward mode.
        """
        x, x_tl = arguments[: self.n_inputs], arguments[self.n_inputs :]
        with torch.enable_grad():
            y, leaves, y_d = self._recorded(x)
            u = tuple(torch.zeros_like(item).requires_grad_() for item in y_d)
            pulled = _gradients(y_d, leaves, u, create_graph=True)
            y_tl = _gradients(pulled, u, x_tl)
        return (*(item.detach() for item in y), *y_tl)

    def _recorded(self, x: Tensors) -> tuple[Tensors, Tensors, Tensors]:
        """Evaluate on new leaves; return outputs, leaves and differentiable outputs."""
        leaves = tuple(tensor.detach().requires_grad_() for tensor in self._chosen(x))
        y_d, y = self._function(x)(*leaves)
        return y, leaves, y_d

    def _chosen(self, x: Sequence[Tensor]) -> Tensors:
        return tuple(x[i] for i in self.inputs)

    def _function(self, x: Sequence[Tensor]) -> Callable[..., tuple[Tensors, Tensors]]:
        """Return the module as a function of its differentiable inputs alone."""

        def function(*chosen: Tensor) -> tuple[Tensors, Tensors]:
            arguments = list(x)
            for position, tensor in zip(self.inputs, chosen, strict=True):
                arguments[position] = tensor
            y = as_tuple(self.module(*arguments))
            return tuple(y[i] for i in self.outputs), y

        return function


def as_tuple(result: Any) -> Tensors:  # noqa: ANN401 (whatever a module returns)
    """Return the result of a module as a tuple of tensors."""
    return result if isinstance(result, tuple) else (result,)


def _pull_back(
    function: Callable[..., tuple[Tensors, Tensors]], x: Tensors, y_ad: Tensors
) -> Tensors:
    # Typed as Any: torch's own annotation of vjp does not know has_aux.
    result: Any = torch.func.vjp(function, *x, has_aux=True)
    return tuple(result[1](y_ad))


def _gradients(
    y: Tensors, x: Tensors, y_ad: Tensors, *, create_graph: bool = False
) -> Tensors:
    """Return the adjoint of `x`; zero where `y` does not depend on it."""
    depends = [i for i, item in enumerate(y) if item.requires_grad]
    if not depends:
        return tuple(torch.zeros_like(item) for item in x)
    return torch.autograd.grad(
        [y[i] for i in depends],
        x,
        [y_ad[i] for i in depends],
        create_graph=create_graph,
        allow_unused=True,
        materialize_grads=True,
    )
