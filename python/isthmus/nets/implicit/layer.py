# SPDX-License-Identifier: MIT
"""A layer whose output solves a linear system that its input describes.

The implicit step of a numerical model as a part of a network: what a convolution reaches
in many layers, one elliptic solution reaches in one.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from isthmus.errors import BindingError, ConfigurationError

from .bands import EDGES, dominant_bands
from .options import Solution, SolverOptions
from .portable import scripted_solution
from .solve import solve


class LinearImplicitLayer(nn.Module):
    """Solve `A z = b` with `A` from couplings and a mass: three or five points.

    `A` is diagonally dominant whatever the input is: its diagonal is the sum of the moduli
    of the couplings and `exp(log_mass)`. The layer has no weights; the network before it
    gives couplings, mass and right-hand side.

    Parameters
    ----------
    edges
        For each dimension, x first: "zero_flux", "dirichlet" or "periodic".
    symmetric
        Couplings to upper neighbours alone, or to all neighbours.
    method
        "cg", "bicgstab", "red_black" or "multigrid"; by default "cg" for a symmetric
        system, else "bicgstab".
    **options
        Of `SolverOptions`.

    Raises
    ------
    ConfigurationError
        If a setting is unknown or does not fit another.

    Examples
    --------
    >>> import torch
    >>> layer = LinearImplicitLayer(["zero_flux"])
    >>> couplings, mass = torch.full((1, 4), 2.0), torch.zeros(4)
    >>> z = layer(couplings, mass, torch.tensor([4.0, 0.0, 0.0, 0.0]))
    >>> round(float(z.sum()), 5)
    4.0
    """

    def __init__(
        self,
        edges: Sequence[str] = ("zero_flux", "zero_flux"),
        *,
        symmetric: bool = True,
        method: str | None = None,
        **options: object,
    ) -> None:
        """Check the settings."""
        super().__init__()
        for edge in edges:
            if edge not in EDGES:
                raise ConfigurationError(
                    f"'edges' holds '{edge}', expected {', '.join(EDGES)}"
                )
        self.edges = list(edges)
        self.n_couplings = len(self.edges) * (1 if symmetric else 2)
        self.options = SolverOptions(
            periodic=tuple(edge == "periodic" for edge in edges),
            symmetric=symmetric,
            method=method or ("cg" if symmetric else "bicgstab"),
            **options,  # type: ignore[arg-type]
        )
        # What a scripted `forward` needs, in types that TorchScript knows.
        self.periodic = list(self.options.periodic)
        self.symmetric = symmetric
        self.method = self.options.method
        self.uses_levels = self.options.uses_levels
        self.n_levels = self.options.n_levels
        self.omega = self.options.omega
        self.max_iterations = self.options.max_iterations
        self.tolerance = {
            "float32": self.options.tolerance_of(torch.float32),
            "float64": self.options.tolerance_of(torch.float64),
        }

    def extra_repr(self) -> str:
        """Return edges and options."""
        return f"{self.edges}, {self.options}"

    @torch.jit.unused
    def solution(
        self,
        couplings: Tensor,
        log_mass: Tensor,
        b: Tensor,
        mask: Tensor | None = None,
        guess: Tensor | None = None,
    ) -> Solution:
        """Return the solution and how it went; arguments as of `forward`."""
        dim = -1 - len(self.edges)
        if couplings.ndim < -dim or couplings.shape[dim] != self.n_couplings:
            raise BindingError(
                f"'couplings' has shape {list(couplings.shape)}, expected "
                f"{self.n_couplings} of them before {len(self.edges)} dimensions"
            )
        bands = dominant_bands(
            couplings, log_mass, self.edges, mask, self.options.symmetric
        )
        if mask is not None:
            b = b * mask.to(b.dtype)
        return solve(bands, b, self.options, guess)

    def forward(
        self,
        couplings: Tensor,
        log_mass: Tensor,
        b: Tensor,
        mask: Tensor | None = None,
        guess: Tensor | None = None,
    ) -> Tensor:
        """Return z [..., (y,) x].

        Parameters
        ----------
        couplings
            To the upper neighbours [..., x (and y), (y,) x], or general: to lower x, upper
            x (, lower y, upper y).
        log_mass
            What the diagonal has beyond them, its logarithm [..., (y,) x].
        b
            Right-hand side [..., (y,) x].
        mask
            1 in cells of the domain, else 0; z is 0 outside.
        guess
            Where to start; it has no derivative.

        Raises
        ------
        ModelRunError
            If a sample did not converge and `on_failure` is "raise".
        BindingError
            If the number of couplings does not fit.
        """
        # TorchScript compiles only the branch that it takes.
        if torch.jit.is_scripting():  # type: ignore[attr-defined]
            bands = dominant_bands(couplings, log_mass, self.edges, mask, self.symmetric)
            if mask is not None:
                b = b * mask.to(b.dtype)
            start = torch.zeros_like(b) if guess is None else guess.expand_as(b)
            name = "float64" if b.dtype == torch.float64 else "float32"
            return scripted_solution(
                self.method,
                bands,
                b,
                start,
                self.periodic,
                self.symmetric,
                self.uses_levels,
                self.n_levels,
                self.tolerance[name],
                self.omega,
                self.max_iterations,
            )
        else:
            return self.solution(couplings, log_mass, b, mask, guess).z
