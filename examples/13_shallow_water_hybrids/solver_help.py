# SPDX-License-Identifier: MIT
"""Networks that help the elliptic solver: a first guess, and a preconditioner.

Both are linear in what they are given, small, and trained in a minute; both leave the
solution where the solver's tolerance puts it. What they gain is measured in the Fortran
program, beside what costs nothing.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from isthmus.nets.shallow_water import differences, open_faces, outflow
from isthmus.nets.shallow_water_emulators import mean_of_two

GRAVITY = 9.81


class LinearGuess(nn.Module):
    """z = zeta - K1 * dt div U + K2 * (theta dt)**2 g div(D grad zeta), K1 and K2 learned.

    Without K the two are what one explicit step would say; the kernels spread them over
    the cells that one implicit step reaches.

    Parameters
    ----------
    dx, dt
        Size of the square cells [m], time step [s].
    reach
        Of the kernels [cells].
    """

    def __init__(self, *, dx: float, dt: float, reach: int = 7) -> None:
        """Start from the explicit divergence."""
        super().__init__()
        self.dx, self.dt, self.reach = dx, dt, reach
        kernels = torch.zeros(2, 2 * reach + 1, 2 * reach + 1)
        kernels[0, reach, reach] = 1.0
        self.kernels = nn.Parameter(kernels)

    def symmetric(self) -> Tensor:
        """Return kernels that are even under all symmetries of the square."""
        k = self.kernels + self.kernels.transpose(-1, -2)
        k = k + k.flip(-1)
        return (k + k.flip(-2)) / 8.0

    def forward(self, zeta: Tensor, u: Tensor, v: Tensor, depth: Tensor) -> Tensor:
        """Return the elevation one step later, about [m] [..., y, x]."""
        wet = (depth > 0.0).to(zeta.dtype)
        is_open = open_faces(wet)
        rise = differences(zeta)
        water = wet * depth
        down_u = is_open.east * mean_of_two(water) * rise.east
        down_v = is_open.north * mean_of_two(water.transpose(-1, -2)).transpose(-1, -2)
        gain = GRAVITY * (self.dt / self.dx) ** 2
        sources = torch.stack(
            [
                self.dt / self.dx * outflow(u, v),
                -gain * outflow(down_u, down_v * rise.north),
            ],
            -3,
        )
        is_single = sources.dim() == 3
        if is_single:
            sources = sources.unsqueeze(0)
        wide = functional.pad(sources, [self.reach] * 4)
        spread = functional.conv2d(wide, self.symmetric()[None]).squeeze(-3)
        if is_single:
            spread = spread.squeeze(0)
        return wet * (zeta - spread)


class SymmetricConv(nn.Module):
    """s = W^T W r + eps r: symmetric and positive definite whatever W is.

    Parameters
    ----------
    reach
        Of each of the two kernels in W [cells].
    width
        Channels between and after them.
    """

    def __init__(self, reach: int = 2, width: int = 2) -> None:
        """Start from noise around the identity."""
        super().__init__()
        self.reach = reach
        size = 2 * reach + 1
        self.first = nn.Parameter(0.05 * torch.randn(width, 1, size, size))
        self.second = nn.Parameter(0.05 * torch.randn(width, width, size, size))
        with torch.no_grad():
            for k in range(width):
                self.first[k, 0, reach, reach] += 1.0 if k == 0 else 0.0
                self.second[k, k, reach, reach] += 1.0
        self.log_eps = nn.Parameter(torch.zeros(()))

    def forward(self, r: Tensor) -> Tensor:
        """Return the preconditioned residual [y, x] or [member, y, x]."""
        x = r.unsqueeze(-3)
        is_single = x.dim() == 3
        if is_single:
            x = x.unsqueeze(0)
        pad = self.reach
        y = functional.conv2d(
            functional.conv2d(x, self.first, padding=pad), self.second, padding=pad
        )
        y = functional.conv_transpose2d(y, self.second, padding=pad)
        y = functional.conv_transpose2d(y, self.first, padding=pad).squeeze(-3)
        if is_single:
            y = y.squeeze(0)
        return y + torch.exp(self.log_eps) * r


def scaled_operator(couplings: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return D**(-1/2) A D**(-1/2) as its couplings east and north, and D [member, y, x].

    Parameters
    ----------
    couplings
        To the eastern and northern neighbour over the cell's area [member, 2, y, x].
    """
    east, north = couplings.unbind(-3)
    diagonal = 1.0 + east + north
    diagonal[..., 1:] += east[..., :-1]
    diagonal[..., 1:, :] += north[..., :-1, :]
    root = diagonal.rsqrt()
    scaled_east = torch.zeros_like(east)
    scaled_north = torch.zeros_like(north)
    scaled_east[..., :-1] = east[..., :-1] * root[..., :-1] * root[..., 1:]
    scaled_north[..., :-1, :] = north[..., :-1, :] * root[..., :-1, :] * root[..., 1:, :]
    return scaled_east, scaled_north, diagonal


def apply(operator: tuple[Tensor, Tensor], x: Tensor) -> Tensor:
    """Return the scaled matrix times x [member, y, x]; its diagonal is one."""
    east, north = operator
    right = functional.pad(x, [0, 1])[..., 1:]
    above = functional.pad(x, [0, 0, 0, 1])[..., 1:, :]
    left = functional.pad(east * x, [1, 0])[..., :-1]
    below = functional.pad(north * x, [0, 0, 1, 0])[..., :-1, :]
    return x - east * right - north * above - left - below


def residual_after(
    operator: tuple[Tensor, Tensor], network: nn.Module, r: Tensor, n_iterations: int
) -> Tensor:
    """Return what preconditioned conjugate gradients leave, relative, squared [member]."""
    first = (r**2).sum((-2, -1))
    p = torch.zeros_like(r)
    rho_before = torch.ones_like(first)
    for k in range(n_iterations):
        s = network(r)
        rho = (r * s).sum((-2, -1))
        beta = rho / rho_before if k > 0 else torch.zeros_like(rho)
        p = s + beta[:, None, None] * p
        q = apply(operator, p)
        alpha = rho / (p * q).sum((-2, -1))
        r = r - alpha[:, None, None] * q
        rho_before = rho
    return (r**2).sum((-2, -1)) / first
