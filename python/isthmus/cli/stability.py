# SPDX-License-Identifier: MIT
"""`isthmus stability`: long coupled runs in Fortran, and a report that can say no."""

from pathlib import Path
from typing import Annotated

import typer

from isthmus.cli.progress import console, progress_bars
from isthmus.cli.tables import short_table
from isthmus.couple.criteria import Verdict
from isthmus.couple.lorenz96 import Trial, judge_networks
from isthmus.couple.report import summary_table, write_report
from isthmus.couple.stability import StabilityReport
from isthmus.errors import ConfigurationError

EXIT_NOT_PASSED = 3
WIDE = 119  # columns that the table of all criteria needs


def stability(
    networks: Annotated[
        list[str],
        typer.Argument(
            help="Model files to judge: FILE or NAME=FILE.", metavar="NETWORK..."
        ),
    ],
    directory: Annotated[
        Path,
        typer.Option(help="Folder of the runs and the report; a second call continues."),
    ] = Path("stability"),
    role: Annotated[
        str, typer.Option(help="closure (adds a tendency) or stepper (replaces the step).")
    ] = "closure",
    scheme: Annotated[
        str, typer.Option(help="held (closure once per step) or every_stage.")
    ] = "held",
    dt: Annotated[float, typer.Option(help="Time step [1]; a stepper has its own.")] = 0.01,
    steps: Annotated[int, typer.Option(help="Steps of the long runs.")] = 100_000,
    members: Annotated[int, typer.Option(help="Members of the long runs.")] = 100,
    every: Annotated[int, typer.Option(help="Steps between two outputs.")] = 10,
    device: Annotated[str, typer.Option(help="cpu, cuda, cuda:1, ...")] = "cpu",
    seed: Annotated[int, typer.Option(help="Of the initial states.")] = 11,
) -> None:
    """Judge networks by long ensembles in the Fortran Lorenz-96 model.

    Writes report.html and report.json. Exit status: 0 if every network passes, 3 if one
    does not, 1 on an error.
    """
    trial = Trial(
        role=role,
        scheme=scheme,
        dt=dt,
        n_steps=steps,
        n_members=members,
        output_every=every,
        chunk_steps=_chunk(steps, every),
        device=device,
        seed=seed,
    )
    report = run_stability(named_networks(networks), trial, directory)
    if any(run.verdict is not Verdict.PASS for run in report.candidates):
        raise typer.Exit(EXIT_NOT_PASSED)


def run_stability(
    networks: dict[str, Path], trial: Trial, directory: Path
) -> StabilityReport:
    """Judge networks with progress bars, write the report and show its summary."""
    with progress_bars() as update:
        report = judge_networks(networks, trial, directory, on_progress=update)
    page = write_report(report, directory)
    console.print(
        summary_table(report) if console.width > WIDE else short_table(report, "")
    )
    console.print(report.sentence)
    console.print(f"report: {page}")
    return report


def named_networks(arguments: list[str]) -> dict[str, Path]:
    """Return model files by name from arguments FILE or NAME=FILE.

    Raises
    ------
    ConfigurationError
        If a file does not exist or two have the same name.
    """
    networks: dict[str, Path] = {}
    for argument in arguments:
        name, _, file = argument.rpartition("=")
        path = Path(file)
        name = name or path.stem
        if not path.is_file():
            raise ConfigurationError(f"network '{path}' does not exist")
        if name in networks:
            raise ConfigurationError(f"two networks are named '{name}': write NAME=FILE")
        networks[name] = path
    return networks


def _chunk(steps: int, every: int) -> int:
    """Return a tenth of the run as chunk, a multiple of the output interval."""
    return max(1, round(steps / 10 / every)) * every
