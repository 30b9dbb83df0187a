# SPDX-License-Identifier: MIT
"""`isthmus tune`: measure a network on this machine and keep the fastest way to run it."""

from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from isthmus.cli.inspect_file import ModelFile
from isthmus.cli.progress import progress_bar
from isthmus.export.tuning import DEFAULT_EXTENTS, Tuning, tune_file

Extents = Annotated[
    list[int], typer.Option("--batch", help="Extent of the batch; may be given repeatedly.")
]


def tune(file: ModelFile, batch: Extents = list(DEFAULT_EXTENTS)) -> None:  # noqa: B006
    """Measure a model file for several batches and store the choice in FILE.tune.json.

    A load takes the choice if file, processor and torch are the same; ISTHMUS_TUNE=0 in the
    environment turns that off.
    """
    with progress_bar(f"measuring {file.name}") as advanced:
        found = tune_file(file, batch, advanced=advanced)
    out = Console(highlight=False, soft_wrap=True)
    out.print(_table(found))
    if found.reason:
        out.print(f"The engine stays as it is: {found.reason}.", markup=False)
    elif found.loops == 0:
        out.print("The engine stays as it is: own loops are not faster here.")
    else:
        out.print(f"Own loops evaluate up to {found.loops} samples from now on.")
    out.print(f"Stored in {found.write()}", markup=False)


def _table(found: Tuning) -> Table:
    """Return microseconds per call of each way."""
    table = Table(title="us per call", box=SIMPLE_HEAD, title_justify="left")
    for heading in ("batch", "engine", "own loops", "gain"):
        table.add_column(heading, justify="right")
    for m in found.measurements:
        if m.loops is None:
            table.add_row(f"{m.extent}", f"{m.engine:.2f}", "-", "-")
        else:
            table.add_row(
                f"{m.extent}",
                f"{m.engine:.2f}",
                f"{m.loops:.2f}",
                f"{m.engine / m.loops:.1f}x",
            )
    return table
