# SPDX-License-Identifier: MIT
"""Methods of a module besides `forward`: any name, several, run by name through the bridge.

They have no derivatives. An input may be one of `forward`'s, or an output of it, or one
that only the method takes.
"""

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..contract import METHODS, Method, Variable
from ..errors import ExportError
from . import checks, signature, structure
from .derivatives import Tensors
from .physical import Physical
from .signature import Signature, VariableSpec


@dataclass(frozen=True)
class MethodSpec:
    """A method of a module, as the one who exports it describes it."""

    inputs: Mapping[str, Tensor | VariableSpec | None] | Sequence[str] | None = None
    """Names in the order of the arguments, by default theirs; with an example where a name
    is no input of `forward`."""
    outputs: Sequence[str] | None = None
    """By default `step_0`, `step_1`, ... of a method `step`."""


class OwnMethod(nn.Module):
    """A method as a module: what is probed, compiled and compared."""

    def __init__(self, module: nn.Module, name: str) -> None:
        super().__init__()
        self.module = module
        self.name = name

    def forward(self, *x: Tensor) -> Tensors:
        """Return the tensors of the result in their order."""
        result = getattr(self.module, self.name)(*x)
        return tuple(tensor for _, tensor in structure.leaves(result))


@dataclass(frozen=True)
class Described:
    """A method with its variables."""

    module: nn.Module
    """The method on the values the network computes with."""
    physical: Physical
    """The same on the values the host binds."""
    signature: Signature
    samples: tuple[Tensors, ...]

    @property
    def names(self) -> Method:
        """The names it reads and fills."""
        return Method(tuple(self.signature.inputs), tuple(self.signature.outputs))


def specs_of(
    module: nn.Module, methods: Mapping[str, MethodSpec | None] | Sequence[str] | None
) -> dict[str, MethodSpec]:
    """Return a specification for each method, its inputs named.

    Raises
    ------
    ExportError
        If the module has no such method, or its arguments cannot be named.
    """
    if isinstance(methods, str):
        raise ExportError(f"methods is the string '{methods}': give a list, ['{methods}']")
    given = methods if isinstance(methods, Mapping) else dict.fromkeys(methods or ())
    found = {}
    for name, spec in given.items():
        spec = spec or MethodSpec()
        if name in METHODS:
            raise ExportError(f"'{name}' is written anyway: methods names others")
        inputs = parameters(module, name) if spec.inputs is None else spec.inputs
        if not isinstance(inputs, Mapping):
            inputs = dict.fromkeys(inputs)
        found[name] = MethodSpec(inputs, spec.outputs)
    return found


def parameters(module: nn.Module, name: str) -> list[str]:
    """Return the names of the arguments of a method that must be given.

    Raises
    ------
    ExportError
        If the module has no such method, or its arguments cannot be named.
    """
    if not callable(getattr(module, name, None)):
        raise ExportError(f"{type(module).__name__} has no method '{name}'")
    found = inspect.signature(getattr(module, name)).parameters.values()
    for one in found:
        if one.kind not in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD):
            raise ExportError(
                f"'{name}' takes '*{one.name}': name its inputs in a MethodSpec"
            )
    return [one.name for one in found if one.default is one.empty]


def dynamic_of_forward(
    dynamic: Mapping[str, int | Mapping[str, int]], specs: Mapping[str, MethodSpec]
) -> dict[str, int | Mapping[str, int]]:
    """Return the extents that vary without the inputs that only methods take."""
    only = {
        name
        for spec in specs.values()
        if isinstance(spec.inputs, Mapping)
        for name, given in spec.inputs.items()
        if given is not None
    }
    found: dict[str, int | Mapping[str, int]] = {}
    for symbol, axes in dynamic.items():
        if not isinstance(axes, int):
            axes = {name: axis for name, axis in axes.items() if name not in only}
        if isinstance(axes, int) or axes:
            found[symbol] = axes
    return found


def describe(
    module: nn.Module,
    name: str,
    spec: MethodSpec,
    of_forward: Signature,
    dynamic: Mapping[str, int | Mapping[str, int]],
    generator: torch.Generator,
) -> Described:
    """Find out what a method takes and gives, by trying it."""
    inputs = _inputs(name, spec, of_forward, dynamic)
    variables = {n: v for n, (v, _) in inputs.items()}
    examples = {n: example for n, (_, example) in inputs.items()}
    partial = Signature(variables, {}, examples)
    first = signature.tracing_extents(module, variables)
    sizes = [{s: n + more for s, n in first.items()} for more in (0, 2, 5)]
    samples = [partial.sample(extents, generator) for extents in sizes]
    bare = OwnMethod(module, name)
    seen = Physical(bare, variables, {}).seen
    with torch.no_grad():
        count = len(tuple(_tried(seen, name, samples[0])))
    names = tuple(spec.outputs or [f"{name}_{i}" for i in range(count)])
    checks.check_names(tuple(variables), names)
    results = [checks.probe(seen, x, tuple(variables), names) for x in samples]
    y_vars = signature.describe_outputs(
        dict.fromkeys(names, VariableSpec()),
        (results[0], sizes[0]),
        (results[1], sizes[1]),
    )
    known = {**of_forward.inputs, **of_forward.outputs}
    for output in [n for n in names if n in known]:
        one, other = y_vars[output], known[output]
        if (one.dtype, one.shape) != (other.dtype, other.shape):
            raise ExportError(
                f"output '{output}' of '{name}' is {one.dtype} {list(one.shape)}, but"
                f" '{output}' of forward is {other.dtype} {list(other.shape)}"
            )
        y_vars[output] = other
    physical = Physical(bare, variables, y_vars)
    normalized = tuple(physical.normalized(x) for x in samples)
    return Described(bare, physical, Signature(variables, y_vars, examples), normalized)


# Helpers


def _inputs(
    name: str,
    spec: MethodSpec,
    of_forward: Signature,
    dynamic: Mapping[str, int | Mapping[str, int]],
) -> dict[str, tuple[Variable, Tensor]]:
    """Return variable and example of each input."""
    assert isinstance(spec.inputs, Mapping)
    known = {**of_forward.outputs, **of_forward.inputs}
    found = {}
    for each, given in spec.inputs.items():
        if each in known and given is None:
            variable = known[each]
            found[each] = variable, of_forward.examples.get(each, _example(variable))
        elif given is None:
            raise ExportError(
                f"'{name}' takes '{each}', which is neither input nor output of forward:"
                " give an example (MethodSpec(inputs=...), --method-input)"
            )
        elif each in known:
            raise ExportError(f"'{each}' of '{name}' is forward's: it takes no example")
        else:
            made = VariableSpec(example=given) if isinstance(given, Tensor) else given
            axes = {
                symbol: axis if isinstance(axis, int) else axis.get(each)
                for symbol, axis in dynamic.items()
            }
            placed = {s: {each: a} for s, a in axes.items() if a is not None}
            variable = signature.describe_inputs({each: made}, placed)[each]
            assert made.example is not None
            found[each] = variable, made.example
    return found


def _example(variable: Variable) -> Tensor:
    """Return values of order one for an output of forward that a method takes."""
    shape = [e if isinstance(e, int) else 1 for e in variable.shape]
    return torch.zeros(shape, dtype=signature.torch_dtype(variable))


def _tried(seen: nn.Module, name: str, x: Tensors) -> Tensors:
    try:
        result: Tensors = seen(*x)
    except ExportError:
        raise
    except Exception as error:
        raise ExportError(
            f"'{name}' fails for its inputs: {str(error).splitlines()[0]}"
        ) from error
    return result
