# SPDX-License-Identifier: MIT
"""From what the one who exports says to the signature of the network, by trying it."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from ..errors import ExportError
from . import checks, signature, structure
from .derivatives import Tensors
from .physical import Physical
from .reasons import failure_of_forward
from .signature import Signature, VariableSpec

Dynamic = Mapping[str, int | Mapping[str, int]]


def flattened(
    module: nn.Module,
    inputs: Mapping[str, Tensor | VariableSpec],
    outputs: Sequence[str] | Mapping[str, VariableSpec] | None,
    dynamic: Dynamic,
    training_range: Mapping[str, tuple[float, float]],
    methods: Sequence[str] = (),
) -> tuple[nn.Module, Sequence[str] | Mapping[str, VariableSpec]]:
    """Return a module whose result is at most a tuple, and the names of its outputs."""
    try:
        specs = {n: _as_spec(n, given) for n, given in inputs.items()}
        for name in training_range.keys() & specs.keys():
            specs[name] = replace(specs[name], training_range=training_range[name])
        described = signature.describe_inputs(specs, dynamic)
        examples = {n: s.example for n, s in specs.items() if s.example is not None}
        extents = signature.tracing_extents(module, described)
        generator = torch.Generator().manual_seed(0)
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            result = copy.deepcopy(module)(
                *Signature(described, {}, examples).sample(extents, generator)
            )
    except Exception as error:
        if outputs is not None:
            return module, outputs  # said below, with names and shapes
        given = (getattr(x, "example", x) for x in inputs.values())
        sample = tuple(x for x in given if isinstance(x, Tensor))
        reason = failure_of_forward(module, sample, error)
        raise ExportError(f"forward fails for the examples: {reason}") from error
    names = structure.default_names(result) if outputs is None else outputs
    if not structure.is_nested(result):
        return module, names
    return structure.flattened(module, methods), names


def specifications(
    inputs: Mapping[str, Tensor | VariableSpec],
    outputs: Sequence[str] | Mapping[str, VariableSpec],
    **tables: Mapping[str, object] | None,
) -> tuple[dict[str, VariableSpec], dict[str, VariableSpec]]:
    """Return the specifications of inputs and outputs with the tables merged in."""
    specs_in = {n: _as_spec(n, given) for n, given in inputs.items()}
    names = checks.named_outputs(outputs)
    specs_out = {n: VariableSpec() for n in names}
    if isinstance(outputs, Mapping):
        specs_out = {n: _as_spec(n, given) for n, given in outputs.items()}
    elif len(specs_out) != len(names):
        raise ExportError(f"outputs repeat a name: {', '.join(names)}")
    both = [n for n in specs_in if n in specs_out]
    if both:
        raise ExportError(f"'{both[0]}' names an input and an output: give each its own")
    merged = signature.merge_metadata({**specs_in, **specs_out}, **tables)
    return {n: merged[n] for n in specs_in}, {n: merged[n] for n in specs_out}


def describe(
    module: nn.Module,
    specs_in: Mapping[str, VariableSpec],
    specs_out: Mapping[str, VariableSpec],
    dynamic: Dynamic,
    generator: torch.Generator,
) -> tuple[Signature, list[Tensors]]:
    """Return the signature and inputs of three different sizes, as the host binds them."""
    x_vars = signature.describe_inputs(specs_in, dynamic)
    examples = {n: s.example for n, s in specs_in.items() if s.example is not None}
    partial = Signature(x_vars, {}, examples)
    first = signature.tracing_extents(module, x_vars)
    sizes = [
        first,
        {s: n + 2 for s, n in first.items()},
        {s: n + 5 for s, n in first.items()},
    ]
    samples = [partial.sample(extents, generator) for extents in sizes]
    names = tuple(specs_in), tuple(specs_out)
    seen = Physical(module, x_vars, {}).seen
    results = [checks.probe(seen, x, *names) for x in samples]
    y_vars = signature.describe_outputs(
        specs_out, (results[0], sizes[0]), (results[1], sizes[1])
    )
    return Signature(x_vars, y_vars, examples), samples


# Helpers


def _as_spec(name: str, given: object) -> VariableSpec:
    if isinstance(given, Tensor):
        return VariableSpec(example=given)
    if not isinstance(given, VariableSpec):
        raise ExportError(
            f"'{name}' is a {type(given).__name__}, expected a tensor or a VariableSpec"
        )
    return given
