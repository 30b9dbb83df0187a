# SPDX-License-Identifier: MIT
"""The networks of the study: where each is lowered, its truth, its run inside Fortran."""

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import torch
from torch import Tensor, nn

from isthmus.couple.chemistry import generate, integrate_steps, spread_start
from isthmus.couple.programs import run_program
from isthmus.couple.shallow_water_export import PhysicalStep, export_shallow_water
from isthmus.couple.shallow_water_stability import (
    CELL,
    N_CELLS,
    PHYSICS,
    basins,
    stacked,
    write_field,
)
from isthmus.errors import ConfigurationError
from isthmus.models import Mechanism, OceanColumn
from isthmus.nets import ConvNet, LocalClosure, Rk4Step, in_precision
from isthmus.nets.chemistry import ChemistryStep
from isthmus.nets.ocean_column import OceanFluxNet
from isthmus.nets.precision import DTYPES, InPrecision
from isthmus.nets.rain import RainNet
from isthmus.nets.shallow_water_emulators import ImplicitFluxNet

Array = np.ndarray
HOUR, DAY = 3600.0, 86400.0
INT8_STEPS = 127
SEA_COUPLED = "isthmus-shallow-water-coupled"


@dataclass
class Run:
    """A run inside Fortran: fields [time, sample, value] and the defect of its budget."""

    fields: Array
    budget: float | None = None


@dataclass
class Case:
    """A network and how it is judged.

    `inputs` are example arguments [sample, ...]; `truth` is what the answer to the first of
    them should be, if that is known. `run(path, folder)` makes the coupled run; its record
    number `early` is before errors have grown.
    """

    name: str
    module: nn.Module
    part: str
    inputs: dict[str, Tensor]
    outputs: str  # the first of them
    run: Callable[[Path, Path], Run]
    early: int
    dt: float | None = None
    truth: Tensor | None = None
    most: int = 4096  # samples in a call that is timed
    scale: Callable[[Tensor], Tensor] = field(default=lambda y: y)
    lower: Callable[[nn.Module, str, str], nn.Module] = in_precision
    write: Callable[[nn.Module, Path], Any] | None = None  # unless samples come first
    several: Callable[[int], dict[str, Array]] | None = None  # arguments, likewise


def weights_of(path: Path) -> dict[str, Tensor]:
    """Return the weights in a model file, or the best ones of a checkpoint, in double."""
    if path.suffix == ".pt":
        state = torch.jit.load(str(path)).state_dict()
    else:
        state = torch.load(path, weights_only=True)["best"]
    return {name: value.double() for name, value in state.items()}


def filled(module: nn.Module, weights: dict[str, Tensor], prefix: str = "") -> nn.Module:
    """Return the module in double precision with weights whose names begin with `prefix`.

    What a file calls `net.net` because it was lowered is `net` here.
    """
    module = module.double().eval()
    short = {k.removeprefix(prefix): v for k, v in weights.items() if k.startswith(prefix)}
    own = module.state_dict()
    plain = {k.replace("net.net.", "net."): v for k, v in short.items()}
    module.load_state_dict({k: short[k] if k in short else plain[k] for k in own})
    return module.requires_grad_(False)


def read(path: Path, names: tuple[str, ...]) -> list[Array]:
    """Return variables of a file."""
    with netCDF4.Dataset(path) as file:
        return [np.asarray(file[name][:]) for name in names]


