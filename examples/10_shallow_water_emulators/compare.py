# SPDX-License-Identifier: MIT
"""Train emulators of the shallow water step and compare them over 24.5 hours.

    OMP_NUM_THREADS=1 python compare.py [--dt 300 900 1500] [--seeds 1] [--minutes 0.6]
        [--models implicit plain bilinear unet fno] [--sizes 32 100] [--trials 8 3]

Trained in basins of 32 x 32 cells, run in others of that size and in larger ones; a
forecast starts after ten steps of the model. Prints a row of a Markdown table for each
model, seed and size; writes the weights beside itself (seed 0).
"""

import argparse
import time

import basins
import recipes
import scores
import torch

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


def row(dt: float, name: str, size: int, found: scores.Scores, cost: list[str]) -> str:
    """Return a row of the table."""
    last = len(found.errors) - 1
    steps = [min(round(lead * 3600 / dt) - 1, last) for lead in LEADS]
    useful = found.useful()
    cells = [
        f"{dt:.0f}",
        name,
        f"{size}^2",
        f"{float(found.errors[0]):.1e}",
        *(f"{float(found.errors[step]):.2g}" for step in steps),
        f"{float(found.errors[last] / found.size[last]):.2g}",
        f"{max(found.volume, ROUNDING):.0e}",
        f"{found.energy:.3g}",
        f"{found.spectrum:.2g}",
        f"> {LEADS[-1]}" if useful > last else f"{useful * dt / 3600:.1f}",
        *cost,
    ]
    return "| " + " | ".join(cells) + " |"


def trained(name: str, dt: float, seed: int, given: argparse.Namespace) -> tuple:
    """Return a model and what it cost: weights, updates, minutes."""
    model = recipes.make(name, dt, seed)
    n_weights = sum(p.numel() for p in model.parameters())
    weights = recipes.HERE / f"{name}_{dt:.0f}.pt"
    if given.load:
        model.load_state_dict(torch.load(weights))
        return model, [f"{n_weights}", "", ""]
    started = time.process_time()
    n_updates = recipes.train(name, model, dt, given.minutes)
    seconds = time.process_time() - started
    if seed == 0:
        torch.save(model.state_dict(), weights)
    return model, [f"{n_weights}", f"{n_updates}", f"{seconds / 60:.1f}"]


def main() -> None:
    """Train, run, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--dt", type=float, nargs="+", default=[300.0, 900.0, 1500.0])
    names = list(recipes.MODELS)
    parser.add_argument("--models", nargs="+", default=names, choices=names)
    parser.add_argument("--sizes", type=int, nargs="+", default=[32, 100])
    parser.add_argument("--trials", type=int, nargs="+", default=[8, 3])
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=0.6, help="of explicit nets")
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
            for seed in range(given.seeds):
                model, cost = trained(name, dt, seed, given)
                for size, truth in truths:
                    found = scores.score(model, *truth)
                    print(row(dt, name, size, found, cost), flush=True)


if __name__ == "__main__":
    main()
