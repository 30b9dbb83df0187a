# SPDX-License-Identifier: MIT
"""Training samples: windows of trajectories, and pairs."""

import hashlib
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..data import Trajectories
from ..errors import DataError


class Samples(Protocol):
    """What `fit` draws batches from.

    A batch is what the model's `predict` takes, and its targets [lead, member, k].
    """

    def count(self, length: int) -> int:
        """Return how many samples of `length` steps there are."""
        ...

    def batch(self, indices: Tensor, length: int) -> tuple[Any, Tensor]:
        """Return the start of the predictions and their targets [lead, member, k]."""
        ...

    def to(self, dtype: torch.dtype) -> "Samples":
        """Return the same samples in another precision."""
        ...

    def digest(self) -> str:
        """Return a checksum of the values: a checkpoint belongs to its data."""
        ...


class Windows:
    """All windows of consecutive states of a trajectory.

    Parameters
    ----------
    x : Trajectories, tensor or array
        States [time, member, k]; of `Trajectories`, the variable `x`.
    """

    def __init__(self, x: Trajectories | Tensor | NDArray[Any]) -> None:
        self.x = _as_tensor(x, "x")

    def count(self, length: int) -> int:
        """Return the number of windows of `length` steps.

        Raises
        ------
        DataError
            If the trajectory is too short for one.
        """
        n_starts = self.x.shape[0] - length
        if n_starts < 1:
            raise DataError(
                f"'x' has {self.x.shape[0]} times, a rollout needs {length + 1}"
            )
        return n_starts * self.x.shape[1]

    def batch(self, indices: Tensor, length: int) -> tuple[Tensor, Tensor]:
        """Return first states [member, k] and the states that follow [lead, member, k]."""
        n_members = self.x.shape[1]
        start = torch.div(indices, n_members, rounding_mode="floor")
        leads = torch.arange(1, length + 1).unsqueeze(-1)
        member = indices % n_members
        return self.x[start, member], self.x[start + leads, member]

    def to(self, dtype: torch.dtype) -> "Windows":
        """Return the windows in another precision."""
        return Windows(self.x.to(dtype))

    def digest(self) -> str:
        """Return a checksum of the states."""
        return digest(self.x)


class Pairs:
    """Pairs of states and target fields at the same time, both [time, member, k]."""

    def __init__(
        self,
        x: Trajectories | Tensor | NDArray[Any],
        y: Tensor | NDArray[Any] | None = None,
        *,
        target: str = "coupling",
    ) -> None:
        values = x[target] if y is None and isinstance(x, Trajectories) else y
        if values is None:
            raise DataError(f"pairs need the target '{target}'")
        self.x, self.y = _as_tensor(x, "x"), _as_tensor(values, target)
        if self.x.shape != self.y.shape:
            raise DataError(
                f"'{target}' has shape {list(self.y.shape)}, expected {list(self.x.shape)}"
            )

    def count(self, length: int) -> int:
        """Return the number of pairs."""
        return self.x.shape[0] * self.x.shape[1]

    def batch(self, indices: Tensor, length: int) -> tuple[Tensor, Tensor]:
        """Return states [member, k] and targets [1, member, k]."""
        return self.x.flatten(0, 1)[indices], self.y.flatten(0, 1)[indices].unsqueeze(0)

    def to(self, dtype: torch.dtype) -> "Pairs":
        """Return the pairs in another precision."""
        return Pairs(self.x.to(dtype), self.y.to(dtype))

    def digest(self) -> str:
        """Return a checksum of states and targets."""
        return digest(self.x, self.y)


def as_samples(data: "Samples | Trajectories | Tensor | NDArray[Any]") -> Samples:
    """Take trajectories as windows; leave samples as they are."""
    if isinstance(data, Trajectories | Tensor | np.ndarray):
        return Windows(data)
    return data


def digest(*tensors: Tensor) -> str:
    """Return the SHA-256 of the values of tensors."""
    checksum = hashlib.sha256()
    for tensor in tensors:
        checksum.update(tensor.detach().contiguous().numpy().tobytes())
    return checksum.hexdigest()


def _as_tensor(values: Trajectories | Tensor | NDArray[Any], name: str) -> Tensor:
    if isinstance(values, Trajectories):
        values = values[name]
    tensor = values if isinstance(values, Tensor) else torch.from_numpy(np.array(values))
    if tensor.ndim != 3 or not tensor.is_floating_point():
        raise DataError(
            f"'{name}' is {tensor.dtype} {list(tensor.shape)}, "
            "expected real [time, member, k]"
        )
    if not bool(torch.isfinite(tensor).all()):
        raise DataError(f"'{name}' holds values that are not finite")
    return tensor
