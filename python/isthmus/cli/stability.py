# SPDX-License-Identifier: MIT
"""`isthmus stability`: long coupled runs in Fortran, and a report that can say no."""

from pathlib import Path
from typing import Annotated

import typer

from isthmus.cli.progress import console, progress_bars
from isthmus.cli.tables import short_table
from isthmus.couple.criteria import Verdict
from isthmus.couple.lorenz96 import Trial, judge_networks
from isthmus.couple.paired import PairedReport
from isthmus.couple.report import summary_table, write_report
from isthmus.couple.request import Request
from isthmus.couple.stability import StabilityReport
from isthmus.couple.systems import SYSTEMS
from isthmus.couple.systems import judge_networks as judge_in
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
    system: Annotated[
        str, typer.Option(help="Where they run: " + ", ".join(SYSTEMS) + ".")
    ] = "lorenz96",
    role: Annotated[
        str | None,
        typer.Option(
            help="Of lorenz96: closure (adds a tendency; default) or stepper (replaces "
            "the step)."
        ),
    ] = None,
    scheme: Annotated[
        str | None,
        typer.Option(
            help="Of lorenz96: held (closure once per step; default) or every_stage."
        ),
    ] = None,
    dt: Annotated[
        float | None, typer.Option(help="Time step; a stepper has its own.")
    ] = None,
    steps: Annotated[int | None, typer.Option(help="Steps of the long runs.")] = None,
    members: Annotated[
        int | None, typer.Option(help="Members (columns, cells) of the long runs.")
    ] = None,
    every: Annotated[int | None, typer.Option(help="Steps between two outputs.")] = None,
    crowd: Annotated[
        int | None,
        typer.Option(help="Members beside them that only have to survive and conserve."),
    ] = None,
    device: Annotated[str | None, typer.Option(help="cpu, cuda, cuda:1, ...")] = None,
    control: Annotated[
        str | None, typer.Option(help="Of chemistry: solver (default) or qssa.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Of what is drawn.")] = None,
) -> None:
    """Judge networks by long runs in a Fortran model, beside truth and no network.

    What is not given is the system's own. Writes report.html and report.json. Exit status:
    0 if every network passes, 3 if one does not, 1 on an error.
    """
    options = {"role": role, "scheme": scheme, "device": device, "control": control}
    request = Request(
        dt=dt,
        n_steps=steps,
        n_members=members,
        output_every=every,
        n_crowd=crowd,
        seed=seed,
        options={name: value for name, value in options.items() if value is not None},
    )
    with progress_bars() as update:
        report = judge_in(
            system, named_networks(networks), request, directory, on_progress=update
        )
    page = write_report(report, directory)
    show_report(report, page)
    if any(run.verdict is not Verdict.PASS for run in report.candidates):
        raise typer.Exit(EXIT_NOT_PASSED)


def show_report(report: StabilityReport | PairedReport, page: Path) -> None:
    """Print the summary of a report and where its page is."""
    if console.width > WIDE or isinstance(report, PairedReport):
        console.print(summary_table(report))
    else:
        console.print(short_table(report, ""))
    console.print(report.sentence)
    console.print(f"report: {page}")


def run_stability(
    networks: dict[str, Path], trial: Trial, directory: Path
) -> StabilityReport:
    """Judge networks with progress bars, write the report and show its summary."""
    with progress_bars() as update:
        report = judge_networks(networks, trial, directory, on_progress=update)
    page = write_report(report, directory)
    show_report(report, page)
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
