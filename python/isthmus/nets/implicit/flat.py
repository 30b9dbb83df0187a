# SPDX-License-Identifier: MIT
"""Conjugate gradients that compile to three plain loops over memory an iteration.

A field [y, x] is stored as one line: rows one after the other, with one cell of zeros after
each, and for the direction a row of zeros before and after. A neighbour is then an offset,
no read is guarded, and nothing is copied to shift it. Couplings into zeros are zero, so
zeros stay zeros. A symmetric system needs its centre and two couplings, not five bands.

The numbers are those of `iterations.cg_step` preconditioned by the diagonal, but for the
order of sums.
"""

from functools import cache
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from .bands import apply_bands
from .iterations import State, largest, quotient

BLOCK = 4  # iterations between two looks at the residual

# Joined pieces are written where they belong, not computed through guards.
COMPILE_OPTIONS: dict[str, Any] = {"max_pointwise_cat_inputs": 0}


class FlatSystem(NamedTuple):
    """A symmetric five-point system as lines [sample, cell]."""

    centre: Tensor
    inverse: Tensor
    """Of the centre."""
    east: Tensor
    """Coupling to the next cell in x, a row of zeros before [sample, row + cell]."""
    north: Tensor
    """Coupling to the next cell in y, the same."""
    rim: Tensor
    """A row of zeros [sample, row]."""
    limit: Tensor
    """Of the residual [sample, 1]."""


class FlatState(NamedTuple):
    """What an iteration moves; `p` has a row of zeros at either end."""

    z: Tensor
    r: Tensor
    p: Tensor
    rho: Tensor
    iterations: Tensor
    residual: Tensor


def fits(method: str, n_levels: int, periodic: list[bool], symmetric: bool) -> bool:
    """Return whether a system and its solver have this form."""
    plain = method == "cg" and symmetric and n_levels == 0
    return plain and len(periodic) == 2 and not any(periodic)


def line(field: Tensor) -> Tensor:
    """Return a field [sample, y, x] as [sample, cell], a zero after each row."""
    return functional.pad(field, [0, 1]).flatten(1)


def flat_cg(
    bands: Tensor, b: Tensor, guess: Tensor, limit: Tensor, max_iterations: int
) -> State:
    """Return the state of `iterations.cg_step` when no sample is active any more.

    Parameters
    ----------
    bands
        Symmetric [..., band, y, x].
    b, guess
        Right-hand side, where to start [..., y, x].
    limit
        Of the residual of each sample [..., 1, 1].
    max_iterations
        Looked at after each block.
    """
    n_y, n_x = b.shape[-2:]
    r = (b - apply_bands(bands, guess, [False, False])).reshape(-1, n_y, n_x)
    system = flat_system(bands.reshape(-1, 5, n_y, n_x), limit.reshape(-1, 1))
    residual = line(r)
    direction = residual * system.inverse
    state = FlatState(
        line(guess.reshape(-1, n_y, n_x)),
        residual,
        torch.cat([system.rim, direction, system.rim], 1),
        (residual * direction).sum(-1, keepdim=True),
        torch.zeros_like(system.limit, dtype=torch.int64),
        largest(residual, 1),
    )
    block = _compiled()
    for _ in range(0, max_iterations, BLOCK):
        if not bool((state.residual > system.limit).any()):
            break
        state = block(system, state)
    z, r, p = (
        part.reshape(-1, n_y, n_x + 1)[..., :n_x].reshape(b.shape)
        for part in (state.z, state.r, state.p[:, n_x + 1 : -n_x - 1])
    )
    rho, count, left = (part.reshape(limit.shape) for part in state[3:])
    return z, r, p, rho, count, left


def flat_system(bands: Tensor, limit: Tensor) -> FlatSystem:
    """Return the system of bands [sample, band, y, x]."""
    rim = torch.zeros_like(line(bands[:, 0, :1]))
    # What leaves the grid is dropped: neighbours there are zeros.
    east = functional.pad(-bands[:, 2, :, :-1], [0, 1])
    north = functional.pad(-bands[:, 4, :-1], [0, 0, 0, 1])
    centre = functional.pad(bands[:, 0], [0, 1], value=1.0).flatten(1)
    return FlatSystem(
        centre,
        1.0 / centre,
        torch.cat([rim, line(east)], 1),
        torch.cat([rim, line(north)], 1),
        rim,
        limit,
    )


def flat_step(system: FlatSystem, state: FlatState) -> FlatState:
    """Return the state one iteration later."""
    row, n = system.rim.shape[1], system.centre.shape[1]
    active = state.residual > system.limit
    wide, p = state.p, state.p[:, row : row + n]
    q = system.centre * p
    q = q - system.east[:, row:] * wide[:, row + 1 : row + 1 + n]
    q = q - system.east[:, row - 1 : -1] * wide[:, row - 1 : row - 1 + n]
    q = q - system.north[:, row:] * wide[:, 2 * row :]
    q = q - system.north[:, :n] * wide[:, :n]
    alpha = quotient(state.rho, (p * q).sum(-1, keepdim=True), active)
    r = state.r - alpha * q
    rho = (r * r * system.inverse).sum(-1, keepdim=True)
    moved = r * system.inverse + quotient(rho, state.rho, active) * p
    return FlatState(
        state.z + alpha * p,
        r,
        torch.cat([system.rim, moved, system.rim], 1),
        torch.where(active, rho, state.rho),
        state.iterations + active,
        largest(r, 1),
    )


def flat_block(system: FlatSystem, state: FlatState) -> FlatState:
    """Return the state some iterations later."""
    for _ in range(BLOCK):
        state = flat_step(system, state)
    return state


@cache
def _compiled() -> Any:  # noqa: ANN401
    """Return the same, compiled for each shape it is called with."""
    return torch.compile(flat_block, dynamic=False, options=COMPILE_OPTIONS)
