# SPDX-License-Identifier: MIT
"""The semi-implicit shallow water step in a small basin, as dense linear algebra on faces.

    H    = |G| (D + zeta) / 2                               depth at the open faces
    F    = 1/(1 + dt*cd*sqrt(U**2 + Um**2)/H**2)            Um = sqrt(H) M (U/sqrt(H))
    U*   = F (U - (1 - theta)*g*dt/dx*H*G zeta)
    (I + G^T diag((theta*dt/dx)**2*g*H*F) G) z = zeta + dt/dx*G^T ((1 - theta) U + theta U*)
    U'   = U* - theta*g*dt/dx*H*F*G z
    zeta' = zeta + dt/dx*G^T ((1 - theta) U + theta U')

G `[face, cell]` is the incidence matrix: 1 in the cell that a face leads to, -1 in the one
it comes from, so that G zeta is a difference and G^T U what flows in. M takes the mean of
the four faces across. In cells of prescribed level z is that level. Backhaus (1983),
Continental Shelf Research 2(4), 243-254, on an Arakawa C grid: the scheme of
`isthmus.models.ShallowWater` with equal cells, closed coasts and prescribed levels, without
rotation, wind and advection. `nets.shallow_water` has it as convolutions for large basins;
matrices need n^3 operations for n cells, and nothing iterates. [m], [m2 s-1], [s].
"""

from typing import Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ..errors import BindingError

GRAVITY: Final = 9.81
"""[m s-2]"""

Array = NDArray[np.float64]


SLOWEST: Final = 1e-12
"""[m4 s-2]: squared transports below it do not change the learned friction."""


class Weights(NamedTuple):
    """What multiplies slopes (g*dt/dx) and flows (dt/dx) of the old and the new level."""

    push_old: Tensor | float
    push_new: Tensor | float
    flow_old: Tensor | float
    flow_new: Tensor | float


