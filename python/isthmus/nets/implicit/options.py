# SPDX-License-Identifier: MIT
"""How a linear system is solved, and how the solution went."""

from dataclasses import dataclass
from typing import Final, NamedTuple

import torch
from torch import Tensor

from isthmus.errors import ConfigurationError

METHODS: Final = ("cg", "bicgstab", "red_black", "multigrid")
PRECONDITIONERS: Final = ("multigrid", "diagonal")
FAILURES: Final = ("raise", "nan", "flag")
TOLERANCES: Final = {torch.float64: 1e-12, torch.float32: 1e-6}
"""Relative; some thousand roundings of each precision."""


@dataclass(frozen=True)
class SolverOptions:
    """How a three- or five-point system is solved.

    Attributes
    ----------
    periodic
        For each dimension, x first.
    symmetric
        Whether the matrix equals its transpose; conjugate gradients need it.
    method
        "cg", "bicgstab", "red_black" (Gauss-Seidel) or "multigrid" (cycles alone).
    preconditioner
        "multigrid" or "diagonal", of "cg" and "bicgstab".
    n_levels
        Of multigrid, at most; 0: as many as the grid allows.
    tolerance
        Largest residual relative to the largest right-hand side of a sample; None: 1e-12
        in double, 1e-6 in single precision.
    max_iterations
        Of each solution.
    on_failure
        Of samples that did not converge: "raise" an error, fill them with "nan", or "flag"
        them in the report only.
    omega
        Over-relaxation of "red_black"; 1 is Gauss-Seidel.
    compiled
        Compile blocks of iterations (`torch.compile`): for many solutions of one shape.

    Raises
    ------
    ConfigurationError
        If a setting is unknown, out of range or does not fit another.
    """

    periodic: tuple[bool, ...]
    symmetric: bool = True
    method: str = "cg"
    preconditioner: str = "diagonal"
    n_levels: int = 0
    tolerance: float | None = None
    max_iterations: int = 1000
    on_failure: str = "raise"
    omega: float = 1.0
    compiled: bool = False

    def __post_init__(self) -> None:
        """Check the settings once."""
        for name, value, known in (
            ("method", self.method, METHODS),
            ("preconditioner", self.preconditioner, PRECONDITIONERS),
            ("on_failure", self.on_failure, FAILURES),
        ):
            if value not in known:
                raise ConfigurationError(
                    f"'{name}' is '{value}', expected one of {', '.join(known)}"
                )
        if len(self.periodic) not in (1, 2):
            raise ConfigurationError(
                f"'periodic' has {len(self.periodic)} dimensions, expected 1 or 2"
            )
        if self.method == "cg" and not self.symmetric:
            raise ConfigurationError(
                "'method' cg needs a symmetric matrix: use bicgstab or red_black"
            )
        if self.max_iterations < 1:
            raise ConfigurationError(
                f"'max_iterations' is {self.max_iterations}, expected at least 1"
            )
        if self.tolerance is not None and not 0.0 < self.tolerance < 1.0:
            raise ConfigurationError(
                f"'tolerance' is {self.tolerance}, expected between 0 and 1"
            )
        if not 0.0 < self.omega < 2.0:
            raise ConfigurationError(f"'omega' is {self.omega}, expected between 0 and 2")

    def tolerance_of(self, dtype: torch.dtype) -> float:
        """Return the tolerance in a precision.

        Raises
        ------
        ConfigurationError
            If it is not single or double.
        """
        if dtype not in TOLERANCES:
            raise ConfigurationError(
                f"a linear system is {dtype}, expected torch.float32 or torch.float64"
            )
        return TOLERANCES[dtype] if self.tolerance is None else self.tolerance

    @property
    def uses_levels(self) -> bool:
        """Whether multigrid's levels are needed."""
        if self.method == "red_black":
            return False
        return self.method == "multigrid" or self.preconditioner == "multigrid"


class Solution(NamedTuple):
    """The solution of a batch of linear systems.

    Attributes
    ----------
    z
        [..., (y,) x].
    iterations
        Made for each sample [...].
    residual
        Largest that is left, relative to the largest right-hand side [...].
    converged
        Whether that is within the tolerance, or as small as rounding allows [...].
    """

    z: Tensor
    iterations: Tensor
    residual: Tensor
    converged: Tensor
