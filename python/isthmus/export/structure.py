# SPDX-License-Identifier: MIT
"""Results in tuples, lists, named tuples and dictionaries: flattened, and named by paths.

Depth first, left to right; a name is the path to a tensor, joined by dots.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from torch import Tensor, nn

from ..errors import ExportError
from .derivatives import Tensors


class Flattened(nn.Module):
    """A module whose result is one plain tuple."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, *x: Tensor) -> Tensors:
        """Return the tensors of the result in their order."""
        return tuple(tensor for _, tensor in leaves(self.module(*x)))


def flattened(module: nn.Module, methods: Sequence[str]) -> nn.Module:
    """Return a module whose result is one plain tuple, with the same own methods."""

    def delegate(name: str) -> Callable[..., Tensors]:
        def method(self: Flattened, *x: Tensor) -> Tensors:
            return tuple(t for _, t in leaves(getattr(self.module, name)(*x)))

        return method

    own = {name: delegate(name) for name in methods}
    made: nn.Module = type("Flattened", (Flattened,), own)(module)
    return made


def leaves(result: Any, path: str = "") -> Iterator[tuple[str, Tensor]]:  # noqa: ANN401
    """Yield path and tensor of all that a module returned.

    Raises
    ------
    ExportError
        If something in it is no tensor.
    """
    if isinstance(result, Tensor):
        yield path, result
        return
    for name, item in _children(result, path):
        yield from leaves(item, f"{path}.{name}" if path else name)


def is_nested(result: object) -> bool:
    """Whether a result is more than a tensor or a plain tuple of tensors."""
    if isinstance(result, tuple) and not hasattr(result, "_fields"):
        return any(isinstance(item, tuple | list | dict) for item in result)
    return isinstance(result, tuple | list | dict)


def default_names(result: Any) -> Sequence[str]:  # noqa: ANN401 (whatever it returned)
    """Return the names of outputs that nobody named: paths, or output_0, output_1, ..."""
    paths = [path for path, _ in leaves(result)]
    if is_nested(result):
        return paths
    return [f"output_{i}" for i in range(len(paths))]


def _children(result: Any, path: str) -> list[tuple[str, Any]]:  # noqa: ANN401
    if isinstance(result, dict):
        return [(str(key), item) for key, item in result.items()]
    if hasattr(result, "_fields"):
        return list(zip(result._fields, result, strict=True))
    if isinstance(result, tuple | list):
        return [(str(i), item) for i, item in enumerate(result)]
    where = f" at '{path}'" if path else ""
    raise ExportError(
        f"forward returns a {type(result).__name__}{where}: return tensors, in"
        " tuples, lists or dictionaries"
    )
