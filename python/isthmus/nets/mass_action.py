# SPDX-License-Identifier: MIT
"""Mass-action kinetics and a Rosenbrock step of them: the exact step of a chemistry box.

    v_r  = k_r product of the reactants' y              speed of reaction r
    y'   = f(y) = S v                                   S net stoichiometry
    J    = df/dy

One inner step h of s stages, without products with J (Hairer & Wanner, Solving ODEs II,
IV.7), for constants that do not depend on time:

    Y_i = y + sum_j<i a_ij K_j
    (I/(h gamma) - J(y)) K_i = f(Y_i) + sum_j<i c_ij K_j / h
    y+  = y + sum_i m_i K_i

The method is RODAS4: L-stable, order 4, stiffly accurate; coefficients of Hairer & Wanner's
code rodas. The Fortran solver has it too, but chooses h by its error; here a step dt is
divided in the same way for all states, in inner steps that grow by a constant factor, so
that it is a smooth function of state and constants and can be exported. The first ones
follow the radicals when sunlight meets a box for the first time. Double precision: with
lifetimes of 1e-12 the matrices are badly scaled.
"""

from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ..errors import ConfigurationError

GAMMA: Final = 0.25
A: Final[list[list[float]]] = [
    [],
    [1.544],
    [0.9466785280815826, 0.2557011698983284],
    [3.314825187068521, 2.896124015972201, 0.9986419139977817],
    [1.221224509226641, 6.019134481288629, 12.53708332932087, -0.6878860361058950],
    [1.221224509226641, 6.019134481288629, 12.53708332932087, -0.6878860361058950, 1.0],
]
C: Final[list[list[float]]] = [
    [],
    [-5.6688],
    [-2.430093356833875, -0.2063599157091915],
    [-0.1073529058151375, -9.594562251023355, -20.47028614809616],
    [7.496443313967647, -10.24680431464352, -33.99990352819905, 11.70890893206160],
    [
        8.083246795921522,
        -7.981132988064893,
        -31.52159432874371,
        16.31930543123136,
        -6.058818238834054,
    ],
]
LAST: Final = 5  # its a, and one for itself, are m

FIRST_SHARE: Final = 1e-3
"""Of dt, the first inner step: POLLU from a start without radicals errs least so."""


class MassAction(nn.Module):
    """Tendency and Jacobian of reactions.

    Parameters
    ----------
    stoichiometry
        S `[species, reaction]`.
    reactants
        Places of each reaction's reactants `[reaction, slot]`, one repeated where it is
        squared; the number of species where a slot is empty.
    """

    stoichiometry: Tensor
    reactants: Tensor
    places: Tensor

    def __init__(
        self, stoichiometry: NDArray[np.float64], reactants: NDArray[np.intp]
    ) -> None:
        super().__init__()
        self.n_species = len(stoichiometry)
        used = (reactants < self.n_species).any(axis=0)  # most have two slots, not three
        slots = torch.from_numpy(np.ascontiguousarray(reactants[:, used].T)).long()
        one_hot = nn.functional.one_hot(slots, self.n_species + 1)[..., :-1]
        self.register_buffer("stoichiometry", torch.from_numpy(stoichiometry.copy()))
        self.register_buffer("reactants", slots)
        self.register_buffer("places", one_hot.double())

    def tendency(self, y: Tensor, k: Tensor) -> Tensor:
        """Return f at y `[cell, species]` with constants k `[cell, reaction]`."""
        speed = k
        for factor in self._factors(y):
            speed = speed * factor
        return speed @ self.stoichiometry.t()

    def jacobian(self, y: Tensor, k: Tensor) -> Tensor:
        """Return J `[cell, species, species]`, rows of f."""
        factors = self._factors(y)
        jacobian = torch.zeros_like(y).unsqueeze(-1) * y.unsqueeze(-2)
        for slot in range(len(factors)):
            others = k
            for other in range(len(factors)):
                if other != slot:
                    others = others * factors[other]
            part = self.stoichiometry * others.unsqueeze(-2)
            jacobian = jacobian + part @ self.places[slot]
        return jacobian

    def _factors(self, y: Tensor) -> list[Tensor]:
        """Return the reactant in each slot `[cell, reaction]`, one where it is empty."""
        wide = torch.cat([y, torch.ones_like(y[:, :1])], dim=1)
        return [wide[:, self.reactants[i]] for i in range(self.reactants.shape[0])]