def lorenz96_closure(path: Path, folder: Path, effort: float) -> Case:
    """Return the closure that the one-level model needs to be like the two-level one."""
    model = {"n_sites": 36, "forcing": 10.0}
    truth = {**model, "levels": 2, "n_fast": 10, "h": 1.0, "c": 10.0, "b": 10.0}
    steps = {"dt": 0.01, "n_steps": 200, "spin_up_steps": 2000, "n_members": 16, "seed": 5}
    files = {"output": "two_level.nc", "write_fast": False}
    groups = {"model": truth, "integration": steps, "files": files}
    run_program("isthmus-lorenz96", groups, folder)
    x, coupling = (
        torch.from_numpy(v) for v in read(folder / "two_level.nc", ("x", "coupling"))
    )

    def run(network: Path, place: Path) -> Run:
        n_steps = round(2000 * effort)
        integration = {"dt": 0.01, "n_steps": n_steps, "n_members": 16, "output_every": 10}
        groups = {
            "model": model,
            "integration": integration,
            "files": {"initial": str(folder / "two_level.nc"), "output": "run.nc"},
            "coupling": {"network": str(network), "role": "closure"},
        }
        run_program("isthmus-lorenz96-coupled", groups, place)
        return Run(read(place / "run.nc", ("x",))[0])

    net = filled(LocalClosure(), weights_of(path))
    inputs = {"x": x[::10].flatten(0, 1)}
    b = coupling[::10].flatten(0, 1)
    return Case("Lorenz-96 closure", net, "", inputs, "b", run, early=10, truth=b)


def lorenz96_emulator(path: Path, folder: Path, effort: float) -> Case:
    """Return the deep emulator of the one-level model's step."""
    model = {"n_sites": 40, "forcing": 8.0}
    steps = {"dt": 0.05, "n_steps": 200, "spin_up_steps": 400, "n_members": 4, "seed": 5}
    groups = {"model": model, "integration": steps, "files": {"output": "one_level.nc"}}
    run_program("isthmus-lorenz96", groups, folder)
    x = torch.from_numpy(read(folder / "one_level.nc", ("x",))[0])

    def run(network: Path, place: Path) -> Run:
        n_steps = round(100 * effort)
        integration = {"dt": 0.05, "n_steps": n_steps, "n_members": 4, "output_every": 2}
        groups = {
            "model": model,
            "integration": integration,
            "files": {"initial": str(folder / "one_level.nc"), "output": "run.nc"},
            "coupling": {"network": str(network), "role": "stepper"},
        }
        run_program("isthmus-lorenz96-coupled", groups, place)
        return Run(read(place / "run.nc", ("x",))[0])

    step = filled(Rk4Step(ConvNet("silu"), 0.05), weights_of(path), "step.")
    inputs = {"x": x[:-1:4].flatten(0, 1)}
    truth = x[1::4].flatten(0, 1)
    return Case(
        "Lorenz-96 emulator", step, "tendency", inputs, "x_next", run, 5, 0.05, truth, 64
    )


def rain(path: Path, folder: Path, effort: float) -> Case:
    """Return the rates of warm rain, in shafts."""
    weights = weights_of(path)
    prefix = "step.closure." if any(k.startswith("step.") for k in weights) else ""
    width = weights[f"{prefix}layers.0.weight"].shape[0]
    net = filled(RainNet("correction", width=width, depth=2), weights, prefix)
    groups: dict[str, Any] = {
        "clouds": {"mean_radius": [11e-6, 12e-6, 13e-6, 14e-6], "shape": [0.0, 1.0, 2.0]},
        "shaft": {"levels": 24, "columns": 60, "dz": 100.0, "updraft_max": 5.0},
        "integration": {"dt": 20.0, "duration": 7200.0, "output_every": 600.0},
        "files": {"output": "run.nc"},
    }
    names = ("lc", "nc", "lr", "nr")

    def run(network: Path, place: Path) -> Run:
        coupling = {"network": str(network)}
        run_program("isthmus-rain-bulk-coupled", groups | {"coupling": coupling}, place)
        found = read(place / "run.nc", ("rained", "left", "water_path", "condensed"))
        rained, left, path, condensed = found
        budget = np.abs(condensed - rained - left - path).max() / condensed.max()
        return Run(rained[:, :, None], float(budget))

    run_program("isthmus-rain-bulk", groups, folder)
    fields = np.stack(read(folder / "run.nc", names), axis=-1).reshape(-1, 4)
    fixed = np.broadcast_to([1e-3, 12.5e-6, 1.0], (len(fields), 3))
    state = torch.from_numpy(np.concatenate([fields, fixed], axis=-1)[fields[:, 0] > 1e-6])
    inputs = {"state": state[::7]}
    return Case("warm rain", net, "layers", inputs, "rates", run, 6, 20.0)


