# SPDX-License-Identifier: MIT
"""Inputs as one line of text each: `x:f32[batch,10]`."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

import torch
from torch import Tensor

from ..errors import ExportError
from .signature import DTYPE_NAMES

_INPUT: Final = re.compile(r"(?P<name>\w+):(?P<dtype>\w+)(\[(?P<shape>[^\]]*)\])?")
_SHORT: Final = {
    "f32": torch.float32,
    "f64": torch.float64,
    "f16": torch.float16,
    "bf16": torch.bfloat16,
    "i8": torch.int8,
    "i16": torch.int16,
    "i32": torch.int32,
    "i64": torch.int64,
}
_DTYPES: Final = {**_SHORT, **{name: dtype for dtype, name in DTYPE_NAMES.items()}}
_EXTENT: Final = 3  # of an example, where it may vary


def parse_inputs(
    texts: Sequence[str], ranges: Mapping[str, tuple[float, float]] | None = None
) -> tuple[dict[str, Tensor], dict[str, dict[str, int]]]:
    """Return examples by name, and the dimensions that vary: `{"batch": {"x": 0}}`.

    Each text is `name:dtype[shape]`; dtype as `f32` or `float32`, shape of extents and of
    symbols for those that vary, slowest first; without brackets the input is a scalar.

    Raises
    ------
    ExportError
        If a text cannot be read.
    """
    generator = torch.Generator().manual_seed(0)
    examples: dict[str, Tensor] = {}
    dynamic: dict[str, dict[str, int]] = {}
    for text in texts:
        found = _INPUT.fullmatch(text.replace(" ", ""))
        if found is None:
            raise ExportError(f"'{text}' is no input: write x:f32[batch,10]")
        name = found["name"]
        if name in examples:
            raise ExportError(f"input '{name}' is given twice")
        if found["dtype"] not in _DTYPES:
            known = ", ".join([*_SHORT, "bool"])
            raise ExportError(f"'{text}' has the dtype '{found['dtype']}': use {known}")
        shape = []
        for axis, extent in enumerate(e for e in (found["shape"] or "").split(",") if e):
            if not extent.isdigit():
                dynamic.setdefault(extent, {})[name] = axis
            shape.append(int(extent) if extent.isdigit() else _EXTENT)
        limits = (ranges or {}).get(name, (0.0, 1.0))
        examples[name] = _example(_DTYPES[found["dtype"]], shape, limits, generator)
    return examples, dynamic


def _example(
    dtype: torch.dtype,
    shape: Sequence[int],
    limits: tuple[float, float],
    generator: torch.Generator,
) -> Tensor:
    unit = torch.rand(tuple(shape), generator=generator, dtype=torch.float64)
    return (limits[0] + (limits[1] - limits[0]) * unit).to(dtype)
