# SPDX-License-Identifier: MIT
"""Inverse problems: one interface for models with derivatives, and what is built on it."""

from isthmus.inverse.calibration import Calibration, calibrate
from isthmus.inverse.covariances import (
    Covariance,
    Diagonal,
    Full,
    Hybrid,
    SquareRoot,
    gaussian_on_ring,
)
from isthmus.inverse.ensembles import enkf, etkf, gaspari_cohn, letkf, ring_taper
from isthmus.inverse.fortran_models import DifferenceModel, FortranModel
from isthmus.inverse.forward import ForwardModel, Misfit
from isthmus.inverse.four_d_var import Analysis, FourDVar
from isthmus.inverse.laplace import Laplace, laplace_posterior
from isthmus.inverse.networks import Borrowed, BridgeModel, TorchModel
from isthmus.inverse.observations import (
    Linear,
    Nonlinear,
    ObservationOperator,
    Observations,
    Sites,
)
from isthmus.inverse.sampling import Samples, nuts
from isthmus.inverse.schemes import (
    Climatology,
    EnsembleFilter,
    IterativeSmoother,
    SlidingFourDVar,
    Static,
)
from isthmus.inverse.smoothers import Hyperprior, smooth
from isthmus.inverse.twins import Estimate, Scheme, Score, Twin
from isthmus.inverse.weak_constraint import WeakAnalysis, WeakFourDVar

__all__ = [
    "Analysis",
    "Borrowed",
    "BridgeModel",
    "Calibration",
    "Climatology",
    "Covariance",
    "Diagonal",
    "DifferenceModel",
    "EnsembleFilter",
    "Estimate",
    "FortranModel",
    "ForwardModel",
    "FourDVar",
    "Full",
    "Hybrid",
    "Hyperprior",
    "IterativeSmoother",
    "Laplace",
    "Linear",
    "Misfit",
    "Nonlinear",
    "ObservationOperator",
    "Observations",
    "Samples",
    "Scheme",
    "Score",
    "Sites",
    "SlidingFourDVar",
    "SquareRoot",
    "Static",
    "TorchModel",
    "Twin",
    "WeakAnalysis",
    "WeakFourDVar",
    "calibrate",
    "enkf",
    "etkf",
    "gaspari_cohn",
    "gaussian_on_ring",
    "laplace_posterior",
    "letkf",
    "nuts",
    "ring_taper",
    "smooth",
]
