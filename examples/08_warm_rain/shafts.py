# SPDX-License-Identifier: MIT
"""Read what `isthmus-rain-shaft` wrote, with the namelist that says what drove it."""

from pathlib import Path

import f90nml
import torch
from torch import Tensor

from isthmus.learn.rain_column import RainShafts, open_shafts
from isthmus.nets.rain_column import ShaftGeometry


def driven(namelist: Path) -> tuple[dict[str, Tensor], Path]:
    """Return updraft, mean radius and shape [column] of a namelist, and its output."""
    groups = f90nml.read(namelist)
    shaft, clouds = groups["shaft"], groups["clouds"]
    n = shaft["columns"]

    def in_turn(name: str) -> Tensor:
        values = clouds[name]
        values = values if isinstance(values, list) else [values]
        return torch.tensor([values[i % len(values)] for i in range(n)]).double()

    column = {
        "strongest": torch.linspace(
            shaft["updraft_min"], shaft["updraft_max"], n, dtype=torch.float64
        ),
        "mean_radius": in_turn("mean_radius"),
        "shape": in_turn("shape"),
    }
    return column, namelist.parent / groups["files"]["output"]


def open_driven(namelist: Path, path: Path | None = None) -> RainShafts:
    """Read the file of a namelist, or another of the same columns."""
    column, output = driven(namelist)
    groups = f90nml.read(namelist)
    shaft = groups["shaft"]
    geometry = ShaftGeometry(
        levels=shaft["levels"],
        dz=shaft["dz"],
        cloud_base=shaft["cloud_base"],
        updraft_every=shaft["updraft_every"],
        updraft_time=shaft["updraft_time"],
        fastest=shaft["updraft_max"],
        dt=groups["integration"]["output_every"],
    )
    return open_shafts(path or output, geometry, **column)
