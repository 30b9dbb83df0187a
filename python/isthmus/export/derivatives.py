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

    def jvp_by_transposition(self, *arguments: Tensor) -> Tensors:
        """Return what `jvp` does, as the adjoint of the adjoint.

        The adjoint is linear in `u`, so its own adjoint at any `u` is `F`. The compiled
        graph is faster than that of forward mode and needs no forward-mode formulas.
        """
        x, x_tl = arguments[: self.n_inputs], arguments[self.n_inputs :]
        function, chosen = self._function(x), self._chosen(x)

        def transposed(*u: Tensor) -> Tensors:
            return _pull_back(function, chosen, u)

        y = self.forward(*x)
        zeros = tuple(torch.zeros_like(y[i]) for i in self.outputs)
        result: Any = torch.func.vjp(transposed, *zeros)
        return (*y, *result[1](tuple(x_tl)))

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
