# SPDX-License-Identifier: MIT
"""Train the 43,201-weight network on N = 1200 steps of one trajectory, at dt = 0.05.

The data, the split and the loss of one step are the published ones; activation, schedule
and the last stage (short rollouts) are ours. Resumable: run it again.
"""

import argparse
from pathlib import Path

import torch

from isthmus.learn import Curriculum, FitSettings, RolloutLoss
from isthmus.learn.lorenz96 import train_emulator
from isthmus.learn.simulators import simulate_one_level

N_STEPS, N_TRAIN, N_VALID = 1200, 941, 131  # states; 940 and 130 pairs, as published


def main() -> None:
    """Train and save the weights beside the checkpoint."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kind", default="deep", choices=("deep", "deep-relu", "residual"))
    parser.add_argument("--epochs", type=int, nargs="+", default=[400, 40])
    parser.add_argument("--steps", type=int, nargs="+", default=[1, 4])
    parser.add_argument("--rates", type=float, nargs="+", default=[1.0, 0.1])
    parser.add_argument("--learning-rate", type=float, default=2e-3)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--weight-decay", type=float, default=1e-4)
    parser.add_argument("--output", type=Path, default=Path("out/numbers"))
    args = parser.parse_args()
    torch.set_num_threads(1)
    args.output.mkdir(parents=True, exist_ok=True)
    truth = simulate_one_level(N_STEPS, dt=0.05)
    train = truth.slice(0, N_TRAIN)
    valid = truth.slice(N_TRAIN, N_TRAIN + N_VALID)
    settings = FitSettings(
        optimizer="adamw",
        schedule="cosine",
        learning_rate=args.learning_rate,
        weight_decay=args.weight_decay,
        batch_size=args.batch_size,
        evaluate_every=300,
        clip_norm=1.0,
        checkpoint=args.output / f"{args.kind}.checkpoint",
        metrics=args.output / f"{args.kind}.jsonl",
    )
    curriculum = Curriculum(tuple(args.steps), tuple(args.epochs), tuple(args.rates))
    step, history = train_emulator(
        args.kind,
        train,
        valid,
        curriculum=curriculum,
        loss=RolloutLoss(),
        settings=settings,
    )
    torch.save(step.state_dict(), args.output / f"{args.kind}.weights")
    print(f"best {history.best:.3e}, {history.seconds:.0f} s of processor time")


if __name__ == "__main__":
    main()
