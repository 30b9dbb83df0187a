# SPDX-License-Identifier: MIT
"""Lorenz-96 recipes: train an emulator, train a closure.

The systems are those of Nonnenmacher and Greenberg (2021, doi:10.1029/2021MS002554).
`train_closure` takes the resolved model as a callable, so the same recipe trains on a torch
copy of the model or through the Fortran model and its adjoint.
"""

from collections.abc import Callable
from typing import Any, Final

import torch
from torch import nn

from ..data import Trajectories
from ..errors import ConfigurationError
from ..nets import (
    BilinearNet,
    ConvNet,
    LocalClosure,
    ResidualConvNet,
    Rk4Step,
    SquareNet,
    StencilClosure,
)
from .curriculum import Curriculum
from .fit import fit
from .losses import RolloutLoss
from .rollout import Regression, Resolved, Rollout
from .samples import Pairs, Windows
from .settings import FitSettings, History

EMULATORS: Final[dict[str, Callable[[], nn.Module]]] = {
    "bilinear": BilinearNet,
    "square": SquareNet,
    "deep": lambda: ConvNet("silu"),
    "deep-relu": lambda: ConvNet("relu"),
    "residual": ResidualConvNet,
}
CLOSURES: Final[dict[str, Callable[[], nn.Module]]] = {
    "local": LocalClosure,
    "stencil": StencilClosure,
}
CLOSURE_METHODS: Final = ("offline", "rollout")
CLOSURE_ROLLOUT: Final = 10  # steps, as published
FULL_BATCH: Final = 301  # states; 40 sites each are ample for twenty weights
ROUNDING_SCALE: Final = 1e-8


def train_emulator(
    kind: str,
    train: Trajectories,
    valid: Trajectories,
    *,
    curriculum: Curriculum | None = None,
    loss: RolloutLoss | None = None,
    settings: FitSettings | None = None,
    progress: bool | None = None,
) -> tuple[Rk4Step, History]:
    """Train a network tendency inside a Runge-Kutta step of the data's interval.

    Parameters
    ----------
    kind : str
        One of `EMULATORS`.
    train, valid : Trajectories
        With `x` [time, member, k].

    Returns
    -------
    step : Rk4Step
        [member, k] -> [member, k], with the best weights.
    history : History
        The evaluations.

    Raises
    ------
    ConfigurationError
        If `kind` is unknown.
    """
    settings = settings or FitSettings()
    net = _build(EMULATORS, kind, settings.seed, "emulator")
    step = Rk4Step(net, train.dt)
    history = fit(
        Rollout(step),
        train,
        valid,
        curriculum=curriculum,
        loss=loss,
        settings=settings,
        progress=progress,
    )
    return step, history


def train_to_rounding(
    kind: str, train: Trajectories, valid: Trajectories, *, seed: int = 0
) -> tuple[Rk4Step, History]:
    """Train a network of the model's own form until only rounding is left, float64.

    "bilinear" and "square" contain the true tendency. Adam comes near, L-BFGS on all
    samples ends at a one-step error of 1e-16 to 1e-14 in seconds. The loss is measured in
    units of 1e-8: torch's L-BFGS ignores changes of the gradient whose product with the
    step is below 1e-10, and would stop at an error of 1e-10.

    Returns
    -------
    step : Rk4Step
        [member, k] -> [member, k], with the best weights.
    history : History
        Of the second part; `best` is in units of the squared error of the state.
    """
    settings = FitSettings(
        dtype="float64",
        schedule="cosine",
        learning_rate=1e-2,
        evaluate_every=50,
        seed=seed,
    )
    step, _ = train_emulator(
        kind, train, valid, curriculum=Curriculum((1,), 10), settings=settings
    )
    history = fit(
        Rollout(step),
        train.slice(0, min(len(train), FULL_BATCH)),
        valid,
        curriculum=Curriculum((1,), 40),
        loss=RolloutLoss(scale=ROUNDING_SCALE),
        optimizer="lbfgs",
        learning_rate=1.0,
        evaluate_every=1,
        patience=10**6,
        stop_patience=4,
        dtype="float64",
        seed=seed,
    )
    history.best *= ROUNDING_SCALE**2
    return step, history


def train_closure(
    method: str,
    train: Trajectories,
    valid: Trajectories,
    *,
    kind: str = "local",
    resolved: Resolved | nn.Module | None = None,
    n_steps: int = CLOSURE_ROLLOUT,
    curriculum: Curriculum | None = None,
    loss: RolloutLoss | None = None,
    settings: FitSettings | None = None,
    progress: bool | None = None,
) -> tuple[nn.Module, History]:
    """Train B(x) so that the one-level model behaves like the two-level one.

    Parameters
    ----------
    method : str
        "offline": mean squared error of B(x) against the variable `coupling`. "rollout":
        that of `x` over the next `n_steps` steps, through `resolved`.
    kind : str
        One of `CLOSURES`.
    resolved : callable or module, optional
        For "rollout": (x, b) -> x one step later, or a tendency module, stepped with the
        data's interval. `couple.autograd.fortran_step` returns such a callable.

    Returns
    -------
    closure : module
        x -> b, both [member, k], with the best weights.
    history : History
        The evaluations.

    Raises
    ------
    ConfigurationError
        If a name is unknown, or a rollout lacks its resolved model.
    """
    settings = settings or FitSettings(evaluate_every=10, stop_patience=20)
    closure = _build(CLOSURES, kind, settings.seed, "closure")
    common: dict[str, Any] = {"loss": loss, "settings": settings, "progress": progress}
    if method == "offline":
        history = fit(
            Regression(closure),
            Pairs(train),
            Pairs(valid),
            curriculum=curriculum or Curriculum((1,), 1000),
            **common,
        )
        return closure, history
    if method != "rollout":
        expected = ", ".join(CLOSURE_METHODS)
        raise ConfigurationError(f"closure method '{method}', expected one of {expected}")
    if resolved is None:
        raise ConfigurationError("closure method 'rollout' needs a resolved model")
    rollout = Rollout(resolved=resolved, closure=closure, dt=train.dt)
    history = fit(
        rollout,
        Windows(train),
        Windows(valid),
        curriculum=curriculum or Curriculum((n_steps,), 1000),
        **common,
    )
    return closure, history


def _build(
    table: dict[str, Callable[[], nn.Module]], kind: str, seed: int, what: str
) -> nn.Module:
    """Build a network by name with seeded weights."""
    if kind not in table:
        raise ConfigurationError(f"{what} '{kind}', expected one of {', '.join(table)}")
    torch.manual_seed(seed)
    return table[kind]()
