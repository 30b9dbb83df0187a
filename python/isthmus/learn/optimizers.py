# SPDX-License-Identifier: MIT
"""The optimizers of a training, by name."""

import torch
from torch import nn

from .settings import FitSettings


def build_optimizer(
    parameters: list[nn.Parameter], settings: FitSettings
) -> torch.optim.Optimizer:
    """Build the optimizer by name.

    SOAP is Adam in the eigenbasis of Shampoo's preconditioner (Vyas et al. 2024,
    arXiv:2409.11321): directions in which inputs of a layer vary together are told apart
    from those in which they hardly vary, which a fit to a few digits needs.
    """
    rate, decay = settings.learning_rate, settings.weight_decay
    if settings.optimizer == "adam":
        return torch.optim.Adam(parameters, lr=rate, weight_decay=decay)
    if settings.optimizer == "adamw":
        return torch.optim.AdamW(parameters, lr=rate, weight_decay=decay)
    if settings.optimizer == "soap":
        from pytorch_optimizer import SOAP  # takes seconds to import

        return SOAP(parameters, lr=rate, weight_decay=decay)
    return torch.optim.LBFGS(
        parameters,
        lr=rate,
        max_iter=20,
        history_size=50,
        tolerance_grad=0.0,
        tolerance_change=0.0,
        line_search_fn="strong_wolfe",
    )
