# SPDX-License-Identifier: MIT
"""A model file for the tests of derivatives: the exact step of one-level Lorenz-96."""

from pathlib import Path

import torch

from isthmus.export import export_network
from isthmus.nets import Lorenz96Tendency, Rk4Step


def export_exact_step(path: Path, n_sites: int, dt: float) -> str:
    """Export the step of F = 8 in double precision; return the file's name."""
    export_network(
        Rk4Step(Lorenz96Tendency(8.0), dt).double().eval(),
        path,
        inputs={"x": torch.zeros(2, n_sites, dtype=torch.float64)},
        outputs=["x_next"],
        dynamic={"member": 0},
        dims={"x": ("member", "k"), "x_next": ("member", "k")},
        dt=dt,
    )
    return str(path)
