# SPDX-License-Identifier: MIT
"""The command `isthmus`: model files and installation; simulate, train, couple, judge."""

import sys

import typer
from rich.console import Console

from isthmus.cli import (
    assimilate,
    check_file,
    compile_file,
    demo,
    design,
    doctor,
    export_module,
    inspect_file,
    programs,
    stability,
    train,
    tune,
)
from isthmus.errors import IsthmusError

EXIT_FAILED = 1
EXIT_INTERRUPTED = 130

app = typer.Typer(
    name="isthmus",
    help="Fortran Earth-system models and PyTorch networks, joined in both directions.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(demo.demo)
app.command()(programs.simulate)
app.command()(programs.couple)
app.add_typer(train.app, name="train")
app.command()(stability.stability)
app.command()(assimilate.assimilate)
app.command()(design.design)
app.command()(inspect_file.inspect)
app.command()(check_file.check)
app.command()(doctor.doctor)
app.command()(export_module.export)
app.command(name="compile")(compile_file.compile_)
app.command()(tune.tune)


def main() -> None:
    """Run the command line; every expected failure is one sentence and a non-zero exit."""
    try:
        app()
    except SystemExit as end:  # typer turns Ctrl-C into this status, without a word
        if end.code == EXIT_INTERRUPTED:
            _complain("interrupted; what was finished is kept")
        raise
    except (IsthmusError, OSError) as error:
        _complain(str(error))
        sys.exit(EXIT_FAILED)


def _complain(sentence: str) -> None:
    """Write one sentence to standard error, without markup."""
    console = Console(stderr=True, soft_wrap=True)
    console.print(f"isthmus: {sentence}", style="bold", markup=False, highlight=False)


__all__ = ["app", "main"]
