# SPDX-License-Identifier: MIT
"""The solution as programs that run without Python: scripted, or exported and compiled.

Both loop until all samples have converged, and both mark samples that did not with NaN, for
nothing there can raise.

TorchScript has no functions with a derivative of their own, and the derivative of an
iteration is not that of the solution: it depends on the guess, and on where the iteration
stopped. So the solution is found without a tape, and what carries its derivative is one
linear correction of its residual,

    z = z0 + P (b - A z0),    P ~ A^-1 with A held,    dz = P (db - dA z0),

where P is a polynomial in A (Chebyshev's if A is symmetric, Neumann's if not). Its degree
follows from how dominant the diagonal is; it costs nothing without derivatives.
"""

import math
from typing import Any

import torch
from torch import Tensor

from .bands import apply_bands, transposed
from .iterations import State, largest, start, step
from .multigrid import Level, make_levels


def looped(
    method: str,
    bands: Tensor,
    b: Tensor,
    guess: Tensor,
    limit: Tensor,
    levels: list[Level],
    periodic: list[bool],
    omega: float,
    max_iterations: int,
) -> State:
    """Return the state when no sample is active any more; a loop that can be scripted."""
    state = start(method, bands, b, guess, levels, periodic)
    n_steps = 0
    while n_steps < max_iterations and bool((state[5] > limit).any()):
        state = step(method, bands, b, limit, levels, periodic, omega, state)
        n_steps += 1
    return state


def while_looped(
    method: str,
    bands: Tensor,
    b: Tensor,
    guess: Tensor,
    limit: Tensor,
    levels: list[Level],
    periodic: list[bool],
    omega: float,
    max_iterations: int,
) -> State:
    """Return the same by an operator that exported programs have."""
    # torch.while_loop itself compiles when it is called while autograd is traced.
    from torch._higher_order_ops.while_loop import while_loop_op

    def unfinished(n: Tensor, *tensors: Tensor) -> Tensor:
        return (n < max_iterations) & (tensors[5] > tensors[6]).any()

    def advance(n: Tensor, *tensors: Tensor) -> tuple[Tensor, ...]:
        limit, bands, b, *levels = tensors[6:]
        state: State = tensors[:6]  # type: ignore[assignment]
        moved = step(method, bands, b, limit, levels, periodic, omega, state)
        # An operator's results may not share memory with its arguments.
        apart = [
            new.clone() if new is old else new
            for new, old in zip(moved, state, strict=True)
        ]
        return n + 1, *apart

    first = start(method, bands, b, guess, levels, periodic)
    n = torch.zeros((), dtype=torch.int64, device=b.device)
    carried: Any = (n, *(tensor.clone() for tensor in first))
    constants = (limit, bands, b, *levels)
    result: State = while_loop_op(unfinished, advance, carried, constants)[1:]
    return result


def judge(
    bands: Tensor, b: Tensor, z: Tensor, limit: Tensor, periodic: list[bool]
) -> tuple[Tensor, Tensor]:
    """Return the true relative residual, and whether it is good enough.

    A residual within some roundings of the largest diagonal term is noise.
    """
    n_dims = len(periodic)
    left = largest(b - apply_bands(bands, z, periodic), n_dims)
    eps = 2.0**-52 if b.dtype == torch.float64 else 2.0**-23
    noise = 16.0 * eps * largest(bands.select(-1 - n_dims, 0) * z, n_dims)
    size = largest(b, n_dims)
    relative = left / torch.where(size > 0.0, size, torch.ones_like(size))
    return relative, left <= 2.0 * limit + noise


def scripted_solution(
    method: str,
    bands: Tensor,
    b: Tensor,
    guess: Tensor,
    periodic: list[bool],
    symmetric: bool,
    uses_levels: bool,
    n_levels: int,
    tolerance: float,
    omega: float,
    max_iterations: int,
) -> Tensor:
    """Return z, NaN where it did not converge; for TorchScript."""
    n_dims = len(periodic)
    with torch.no_grad():
        held = bands.detach()
        size = largest(b, n_dims)
        limit = tolerance * size
        guess = torch.where(size > 0.0, guess, torch.zeros_like(guess))
        levels: list[Level] = []
        if uses_levels:
            levels = make_levels(held, periodic, n_levels)
        z = looped(method, held, b, guess, limit, levels, periodic, omega, max_iterations)[
            0
        ]
        converged = judge(held, b, z, limit, periodic)[1]
        z = torch.where(converged, z, torch.full_like(z, math.nan)).detach()
    if torch.is_grad_enabled():
        residual = b - apply_bands(bands, z, periodic)
        z = z + inverse_polynomial(held, residual, periodic, symmetric, tolerance)
    return z


def inverse_polynomial(
    bands: Tensor,
    r: Tensor,
    periodic: list[bool],
    symmetric: bool,
    tolerance: float,
    most_terms: int = 4000,
) -> Tensor:
    """Return an approximation of A^-1 r that is linear in r.

    The matrix divided by its diagonal has its spectrum within 1 - radius .. 1 + radius
    (Gershgorin), where the radius follows from the least dominant row.
    """
    dim = -1 - len(periodic)
    centre = bands.select(dim, 0)
    off = bands.narrow(dim, 1, bands.size(dim) - 1)
    rows = off.abs().sum(dim) / centre.abs()
    # Of a matrix and of its transpose alike: both appear in derivatives.
    turned = transposed(bands, periodic)
    columns = turned.narrow(dim, 1, bands.size(dim) - 1).abs().sum(dim) / centre.abs()
    radius = min(float(rows.max()), max(float(columns.max()), float(rows.max())))
    if symmetric:
        # 1/T_n(1/radius) is the error of Chebyshev's polynomial of degree n.
        rate = math.log(
            1.0 / max(radius, 1e-30) + math.sqrt(max(radius, 1e-30) ** -2 - 1.0)
        )
        n_terms = min(most_terms, 2 + int(math.log(2.0 / tolerance) / max(rate, 1e-12)))
        return chebyshev(bands, r, periodic, radius, n_terms)
    rate = -math.log(max(radius, 1e-30))
    n_terms = min(most_terms, 2 + int(math.log(1.0 / tolerance) / max(rate, 1e-12)))
    x = r / centre
    for _ in range(n_terms):
        x = x + (r - apply_bands(bands, x, periodic)) / centre
    return x


def chebyshev(
    bands: Tensor, r: Tensor, periodic: list[bool], radius: float, n_terms: int
) -> Tensor:
    """Return Chebyshev's semi-iteration from zero, scaled by the diagonal.

    Golub and Varga (1961), with the spectrum within 1 - radius .. 1 + radius.
    """
    centre = bands.select(-1 - len(periodic), 0)
    before = torch.zeros_like(r)
    x = r / centre
    weight = 2.0
    for _ in range(n_terms):
        weight = 1.0 / (1.0 - 0.25 * radius * radius * weight)
        moved = x + (r - apply_bands(bands, x, periodic)) / centre
        before, x = x, weight * (moved - before) + before
    return x
