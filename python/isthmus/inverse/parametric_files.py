# SPDX-License-Identifier: MIT
"""Write a conditional step as a model file that `isthmus tune` takes."""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from isthmus.export import export_network
from isthmus.export.exporter import ExportReport
from isthmus.inverse.networks import precision_of


def write_step(
    step: nn.Module,
    path: Path,
    state: Tensor,
    ranges: Mapping[str, tuple[float, float]],
    *,
    dt: float,
    tolerance: float | None = None,
) -> ExportReport:
    """Write a step (state, parameters, known inputs) with its derivatives.

    Parameters
    ----------
    step
        With the arguments that `parametric_networks` tells.
    path
        Ends in `.pt` or `.pt2`.
    state
        An example `[member, k]` of two members at least; the file is compared with PyTorch
        on random numbers of its mean and deviation, or within the range of `x`.
    ranges
        Lowest and highest value of each parameter, then of each known input, by name, that
        the step was trained on; of the state's values as `x`, if they are alike.
    dt
        Time step.
    tolerance
        As for `export_network`.

    Raises
    ------
    ExportError
        If the step cannot be exported, or the file differs from it.
    """
    dtype, n = precision_of(step), len(state)
    beside = {
        name: torch.full((n,), 0.5 * (low + high), dtype=dtype)
        for name, (low, high) in ranges.items()
        if name != "x"
    }
    return export_network(
        step.eval(),
        path,
        inputs={"x": state.to(dtype), **beside},
        outputs=["x_next"],
        dynamic={"member": 0},
        separable="member",
        dims={
            "x": ("member", "k"),
            **dict.fromkeys(beside, ("member",)),
            "x_next": ("member", "k"),
        },
        training_range=dict(ranges),
        dt=dt,
        tolerance=tolerance,
    )
