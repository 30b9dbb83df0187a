# SPDX-License-Identifier: MIT
"""What a module must be before it is worth writing: a fixed function of its inputs."""

import copy
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import torch
from torch import Tensor, nn

from ..contract import ADJOINT, TANGENT
from ..errors import ExportError
from .derivatives import Tensors, as_tuple
from .reasons import failure_of_forward, first_line
from .signature import Extents, Signature

SEPARABLE_ROUNDING: Final = 1024
"""Units in the last place that a matrix product may change by with its batch size."""
SEPARABLE_HALF_ROUNDING: Final = 8
"""The same in half precision, where sums are kept in float32."""
_PART: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[0-9]+", re.ASCII)
"""Of a path to a nested output: a key, a field or a position."""


def frozen_copy(module: nn.Module) -> nn.Module:
    """Return a copy without gradients, after checking that it is ready for inference.

    Raises
    ------
    ExportError
        If it is in training mode, not on the CPU, or cannot be copied.
    """
    if isinstance(module, torch.jit.ScriptModule):
        raise ExportError("the module is TorchScript already: give the Python module")
    module = getattr(module, "_orig_mod", module)  # torch.compile wraps it
    for name, part in module.named_modules():
        if part.training:
            raise ExportError(
                f"{_called(name, part)} is in training mode: dropout and batch statistics"
                " would be exported; call module.eval() first"
            )
    for name, tensor in (*module.named_parameters(), *module.named_buffers()):
        if tensor.device.type != "cpu":
            raise ExportError(f"'{name}' is on '{tensor.device}': call module.cpu() first")
    try:
        return copy.deepcopy(module).requires_grad_(False)
    except Exception as error:
        raise ExportError(
            f"{type(module).__name__} cannot be copied: {first_line(error)}"
        ) from error


def check_names(inputs: Sequence[str], outputs: Sequence[str]) -> None:
    """Refuse names that repeat, collide with derivatives' names, or are no identifiers."""
    if not inputs or not outputs:
        raise ExportError("a network needs at least one input and one output")
    names = [*inputs, *outputs]
    for name in names:
        parts = name.split(".") if name in outputs else [name]
        if not all(_PART.fullmatch(part) for part in parts) or name.isdigit():
            raise ExportError(f"'{name}' is no name: use letters, digits and underscores")
        if names.count(name) > 1:
            raise ExportError(f"'{name}' names two variables: give each its own")
        if name.endswith((TANGENT, ADJOINT)):
            raise ExportError(
                f"'{name}' ends in '{TANGENT}' or '{ADJOINT}', which name derivatives:"
                " choose another"
            )


def probe(
    module: nn.Module, x: Tensors, inputs: Sequence[str], outputs: Sequence[str]
) -> Tensors:
    """Evaluate a module twice and return its outputs.

    Raises
    ------
    ExportError
        If it fails, does not return the declared tensors, changes its inputs or itself, or
        gives two answers to one question.
    """
    state = {name: tensor.clone() for name, tensor in _tensors_of(module).items()}
    given = tuple(tensor.clone() for tensor in x)
    y = _evaluate(module, given, x)
    _check_result(y, outputs)
    _check_aliases(given, y, inputs, outputs)
    for name, before, after in zip(inputs, x, given, strict=True):
        if not _same(before, after):
            raise ExportError(f"forward changes its input '{name}': work on a clone")
    for name, tensor in _tensors_of(module).items():
        if not _same(state[name], tensor):
            raise ExportError(f"forward changes '{name}' of the module: it has a memory")
    _check_repeatable(module, x, y, outputs)
    return y


def _tensors_of(module: nn.Module) -> dict[str, Tensor]:
    """Return what a state holds, less the packed weights of quantized layers."""
    state: dict[str, Any] = module.state_dict()
    return {name: value for name, value in state.items() if isinstance(value, Tensor)}


