# SPDX-License-Identifier: MIT
"""Train a network in place of a splitting step of chemistry, and export it.

First single steps, many of them of the first hours, where most changes; then rollouts of
growing length.

python examples/09_chemistry/train.py superfast --dt 3600
python examples/09_chemistry/train.py pollu --dt 10
"""

import argparse
import dataclasses
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from isthmus.couple.chemistry import export_lanes, export_step, generate, shuffled
from isthmus.learn import Curriculum, FitSettings
from isthmus.learn.chemistry import ChemistryData, pairs, train_chemistry_step
from isthmus.models import Mechanism
from isthmus.nets.chemistry import floors

FOLDER = Path(__file__).parent / "build"
TRUTH = {"method": "rodas4", "rtol": 1e-5}
DAYS, STEPS, FIRST_STEPS = 7, 24, 3
PARTS = ((1.0, 1), (0.08, 2))  # of training and validation: share of the cells, seed
FIT = FitSettings(
    optimizer="soap",
    learning_rate=5e-3,
    batch_size=1024,
    schedule="cosine",
    clip_norm=1.0,
    evaluate_every=400,
)


class Plan(NamedTuple):
    """What a mechanism needs: tolerance, cells of each start hour, what counts more."""

    atol: float
    first: int  # followed for the first steps of a published start, spread
    fresh: int  # followed for a day from there
    aged: int  # of which each of a week's days is an episode, stirred in between
    emphasis: dict[str, float]  # weights of species


PLANS = {
    "superfast": Plan(1e-3, first=900, fresh=250, aged=60, emphasis={"O3": 6.0, "OH": 2.0}),
    "pollu": Plan(1e-12, first=16000, fresh=2000, aged=300, emphasis={"O3": 6.0}),
}  # POLLU has no light, and so one start hour


def main() -> None:
    """Generate, train, export."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("mechanism", choices=sorted(PLANS))
    parser.add_argument("--dt", type=float, default=3600.0, help="splitting step")
    parser.add_argument("--width", type=int, default=36, help="of both hidden layers")
    parser.add_argument("--activation", default="hardswish", help="silu, relu, tanh")
    parser.add_argument("--seed", type=int, default=0, help="of weights and batches")
    parser.add_argument("--optimizer", default="soap", help="adam, adamw")
    parser.add_argument("--epochs", type=int, default=80, help="of single steps")
    parser.add_argument("--lengths", type=int, nargs="+", default=[6, 24])
    parser.add_argument("--rollout-epochs", type=int, nargs="+", default=[2, 48])
    parser.add_argument("--rates", type=float, nargs="+", default=[0.1, 0.1])
    parser.add_argument("--suffix", default="", help="of the files' names, e.g. _s1")
    parser.add_argument("--engines", nargs="*", default=[".pt"], help="also: .pt2")
    args = parser.parse_args()
    torch.set_num_threads(1)
    fit = dataclasses.replace(FIT, seed=args.seed, optimizer=args.optimizer)
    plan = PLANS[args.mechanism]
    mechanism = Mechanism(args.mechanism, atol=plan.atol, **TRUTH)
    (steps, days), (valid_steps, valid_days) = (
        samples(mechanism, plan, args.dt, share, seed) for share, seed in PARTS
    )
    weights = np.ones(len(mechanism))
    for name, weight in plan.emphasis.items():
        weights[mechanism.index(name)] = weight
    common = {"weights": weights, "floor": floors(steps.y)}
    step, history = train_chemistry_step(
        steps,
        valid_steps,
        mechanism.linear_invariants(),
        hidden=(args.width, args.width),
        activation_name=args.activation,
        curriculum=Curriculum((1,), args.epochs),
        settings=fit,
        **common,
    )
    print(f"single steps: loss {history.best:.4f}, {history.seconds:.0f} s of processor")
    FOLDER.mkdir(exist_ok=True)
    stem = f"{args.mechanism}_{args.dt:g}{args.suffix}"
    step, history = train_chemistry_step(
        days,
        valid_days,
        mechanism.linear_invariants(),
        start=step,
        curriculum=Curriculum(
            tuple(args.lengths), tuple(args.rollout_epochs), tuple(args.rates)
        ),
        settings=dataclasses.replace(fit, batch_size=256, evaluate_every=50),
        **common,
    )
    print(f"rollouts: loss {history.best:.4f}, {history.seconds:.0f} s of processor")
    torch.save(step, FOLDER / f"{stem}.module")
    for suffix in args.engines:
        print(export_step(step, FOLDER / (stem + suffix), steps, mechanism).summary())
    export_lanes(step, FOLDER / f"{stem}.nc", steps, mechanism)


def samples(
    mechanism: Mechanism, plan: Plan, dt: float, share: float, seed: int
) -> tuple[ChemistryData, ChemistryData]:
    """Return single steps of all ages, and days of fresh and of aged cells."""

    def cells(n: int) -> int:
        return max(1, round(share * n))

    seeds = iter(range(10 * seed, 10 * seed + 3))
    first = generate(
        mechanism,
        dt=dt,
        n_cells=cells(plan.first),
        n_steps=FIRST_STEPS,
        start_hours=range(24),
        seed=next(seeds),
    )
    fresh = generate(
        mechanism,
        dt=dt,
        n_cells=cells(plan.fresh),
        n_steps=STEPS,
        start_hours=range(0, 24, 2),
        seed=next(seeds),
    )
    aged = generate(
        mechanism,
        dt=dt,
        n_cells=cells(plan.aged),
        n_steps=STEPS,
        n_episodes=DAYS,
        seed=next(seeds),
    )
    y, light = (
        np.concatenate([getattr(part, name) for part in (fresh, aged)], axis=1)
        for name in ("y", "light")
    )
    return pairs(first, fresh, aged), shuffled(ChemistryData(y, light, dt))


if __name__ == "__main__":
    main()
