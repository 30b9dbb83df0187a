# SPDX-License-Identifier: MIT
"""Closures: the tendency of the unresolved level as a function of the resolved state.

All map `x` [member, k] to the coupling b [member, k] and are the same at every site.
The linear reference is Rasp (2020, doi:10.5194/gmd-13-2185-2020), the polynomial is Wilks
(2005, doi:10.1256/qj.04.03).
"""

from typing import Final

import torch
from torch import Tensor, nn

from .deep import StencilLinear
from .ring import activation

RASP_LINEAR: Final = (-0.2, -0.31)  # constant and slope of the linear reference


class StencilClosure(nn.Module):
    """A small network that sees the sites k-reach..k+reach.

    Parameters
    ----------
    reach : int
        Sites seen to either side.
    width : int
        Hidden width of both hidden layers.
    """

    def __init__(
        self, reach: int = 1, width: int = 32, activation_name: str = "relu"
    ) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            StencilLinear(1, width, reach),
            activation(activation_name),
            nn.Linear(width, width),
            activation(activation_name),
            nn.Linear(width, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return the coupling [member, k] at `x` [member, k]."""
        return self.layers(x.unsqueeze(-1)).squeeze(-1)


class LocalClosure(nn.Module):
    """The local network B(x_k): 1 -> 32 -> 32 -> 1 at each site, 1,153 weights."""

    def __init__(self, width: int = 32, activation_name: str = "relu") -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(1, width),
            activation(activation_name),
            nn.Linear(width, width),
            activation(activation_name),
            nn.Linear(width, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return the coupling [member, k] at `x` [member, k]."""
        return self.layers(x.unsqueeze(-1)).squeeze(-1)


class PolynomialClosure(nn.Module):
    """A polynomial of the local state, the regression baseline of Wilks.

    Parameters
    ----------
    coefficients : sequence of float
        Constant first.
    """

    coefficients: Tensor

    def __init__(self, coefficients: tuple[float, ...] = RASP_LINEAR) -> None:
        super().__init__()
        values = torch.tensor(coefficients, dtype=torch.float64)
        self.register_buffer("coefficients", values)

    def forward(self, x: Tensor) -> Tensor:
        """Return the coupling [member, k] at `x` [member, k], by Horner's rule."""
        c = self.coefficients.to(x.dtype)
        y = torch.zeros_like(x) + c[-1]
        for i in range(c.shape[0] - 2, -1, -1):
            y = y * x + c[i]
        return y

    @classmethod
    def fitted(cls, x: Tensor, coupling: Tensor, degree: int = 4) -> "PolynomialClosure":
        """Fit by least squares to pairs of `x` and `coupling` of any equal shape.

        Raises
        ------
        ValueError
            If the shapes differ or there are fewer pairs than coefficients.
        """
        if x.shape != coupling.shape or x.numel() <= degree:
            raise ValueError(
                f"'x' {list(x.shape)} and 'coupling' {list(coupling.shape)}: expected "
                f"equal shapes with more than {degree} entries"
            )
        x64, y64 = x.double().flatten(), coupling.double().flatten()
        scale = float(x64.abs().max())
        powers = torch.arange(degree + 1, dtype=torch.float64)
        design = (x64 / scale).unsqueeze(-1) ** powers
        solution = torch.linalg.lstsq(design, y64.unsqueeze(-1), driver="gelsd").solution
        return cls(tuple(float(v) for v in solution.flatten() / scale**powers))
