# SPDX-License-Identifier: MIT
"""Chemistry with a network: data from the Fortran solver, and model files for it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from isthmus.contract import Guard
from isthmus.couple.chemistry_file import write_step
from isthmus.errors import ModelRunError
from isthmus.export import ExportReport, export_network, learn_guard
from isthmus.learn.chemistry import ChemistryData
from isthmus.models import Mechanism, flag_text
from isthmus.nets.chemistry import ChemistryStep

Array = NDArray[np.float64]

N_LIGHT: Final = 3
"""Light at the start, the middle and the end of a step."""
START_HOURS: Final = (0.0, 3.0, 6.0, 9.0, 12.0, 15.0, 18.0, 21.0)
GUARD_MARGIN: Final = 0.1
EXAMPLE_CELLS: Final = 4
SINGLE_PRECISION: Final = 1e-5
"""Kernels for another number of cells sum in another order. The random states of the checks
have all species equally abundant, so exponents are some tens, and each is in float32."""


def light_of_step(mechanism: Mechanism, t: float, dt: float) -> Array:
    """Return the light at the start, the middle and the end of a step `[n_light]`."""
    return mechanism.light(t + dt * np.linspace(0.0, 1.0, N_LIGHT))


def spread_start(
    mechanism: Mechanism, n_cells: int, *, spread: float, random: np.random.Generator
) -> Array:
    """Return starts `[cell, species]`: the published one times `spread`^u, u in (-1, 1)."""
    factors = spread ** random.uniform(-1.0, 1.0, (n_cells, len(mechanism)))
    return mechanism.initial * factors


def integrate_steps(
    mechanism: Mechanism, y: Array, n_steps: int, *, dt: float, t: float
) -> Array:
    """Return the states `[time, cell, species]` of n splitting steps and the start.

    Raises
    ------
    ModelRunError
        If a cell is flagged.
    """
    states = [y.copy()]
    state, h = y.copy(), None
    for n in range(n_steps):
        done = mechanism.integrate(state, dt, t=t + n * dt, h=h)
        if done.flags.any():
            bad = int(np.flatnonzero(done.flags)[0])
            raise ModelRunError(
                f"cell {bad} at step {n}: {flag_text(done.flags[bad])}; is 'atol' "
                f"({mechanism.atol}) below what the species reach?"
            )
        h = done.h
        states.append(np.maximum(state, 0.0))
    return np.stack(states)


def generate(
    mechanism: Mechanism,
    *,
    dt: float,
    n_cells: int,
    n_steps: int,
    n_episodes: int = 1,
    spread: float = 3.0,
    mixing: float = 0.3,
    start_hours: Sequence[float] = START_HOURS,
    seed: int = 0,
    spin_up_steps: int = 0,
    on_progress: Callable[[float], None] | None = None,
) -> ChemistryData:
    """Integrate cells of many kinds, ages and hours.

    The first episode begins with the published start, spread. Each further one begins where
    the last ended. Every other cell is left alone, so that there are cells of all ages. The
    rest is mixed with each other by random shares, and each species multiplied by
    exp(`mixing` N(0, 1)): what transport and sources do between two steps of chemistry.

    Parameters
    ----------
    mechanism
        With the tolerances of the truth.
    dt
        Splitting step [mechanism's unit].
    n_cells
        Of each start hour and episode.
    n_steps
        Of an episode.
    start_hours
        Of the day; not used if there is no light.
    spin_up_steps
        Steps after each start that are not kept. Without them there are states without
        radicals, from which a host begins.

    Returns
    -------
    ChemistryData
        With n_cells x hours x episodes cells.
    """
    random = np.random.default_rng(seed)
    hours = tuple(start_hours) if "hv" in " ".join(mechanism.reactions) else (-1.0,)
    parts, lights, done = [], [], 0
    for hour in hours:
        t = max(hour, 0.0) / mechanism.hours_per_unit
        y = spread_start(mechanism, n_cells, spread=spread, random=random)
        for _ in range(n_episodes):
            total = n_steps + spin_up_steps
            states = integrate_steps(mechanism, y, total, dt=dt, t=t)
            light = np.stack(
                [light_of_step(mechanism, t + n * dt, dt) for n in range(total + 1)]
            )
            parts.append(states[spin_up_steps:])
            lights.append(np.repeat(light[spin_up_steps:, None], n_cells, axis=1))
            t += total * dt
            y = states[-1].copy()
            y[::2] = _stir(y[::2], mixing, random)
            done += 1
            if on_progress is not None:
                on_progress(done / (len(hours) * n_episodes))
    light = np.concatenate(lights, axis=1)
    if hours == (-1.0,):
        light = light[:, :, :0]
    return ChemistryData(np.concatenate(parts, axis=1), light, dt)


def _stir(y: Array, mixing: float, random: np.random.Generator) -> Array:
    """Mix each cell with another, then change each species a little."""
    share = random.uniform(0.0, 1.0, (len(y), 1))
    mixed = (1 - share) * y + share * random.permutation(y)
    stirred: Array = mixed * np.exp(mixing * random.standard_normal(y.shape))
    return stirred


def shuffled(data: ChemistryData, *, seed: int = 0) -> ChemistryData:
    """Return the cells in random order, so that a part of them is of all kinds."""
    order = np.random.default_rng(seed).permutation(data.y.shape[1])
    return replace(data, y=data.y[:, order], light=data.light[:, order])


def export_step(
    step: ChemistryStep, path: Path, data: ChemistryData, mechanism: Mechanism
) -> ExportReport:
    """Write a step as a model file with contract and guard; `.pt` or `.pt2`.

    The guard flags cells in which a species is outside the range of the training data by
    more than a tenth of it: there the host calls its solver.
    """
    samples, guard, chosen = _samples(step, data)
    inputs = {name: torch.from_numpy(values[chosen]) for name, values in samples.items()}
    module: torch.nn.Module = step if step.n_light else _WithoutLight(step)
    return export_network(
        module.eval(),
        path,
        inputs=inputs,
        outputs=["y_next"],
        dynamic={"cell": 0},
        separable="cell",
        description=f"{mechanism.name}: concentrations one splitting step later",
        dims={
            "y": ["cell", "species"],
            "light": ["cell", "node"],
            "y_next": ["cell", "species"],
        }
        if step.n_light
        else {"y": ["cell", "species"], "y_next": ["cell", "species"]},
        units={"y": mechanism.unit, "y_next": mechanism.unit}
        | ({"light": "1"} if step.n_light else {}),
        dt=step.dt,
        training_range={
            name: (max(0.0, float(values.min())), float(values.max()))
            for name, values in samples.items()
        },
        guard=guard,
        tolerance=SINGLE_PRECISION,
        progress=False,
    )


def export_lanes(
    step: ChemistryStep, path: Path, data: ChemistryData, mechanism: Mechanism
) -> None:
    """Write a step as netCDF for the kernel in Fortran, with the same guard.

    The host loads it like a model file; it needs no engine and is faster the smaller the
    network and the fewer the cells.

    Raises
    ------
    ExportError
        If the kernel has no such network.
    """
    samples, guard, chosen = _samples(step, data)
    y = samples["y"][chosen]
    light = samples["light"][chosen] if step.n_light else np.zeros((len(y), 0))
    write_step(step, path, mechanism=mechanism, guard=guard, examples=(y, light))


def _samples(
    step: ChemistryStep, data: ChemistryData
) -> tuple[dict[str, Array], Guard, NDArray[np.int64]]:
    """Return states by input, the guard they teach, and some of them as examples."""
    y = data.y[:-1].reshape(-1, data.y.shape[-1])
    light = data.light[:-1].reshape(len(y), -1)
    samples = {"y": y} | ({"light": light} if step.n_light else {})
    guard = learn_guard(samples, (0.0, 1.0), margin=GUARD_MARGIN, mahalanobis=False)
    return samples, guard, np.linspace(0, len(y) - 1, EXAMPLE_CELLS).astype(np.int64)


class _WithoutLight(torch.nn.Module):
    """A step of one input, for mechanisms without light."""

    def __init__(self, step: ChemistryStep) -> None:
        super().__init__()
        self.step = step

    def forward(self, y: torch.Tensor) -> torch.Tensor:
        """Return the concentrations [cell, species] one step later."""
        result: torch.Tensor = self.step(y, y[:, :0])
        return result
