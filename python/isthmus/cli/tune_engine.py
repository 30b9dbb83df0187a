# SPDX-License-Identifier: MIT
"""`isthmus tune` of a network: measure it here, and keep the fastest way to run it."""

from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from isthmus.cli.progress import progress_bar
from isthmus.export.tuning import Tuning, tune_file
from isthmus.export.tuning_pair import SUFFIXES, PairTuning, is_pair, tune_pair


def tune_engine(file: Path, batch: list[int], threads: list[int]) -> None:
    """Measure a model file, or both of a pair, for several batches; store the choice."""
    out = Console(highlight=False, soft_wrap=True)
    with progress_bar(f"measuring {file.name}") as advanced:
        if is_pair(file):
            pair = tune_pair(file, batch, threads=threads, advanced=advanced)
            found = list(pair.files.values())
        else:
            pair = None
            found = [tune_file(file, batch, threads=threads, advanced=advanced)]
    for each in found:
        _tell(each, out)
    if pair is not None:
        out.print(_engines(pair))
        out.print(f"A load of {pair.stem} takes its {pair.suffix} from now on.")
        out.print(f"Stored in {pair.write()}", markup=False)


def _tell(found: Tuning, out: Console) -> None:
    """Print what was measured of a file and chosen, and store it."""
    out.print(f"{found.path}", markup=False)
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


def _engines(pair: PairTuning) -> Table:
    """Return microseconds per call of both files, each tuned."""
    table = Table(
        title="us per call, each file tuned", box=SIMPLE_HEAD, title_justify="left"
    )
    table.add_column("batch", justify="right")
    for suffix in SUFFIXES:
        table.add_column(suffix, justify="right")
    for extent, times in pair.times.items():
        table.add_row(f"{extent}", *(f"{times[s]:.2f}" for s in SUFFIXES))
    return table


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