class RosenbrockStep(nn.Module):
    """A step of stiff kinetics by RODAS4 with inner steps that grow.

    Parameters
    ----------
    kinetics
        What is integrated.
    dt
        Step, in the constants' unit of time.
    n_inner
        Inner steps. For POLLU over an hour from the start, dt = 5 min, 32 leave 4e-6 of a
        species' largest concentration, as the Fortran solver does at rtol = 1e-6.
    first_share
        Of dt, the first inner step.

    Raises
    ------
    ConfigurationError
        If a number is out of range.
    """

    def __init__(
        self,
        kinetics: MassAction,
        dt: float,
        *,
        n_inner: int = 32,
        first_share: float = FIRST_SHARE,
    ) -> None:
        if not (np.isfinite(dt) and dt > 0.0 and n_inner >= 1):
            raise ConfigurationError(
                f"'dt' and 'n_inner' must be above 0, found {dt} and {n_inner}"
            )
        super().__init__()
        self.kinetics = kinetics
        self.dt = float(dt)
        self.inner: list[float] = (self.dt * growing_shares(n_inner, first_share)).tolist()

    def extra_repr(self) -> str:
        """Return what tells this step from another of the same kinetics."""
        return f"dt={self.dt}, n_inner={len(self.inner)}"

    def forward(self, y: Tensor, k: Tensor) -> Tensor:
        """Return y `[cell, species]` after dt with constants k `[cell, reaction]`."""
        for h in self.inner:
            y = self.inner_step(y, k, h)
        return y

    def inner_step(self, y: Tensor, k: Tensor, h: float) -> Tensor:
        """Return y after an inner step."""
        unit = torch.eye(y.shape[1], dtype=y.dtype, device=y.device)
        matrix = unit / (h * GAMMA) - self.kinetics.jacobian(y, k)
        stages: list[Tensor] = []
        stage_y = y
        for a, c in zip(A, C, strict=True):
            stage_y = y
            for weight, stage in zip(a, stages, strict=True):
                stage_y = stage_y + weight * stage
            right = self.kinetics.tendency(stage_y, k)
            for weight, stage in zip(c, stages, strict=True):
                right = right + (weight / h) * stage
            stages.append(torch.linalg.solve(matrix, right))
        return stage_y + stages[LAST]


class KnownConstants(nn.Module):
    """Constants of which some have a factor.

    Parameters
    ----------
    k
        Constants `[reaction]`.
    chosen
        Numbers of the reactions with a factor, 0 the first, in the factors' order.
    """

    k: Tensor
    places: Tensor

    def __init__(self, k: NDArray[np.float64], chosen: NDArray[np.intp]) -> None:
        super().__init__()
        self.register_buffer("k", torch.from_numpy(k.copy()))
        self.register_buffer("places", torch.from_numpy(np.eye(len(k))[chosen]))

    def forward(self, factors: Tensor) -> Tensor:
        """Return constants `[member, reaction]` under factors `[member, i]`."""
        return self.k * (1.0 + (factors - 1.0) @ self.places)


class LearnedConstants(nn.Module):
    """Constants to learn, and what the factors do to each: `k = exp(c + W log factors)`.

    They begin near a guess, as an evaluation of kinetic data gives it, and W near zero:
    which reaction a factor is of is not known.

    Parameters
    ----------
    guess
        Of the constants `[reaction]`.
    n_factors
        How many.
    noise
        Standard deviations of c around the guess and of W around zero, at first.
    """

    def __init__(
        self,
        guess: NDArray[np.float64],
        n_factors: int,
        *,
        noise: tuple[float, float] = (0.3, 0.1),
    ) -> None:
        super().__init__()
        c = torch.from_numpy(np.log(guess))
        self.c = nn.Parameter(c + noise[0] * torch.randn_like(c))
        self.w = nn.Parameter(noise[1] * torch.randn(n_factors, len(c), dtype=c.dtype))

    def forward(self, factors: Tensor) -> Tensor:
        """Return constants `[member, reaction]` under factors `[member, i]`."""
        return torch.exp(self.c + torch.log(factors) @ self.w)


class BoxesStep(nn.Module):
    """Boxes side by side whose rate constants have factors: what `isthmus tune` steps.

    Parameters
    ----------
    step
        Of concentrations and constants.
    constants
        From factors `[member, i]` to constants `[member, reaction]`.
    n_boxes
        In a state.
    """

    def __init__(self, step: nn.Module, constants: nn.Module, n_boxes: int) -> None:
        super().__init__()
        self.step, self.constants, self.n_boxes = step, constants, n_boxes

    def forward(self, x: Tensor, *factors: Tensor) -> Tensor:
        """Return `[member, box*species]` after a step; each factor is `[member]`."""
        k = self.constants(torch.stack(factors, dim=1))
        k = k.repeat_interleave(self.n_boxes, dim=0)
        after: Tensor = self.step(x.reshape(k.shape[0], -1), k)
        return after.reshape(x.shape)


def growing_shares(n: int, first: float) -> NDArray[np.float64]:
    """Return n shares of one, each larger than the one before by the same factor."""
    if first * n >= 1.0:
        return np.full(n, 1.0 / n)
    low, high = 1.0, 1.0 / first
    for _ in range(200):  # bisection: the sum of the series grows with the factor
        factor = 0.5 * (low + high)
        if first * (factor ** np.arange(n)).sum() > 1.0:
            high = factor
        else:
            low = factor
    shares = factor ** np.arange(n)
    return np.asarray(shares / shares.sum())
