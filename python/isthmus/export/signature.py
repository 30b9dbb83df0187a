# SPDX-License-Identifier: MIT
"""What goes into and out of a module: names, types, shapes, extents that may vary."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import torch
from torch import Tensor

from ..contract import ADJOINT, TANGENT, Extent, Method, Normalization, Variable
from ..errors import ExportError
from .derivatives import Linearisation

Extents = Mapping[str, int]
"""A value for each symbol."""

DTYPE_NAMES: Final = {
    torch.bool: "bool",
    torch.int8: "int8",
    torch.int16: "int16",
    torch.int32: "int32",
    torch.int64: "int64",
    torch.float32: "float32",
    torch.float64: "float64",
    torch.float16: "float16",
    torch.bfloat16: "bfloat16",
}
_INSTEAD_OF_COMPLEX: Final = (
    ". Let the module take and return real and imaginary parts, by torch.view_as_complex"
    " and torch.view_as_real"
)
_PRIMES: Final = (7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61)


@dataclass(frozen=True)
class VariableSpec:
    """An input or output of a network, as the one who exports it describes it."""

    example: Tensor | None = None
    """Typical values; required for inputs, where it fixes dtype and shape."""
    dtype: torch.dtype | None = None
    """What an output must be; checked, never converted."""
    dims: Sequence[str] | None = None
    units: str | None = None
    long_name: str | None = None
    training_range: tuple[float, float] | None = None
    normalization: tuple[float, float] | Normalization | None = None
    """Mean and standard deviation used in training."""


@dataclass(frozen=True)
class Signature:
    """The inputs and outputs of a module, in order, with their types and shapes."""

    inputs: Mapping[str, Variable]
    outputs: Mapping[str, Variable]
    examples: Mapping[str, Tensor]
    """An example for each input."""

    @property
    def symbols(self) -> tuple[str, ...]:
        """The extents that may vary, in order of appearance."""
        found = [e for v in self.inputs.values() for e in v.shape if isinstance(e, str)]
        return tuple(dict.fromkeys(found))

    @property
    def differentiable_inputs(self) -> tuple[int, ...]:
        """Positions of the inputs that have `_tl` and `_ad` companions."""
        return _differentiable(self.inputs)

    @property
    def differentiable_outputs(self) -> tuple[int, ...]:
        """Positions of the outputs that have `_tl` and `_ad` companions."""
        return _differentiable(self.outputs)

    def linearised(self, module: torch.nn.Module) -> Linearisation:
        """Return a module of this signature with its derivatives."""
        return Linearisation(
            module,
            len(self.inputs),
            self.differentiable_inputs,
            self.differentiable_outputs,
        )

    def methods(self, *, derivatives: bool) -> dict[str, Method]:
        """Return the names each method reads and fills, in the engines' order."""
        x, y = tuple(self.inputs), tuple(self.outputs)
        methods = {"forward": Method(x, y)}
        if derivatives:
            x_d = tuple(x[i] for i in self.differentiable_inputs)
            y_d = tuple(y[i] for i in self.differentiable_outputs)
            methods["jvp"] = Method(x + _named(x_d, TANGENT), y + _named(y_d, TANGENT))
            methods["vjp"] = Method(x + _named(y_d, ADJOINT), _named(x_d, ADJOINT))
        return methods

    def sample(self, extents: Extents, generator: torch.Generator) -> tuple[Tensor, ...]:
        """Return random inputs within the training ranges."""
        return tuple(
            _sample(variable, self.examples[name], extents, generator)
            for name, variable in self.inputs.items()
        )

    def tangents(self, extents: Extents, generator: torch.Generator) -> tuple[Tensor, ...]:
        """Return random perturbations of the differentiable inputs."""
        return _noise(self.inputs, self.differentiable_inputs, extents, generator)

    def cotangents(
        self, extents: Extents, generator: torch.Generator
    ) -> tuple[Tensor, ...]:
        """Return random sensitivities to the differentiable outputs."""
        return _noise(self.outputs, self.differentiable_outputs, extents, generator)


def shape_at(variable: Variable, extents: Extents) -> tuple[int, ...]:
    """Return the shape of a variable with its symbols replaced."""
    return tuple(extents[e] if isinstance(e, str) else e for e in variable.shape)


