# SPDX-License-Identifier: MIT
"""Train emulators of the shallow water step and compare them over 24.5 hours.

    OMP_NUM_THREADS=1 python compare.py [--dt 300 900 1500]
        [--models implicit plain bilinear] [--size 100] [--trials 6] [--effort 1.0]

Trained on basins of 32 x 32 cells, run in larger ones. Errors are roots of the mean square
over fields and cells, in units of 4.7 mm and its equal-energy velocity, averaged over
trials; rollouts start after ten steps of the model. Prints a Markdown table; writes the
weights beside itself.
"""

import argparse
import time
from pathlib import Path

import basins
import torch
from torch import Tensor

from isthmus.learn import Curriculum, fit
from isthmus.learn.shallow_water import BasinRollout, BasinWindows
from isthmus.nets.shallow_water_emulators import (
    VELOCITY_RATIO,
    ImplicitFluxNet,
    PlainConvNet,
)

HERE = Path(__file__).parent
HOURS = (1.0, 2.0, 5.0, 10.0, 15.0, 20.0, 24.5)
TRAINING_SIZE, TRAINING_RUNS, SPIN_UP = 32, 8, 10
GRAVITY = 9.81
USELESS = 1.0  # error of a forecast of nothing at all, about
ROUNDING = 1e-16  # no drift is shown as less


def make(name: str) -> BasinRollout:
    """Return a model with random weights."""
    torch.manual_seed(0)
    if name == "implicit":
        return BasinRollout(ImplicitFluxNet(tolerance=1e-10)).double()
    return BasinRollout(PlainConvNet(reach=6, width=16, bilinear=name == "bilinear"))


def train(name: str, model: BasinRollout, dt: float, effort: float) -> None:
    """Train on small basins."""
    n_steps = max(24, round(6 * 3600 / dt))
    stride = max(1, n_steps // 12)
    train, valid = (
        BasinWindows(*basins.run(seed, n, TRAINING_SIZE, dt, n_steps), stride)
        for seed, n in ((1, TRAINING_RUNS), (2, 2))
    )
    if name == "implicit":
        fit(
            model,
            train,
            valid,
            curriculum=Curriculum((1,), max(1, round(20 * effort))),
            optimizer="lbfgs",
            learning_rate=1.0,
            schedule="constant",
            evaluate_every=1,
            dtype="float64",
        )
    else:
        epochs = max(1, round(60 * effort)), max(1, round(8 * effort))
        fit(
            model,
            train,
            valid,
            curriculum=Curriculum((1, 4), epochs, (1.0, 0.2)),
            learning_rate=3e-3,
            schedule="cosine",
            batch_size=16,
            evaluate_every=50,
            clip_norm=1.0,
        )


@torch.no_grad()
def evaluate(model: BasinRollout, states: Tensor, depth: Tensor) -> dict[str, Tensor]:
    """Return errors over time, drift of volume, and energy over the truth's."""
    dtype = next(model.parameters()).dtype
    state, errors = states[SPIN_UP].to(dtype), []
    volume = state[:, 0].double().sum((-2, -1))
    for truth in states[SPIN_UP + 1 :]:
        state = model(state, depth.to(dtype))
        errors.append(((state.double() - truth) ** 2).mean((-3, -2, -1)).sqrt().mean())
    end = state.double()
    drift = (end[:, 0].sum((-2, -1)) - volume).abs() / volume.abs()
    ratio = energy(end, depth) / energy(states[-1], depth)
    return {"errors": torch.stack(errors), "drift": drift.max(), "energy": ratio.mean()}


def energy(state: Tensor, depth: Tensor) -> Tensor:
    """Return potential and kinetic energy of each member, in the same unit."""
    kinetic = (state[:, 1:] ** 2).sum(1) * depth * VELOCITY_RATIO**2 / GRAVITY
    return (state[:, 0] ** 2 + kinetic).sum((-2, -1))


def row(name: str, dt: float, model: BasinRollout, seconds: float, found: dict) -> str:
    """Return a row of the table."""
    errors = found["errors"]
    steps = [min(round(hour * 3600 / dt), len(errors)) - 1 for hour in HOURS]
    late = (~(errors < USELESS)).nonzero()
    stable = f"{(int(late[0]) + 1) * dt / 3600:.1f}" if len(late) else f"> {HOURS[-1]}"
    n_weights = sum(p.numel() for p in model.parameters())
    cells = [
        f"{dt:.0f}",
        name,
        f"{n_weights}",
        f"{float(errors[0]):.1e}",
        *(f"{float(errors[step]):.2g}" for step in steps),
        f"{max(float(found['drift']), ROUNDING):.0e}",
        f"{float(found['energy']):.3f}",
        stable,
        f"{seconds / 60:.1f}",
    ]
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    """Train, run, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--dt", type=float, nargs="+", default=[300.0, 900.0, 1500.0])
    names = ["implicit", "plain", "bilinear"]
    parser.add_argument("--models", nargs="+", default=names, choices=names)
    parser.add_argument("--size", type=int, default=100)
    parser.add_argument("--trials", type=int, default=6)
    parser.add_argument("--effort", type=float, default=1.0)
    parser.add_argument("--load", action="store_true", help="weights of an earlier run")
    given = parser.parse_args()
    hours = " | ".join(f"{hour:g} h" for hour in HOURS)
    head = f"| dt s | model | weights | one step | {hours} | volume | energy |"
    head += " useful h | CPU min |"
    print(head, "|---" * (head.count("|") - 1) + "|", sep="\n", flush=True)
    for dt in given.dt:
        n_steps = SPIN_UP + round(HOURS[-1] * 3600 / dt)
        truth = basins.run(4321, given.trials, given.size, dt, n_steps)
        for name in given.models:
            model = make(name)
            started = time.process_time()
            weights = HERE / f"{name}_{dt:.0f}.pt"
            if given.load:
                model.load_state_dict(torch.load(weights))
            else:
                train(name, model, dt, given.effort)
                torch.save(model.state_dict(), weights)
            seconds = time.process_time() - started
            line = row(name, dt, model, seconds, evaluate(model, *truth))
            print(line, flush=True)


if __name__ == "__main__":
    main()
