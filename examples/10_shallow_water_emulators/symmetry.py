# SPDX-License-Identifier: MIT
"""What symmetries are worth: p1, p4 and p4m with equal weights, on little and more data.

    OMP_NUM_THREADS=1 python symmetry.py [--dt 900] [--runs 1 4 16] [--updates 400]

Nets of one form (`isthmus.nets.equivariant.GroupNet`) and about as many weights make as
many updates, single steps and then four in a row, on runs in basins of 32 x 32; p1 is the
plain net, once more with the processor time of p4m. Judged in other basins of that size,
and on the same basins turned. Prints a Markdown table.
"""

import argparse
import time

import basins
import recipes
import scores
import torch

from isthmus.learn import Curriculum, fit
from isthmus.learn.shallow_water import BasinRollout
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
BATCH, TRIALS, HOURS = 8, 6, 24.5


@torch.no_grad()
def turning_error(model: BasinRollout, states: torch.Tensor, depth: torch.Tensor) -> float:
    """Return what a quarter turn changes in one step, over the step's own change."""
    state, depth = states[scores.SPIN_UP].float(), depth.float()
    after = model(state, depth)
    turned = turned_over(mirrored(state)), depth.flip(-1).transpose(-1, -2)
    difference = model(*turned) - turned_over(mirrored(after))
    return float(difference.square().mean().sqrt() / (after - state).square().mean().sqrt())


def main() -> None:
    """Train, run, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--dt", type=float, default=900.0)
    parser.add_argument("--runs", type=int, nargs="+", default=[1, 4, 16])
    parser.add_argument("--updates", type=int, default=400)
    parser.add_argument("--nets", nargs="+", default=list(NETS), choices=list(NETS))
    given = parser.parse_args()
    torch.set_flush_denormal(True)
    n_steps = scores.SPIN_UP + round(HOURS * 3600 / given.dt)
    truth = basins.run(4321, TRIALS, recipes.TRAINING_SIZE, given.dt, n_steps)
    valid = recipes.windows(given.dt, recipes.VALID_RUNS, 2)
    print(
        "| runs | net | weights | one step | 1 h | 5 h | 24.5 h | of rms | energy "
        "| volume | turned | CPU min |"
    )
    print("|---" * 12 + "|", flush=True)
    for n_runs in given.runs:
        train = recipes.windows(given.dt, n_runs, 1)
        for name in given.nets:
            group, width, conserves = NETS[name]
            torch.manual_seed(0)
            model = BasinRollout(GroupNet(group, width, REACH, conserves=conserves))
            updates = given.updates * (LONGER if name.endswith("longer") else 1)
            batches = [-(-train.count(n) // BATCH) for n in (1, 4)]
            epochs = -(-updates // batches[0]), -(-updates // (8 * batches[1]))
            began = time.process_time()
            fit(
                model,
                train,
                valid,
                curriculum=Curriculum((1, 4), epochs, (1.0, 0.25)),
                learning_rate=4e-3,
                schedule="cosine",
                batch_size=BATCH,
                evaluate_every=100,
                clip_norm=1.0,
            )
            minutes = (time.process_time() - began) / 60.0
            found = scores.score(model, *truth)
            steps = [round(lead * 3600 / given.dt) - 1 for lead in (1.0, 5.0, HOURS)]
            leads = " | ".join(f"{float(found.errors[step]):.2g}" for step in steps)
            n_weights = sum(p.numel() for p in model.parameters())
            print(
                f"| {n_runs} | {name} | {n_weights} "
                f"| {float(found.errors[0]):.1e} | {leads} "
                f"| {float(found.errors[-1] / found.size[-1]):.2g} | {found.energy:.3g} "
                f"| {found.volume:.0e} | {turning_error(model, *truth):.0e} "
                f"| {minutes:.1f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
