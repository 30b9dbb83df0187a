# SPDX-License-Identifier: MIT
"""Networks and tendencies on the Lorenz-96 ring. Imports neither models nor the bridge."""

from .closures import LocalClosure, PolynomialClosure, StencilClosure
from .conditional import ConditionalBilinearNet, ConditionalRk4Step
from .deep import ConditionalConvNet, ConvNet, Normalization, ResidualConvNet
from .precision import KINDS, InPrecision, InSinglePrecision, in_precision
from .ring import BilinearNet, RingConv, SquareNet, join_ends
from .tendencies import (
    Lorenz96Tendency,
    NoClosure,
    ResolvedStep,
    Rk4Step,
    lorenz96_tendency,
    two_level_tendency,
)

__all__ = [
    "KINDS",
    "BilinearNet",
    "ConditionalBilinearNet",
    "ConditionalConvNet",
    "ConditionalRk4Step",
    "ConvNet",
    "InPrecision",
    "InSinglePrecision",
    "LocalClosure",
    "Lorenz96Tendency",
    "NoClosure",
    "Normalization",
    "PolynomialClosure",
    "ResidualConvNet",
    "ResolvedStep",
    "RingConv",
    "Rk4Step",
    "SquareNet",
    "StencilClosure",
    "in_precision",
    "join_ends",
    "lorenz96_tendency",
    "two_level_tendency",
]
