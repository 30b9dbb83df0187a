# SPDX-License-Identifier: MIT
"""The C grid of the shallow water model: metric, depth, land, open boundaries, rotation."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from isthmus.errors import BindingError, ConfigurationError
from isthmus.models._fortran import FloatArray

HALO = 2  # rows of the metric beyond the grid, on each side
EARTH_RADIUS = 6371000.0  # [m]
EARTH_ROTATION = 7.292e-5  # [s-1]

LAND, WATER, ELEVATION, RADIATING, TRANSPORT = range(5)
"""Kinds of cells: land; water; water whose elevation is prescribed; outside, radiating
(Flather); outside, with a prescribed transport on the faces to the water."""


@dataclass(frozen=True)
class ShallowWaterGrid:
    """A C grid: zeta at centres, u at east, v at north faces, rows of their own width.

    Use `plane` or `sphere` to make one.

    Attributes
    ----------
    depth
        Undisturbed depth, positive down [m] `[y, x]`.
    cell
        Kinds of the cells: `LAND`, `WATER`, `ELEVATION`, `RADIATING`, `TRANSPORT` `[y, x]`.
    metric
        Width of the rows and of their north faces [m], Coriolis parameter at east and at
        north faces [s-1] `[4, y + 4]`, with two rows beyond the grid on each side.
    dy
        Height of all cells [m].
    periodic
        Whether the grid closes on itself in x and in y.
    """

    depth: FloatArray
    cell: npt.NDArray[np.int32]
    metric: FloatArray
    dy: float
    periodic: tuple[bool, bool] = (False, False)

    def __post_init__(self) -> None:
        """Check that the parts fit together.

        Raises
        ------
        BindingError
            If an array has a wrong shape or values that make no sense.
        ConfigurationError
            If `dy` is not positive.
        """
        if self.depth.ndim != 2 or self.depth.size == 0:
            found = list(self.depth.shape)
            raise BindingError(f"'depth' has shape {found}, expected [y, x]")
        shape = self.depth.shape
        if min(shape) < HALO:
            raise BindingError(f"'depth' has shape {list(shape)}, expected at least [2, 2]")
        if self.cell.shape != shape:
            found = list(self.cell.shape)
            raise BindingError(
                f"'cell' has shape {found}, expected {list(shape)} of 'depth'"
            )
        if not np.isin(self.cell, range(5)).all():
            raise BindingError("'cell' has kinds beyond 0 (land) to 4 (transport)")
        if not np.isfinite(self.depth[self.cell != LAND]).all():
            raise BindingError("'depth' is not finite in cells that are not land")
        rows = (4, shape[0] + 2 * HALO)
        if self.metric.shape != rows or not np.isfinite(self.metric).all():
            found = list(self.metric.shape)
            raise BindingError(f"'metric' has shape {found}, expected finite {list(rows)}")
        if not (self.metric[:2] > 0.0).all():
            raise BindingError("'metric' has widths that are not positive")
        if not (np.isfinite(self.dy) and self.dy > 0.0):
            raise ConfigurationError(f"'dy' must be positive, found {self.dy}")

    @classmethod
    def plane(
        cls,
        depth: FloatArray,
        *,
        dx: float,
        dy: float | None = None,
        f: float = 0.0,
        beta: float = 0.0,
        cell: npt.ArrayLike | None = None,
        periodic: tuple[bool, bool] = (False, False),
    ) -> Self:
        """Return a plane grid.

        Parameters
        ----------
        depth
            Undisturbed depth [m] `[y, x]`.
        dx, dy
            Cell size [m]; `dy` is `dx` if not given.
        f, beta
            Coriolis parameter in the middle of the grid [s-1], and its northward
            derivative [m-1 s-1].
        cell
            Kinds of the cells; water where the depth is positive if not given.
        periodic
            Whether the grid closes on itself in x and in y.
        """
        dy = dx if dy is None else dy
        n_rows = np.shape(depth)[0]
        north = (np.arange(1 - HALO, n_rows + HALO + 1) - n_rows / 2) * dy
        metric = np.stack(
            [
                np.full_like(north, dx),
                np.full_like(north, dx),
                f + beta * (north - dy / 2),
                f + beta * north,
            ]
        )
        return cls._with_cells(depth, cell, metric, dy, periodic)

    @classmethod
    def sphere(
        cls,
        depth: FloatArray,
        *,
        longitudes: FloatArray,
        latitudes: FloatArray,
        cell: npt.ArrayLike | None = None,
        periodic_x: bool = False,
    ) -> Self:
        """Return a grid on the sphere from evenly spaced centres [degrees]."""
        step_x = _even_step("longitudes", longitudes, np.shape(depth)[1])
        step_y = _even_step("latitudes", latitudes, np.shape(depth)[0])
        centres = latitudes[0] + step_y * np.arange(-HALO, len(latitudes) + HALO)
        north = np.deg2rad(centres + step_y / 2)
        centres = np.deg2rad(centres)
        dx = EARTH_RADIUS * np.deg2rad(step_x)
        metric = np.stack(
            [
                dx * np.cos(centres),
                dx * np.cos(north),
                2 * EARTH_ROTATION * np.sin(centres),
                2 * EARTH_ROTATION * np.sin(north),
            ]
        )
        dy = EARTH_RADIUS * float(np.deg2rad(step_y))
        return cls._with_cells(depth, cell, metric, dy, (periodic_x, False))

    @classmethod
    def _with_cells(
        cls,
        depth: FloatArray,
        cell: npt.ArrayLike | None,
        metric: FloatArray,
        dy: float,
        periodic: tuple[bool, bool],
    ) -> Self:
        """Return a grid with kinds of cells from the depth if they are not given."""
        depth = np.array(depth, np.float64)
        kinds = np.where(depth > 0.0, WATER, LAND) if cell is None else np.asarray(cell)
        if kinds.shape == depth.shape:
            depth[(kinds == LAND) & ~np.isfinite(depth)] = 0.0
        return cls(depth, np.ascontiguousarray(kinds, np.intc), metric, dy, periodic)


def _even_step(name: str, values: FloatArray, n_wanted: int) -> float:
    """Return the step of evenly spaced rising values.

    Raises
    ------
    BindingError
        If they are not, or are not as many as the depth needs.
    """
    values = np.asarray(values)
    if values.shape != (n_wanted,):
        raise BindingError(
            f"'{name}' has shape {list(values.shape)}, expected [{n_wanted}] of 'depth'"
        )
    steps = np.diff(values)
    if not (steps > 0.0).all() or np.ptp(steps) > 1e-3 * steps.mean():
        raise BindingError(f"'{name}' must rise in even steps")
    return float((values[-1] - values[0]) / (n_wanted - 1))
