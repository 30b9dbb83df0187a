# SPDX-License-Identifier: MIT
"""The Fortran reference models in Python: the caller's arrays, no copies, with derivatives.

Arrays are `[member, k]`, or `[y, x]`, float64 and C-contiguous: the same memory as
Fortran's `x(k, member)`, or `zeta(x, y)`. `step` and `advance` change the state in place.
"""

from isthmus.models._fortran import set_threads
from isthmus.models.chemistry import (
    AdjointIntegration,
    Integration,
    Mechanism,
    TangentIntegration,
    find_mechanism,
    flag_text,
)
from isthmus.models.columns import ColumnModel
from isthmus.models.lorenz96 import Lorenz96
from isthmus.models.lyapunov import LyapunovExponent, lyapunov_exponent
from isthmus.models.ocean_column import OceanColumn
from isthmus.models.rain_bulk import RainBulk
from isthmus.models.shallow_water import (
    ShallowWater,
    ShallowWaterAdjoint,
    ShallowWaterForcing,
    ShallowWaterState,
)
from isthmus.models.shallow_water_grid import ShallowWaterGrid
from isthmus.models.two_level import TwoLevelLorenz96

__all__ = [
    "AdjointIntegration",
    "ColumnModel",
    "Integration",
    "Lorenz96",
    "LyapunovExponent",
    "Mechanism",
    "OceanColumn",
    "RainBulk",
    "ShallowWater",
    "ShallowWaterAdjoint",
    "ShallowWaterForcing",
    "ShallowWaterGrid",
    "ShallowWaterState",
    "TangentIntegration",
    "TwoLevelLorenz96",
    "find_mechanism",
    "flag_text",
    "lyapunov_exponent",
    "set_threads",
]
