# SPDX-License-Identifier: MIT
"""Accuracy and cost of every kind of derivative for the models of `isthmus tune`.

The measure is the relative error (Frobenius) of the change of the state after some steps,
each number of it in units of its largest, from changes of the first state and of the
parameters by one prior deviation each, against the hand-written tangent-linear in double
precision, each along the trajectory of its own model. The cost is that of a trajectory and
the adjoint of the whole window.

    python tune_derivatives.py tune_two_level.toml [--network two_level.pt] [--draws 5]
"""

import argparse
import tomllib
from functools import partial
from pathlib import Path

import numpy as np
import torch
from derivatives import shortest
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from isthmus.inverse.derivative_kinds import OF_A_FILE
from isthmus.inverse.parameter_campaigns import Tuning, read_tuning
from isthmus.inverse.parameter_cases import make_case
from isthmus.inverse.parametric import ParametricModel

Parts = tuple[np.ndarray, np.ndarray]
NOTHING = 1e-10  # of the largest change: v in a channel without rotation, say
KINDS = ("differences", "autodiff", "autodiff-forward")


def main() -> None:
    """Measure all kinds and show the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path, help="of isthmus tune")
    parser.add_argument("--network", type=Path, help="model file of a step")
    parser.add_argument("--draws", type=int, default=5, help="of state and parameters")
    args = parser.parse_args()
    torch.set_num_threads(1)
    tuning = read_tuning(args.file)
    leads = sorted({1, min(4, tuning.n_steps), tuning.n_steps})
    table = Table(box=SIMPLE_HEAD, title=f"{args.file.name}, relative errors")
    table.add_column("derivatives")
    for part in ("state", "parameters"):
        for lead in leads:
            table.add_column(f"{part}, {lead}", justify="right")
    table.add_column("adjoint, ms", justify="right")
    draws = [drawn(tuning, seed) for seed in range(args.draws)]
    for name, model in kinds(tuning, args.network).items():
        found = np.mean([errors(tuning, model, *draw, leads) for draw in draws], axis=0)
        cost = 1e3 * shortest(partial(adjoint, tuning, model, *draws[0]), rounds=3)
        cells = ("-" if np.isnan(e) else f"{e:.1e}" for e in found.ravel())
        table.add_row(name, *cells, f"{cost:.3g}")
    Console(highlight=False, width=140).print(table)


def kinds(tuning: Tuning, network: Path | None) -> dict[str, ParametricModel]:
    """Return the models, each with its own derivatives."""
    found = {"adjoint": tuning.case.truth}
    asked = tomllib.loads(tuning.text)
    for kind in KINDS if network is None else (*KINDS, *OF_A_FILE):
        chosen = {"derivatives": kind}
        if kind in OF_A_FILE:
            chosen["network"] = str(network)
        found[kind] = make_case(asked["model"] | chosen, asked["window"]).model
    return found


def drawn(tuning: Tuning, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return a first state and parameters from the prior."""
    rng = np.random.default_rng(seed)
    p = tuning.prior.sample(rng)
    return tuning.case.start(p, rng), p


def changes(tuning: Tuning, model: ParametricModel, x: np.ndarray, p: np.ndarray) -> Parts:
    """Return those from a deviation of state and parameters `[time, column, k]`."""
    b, prior = tuning.case.covariance, tuning.prior
    of_x = np.zeros((0, x.size)) if b is None else b.sqrt(np.eye(b.n_control))
    of_p = np.diag(prior.slope(prior.q(p)) * prior.sd)
    n, n_p = len(of_x), len(p)
    x_tl = np.vstack([of_x, np.zeros((n_p, x.size))])
    p_tl = np.vstack([np.zeros((n, n_p)), of_p])
    found = model.sweep_tl(model.trajectory(x, p, tuning.n_steps), p, x_tl, p_tl)
    return found[:, :n], found[:, n:]


def errors(
    tuning: Tuning,
    model: ParametricModel,
    x: np.ndarray,
    p: np.ndarray,
    leads: list[int],
) -> np.ndarray:
    """Return the relative errors `[part, lead]`, NaN of a state that is known."""
    found = np.full((2, len(leads)), np.nan)
    parts = zip(
        changes(tuning, model, x, p), changes(tuning, tuning.case.truth, x, p), strict=True
    )
    for part, (mine, true) in enumerate(parts):
        for i, lead in enumerate(leads):
            if mine.size:
                off = np.linalg.norm((mine[lead] - true[lead]) / size(true[lead]))
                found[part, i] = off / np.linalg.norm(true[lead] / size(true[lead]))
    return found


def size(true: np.ndarray) -> np.ndarray:
    """Return the largest change of each number of the state, infinity if it is rounding."""
    found = np.abs(true).max(axis=0)
    return np.where(found > NOTHING * found.max(), found, np.inf)


def adjoint(tuning: Tuning, model: ParametricModel, x: np.ndarray, p: np.ndarray) -> object:
    """Return the sensitivities of the sum of all states of the window."""
    states = model.trajectory(x, p, tuning.n_steps)
    return model.sweep_ad(states, p, np.ones_like(states))


if __name__ == "__main__":
    main()
