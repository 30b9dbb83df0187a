# SPDX-License-Identifier: MIT
"""From a module to a model file: describe, check, write, compare, and only then name it."""

import copy
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from ..contract import (
    Contract,
    Guard,
    Normalization,
    SelfTest,
    Variable,
    write_contract,
)
from ..errors import ContractError, ExportError
from . import checks, inductor, parity, portable, signature, structure, torchscript
from .derivatives import Linearisation, Tensors
from .draft import collected_provenance, folder_beside, publish, shown
from .signature import Signature, VariableSpec

Engine = Literal["torchscript", "inductor"]
Dynamic = Mapping[str, int | Mapping[str, int]]

_SUFFIXES: dict[str, Engine] = {".pt": "torchscript", ".pt2": "inductor"}
_SELF_TEST_ELEMENTS = 1 << 16
"""Larger self-tests would make the contract larger than most networks."""


@dataclass(frozen=True)
class ExportReport:
    """What was written, and how far it is from PyTorch."""

    path: Path
    contract: Contract
    made_by: str
    """`"script"`, `"trace"` or `"compile"`."""
    parity: parity.Parity
    seconds: float

    def summary(self) -> str:
        """Return a few lines for a person."""
        lines = [
            f"{self.path}: {self.contract.engine} by {self.made_by}, {self.seconds:.1f} s"
        ]
        for d in self.parity.differences:
            lines.append(
                f"  {d.method:8}{d.variable:16} max error {d.absolute:.2e}, relative"
                f" {d.relative:.2e} (allowed {d.tolerance:.2e})"
            )
        if self.parity.dot_product is not None:
            lines.append(f"  adjoint identity to {self.parity.dot_product:.2e}")
        return "\n".join(lines)


