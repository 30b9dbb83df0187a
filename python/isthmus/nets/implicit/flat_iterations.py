# SPDX-License-Identifier: MIT
"""The iterations of `iterations.py`, on the lines of memory of `flat.py`, compiled.

Their numbers are those of `cg_step`, `bicgstab_step` (preconditioned by the diagonal) and
`red_black_step`, but for the order of sums; red-black looks at the residual, and stops,
only after a block. A step does not move samples whose residual is within their limit.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import torch
from torch import Tensor

from .bands import apply_bands, checkerboard
from .flat import (
    FlatSystem,
    field_of,
    flat_system,
    inside,
    layout_of,
    line,
    multiplied,
    widened,
)
from .iterations import State, largest, quotient

BLOCK = 4  # iterations between two looks at the residual

# Joined pieces are written where they belong, not computed through guards.
COMPILE_OPTIONS: dict[str, Any] = {"max_pointwise_cat_inputs": 0}


class FlatState(NamedTuple):
    """What an iteration moves; what the lines and scalars are is up to the method."""

    z: Tensor
    r: Tensor
    lines: tuple[Tensor, ...]
    scalars: tuple[Tensor, ...]
    iterations: Tensor
    residual: Tensor


def fits(method: str, n_levels: int, periodic: list[bool]) -> bool:
    """Return whether a system and its solver have this form."""
    return method in METHODS and n_levels == 0 and len(periodic) == 2


def flat_loop(
    method: str,
    bands: Tensor,
    b: Tensor,
    guess: Tensor,
    limit: Tensor,
    periodic: list[bool],
    omega: float,
    max_iterations: int,
    *,
    symmetric: bool,
) -> State:
    """Return what `portable.looped` does, its directions and scalars left out.

    Parameters
    ----------
    method
        "cg", "bicgstab" or "red_black".
    bands
        [..., band, y, x].
    b, guess
        Right-hand side, where to start [..., y, x].
    limit
        Of the residual of each sample [..., 1, 1].
    periodic
        x first.
    omega
        Over-relaxation of red-black.
    max_iterations
        Looked at after each block.
    symmetric
        Whether the matrix is.
    """
    n_y, n_x = b.shape[-2:]
    layout = layout_of(b, periodic)
    system = flat_system(
        bands.reshape(-1, 5, n_y, n_x), limit.reshape(-1, 1), layout, symmetric=symmetric
    )
    left = b - apply_bands(bands, guess, periodic)
    sides = b, guess, left, omega * checkerboard(b, 2).expand_as(b)
    lines = [line(field.reshape(-1, n_y, n_x), layout) for field in sides]
    begin, block = METHODS[method]
    state, compiled = begin(system, *lines), _compiled(block)
    for _ in range(0, max_iterations, BLOCK):
        if not bool((state.residual > system.limit).any()):
            break
        state = compiled(system, state)
    z = state.z if method != "red_black" else inside(state.z, layout)
    z, r = (field_of(part, layout).reshape(b.shape) for part in (z, state.r))
    count, residual = (part.reshape(limit.shape) for part in state[4:])
    return z, r, r, residual, count, residual


def begin_cg(system: FlatSystem, _b: Tensor, z: Tensor, r: Tensor, _: Tensor) -> FlatState:
    """Return the first state: direction and r.s."""
    direction = r * system.inverse
    rho = (r * direction).sum(-1, keepdim=True)
    return _begun(system, z, r, (widened(direction, system.layout),), (rho,))


def cg_step(system: FlatSystem, state: FlatState) -> FlatState:
    """Conjugate gradients with the diagonal."""
    (wide,), (rho,) = state.lines, state.scalars
    active, p = state.residual > system.limit, inside(wide, system.layout)
    q = multiplied(system, wide)
    alpha = quotient(rho, (p * q).sum(-1, keepdim=True), active)
    r = state.r - alpha * q
    new = (r * r * system.inverse).sum(-1, keepdim=True)
    moved = r * system.inverse + quotient(new, rho, active) * p
    return FlatState(
        state.z + alpha * p,
        r,
        (widened(moved, system.layout),),
        (torch.where(active, new, rho),),
        state.iterations + active,
        largest(r, 1),
    )


def begin_bicgstab(
    system: FlatSystem, _b: Tensor, z: Tensor, r: Tensor, _: Tensor
) -> FlatState:
    """Return the first state: shadow residual, p and v; rho, alpha, omega, shadow.r."""
    one, zero = torch.ones_like(system.limit), torch.zeros_like(r)
    scalars = one, one, one, (r * r).sum(-1, keepdim=True)
    return _begun(system, z, r, (r, zero, zero), scalars)


def bicgstab_step(system: FlatSystem, state: FlatState) -> FlatState:
    """BiCGStab with the diagonal; what it leaves of a sample at rest is never used."""
    (shadow, p, v), (rho_old, alpha, omega, rho) = state.lines, state.scalars
    active, layout = state.residual > system.limit, system.layout
    beta = quotient(rho, rho_old, active) * quotient(alpha, omega, active)
    p = state.r + beta * (p - omega * v)
    p_hat = widened(p * system.inverse, layout)
    v = multiplied(system, p_hat)
    alpha = quotient(rho, (shadow * v).sum(-1, keepdim=True), active)
    s = state.r - alpha * v
    s_hat = widened(s * system.inverse, layout)
    t = multiplied(system, s_hat)
    products = [(x * t).sum(-1, keepdim=True) for x in (s, t)]
    omega = quotient(products[0], products[1], active)
    r = s - omega * t
    return FlatState(
        state.z + alpha * inside(p_hat, layout) + omega * inside(s_hat, layout),
        r,
        (shadow, p, v),
        (rho, alpha, omega, (shadow * r).sum(-1, keepdim=True)),
        state.iterations + active,
        largest(r, 1),
    )


def begin_red_black(
    system: FlatSystem, b: Tensor, z: Tensor, r: Tensor, red: Tensor
) -> FlatState:
    """Return the first state: b, omega over the diagonal in red and in black cells."""
    inverse = system.inverse
    omega = red.max()
    factors = red * inverse, (omega - red) * inverse
    return _begun(system, widened(z, system.layout), r, (b, *factors), ())


def red_black_step(system: FlatSystem, state: FlatState) -> FlatState:
    """Relax red, then black cells; the residual is left to the end of the block."""
    b, *factors = state.lines
    active, wide = state.residual > system.limit, state.z
    for factor in factors:
        left = b - multiplied(system, wide)
        change = active.to(wide.dtype) * factor * left
        wide = widened(inside(wide, system.layout) + change, system.layout)
    return state._replace(z=wide, iterations=state.iterations + active)


def cg_block(system: FlatSystem, state: FlatState) -> FlatState:
    """Return the state some iterations later."""
    for _ in range(BLOCK):
        state = cg_step(system, state)
    return state


def bicgstab_block(system: FlatSystem, state: FlatState) -> FlatState:
    """Return the state some iterations later."""
    for _ in range(BLOCK):
        state = bicgstab_step(system, state)
    return state


def red_black_block(system: FlatSystem, state: FlatState) -> FlatState:
    """Return the state some iterations later."""
    for _ in range(BLOCK):
        state = red_black_step(system, state)
    r = state.lines[0] - multiplied(system, state.z)
    return state._replace(r=r, residual=largest(r, 1))


Begin = Callable[[FlatSystem, Tensor, Tensor, Tensor, Tensor], FlatState]
Block = Callable[[FlatSystem, FlatState], FlatState]

METHODS: dict[str, tuple[Begin, Block]] = {
    "cg": (begin_cg, cg_block),
    "bicgstab": (begin_bicgstab, bicgstab_block),
    "red_black": (begin_red_black, red_black_block),
}


def _begun(
    system: FlatSystem,
    z: Tensor,
    r: Tensor,
    lines: tuple[Tensor, ...],
    scalars: tuple[Tensor, ...],
) -> FlatState:
    count = torch.zeros_like(system.limit, dtype=torch.int64)
    return FlatState(z, r, lines, scalars, count, largest(r, 1))


@cache
def _compiled(block: Block) -> Any:  # noqa: ANN401
    """Return a block compiled for each shape it is called with."""
    return torch.compile(block, dynamic=False, options=COMPILE_OPTIONS)
