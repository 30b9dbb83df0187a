# SPDX-License-Identifier: MIT
"""Emulators of the shallow water step on the C grid, with weights to learn.

Each maps a state `[member, field, y, x]` and the undisturbed depth [m] to the state one
step later. Fields are the elevation at centres and the velocities at east and at north
faces, divided by the scales 1 : 0.5735 : 0.5735 of equal energy; a velocity is a transport
over the mean undisturbed depth of its two cells. `ImplicitFluxNet` holds a linear system
and moves water through faces; explicit baselines are in `shallow_water_baselines`.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from .implicit import LinearImplicitLayer
from .implicit.bands import neighbours
from .shallow_water import not_zero, open_faces, outflow

ELEVATION_SCALE = 4.7e-3  # [m]: of the published test set, 4.4e-3 to 5.0e-3
VELOCITY_RATIO = 0.5735  # [s-1]: sqrt(g/(2 H)), energy shared equally
DEPTH_SCALE = 15.0  # [m]: mean depth of the published basins


def turned_over(state: Tensor) -> Tensor:
    """Return the state of the basin mirrored at its diagonal: x is y, u is v."""
    zeta, u, v = state.transpose(-1, -2).unbind(-3)
    return torch.stack([zeta, v, u], -3)


def mirrored(state: Tensor) -> Tensor:
    """Return the state of the basin mirrored in x: east faces move by one, u changes sign.

    The last east face is closed, so no value is lost.
    """
    zeta, u, v = state.unbind(-3)
    moved = -neighbours(u, [False, False])[0]
    return torch.stack([zeta.flip(-1), moved.flip(-1), v.flip(-1)], -3)


class FaceConv(nn.Module):
    """A convolution from a scalar at centres to east faces, 3 x 4 cells, with a parity.

    An even one gives a scalar, an odd one the x component of a vector: exactly so under
    mirrors, for the kernel is made of free numbers that obey them.
    """

    def __init__(self, parity: int, noise: float = 0.05) -> None:
        """Start from a mean of all twelve cells, or from nothing, and noise."""
        super().__init__()
        self.parity = parity
        start = torch.full((3, 4), 1.0 / 12.0 if parity == 1 else 0.0)
        self.weight = nn.Parameter(start + noise * torch.randn(3, 4))

    def kernel(self) -> Tensor:
        """Return the kernel with the parity along x, even along y."""
        even = 0.5 * (self.weight + self.weight.flip(0))
        return 0.5 * (even + self.parity * even.flip(1))

    def forward(self, field: Tensor) -> Tensor:
        """Return values at east faces [..., y, x] from centres [..., y, x]."""
        wide = functional.pad(field, [1, 2, 1, 1]).unsqueeze(-3)
        return functional.conv2d(wide, self.kernel()[None, None]).squeeze(-3)


class SameFaceConv(nn.Module):
    """A 3 x 3 convolution of a vector's component on its own faces, even under mirrors."""

    def __init__(self, noise: float = 0.05) -> None:
        """Start from the identity and noise."""
        super().__init__()
        start = torch.zeros(3, 3)
        start[1, 1] = 1.0
        self.weight = nn.Parameter(start + noise * torch.randn(3, 3))

    def forward(self, u: Tensor) -> Tensor:
        """Return values at the same faces [..., y, x]."""
        even = self.weight + self.weight.flip(0)
        even = 0.25 * (even + even.flip(1))
        wide = functional.pad(u, [1, 1, 1, 1]).unsqueeze(-3)
        return functional.conv2d(wide, even[None, None]).squeeze(-3)


class ImplicitFluxNet(nn.Module):
    """A bilinear network around a linear implicit layer, in flux form.

    Learned are: the face depth as a convolution of the water depth, the slope before and
    after the solution as odd convolutions of the elevation, the carried velocity as a
    convolution, a coefficient of u|u|, a gain of the couplings, and two weights of the
    divergence. North faces use the same weights on the basin mirrored at its diagonal, so
    the net is equivariant under all eight symmetries of the square; water is conserved by
    construction. With the right 49 numbers it is the step of the model but for friction,
    of which it has the own component's only.
    """

    def __init__(self, preconditioner: str = "diagonal", **options: Any) -> None:  # noqa: ANN401
        """Start from a step that hardly moves, and noise."""
        super().__init__()
        self.face_depth = FaceConv(1)
        self.slope = FaceConv(-1)
        self.slope_after = FaceConv(-1)
        self.carried = SameFaceConv()
        self.drag = nn.Parameter(torch.zeros(()))
        self.log_gain = nn.Parameter(torch.tensor(-3.0))
        self.before = nn.Parameter(torch.tensor(0.1))
        self.after = nn.Parameter(torch.tensor(0.1))
        self.implicit = LinearImplicitLayer(preconditioner=preconditioner, **options)
        # TorchScript knows attributes, and no numbers of a module.
        self.depth_scale, self.elevation_scale = DEPTH_SCALE, ELEVATION_SCALE

    def forward(self, state: Tensor, depth: Tensor) -> Tensor:
        """Return the state one step later [member, field, y, x]; depth [member, y, x]."""
        wet = (depth > 0.0).to(state.dtype)
        water = wet * depth / self.depth_scale
        zeta, u, v = state.unbind(-3)
        h = water + wet * (self.elevation_scale / self.depth_scale) * zeta
        is_open = open_faces(wet)
        open_v = _turned(is_open.north)
        # The state's velocities are transports over the mean undisturbed depth.
        still_u = is_open.east * mean_of_two(water)
        still_v = open_v * mean_of_two(_turned(water))
        h_u = is_open.east * self.face_depth(h)
        h_v = open_v * self.face_depth(_turned(h))
        star_u = self._star(u, zeta, still_u, h_u)
        star_v = self._star(_turned(v), _turned(zeta), still_v, h_v)
        old = zeta - self.before * outflow(still_u * u, _turned(still_v) * v)
        b = wet * (old - self.after * outflow(star_u, _turned(star_v)))
        couplings = torch.exp(self.log_gain) * torch.stack([h_u, _turned(h_v)], -3)
        z = self.implicit(couplings, torch.zeros_like(b), b, wet, zeta)
        new_u = star_u - h_u * self.slope_after(z)
        new_v = star_v - h_v * self.slope_after(_turned(z))
        zeta = wet * (old - self.after * outflow(new_u, _turned(new_v)))
        u = new_u / not_zero(still_u)
        v = new_v / not_zero(still_v)
        return torch.stack([zeta, u, _turned(v)], -3)

    def _star(self, u: Tensor, zeta: Tensor, still: Tensor, h: Tensor) -> Tensor:
        """Return the provisional transport at east faces."""
        return still * (self.carried(u) - self.drag * u * u.abs()) - h * self.slope(zeta)


def mean_of_two(field: Tensor) -> Tensor:
    """Return the means of the two cells at each east face."""
    return 0.5 * (field + neighbours(field, [False, False])[1])


def _turned(field: Tensor) -> Tensor:
    return field.transpose(-1, -2)
