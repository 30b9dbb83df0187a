# SPDX-License-Identifier: MIT
"""A V(1,1) cycle for three- and five-point systems: the preconditioner of the solvers.

Cells are joined in pairs (1-D) or blocks of four (2-D). The coarse system has the sum of
the fine cells' mass, which is the diagonal less the moduli of the couplings, and half the
sum of the couplings between blocks (twice the distance). Residuals are summed, corrections
taken over unchanged. Red-black Gauss-Seidel goes red, black before the coarse level and
black, red after it, so that the cycle of a symmetric system is symmetric.

W. Hackbusch (1985): Multi-Grid Methods and Applications; symmetric smoothing in conjugate
gradients after O. Tatebe (1993).
"""

import torch
from torch import Tensor
from torch.nn import functional

from .bands import apply_bands, checkerboard

Level = Tensor
"""The bands of a level [..., band, (y,) x]."""

# TorchScript knows no constants of a module: they are defaults of arguments below.


def make_levels(bands: Tensor, periodic: list[bool], n_levels: int = 0) -> list[Level]:
    """Return the systems of all levels, finest first.

    Parameters
    ----------
    bands
        Of the finest.
    periodic
        For each dimension, x first. Periodic dimensions must stay even to be halved.
    n_levels
        At most so many; 0: as many as the grid allows.
    """
    levels = [bands]
    while len(levels) != n_levels and _can_be_halved(levels[-1], periodic):
        levels.append(coarsened(levels[-1], periodic))
    return levels


def _can_be_halved(bands: Tensor, periodic: list[bool], smallest: int = 4) -> bool:
    """Return whether halves have at least `smallest` cells along each dimension."""
    for k, wraps in enumerate(periodic):
        n = bands.size(-1 - k)
        if n < 2 * smallest or (wraps and n % 2 != 0):
            return False
    return True


def coarsened(bands: Tensor, periodic: list[bool]) -> Tensor:
    """Return the system of half the cells along each dimension."""
    n_dims = len(periodic)
    dim = -1 - n_dims
    off = bands.narrow(dim, 1, 2 * n_dims)
    moduli = off.abs().sum(dim)
    # Rows without couplings are land: no mass of theirs belongs to a coarse cell.
    mass = torch.where(
        moduli > 0.0, bands.select(dim, 0) - moduli, torch.zeros_like(moduli)
    )
    mass = sum_blocks(mass, n_dims)
    coarse: list[Tensor] = []
    for k in range(n_dims):
        coarse.append(0.5 * _sum_side(off.select(dim, 2 * k), k, 0, n_dims))
        coarse.append(0.5 * _sum_side(off.select(dim, 2 * k + 1), k, 1, n_dims))
    centre = mass
    for coupling in coarse:
        centre = centre + coupling.abs()
    centre = torch.where(centre > 0.0, centre, torch.ones_like(centre))
    coarse.insert(0, centre)
    return torch.stack(coarse, dim)


def _even(field: Tensor, n_dims: int) -> Tensor:
    """Return a field with a row or column of zeros where a number of cells is odd."""
    odd_x = field.size(-1) % 2
    odd_y = field.size(-2) % 2 if n_dims == 2 else 0
    if odd_x + odd_y == 0:
        return field
    if n_dims == 1:
        return functional.pad(field, [0, odd_x])
    return functional.pad(field, [0, odd_x, 0, odd_y])


def sum_blocks(field: Tensor, n_dims: int) -> Tensor:
    """Return the sums over blocks of two cells along each dimension."""
    field = _even(field, n_dims)
    field = field[..., ::2] + field[..., 1::2]
    if n_dims == 2:
        field = field[..., ::2, :] + field[..., 1::2, :]
    return field


def _sum_side(field: Tensor, k: int, side: int, n_dims: int) -> Tensor:
    """Return the sums over the cells at one side (0 lower, 1 upper) of each block."""
    field = _even(field, n_dims)
    if k == 0:
        field = field[..., side::2]
        return field[..., ::2, :] + field[..., 1::2, :] if n_dims == 2 else field
    field = field[..., side::2, :]
    return field[..., ::2] + field[..., 1::2]


def spread_blocks(coarse: Tensor, like: Tensor, n_dims: int) -> Tensor:
    """Return a coarse field on the cells of its blocks, cut to the size of `like`."""
    fine = coarse.repeat_interleave(2, -1).narrow(-1, 0, like.size(-1))
    if n_dims == 2:
        fine = fine.repeat_interleave(2, -2).narrow(-2, 0, like.size(-2))
    return fine


def v_cycle(
    levels: list[Level], r: Tensor, periodic: list[bool], coarsest_sweeps: int = 4
) -> Tensor:
    """Return an approximation of the solution of `A z = r`, linear in r.

    The coarsest of several levels has `coarsest_sweeps` in either order.
    """
    n_dims = len(periodic)
    sides: list[Tensor] = [r]
    guesses: list[Tensor] = []
    n = len(levels)
    for k in range(n - 1):
        z = pre_smoothed(levels[k], sides[k], periodic)
        guesses.append(z)
        left = sides[k] - apply_bands(levels[k], z, periodic)
        sides.append(sum_blocks(left, n_dims))
    z = pre_smoothed(levels[n - 1], sides[n - 1], periodic)
    if n > 1:
        for _ in range(coarsest_sweeps - 1):
            z = relaxed(levels[n - 1], sides[n - 1], z, periodic, True)
        for _ in range(coarsest_sweeps - 1):
            z = relaxed(levels[n - 1], sides[n - 1], z, periodic, False)
    z = relaxed(levels[n - 1], sides[n - 1], z, periodic, False)
    for i in range(n - 1):
        k = n - 2 - i
        z = guesses[k] + spread_blocks(z, sides[k], n_dims)
        z = relaxed(levels[k], sides[k], z, periodic, False)
    return z


def pre_smoothed(bands: Tensor, b: Tensor, periodic: list[bool]) -> Tensor:
    """Return zero after a sweep over red, then black cells."""
    centre = bands.select(-1 - len(periodic), 0)
    red = checkerboard(b, len(periodic))
    z = red * b / centre
    return z + (1.0 - red) * (b - apply_bands(bands, z, periodic)) / centre


def relaxed(
    bands: Tensor, b: Tensor, z: Tensor, periodic: list[bool], red_first: bool
) -> Tensor:
    """Return z after a sweep over the cells of one colour, then of the other."""
    centre = bands.select(-1 - len(periodic), 0)
    first = checkerboard(b, len(periodic))
    if not red_first:
        first = 1.0 - first
    z = z + first * (b - apply_bands(bands, z, periodic)) / centre
    return z + (1.0 - first) * (b - apply_bands(bands, z, periodic)) / centre
