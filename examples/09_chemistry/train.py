# SPDX-License-Identifier: MIT
"""Train a network in place of a splitting step of Super-Fast, and export it.

python examples/09_chemistry/train.py superfast --dt 3600
"""

import argparse
import dataclasses
from pathlib import Path

import numpy as np
import torch

from isthmus.couple.chemistry import export_step, generate, shuffled
from isthmus.learn import Curriculum
from isthmus.learn.chemistry import SETTINGS, train_chemistry_step
from isthmus.models import Mechanism

FOLDER = Path(__file__).parent / "build"
TRUTH = {"method": "rodas4", "rtol": 1e-6}
ATOL = {"superfast": 1e-3}
CELLS = {"superfast": 120}  # of each start hour
EPISODES, STEPS = 7, 24
HOURLY = dataclasses.replace(
    SETTINGS, learning_rate=5e-3, batch_size=1024, evaluate_every=70
)


def main() -> None:
    """Generate, train, export."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("mechanism", choices=sorted(ATOL))
    parser.add_argument("--dt", type=float, default=3600.0, help="splitting step")
    parser.add_argument("--width", type=int, default=96, help="of both hidden layers")
    parser.add_argument("--lengths", type=int, nargs="+", default=[1, 4, 12, 24])
    parser.add_argument("--epochs", type=int, nargs="+", default=[36, 3, 3, 20])
    parser.add_argument("--rates", type=float, nargs="+", default=[1.0, 0.3, 0.2, 0.1])
    parser.add_argument("--ozone", type=float, default=3.0, help="weight of its errors")
    args = parser.parse_args()
    torch.set_num_threads(1)
    mechanism = Mechanism(args.mechanism, atol=ATOL[args.mechanism], **TRUTH)
    common = {"dt": args.dt, "n_steps": STEPS, "n_episodes": EPISODES}
    cells = CELLS[args.mechanism]
    train = shuffled(generate(mechanism, n_cells=cells, seed=1, **common))
    valid = shuffled(generate(mechanism, n_cells=cells // 20, seed=2, **common))
    weights = np.ones(len(mechanism))
    weights[mechanism.index("O3")] = args.ozone
    step, history = train_chemistry_step(
        train,
        valid,
        mechanism.linear_invariants(),
        hidden=(args.width, args.width),
        weights=weights,
        curriculum=Curriculum(tuple(args.lengths), tuple(args.epochs), tuple(args.rates)),
        settings=HOURLY,
    )
    print(f"best validation loss {history.best:.4f}, {history.seconds:.0f} s of processor")
    FOLDER.mkdir(exist_ok=True)
    stem = f"{args.mechanism}_{args.dt:g}"
    for suffix in (".pt", ".pt2"):
        print(export_step(step, FOLDER / (stem + suffix), train, mechanism).summary())


if __name__ == "__main__":
    main()
