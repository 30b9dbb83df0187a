# SPDX-License-Identifier: MIT
"""The semi-implicit shallow water step on the C grid, as a network with known weights.

    H  = mean of D + zeta                                    depth at a face
    F  = 1/(1 + dt*cd*sqrt(U**2 + Vm**2)/H**2)               friction
    U* = F*(U + dt*X - (1 - theta)*g*dt*H*d zeta/dx)
    z - div((theta*dt)**2*g*H*F*grad z) = zeta - dt*div((1 - theta)*U + theta*U*)
    U' = U* - theta*g*dt*H*F*d z/dx
    zeta' = zeta - dt*div((1 - theta)*U + theta*U')

Backhaus (1983), Continental Shelf Research 2(4), 243-254, in a closed basin without
rotation: what `isthmus.models.ShallowWater` computes in Fortran, for a batch, on any
device, and differentiable. The elliptic system is a linear implicit layer: its couplings
are the faces' H*F, its mass is one. zeta is at centres, U at east, V at north faces; all
fields are [..., y, x].
"""

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from .implicit import LinearImplicitLayer
from .implicit.bands import neighbours


class Faces(NamedTuple):
    """A quantity at east and at north faces [..., y, x]."""

    east: Tensor
    north: Tensor


def to_faces(field: Tensor) -> tuple[Faces, Faces]:
    """Return the values below and above each face: of the cell itself and of the next."""
    _, east, _, north = neighbours(field, [False, False])
    return Faces(field, field), Faces(east, north)


def open_faces(wet: Tensor) -> Faces:
    """Return 1 at faces between two cells of the domain, else 0."""
    _, above = to_faces(wet)
    return Faces(wet * above.east, wet * above.north)


def differences(field: Tensor) -> Faces:
    """Return what a field rises by through each face."""
    below, above = to_faces(field)
    return Faces(above.east - below.east, above.north - below.north)


def outflow(u: Tensor, v: Tensor) -> Tensor:
    """Return the sum of what leaves each cell through its four faces."""
    return u - neighbours(u, [False, False])[0] + v - neighbours(v, [False, False])[2]


def across(scaled: Faces) -> Faces:
    """Return the mean over the four faces of the other direction around each face."""
    u_below_above = scaled.east + neighbours(scaled.east, [False, False])[3]
    v_left_right = scaled.north + neighbours(scaled.north, [False, False])[1]
    return Faces(
        0.25 * (v_left_right + neighbours(v_left_right, [False, False])[2]),
        0.25 * (u_below_above + neighbours(u_below_above, [False, False])[0]),
    )


class BackhausStep(nn.Module):
    """One step of the shallow water model in a closed basin, equal cells, no rotation.

    Parameters
    ----------
    dx, dt
        Size of the square cells [m]; time step [s].
    drag
        Quadratic drag coefficient.
    theta
        Weight of the new time level.
    gravity
        [m s-2].
    preconditioner, **options
        Of `SolverOptions`.
    """

    def __init__(
        self,
        *,
        dx: float,
        dt: float,
        drag: float = 0.0,
        theta: float = 0.55,
        gravity: float = 9.81,
        preconditioner: str = "multigrid",
        **options: Any,  # noqa: ANN401
    ) -> None:
        """Keep the numbers."""
        super().__init__()
        self.dx, self.dt, self.drag, self.theta = dx, dt, drag, theta
        self.gravity = gravity
        self.implicit = LinearImplicitLayer(preconditioner=preconditioner, **options)

    def forward(
        self,
        zeta: Tensor,
        u: Tensor,
        v: Tensor,
        depth: Tensor,
        stress_u: Tensor | None = None,
        stress_v: Tensor | None = None,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return elevation and transports one step later.

        Parameters
        ----------
        zeta
            Elevation [m] [..., y, x].
        u, v
            Transports at east and north faces [m2 s-1] [..., y, x].
        depth
            Undisturbed depth [m], not positive on land [..., y, x].
        stress_u, stress_v
            Stress over density X at east and at north faces [m2 s-2] [..., y, x].
        """
        wet = (depth > 0.0).to(zeta.dtype)
        is_open = open_faces(wet)
        below, above = to_faces(depth + zeta)
        h_u = is_open.east * 0.5 * (below.east + above.east)
        h_v = is_open.north * 0.5 * (below.north + above.north)
        friction = self._friction(u, v, h_u, h_v)
        rise = differences(zeta)
        push = self.gravity * self.dt / self.dx
        old, new = 1.0 - self.theta, self.theta
        flow_u, flow_v = h_u * friction.east, h_v * friction.north
        u_pushed = u if stress_u is None else u + self.dt * is_open.east * stress_u
        v_pushed = v if stress_v is None else v + self.dt * is_open.north * stress_v
        star_u = friction.east * u_pushed - old * push * flow_u * rise.east
        star_v = friction.north * v_pushed - old * push * flow_v * rise.north
        before = zeta - self.dt / self.dx * old * outflow(u, v)
        b = before - self.dt / self.dx * new * outflow(star_u, star_v)
        gain = (new * self.dt / self.dx) ** 2 * self.gravity
        couplings = gain * torch.stack([flow_u, flow_v], -3)
        z = self.implicit(couplings, torch.zeros_like(b), b, wet.expand_as(b), zeta)
        rise = differences(z)
        u = star_u - new * push * flow_u * rise.east
        v = star_v - new * push * flow_v * rise.north
        zeta = wet * (before - self.dt / self.dx * new * outflow(u, v))
        return zeta, u, v

    def _friction(self, u: Tensor, v: Tensor, h_u: Tensor, h_v: Tensor) -> Faces:
        """Return F at faces, zero where there is no water."""
        root_u, root_v = _root(h_u), _root(h_v)
        other = across(Faces(u / not_zero(root_u), v / not_zero(root_v)))
        return Faces(
            self._factor(u, other.east * root_u, h_u),
            self._factor(v, other.north * root_v, h_v),
        )

    def _factor(self, along: Tensor, across: Tensor, h: Tensor) -> Tensor:
        square = along**2 + across**2
        # The root has no derivative at rest: zero is taken for it.
        speed = torch.where(square > 0.0, torch.sqrt(not_zero(square)), square)
        factor = h**2 / not_zero(h**2 + self.dt * self.drag * speed)
        return torch.where(h > 0.0, factor, torch.zeros_like(h))


def _root(h: Tensor) -> Tensor:
    """Return the square root, zero with derivative zero at zero."""
    return torch.where(h > 0.0, torch.sqrt(not_zero(h)), torch.zeros_like(h))


def not_zero(x: Tensor) -> Tensor:
    """Return x with ones for zeros, to divide by."""
    return torch.where(x == 0.0, torch.ones_like(x), x)
