# SPDX-License-Identifier: MIT
"""What a rollout is punished for."""

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from ..errors import ConfigurationError

LEADS: Final = ("all", "last")


@dataclass(frozen=True)
class RolloutLoss:
    """Mean squared error of a rollout [lead, member, k], in units of `scale` squared.

    Parameters
    ----------
    leads : str
        "all": the mean over all steps. "last": the last step only.
    growth : float
        Expected error growth per step; step n is weighted by growth^(-2 n), so that the
        late, chaotic steps do not drown the early ones. 1 weights all steps alike.
    scale : float or tuple of float
        Standard deviation that errors are measured in; a tuple has one for each of k.
    """

    leads: str = "all"
    growth: float = 1.0
    scale: float | tuple[float, ...] = 1.0

    def __post_init__(self) -> None:
        """Check the settings once.

        Raises
        ------
        ConfigurationError
            If a setting is unknown or not positive.
        """
        if self.leads not in LEADS:
            raise ConfigurationError(f"loss leads '{self.leads}', expected 'all' or 'last'")
        scales = self.scale if isinstance(self.scale, tuple) else (self.scale,)
        if self.growth <= 0 or min(scales, default=0.0) <= 0:
            raise ConfigurationError(
                f"loss growth {self.growth} and scale {self.scale}, expected both positive"
            )

    def __call__(self, predicted: Tensor, target: Tensor) -> Tensor:
        """Return the loss as a scalar tensor."""
        error = (predicted - target) / torch.as_tensor(
            self.scale, dtype=predicted.dtype, device=predicted.device
        )
        if self.leads == "last":
            return (error[-1] ** 2).mean()
        by_lead = (error**2).mean(dim=(1, 2))
        powers = torch.arange(by_lead.shape[0], dtype=error.dtype, device=error.device)
        weights = torch.as_tensor(self.growth, dtype=error.dtype) ** (-2.0 * powers)
        return (weights * by_lead).sum() / weights.sum()
