# SPDX-License-Identifier: MIT
"""Train a network in place of a splitting step of Super-Fast, and export it.

python examples/09_chemistry/train.py superfast --dt 3600
"""

import argparse
import dataclasses
from pathlib import Path

import numpy as np
import torch

from isthmus.couple.chemistry import export_lanes, export_step, generate, shuffled
from isthmus.learn import Curriculum
from isthmus.learn.chemistry import SETTINGS, ChemistryData, train_chemistry_step
from isthmus.models import Mechanism

FOLDER = Path(__file__).parent / "build"
TRUTH = {"method": "rodas4", "rtol": 1e-6}
ATOL = {"superfast": 1e-3}
FRESH = {"superfast": 420}  # cells of each start hour that begin as published, spread:
# there ozone is made, and errors too
AGED = {"superfast": 60}  # of which each of a week's days is an episode
DAYS, STEPS = 7, 24
PARTS = ((1.0, 1), (0.05, 2))  # of training and validation: share of the cells, seed
HOURLY = dataclasses.replace(
    SETTINGS, learning_rate=5e-3, batch_size=1024, evaluate_every=70
)


def main() -> None:
    """Generate, train, export."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("mechanism", choices=sorted(ATOL))
    parser.add_argument("--dt", type=float, default=3600.0, help="splitting step")
    parser.add_argument("--width", type=int, default=48, help="of both hidden layers")
    parser.add_argument("--activation", default="hardswish", help="silu, relu, tanh")
    parser.add_argument("--seed", type=int, default=0, help="of weights and batches")
    parser.add_argument("--lengths", type=int, nargs="+", default=[1, 4, 12, 24])
    parser.add_argument("--epochs", type=int, nargs="+", default=[24, 3, 3, 24])
    parser.add_argument("--rates", type=float, nargs="+", default=[1.0, 0.3, 0.2, 0.1])
    parser.add_argument("--suffix", default="", help="of the files' names, e.g. _seed1")
    parser.add_argument("--engines", nargs="*", default=[".pt"], help="also: .pt2")
    parser.add_argument("--ozone", type=float, default=6.0, help="weight of its errors")
    args = parser.parse_args()
    torch.set_num_threads(1)
    mechanism = Mechanism(args.mechanism, atol=ATOL[args.mechanism], **TRUTH)
    train, valid = (samples(mechanism, args.dt, share, seed) for share, seed in PARTS)
    weights = np.ones(len(mechanism))
    weights[mechanism.index("O3")] = args.ozone
    step, history = train_chemistry_step(
        train,
        valid,
        mechanism.linear_invariants(),
        hidden=(args.width, args.width),
        activation_name=args.activation,
        weights=weights,
        curriculum=Curriculum(tuple(args.lengths), tuple(args.epochs), tuple(args.rates)),
        settings=dataclasses.replace(HOURLY, seed=args.seed),
    )
    print(f"best validation loss {history.best:.4f}, {history.seconds:.0f} s of processor")
    FOLDER.mkdir(exist_ok=True)
    stem = f"{args.mechanism}_{args.dt:g}{args.suffix}"
    torch.save(step, FOLDER / f"{stem}.module")
    for suffix in args.engines:
        print(export_step(step, FOLDER / (stem + suffix), train, mechanism).summary())
    export_lanes(step, FOLDER / f"{stem}.nc", train, mechanism)


def samples(mechanism: Mechanism, dt: float, share: float, seed: int) -> ChemistryData:
    """Return cells of a first day and cells of all days of a week, half and half."""
    common = {"dt": dt, "n_steps": STEPS}
    n_fresh, n_aged = (round(share * n[mechanism.path.stem]) for n in (FRESH, AGED))
    fresh = generate(mechanism, n_cells=n_fresh, seed=2 * seed, **common)
    aged = generate(mechanism, n_cells=n_aged, n_episodes=DAYS, seed=2 * seed + 1, **common)
    y, light = (
        np.concatenate([getattr(part, name) for part in (fresh, aged)], axis=1)
        for name in ("y", "light")
    )
    return shuffled(ChemistryData(y, light, dt))


if __name__ == "__main__":
    main()
