# SPDX-License-Identifier: MIT
"""Write `closure.pt`: what is known of a model, plus a closure that is not yet trained."""

import torch
from torch import Tensor, nn

FORCING = 18.0


class Resolved(nn.Module):
    """The slow tendencies of Lorenz's model, plus a network for what the fast ones do."""

    def __init__(self) -> None:
        super().__init__()
        self.forcing = FORCING
        self.closure = nn.Sequential(nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 1))
        nn.init.zeros_(self.closure[2].weight)  # untrained, it does nothing
        nn.init.zeros_(self.closure[2].bias)

    def forward(self, x: Tensor) -> Tensor:
        """Map x[batch, k] to dx/dt[batch, k]."""
        before, after = torch.roll(x, 1, 1), torch.roll(x, -1, 1)
        advection = before * (after - torch.roll(x, 2, 1))
        closure = self.closure((x / 10.0).unsqueeze(2)).squeeze(2)
        return advection - x + self.forcing + 10.0 * closure


torch.manual_seed(0)
torch.jit.script(Resolved().double()).save("closure.pt")