def export_network(
    module: nn.Module,
    path: Path | str,
    *,
    inputs: Mapping[str, Tensor | VariableSpec],
    outputs: Sequence[str] | Mapping[str, VariableSpec] | None = None,
    dynamic: Dynamic | None = None,
    separable: str | None = None,
    name: str | None = None,
    description: str = "",
    dt: float | None = None,
    dims: Mapping[str, Sequence[str]] | None = None,
    units: Mapping[str, str] | None = None,
    long_names: Mapping[str, str] | None = None,
    training_range: Mapping[str, tuple[float, float]] | None = None,
    normalization: Mapping[str, tuple[float, float] | Normalization] | None = None,
    version: str | None = None,
    guard: Guard | None = None,
    memory: Mapping[str, str] | None = None,
    provenance: Mapping[str, Any] | None = None,
    engine: Engine | None = None,
    derivatives: bool = True,
    isa: inductor.Isa = "native",
    threads: int = 1,
    portable_program: bool = False,
    tolerance: float | None = None,
    seed: int = 0,
    progress: bool | None = None,
) -> ExportReport:
    """Write a module into one file with its contract, and compare it with PyTorch.

    The file appears under its name only when the bridge has reopened it and found
    `forward`, `jvp` and `vjp` equal to PyTorch's. Until then, and after any error, what was
    there before stays.

    Parameters
    ----------
    module
        In evaluation mode, on the CPU; takes and returns tensors (or returns a tuple).
    path
        Ends in `.pt` (TorchScript) or `.pt2` (AOTInductor).
    inputs
        By name, in the order of `forward`: an example tensor or a `VariableSpec`.
    outputs
        Names, in the order they are returned, or specifications by name. Nested results
        are flattened depth first; names not given are paths such as `flux.0`, or
        `output_0`, ... of a plain tuple.
    dynamic
        Extents that may vary: `{"member": 0}` is dimension 0 of every input,
        `{"member": {"x": 0}}` of `x` alone. All other extents are fixed.
    separable
        The dynamic extent along which samples are independent; checked.
    name, description
        For people and messages; `name` is the stem of the path if not given.
    dt
        Time step the network was trained for, in the time unit of its data.
    dims, units, long_names, training_range, normalization
        By variable; `normalization` is mean and standard deviation. Parity is checked on
        random inputs within `training_range`, or like the example if there is none.
    version
        Of the weights.
    guard
        Where the network may be believed; `learn_guard` learns it from the training data.
    memory
        Recurrent inputs, each with the output of the previous call that it takes.
    provenance
        Added to what is collected: versions, time, seed.
    engine
        Overrides the suffix of the path.
    derivatives
        Whether the file has `jvp` and `vjp`.
    isa
        `"native"`: this machine's; `"portable"`: any x86-64 with AVX2. Only for `.pt2`.
    threads
        Threads a compiled kernel is made for. Only for `.pt2`.
    portable_program
        Whether the file also holds what it was compiled from, for `compile_file` on another
        machine: as large as the weights again for each method. Only for `.pt2`.
    tolerance
        Largest difference allowed, relative to the largest value of each output; default
        256 units of the dtype's epsilon.
    seed
        Of the random inputs.
    progress
        Show it on standard error; default: if that is a terminal.

    Raises
    ------
    ExportError
        If the module cannot be exported or checked, or if the file differs from it.
    """
    started = time.monotonic()
    target = Path(path)
    chosen = _engine_of(target, engine)
    frozen = checks.frozen_copy(module)
    frozen, outputs = _flattened(
        frozen, inputs, outputs, dynamic or {}, training_range or {}
    )
    specs_in, specs_out = _specifications(
        inputs,
        outputs,
        dims=dims,
        units=units,
        long_name=long_names,
        training_range=training_range,
        normalization=normalization,
    )
    checks.check_names(tuple(specs_in), tuple(specs_out))
    if threads < 1:
        raise ExportError(f"threads is {threads}, expected at least 1")
    if isa not in ("native", "portable"):
        raise ExportError(f"isa is '{isa}', expected 'native' or 'portable'")
    if portable_program and chosen != "inductor":
        raise ExportError("portable_program is for .pt2: a .pt runs anywhere as it is")
    generator = torch.Generator().manual_seed(seed)
    described, samples = _describe(frozen, specs_in, specs_out, dynamic or {}, generator)
    _check_normalization(described)
    if separable is not None:
        _check_separable(frozen, described, separable, generator)
    if derivatives:
        _check_differentiable(described)
    try:
        contract = Contract(
            name=name or target.stem,
            description=description,
            engine=chosen,
            methods=described.methods(derivatives=derivatives),
            variables={**described.inputs, **described.outputs},
            payload_sha256={},
            separable=separable,
            dt=dt,
            strides="contiguous" if chosen == "inductor" else "any",
            self_test=_self_test(frozen, described, seed, tolerance),
            version=version,
            guard=guard,
            memory=memory or {},
            provenance={**collected_provenance(seed), **(provenance or {})},
        )
        contract.to_json()  # fails now rather than after a minute of compilation
    except ContractError as error:
        raise ExportError(f"the contract cannot be written: {error}") from error
    linear = Linearisation(
        frozen,
        len(described.inputs),
        described.differentiable_inputs,
        described.differentiable_outputs,
    )
    with folder_beside(target) as folder, shown(progress) as show:
        draft = folder / target.name
        if chosen == "torchscript":
            show(f"{target.name}: TorchScript")
            made_by: str = torchscript.write_torchscript(frozen, draft, samples)
        else:
            made_by = "compile"
            keep = portable.Programs() if portable_program else None
            contract = _compile(
                draft, linear, contract, samples[0], isa, threads, show, keep
            )
            if keep is not None:
                keep.append_to(draft)
        contract = write_contract(draft, contract)
        show(f"{target.name}: comparing with PyTorch through the bridge")
        compared = parity.check_parity(
            draft, linear, described, seed=seed + 1, tolerance=tolerance
        )
        publish(draft, target)
    seconds = time.monotonic() - started
    return ExportReport(target, contract, made_by, compared, seconds)


# Steps


def _engine_of(path: Path, engine: Engine | None) -> Engine:
    by_suffix = _SUFFIXES.get(path.suffix)
    if by_suffix is None:
        raise ExportError(f"'{path}' ends in '{path.suffix}', expected .pt or .pt2")
    if engine not in (None, by_suffix):
        raise ExportError(f"'{path}' is for {by_suffix}, but engine is '{engine}'")
    return by_suffix


