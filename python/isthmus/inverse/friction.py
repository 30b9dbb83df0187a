# SPDX-License-Identifier: MIT
"""The bottom friction of the shallow water model, by its tangent-linear and adjoint.

A state is [zeta, u, v] in one row. The parameters are drags, one of each region:
`drag(y, x) = p_r` where the region is r. What enters at the open boundary is known, so that
the first state may be too: after a run from rest friction is what is left to find.
"""

from collections.abc import Callable

import numpy as np

from isthmus.errors import BindingError, ConfigurationError
from isthmus.inverse.forward import Array
from isthmus.inverse.observations import Sites
from isthmus.inverse.parameter_window import Observed, Window
from isthmus.inverse.parametric import ParametricModel, Sensitivity
from isthmus.inverse.parametric_kinds import with_derivatives
from isthmus.models import (
    ShallowWater,
    ShallowWaterForcing,
    ShallowWaterGrid,
    ShallowWaterState,
)
from isthmus.models.shallow_water_grid import ELEVATION, LAND, WATER
from isthmus.nets.channel import BasinStep, SmallBasin

THETA = 0.55  # weight of the new time level
M2_PERIOD = 44714.16  # principal lunar tide [s] (12.4206 h)

Forcing = Callable[[int], ShallowWaterForcing]


class RegionalFriction(ParametricModel):
    """Drag coefficients of regions.

    Parameters
    ----------
    model
        Grid, depth, time step; its drag is not used.
    regions
        Number of each cell's region, from 0 `[y, x]`.
    forcing
        What acts in the i-th step.

    Raises
    ------
    BindingError
        If `regions` does not fit to the grid.
    """

    def __init__(self, model: ShallowWater, regions: np.ndarray, forcing: Forcing) -> None:
        if regions.shape != model.shape:
            raise BindingError(
                f"'regions' has shape {list(regions.shape)}, expected {list(model.shape)}"
            )
        n_regions = int(regions.max()) + 1
        self.model, self.forcing = model, forcing
        self.masks = (regions == np.arange(n_regions)[:, None, None]).astype(np.float64)
        self.names = tuple(f"drag_{r + 1}" for r in range(n_regions))
        self.n_state, self.dt = 3 * regions.size, model.dt

    def trajectory(self, x: Array, p: Array, n_steps: int) -> Array:
        """Return all states of a window `[time, k]`."""
        self._set(p)
        states = np.empty((n_steps + 1, self.n_state))
        states[0] = x
        state = self._state(x)
        for i in range(n_steps):
            self.model.step(state, forcing=self.forcing(i))
            states[i + 1] = _row(state)
        return states

    def sweep_tl(self, states: Array, p: Array, x_tl: Array, p_tl: Array) -> Array:
        """Return the changes along a trajectory `[time, column, k]`, by hand."""
        self._set(p)
        changes = np.empty((len(states), *x_tl.shape))
        changes[0] = x_tl
        drags = np.einsum("ci,iyx->cyx", p_tl, self.masks)
        for i, x in enumerate(states[:-1]):
            state, forcing = self._state(x), self.forcing(i)
            for column, drag_tl in enumerate(drags):
                _, change = self.model.step_tl(
                    state,
                    self._state(changes[i, column]),
                    drag_tl=drag_tl,
                    forcing=forcing,
                )
                changes[i + 1, column] = _row(change)
        return changes

    def sweep_ad(self, states: Array, p: Array, sensitivity: Array) -> Sensitivity:
        """Return the sensitivities to first state and drags, by the adjoint."""
        self._set(p)
        x_ad, p_ad = sensitivity[-1].copy(), np.zeros(len(self.names))
        for i in range(len(states) - 2, -1, -1):
            found = self.model.step_ad(
                self._state(states[i]), self._state(x_ad), forcing=self.forcing(i)
            )
            x_ad = _row(found.state) + sensitivity[i]
            p_ad += np.einsum("iyx,yx->i", self.masks, found.drag)
        return Sensitivity(x_ad, p_ad)

    def _set(self, p: Array) -> None:
        """Give the model its friction."""
        self.model.set_fields(drag=np.einsum("i,iyx->yx", p, self.masks))

    def _state(self, x: Array) -> ShallowWaterState:
        """Return a row as a state, a copy."""
        return ShallowWaterState(*x.reshape(3, *self.model.shape).copy())


