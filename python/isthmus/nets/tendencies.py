# SPDX-License-Identifier: MIT
"""Tendencies in torch, and the Runge-Kutta step that turns one into an emulator.

Lorenz-96, one level (Lorenz 1996), periodic in k:

    dx_k/dt = -x_{k-1} (x_{k-2} - x_{k+1}) - x_k + F                             (1)

Two levels, z on one ring of length J K with j fastest:

    dx_k/dt = (1) - h c mean_j z_{j,k}
    (1/c) dz_j/dt = -b z_{j+1} (z_{j+2} - z_{j-1}) - z_j + (h/J) x_k

The step is classical Runge-Kutta of order four.
"""

from typing import Final

import torch
from torch import Tensor, nn

CLOSURE_SCHEMES: Final = ("held", "every_stage")


def lorenz96_tendency(x: Tensor, forcing: float | Tensor) -> Tensor:
    """Return the one-level tendency (1) at `x` [..., k]; `forcing` broadcasts."""
    behind = torch.roll(x, 1, -1) * (torch.roll(x, 2, -1) - torch.roll(x, -1, -1))
    return forcing - behind - x


def two_level_tendency(
    x: Tensor,
    z: Tensor,
    *,
    forcing: float,
    h: float = 1.0,
    b: float = 10.0,
    c: float = 10.0,
) -> tuple[Tensor, Tensor, Tensor]:
    """Return dx/dt [..., k], dz/dt [..., jk] and the coupling -h c mean_j z [..., k]."""
    k = x.shape[-1]
    n_fast = z.shape[-1] // k
    coupling = -h * c * z.reshape(*z.shape[:-1], k, n_fast).mean(-1)
    dx = lorenz96_tendency(x, forcing) + coupling
    ahead = torch.roll(z, -1, -1) * (torch.roll(z, -2, -1) - torch.roll(z, 1, -1))
    dz = c * (-b * ahead - z + (h / n_fast) * x.repeat_interleave(n_fast, -1))
    return dx, dz, coupling


class Lorenz96Tendency(nn.Module):
    """The one-level tendency as a module without weights."""

    forcing: Tensor

    def __init__(self, forcing: float) -> None:
        super().__init__()
        self.register_buffer("forcing", torch.tensor(float(forcing), dtype=torch.float64))

    def extra_repr(self) -> str:
        """Return what tells this tendency from another."""
        return f"forcing={float(self.forcing)}"

    def forward(self, x: Tensor) -> Tensor:
        """Return the tendency [member, k] at `x` [member, k]."""
        behind = torch.roll(x, 1, -1) * (torch.roll(x, 2, -1) - torch.roll(x, -1, -1))
        return self.forcing.to(x.dtype) - behind - x


class Rk4Step(nn.Module):
    """One Runge-Kutta step of a tendency, with an optional closure added to it.

    Parameters
    ----------
    tendency : module
        [member, k] -> [member, k].
    dt : float
        Time step [1].
    closure : module, optional
        [member, k] -> [member, k], added to the tendency.
    closure_scheme : str
        "held": the closure is evaluated once, at the start of the step, and kept during the
        four stages, as the Fortran closure slot does. "every_stage": evaluated in each.

    Raises
    ------
    ValueError
        If the scheme is unknown.
    """

    def __init__(
        self,
        tendency: nn.Module,
        dt: float,
        closure: nn.Module | None = None,
        closure_scheme: str = "held",
    ) -> None:
        super().__init__()
        if closure_scheme not in CLOSURE_SCHEMES:
            raise ValueError(
                f"closure_scheme '{closure_scheme}', expected one of "
                f"{', '.join(CLOSURE_SCHEMES)}"
            )
        self.tendency = tendency
        self.closure = closure if closure is not None else NoClosure()
        self.dt = float(dt)
        self.is_held = closure_scheme == "held"

    def forward(self, x: Tensor) -> Tensor:
        """Return the state [member, k] one step later."""
        dt = self.dt
        held = self.closure(x)
        k1 = self.tendency(x) + held
        k2 = self.stage(x + 0.5 * dt * k1, held)
        k3 = self.stage(x + 0.5 * dt * k2, held)
        k4 = self.stage(x + dt * k3, held)
        return x + (dt / 6.0) * (k1 + 2.0 * (k2 + k3) + k4)

    def extra_repr(self) -> str:
        """Return what tells this step from another of the same networks."""
        return f"dt={self.dt}, closure_scheme={'held' if self.is_held else 'every_stage'}"

    def stage(self, x: Tensor, held: Tensor) -> Tensor:
        """Return the tendency of a later stage, with the closure held or anew."""
        if self.is_held:
            return self.tendency(x) + held
        return self.tendency(x) + self.closure(x)


class NoClosure(nn.Module):
    """A closure that adds nothing."""

    def forward(self, x: Tensor) -> Tensor:
        """Return zeros like `x`."""
        return torch.zeros_like(x)


class ResolvedStep(nn.Module):
    """The resolved model as seen from a closure: (x, b) -> x one step later, `b` held.

    The torch twin of the Fortran step: `couple.autograd.fortran_step` has its signature.
    """

    def __init__(self, tendency: nn.Module, dt: float) -> None:
        super().__init__()
        self.tendency = tendency
        self.dt = float(dt)

    def forward(self, x: Tensor, b: Tensor) -> Tensor:
        """Return the state [member, k] after one step with the extra tendency `b`."""
        dt = self.dt
        k1 = self.tendency(x) + b
        k2 = self.tendency(x + 0.5 * dt * k1) + b
        k3 = self.tendency(x + 0.5 * dt * k2) + b
        k4 = self.tendency(x + dt * k3) + b
        return x + (dt / 6.0) * (k1 + 2.0 * (k2 + k3) + k4)

    def extra_repr(self) -> str:
        """Return what tells this step from another of the same tendency."""
        return f"dt={self.dt}"
