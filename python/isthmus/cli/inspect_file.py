# SPDX-License-Identifier: MIT
"""`isthmus inspect`: the contract of a model file as a person reads it."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from isthmus.cli.fortran_snippet import fortran_snippet
from isthmus.contract import (
    Contract,
    Guard,
    Normalization,
    Variable,
    has_contract,
    read_contract,
)
from isthmus.contract.foreign import ForeignFile, read_foreign
from isthmus.errors import ContractError

FILE_WIDTH = 110  # of tables in a file or pipe, where no terminal says

ModelFile = Annotated[Path, typer.Argument(help="A model file, .pt or .pt2.")]


def inspect(
    file: ModelFile,
    as_json: Annotated[
        bool, typer.Option("--json", help="The contract as JSON, for programs.")
    ] = False,
    fortran: Annotated[
        bool,
        typer.Option(
            help="A Fortran program that declares, requires and binds its arrays."
        ),
    ] = False,
) -> None:
    """Print what a model file takes, gives and was made of; nothing in it is executed.

    Of a file without a contract it prints what the container tells.
    """
    foreign = read_foreign(file)
    contract = _contract_or_none(file)
    if as_json:
        found = asdict(foreign) if contract is None else json.loads(contract.to_json())
        typer.echo(json.dumps(found, indent=1, ensure_ascii=False))
    elif contract is None and fortran:
        raise ContractError(f"'{file}' has no contract that tells its arrays")
    elif contract is None:
        _print_foreign(file, foreign)
    elif fortran:
        typer.echo(fortran_snippet(contract, file.name), nl=False)
    else:
        _print_contract(file, contract, foreign)


def _contract_or_none(file: Path) -> Contract | None:
    return read_contract(file) if has_contract(file) else None


def _print_foreign(file: Path, foreign: ForeignFile) -> None:
    out = _console()
    out.print(f"{file}: {foreign.kind}, {foreign.n_bytes} bytes, no contract")
    if foreign.inputs:
        out.print(f"inputs of forward: {', '.join(foreign.inputs)}")
    if foreign.isa:
        out.print(f"instruction set: {foreign.isa}")
    if foreign.engine:
        out.print("It can be run, without checks of names, units and shapes; export it")
        out.print("again with `isthmus export` or isthmus.export.export_network.")


def _print_contract(file: Path, contract: Contract, foreign: ForeignFile) -> None:
    out = _console()
    version = f", version {contract.version}" if contract.version else ""
    out.print(f"{contract.name}{version} ({file}, {foreign.n_bytes} bytes)")
    if contract.description:
        out.print(contract.description)
    forward = contract.methods["forward"]
    for title, names in (("Inputs", forward.inputs), ("Outputs", forward.outputs)):
        out.print(_variables_table(title, names, contract))
    others = [n for n in contract.methods if n not in ("forward", "jvp", "vjp")]
    for name in others:
        method = contract.methods[name]
        out.print(f"{name}: {', '.join(method.inputs)} -> {', '.join(method.outputs)}")
    out.print(_facts_table(contract))


def _variables_table(title: str, names: tuple[str, ...], contract: Contract) -> Table:
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for heading in ("name", "dtype", "Fortran ()", "C []", "units", "trained on"):
        table.add_column(heading, overflow="fold")
    table.add_column("meaning", overflow="fold")
    for name in names:
        variable = contract.variables[name]
        limits = variable.training_range
        table.add_row(
            name,
            variable.dtype,
            f"({', '.join(reversed(_extents(variable)))})",
            f"[{', '.join(_extents(variable))}]",
            variable.units or "not said",
            "not said" if limits is None else f"{limits[0]:g} to {limits[1]:g}",
            _meaning(variable),
        )
    return table


def _extents(variable: Variable) -> list[str]:
    """Return `member` for a symbol, `k=36` for a named fixed extent, else `36`."""
    names = variable.dims or ("",) * len(variable.shape)
    return [
        str(e) if isinstance(e, str) or not dim else f"{dim}={e}"
        for dim, e in zip(names, variable.shape, strict=True)
    ]


def _meaning(variable: Variable) -> str:
    said = [variable.long_name] if variable.long_name else []
    if variable.normalization is not None:
        said.append(_normalization(variable.normalization))
    return "; ".join(said)


def _normalization(scaling: Normalization) -> str:
    along = f"along {scaling.dim}" if scaling.dim else ""
    mean = along if isinstance(scaling.mean, tuple) else f"{scaling.mean:g}"
    sd = along if isinstance(scaling.sd, tuple) else f"{scaling.sd:g}"
    return f"normalized by the {scaling.applied_by}: mean {mean}, sd {sd}"


def _facts_table(contract: Contract) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for heading, text in _facts(contract):
        table.add_row(heading, text)
    return table


def _facts(contract: Contract) -> list[tuple[str, str]]:
    test = contract.self_test
    facts = [
        ("methods", ", ".join(contract.methods)),
        ("engine", contract.engine),
        ("instruction set", contract.isa or "any"),
        (
            "inputs must be",
            "contiguous" if contract.strides == "contiguous" else "anything",
        ),
        ("time step", "not said" if contract.dt is None else f"{contract.dt:g}"),
        ("samples along", contract.separable or "not said to be independent"),
        ("guard", "none" if contract.guard is None else _guard(contract.guard)),
        ("self-test", "none" if test is None else f"within {test.tolerance:.1e}"),
    ]
    for name, source in contract.memory.items():
        facts.append(("memory", f"{name} takes {source} of the call before"))
    for method, variants in contract.variants.items():
        extents = ", ".join(str(variant.extent) for variant in variants)
        facts.append(("compiled for", f"{method} with {contract.separable} = {extents}"))
    for key, value in contract.provenance.items():
        facts.append((f"made by: {key}", str(value)))
    return facts


def _guard(guard: Guard) -> str:
    said = []
    for side, table in (("inputs", guard.inputs), ("outputs", guard.outputs)):
        if table:
            said.append(f"limits on {side} {', '.join(table)}")
    if guard.quantiles:
        said.append(f"quantiles {guard.quantiles[0]:g} to {guard.quantiles[1]:g}")
    if guard.mahalanobis:
        said.append(f"distance of {', '.join(guard.mahalanobis.inputs)}")
    said += [f"fixer {fixer.kind}" for fixer in guard.fixers]
    return "; ".join(said) or "not-a-number alone"


def _console() -> Console:
    console = Console(highlight=False, markup=False)
    if not console.is_terminal:
        console.width = FILE_WIDTH
    return console
