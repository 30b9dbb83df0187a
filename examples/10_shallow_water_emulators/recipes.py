# SPDX-License-Identifier: MIT
"""The models of the comparison and how each is trained: one trainer, the same basins.

Explicit networks have one budget of processor time, measured on their own batches: SOAP,
which halves the error that Adam has after the same time; first single steps, then four in
a row, the rate falling to zero in both. The implicit
network has 59 weights and is trained on single steps by L-BFGS, from other random weights
where it is stuck. "known" is the same network with the numbers of the model: what training
could find.
"""

import copy
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import basins
import torch

from isthmus.learn import Curriculum, FitSettings, History, fit
from isthmus.learn.optimizers import build_optimizer
from isthmus.learn.shallow_water import BasinRollout, BasinWindows
from isthmus.nets.equivariant import GroupNet
from isthmus.nets.shallow_water_baselines import (
    PlainConvNet,
    fourier_operator,
    reach_for,
    u_net,
)
from isthmus.nets.shallow_water_emulators import ImplicitFluxNet, known_flux_net

HERE = Path(__file__).parent
TRAINING_SIZE, EXPLICIT_RUNS, VALID_RUNS = 32, 32, 2
EXPLICIT_HOURS, EXPLICIT_WINDOWS = 24.5, 30  # of each training run
IMPLICIT_SIZE, IMPLICIT_RUNS, IMPLICIT_WINDOWS = 20, 12, 4
BATCH, ROLLOUT, SHARE_OF_ROLLOUTS, EPOCHS = 8, 4, 0.4, 14
EXPLICIT = FitSettings(
    optimizer="soap",
    learning_rate=4e-3,
    schedule="cosine",
    batch_size=BATCH,
    evaluate_every=100,
    clip_norm=1.0,
)
STARTS, STUCK = 3, 0.1  # of the implicit net; validation error, of the wave's scale
SOLVED_TO = 1e-10  # of the largest right-hand side
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
    "known": lambda dt: known(dt),
    "implicit": lambda dt: ImplicitFluxNet(tolerance=SOLVED_TO, on_failure="nan").double(),
    "plain": plain,
    "bilinear": lambda dt: PlainConvNet(reach(dt), width=12, bilinear=True),
    "cgrid": lambda dt: GroupNet("p1", 16, reach(dt), conserves=True),
    "unet": lambda dt: u_net(8),
    "fno": lambda dt: fourier_operator(12, 10),
}


def make(name: str, dt: float, seed: int = 0) -> BasinRollout:
    """Return a model with random weights, or the known ones."""
    torch.manual_seed(seed)
    return BasinRollout(MODELS[name](dt))


def known(dt: float) -> ImplicitFluxNet:
    """Return the implicit network with the numbers of the basins' model."""
    numbers = {"drag": basins.DRAG, "viscosity": basins.VISCOSITY}
    return known_flux_net(dx=basins.CELL, dt=dt, **numbers, tolerance=SOLVED_TO)


def windows(
    dt: float,
    n_runs: int,
    seed: int,
    size: int = TRAINING_SIZE,
    *,
    hours: float = 6.0,
    n_windows: int = 12,
) -> BasinWindows:
    """Return some windows of each of the runs."""
    n_steps = max(24, round(hours * 3600 / dt))
    stride = max(1, n_steps // n_windows)
    return BasinWindows(*basins.run(seed, n_runs, size, dt, n_steps), stride)


def train(
    name: str, model: BasinRollout, dt: float, minutes: float, seed: int = 0
) -> History:
    """Train on small basins, others for each seed; one set for validation."""
    drawn = 1 + 10 * seed
    if name == "implicit":
        few = {"size": IMPLICIT_SIZE, "n_windows": IMPLICIT_WINDOWS}
        data = windows(dt, IMPLICIT_RUNS, drawn, **few), windows(dt, VALID_RUNS, 2, **few)
        for start in range(STARTS):
            model.load_state_dict(make(name, dt, seed + 100 * start).state_dict())
            history = train_by_lbfgs(model, *data)
            if history.evaluations[-1].valid_loss < STUCK**2:
                break
        return history
    return train_explicit(
        model,
        windows(dt, EXPLICIT_RUNS, drawn, hours=EXPLICIT_HOURS, n_windows=EXPLICIT_WINDOWS),
        windows(dt, VALID_RUNS, 2, hours=EXPLICIT_HOURS),
        minutes,
    )


def train_by_lbfgs(
    model: BasinRollout, train: BasinWindows, valid: BasinWindows, epochs: int = EPOCHS
) -> History:
    """Train on single steps, all samples at once: twenty updates an epoch."""
    return fit(
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


def train_explicit(
    model: BasinRollout, train: BasinWindows, valid: BasinWindows, minutes: float
) -> History:
    """Train on single steps, then on rollouts, for about so many minutes of a core."""
    counts = [train.count(n) // BATCH + 1 for n in (1, ROLLOUT)]
    seconds = seconds_per_update(model, train)
    shares = 1.0 - SHARE_OF_ROLLOUTS, SHARE_OF_ROLLOUTS
    epochs = tuple(
        max(1, round(60.0 * minutes * share / (seconds * length * count)))
        for share, length, count in zip(shares, (1, ROLLOUT), counts, strict=True)
    )
    curriculum = Curriculum((1, ROLLOUT), epochs, (1.0, 0.25))
    return fit(model, train, valid, curriculum=curriculum, settings=settings_for(model))


def settings_for(model: BasinRollout) -> FitSettings:
    """Return the settings of an explicit net; SOAP takes no complex weights."""
    has_complex = any(weight.is_complex() for weight in model.parameters())
    return replace(EXPLICIT, optimizer="adam") if has_complex else EXPLICIT


def seconds_per_update(model: BasinRollout, train: BasinWindows, n: int = 10) -> float:
    """Return the processor time of one update on single steps [s]; moves no weight."""
    start, target = train.to(torch.float32).batch(torch.arange(BATCH), 1)
    moved = copy.deepcopy(model)
    optimizer = build_optimizer(list(moved.parameters()), settings_for(model))
    for k in range(n + 1):
        if k == 1:  # the first update sets the optimizer up
            began = time.process_time()
        optimizer.zero_grad()
        (moved.predict(start, 1) - target).square().mean().backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return (time.process_time() - began) / n
