# SPDX-License-Identifier: MIT
"""Write a module as TorchScript: by its source if that compiles, else by its trace.

TorchScript is deprecated upstream, but it is the one container that loads anywhere without
a compiler. Its derivatives need nothing in the file: the bridge differentiates `forward`.
"""

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, Literal

import torch
from torch import Tensor, nn

from ..errors import ExportError
from .derivatives import as_tuple

How = Literal["script", "trace"]

TRACE_TOLERANCE: Final = 1e-4
"""A trace that baked in an extent is wrong by far more; parity has the fine comparison."""


def write_torchscript(
    module: nn.Module, path: Path, samples: Sequence[tuple[Tensor, ...]]
) -> How:
    """Write `path`; `samples` are inputs of three different sizes.

    Raises
    ------
    ExportError
        If the module can neither be scripted nor traced without guessing.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            how: How = "script"
            compiled: Any = torch.jit.script(module)  # torch's jit is untyped
            _compare(compiled, module, samples[0])
        except Exception as reason:  # whatever the frontend cannot read
            how, compiled = "trace", _trace(module, samples, reason)
        # Into memory first: torch's own file writer ends the process if the disk is full.
        path.write_bytes(compiled.save_to_buffer())
    return how


def _trace(
    module: nn.Module, samples: Sequence[tuple[Tensor, ...]], reason: Exception
) -> Any:  # noqa: ANN401
    """Trace with two sizes and verify on a third, never used in tracing."""
    jit: Any = torch.jit
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            # A tensor turned into a Python value would be a constant of the trace.
            warnings.simplefilter("error", jit.TracerWarning)
            traced = jit.trace(module, samples[0], check_inputs=[samples[1]])
        _compare(traced, module, samples[2])
    except Exception as error:
        raise ExportError(
            f"TorchScript can neither script nor trace {type(module).__name__}. Scripting:"
            f" {first_line(reason)}. Tracing: {first_line(error)}. Branch on no tensor's"
            " value, or write .pt2 with torch.cond"
        ) from error
    return traced


def _compare(
    compiled: Callable[..., Any], module: nn.Module, sample: tuple[Tensor, ...]
) -> None:
    for found, expected in zip(
        as_tuple(compiled(*sample)), as_tuple(module(*sample)), strict=True
    ):
        torch.testing.assert_close(
            found, expected, rtol=TRACE_TOLERANCE, atol=TRACE_TOLERANCE, equal_nan=True
        )


def first_line(error: BaseException) -> str:
    """Return the first line of an error that says something."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0].rstrip(".:") if lines else type(error).__name__
