# SPDX-License-Identifier: MIT
"""A network of fluxes between levels of the ocean, and the step it is trained in.

`OceanColumnStep` is the torch twin of `fortran/column/ocean_column` around its closure:
half a turn of the currents, fluxes, divergence, half a turn.
"""

import math
from typing import Final

import torch
from torch import Tensor, nn

DENSITY: Final = 1025.0  # of sea water [kg m-3]
HEAT_CAPACITY: Final = 3990.0  # of sea water [J kg-1 K-1]
BUOYANCY: Final = 9.81 * 2.0e-4  # of a kelvin [m s-2 K-1]
LEAST_SHEAR: Final = 1e-10  # of S^2 [s-2]
N_FEATURES: Final = 9
LARGEST_FACTOR: Final = 3.0  # logarithm of it
NU_0, CONVECTIVE, NU_B, KAPPA_B, RI_SLOPE = 5e-3, 0.05, 1e-4, 1e-5, 5.0  # as in Fortran


class OceanFluxNet(nn.Module):
    """State of columns to downward fluxes at their inner faces, always down the gradient.

    The network sees stratification and shear at a face and its neighbours, the weather and
    the depth, and answers with factors on Pacanowski and Philander's diffusivities, which
    are then kept below dz^2/(2 dt). So no step makes a new extreme, whatever the weights
    are; without training it is the physics in one explicit step.

    Parameters
    ----------
    levels : int
        Of a column.
    dz, dt : float
        Height of a level [m], time step [s].
    width : int
        Of both hidden layers.
    """

    def __init__(
        self, levels: int = 20, dz: float = 5.0, dt: float = 600.0, width: int = 32
    ) -> None:
        super().__init__()
        self.levels, self.dz = levels, dz
        self.largest = 0.5 * dz * dz / dt
        last = nn.Linear(width, 2)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.net = nn.Sequential(
            nn.Linear(N_FEATURES, width),
            nn.SiLU(),
            nn.Linear(width, width),
            nn.SiLU(),
            last,
        )

    def extra_repr(self) -> str:
        """Return what the weights do not tell."""
        return f"levels={self.levels}, dz={self.dz}, largest={self.largest}"

    def forward(self, state: Tensor) -> Tensor:
        """Return the fluxes of T, u, v [column, 3 (levels - 1)] at `state`.

        Parameters
        ----------
        state : tensor
            T, u, v of all levels, q, tau_x, tau_y [column, 3 levels + 3].
        """
        n = self.levels
        y = state[:, : 3 * n].reshape(-1, 3, n)
        slope = (y[:, :, :-1] - y[:, :, 1:]) / self.dz
        factor = torch.exp(
            LARGEST_FACTOR
            * torch.tanh(self.net(self.features(slope, state[:, 3 * n :])) / LARGEST_FACTOR)
        )
        k = factor * torch.stack(diffusivities(slope), dim=-1)
        k = k * self.largest / (k + self.largest)
        k_t, k_u = k[:, :, 0], k[:, :, 1]
        return (torch.stack([k_t, k_u, k_u], dim=1) * slope).reshape(-1, 3 * (n - 1))

    def features(self, slope: Tensor, weather: Tensor) -> Tensor:
        """Return what the network sees, about one in size [column, face, 9]."""
        stratification = torch.asinh(1e6 * BUOYANCY * slope[:, 0]) / 4.0
        shear = slope[:, 1].square() + slope[:, 2].square() + LEAST_SHEAR
        shear = torch.log(shear) / 5.0 + 2.5
        face = torch.ones_like(shear)
        depth = torch.cumsum(face, dim=1) / self.levels
        stress = (weather[:, 1].square() + weather[:, 2].square() + 1e-8).sqrt()
        return torch.stack(
            [
                above(stratification),
                stratification,
                below(stratification),
                above(shear),
                shear,
                below(shear),
                face * weather[:, :1] / 300.0,
                face * 10.0 * stress.unsqueeze(-1),
                torch.exp(-5.0 * depth),
            ],
            dim=-1,
        )


def diffusivities(slope: Tensor) -> tuple[Tensor, Tensor]:
    """Return Pacanowski and Philander's K of T and of u, v [column, face] [m2 s-1].

    `slope` [column, 3, face] is the change of T, u, v with height.
    """
    n2 = BUOYANCY * slope[:, 0]
    shear = slope[:, 1].square() + slope[:, 2].square() + LEAST_SHEAR
    mixing = 1.0 + RI_SLOPE * torch.relu(n2) / shear
    nu_0 = torch.full_like(n2, NU_0)
    k_u = torch.where(n2 >= 0.0, nu_0, torch.full_like(n2, CONVECTIVE)) / mixing**2 + NU_B
    return k_u / mixing + KAPPA_B, k_u


def above(x: Tensor) -> Tensor:
    """Return the values [column, face] at the next face up, at the top its own."""
    return torch.cat([x[:, :1], x[:, :-1]], dim=1)


def below(x: Tensor) -> Tensor:
    """Return the values [column, face] at the next face down, at the bottom its own."""
    return torch.cat([x[:, 1:], x[:, -1:]], dim=1)


class OceanColumnStep(nn.Module):
    """(state, weather of the step) -> state one step later, with fluxes of a closure.

    Parameters
    ----------
    closure : module
        State [column, 3 n + 3] to fluxes [column, 3 (n - 1)].
    levels, dz, dt, coriolis
        As in Fortran.
    """

    def __init__(
        self,
        closure: nn.Module,
        levels: int = 20,
        dz: float = 5.0,
        dt: float = 600.0,
        coriolis: float = 1e-4,
    ) -> None:
        super().__init__()
        self.closure = closure
        self.levels, self.dz, self.dt, self.coriolis = levels, dz, dt, coriolis

    def extra_repr(self) -> str:
        """Return what the weights do not tell."""
        return f"levels={self.levels}, dz={self.dz}, dt={self.dt}, f={self.coriolis}"

    def forward(self, state: Tensor, weather: Tensor) -> Tensor:
        """Return the state [column, 3 n + 3] after a step under `weather` [column, 3]."""
        n = self.levels
        y = self.turned(state[:, : 3 * n].reshape(-1, 3, n))
        fluxes = self.closure(torch.cat([y.flatten(1), weather], dim=1))
        entering = weather / DENSITY
        entering = torch.cat([entering[:, :1] / HEAT_CAPACITY, entering[:, 1:]], dim=1)
        nothing = torch.zeros_like(entering).unsqueeze(-1)
        inner = fluxes.reshape(-1, 3, n - 1)
        faces = torch.cat([entering.unsqueeze(-1), inner, nothing], dim=-1)
        y = self.turned(y - self.dt / self.dz * (faces[:, :, 1:] - faces[:, :, :-1]))
        return torch.cat([y.flatten(1), weather], dim=1)

    def turned(self, y: Tensor) -> Tensor:
        """Return T, u, v [column, 3, n] after half a step of the Earth's rotation."""
        angle = 0.5 * self.dt * self.coriolis
        c, s = math.cos(angle), math.sin(angle)
        u, v = y[:, 1], y[:, 2]
        return torch.stack([y[:, 0], c * u + s * v, c * v - s * u], dim=1)
