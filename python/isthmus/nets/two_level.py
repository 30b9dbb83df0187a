# SPDX-License-Identifier: MIT
"""Two-level Lorenz-96 as a network of its own form, and a step that carries F, h, c and b.

    dx/dt = A_1 x . A_2 x + A_3 x + w F - h c M z
    dz/dt = c (b B_1 z . B_2 z + B_3 z + h N x)

A and B are stencils on the rings of x and z, M sums the fast values of a site and N spreads
a slow one over its fast ones, all with weights. With the right weights these are the
equations of `tendencies`.
"""

import torch
from torch import Tensor, nn

from .ring import RingConv, set_weights


class CoupledBilinearNet(nn.Module):
    """Tendency of [x, z] in the module's form.

    Parameters
    ----------
    n_sites, n_fast : int
        K and J.
    """

    def __init__(self, n_sites: int, n_fast: int) -> None:
        super().__init__()
        self.n_sites = n_sites
        self.slow = RingConv(1, 3, left=2, right=1)
        self.fast = RingConv(1, 3, left=1, right=2)
        self.forcing_weight = nn.Parameter(torch.ones(1))
        self.to_slow = nn.Linear(n_fast, 1)
        self.to_fast = nn.Linear(1, n_fast)

    def extra_repr(self) -> str:
        """Return what tells this tendency from another."""
        return f"n_sites={self.n_sites}"

    def forward(self, state: Tensor, f: Tensor, h: Tensor, c: Tensor, b: Tensor) -> Tensor:
        """Return the tendency [member, k + jk] at a state, coefficients [member]."""
        x, z = state[:, : self.n_sites], state[:, self.n_sites :]
        f, h, c, b = f.unsqueeze(-1), h.unsqueeze(-1), c.unsqueeze(-1), b.unsqueeze(-1)
        s, t = self.slow(x.unsqueeze(1)), self.fast(z.unsqueeze(1))
        sums = self.to_slow(z.reshape(x.shape[0], self.n_sites, -1)).squeeze(-1)
        spread = self.to_fast(x.unsqueeze(-1)).flatten(1)
        dx = s[:, 0] * s[:, 1] + s[:, 2] + self.forcing_weight * f - h * c * sums
        dz = c * (b * t[:, 0] * t[:, 1] + t[:, 2] + h * spread)
        return torch.cat([dx, dz], dim=1)

    @classmethod
    def analytic(cls, n_sites: int, n_fast: int) -> "CoupledBilinearNet":
        """Return the weights for which the network is the two-level tendency."""
        net = cls(n_sites, n_fast).double()
        zeros = [0.0, 0.0, 0.0]
        left = [[0.0, 1.0, 0.0, 0.0], [-1.0, 0.0, 0.0, 1.0], [0.0, 0.0, -1.0, 0.0]]
        set_weights(net.slow.conv, left, zeros)
        right = [[0.0, 0.0, 1.0, 0.0], [1.0, 0.0, 0.0, -1.0], [0.0, -1.0, 0.0, 0.0]]
        set_weights(net.fast.conv, right, zeros)
        with torch.no_grad():
            for line in (net.to_slow, net.to_fast):
                line.weight.fill_(1.0 / n_fast)
                line.bias.zero_()
        return net


class TwoLevelStep(nn.Module):
    """Some Runge-Kutta steps of such a tendency, taken as one.

    Parameters
    ----------
    tendency : module
        (state [member, k + jk], F, h, c, b [member]) -> [member, k + jk].
    dt : float
        Length of the whole.
    n_inner : int
        Steps in it.
    """

    def __init__(self, tendency: nn.Module, dt: float, n_inner: int = 1) -> None:
        super().__init__()
        self.tendency = tendency
        self.dt = float(dt)
        self.n_inner = n_inner

    def extra_repr(self) -> str:
        """Return what tells this step from another of the same tendency."""
        return f"dt={self.dt}, n_inner={self.n_inner}"

    def forward(
        self, state: Tensor, forcing: Tensor, h: Tensor, c: Tensor, b: Tensor
    ) -> Tensor:
        """Return the state [member, k + jk] one step later, coefficients [member]."""
        dt = self.dt / self.n_inner
        for _ in range(self.n_inner):
            k1 = self.tendency(state, forcing, h, c, b)
            k2 = self.tendency(state + 0.5 * dt * k1, forcing, h, c, b)
            k3 = self.tendency(state + 0.5 * dt * k2, forcing, h, c, b)
            k4 = self.tendency(state + dt * k3, forcing, h, c, b)
            state = state + (dt / 6.0) * (k1 + 2.0 * (k2 + k3) + k4)
        return state
