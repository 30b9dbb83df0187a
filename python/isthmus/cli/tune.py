# SPDX-License-Identifier: MIT
"""`isthmus tune`: of a network the fastest engine, of a TOML file the parameters."""

from pathlib import Path
from typing import Annotated

import typer

from isthmus.cli.tune_engine import tune_engine
from isthmus.cli.tune_parameters import tune_parameters
from isthmus.export.tuning import DEFAULT_EXTENTS

Tunable = Annotated[
    Path,
    typer.Argument(
        help="A model file, or `x` for both `x.pt` and `x.pt2`; or a TOML file.",
        dir_okay=False,
    ),
]
Extents = Annotated[
    list[int], typer.Option("--batch", help="Extent of the batch; may be given repeatedly.")
]
Threads = Annotated[
    list[int], typer.Option(help="Threads to measure too; may be given repeatedly.")
]


def tune(
    file: Tunable,
    batch: Extents = list(DEFAULT_EXTENTS),  # noqa: B006
    threads: Threads = [1],  # noqa: B006
    write: Annotated[
        Path | None,
        typer.Option(help="Results of a TOML file, FILE.nc; a second call continues."),
    ] = None,
) -> None:
    """Tune a network to this machine, or the parameters of a model to observations.

    Of a model file, several batches are measured and the choice is stored in
    FILE.tune.json. A load takes it if file, processor and torch are the same;
    ISTHMUS_TUNE=0 in the environment turns that off. Given `x` for both `x.pt` and
    `x.pt2`, it also chooses the engine: a load of `x` takes the faster file.

    Of a TOML file, parameters are estimated in twin experiments, with error bars and how
    often they hold the truth, or from a file of observations. `derivatives` of its model
    says whether the adjoint, differences, PyTorch or a model file makes the gradients.
    """
    if file.suffix == ".toml":
        tune_parameters(file, file.with_suffix(".nc") if write is None else write)
    else:
        tune_engine(file, batch, threads)