def _flattened(
    module: nn.Module,
    inputs: Mapping[str, Tensor | VariableSpec],
    outputs: Sequence[str] | Mapping[str, VariableSpec] | None,
    dynamic: Dynamic,
    training_range: Mapping[str, tuple[float, float]],
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
        raise ExportError(
            f"forward fails for the examples: {torchscript.first_line(error)}"
        ) from error
    names = structure.default_names(result) if outputs is None else outputs
    return (structure.Flattened(module) if structure.is_nested(result) else module), names


def _specifications(
    inputs: Mapping[str, Tensor | VariableSpec],
    outputs: Sequence[str] | Mapping[str, VariableSpec],
    **tables: Mapping[str, object] | None,
) -> tuple[dict[str, VariableSpec], dict[str, VariableSpec]]:
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


def _as_spec(name: str, given: object) -> VariableSpec:
    if isinstance(given, Tensor):
        return VariableSpec(example=given)
    if not isinstance(given, VariableSpec):
        raise ExportError(
            f"'{name}' is a {type(given).__name__}, expected a tensor or a VariableSpec"
        )
    return given


def _describe(
    module: nn.Module,
    specs_in: Mapping[str, VariableSpec],
    specs_out: Mapping[str, VariableSpec],
    dynamic: Dynamic,
    generator: torch.Generator,
) -> tuple[Signature, list[Tensors]]:
    """Return the signature and inputs of three different sizes."""
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
    results = [checks.probe(module, x, *names) for x in samples]
    y_vars = signature.describe_outputs(
        specs_out, (results[0], sizes[0]), (results[1], sizes[1])
    )
    return Signature(x_vars, y_vars, examples), samples


def _check_separable(
    module: nn.Module, described: Signature, symbol: str, generator: torch.Generator
) -> None:
    extents = {s: 11 + i for i, s in enumerate(described.symbols)}
    x = described.sample(extents, generator)
    checks.check_separable(module, described, symbol, extents, x)


def _check_normalization(described: Signature) -> None:
    """Refuse what cannot be compared: the file would differ from the module."""
    for name, variable in {**described.inputs, **described.outputs}.items():
        scaling = variable.normalization
        if scaling is not None and scaling.applied_by == "bridge":
            raise ExportError(
                f"'{name}' is to be normalized by the bridge, which export cannot compare"
                " with PyTorch yet: normalize within the module"
            )


def _check_differentiable(described: Signature) -> None:
    for side, positions in (
        ("input", described.differentiable_inputs),
        ("output", described.differentiable_outputs),
    ):
        if not positions:
            raise ExportError(f"no {side} is floating-point: pass derivatives=False")


def _self_test(
    module: nn.Module, described: Signature, seed: int, tolerance: float | None
) -> SelfTest | None:
    extents = dict.fromkeys(described.symbols, 2)
    x = described.sample(extents, torch.Generator().manual_seed(seed))
    y = checks.probe(module, x, tuple(described.inputs), tuple(described.outputs))
    if sum(tensor.numel() for tensor in (*x, *y)) > _SELF_TEST_ELEMENTS:
        return None
    rounding = parity.ROUNDING * parity.coarsest_epsilon(module, described)
    return SelfTest(
        seed=seed,
        inputs={n: t.tolist() for n, t in zip(described.inputs, x, strict=True)},
        outputs={n: t.tolist() for n, t in zip(described.outputs, y, strict=True)},
        tolerance=rounding if tolerance is None else tolerance,
    )


def _compile(
    draft: Path,
    linear: Linearisation,
    contract: Contract,
    x: Tensors,
    isa: inductor.Isa,
    threads: int,
    show: Callable[[str], None],
    keep: portable.Programs | None,
) -> Contract:
    """Compile all methods and return the contract with the instruction set they need."""
    y = linear.forward(*x)
    # Clones, because the tracer knows arguments by identity: given the same tensor as `x`
    # and `x_tl`, it would read one where it means the other.
    x_tl = tuple(x[i].clone() for i in linear.inputs)
    y_ad = tuple(y[i].clone().contiguous() for i in linear.outputs)
    samples = {"forward": x, "jvp": (*x, *x_tl), "vjp": (*x, *y_ad)}
    methods = contract.methods
    variables: dict[str, tuple[Variable, ...]] = {
        m: tuple(contract.variable_of(n) for n in methods[m].inputs) for m in methods
    }
    with inductor.compile_cache():
        files = inductor.compile_methods(
            linear,
            {method: samples[method] for method in methods},
            variables,
            isa=isa,
            threads=threads,
            started=lambda method: show(f"{draft.name}: compiling {method}"),
            exported=None if keep is None else keep.add,
        )
        return replace(contract, isa=inductor.write_package(draft, files))