def chemistry(path: Path, folder: Path, effort: float) -> Case:
    """Return a step of an hour of Super-Fast."""
    mechanism = Mechanism("superfast", method="rodas4", rtol=1e-6, atol=1e-3)
    weights = weights_of(path)
    hidden = [
        v.shape[0] for k, v in weights.items() if k.startswith("net.") and v.ndim == 2
    ]
    step = ChemistryStep(
        mechanism.linear_invariants(),
        weights["floor"].numpy(),
        dt=HOUR,
        n_light=weights["light_mean"].shape[0],
        hidden=hidden[:-1],
    )
    step = filled(step, weights)
    data = generate(mechanism, dt=HOUR, n_cells=6, n_steps=24, seed=11)
    y = torch.from_numpy(data.y)
    light = torch.from_numpy(data.light)[:-1].flatten(0, 1)
    start = spread_start(mechanism, 32, spread=3.0, random=np.random.default_rng(77))
    start = integrate_steps(mechanism, start, 1, dt=HOUR, t=8 * HOUR)[-1]
    with netCDF4.Dataset(folder / "start.nc", "w") as file:
        file.createDimension("cell", start.shape[0])
        file.createDimension("species", start.shape[1])
        file.createVariable("y", "f8", ("cell", "species"))[:] = start
    totals = mechanism.linear_invariants().T

    def run(network: Path, place: Path) -> Run:
        groups = {
            "coupling": {"network": str(network), "guarded": False},
            "mechanism": {"file": str(mechanism.path)},
            "integration": {
                "dt": HOUR,
                "n_steps": round(168 * effort),
                "t_start": 9 * HOUR,
                "n_cells": start.shape[0],
            },
            "files": {"initial": str(folder / "start.nc"), "output": "run.nc"},
        }
        run_program("isthmus-chemistry-coupled", groups, place)
        found = read(place / "run.nc", ("y",))[0]
        sums = found @ totals
        budget = np.abs(sums / sums[0] - 1.0).max()
        return Run(found[:, :, [mechanism.index("O3")]], float(budget))

    inputs = {"y": y[:-1].flatten(0, 1), "light": light}
    floor = weights["floor"]
    return Case(
        "chemistry",
        step,
        "net",
        inputs,
        "y_next",
        run,
        24,
        HOUR,
        y[1:].flatten(0, 1),
        scale=lambda v: torch.log(v.clamp(min=0.0) + floor),
    )


def ocean(path: Path, folder: Path, effort: float) -> Case:
    """Return the fluxes between levels of the ocean."""
    net = filled(OceanFluxNet(), weights_of(path))
    model = OceanColumn(weather=3)
    state, states = model.initial_state(12), []
    for i in range(432):
        model.force(state, i * 600.0, 600.0)
        states.append(state.copy())
        model.apply(state, model.fluxes(state, 600.0), 600.0)

    def run(network: Path, place: Path) -> Run:
        groups = {
            "model": {"weather": 3.0},
            "integration": {
                "columns": 12,
                "duration": DAY * round(30 * effort),
                "output_every": 21600.0,
            },
            "coupling": {"network": str(network)},
            "files": {"output": "run.nc"},
        }
        run_program("isthmus-ocean-column-coupled", groups, place)
        t, budget = read(place / "run.nc", ("t", "budget"))
        return Run(t, float(np.abs(budget - budget[0]).max() / budget[0].max()))

    inputs = {"state": torch.from_numpy(np.concatenate(states[::9]))}
    return Case("ocean column", net, "net", inputs, "fluxes", run, 4, 600.0)


KERNELS = ("face_depth", "slope", "slope_after", "carried", "walls")
BASINS, STEPS_A_DAY, SEAS = 8, 96, {"dx": CELL, "dy": CELL, "f0": 0.0}
LIMITS = {"zeta": (-0.3, 0.3), "u": (-5.0, 5.0), "v": (-5.0, 5.0), "depth": (0.0, 40.0)}


