# SPDX-License-Identifier: MIT
"""Linear implicit layers: networks that hold the solution of a linear system."""

from .bands import apply_bands, dominant_bands, transposed, unit_rows
from .layer import LinearImplicitLayer
from .options import Solution, SolverOptions
from .solve import solve

__all__ = [
    "LinearImplicitLayer",
    "Solution",
    "SolverOptions",
    "apply_bands",
    "dominant_bands",
    "solve",
    "transposed",
    "unit_rows",
]
