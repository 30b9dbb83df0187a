# SPDX-License-Identifier: MIT
"""Inverse problems: one interface for models with derivatives, and what is built on it."""

from isthmus.inverse.covariances import (
    Covariance,
    Diagonal,
    Full,
    SquareRoot,
    gaussian_on_ring,
)
from isthmus.inverse.fortran_models import DifferenceModel, FortranModel
from isthmus.inverse.forward import ForwardModel, Misfit
from isthmus.inverse.four_d_var import Analysis, FourDVar
from isthmus.inverse.networks import Borrowed, BridgeModel, TorchModel
from isthmus.inverse.observations import (
    Linear,
    Nonlinear,
    ObservationOperator,
    Observations,
    Sites,
)

__all__ = [
    "Analysis",
    "Borrowed",
    "BridgeModel",
    "Covariance",
    "Diagonal",
    "DifferenceModel",
    "FortranModel",
    "ForwardModel",
    "FourDVar",
    "Full",
    "Linear",
    "Misfit",
    "Nonlinear",
    "ObservationOperator",
    "Observations",
    "Sites",
    "SquareRoot",
    "TorchModel",
    "gaussian_on_ring",
]
