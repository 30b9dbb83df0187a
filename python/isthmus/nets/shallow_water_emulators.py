# SPDX-License-Identifier: MIT
"""Emulators of the shallow water step on the C grid, with weights to learn.

Each maps a state `[member, field, y, x]` and the undisturbed depth [m] to the state one
step later. Fields are the elevation at centres and the velocities at east and at north
faces, divided by the scales 1 : 0.5735 : 0.5735 of equal energy; a velocity is a transport
over the mean undisturbed depth of its two cells. `ImplicitFluxNet` holds a linear system
and moves water through faces; explicit baselines are in `shallow_water_baselines`.
"""

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from .implicit import LinearImplicitLayer
from .implicit.bands import neighbours
from .shallow_water import Faces, across, not_zero, open_faces, outflow

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

    def __init__(self, middle: float = 1.0, noise: float = 0.05) -> None:
        """Start from a multiple of the identity, and noise."""
        super().__init__()
        start = torch.zeros(3, 3)
        start[1, 1] = middle
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
    convolution and what closed faces around take from it, friction by the speed, a gain of
    the couplings, and two weights of the divergence. North faces use the same weights on
    the basin mirrored at its diagonal, so the net is equivariant under all eight symmetries
    of the square; water is conserved by construction. With the right 59 numbers
    (`known_flux_net`) it is the step of the model, but for how friction and viscosity see
    differences of depth between neighbouring faces.
    """

    def __init__(self, preconditioner: str = "diagonal", **options: Any) -> None:  # noqa: ANN401
        """Start from a step that hardly moves, and noise."""
        super().__init__()
        self.face_depth = FaceConv(1)
        self.slope = FaceConv(-1)
        self.slope_after = FaceConv(-1)
        self.carried = SameFaceConv()
        self.walls = SameFaceConv(0.0)
        self.drag = nn.Parameter(torch.zeros(()))
        # Not from zero: it acts as a square, whose derivative there is zero.
        self.beside = nn.Parameter(torch.full((), 0.5))
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
        turned_zeta, turned_v = _turned(zeta), _turned(v)
        other = across(Faces(u, v))
        h_u = is_open.east * self.face_depth(h)
        h_v = open_v * self.face_depth(_turned(h))
        kept_u = self._kept(u, other.east, still_u, h_u)
        kept_v = self._kept(turned_v, _turned(other.north), still_v, h_v)
        carried_u = still_u * self._carried(u, is_open.east)
        carried_v = still_v * self._carried(turned_v, open_v)
        star_u = kept_u * (carried_u - h_u * self.slope(zeta))
        star_v = kept_v * (carried_v - h_v * self.slope(turned_zeta))
        h_u, h_v = kept_u * h_u, kept_v * h_v
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

    def _carried(self, u: Tensor, is_open: Tensor) -> Tensor:
        """Return the velocity at east faces that the step begins with."""
        return self.carried(u) + self.walls(is_open) * u

    def _kept(self, u: Tensor, v: Tensor, still: Tensor, h: Tensor) -> Tensor:
        """Return the part of a transport at east faces that friction leaves."""
        square = u**2 + (self.beside * v) ** 2
        # The root has no derivative at rest: zero is taken for it.
        speed = torch.where(square > 0.0, torch.sqrt(not_zero(square)), square)
        return 1.0 / (1.0 + self.drag * speed * still / not_zero(h) ** 2)


def known_flux_net(
    *,
    dx: float,
    dt: float,
    theta: float = 0.5,
    drag: float = 0.0,
    viscosity: float = 0.0,
    gravity: float = 9.81,
    **options: Any,  # noqa: ANN401
) -> ImplicitFluxNet:
    """Return the net with the numbers of the model: what training could find.

    Parameters
    ----------
    dx, dt
        Size of the square cells [m]; time step [s].
    theta
        Weight of the new time level.
    drag, viscosity
        Quadratic drag coefficient; along a coast the flow is held [m2 s-1].
    gravity
        [m s-2].
    **options
        Of `ImplicitFluxNet`.
    """
    net = ImplicitFluxNet(**options).double()
    ratio, nu = dt / dx, viscosity * dt / dx**2
    push = gravity * ratio / VELOCITY_RATIO
    transport = ratio * VELOCITY_RATIO * DEPTH_SCALE
    speed = VELOCITY_RATIO * ELEVATION_SCALE / DEPTH_SCALE
    with torch.no_grad():
        for weight in net.parameters():
            weight.zero_()
        net.face_depth.weight[1, 1:3] = 0.5
        for layer, share in ((net.slope, 1.0 - theta), (net.slope_after, theta)):
            layer.weight[1, 1], layer.weight[1, 2] = -share * push, share * push
        net.carried.weight[1, ::2] = net.carried.weight[::2, 1] = nu
        net.carried.weight[1, 1] = 1.0 - 4.0 * nu
        # A closed face reads as zero: beyond the end of a flow it should not act, and
        # beside it act twice.
        net.walls.weight[1, ::2], net.walls.weight[::2, 1] = -nu, nu
        net.drag.fill_(dt * drag * speed)
        net.beside.fill_(1.0)
        net.log_gain.fill_(math.log((theta * ratio) ** 2 * gravity * DEPTH_SCALE))
        net.before.fill_((1.0 - theta) * transport)
        net.after.fill_(theta * transport)
    return net


def mean_of_two(field: Tensor) -> Tensor:
    """Return the means of the two cells at each east face."""
    return 0.5 * (field + neighbours(field, [False, False])[1])


def _turned(field: Tensor) -> Tensor:
    return field.transpose(-1, -2)
