# SPDX-License-Identifier: MIT
"""`isthmus check`: whether a model file is whole, and right on this machine."""

import typer
from rich.console import Console

from isthmus.cli.inspect_file import ModelFile
from isthmus.export.file_checks import check_file

COLOURS = {"ok": "green", "failed": "red", "skipped": "yellow"}


def check(file: ModelFile) -> None:
    """Check a model file on this machine; one line per check, non-zero exit if one fails.

    Checksums and seal, contract, instruction set, self-test, and dot-product and Taylor
    tests of its derivatives. The network in the file is executed.
    """
    out = Console(highlight=False, soft_wrap=True)
    has_failed = False
    for found in check_file(file):
        out.print(f"[{COLOURS[found.outcome]}]{found.outcome:8}[/]{found.name:15} ", end="")
        out.print(found.detail, markup=False)
        has_failed = has_failed or found.outcome == "failed"
    if has_failed:
        raise typer.Exit(1)
