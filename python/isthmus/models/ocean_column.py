# SPDX-License-Identifier: MIT
"""The upper ocean in columns, mixed by wind, heat and shear."""

from dataclasses import dataclass
from typing import ClassVar

from isthmus.models.columns import ColumnModel


@dataclass(frozen=True)
class OceanColumn(ColumnModel):
    """Temperature and currents with Pacanowski and Philander's diffusivities.

    A state is T [degC], u, v [m s-1] of all levels from the surface down, then q [W m-2]
    and tau_x, tau_y [N m-2] of the step. Fluxes are those of T [K m s-1], u, v [m2 s-2]
    through the faces between levels, downward positive.

    Examples
    --------
    >>> ocean = OceanColumn(levels=10)
    >>> state = ocean.force(ocean.initial_state(3), t=43200.0, dt=600.0)
    >>> heat = state[:, :10].sum(axis=1) + 600 / 10.0 * state[:, 30] / (1025.0 * 3990.0)
    >>> state = ocean.apply(state, ocean.fluxes(state, 600.0), 600.0)
    >>> bool(abs(state[:, :10].sum(axis=1) - heat).max() < 1e-11)
    True
    """

    module: ClassVar[str] = "ocean_column"

    levels: int = 20
    bottom: float = 100.0  # [m]
    substeps: int = 10  # of a step, implicit
    coriolis: float = 1e-4  # [s-1]
    convective: float = 0.05  # diffusivity of unstable water [m2 s-1]
    weather: int = 1  # which weather is drawn
