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


Threads = Annotated[
    list[int], typer.Option(help="Threads to measure too; may be given repeatedly.")
]


def tune(
    file: ModelFile,
    batch: Extents = list(DEFAULT_EXTENTS),  # noqa: B006
    threads: Threads = [1],  # noqa: B006
) -> None:
    """Measure a model file for several batches and store the choice in FILE.tune.json.

    A load takes the choice if file, processor and torch are the same; ISTHMUS_TUNE=0 in the
    environment turns that off.
    """
    with progress_bar(f"measuring {file.name}") as advanced:
        found = tune_file(file, batch, threads=threads, advanced=advanced)
    out = Console(highlight=False, soft_wrap=True)
    out.print(_table(found))
    if found.reason:
        out.print(f"No own loops: {found.reason}.", markup=False)
    elif found.loops == 0:
        out.print("No own loops: they are not faster here.")
    else:
        out.print(f"Own loops evaluate up to {found.loops} samples from now on.")
    chunk = f"chunks of {found.way.chunk}" if found.way.chunk else "all samples at once"
    out.print(f"The engine takes {chunk}, with the {found.way.allocator} allocator.")
    out.print(f"Stored in {found.write()}", markup=False)


def _table(found: Tuning) -> Table:
    """Return microseconds per call of each way."""
    table = Table(title="us per call, median", box=SIMPLE_HEAD, title_justify="left")
    ways = list(dict.fromkeys(way for m in found.measurements for way in m.ways))
    threads = list(dict.fromkeys(n for m in found.measurements for n in m.threads))
    table.add_column("batch", justify="right")
    for way in ways:
        table.add_column(way.replace(" 0", ""), justify="right")
    table.add_column("own loops", justify="right")
    for n in threads:
        table.add_column(f"{n} threads", justify="right")
    for m in found.measurements:
        cells = [m.ways.get(way) for way in ways]
        cells += [m.loops, *(m.threads.get(n) for n in threads)]
        table.add_row(f"{m.extent}", *("-" if c is None else f"{c:.2f}" for c in cells))
    return table
