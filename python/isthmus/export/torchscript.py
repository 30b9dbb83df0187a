# SPDX-License-Identifier: MIT
"""Write a module as TorchScript: by its source if that compiles, else by its trace.

TorchScript is deprecated upstream, but it is the one container that loads anywhere without
a compiler. Its derivatives need nothing in the file: the bridge differentiates `forward`.
"""

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Literal

import torch
from torch import Tensor, nn

from ..errors import ExportError
from .reasons import advice_on, first_line
from .structure import leaves

How = Literal["script", "trace"]

TRACE_TOLERANCE: Final = 1e-4
"""A trace that baked in an extent is wrong by far more; parity has the fine comparison."""


_MARK: Final = "_torchscript_modifier"
"""Where torch notes what scripting does with a method."""

Samples = Sequence[tuple[Tensor, ...]]
"""Inputs of three different sizes."""


def write_torchscript(
    module: nn.Module,
    path: Path,
    samples: Samples,
    methods: Mapping[str, Samples] | None = None,
) -> How:
    """Write `path`, with `forward` and the module's own `methods`.

    Raises
    ------
    ExportError
        If the module can neither be scripted nor traced without guessing.
    """
    every = {"forward": samples, **(methods or {})}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            how: How = "script"
            with _scripted(module, tuple(methods or ())):
                compiled: Any = torch.jit.script(module)  # torch's jit is untyped
            _compare_all(compiled, module, every, 0)
        except Exception as reason:  # whatever the frontend cannot read
            how, compiled = "trace", _trace(module, every, reason)
        # Into memory first: torch's own file writer ends the process if the disk is full.
        path.write_bytes(compiled.save_to_buffer())
    return how


@contextmanager
def _scripted(module: nn.Module, names: Sequence[str]) -> Iterator[None]:
    """Let scripting see these methods, as if they were decorated."""
    functions: list[Any] = [getattr(type(module), name) for name in names]
    unmarked = [f for f in functions if not hasattr(f, _MARK)]
    try:
        for function in unmarked:
            torch.jit.export(function)
        yield
    finally:
        for function in unmarked:
            delattr(function, _MARK)


def _trace(module: nn.Module, every: Mapping[str, Samples], reason: Exception) -> Any:  # noqa: ANN401
    """Trace with two sizes and verify on a third, never used in tracing."""
    jit: Any = torch.jit
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            # A tensor turned into a Python value would be a constant of the trace.
            warnings.simplefilter("error", jit.TracerWarning)
            first, second = ({m: s[i] for m, s in every.items()} for i in (0, 1))
            traced = jit.trace_module(module, first, check_inputs=[second])
        _compare_all(traced, module, every, 2)
    except Exception as error:
        raise ExportError(
            f"TorchScript can neither script nor trace {type(module).__name__}. Scripting:"
            f" {first_line(reason)}. Tracing: {first_line(error)}."
            f" {advice_on(reason, error)}"
        ) from error
    return traced


def _compare_all(
    compiled: Any,  # noqa: ANN401
    module: nn.Module,
    every: Mapping[str, Samples],
    which: int,
) -> None:
    for method, samples in every.items():
        _compare(getattr(compiled, method), getattr(module, method), samples[which])


def _compare(
    compiled: Callable[..., Any], module: Callable[..., Any], sample: tuple[Tensor, ...]
) -> None:
    pairs = zip(leaves(compiled(*sample)), leaves(module(*sample)), strict=True)
    for (_, found), (_, expected) in pairs:
        torch.testing.assert_close(
            found, expected, rtol=TRACE_TOLERANCE, atol=TRACE_TOLERANCE, equal_nan=True
        )
