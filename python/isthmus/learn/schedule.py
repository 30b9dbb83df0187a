# SPDX-License-Identifier: MIT
"""Learning rate and stopping within one stage, as numbers that a checkpoint can hold."""

import math
from dataclasses import asdict, dataclass
from typing import Any, Final

from .settings import FitSettings

WARM_UP: Final = 0.03  # part of a stage over which the cosine schedule rises from zero
IMPROVEMENT: Final = 1e-4  # relative; smaller gains do not count as better for the plateau


@dataclass
class StageState:
    """What the schedule remembers of a stage."""

    peak_rate: float
    best: float = float("inf")
    plateau_best: float = float("inf")
    n_since_drop: int = 0
    n_since_best: int = 0
    drops: int = 0

    def rate(self, settings: FitSettings, progress: float) -> float:
        """Return the learning rate at `progress` (0 to 1) of the stage."""
        if settings.schedule == "constant":
            return self.peak_rate
        if settings.schedule == "plateau":
            return float(max(self.peak_rate * 0.1**self.drops, settings.min_learning_rate))
        if progress < WARM_UP:
            return self.peak_rate * (progress + 1e-3) / (WARM_UP + 1e-3)
        phase = (progress - WARM_UP) / (1 - WARM_UP)
        return max(self.peak_rate * 0.5 * (1 + math.cos(math.pi * phase)), 1e-12)

    def record(self, valid_loss: float, settings: FitSettings) -> bool:
        """Take in a validation loss; return whether it is the best of the stage."""
        is_best = valid_loss < self.best
        self.best = min(self.best, valid_loss)
        if valid_loss < self.plateau_best * (1 - IMPROVEMENT):
            self.plateau_best = valid_loss
            self.n_since_drop = self.n_since_best = 0
            return is_best
        self.n_since_drop += 1
        self.n_since_best += 1
        if settings.schedule == "plateau" and self.n_since_drop >= settings.patience:
            self.drops += 1
            self.n_since_drop = 0
        return is_best

    def is_over(self, settings: FitSettings) -> bool:
        """Return whether the stage has stopped improving."""
        return settings.schedule != "cosine" and self.n_since_best >= settings.stop_patience

    def as_dict(self) -> dict[str, Any]:
        """Return the numbers, for a checkpoint."""
        return asdict(self)
