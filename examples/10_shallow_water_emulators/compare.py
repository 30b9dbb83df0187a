# SPDX-License-Identifier: MIT
"""Train emulators of the shallow water step and compare them over 24.5 hours.

    OMP_NUM_THREADS=1 python compare.py [--dt 300 900 1500] [--seeds 1] [--minutes 3]
        [--models known implicit plain bilinear cgrid unet fno]
        [--sizes 32 100] [--trials 8 3]

Trained in basins of 32 x 32 cells, run in others of that size and in larger ones; a
forecast starts after ten steps of the model. Prints a row of a Markdown table for each
model and size: means over seeds, at the last lead the smallest and the largest too. Writes
the weights beside itself (seed 0), and what validation said (`curve_MODEL_DT.csv`).
"""

import argparse
import time
from typing import NamedTuple

import basins
import numpy as np
import recipes
import scores
import torch

from isthmus.learn import History
from isthmus.learn.shallow_water import BasinRollout

LEADS = (1.0, 5.0, 10.0, 24.5)  # [h]
ROUNDING = 1e-16  # no drift is shown as less
COLUMNS = [
    "dt s",
    "model",
    "cells",
    "one step",
    *(f"{lead:g} h" for lead in LEADS),
    "of rms",
    "volume",
    "energy",
    "spectrum",
    "useful h",
    "weights",
    "updates",
    "CPU min",
]


class Cost(NamedTuple):
    """What a model is and cost: weights, updates, processor time [min]."""

    weights: int
    updates: int = 0
    minutes: float = 0.0


def row(
    dt: float, name: str, size: int, found: list[scores.Scores], costs: list[Cost]
) -> str:
    """Return a row of the table: means over seeds; the worst volume."""
    # A forecast that blew up is wrong without limit.
    errors = torch.stack([x.errors for x in found]).nan_to_num(torch.inf)
    mean, last = errors.mean(0), errors.shape[1] - 1
    steps = [min(round(lead * 3600 / dt) - 1, last) for lead in LEADS]
    leads = [f"{float(mean[step]):.2g}" for step in steps]
    if len(found) > 1:
        name = f"{name}, {len(found)} seeds"
        leads[-1] += (
            f" ({float(errors[:, -1].min()):.2g} to {float(errors[:, -1].max()):.2g})"
        )
    useful = np.mean([x.useful() for x in found])
    cells = [
        f"{dt:.0f}",
        name,
        f"{size}^2",
        f"{float(mean[0]):.1e}",
        *leads,
        f"{float(mean[-1] / found[0].size[-1]):.2g}",
        f"{max(ROUNDING, *(x.volume for x in found)):.0e}",
        f"{np.mean([x.energy for x in found]):.3g}",
        f"{np.mean([x.spectrum for x in found]):.2g}",
        f"> {LEADS[-1]}" if useful > last else f"{useful * dt / 3600:.1f}",
        f"{costs[0].weights}",
        f"{np.mean([cost.updates for cost in costs]):.0f}",
        f"{np.mean([cost.minutes for cost in costs]):.1f}",
    ]
    return "| " + " | ".join(cells) + " |"


def trained(
    name: str, dt: float, seed: int, given: argparse.Namespace
) -> tuple[BasinRollout, Cost]:
    """Return a model and what it cost."""
    model = recipes.make(name, dt, seed)
    n_weights = sum(p.numel() for p in model.parameters())
    weights = recipes.HERE / f"{name}_{dt:.0f}.pt"
    if name == "known":
        return model, Cost(n_weights)
    if given.load:
        model.load_state_dict(torch.load(weights))
        return model, Cost(n_weights)
    started = time.process_time()
    history = recipes.train(name, model, dt, given.minutes, seed)
    seconds = time.process_time() - started
    if seed == 0:
        torch.save(model.state_dict(), weights)
        curve = [
            (line.length, line.seconds / 60.0, line.valid_loss**0.5)
            for line in history.evaluations
        ]
        path = recipes.HERE / f"curve_{name}_{dt:.0f}.csv"
        np.savetxt(path, curve, "%.5g", ",", header="steps,minutes,error")
    return model, Cost(n_weights, updates(name, history), seconds / 60.0)


def updates(name: str, history: History) -> int:
    """Return the number of updates; an epoch of L-BFGS makes twenty."""
    return history.evaluations[-1].step * (20 if name == "implicit" else 1)


def main() -> None:
    """Train, run, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--dt", type=float, nargs="+", default=[300.0, 900.0, 1500.0])
    names = list(recipes.MODELS)
    parser.add_argument("--models", nargs="+", default=names, choices=names)
    parser.add_argument("--sizes", type=int, nargs="+", default=[32, 100])
    parser.add_argument("--trials", type=int, nargs="+", default=[8, 3])
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=3.0, help="of explicit nets")
    parser.add_argument("--load", action="store_true", help="weights of an earlier run")
    given = parser.parse_args()
    torch.set_flush_denormal(True)  # still water ahead of a wave is full of them
    print(
        "| " + " | ".join(COLUMNS) + " |", "|---" * len(COLUMNS) + "|", sep="\n", flush=True
    )
    for dt in given.dt:
        n_steps = scores.SPIN_UP + round(LEADS[-1] * 3600 / dt)
        truths = [
            (size, basins.run(4321, n_trials, size, dt, n_steps))
            for size, n_trials in zip(given.sizes, given.trials, strict=False)
        ]
        for name in given.models:
            n_seeds = 1 if given.load or name == "known" else given.seeds
            models = [trained(name, dt, seed, given) for seed in range(n_seeds)]
            costs = [cost for _, cost in models]
            for size, truth in truths:
                found = [scores.score(model, *truth) for model, _ in models]
                print(row(dt, name, size, found, costs), flush=True)


if __name__ == "__main__":
    main()