class SmallBasin(nn.Module):
    """Where water can flow: the matrices of a basin.

    Parameters
    ----------
    is_open, is_fixed
        Whether a cell holds water, and whether its level is prescribed `[y, x]`.

    Attributes
    ----------
    n_cells
        All, land too.
    """

    gradient: Tensor
    means: Tensor
    across: Tensor
    faces: Tensor
    free: Tensor
    fixed: Tensor

    def __init__(self, is_open: NDArray[np.bool_], is_fixed: NDArray[np.bool_]) -> None:
        if is_open.shape != is_fixed.shape or (is_fixed & ~is_open).any():
            raise BindingError(
                "'is_fixed' must have the shape of 'is_open', and be false on land"
            )
        super().__init__()
        self.n_cells = is_open.size
        faces = _open_faces(is_open)
        rows = np.arange(len(faces))
        gradient = np.zeros((len(faces), self.n_cells))
        gradient[rows, faces[:, 0]], gradient[rows, faces[:, 1]] = -1.0, 1.0
        tables = {
            "gradient": gradient,
            "means": 0.5 * np.abs(gradient),
            "across": _means_across(faces, is_fixed),
        }
        for name, table in tables.items():
            self.register_buffer(name, torch.from_numpy(table))
        places = {
            "faces": faces[:, 2],
            "free": np.flatnonzero(is_open & ~is_fixed),
            "fixed": np.flatnonzero(is_fixed),
        }
        for name, place in places.items():
            self.register_buffer(name, torch.from_numpy(place.astype(np.int64)))

    def split(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return elevations `[member, cell]` and transports at open faces of a state."""
        return x[:, : self.n_cells], x[:, self.n_cells :][:, self.faces]

    def joined(self, zeta: Tensor, u: Tensor) -> Tensor:
        """Return the state [zeta, u, v] `[member, 3*cell]`, zero at closed faces."""
        closed = torch.zeros_like(zeta).repeat(1, 2)
        return torch.cat([zeta, closed.index_copy(1, self.faces, u)], dim=1)

    def solve(self, couplings: Tensor, b: Tensor, level: Tensor) -> Tensor:
        """Return z `[member, cell]` of (I + G^T diag(couplings) G) z = b where it is free.

        Elsewhere it is the level `[member, cell]`.
        """
        weighted = couplings.unsqueeze(-1) * self.gradient[:, self.free]
        matrix = self.gradient[:, self.free].t() @ weighted
        matrix = matrix + torch.eye(matrix.shape[-1], dtype=b.dtype, device=b.device)
        held = torch.zeros_like(b).index_copy(1, self.fixed, level[:, self.fixed])
        flux = (couplings * (held @ self.gradient.t())) @ self.gradient
        z = torch.linalg.solve(matrix, (b - flux)[:, self.free])
        return held.index_copy(1, self.free, z)


class BasinStep(nn.Module):
    """One step of a basin whose regions have drags: what `isthmus tune` steps.

    Parameters
    ----------
    basin
        Matrices.
    depth
        Undisturbed `[y, x]` [m].
    regions
        1 in the cells of a region, else 0 `[region, y, x]`.
    dx, dt
        Size of the square cells [m]; time step [s].
    theta
        Weight of the new time level.
    """

    depth: Tensor
    regions: Tensor

    def __init__(
        self,
        basin: SmallBasin,
        depth: Array,
        regions: Array,
        *,
        dx: float,
        dt: float,
        theta: float = 0.55,
    ) -> None:
        if depth.size != basin.n_cells or regions.shape[1:] != depth.shape:
            raise BindingError(
                f"'depth' {list(depth.shape)} and 'regions' {list(regions.shape)} are not "
                f"of the basin's {basin.n_cells} cells"
            )
        super().__init__()
        self.basin, self.dx, self.dt, self.theta = basin, dx, dt, theta
        self.n_regions = len(regions)
        self.register_buffer("depth", torch.from_numpy(depth.ravel().copy()))
        self.register_buffer(
            "regions", torch.from_numpy(regions.reshape(self.n_regions, -1).copy())
        )

    def extra_repr(self) -> str:
        """Return what tells this step from another of the same basin."""
        return f"dx={self.dx}, dt={self.dt}, theta={self.theta}"

    def forward(self, x: Tensor, *given: Tensor) -> Tensor:
        """Return [zeta, u, v] `[member, 3*cell]` after a step.

        Parameters
        ----------
        x
            State.
        *given
            The drag of each region `[member]`, and the prescribed level at the step's end
            [m] `[member]`.
        """
        drag = torch.stack(given[: self.n_regions], dim=1) @ self.regions
        level = given[-1].unsqueeze(-1)
        zeta, u = self.basin.split(x)
        h = (self.depth + zeta) @ self.basin.means.t()
        kept = self.kept(u, h, drag @ self.basin.means.t())
        push_old, push_new, flow_old, flow_new = self.weights()
        star = kept * (u - push_old * h * (zeta @ self.basin.gradient.t()))
        before = zeta + flow_old * (u @ self.basin.gradient)
        b = before + flow_new * (star @ self.basin.gradient)
        z = self.basin.solve(flow_new * push_new * h * kept, b, level.expand_as(zeta))
        u = star - push_new * h * kept * (z @ self.basin.gradient.t())
        after = before + flow_new * (u @ self.basin.gradient)
        zeta = z.index_copy(1, self.basin.free, after[:, self.basin.free])
        return self.basin.joined(zeta, u)

    def weights(self) -> Weights:
        """Return what slopes and flows of the old and of the new level do in a step."""
        flow = self.dt / self.dx
        old, new = (1.0 - self.theta) * flow, self.theta * flow
        return Weights(GRAVITY * old, GRAVITY * new, old, new)

    def kept(self, u: Tensor, h: Tensor, drag: Tensor) -> Tensor:
        """Return F `[member, face]` from transports, depths and drags at the faces."""
        square = self.squared(u, h)
        # The root has no derivative at rest: zero is taken for it.
        moves = square > 0.0
        safe = torch.where(moves, square, torch.ones_like(square))
        speed = torch.where(moves, torch.sqrt(safe), torch.zeros_like(square))
        return h**2 / (h**2 + self.dt * drag * speed)

    def squared(self, u: Tensor, h: Tensor) -> Tensor:
        """Return U**2 + Um**2 `[member, face]`."""
        root = torch.sqrt(h)
        return u**2 + (root * ((u / root) @ self.basin.across.t())) ** 2


class LearnedBasinStep(BasinStep):
    """The same form with numbers to learn: an emulator of a channel.

    Four weights say what slopes and flows do, and a power law how friction depends on drag
    c, transport and depth:

        F = 1/(1 + exp(a + b1 log c + b2 log sqrt(U**2 + Um**2) + b3 log H))

    They begin as noise around a step that hardly moves and around a law that knows nothing.
    With the right eight numbers it is the model's step.

    Parameters
    ----------
    like
        Basin, depth and regions are taken from it.
    noise
        Standard deviation of the first numbers.
    """

    def __init__(self, like: BasinStep, *, noise: float = 0.1) -> None:
        depth, regions = like.depth.numpy(), like.regions.numpy()
        super().__init__(like.basin, depth, regions, dx=like.dx, dt=like.dt)
        start = torch.tensor([-1.0, -1.0, -4.0, -4.0], dtype=torch.float64)
        self.log_weights = nn.Parameter(start + noise * torch.randn_like(start))
        law = torch.tensor([-2.0, 0.5, 0.5, -0.5], dtype=torch.float64)
        self.law = nn.Parameter(law + noise * torch.randn_like(law))

    def weights(self) -> Weights:
        """Return what slopes and flows do, as learned."""
        return Weights(*torch.exp(self.log_weights).unbind(0))

    def kept(self, u: Tensor, h: Tensor, drag: Tensor) -> Tensor:
        """Return F `[member, face]` by the power law."""
        square = self.squared(u, h)
        moves = square > SLOWEST
        safe = torch.where(moves, square, torch.full_like(square, SLOWEST))
        a, of_drag, of_speed, of_depth = self.law.unbind(0)
        loss = a + of_drag * torch.log(drag) + 0.5 * of_speed * torch.log(safe)
        return 1.0 / (1.0 + torch.exp(loss + of_depth * torch.log(h)))


def _open_faces(is_open: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Return from, to, place in [u, v] of the open faces `[face, 3]`, east ones first."""
    cell = np.arange(is_open.size).reshape(is_open.shape)
    east = is_open[:, :-1] & is_open[:, 1:]
    north = is_open[:-1] & is_open[1:]
    west, south = cell[:, :-1][east], cell[:-1][north]
    parts = (
        np.stack([west, cell[:, 1:][east], west], axis=1),
        np.stack([south, cell[1:][north], cell.size + south], axis=1),
    )
    return np.concatenate(parts)


def _means_across(
    faces: NDArray[np.intp], is_fixed: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return M `[face, face]`: a quarter of each of the four faces across.

    Between two cells of prescribed level only those that are open count, for beyond the
    boundary there are none.
    """
    n_cells = is_fixed.size
    is_north = faces[:, 2] >= n_cells
    ends = faces[:, :2]
    touch = (ends[:, None, :, None] == ends[None, :, None, :]).any(axis=(2, 3))
    beside = touch & (is_north[:, None] != is_north[None, :])
    between_fixed = is_fixed.ravel()[ends].all(axis=1)
    n_open = np.maximum(beside.sum(axis=1), 1)
    weights = np.where(between_fixed, 1.0 / n_open, 0.25)
    return beside * weights[:, None]
