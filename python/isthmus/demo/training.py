# SPDX-License-Identifier: MIT
"""The networks of the demo: emulators of the step, and three ways to a closure."""

from collections.abc import Callable
from pathlib import Path

from torch import nn

from isthmus.couple.autograd import fortran_step
from isthmus.couple.lorenz96 import TWO_LEVEL
from isthmus.data import Trajectories
from isthmus.learn import Curriculum, FitSettings
from isthmus.learn.lorenz96 import train_closure, train_emulator, train_to_rounding
from isthmus.models import Lorenz96
from isthmus.nets import InSinglePrecision, Lorenz96Tendency, Rk4Step

CLOSURE_METHODS = ("offline", "rollout", "through Fortran")


def train_closures(
    data: tuple[Trajectories, Trajectories], directory: Path, *, n_rollout: int, epochs: int
) -> dict[str, nn.Module]:
    """Train the local closure in three ways, from the same weights and data.

    "offline" fits B(x) to the coupling. The others fit the states of the next `n_rollout`
    steps, differentiated through a torch copy of the model or through the Fortran model.
    """
    train, valid = data
    n_sites, forcing = int(TWO_LEVEL["n_sites"]), float(TWO_LEVEL["forcing"])
    resolved = {
        "rollout": Lorenz96Tendency(forcing),
        "through Fortran": fortran_step(Lorenz96(n_sites, forcing), train.dt),
    }
    closures = {}
    for method in CLOSURE_METHODS:
        closures[method], _ = train_closure(
            "offline" if method == "offline" else "rollout",
            train,
            valid,
            resolved=resolved.get(method),
            curriculum=None
            if method == "offline"
            else Curriculum((1, n_rollout), (epochs, epochs)),
            settings=_settings(
                directory,
                method,
                learning_rate=1e-3,
                batch_size=32,
                evaluate_every=50,
                stop_patience=20,
            ),
        )
    return closures


def train_emulators(
    data: tuple[Trajectories, Trajectories], directory: Path, *, epochs: int
) -> dict[str, Rk4Step]:
    """Train the bilinear network to rounding, and the deep one on rollouts for a while.

    The deep network is evaluated in single precision, within a double precision step.
    """
    train, valid = data
    bilinear, _ = train_to_rounding("bilinear", train, valid)
    deep, _ = train_emulator(
        "deep",
        train,
        valid,
        curriculum=Curriculum((1, 4), (epochs, 1), (1.0, 0.1)),
        settings=_settings(
            directory,
            "deep",
            dtype="float32",
            optimizer="adamw",
            schedule="cosine",
            learning_rate=2e-3,
            batch_size=32,
            evaluate_every=100,
            clip_norm=1.0,
        ),
    )
    in_double = Rk4Step(InSinglePrecision(deep.tendency), deep.dt)
    return {"bilinear": bilinear, "deep": in_double}


def _settings(directory: Path, name: str, **settings: object) -> FitSettings:
    """Return settings with a checkpoint and metrics of their own, of their own."""
    stem = name.replace(" ", "_")
    directory.mkdir(parents=True, exist_ok=True)
    make: Callable[..., FitSettings] = FitSettings
    return make(
        seed=1,
        checkpoint=directory / f"{stem}.checkpoint",
        metrics=directory / f"{stem}.jsonl",
        **{"dtype": "float64", **settings},
    )
