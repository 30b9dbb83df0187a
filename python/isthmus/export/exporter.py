# SPDX-License-Identifier: MIT
"""From a module to a model file: describe, check, write, compare, and only then name it."""

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
    Variant,
    write_contract,
)
from ..errors import ContractError, ExportError
from . import checks, inductor, own_methods, parity, portable, torchscript, trial
from .derivatives import Linearisation, Tensors
from .draft import collected_provenance, folder_beside, publish, shown
from .own_methods import Described, MethodSpec
from .physical import Physical
from .signature import Signature, VariableSpec
from .trial import Dynamic

Engine = Literal["torchscript", "inductor"]

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
    methods: Mapping[str, MethodSpec | None] | Sequence[str] | None = None,
    provenance: Mapping[str, Any] | None = None,
    engine: Engine | None = None,
    derivatives: bool = True,
    isa: inductor.Isa = "native",
    threads: int = 1,
    specialize: Sequence[int] = (),
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
        By variable; `normalization` is mean and standard deviation, for information, or a
        `Normalization` that the bridge applies: then examples and ranges are physical
        values, and the module is given normalized ones. Parity is checked on random inputs
        within `training_range`, or like the example if there is none.
    version
        Of the weights.
    guard
        Where the network may be believed; `learn_guard` learns it from the training data.
    memory
        Recurrent inputs, each with the output of the previous call that it takes.
    methods
        Of the module's own, run by their names: a list, or a `MethodSpec` for each. They
        have no derivatives.
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
    specialize
        Extents of `separable` that get a compiled `forward` of their own, tuned for it: a
        model that calls with one column gains most. Only for `.pt2`.
    portable_program
        Whether the file also holds what it was compiled from, for `compile_file` on another
        machine: as large as the weights again for each method. Only for `.pt2`.
    tolerance
        Largest difference allowed, relative to the largest value of each output; default
        256 units of the dtype's epsilon, 8 in half precision.
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
    specs = own_methods.specs_of(frozen, methods)
    of_forward = own_methods.dynamic_of_forward(dynamic or {}, specs)
    frozen, outputs = trial.flattened(
        frozen, inputs, outputs, of_forward, training_range or {}, tuple(specs)
    )
    specs_in, specs_out = trial.specifications(
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
    _check_specialize(specialize, chosen, separable)
    generator = torch.Generator().manual_seed(seed)
    described, samples = trial.describe(frozen, specs_in, specs_out, of_forward, generator)
    physical = Physical(frozen, described.inputs, described.outputs)
    own = {
        n: own_methods.describe(frozen, n, spec, described, dynamic or {}, generator)
        for n, spec in specs.items()
    }
    if separable is not None:
        _check_separable(physical.seen, described, separable, generator, tolerance)
        for method in own.values():
            if separable in method.signature.symbols:
                seen = method.physical.seen
                _check_separable(seen, method.signature, separable, generator, tolerance)
    if derivatives:
        _check_differentiable(described)
    try:
        contract = Contract(
            name=name or target.stem,
            description=description,
            engine=chosen,
            methods={
                **described.methods(derivatives=derivatives),
                **{n: method.names for n, method in own.items()},
            },
            variables=_variables(described, own),
            payload_sha256={},
            separable=separable,
            dt=dt,
            strides="contiguous" if chosen == "inductor" else "any",
            self_test=_self_test(physical.seen, described, seed, tolerance),
            version=version,
            guard=guard,
            memory=memory or {},
            provenance={**collected_provenance(seed), **(provenance or {})},
        )
        contract.to_json()  # fails now rather than after a minute of compilation
    except ContractError as error:
        raise ExportError(f"the contract cannot be written: {error}") from error
    samples = [physical.normalized(x) for x in samples]
    with folder_beside(target) as folder, shown(progress) as show:
        draft = folder / target.name
        if chosen == "torchscript":
            show(f"{target.name}: TorchScript")
            made_by: str = torchscript.write_torchscript(
                frozen, draft, samples, {n: m.samples for n, m in own.items()}
            )
        else:
            made_by = "compile"
            special = {
                n: physical.normalized(x)
                for n, x in _special_samples(
                    described, separable, specialize, generator
                ).items()
            }
            keep = portable.Programs() if portable_program else None
            contract = _compile(
                draft,
                described.linearised(frozen),
                contract,
                samples[0],
                special,
                isa,
                threads,
                show,
                keep,
                own,
            )
            if keep is not None:
                keep.append_to(draft)
        contract = write_contract(draft, contract)
        show(f"{target.name}: comparing with PyTorch through the bridge")
        compared = parity.check_parity(
            draft,
            described.linearised(physical.seen),
            described,
            seed=seed + 1,
            tolerance=tolerance,
            own={n: (m.physical.seen, m.signature) for n, m in own.items()},
            also={separable: specialize} if separable else {},
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


def _check_separable(
    module: nn.Module,
    described: Signature,
    symbol: str,
    generator: torch.Generator,
    tolerance: float | None,
) -> None:
    extents = {s: 11 + i for i, s in enumerate(described.symbols)}
    x = described.sample(extents, generator)
    checks.check_separable(module, described, symbol, extents, x, tolerance)


def _variables(described: Signature, own: Mapping[str, Described]) -> dict[str, Variable]:
    """Return all variables; two methods that name one must mean the same."""
    found = {**described.inputs, **described.outputs}
    for method, each in own.items():
        for name, variable in {**each.signature.inputs, **each.signature.outputs}.items():
            known = found.setdefault(name, variable)
            if (known.dtype, known.shape) != (variable.dtype, variable.shape):
                raise ExportError(
                    f"'{name}' of '{method}' is {variable.dtype} {list(variable.shape)},"
                    f" elsewhere {known.dtype} {list(known.shape)}"
                )
    return found


def _check_differentiable(described: Signature) -> None:
    for side, positions in (
        ("input", described.differentiable_inputs),
        ("output", described.differentiable_outputs),
    ):
        if not positions:
            raise ExportError(f"no {side} is floating-point: pass derivatives=False")


def _check_specialize(
    extents: Sequence[int], engine: Engine, separable: str | None
) -> None:
    if not extents:
        return
    if engine != "inductor" or separable is None:
        raise ExportError(
            "specialize compiles for extents of 'separable': give that, and a path in .pt2"
        )
    if len(set(extents)) != len(extents) or min(extents) < 1:
        raise ExportError(f"specialize is {list(extents)}, expected different extents")


def _special_samples(
    described: Signature,
    symbol: str | None,
    extents: Sequence[int],
    generator: torch.Generator,
) -> dict[int, Tensors]:
    """Return inputs of `forward` for each extent of a symbol, other symbols apart."""
    others = {s: 11 + i for i, s in enumerate(described.symbols)}
    return {n: described.sample({**others, str(symbol): n}, generator) for n in extents}


def _self_test(
    module: nn.Module, described: Signature, seed: int, tolerance: float | None
) -> SelfTest | None:
    extents = dict.fromkeys(described.symbols, 2)
    x = described.sample(extents, torch.Generator().manual_seed(seed))
    y = checks.probe(module, x, tuple(described.inputs), tuple(described.outputs))
    if sum(tensor.numel() for tensor in (*x, *y)) > _SELF_TEST_ELEMENTS:
        return None
    rounding = parity.rounding_of(module, described)
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
    special: Mapping[int, Tensors],
    isa: inductor.Isa,
    threads: int,
    show: Callable[[str], None],
    keep: portable.Programs | None,
    own: Mapping[str, Described],
) -> Contract:
    """Compile all methods and return the contract with the instruction set they need."""
    y = linear.forward(*x)
    # Clones, because the tracer knows arguments by identity: given the same tensor as `x`
    # and `x_tl`, it would read one where it means the other.
    x_tl = tuple(x[i].clone() for i in linear.inputs)
    y_ad = tuple(y[i].clone().contiguous() for i in linear.outputs)
    samples = {"forward": x, "jvp": (*x, *x_tl), "vjp": (*x, *y_ad)}
    samples |= {name: method.samples[0] for name, method in own.items()}
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
            own={name: method.module for name, method in own.items()},
        )
        variants = tuple(Variant(f"forward_batch_{n}", n) for n in special)
        for variant in variants:
            show(f"{draft.name}: tuning forward for {variant.extent}")
            files[variant.model] = inductor.compile_variant(
                linear,
                special[variant.extent],
                variables["forward"],
                symbol=contract.separable or "",
                isa=isa,
                threads=threads,
            )
        return replace(
            contract,
            isa=inductor.write_package(draft, files),
            variants={"forward": variants} if variants else {},
        )
