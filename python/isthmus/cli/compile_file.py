# SPDX-License-Identifier: MIT
"""`isthmus compile`: a package for this machine, from the program kept in a file."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from isthmus.export.portable import compile_file


def compile_(
    file: Annotated[
        Path, typer.Argument(help="A .pt2 that was exported with --portable-program.")
    ],
    device: Annotated[
        str, typer.Option(help="cpu, cuda, cuda:1, ...; it must be on this machine.")
    ] = "cpu",
    output: Annotated[
        Path | None,
        typer.Option(help="The new file; default: net.cuda.pt2 beside net.pt2."),
    ] = None,
    portable: Annotated[
        bool, typer.Option("--portable/--native", help="For any AVX2 machine, or this one.")
    ] = False,
) -> None:
    """Compile a portable export for a device of this machine, and test it there.

    The new file keeps the contract. Compile only files that you would run: loading the
    program can execute code in it.
    """
    target = output or file.with_suffix(f".{device.partition(':')[0]}.pt2")
    notes = Console(stderr=True, highlight=False)
    contract = compile_file(
        file,
        target,
        device=device,
        isa="portable" if portable else "native",
        started=lambda method: notes.print(f"compiling {method} for {device}"),
    )
    test = "its self-test passed" if contract.self_test else "it holds no self-test"
    typer.echo(f"{target}: {contract.name} for {device}, {contract.isa}; {test}")
