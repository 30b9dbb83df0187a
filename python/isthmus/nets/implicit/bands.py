# SPDX-License-Identifier: MIT
"""Three- and five-point linear systems as bands of coefficients, applied matrix-free.

A system on a grid of `n` dimensions (1 or 2) is a tensor of `2 n + 1` bands,

    (A z)_i = c_i z_i + sum over d of  l_di z_(i - e_d) + u_di z_(i + e_d),

stored as [..., band, (y,) x] in the order centre, lower x, upper x, lower y, upper y. A
neighbour outside the grid is zero unless the dimension is periodic. These functions are
plain tensor algebra, so they can be differentiated, batched, compiled and scripted.
"""

import torch
from torch import Tensor
from torch.nn import functional

EDGES = ("zero_flux", "dirichlet", "periodic")


def neighbours(z: Tensor, periodic: list[bool]) -> list[Tensor]:
    """Return z at the lower and the upper neighbour along each dimension, x first.

    Parameters
    ----------
    z
        Field [..., (y,) x].
    periodic
        For each dimension, x first; a neighbour outside of another one is zero.
    """
    found: list[Tensor] = []
    for k, wraps in enumerate(periodic):
        dim = -1 - k
        n = z.size(dim)
        if wraps:
            first, last = z.narrow(dim, 0, 1), z.narrow(dim, n - 1, 1)
            wide = torch.cat([last, z, first], dim)
        else:
            wide = functional.pad(z, [0, 0] * k + [1, 1])
        found.append(wide.narrow(dim, 0, n))
        found.append(wide.narrow(dim, 2, n))
    return found


def apply_bands(bands: Tensor, z: Tensor, periodic: list[bool]) -> Tensor:
    """Return A z [..., (y,) x]."""
    dim = -1 - len(periodic)
    result = bands.select(dim, 0) * z
    for k, beside in enumerate(neighbours(z, periodic)):
        result = result + bands.select(dim, k + 1) * beside
    return result


def transposed(bands: Tensor, periodic: list[bool]) -> Tensor:
    """Return the bands of the transpose: A'(i, i + e) = A(i + e, i)."""
    dim = -1 - len(periodic)
    turned = [bands.select(dim, 0)]
    for k in range(len(periodic)):
        lower, upper = bands.select(dim, 2 * k + 1), bands.select(dim, 2 * k + 2)
        turned.append(neighbours(upper, periodic)[2 * k])
        turned.append(neighbours(lower, periodic)[2 * k + 1])
    return torch.stack(turned, dim)


def dominant_bands(
    couplings: Tensor,
    log_mass: Tensor,
    edges: list[str],
    mask: Tensor | None = None,
    symmetric: bool = True,
) -> Tensor:
    """Return a diagonally dominant system: centre = sum |couplings| + exp(log_mass).

    Couplings `k` act as conductances: the off-diagonal entries are `-k`. With none negative
    the system is an M-matrix, whose solution has no new extremes.

    Parameters
    ----------
    couplings
        Symmetric: of each cell to its upper neighbours [..., x (and y), (y,) x]; at a lower
        Dirichlet edge the first coupling counts for the outside too. General: to lower x,
        upper x (, lower y, upper y).
    log_mass
        Logarithm of what the diagonal has beyond the couplings [..., (y,) x].
    edges
        For each dimension, x first: "zero_flux", "dirichlet" (zero outside) or "periodic".
    mask
        1 in cells of the domain, 0 elsewhere [..., (y,) x]. Outside the rows are those of
        the identity, and nothing is coupled to them.
    symmetric
        Which form `couplings` has.
    """
    periodic = [edge == "periodic" for edge in edges]
    dim = -1 - len(edges)
    inside = torch.ones_like(log_mass) if mask is None else mask.to(log_mass.dtype)
    open_faces = neighbours(inside, periodic)
    off: list[Tensor] = []
    for k, edge in enumerate(edges):
        if symmetric:
            upper = couplings.select(dim, k)
            lower = neighbours(upper, periodic)[2 * k]
            if edge == "dirichlet":
                first = upper.narrow(-1 - k, 0, 1)
                rest = lower.narrow(-1 - k, 1, lower.size(-1 - k) - 1)
                lower = torch.cat([first, rest], -1 - k)
        else:
            lower = couplings.select(dim, 2 * k)
            upper = couplings.select(dim, 2 * k + 1)
        below, above = open_faces[2 * k], open_faces[2 * k + 1]
        if edge == "dirichlet":
            outside = neighbours(torch.ones_like(inside), periodic)
            below = below + (1.0 - outside[2 * k])
            above = above + (1.0 - outside[2 * k + 1])
        off.append(lower * below * inside)
        off.append(upper * above * inside)
    centre = torch.where(inside > 0.0, torch.exp(log_mass), torch.ones_like(log_mass))
    for coupling in off:
        centre = centre + coupling.abs()
    return torch.stack([centre] + [-coupling for coupling in off], dim)


def unit_rows(bands: Tensor, b: Tensor, periodic: list[bool]) -> tuple[Tensor, Tensor]:
    """Return bands and right-hand side as the published code scales them.

    Rows are divided by the sum of their moduli, centre included, the centre is then set to
    one, and the right-hand side is divided by 1.05 of that sum. The exact operator lies in
    this form too (raw centre 1, raw right-hand side 1.05 b), but a common scale of both
    sides is free; prefer `dominant_bands`.
    """
    dim = -1 - len(periodic)
    inside = neighbours(torch.ones_like(b), periodic)
    kept = torch.stack([torch.ones_like(b), *inside], dim)
    bands = bands * kept
    total = bands.abs().sum(dim)
    off = bands.narrow(dim, 1, bands.size(dim) - 1) / total.unsqueeze(dim)
    scaled = torch.cat([torch.ones_like(b).unsqueeze(dim), off], dim)
    return scaled, b / (1.05 * total)


def checkerboard(like: Tensor, n_dims: int) -> Tensor:
    """Return 1 where the sum of the indices is even, else 0 [(y,) x]."""
    x = torch.arange(like.size(-1), device=like.device)
    total = x
    if n_dims == 2:
        total = torch.arange(like.size(-2), device=like.device).unsqueeze(-1) + x
    return (total % 2 == 0).to(like.dtype)
