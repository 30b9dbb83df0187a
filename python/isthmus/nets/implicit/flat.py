# SPDX-License-Identifier: MIT
"""Five-point systems on lines of memory: iterations compile to a few plain loops.

A field [y, x] is stored as one line: rows one after the other, with one cell of zeros after
each. What the matrix is applied to has a row more before and after. A neighbour is then an
offset, no read is guarded, and nothing is copied to shift it. Periodic edges keep copies of
the other side in those cells and rows, with one cell before each row as well. Couplings
into the added cells are zero, so their residual is zero. A symmetric system needs its
centre and two couplings, not five bands: the others are the same memory, shifted.
"""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional


class Layout(NamedTuple):
    """How a field lies on a line."""

    n_y: int
    n_x: int
    wraps_x: bool
    wraps_y: bool

    @property
    def row(self) -> int:
        """Cells from one row to the next."""
        return self.n_x + (2 if self.wraps_x else 1)

    @property
    def first(self) -> int:
        """Where the first cell of a row is."""
        return 1 if self.wraps_x else 0

    @property
    def n(self) -> int:
        """Cells of a line."""
        return self.n_y * self.row


class FlatSystem(NamedTuple):
    """A five-point system as lines [sample, cell]."""

    layout: Layout
    centre: Tensor
    inverse: Tensor
    """Of the centre."""
    west: Tensor
    east: Tensor
    south: Tensor
    north: Tensor
    limit: Tensor
    """Of the residual [sample, 1]."""


def layout_of(field: Tensor, periodic: list[bool]) -> Layout:
    """Return the layout of fields like this one; periodic: x first."""
    return Layout(field.shape[-2], field.shape[-1], *periodic)


def line(field: Tensor, layout: Layout) -> Tensor:
    """Return a field [sample, y, x] as [sample, cell], zeros in the added cells."""
    return functional.pad(field, [layout.first, 1]).flatten(1)


def field_of(cells: Tensor, layout: Layout) -> Tensor:
    """Return the field [sample, y, x] of a line."""
    rows = cells.reshape(-1, layout.n_y, layout.row)
    return rows[..., layout.first : layout.first + layout.n_x]


def widened(cells: Tensor, layout: Layout) -> Tensor:
    """Return a line with what is beyond the edges: zeros, or copies of the other side."""
    row = layout.row
    if layout.wraps_x:
        inner = field_of(cells, layout)
        cells = torch.cat([inner[..., -1:], inner, inner[..., :1]], -1).flatten(1)
    below, above = cells[:, -row:], cells[:, :row]
    if not layout.wraps_y:
        below = above = torch.zeros_like(above)
    return torch.cat([below, cells, above], 1)


def inside(wide: Tensor, layout: Layout) -> Tensor:
    """Return a widened line without its first and last row."""
    return wide[:, layout.row : layout.row + layout.n]


def multiplied(system: FlatSystem, wide: Tensor) -> Tensor:
    """Return A z of a widened line [sample, cell]."""
    row, n = system.layout.row, system.layout.n
    q = system.centre * wide[:, row : row + n]
    q = q + system.east * wide[:, row + 1 : row + 1 + n]
    q = q + system.west * wide[:, row - 1 : row - 1 + n]
    q = q + system.north * wide[:, 2 * row :]
    return q + system.south * wide[:, :n]


def flat_system(
    bands: Tensor, limit: Tensor, layout: Layout, *, symmetric: bool
) -> FlatSystem:
    """Return the system of bands [sample, band, y, x] and a limit [sample, 1]."""
    centre, west, east, south, north = bands.unbind(1)
    # Couplings to the outside are dropped: what is there is zero.
    if not layout.wraps_x:
        west = functional.pad(west[..., 1:], [1, 0])
        east = functional.pad(east[..., :-1], [0, 1])
    if not layout.wraps_y:
        south = functional.pad(south[..., 1:, :], [0, 0, 1, 0])
        north = functional.pad(north[..., :-1, :], [0, 0, 0, 1])
    west, east, south, north = (line(x, layout) for x in (west, east, south, north))
    if symmetric and not layout.wraps_x:
        both = functional.pad(east, [1, 0])
        west, east = both[:, :-1], both[:, 1:]
    if symmetric:
        both = torch.cat([south[:, : layout.row], north], 1)
        south, north = both[:, : layout.n], both[:, layout.row :]
    middle = line(centre, layout)
    inverse = line(1.0 / centre, layout)
    return FlatSystem(layout, middle, inverse, west, east, south, north, limit)