def torch_dtype(variable: Variable) -> torch.dtype:
    """Return torch's name for the dtype of a variable."""
    return next(t for t, name in DTYPE_NAMES.items() if name == variable.dtype)


def tracing_extents(module: torch.nn.Module, inputs: Mapping[str, Variable]) -> Extents:
    """Choose extents to trace with, unlike each other and all fixed extents.

    Symbolic tracing takes equal extents for the same symbol: with 4 members of 4 points, a
    graph may ask for one where it means the other, and be wrong for every other size.
    """
    taken = {e for v in inputs.values() for e in v.shape if isinstance(e, int)}
    for tensor in (*module.parameters(), *module.buffers()):
        taken.update(tensor.shape)
    free = iter(prime for prime in _PRIMES if prime not in taken)
    symbols = dict.fromkeys(
        e for v in inputs.values() for e in v.shape if isinstance(e, str)
    )
    try:
        return {symbol: next(free) for symbol in symbols}
    except (StopIteration, RuntimeError) as error:
        raise ExportError(f"too many symbols: {', '.join(symbols)}") from error


def describe_inputs(
    inputs: Mapping[str, VariableSpec], dynamic: Mapping[str, int | Mapping[str, int]]
) -> dict[str, Variable]:
    """Turn specifications of inputs into variables with symbols in their shapes."""
    for name, spec in inputs.items():
        if spec.example is None:
            raise ExportError(f"input '{name}' has no example: give a tensor of its shape")
        _check_tensor(f"input '{name}'", spec.example)
    shapes = {name: _shape_of(spec.example) for name, spec in inputs.items()}
    for symbol, axes in dynamic.items():
        by_name = dict.fromkeys(inputs, axes) if isinstance(axes, int) else dict(axes)
        for name, axis in by_name.items():
            _place_symbol(shapes, symbol, name, axis)
    return {
        name: _variable(f"input '{name}'", spec, _example(spec).dtype, tuple(shapes[name]))
        for name, spec in inputs.items()
    }


def describe_outputs(
    outputs: Mapping[str, VariableSpec],
    first: tuple[Sequence[Tensor], Extents],
    second: tuple[Sequence[Tensor], Extents],
) -> dict[str, Variable]:
    """Infer the outputs from two evaluations with different extents."""
    found = {}
    for i, (name, spec) in enumerate(outputs.items()):
        one, other = first[0][i], second[0][i]
        _check_tensor(f"output '{name}'", one)
        if spec.dtype is not None and spec.dtype != one.dtype:
            raise ExportError(
                f"output '{name}' is {one.dtype}, declared {spec.dtype}: convert it in the"
                " module, or declare what it is"
            )
        shape = _infer_shape(name, one.shape, other.shape, first[1], second[1])
        found[name] = _variable(f"output '{name}'", spec, one.dtype, shape)
    return found


# Helpers


def _differentiable(variables: Mapping[str, Variable]) -> tuple[int, ...]:
    return tuple(i for i, v in enumerate(variables.values()) if v.is_differentiable)


def _named(names: Sequence[str], suffix: str) -> tuple[str, ...]:
    return tuple(name + suffix for name in names)


def _example(spec: VariableSpec) -> Tensor:
    assert spec.example is not None
    return spec.example


def _shape_of(example: Tensor | None) -> list[Extent]:
    assert example is not None
    return list(example.shape)


def _check_tensor(what: str, tensor: Tensor) -> None:
    if tensor.dtype not in DTYPE_NAMES:
        raise ExportError(
            f"{what} is {tensor.dtype}; Fortran can bind {', '.join(DTYPE_NAMES.values())}"
            f"{_INSTEAD_OF_COMPLEX if tensor.is_complex() else ''}"
        )
    if tensor.device.type != "cpu":
        raise ExportError(
            f"{what} is on '{tensor.device}': export from the CPU, use .cpu()"
        )
    if tensor.layout != torch.strided or tensor.is_quantized:
        raise ExportError(f"{what} is {tensor.layout}, expected a dense tensor")
    if 0 in tensor.shape:
        raise ExportError(f"{what} has shape {list(tensor.shape)}: no element to check")


