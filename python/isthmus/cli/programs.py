# SPDX-License-Identifier: MIT
"""`isthmus simulate` and `isthmus couple`: run a Fortran program on a namelist."""

from pathlib import Path
from typing import Annotated

import typer

from isthmus.cli.progress import progress_bar
from isthmus.couple.programs import run_namelist

NamelistFile = Annotated[
    Path,
    typer.Argument(help="Fortran namelist of the run; paths in it are relative to it."),
]


def simulate(namelist: NamelistFile) -> None:
    """Run the Fortran Lorenz-96 model (one or two levels) on a namelist."""
    with progress_bar(f"simulate {namelist.name}") as update:
        run_namelist("isthmus-lorenz96", namelist, on_progress=update)


def couple(namelist: NamelistFile) -> None:
    """Run the Fortran Lorenz-96 model with a network inside, on a namelist."""
    with progress_bar(f"couple {namelist.name}") as update:
        run_namelist("isthmus-lorenz96-coupled", namelist, on_progress=update)
