# SPDX-License-Identifier: MIT
"""The models of the comparison and how each is trained: one trainer, the same basins.

Explicit networks have a budget of processor time, measured on their own batches: Adam,
first single steps, then four in a row. The implicit network has 49 weights and is trained
on single steps by L-BFGS.
"""

import time
from collections.abc import Callable
from pathlib import Path

import basins
import torch

from isthmus.learn import Curriculum, fit
from isthmus.learn.shallow_water import BasinRollout, BasinWindows
from isthmus.nets.shallow_water_baselines import (
    PlainConvNet,
    fourier_operator,
    reach_for,
    u_net,
)
from isthmus.nets.shallow_water_emulators import ImplicitFluxNet

HERE = Path(__file__).parent
TRAINING_SIZE, EXPLICIT_RUNS, IMPLICIT_RUNS, VALID_RUNS = 32, 24, 8, 2
HOURS = 6.0  # of the training runs
BATCH, ROLLOUT, SHARE_OF_ROLLOUTS = 8, 4, 0.4
WAVE_SPEED = 12.13  # [m s-1]: of 15 m


def reach(dt: float) -> int:
    """Return the radius that the explicit nets have at a time step, at least six cells."""
    return max(6, reach_for(WAVE_SPEED * dt / basins.CELL))


def plain(dt: float) -> PlainConvNet:
    """Return a convnet; beyond eight cells its layers in the middle are dilated."""
    radius, distances = reach(dt), [1] * 6
    for k in [2, 3, 2, 3, 1, 4] * 3:
        if sum(distances) < radius:
            distances[k] += 1
    return PlainConvNet(width=16, dilations=distances)


MODELS: dict[str, Callable[[float], torch.nn.Module]] = {
    "implicit": lambda dt: ImplicitFluxNet(tolerance=1e-10).double(),
    "plain": plain,
    "bilinear": lambda dt: PlainConvNet(reach(dt), width=12, bilinear=True),
    "unet": lambda dt: u_net(8),
    "fno": lambda dt: fourier_operator(12, 10),
}


def make(name: str, dt: float, seed: int = 0) -> BasinRollout:
    """Return a model with random weights."""
    torch.manual_seed(seed)
    return BasinRollout(MODELS[name](dt))


def windows(dt: float, n_runs: int, seed: int, size: int = TRAINING_SIZE) -> BasinWindows:
    """Return some twelve windows of each of the runs; more where steps are long."""
    n_steps = max(24, round(HOURS * 3600 / dt))
    stride = max(1, n_steps // 12)
    return BasinWindows(*basins.run(seed, n_runs, size, dt, n_steps), stride)


def train(name: str, model: BasinRollout, dt: float, minutes: float) -> int:
    """Train on small basins; return the number of updates."""
    if name == "implicit":
        return train_by_lbfgs(
            model, windows(dt, IMPLICIT_RUNS, 1), windows(dt, VALID_RUNS, 2)
        )
    data = windows(dt, EXPLICIT_RUNS, 1), windows(dt, VALID_RUNS, 2)
    return train_by_adam(model, *data, minutes)


def train_by_lbfgs(
    model: BasinRollout, train: BasinWindows, valid: BasinWindows, epochs: int = 20
) -> int:
    """Train on single steps, all samples at once."""
    fit(
        model,
        train,
        valid,
        curriculum=Curriculum((1,), epochs),
        optimizer="lbfgs",
        learning_rate=1.0,
        schedule="constant",
        evaluate_every=1,
        dtype="float64",
    )
    return 20 * epochs


def train_by_adam(
    model: BasinRollout,
    train: BasinWindows,
    valid: BasinWindows,
    minutes: float,
    rate: float = 4e-3,
) -> int:
    """Train on single steps, then on rollouts, for about so many minutes of a core."""
    counts = [train.count(n) // BATCH + 1 for n in (1, ROLLOUT)]
    seconds = seconds_per_update(model, train)
    shares = 1.0 - SHARE_OF_ROLLOUTS, SHARE_OF_ROLLOUTS
    epochs = tuple(
        max(1, int(60.0 * minutes * share / (seconds * length * count)))
        for share, length, count in zip(shares, (1, ROLLOUT), counts, strict=True)
    )
    fit(
        model,
        train,
        valid,
        curriculum=Curriculum((1, ROLLOUT), epochs, (1.0, 0.25)),
        learning_rate=rate,
        schedule="cosine",
        batch_size=BATCH,
        evaluate_every=100,
        clip_norm=1.0,
    )
    return sum(n * count for n, count in zip(epochs, counts, strict=True))


def seconds_per_update(model: BasinRollout, train: BasinWindows, n: int = 4) -> float:
    """Return the processor time of one update on single steps [s]; moves no weight."""
    start, target = train.to(torch.float32).batch(torch.arange(BATCH), 1)
    spent = []
    for _ in range(n):
        began = time.process_time()
        (model.predict(start, 1) - target).square().mean().backward()  # type: ignore[no-untyped-call]
        spent.append(time.process_time() - began)
        model.zero_grad()
    return min(spent)