class ChannelCase(Observed):
    """Friction of a tidal channel from noisy tide gauges, `kind = "shallow_water"`.

    The channel is closed in the east; the M2 tide enters in the west. The depth falls
    linearly. The water is at rest at first. Regions follow one another from west to east,
    and so do the gauges, which stand in the middle.

    Parameters
    ----------
    window
        Its `sd` is in metres; `every_site`: a gauge in every so many columns.
    n_x, n_y, dx, dt
        Cells, their size [m], time step [s].
    depth
        In the west and in the east [m].
    amplitude
        Of the tide [m].
    n_regions
        Of the drag.
    derivatives, network
        As for `with_derivatives`; a model file has the inputs state, drag_1, drag_2, ...
        and level, the tide in the west at the step's end [m].
    """

    covariance = None  # the first state is known

    def __init__(
        self,
        window: Window,
        *,
        n_x: int = 24,
        n_y: int = 3,
        dx: float = 5000.0,
        dt: float = 600.0,
        depth: tuple[float, float] = (20.0, 8.0),
        amplitude: float = 1.0,
        n_regions: int = 2,
        derivatives: str = "adjoint",
        network: str = "",
    ) -> None:
        if not 1 <= n_regions <= n_x:
            raise ConfigurationError(
                f"'model.n_regions' must be 1 to {n_x}, found {n_regions}"
            )
        self.window = window
        shape = n_y, n_x
        bottom = np.broadcast_to(np.linspace(*depth, n_x), shape).copy()
        cell = np.full(shape, WATER, np.int32)
        cell[:, 0] = ELEVATION
        grid = ShallowWaterGrid.plane(bottom, dx=dx, cell=cell)
        model = ShallowWater(
            grid,
            dt=dt,
            drag=0.0025,
            theta=THETA,
            tolerance=1e-10,
            solver="cg_incomplete",
        )
        regions = np.broadcast_to(np.arange(n_x) * n_regions // n_x, shape)

        def level(step: int) -> float:
            phase = 2.0 * np.pi * (step + 1) * dt / M2_PERIOD
            return float(amplitude * np.sin(phase))

        def tide(step: int) -> ShallowWaterForcing:
            return ShallowWaterForcing(open_zeta=(cell == ELEVATION) * level(step))

        truth = RegionalFriction(model, regions, tide)
        self.truth: ParametricModel = truth

        def torch_step() -> BasinStep:
            """Return the same step in PyTorch."""
            basin = SmallBasin(cell != LAND, cell == ELEVATION)
            return BasinStep(basin, bottom, truth.masks, dx=dx, dt=dt, theta=THETA)

        self.torch_step, self.level = torch_step, level
        self.model = with_derivatives(
            self.truth,
            derivatives,
            network,
            torch_step=torch_step,
            known=lambda step: {"level": level(step)},
            p_scale=0.0025,
            is_state_known=True,
        )
        gauges = n_y // 2 * n_x + np.arange(window.every_site, n_x, window.every_site)
        self.operator = Sites(self.truth.n_state, gauges.tolist())
        self.variance = np.full(gauges.size, window.sd**2)

    def start(self, p: Array, rng: np.random.Generator) -> Array:
        """Return the state of rest."""
        return np.zeros(self.truth.n_state)


def _row(state: ShallowWaterState) -> Array:
    """Return a state, or a change, in one row."""
    return np.concatenate([part.ravel() for part in state])
