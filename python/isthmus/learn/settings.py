# SPDX-License-Identifier: MIT
"""The settings of a training and what it leaves behind."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import torch

from ..errors import ConfigurationError

OPTIMIZERS: Final = ("adam", "adamw", "soap", "lbfgs")
SCHEDULES: Final = ("plateau", "cosine", "constant")
DTYPES: Final = {"float32": torch.float32, "float64": torch.float64}


@dataclass(frozen=True)
class FitSettings:
    """How a network is trained. The defaults are the published schedule (Adam, plateau).

    Raises
    ------
    ConfigurationError
        If a setting is unknown or out of range.
    """

    optimizer: str = "adam"
    """One of `OPTIMIZERS`; "lbfgs" takes all samples at once (strong Wolfe line search);
    "soap" fits small networks to more digits in the same time."""
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    batch_size: int = 32
    schedule: str = "plateau"
    """"plateau": the rate falls to a tenth after `patience` evaluations without a better
    validation. "cosine": half a cosine over the epochs of a stage, after a short rise."""
    evaluate_every: int = 200
    """Batches between two validations."""
    patience: int = 10
    stop_patience: int = 50
    """Evaluations without a better validation after which a stage ends."""
    min_learning_rate: float = 1e-10
    clip_norm: float | None = None
    """Largest norm of the gradient; larger ones are scaled down."""
    seed: int = 0
    dtype: str = "float32"
    checkpoint: Path | None = None
    """Written at each evaluation and on Ctrl-C; an existing one is resumed."""
    metrics: Path | None = None
    """JSON lines, one per evaluation."""

    def __post_init__(self) -> None:
        """Check every setting once."""
        for name, value, allowed in (
            ("optimizer", self.optimizer, OPTIMIZERS),
            ("schedule", self.schedule, SCHEDULES),
            ("dtype", self.dtype, tuple(DTYPES)),
        ):
            if value not in allowed:
                raise ConfigurationError(
                    f"'{name}' is '{value}', expected one of {', '.join(allowed)}"
                )
        for name in ("learning_rate", "batch_size", "evaluate_every", "stop_patience"):
            if getattr(self, name) <= 0:
                raise ConfigurationError(
                    f"'{name}' is {getattr(self, name)}, expected a positive number"
                )

    @property
    def torch_dtype(self) -> torch.dtype:
        """The precision as torch names it."""
        return DTYPES[self.dtype]

    def fingerprint(self) -> dict[str, Any]:
        """Return what must be equal for a checkpoint to be resumed: all but the paths."""
        return {k: v for k, v in asdict(self).items() if k not in ("checkpoint", "metrics")}


@dataclass
class Evaluation:
    """One line of the metrics."""

    stage: int
    length: int
    epoch: int
    step: int
    learning_rate: float
    train_loss: float
    valid_loss: float
    seconds: float


@dataclass
class History:
    """All evaluations of a training.

    Attributes
    ----------
    evaluations : list of Evaluation
        In order.
    best : float
        Smallest validation loss of the last stage; the network holds its weights.
    """

    evaluations: list[Evaluation] = field(default_factory=list)
    best: float = float("inf")

    @property
    def seconds(self) -> float:
        """Processor time of the training [s], over all its resumed parts."""
        return self.evaluations[-1].seconds if self.evaluations else 0.0
