# SPDX-License-Identifier: MIT
"""What symmetries are worth: p1, p4 and p4m with equal weights, on little and more data.

    OMP_NUM_THREADS=1 python symmetry.py [--dt 900] [--runs 1 4 16] [--updates 400]
        [--cells 32] [--nets p1 p4 p4m "p1, flux" "p4m, flux" "p1, longer"]
        [--output FILE.png]

Nets of one form (`isthmus.nets.equivariant.GroupNet`) and about as many weights make as
many updates, single steps and then four in a row, on runs in small basins; p1 is the plain
net, once more with the processor time of p4m. Judged in other basins of that size, and on
the same basins turned. Prints a Markdown table; draws the error over the number of
runs, and over lead time the difference of a basin's turned forecast from the forecast of
the turned basin.
"""

import argparse
import time
from pathlib import Path
from typing import NamedTuple

import basins
import matplotlib.pyplot as plt
import recipes
import scores
import torch
from torch import Tensor

from isthmus.couple.style import COLOURS, STYLE, STYLES, WIDTH
from isthmus.learn import Curriculum, fit
from isthmus.learn.shallow_water import BasinRollout, BasinWindows
from isthmus.nets.equivariant import GroupNet
from isthmus.nets.shallow_water_emulators import mirrored, turned_over

REACH = 4  # cells: 900 s need 3.3
# Features by group: 36 n^2 weights a layer for p4, 72 n^2 for p4m, 9 n^2 for p1.
NETS = {
    "p1": ("p1", 14, False),
    "p4": ("p4", 7, False),
    "p4m": ("p4m", 5, False),
    "p1, flux": ("p1", 14, True),
    "p4m, flux": ("p4m", 5, True),
    "p1, longer": ("p1", 14, False),
}
LONGER = 4  # times the updates
TRIALS, HOURS = 6, 24.5


class Outcome(NamedTuple):
    """Of one net trained on some runs."""

    n_runs: int
    net: str
    found: scores.Scores
    turning: Tensor
    """What a quarter turn changes, over the size of the state [lead]."""


@torch.no_grad()
def turning_errors(model: BasinRollout, state: Tensor, depth: Tensor, n: int) -> Tensor:
    """Return what a quarter turn changes in n steps, over the size of the state [lead]."""
    depths = depth, depth.flip(-1).transpose(-1, -2)
    states, errors = (state, turned_over(mirrored(state))), []
    for _ in range(n):
        states = model(states[0], depths[0]), model(states[1], depths[1])
        difference = states[1] - turned_over(mirrored(states[0]))
        errors.append((difference.square().mean() / states[0].square().mean()).sqrt())
    return torch.stack(errors)


def trained(name: str, data: BasinWindows, valid: BasinWindows, n: int) -> BasinRollout:
    """Return a net after n updates on single steps and n/8 on four in a row."""
    group, width, conserves = NETS[name]
    torch.manual_seed(0)
    model = BasinRollout(GroupNet(group, width, REACH, conserves=conserves))
    n *= LONGER if name.endswith("longer") else 1
    batches = [-(-data.count(length) // recipes.BATCH) for length in (1, 4)]
    fit(
        model,
        data,
        valid,
        curriculum=Curriculum(
            (1, 4), (-(-n // batches[0]), -(-n // (8 * batches[1]))), (1.0, 0.25)
        ),
        settings=recipes.EXPLICIT,
    )
    return model


def row(result: Outcome, model: BasinRollout, dt: float, minutes: float) -> str:
    """Return a row of the table."""
    found = result.found
    steps = [round(lead * 3600 / dt) - 1 for lead in (1.0, 5.0, HOURS)]
    cells = [
        f"{result.n_runs}",
        result.net,
        f"{sum(p.numel() for p in model.parameters())}",
        f"{float(found.errors[0]):.1e}",
        *(f"{float(found.errors[step]):.2g}" for step in steps),
        f"{float(found.errors[-1] / found.size[-1]):.2g}",
        f"{found.energy:.3g}",
        f"{found.volume:.0e}",
        f"{float(result.turning[0]):.0e}",
        f"{minutes:.1f}",
    ]
    return "| " + " | ".join(cells) + " |"


def draw(results: list[Outcome], dt: float, path: Path) -> None:
    """Draw errors over the number of runs, and what a turn changes over lead time."""
    plt.rcParams.update(STYLE)
    figure, axes = plt.subplots(1, 3, figsize=(WIDTH, 2.5), layout="constrained")
    lead = round(1.0 * 3600 / dt) - 1
    most = max(result.n_runs for result in results)
    for k, name in enumerate(dict.fromkeys(result.net for result in results)):
        own = [result for result in results if result.net == name]
        look = {"color": COLOURS[k], "ls": STYLES[k % len(STYLES)], "label": name}
        for axis, step in zip(axes, (0, lead), strict=False):
            errors = [float(result.found.errors[step]) for result in own]
            axis.loglog([result.n_runs for result in own], errors, marker="o", **look)
        turning = own[-1].turning.clamp(min=1e-17)
        hours = torch.arange(1, len(turning) + 1) * dt / 3600
        if own[-1].n_runs == most:
            axes[2].semilogy(hours, turning, **look)
    for axis, title in zip(axes, ("one step", "1 h"), strict=False):
        axis.set(xlabel="runs to learn from", ylabel=f"error after {title}")
    axes[2].set(xlabel="lead time [h]", ylabel="changed by a quarter turn")
    axes[0].legend(fontsize=6)
    figure.savefig(path, dpi=110)


def main() -> None:
    """Train, run, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--dt", type=float, default=900.0)
    parser.add_argument("--runs", type=int, nargs="+", default=[1, 4, 16])
    parser.add_argument("--updates", type=int, default=400)
    parser.add_argument("--cells", type=int, default=recipes.TRAINING_SIZE)
    parser.add_argument("--nets", nargs="+", default=list(NETS), choices=list(NETS))
    figures = recipes.HERE.parent.parent / "docs" / "figures"
    parser.add_argument("--output", type=Path, default=figures / "swe_symmetries.png")
    given = parser.parse_args()
    torch.set_flush_denormal(True)
    n_steps = scores.SPIN_UP + round(HOURS * 3600 / given.dt)
    states, depth = basins.run(4321, TRIALS, given.cells, given.dt, n_steps)
    start = states[scores.SPIN_UP].float(), depth.float()
    valid = recipes.windows(given.dt, recipes.VALID_RUNS, 2, given.cells)
    print(
        "| runs | net | weights | one step | 1 h | 5 h | 24.5 h | of rms | energy "
        "| volume | turned | CPU min |"
    )
    print("|---" * 12 + "|", flush=True)
    results = []
    for n_runs in given.runs:
        train = recipes.windows(given.dt, n_runs, 1, given.cells)
        for name in given.nets:
            began = time.process_time()
            model = trained(name, train, valid, given.updates)
            minutes = (time.process_time() - began) / 60.0
            turning = turning_errors(model, *start, n_steps - scores.SPIN_UP)
            found = scores.score(model, states, depth)
            results.append(Outcome(n_runs, name, found, turning))
            print(row(results[-1], model, given.dt, minutes), flush=True)
    draw(results, given.dt, given.output)


if __name__ == "__main__":
    main()
