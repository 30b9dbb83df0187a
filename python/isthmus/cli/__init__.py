# SPDX-License-Identifier: MIT
"""The command `isthmus`: model files and installation; simulate, train, couple, judge."""

import sys
from importlib import import_module
from typing import Any, Final

import typer
from rich.console import Console
from typer.core import TyperGroup
from typer.main import get_command

from isthmus.errors import IsthmusError

EXIT_FAILED = 1
EXIT_INTERRUPTED = 130

COMMANDS: Final = {
    "demo": ("demo", "demo"),
    "simulate": ("programs", "simulate"),
    "couple": ("programs", "couple"),
    "train": ("train", "app"),
    "stability": ("stability", "stability"),
    "assimilate": ("assimilate", "assimilate"),
    "design": ("design", "design"),
    "inspect": ("inspect_file", "inspect"),
    "check": ("check_file", "check"),
    "doctor": ("doctor", "doctor"),
    "export": ("export_module", "export"),
    "compile": ("compile_file", "compile_"),
    "tune": ("tune", "tune"),
}
"""Module and name in it of each command."""


class LazyCommands(TyperGroup):
    """Commands that are imported when they are called: torch alone takes seconds."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ANN401 (typer's own click)
        """Return the names in the order of the help."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ANN401
        """Import a command; `None` if there is none of this name."""
        if cmd_name not in COMMANDS:
            return None
        module, attribute = COMMANDS[cmd_name]
        found = getattr(import_module(f"isthmus.cli.{module}"), attribute)
        if not isinstance(found, typer.Typer):
            alone = typer.Typer(add_completion=False)
            alone.command(cmd_name)(found)
            found = alone
        command = get_command(found)
        command.name = cmd_name
        return command


app = typer.Typer(
    cls=LazyCommands,
    name="isthmus",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def isthmus() -> None:
    """Fortran Earth-system models and PyTorch networks, joined in both directions."""


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
