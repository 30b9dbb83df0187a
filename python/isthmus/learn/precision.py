# SPDX-License-Identifier: MIT
"""A model's weights in another precision, complex ones too."""

from itertools import chain
from typing import TypeVar

import torch
from torch import nn

COMPLEX = {torch.float32: torch.complex64, torch.float64: torch.complex128}
Model = TypeVar("Model", bound=nn.Module)


def in_precision(model: Model, dtype: torch.dtype) -> Model:
    """Return the model, its weights and buffers cast in place.

    `Module.to` casts complex weights to real ones and loses their imaginary parts.
    """
    for tensor in chain(model.parameters(), model.buffers()):
        if tensor.is_complex():
            tensor.data = tensor.data.to(COMPLEX[dtype])
        elif tensor.is_floating_point():
            tensor.data = tensor.data.to(dtype)
    return model
