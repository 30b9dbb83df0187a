# SPDX-License-Identifier: MIT
"""Gauss and Newton's method for steps with few numbers to learn.

A network of a known form with tens of weights is a least-squares problem: with the
derivative J of all residuals r in all weights w,

    (J^T J + damping diag(J^T J)) dw = -J^T r

converges in some iterations where first-order optimizers take thousands (Levenberg and
Marquardt's damping). J is made by forward differentiation, a column for each weight.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

import torch
from torch import Tensor, nn

from ..errors import TrainingError

Normal = Callable[[Tensor], tuple[Tensor, Tensor]]

FIRST_DAMPING: Final = 1e-2
LARGEST_DAMPING: Final = 1e8
FACTOR: Final = 10.0
LONGEST: Final = 1.0
"""Of a change of one weight: weights are logarithms, or of order one."""


class Fitted(NamedTuple):
    """Where it ended: weights, root mean square of the residuals, iterations made."""

    weights: Tensor
    error: float
    n_iterations: int


def least_squares(
    residuals: Callable[[Tensor], Tensor],
    start: Tensor,
    *,
    normal: Normal | None = None,
    max_iterations: int = 60,
    tolerance: float = 1e-4,
) -> Fitted:
    """Return the weights that make the sum of squared residuals least.

    Parameters
    ----------
    residuals
        Of weights `[i]`, any shape.
    start
        First weights `[i]`.
    normal
        Returns J^T J and J^T r at weights, if there is a cheaper way than all columns.
    max_iterations
        Linearisations at most.
    tolerance
        It ends when the root mean square falls by less than this share.

    Raises
    ------
    TrainingError
        If the residuals are not finite at the start.
    """
    weights, damping = start.clone(), FIRST_DAMPING
    error = _error(residuals, weights)
    if not error < torch.inf:
        raise TrainingError("the residuals are not finite at the first weights")
    normal = normal or (lambda w: _normal(residuals, w))
    for n_done in range(max_iterations):
        matrix, gradient = normal(weights)
        before = error
        while damping <= LARGEST_DAMPING:
            damped = matrix + damping * torch.diag(torch.diagonal(matrix))
            change = torch.linalg.lstsq(damped, -gradient.unsqueeze(-1)).solution[:, 0]
            trial = weights + change.clamp(-LONGEST, LONGEST)
            error = _error(residuals, trial)
            if error < before:
                weights, damping = trial, damping / FACTOR
                break
            damping *= FACTOR
        if not error < (1.0 - tolerance) * before:
            return Fitted(weights, min(error, before), n_done + 1)
    return Fitted(weights, error, max_iterations)


def flat_weights(module: nn.Module) -> Tensor:
    """Return all weights of a module in one row."""
    return torch.cat([weight.detach().flatten() for weight in module.parameters()])


def set_weights(module: nn.Module, flat: Tensor) -> None:
    """Give a module its weights."""
    with torch.no_grad():
        nn.utils.vector_to_parameters(flat, module.parameters())


def with_weights(module: nn.Module, flat: Tensor) -> Callable[..., Tensor]:
    """Return the module as a function with these weights, which it has derivatives in."""
    names, parts, first = [], [], 0
    for name, weight in module.named_parameters():
        names.append(name)
        parts.append(flat[first : first + weight.numel()].view_as(weight))
        first += weight.numel()
    given = dict(zip(names, parts, strict=True))

    def called(*inputs: Tensor) -> Tensor:
        result: Tensor = torch.func.functional_call(module, given, inputs)
        return result

    return called


def _normal(
    residuals: Callable[[Tensor], Tensor], weights: Tensor
) -> tuple[Tensor, Tensor]:
    """Return J^T J and J^T r, a forward derivative for each weight."""
    columns = []
    for direction in torch.eye(len(weights), dtype=weights.dtype):
        change = torch.func.jvp(residuals, (weights,), (direction,))[1]
        columns.append(change.flatten())
    jacobian = torch.stack(columns)
    return jacobian @ jacobian.t(), jacobian @ residuals(weights).flatten()


def _error(residuals: Callable[[Tensor], Tensor], weights: Tensor) -> float:
    """Return the root mean square of the residuals; infinity where they are not finite."""
    with torch.no_grad():
        error = residuals(weights).pow(2).mean().sqrt()
    return float(error) if bool(torch.isfinite(error)) else torch.inf
