# SPDX-License-Identifier: MIT
"""Trajectories in basins as training samples, and rollouts of steps that know the depth."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

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
