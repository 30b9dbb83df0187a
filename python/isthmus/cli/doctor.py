# SPDX-License-Identifier: MIT
"""`isthmus doctor`: what is installed here, and what to do next."""

import typer
from rich.console import Console

from isthmus.cli.installation import findings

COLOURS = {"ok": "green", "look": "yellow", "failed": "red"}


def doctor() -> None:
    """Look at this installation: torch, bridge, devices, compilers, libraries, folders.

    Each line is ok, look (it works, but mind the advice) or failed. The exit status is
    non-zero if one failed.
    """
    out = Console(highlight=False, soft_wrap=True)
    n_failed = 0
    for found in findings():
        out.print(f"[{COLOURS[found.state]}]{found.state:8}[/]{found.what:18} ", end="")
        out.print(found.detail, markup=False)
        if found.advice:
            out.print(f"{'':26} -> {found.advice}", markup=False)
        n_failed += found.state == "failed"
    out.print("all that is needed is here" if n_failed == 0 else f"{n_failed} to be mended")
    if n_failed:
        raise typer.Exit(1)
