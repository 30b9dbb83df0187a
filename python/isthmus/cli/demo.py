# SPDX-License-Identifier: MIT
"""`isthmus demo`: the main job on one command."""

from pathlib import Path
from typing import Annotated

import torch
import typer
from rich.table import Table

from isthmus.cli.progress import console, progress_bars
from isthmus.cli.tables import short_table
from isthmus.demo import DemoSettings, run_demo


def demo(
    directory: Annotated[
        Path | None, typer.Option(help="Where everything goes; a second call continues.")
    ] = None,
    quick: Annotated[
        bool, typer.Option(help="A minute of everything: to see it run, not to believe it.")
    ] = False,
) -> None:
    """Simulate, train, export, couple and judge Lorenz-96, from nothing to a report."""
    torch.set_num_threads(1)
    folder = directory or Path("out/demo-quick" if quick else "out/demo")
    result = run_demo(folder, QUICK if quick else DemoSettings(), bars=progress_bars)
    console.print(short_table(result.closures, "Closures, against the two-level model"))
    console.print(result.closures.sentence)
    console.print(
        short_table(result.emulators, "Emulators, against the model they replace")
    )
    console.print(result.emulators.sentence)
    console.print(_parity_table(result.parity))
    for path in [*result.pages, *result.pictures]:
        console.print(path, soft_wrap=True, highlight=False)


QUICK = DemoSettings(
    train_members=2,
    closure_epochs=2,
    emulator_epochs=2,
    n_rollout=4,
    members=10,
    closure_steps=1000,
    stepper_members=10,
    stepper_steps=400,
)


def _parity_table(differences: dict[str, float]) -> Table:
    """Return the differences between Fortran and PyTorch as a table."""
    table = Table(title="Coupled in Fortran against PyTorch", title_justify="left")
    table.add_column("network")
    table.add_column("largest relative difference over 50 steps", justify="right")
    for name, difference in differences.items():
        table.add_row(name, f"{difference:.1e}")
    return table