def lower_kernels(module: nn.Module, kind: str, part: str) -> nn.Module:
    """Return a copy whose convolutions compute in `kind`; "int8 weights": rounded so."""
    if kind == "int8":
        raise ConfigurationError("convolutions with shared weights have no linear layer")
    whole = copy.deepcopy(module)
    if kind == "int8 weights":
        for name in KERNELS:
            weight = whole.get_submodule(f"{part}.{name}").weight
            step = weight.abs().max() / INT8_STEPS
            weight.copy_(step * (weight / step).round())
        kind = "float32"
    net = whole.get_submodule(part)
    for name in KERNELS:
        setattr(net, name, InPrecision(net.get_submodule(name), DTYPES[kind]))
    return whole


def shallow_water(path: Path, folder: Path, effort: float) -> Case:
    """Return the implicit step of the shallow water model, 900 s; its solve stays double.

    A sample is a basin of 32 x 32 cells of 10 km; many lie one above the other.
    """
    dt = 900.0
    net = ImplicitFluxNet(tolerance=1e-10, on_failure="nan")
    step = PhysicalStep(filled(net, torch.load(path, weights_only=True), "step."))
    depth, zeta = basins(BASINS, 7)

    def groups(place: Path, n_steps: int, every: int) -> dict[str, Any]:
        write_field(place / "grid.nc", "depth", stacked(depth))
        write_field(place / "initial.nc", "zeta", stacked(zeta))
        return {
            "grid": {"file": "grid.nc", "islands": "keep"},
            "physics": PHYSICS,
            "integration": {"dt": dt, "n_steps": n_steps},
            "solver": {"tolerance": 1e-10},
            "files": {"initial": "initial.nc", "output": "run.nc", "output_every": every},
            "log": {"every": n_steps},
        }

    def run(network: Path, place: Path) -> Run:
        coupling = {"network": str(network), "role": "step", "guarded": False}
        n_steps = max(12, round(2 * STEPS_A_DAY * effort))
        settings = groups(place, n_steps, 12) | {"coupling": coupling}
        run_program(SEA_COUPLED, settings, place)
        found = np.ma.filled(read_masked(place / "run.nc", "zeta"), 0.0)
        water = found.sum(axis=(1, 2))
        wide = np.concatenate([found, np.zeros_like(found[:, :1])], axis=1)
        fields = wide.reshape(len(found), BASINS, -1)
        return Run(fields, float(np.abs(water / water[0] - 1.0).max()))

    run_program("isthmus-shallow-water", groups(folder, STEPS_A_DAY, 1), folder)
    names = ("zeta", "u", "v")
    states = [np.ma.filled(read_masked(folder / "run.nc", n), 0.0) for n in names]
    now = [v[-2] for v in states]
    inputs = dict(zip((*names, "depth"), [*now, stacked(depth)], strict=True))
    write = partial(
        export_shallow_water, role="step", dt=dt, trained_for=SEAS, limits=LIMITS
    )

    def several(n: int) -> dict[str, Array]:
        one = {name: v[: N_CELLS + 1] for name, v in inputs.items()}
        return {name: np.tile(v, (n, 1))[:-1].copy() for name, v in one.items()}

    return Case(
        "shallow water step",
        step,
        "network",
        {name: torch.from_numpy(v) for name, v in inputs.items()},
        "zeta_next",
        run,
        2,
        dt,
        torch.from_numpy(states[0][-1].copy()),
        most=64,
        lower=lower_kernels,
        write=partial(write, progress=False, tolerance=1e-2),
        several=several,
    )


def read_masked(path: Path, name: str) -> Array:
    """Return a variable with its mask."""
    with netCDF4.Dataset(path) as file:
        return file[name][:]


CASES = {
    "closure": lorenz96_closure,
    "emulator": lorenz96_emulator,
    "rain": rain,
    "chemistry": chemistry,
    "ocean": ocean,
    "shallow-water": shallow_water,
}
