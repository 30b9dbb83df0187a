# SPDX-License-Identifier: MIT
"""The bilinear network whose bias is the forcing, and a step that carries the forcing."""

import torch
from torch import Tensor, nn

from .ring import BilinearNet, RingConv


class ConditionalBilinearNet(nn.Module):
    """`BilinearNet` with the last bias replaced by the forcing, times a learned weight."""

    def __init__(self) -> None:
        super().__init__()
        self.stencils = RingConv(1, 3, left=2, right=1)
        self.combine = nn.Conv1d(2, 1, 1)
        self.product_weight = nn.Parameter(torch.ones(1))
        self.forcing_weight = nn.Parameter(torch.ones(1))

    def forward(self, x: Tensor, forcing: Tensor) -> Tensor:
        """Return the tendency [member, k] at `x` [member, k] under `forcing` [member]."""
        s = self.stencils(x.unsqueeze(1))
        product = self.product_weight * s[:, 0:1] * s[:, 1:2]
        free = self.combine(torch.cat([product, s[:, 2:3]], dim=1)).squeeze(1)
        return free + self.forcing_weight * forcing.unsqueeze(-1)

    @classmethod
    def analytic(cls, *, dtype: torch.dtype = torch.float64) -> "ConditionalBilinearNet":
        """Return the weights for which the network is the Lorenz-96 tendency for any F."""
        net = cls().to(dtype)
        source = BilinearNet.analytic(0.0, dtype=dtype)
        net.load_state_dict(source.state_dict(), strict=False)
        return net


class ConditionalRk4Step(nn.Module):
    """One Runge-Kutta step of a tendency that knows the forcing, constant in the step."""

    def __init__(self, tendency: nn.Module, dt: float) -> None:
        super().__init__()
        self.tendency = tendency
        self.dt = float(dt)

    def extra_repr(self) -> str:
        """Return what tells this step from another of the same tendency."""
        return f"dt={self.dt}"

    def forward(self, x: Tensor, forcing: Tensor) -> Tensor:
        """Return the state [member, k] one step later under `forcing` [member]."""
        dt = self.dt
        k1 = self.tendency(x, forcing)
        k2 = self.tendency(x + 0.5 * dt * k1, forcing)
        k3 = self.tendency(x + 0.5 * dt * k2, forcing)
        k4 = self.tendency(x + dt * k3, forcing)
        return x + (dt / 6.0) * (k1 + 2.0 * (k2 + k3) + k4)
