# SPDX-License-Identifier: MIT
"""`isthmus train`: emulators and closures on self-iterated rollouts, to a model file."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import torch
import typer
from torch import nn

from isthmus.cli.progress import console
from isthmus.couple.autograd import fortran_step
from isthmus.couple.lorenz96_export import export_closure, export_stepper
from isthmus.data import open_trajectories
from isthmus.learn import Curriculum, FitSettings
from isthmus.learn.lorenz96 import train_closure, train_emulator
from isthmus.learn.rollout import Resolved
from isthmus.models import Lorenz96
from isthmus.nets import InSinglePrecision, Lorenz96Tendency, Rk4Step

app = typer.Typer(
    help="Train networks on netCDF trajectories and export them.", add_completion=False
)

Data = Annotated[
    Path, typer.Argument(help="Trajectories in netCDF, from isthmus simulate.")
]
Network = Annotated[Path, typer.Argument(help="Model file to write, .pt or .pt2.")]
Lengths = Annotated[list[int] | None, typer.Option("--steps", help="Rollout lengths.")]
Epochs = Annotated[int, typer.Option(help="Largest number of epochs of each length.")]
Rate = Annotated[float, typer.Option(help="Learning rate.")]
Seed = Annotated[int, typer.Option(help="Of weights and batches; reproduces the run.")]
Dtype = Annotated[str, typer.Option(help="float64 or float32.")]


class Method(StrEnum):
    """Ways to train a closure."""

    OFFLINE = "offline"
    ROLLOUT = "rollout"
    FORTRAN = "fortran"


@app.command()
def emulator(
    data: Data,
    network: Network,
    kind: Annotated[
        str, typer.Option(help="bilinear, square, deep, deep-relu or residual.")
    ] = "residual",
    steps: Lengths = None,
    epochs: Epochs = 20,
    learning_rate: Rate = 1e-3,
    seed: Seed = 0,
    dtype: Dtype = "float64",
) -> None:
    """Train an emulator of the time step."""
    torch.set_num_threads(1)
    train, valid = open_trajectories(data).split(fraction=0.8)
    step, history = train_emulator(
        kind,
        train,
        valid,
        curriculum=Curriculum(tuple(steps or (1, 4)), epochs),
        settings=_settings(network, learning_rate, seed, dtype),
    )
    console.print(f"best validation loss {history.best:.3e}")
    if dtype == "float32":
        step = Rk4Step(InSinglePrecision(step.tendency), step.dt)
    report = export_stepper(step, network, train, description=f"{kind} emulator")
    if report is not None:
        console.print(report.summary(), markup=False)


@app.command()
def closure(
    data: Data,
    network: Network,
    forcing: Annotated[float, typer.Option(help="F of the resolved model.")] = 10.0,
    method: Annotated[
        Method, typer.Option(help="offline, rollout (torch) or fortran (its adjoint).")
    ] = Method.ROLLOUT,
    kind: Annotated[str, typer.Option(help="local or stencil.")] = "local",
    steps: Lengths = None,
    epochs: Epochs = 20,
    learning_rate: Rate = 1e-3,
    seed: Seed = 0,
) -> None:
    """Train a closure B(x), so that one level behaves like two."""
    torch.set_num_threads(1)
    train, valid = open_trajectories(data, ["x", "coupling"]).split(fraction=0.8)
    resolved: Resolved | nn.Module | None = None
    if method is Method.ROLLOUT:
        resolved = Lorenz96Tendency(forcing)
    elif method is Method.FORTRAN:
        resolved = fortran_step(Lorenz96(train["x"].shape[-1], forcing), train.dt)
    trained, history = train_closure(
        "offline" if method is Method.OFFLINE else "rollout",
        train,
        valid,
        kind=kind,
        resolved=resolved,
        curriculum=None
        if method is Method.OFFLINE
        else Curriculum(tuple(steps or (1, 10)), epochs),
        settings=_settings(network, learning_rate, seed, "float64"),
    )
    console.print(f"best validation loss {history.best:.3e}")
    report = export_closure(trained, network, train, description=f"{kind}, {method}")
    if report is not None:
        console.print(report.summary(), markup=False)


def _settings(network: Path, learning_rate: float, seed: int, dtype: str) -> FitSettings:
    """Return settings with checkpoint and metrics beside the network."""
    return FitSettings(
        learning_rate=learning_rate,
        seed=seed,
        dtype=dtype,
        checkpoint=network.with_suffix(".checkpoint"),
        metrics=network.with_suffix(".jsonl"),
    )