def check_separable(
    module: nn.Module,
    signature: Signature,
    symbol: str,
    extents: Extents,
    x: Tensors,
    tolerance: float | None = None,
) -> None:
    """Check that a sample's result does not depend on the samples beside it.

    `tolerance`, relative to the largest value, stands in for the rounding of the output's
    own type: a network in single precision may hide behind an output in double.
    """
    if symbol not in signature.symbols:
        raise ExportError(f"separable names '{symbol}', which is no dynamic extent")
    n_first = max(1, extents[symbol] // 3)
    cuts = ((0, n_first), (n_first, extents[symbol]))
    whole = _evaluate(module, x, x)
    for start, stop in cuts:
        part = tuple(
            _slice(tensor, v.shape, symbol, start, stop)
            for tensor, v in zip(x, signature.inputs.values(), strict=True)
        )
        results = zip(
            signature.outputs.items(), whole, _evaluate(module, part, part), strict=True
        )
        for (name, variable), together, alone in results:
            expected = _slice(together, variable.shape, symbol, start, stop)
            if not _close(alone, expected, tolerance):
                raise ExportError(
                    f"output '{name}' of a sample changes with the samples beside it along"
                    f" '{symbol}': not separable (a norm over the batch?)"
                )


def named_outputs(outputs: Sequence[str] | Mapping[str, object]) -> tuple[str, ...]:
    """Return the names of outputs; a bare string is refused, not read letter by letter."""
    if isinstance(outputs, str):
        raise ExportError(f"outputs is the string '{outputs}': give a list, ['{outputs}']")
    return tuple(outputs)


# Helpers


def _called(name: str, part: nn.Module) -> str:
    return f"'{name}' ({type(part).__name__})" if name else type(part).__name__


def _evaluate(module: nn.Module, x: Tensors, shown: Tensors) -> Tensors:
    try:
        with torch.no_grad():
            return as_tuple(module(*x))
    except Exception as error:
        shapes = ", ".join(str(list(tensor.shape)) for tensor in shown)
        raise ExportError(
            f"forward fails for inputs {shapes}: {failure_of_forward(module, x, error)}"
        ) from error


def _check_result(y: Tensors, outputs: Sequence[str]) -> None:
    for i, item in enumerate(y):
        if not isinstance(item, Tensor):
            raise ExportError(
                f"forward returns a {type(item).__name__} as output {i}: return a tensor or"
                " a tuple of tensors"
            )
    if len(y) != len(outputs):
        raise ExportError(
            f"forward returns {len(y)} tensors, {len(outputs)} outputs are named:"
            f" {', '.join(outputs)}"
        )
    for name, tensor in zip(outputs, y, strict=True):
        if tensor.is_floating_point() and not bool(tensor.isfinite().all()):
            raise ExportError(f"output '{name}' is not finite within the training range")


def _check_aliases(
    x: Tensors, y: Tensors, inputs: Sequence[str], outputs: Sequence[str]
) -> None:
    owners = {
        tensor.untyped_storage().data_ptr(): n for n, tensor in zip(inputs, x, strict=True)
    }
    for name, tensor in zip(outputs, y, strict=True):
        owner = owners.get(tensor.untyped_storage().data_ptr())
        if owner is not None:
            raise ExportError(
                f"output '{name}' shares the memory of input '{owner}': return a .clone()"
            )


def _check_repeatable(
    module: nn.Module, x: Tensors, y: Tensors, outputs: Sequence[str]
) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(20261121)
        again = _evaluate(module, tuple(tensor.clone() for tensor in x), x)
    for name, one, other in zip(outputs, y, again, strict=True):
        if not _same(one, other):
            raise ExportError(
                f"output '{name}' differs between two runs on the same input: the module"
                " draws random numbers or keeps a memory"
            )


def _same(one: Tensor, other: Tensor) -> bool:
    return bool(torch.equal(one, other) or torch.allclose(one, other, 0, 0, equal_nan=True))


def _slice(
    tensor: Tensor, shape: Sequence[int | str], symbol: str, start: int, stop: int
) -> Tensor:
    for axis, extent in enumerate(shape):
        if extent == symbol:
            tensor = tensor.narrow(axis, start, stop - start)
    return tensor.contiguous()


def _close(found: Tensor, expected: Tensor, tolerance: float | None = None) -> bool:
    if not expected.is_floating_point():
        return torch.equal(found, expected)
    scale = float(expected.abs().max())
    error = float((found - expected).abs().max())
    is_half = expected.dtype.itemsize == 2
    n_units = SEPARABLE_HALF_ROUNDING if is_half else SEPARABLE_ROUNDING
    allowed = n_units * torch.finfo(expected.dtype).eps
    return error <= max(allowed, tolerance or 0.0) * scale
