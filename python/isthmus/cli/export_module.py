# SPDX-License-Identifier: MIT
"""`isthmus export`: any PyTorch module into a model file, without writing a script."""

import copy
import sys
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import torch
import typer

from isthmus.errors import ExportError
from isthmus.export import MethodSpec, export_network
from isthmus.export.input_texts import parse_inputs
from isthmus.export.own_methods import parameters
from isthmus.export.user_modules import load_module, load_weights, parse_setting


class EngineChoice(StrEnum):
    """Which files to write."""

    TORCHSCRIPT = "torchscript"
    INDUCTOR = "inductor"
    BOTH = "both"


SUFFIXES = {
    EngineChoice.TORCHSCRIPT: (".pt",),
    EngineChoice.INDUCTOR: (".pt2",),
    EngineChoice.BOTH: (".pt", ".pt2"),
}
Texts = list[str]


def export(
    network: Annotated[
        str,
        typer.Argument(
            help="mymodule:Net or path/net.py:Net: a class, function or module."
        ),
    ],
    inputs: Annotated[
        Texts,
        typer.Option(
            "--input",
            help="x:f32[batch,10], in the order of forward; names in a shape may vary.",
        ),
    ],
    outputs: Annotated[
        Texts | None,
        typer.Option("--output", help="A name for each output; default: paths as flux.0"),
    ] = None,
    file: Annotated[
        Path | None, typer.Option(help="The file; default: the network's name here.")
    ] = None,
    engine: Annotated[
        EngineChoice | None,
        typer.Option(help="torchscript (.pt), inductor (.pt2), both; default: the suffix."),
    ] = None,
    weights: Annotated[
        Path | None, typer.Option(help="A .safetensors, or a .pt of torch.save(state).")
    ] = None,
    settings: Annotated[
        Texts | None, typer.Option("--set", help="Argument of the constructor: width=64.")
    ] = None,
    separable: Annotated[
        str | None,
        typer.Option(help="The shape's name along which samples are independent."),
    ] = None,
    units: Annotated[Texts | None, typer.Option(help="x=K")] = None,
    ranges: Annotated[
        Texts | None, typer.Option("--range", help="Values seen in training: x=200,320")
    ] = None,
    dt: Annotated[float | None, typer.Option(help="Time step it was trained for.")] = None,
    version: Annotated[str | None, typer.Option(help="Of the weights.")] = None,
    description: Annotated[str, typer.Option(help="For people.")] = "",
    derivatives: Annotated[
        bool, typer.Option(help="Whether to write tangent-linear and adjoint.")
    ] = True,
    methods: Annotated[
        Texts | None,
        typer.Option("--method", help="Of the module's own: step, or step=y_next,flux."),
    ] = None,
    method_inputs: Annotated[
        Texts | None,
        typer.Option("--method-input", help="As --input, of what forward does not take."),
    ] = None,
    portable: Annotated[
        bool, typer.Option("--portable/--native", help="A .pt2 for any AVX2 machine.")
    ] = False,
    specialize: Annotated[
        list[int] | None,
        typer.Option(help="Extent of --separable that a .pt2 is also compiled for alone."),
    ] = None,
    portable_program: Annotated[
        bool, typer.Option(help="Keep in a .pt2 what `isthmus compile` needs elsewhere.")
    ] = False,
) -> None:
    """Write a PyTorch module as a model file that Fortran can run, checked against PyTorch.

    isthmus export net.py:Net --set width=64 --weights net.safetensors
    --input "x:f32[batch,10]" --output y --file net.pt2
    """
    torch.set_num_threads(1)
    module = load_module(network, dict(parse_setting(text) for text in settings or ()))
    # A copy: a module of the user's keeps its mode, weights and device.
    module = copy.deepcopy(module).cpu().eval()
    if weights is None:
        _note("no --weights: the file gets the weights that the module was made with")
    else:
        load_weights(module, weights)
    limits = {name: _two_numbers(v) for name, v in map(_pair, ranges or ())}
    examples, dynamic = parse_inputs([*inputs, *(method_inputs or ())], limits)
    only = {name: examples.pop(name) for name in list(examples)[len(inputs) :]}
    own = {
        name: MethodSpec(_inputs_of(module, name, only), outputs or None)
        for name, outputs in map(_method, methods or ())
    }
    for path in _targets(file, engine, network.rpartition(":")[2]):
        report = export_network(
            module,
            path,
            inputs=examples,
            outputs=outputs or None,
            dynamic=dynamic,
            separable=separable,
            description=description,
            dt=dt,
            version=version,
            units=dict(map(_pair, units or ())),
            training_range=limits,
            derivatives=derivatives,
            methods=own,
            isa="portable" if portable else "native",
            specialize=specialize or () if path.suffix == ".pt2" else (),
            portable_program=portable_program and path.suffix == ".pt2",
            provenance={"command": " ".join(["isthmus", *sys.argv[1:]])},
        )
        typer.echo(report.summary())


def _targets(file: Path | None, engine: EngineChoice | None, name: str) -> list[Path]:
    file = Path(name) if file is None else file
    if engine is None and file.suffix in (".pt", ".pt2"):
        return [file]
    stem = file.with_suffix("") if file.suffix in (".pt", ".pt2") else file
    suffixes = SUFFIXES[engine or EngineChoice.TORCHSCRIPT]
    if engine not in (None, EngineChoice.BOTH) and file.suffix not in ("", *suffixes):
        raise ExportError(f"'{file}' is no file of the engine {engine}: use {suffixes[0]}")
    return [stem.with_name(stem.name + suffix) for suffix in suffixes]


def _pair(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator or not name or not value:
        raise ExportError(f"'{text}' is no pair: give name=value")
    return name, value


def _method(text: str) -> tuple[str, tuple[str, ...]]:
    """Return name and outputs of `step=y_next,flux`."""
    name, _, outputs = text.partition("=")
    return name, tuple(part for part in outputs.split(",") if part)


def _inputs_of(
    module: torch.nn.Module, method: str, only: Mapping[str, torch.Tensor]
) -> dict[str, torch.Tensor | None]:
    """Return the inputs of a method, with examples of those that forward does not take."""
    return {name: only.get(name) for name in parameters(module, method)}


def _two_numbers(text: str) -> tuple[float, float]:
    try:
        low, high = (float(part) for part in text.split(","))
    except ValueError as error:
        raise ExportError(f"'{text}' is no range: give low,high") from error
    return low, high


def _note(sentence: str) -> None:
    typer.echo(f"isthmus: {sentence}", err=True)
