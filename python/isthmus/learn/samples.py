# SPDX-License-Identifier: MIT
"""Training samples: windows of trajectories, and pairs."""

import copy
import hashlib
from typing import Any, ClassVar, Protocol, Self

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

    A model with other targets overrides `measured`; one with more tensors than these two
    lists them in `tensors`.

    Parameters
    ----------
    x : Trajectories, tensor or array
        States [time, member, ...]; of `Trajectories`, the variable `x`.
    beside : tensor, optional
        What acts beside the state in the step that begins at each time [time, member, n].
    stride : int, optional
        Times between the starts of two windows; None: half their length, at least 4, so
        that long rollouts do not see each state many times.
    """

    tensors: ClassVar[tuple[str, ...]] = ("x", "beside")
    name: ClassVar = "x"
    axes: ClassVar = "[time, member, k]"

    def __init__(
        self,
        x: Trajectories | Tensor | NDArray[Any],
        beside: Tensor | None = None,
        *,
        stride: int | None = 1,
    ) -> None:
        self.x = _as_tensor(x, self.name, self.axes)
        if beside is not None and beside.shape[:2] != self.x.shape[:2]:
            raise DataError(
                f"what acts beside '{self.name}' is {list(beside.shape)}, expected "
                f"[{self.x.shape[0]}, {self.x.shape[1]}, n]: one for each time and member"
            )
        if stride is not None and stride < 1:
            raise DataError(f"'stride' is {stride}, expected at least 1")
        self.beside = beside
        self.every = stride

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
                f"'{self.name}' has {self.x.shape[0]} times, a rollout needs {length + 1}"
            )
        return -(-n_starts // self.stride(length)) * self.x.shape[1]

    def batch(self, indices: Tensor, length: int) -> tuple[Any, Tensor]:
        """Return first states [member, k] and the states that follow [lead, member, k].

        With something beside the state, (first states, beside [lead, member, n]).
        """
        n_members = self.x.shape[1]
        time = torch.div(indices, n_members, rounding_mode="floor") * self.stride(length)
        member = indices % n_members
        leads = torch.arange(length).unsqueeze(-1)
        target = self.measured(self.x[time + leads + 1, member])
        start = self.x[time, member]
        if self.beside is None:
            return self.start(start, member), target
        return (start, self.beside[time + leads, member]), target

    def start(self, x: Tensor, member: Tensor) -> Any:  # noqa: ANN401 (see `Samples`)
        """Return where rollouts of some members begin."""
        return x

    def measured(self, x: Tensor) -> Tensor:
        """Return the target [lead, member, k] at the states that follow."""
        return x

    def stride(self, length: int) -> int:
        """Return the number of times between the starts of two windows."""
        return max(4, length // 2) if self.every is None else self.every

    def to(self, dtype: torch.dtype) -> Self:
        """Return the windows in another precision."""
        other = copy.copy(self)
        for name, tensor in self._tensors().items():
            setattr(other, name, tensor.to(dtype))
        return other

    def digest(self) -> str:
        """Return a checksum of the values."""
        return digest(*self._tensors().values())

    def _tensors(self) -> dict[str, Tensor]:
        found = {name: getattr(self, name) for name in self.tensors}
        return {name: tensor for name, tensor in found.items() if tensor is not None}


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


def _as_tensor(
    values: Trajectories | Tensor | NDArray[Any],
    name: str,
    axes: str = "[time, member, k]",
) -> Tensor:
    if isinstance(values, Trajectories):
        values = values[name]
    tensor = values if isinstance(values, Tensor) else torch.from_numpy(np.array(values))
    if tensor.ndim != axes.count(",") + 1 or not tensor.is_floating_point():
        raise DataError(
            f"'{name}' is {tensor.dtype} {list(tensor.shape)}, expected real {axes}"
        )
    if not bool(torch.isfinite(tensor).all()):
        raise DataError(f"'{name}' holds values that are not finite")
    return tensor
