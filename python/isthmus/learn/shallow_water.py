# SPDX-License-Identifier: MIT
"""Trajectories in basins as training samples, and rollouts of steps that know the depth.

Where a step couples a cell with its neighbourhood only, a part of a basin teaches it as
well as the whole: `BasinPatches` cuts squares out of runs, each within a halo of cells that
the network sees and the loss does not, and `PatchRollout` is trained on them.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..errors import DataError
from .rollout import Trainable
from .samples import digest


class BasinStart(NamedTuple):
    """Where rollouts start: states [member, field, y, x] and depths [member, y, x]."""

    state: Tensor
    depth: Tensor


class BasinWindows:
    """All windows of consecutive states of runs, each in a basin of its own.

    Parameters
    ----------
    states
        Scaled [time, member, field, y, x].
    depth
        Undisturbed depth [m] of each run [member, y, x].
    stride
        Times between the starts of two windows.
    """

    def __init__(self, states: Tensor, depth: Tensor, stride: int = 1) -> None:
        if states.ndim != 5 or depth.shape != states.shape[1:2] + states.shape[3:]:
            raise DataError(
                f"'states' is {list(states.shape)} and 'depth' {list(depth.shape)}, "
                "expected [time, member, field, y, x] and [member, y, x]"
            )
        self.states, self.depth, self.stride = states, depth, stride

    def count(self, length: int) -> int:
        """Return the number of windows of `length` steps.

        Raises
        ------
        DataError
            If the runs are too short for one.
        """
        n_times = self.states.shape[0] - length
        if n_times < 1:
            raise DataError(
                f"'states' has {self.states.shape[0]} times, a rollout needs {length + 1}"
            )
        return -(-n_times // self.stride) * self.states.shape[1]

    def batch(self, indices: Tensor, length: int) -> tuple[BasinStart, Tensor]:
        """Return starts, and the states that follow [lead, member, field*y*x]."""
        n_members = self.states.shape[1]
        time = self.stride * torch.div(indices, n_members, rounding_mode="floor")
        member = indices % n_members
        leads = torch.arange(1, length + 1).unsqueeze(-1)
        target = self.states[time + leads, member].flatten(2)
        return BasinStart(self.states[time, member], self.depth[member]), target

    def to(self, dtype: torch.dtype) -> "BasinWindows":
        """Return the windows in another precision."""
        return BasinWindows(self.states.to(dtype), self.depth.to(dtype), self.stride)

    def digest(self) -> str:
        """Return a checksum of states and depths."""
        return digest(self.states, self.depth)


class BasinRollout(Trainable):
    """A step `(state, depth) -> state` iterated on its own output."""

    def __init__(self, step: nn.Module) -> None:
        super().__init__()
        self.step = step

    def forward(self, state: Tensor, depth: Tensor) -> Tensor:
        """Return the state [member, field, y, x] one step later."""
        result: Tensor = self.step(state, depth)
        return result

    def predict(self, start: BasinStart, n_steps: int) -> Tensor:
        """Return the states [lead, member, field*y*x] after 1 .. n_steps steps."""
        state, states = start.state, []
        for _ in range(n_steps):
            state = self(state, start.depth)
            states.append(state.flatten(1))
        return torch.stack(states)


class BasinPatches:
    """Squares of runs in basins, at random places and times, each within a halo.

    What lies outside the basin is land. The edge of the halo is a wall to the network,
    which the water is not: what that does wrong must not reach the square, so the halo is
    as wide as a step's reach, times the steps of a rollout.

    Parameters
    ----------
    windows
        The runs.
    size, halo
        Width of the squares and of the halo [cells].
    n_patches
        How many are drawn.
    seed
        Of the drawing.

    Raises
    ------
    DataError
        If a square does not fit into the basin, or a width is not possible.
    """

    def __init__(
        self, windows: BasinWindows, size: int, halo: int, n_patches: int, seed: int = 0
    ) -> None:
        n_y, n_x = windows.depth.shape[-2:]
        if not 1 <= size <= min(n_y, n_x) or halo < 0 or n_patches < 1:
            raise DataError(
                f"'size' is {size}, 'halo' {halo} and 'n_patches' {n_patches}: expected a "
                f"square within {n_y} x {n_x} cells, no negative halo and some patches"
            )
        self.windows, self.size, self.halo = windows, size, halo
        draw = torch.Generator().manual_seed(seed)
        self.draws = torch.rand(3, n_patches, generator=draw, dtype=torch.float64)
        rim = [halo] * 4
        self.depth = functional.pad(windows.depth, rim, value=-1.0)
        self.states = functional.pad(windows.states, rim)

    def count(self, length: int) -> int:
        """Return the number of patches; windows of `length` steps must be there."""
        self.windows.count(length)
        return self.draws.shape[1]

    def batch(self, indices: Tensor, length: int) -> tuple[BasinStart, Tensor]:
        """Return starts with halo, and squares that follow [lead, member, field*y*x]."""
        windows, (n_y, n_x) = self.windows, self.windows.depth.shape[-2:]
        limits = windows.count(length), n_y - self.size + 1, n_x - self.size + 1
        drawn = [
            (draw[indices] * limit).long()
            for draw, limit in zip(self.draws, limits, strict=True)
        ]
        n_members = windows.depth.shape[0]
        starts, depths, targets = [], [], []
        inner = slice(self.halo, self.halo + self.size)
        for window, y, x in zip(*(part.tolist() for part in drawn), strict=True):
            time, member = windows.stride * (window // n_members), window % n_members
            wide = self.size + 2 * self.halo
            rows, columns = slice(y, y + wide), slice(x, x + wide)
            states = self.states[time : time + length + 1, member, :, rows, columns]
            starts.append(states[0])
            targets.append(states[1:, :, inner, inner].flatten(1))
            depths.append(self.depth[member, rows, columns])
        return BasinStart(torch.stack(starts), torch.stack(depths)), torch.stack(targets, 1)

    def to(self, dtype: torch.dtype) -> "BasinPatches":
        """Return the same patches in another precision."""
        changed = BasinPatches(self.windows.to(dtype), self.size, self.halo, 1)
        changed.draws = self.draws
        return changed

    def digest(self) -> str:
        """Return a checksum of the runs and of what is drawn of them."""
        return digest(self.states, self.depth, self.draws)


class PatchRollout(BasinRollout):
    """The same rollout, judged without the halo of a patch."""

    def __init__(self, step: nn.Module, halo: int) -> None:
        super().__init__(step)
        self.halo = halo

    def predict(self, start: BasinStart, n_steps: int) -> Tensor:
        """Return the inner squares [lead, member, field*y*x] after 1 .. n_steps steps."""
        flat = super().predict(start, n_steps)
        wide = flat.reshape(*flat.shape[:2], *start.state.shape[1:])
        n_y, n_x = wide.shape[-2:]
        inner = wide[..., self.halo : n_y - self.halo, self.halo : n_x - self.halo]
        return inner.flatten(2)
