# SPDX-License-Identifier: MIT
"""A surge along the coast of the North Sea: real land and relief, cells as squares.

Relief and land of example 07, every second cell in longitude, taken as squares of 10 km,
all edges closed, depth between 5 and 100 m (a gravity wave crosses up to 4.7 cells in
1500 s). At the start the sea stands half a metre high in a round hump off the Humber.
"""

from pathlib import Path

import basins
import netCDF4
import numpy as np
import torch
from torch import Tensor

from isthmus.models import ShallowWater, ShallowWaterGrid, ShallowWaterState

BATHYMETRY = Path(__file__).parent.parent / "07_north_sea" / "bathymetry.nc"
SHALLOWEST, DEEPEST, LAND = 5.0, 100.0, -1.0  # [m]
HUMP, WIDTH, PLACE = 0.5, 6.0, (54.5, 1.5)  # [m]; [cells]; latitude, longitude


def coast() -> tuple[np.ndarray, np.ndarray]:
    """Return the depth [m] [y, x], negative on land, and the hump [m]."""
    with netCDF4.Dataset(BATHYMETRY) as file:
        relief, land, lat, lon = (
            np.asarray(file[name][:], float)
            for name in ("relief", "land_fraction", "lat", "lon")
        )
    relief, land, lon = relief[:, ::2], land[:, ::2], lon[::2]
    is_wet = (relief < 0.0) & (land < 50.0)
    depth = np.where(is_wet, np.clip(-relief, SHALLOWEST, DEEPEST), LAND)
    row, column = (
        np.abs(axis - at).argmin() for axis, at in zip((lat, lon), PLACE, strict=True)
    )
    y, x = np.indices(depth.shape)
    hump = HUMP * np.exp(-((y - row) ** 2 + (x - column) ** 2) / (2.0 * WIDTH**2))
    return depth, np.where(is_wet, hump, 0.0)


def forecast(dt: float, n_steps: int) -> tuple[Tensor, Tensor]:
    """Return scaled states [time, 1, field, y, x] of the model and the depth [1, y, x]."""
    depth, hump = coast()
    model = ShallowWater(
        ShallowWaterGrid.plane(depth, dx=basins.CELL),
        dt=dt,
        theta=0.5,
        drag=basins.DRAG,
        viscosity=basins.VISCOSITY,
        no_slip=True,
        tolerance=basins.SOLVED_TO,
    )
    scales = basins.scales_of(depth)
    safe = np.where(scales > 0.0, scales, 1.0)
    state = ShallowWaterState(hump, np.zeros_like(hump), np.zeros_like(hump))
    states = [np.stack(state) / safe]
    for _ in range(n_steps):
        model.step(state)
        states.append(np.stack(state) / safe)
    return torch.from_numpy(np.stack(states)[:, None]), torch.from_numpy(depth[None])
