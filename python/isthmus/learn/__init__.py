# SPDX-License-Identifier: MIT
"""Training on self-iterated rollouts. Imports neither the Fortran models nor the bridge."""

from .curriculum import Curriculum, Stage
from .fit import fit
from .losses import RolloutLoss
from .rollout import Regression, Rollout, Trainable
from .samples import Pairs, Samples, Windows
from .settings import Evaluation, FitSettings, History

__all__ = [
    "Curriculum",
    "Evaluation",
    "FitSettings",
    "History",
    "Pairs",
    "Regression",
    "Rollout",
    "RolloutLoss",
    "Samples",
    "Stage",
    "Trainable",
    "Windows",
    "fit",
]