def _place_symbol(
    shapes: Mapping[str, list[Extent]], symbol: str, name: str, axis: int
) -> None:
    if name not in shapes:
        raise ExportError(f"dynamic '{symbol}' names '{name}', which is no input")
    shape = shapes[name]
    if not -len(shape) <= axis < len(shape):
        raise ExportError(
            f"dynamic '{symbol}' is dimension {axis} of '{name}', which has {len(shape)}"
        )
    if isinstance(shape[axis], str):
        raise ExportError(f"dimension {axis} of '{name}' is '{shape[axis]}' and '{symbol}'")
    shape[axis] = symbol


def _variable(
    what: str, spec: VariableSpec, dtype: torch.dtype, shape: tuple[Extent, ...]
) -> Variable:
    if spec.dims is not None and len(spec.dims) != len(shape):
        raise ExportError(f"{what} has {len(shape)} dimensions, but dims {list(spec.dims)}")
    limits = spec.training_range
    if limits is not None and not limits[0] <= limits[1]:
        raise ExportError(f"{what} has the training range {list(limits)}: not rising")
    return Variable(
        dtype=DTYPE_NAMES[dtype],
        shape=shape,
        dims=None if spec.dims is None else tuple(spec.dims),
        units=spec.units,
        long_name=spec.long_name,
        training_range=None if limits is None else (float(limits[0]), float(limits[1])),
        normalization=_normalization(spec.normalization),
    )


def _normalization(
    given: tuple[float, float] | Normalization | None,
) -> Normalization | None:
    if given is None or isinstance(given, Normalization):
        return given
    return Normalization(float(given[0]), float(given[1]))


def _infer_shape(
    name: str, one: torch.Size, other: torch.Size, first: Extents, second: Extents
) -> tuple[Extent, ...]:
    if len(one) != len(other):
        raise ExportError(f"output '{name}' has {len(one)} or {len(other)} dimensions")
    shape: list[Extent] = []
    for axis, (a, b) in enumerate(zip(one, other, strict=True)):
        symbols = [s for s in first if (first[s], second[s]) == (a, b)]
        if a != b and not symbols:
            raise ExportError(
                f"dimension {axis} of output '{name}' is {a} at {dict(first)} and {b} at"
                f" {dict(second)}: expected a fixed extent or one of the inputs' symbols"
            )
        shape.append(a if a == b else symbols[0])
    return tuple(shape)


def _sample(
    variable: Variable, example: Tensor, extents: Extents, generator: torch.Generator
) -> Tensor:
    shape, dtype = shape_at(variable, extents), torch_dtype(variable)
    if dtype == torch.bool:
        return torch.rand(shape, generator=generator) < 0.5
    limits = variable.training_range
    if not dtype.is_floating_point:
        low, high = limits or (int(example.min()), int(example.max()))
        return torch.randint(
            int(low), int(high) + 1, shape, generator=generator, dtype=dtype
        )
    if limits is not None:
        unit = torch.rand(shape, generator=generator, dtype=dtype)
        return limits[0] + (limits[1] - limits[0]) * unit
    spread = example.std() if example.numel() > 1 and bool(example.std() > 0) else 1.0
    return example.mean() + spread * torch.randn(shape, generator=generator, dtype=dtype)


def _noise(
    variables: Mapping[str, Variable],
    positions: Sequence[int],
    extents: Extents,
    generator: torch.Generator,
) -> tuple[Tensor, ...]:
    chosen = [list(variables.values())[i] for i in positions]
    return tuple(
        torch.randn(shape_at(v, extents), generator=generator, dtype=torch_dtype(v))
        for v in chosen
    )


def merge_metadata(
    specs: Mapping[str, VariableSpec], **tables: Mapping[str, object] | None
) -> dict[str, VariableSpec]:
    """Merge tables such as `units={"x": "m"}` into specifications; refuse unknown names."""
    merged = dict(specs)
    for key, table in tables.items():
        for name, value in (table or {}).items():
            if name not in merged:
                known = ", ".join(f"'{known}'" for known in merged)
                raise ExportError(f"{key} names '{name}', which is none of {known}")
            merged[name] = replace(merged[name], **{key: value})  # type: ignore[arg-type]
    return merged
