# SPDX-License-Identifier: MIT
"""How good an emulator is: errors of the state, of its derivative, and of its chaos.

A step maps states [member, k] to the states one interval later. The leading Lyapunov
exponent follows Benettin et al. (1980, doi:10.1007/BF02128236): one tangent vector per
member, carried by the derivative of the step and rescaled after each.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

Step = Callable[[Tensor], Tensor]
BLOCK: Final = 128  # members evaluated at once: their layers stay in the cache


@dataclass(frozen=True)
class Estimate:
    """A mean and its standard error, from independent members."""

    mean: float
    error: float

    @classmethod
    def of(cls, values: Tensor) -> "Estimate":
        """Summarize one value per member."""
        values = values.double()
        return cls(float(values.mean()), float(values.std() / values.shape[0] ** 0.5))


def rmse_by_lead(step: Step, truth: Tensor, leads: Sequence[int]) -> Tensor:
    """Return the error of free runs, root mean square over sites: [lead, member].

    Parameters
    ----------
    truth : Tensor
        States [time, member, k], one step apart; the runs start from the first.
    leads : sequence of int
        Numbers of steps, increasing.
    """
    blocks = truth.split(BLOCK, dim=1)  # type: ignore[no-untyped-call]
    return torch.cat([_block_rmse(step, block, leads) for block in blocks], dim=1)


def _block_rmse(step: Step, truth: Tensor, leads: Sequence[int]) -> Tensor:
    errors = []
    with torch.no_grad():
        x, done = truth[0], 0
        for lead in leads:
            for _ in range(lead - done):
                x = step(x)
            done = lead
            errors.append(((x - truth[lead]) ** 2).mean(-1).sqrt())
    return torch.stack(errors)


def jacobian(step: Step, x: Tensor) -> Tensor:
    """Return the derivative of the step: [member, k of result, k of state]."""
    n_sites = x.shape[1]
    per_block = max(1, BLOCK // n_sites)
    blocks = []
    for part in torch.split(x, per_block):
        states = part.repeat_interleave(n_sites, 0)
        basis = torch.eye(n_sites, dtype=x.dtype).repeat(part.shape[0], 1)
        with torch.no_grad():
            columns = torch.func.jvp(step, (states,), (basis,))[1]
        blocks.append(columns.reshape(-1, n_sites, n_sites).transpose(1, 2))
    return torch.cat(blocks)


def jacobian_by_lead(step: Step, x: Tensor, leads: Sequence[int]) -> list[Tensor]:
    """Return the derivative of `lead` steps, each along the step's own trajectory."""
    product = torch.eye(x.shape[1], dtype=x.dtype).expand(x.shape[0], -1, -1)
    found, done = [], 0
    for lead in leads:
        for _ in range(lead - done):
            product = jacobian(step, x) @ product
            with torch.no_grad():
                x = step(x)
        done = lead
        found.append(product)
    return found


def lyapunov_exponent(
    step: Step, x: Tensor, *, dt: float, n_steps: int, n_settle: int
) -> Estimate:
    """Return the leading Lyapunov exponent [1/time] of the step, from members [member, k].

    Parameters
    ----------
    n_settle : int
        Steps over which the tangent vectors turn into the leading direction, not counted.
    """
    v = torch.randn(x.shape, generator=torch.Generator().manual_seed(0)).to(x.dtype)
    growth = torch.zeros(x.shape[0], dtype=torch.float64)
    with torch.no_grad():
        for i in range(n_settle + n_steps):
            pair = torch.func.jvp(step, (x,), (v,))
            x, v = pair[0], pair[1]
            norm = v.norm(dim=-1, keepdim=True)
            v = v / norm
            if i >= n_settle:
                growth += norm.squeeze(-1).double().log()
    return Estimate.of(growth / (n_steps * dt))
