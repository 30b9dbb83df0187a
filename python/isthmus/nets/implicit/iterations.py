# SPDX-License-Identifier: MIT
"""The iterations of the linear solvers, each as one pure step on a tuple of tensors.

A step moves only the samples whose residual is above their limit, so steps may follow each
other without looking at the numbers: in a Python loop, in a compiled block of several, in a
`while_loop` of an exported program, or scripted. All sums are over the grid of a sample.

Conjugate gradients: Hestenes and Stiefel (1952). BiCGStab: van der Vorst (1992).
Red-black Gauss-Seidel: Young (1971), without over-relaxation unless `omega` says so.
"""

import torch
from torch import Tensor

from .bands import apply_bands, checkerboard
from .multigrid import Level, v_cycle


def largest(field: Tensor, n_dims: int) -> Tensor:
    """Return the largest modulus of each sample, with the grid's dimensions kept as 1."""
    if n_dims == 1:
        return field.abs().amax([-1], keepdim=True)
    return field.abs().amax([-2, -1], keepdim=True)


def inner(x: Tensor, y: Tensor, n_dims: int) -> Tensor:
    """Return the inner product of each sample, with the grid's dimensions kept as 1."""
    if n_dims == 1:
        return (x * y).sum(-1, keepdim=True)
    return (x * y).sum((-2, -1), keepdim=True)


def quotient(numerator: Tensor, denominator: Tensor, active: Tensor) -> Tensor:
    """Return the quotient for active samples and 0 for others, never 0/0."""
    zero = torch.zeros_like(numerator)
    safe = torch.where(denominator == 0.0, torch.ones_like(denominator), denominator)
    return torch.where(active & (denominator != 0.0), numerator / safe, zero)


def precondition(
    bands: Tensor, levels: list[Level], periodic: list[bool], r: Tensor
) -> Tensor:
    """Return an approximation of A^-1 r: of the diagonal alone, or by a multigrid cycle."""
    if len(levels) == 0:
        return r / bands.select(-1 - len(periodic), 0)
    return v_cycle(levels, r, periodic)


State = tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]
"""z, r, direction(s) stacked, scalars, iterations, largest residual of a sample."""


def start(
    method: str,
    bands: Tensor,
    b: Tensor,
    z: Tensor,
    levels: list[Level],
    periodic: list[bool],
) -> State:
    """Return the state before the first step."""
    n_dims = len(periodic)
    r = b - apply_bands(bands, z, periodic)
    residual = largest(r, n_dims)
    count = torch.zeros_like(residual, dtype=torch.int64)
    if method == "cg":
        s = precondition(bands, levels, periodic, r)
        return z, r, s, inner(r, s, n_dims), count, residual
    if method == "bicgstab":
        # The shadow residual stays; p = v = 0 and rho = alpha = omega = 1 begin.
        zero, one = torch.zeros_like(r), torch.ones_like(residual)
        return (
            z,
            r,
            torch.stack([r, zero, zero]),
            torch.stack([one, one, one]),
            count,
            residual,
        )
    return z, r, torch.zeros_like(residual), torch.zeros_like(residual), count, residual


def step(
    method: str,
    bands: Tensor,
    b: Tensor,
    limit: Tensor,
    levels: list[Level],
    periodic: list[bool],
    omega: float,
    state: State,
) -> State:
    """Return the state after one step of a method by name."""
    if method == "cg":
        return cg_step(bands, limit, levels, periodic, state)
    if method == "bicgstab":
        return bicgstab_step(bands, limit, levels, periodic, state)
    if method == "multigrid":
        return multigrid_step(bands, b, limit, levels, periodic, state)
    return red_black_step(bands, b, limit, periodic, omega, state)


def cg_step(
    bands: Tensor, limit: Tensor, levels: list[Level], periodic: list[bool], state: State
) -> State:
    """Preconditioned conjugate gradients; `state` holds p and r.s."""
    z, r, p, rho, count, residual = state
    n_dims = len(periodic)
    active = residual > limit
    q = apply_bands(bands, p, periodic)
    alpha = quotient(rho, inner(p, q, n_dims), active)
    z = z + alpha * p
    r = r - alpha * q
    residual = largest(r, n_dims)
    s = precondition(bands, levels, periodic, r)
    rho_new = inner(r, s, n_dims)
    p = torch.where(active, s + quotient(rho_new, rho, active) * p, p)
    rho = torch.where(active, rho_new, rho)
    return z, r, p, rho, count + active, residual


def bicgstab_step(
    bands: Tensor, limit: Tensor, levels: list[Level], periodic: list[bool], state: State
) -> State:
    """BiCGStab; `state` holds shadow residual, p, v and rho, alpha, omega."""
    z, r, vectors, scalars, count, residual = state
    n_dims = len(periodic)
    active = residual > limit
    shadow, p, v = vectors[0], vectors[1], vectors[2]
    rho_old, alpha, omega = scalars[0], scalars[1], scalars[2]
    rho = inner(shadow, r, n_dims)
    beta = quotient(rho, rho_old, active) * quotient(alpha, omega, active)
    p_new = r + beta * (p - omega * v)
    p_hat = precondition(bands, levels, periodic, p_new)
    v_new = apply_bands(bands, p_hat, periodic)
    alpha_new = quotient(rho, inner(shadow, v_new, n_dims), active)
    s = r - alpha_new * v_new
    s_hat = precondition(bands, levels, periodic, s)
    t = apply_bands(bands, s_hat, periodic)
    omega_new = quotient(inner(t, s, n_dims), inner(t, t, n_dims), active)
    z = z + alpha_new * p_hat + omega_new * s_hat
    r = torch.where(active, s - omega_new * t, r)
    vectors = torch.stack(
        [shadow, torch.where(active, p_new, p), torch.where(active, v_new, v)]
    )
    scalars = torch.stack(
        [
            torch.where(active, rho, rho_old),
            torch.where(active, alpha_new, alpha),
            torch.where(active, omega_new, omega),
        ]
    )
    return z, r, vectors, scalars, count + active, largest(r, n_dims)


def red_black_step(
    bands: Tensor,
    b: Tensor,
    limit: Tensor,
    periodic: list[bool],
    omega: float,
    state: State,
) -> State:
    """Relax red, then black cells; then the residual, which only red cells have."""
    z, r, first, second, count, residual = state
    n_dims = len(periodic)
    active = residual > limit
    factor = omega * active.to(z.dtype) / bands.select(-1 - n_dims, 0)
    red = checkerboard(z, n_dims)
    z = z + red * factor * r
    z = z + (1.0 - red) * factor * (b - apply_bands(bands, z, periodic))
    r = b - apply_bands(bands, z, periodic)
    return z, r, first, second, count + active, largest(r, n_dims)


def multigrid_step(
    bands: Tensor,
    b: Tensor,
    limit: Tensor,
    levels: list[Level],
    periodic: list[bool],
    state: State,
) -> State:
    """Add a cycle's correction of the residual."""
    z, r, first, second, count, residual = state
    n_dims = len(periodic)
    active = residual > limit
    z = z + active.to(z.dtype) * precondition(bands, levels, periodic, r)
    r = b - apply_bands(bands, z, periodic)
    return z, r, first, second, count + active, largest(r, n_dims)
