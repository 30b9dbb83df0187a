# SPDX-License-Identifier: MIT
"""The semi-implicit shallow water model, with its tangent-linear and adjoint."""

import weakref
from dataclasses import dataclass, fields
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from isthmus.errors import BindingError, ConfigurationError, ModelRunError
from isthmus.models._fortran import (
    FloatArray,
    as_fortran,
    check_count,
    choose,
    fortran_shallow_water,
)
from isthmus.models.shallow_water_grid import ShallowWaterGrid

FACE_DEPTHS = {"linear": 1, "backhaus": 2, "upwind": 3}
DRAG_LAWS = {"none": 0, "quadratic": 1, "manning": 2}
ADVECTIONS = {"none": 0, "upwind": 1, "limited": 2}
WETTINGS = {"static": 1, "newton": 2}
SOLVERS = {"sor": 1, "cg": 2, "cg_incomplete": 3, "cg_multigrid": 4}


class ShallowWaterState(NamedTuple):
    """A state, a change of it, or the sensitivity to it; all `[y, x]`.

    Attributes
    ----------
    zeta
        Surface elevation at centres [m].
    u, v
        Transports at east and at north faces [m2 s-1].
    """

    zeta: FloatArray
    u: FloatArray
    v: FloatArray

    def copy(self) -> "ShallowWaterState":
        """Return a contiguous copy."""
        return ShallowWaterState(*(np.array(part, order="C") for part in self))


@dataclass(frozen=True)
class ShallowWaterForcing:
    """What acts from outside during a step, all `[y, x]`; None does not act.

    Attributes
    ----------
    stress_u, stress_v
        Wind stress over density at east and at north faces [m2 s-2].
    head
        Air pressure over density and gravity less the equilibrium tide, at centres [m].
    open_zeta
        Elevation at the new level where it is prescribed, and outside radiating faces [m].
    open_u, open_v
        Transport at the new level on boundary faces [m2 s-1].
    """

    stress_u: FloatArray | None = None
    stress_v: FloatArray | None = None
    head: FloatArray | None = None
    open_zeta: FloatArray | None = None
    open_u: FloatArray | None = None
    open_v: FloatArray | None = None


FORCING_NAMES = tuple(field.name for field in fields(ShallowWaterForcing))


class ShallowWaterAdjoint(NamedTuple):
    """Sensitivities to the start of some steps and to what they depend on.

    Attributes
    ----------
    state
        To the state.
    depth, drag
        To the undisturbed depth and the drag coefficient at centres `[y, x]`.
    linear_drag
        To the linear drag.
    forcing
        To all six forcings, whether they act or not.
    """

    state: ShallowWaterState
    depth: FloatArray
    drag: FloatArray
    linear_drag: float
    forcing: ShallowWaterForcing


class StepReport(NamedTuple):
    """How some steps went.

    Attributes
    ----------
    n_iterations
        Of the elliptic solver, in all steps.
    residual
        Largest that it left [m].
    solver_error
        Largest difference of the surface from the solver's [m].
    """

    n_iterations: int
    residual: float
    solver_error: float


class ShallowWater:
    """Backhaus' semi-implicit shallow water model on an Arakawa C grid.

    Parameters
    ----------
    grid
        Metric, depth, cells.
    dt
        Time step [s].
    drag
        Drag coefficient [1], or Manning's n [m-1/3 s]: a number or `[y, x]`.
    drag_law
        `"quadratic"`, `"manning"` or `"none"`.
    linear_drag
        Added to it [s-1].
    theta
        Weight of the new time level, 0.5 to 1.
    face_depth
        `"backhaus"`: mean of depth and elevation; `"linear"`: of the depth alone;
        `"upwind"`: for wetting and drying.
    advection
        `"none"`, `"upwind"` or `"limited"`.
    wetting
        `"static"`: faces close, cells do not dry; `"newton"`: cells dry to zero, with
        `face_depth="upwind"`.
    viscosity, no_slip
        Horizontal eddy viscosity [m2 s-1], and whether the coast holds the flow.
    gravity, min_depth, thin_depth
        [m s-2]; depth that closes a face [m]; depth of layers without advection [m].
    solver, tolerance, max_iterations
        `"cg_multigrid"`, `"cg_incomplete"`, `"cg"` or `"sor"`; largest residual [m].
    derivative_tolerance
        Of the linear solves of tangent-linear and adjoint, relative.

    Raises
    ------
    ConfigurationError
        If a parameter makes no sense.
    BindingError
        If an array has a wrong shape.

    Examples
    --------
    >>> model = ShallowWater(ShallowWaterGrid.plane(np.full((3, 8), 20.0), dx=1e3), dt=60.0)
    >>> state = model.state_at_rest()
    >>> state.zeta[:, 0] = 1.0
    >>> report = model.step(state, n_steps=5)
    >>> round(float(state.zeta.mean()), 12)
    0.125
    """

    def __init__(
        self,
        grid: ShallowWaterGrid,
        *,
        dt: float,
        drag: float | FloatArray = 0.0,
        drag_law: str = "quadratic",
        linear_drag: float = 0.0,
        theta: float = 0.55,
        face_depth: str = "backhaus",
        advection: str = "none",
        wetting: str = "static",
        viscosity: float = 0.0,
        no_slip: bool = False,
        gravity: float = 9.81,
        min_depth: float = 1.0e-5,
        thin_depth: float = 0.0,
        solver: str = "cg_multigrid",
        tolerance: float = 1.0e-5,
        max_iterations: int = 10000,
        derivative_tolerance: float = 1.0e-13,
    ) -> None:
        """Make the model in Fortran."""
        positive = {
            "dt": dt,
            "gravity": gravity,
            "min_depth": min_depth,
            "tolerance": tolerance,
            "max_iterations": max_iterations,
            "derivative_tolerance": derivative_tolerance,
        }
        for name, value in positive.items():
            if not (np.isfinite(value) and value > 0):
                raise ConfigurationError(f"'{name}' must be positive, found {value}")
        for name, value in (("viscosity", viscosity), ("thin_depth", thin_depth)):
            if not (np.isfinite(value) and value >= 0):
                raise ConfigurationError(f"'{name}' must not be negative, found {value}")
        if not 0.5 <= theta <= 1.0:
            raise ConfigurationError(f"'theta' must be 0.5 to 1, found {theta}")
        if wetting == "newton" and face_depth != "upwind":
            raise ConfigurationError(
                f"'wetting' newton needs 'face_depth' upwind, found {face_depth!r}"
            )
        numbers = np.array(
            [
                dt,
                theta,
                gravity,
                linear_drag,
                viscosity,
                min_depth,
                thin_depth,
                tolerance,
                derivative_tolerance,
            ]
        )
        options = np.array(
            [
                choose("face_depth", face_depth, FACE_DEPTHS),
                choose("drag_law", drag_law, DRAG_LAWS),
                choose("advection", advection, ADVECTIONS),
                no_slip,
                *grid.periodic,
                choose("solver", solver, SOLVERS),
                max_iterations,
                choose("wetting", wetting, WETTINGS),
            ],
            np.intc,
        )
        self.grid = grid
        self.shape = grid.depth.shape
        self.dt = dt
        self._handle = _create(grid, numbers, options)
        weakref.finalize(self, fortran_shallow_water.destroy, self._handle)
        self._depth = grid.depth.copy()
        self._drag = np.zeros(self.shape)
        self._linear_drag = linear_drag
        self.set_fields(drag=drag)

    @property
    def depth(self) -> FloatArray:
        """A copy of the undisturbed depth [m] `[y, x]`."""
        return self._depth.copy()

    @property
    def drag(self) -> FloatArray:
        """A copy of the drag coefficient `[y, x]`."""
        return self._drag.copy()

    @property
    def linear_drag(self) -> float:
        """The linear drag [s-1]."""
        return self._linear_drag

    def set_fields(
        self,
        *,
        depth: FloatArray | None = None,
        drag: float | FloatArray | None = None,
        linear_drag: float | None = None,
    ) -> None:
        """Change what the flow feels; land stays land.

        Raises
        ------
        BindingError
            If an array has a wrong shape or is not finite.
        ConfigurationError
            If a drag is negative.
        """
        new_depth = self._depth if depth is None else depth
        given_drag = self._drag if drag is None else drag
        new_drag = (
            given_drag
            if isinstance(given_drag, np.ndarray) and given_drag.ndim > 0
            else np.full(self.shape, float(given_drag))
        )
        new_linear = self._linear_drag if linear_drag is None else float(linear_drag)
        for name, field in (("depth", new_depth), ("drag", new_drag)):
            as_fortran(name, field, self.shape)
            if not np.isfinite(field).all():
                raise BindingError(f"'{name}' is not finite everywhere")
        if np.min(new_drag) < 0.0 or not new_linear >= 0.0:
            raise ConfigurationError("'drag' and 'linear_drag' must not be negative")
        self._depth, self._drag = np.array(new_depth), np.array(new_drag)
        self._linear_drag = new_linear
        fortran_shallow_water.set_fields(
            self._handle, self._depth.T, self._drag.T, self._linear_drag
        )

    def state_at_rest(self) -> ShallowWaterState:
        """Return a state without elevation and motion."""
        return ShallowWaterState(*(np.zeros(self.shape) for _ in range(3)))

    def step(
        self,
        state: ShallowWaterState,
        *,
        forcing: ShallowWaterForcing | None = None,
        n_steps: int = 1,
    ) -> StepReport:
        """Advance a state in place.

        Parameters
        ----------
        state
            Changed.
        forcing
            Held through all steps.
        n_steps
            How many.

        Raises
        ------
        BindingError
            If an array is not what the model needs.
        ModelRunError
            If the elliptic solver did not converge; the state is that of the bad step.
        """
        parts = self._state("", state, writable=True)
        fields, places = self._forcing(forcing)
        report = np.zeros(4)
        fortran_shallow_water.step(
            self._handle, check_count("n_steps", n_steps), *parts, fields, places, report
        )
        if report[0] < n_steps:
            raise ModelRunError(
                f"step {int(report[0]) + 1}: the elliptic solver left a residual of "
                f"{report[2]:.2e} m; the state may have diverged: reduce 'dt', or raise "
                "'max_iterations'"
            )
        return StepReport(int(report[1]), float(report[2]), float(report[3]))

    def step_tl(
        self,
        state: ShallowWaterState,
        state_tl: ShallowWaterState,
        *,
        depth_tl: FloatArray | None = None,
        drag_tl: FloatArray | None = None,
        linear_drag_tl: float = 0.0,
        forcing: ShallowWaterForcing | None = None,
        forcing_tl: ShallowWaterForcing | None = None,
        n_steps: int = 1,
    ) -> tuple[ShallowWaterState, ShallowWaterState]:
        """Return the state and its change after some steps; the arguments stay as they are.

        Parameters
        ----------
        state, state_tl
            At the start, and its change.
        depth_tl, drag_tl, linear_drag_tl, forcing_tl
            Changes of what the steps depend on; None is zero.
        forcing, n_steps
            As for `step`.
        """
        self._state("", state)
        self._state("_tl", state_tl)
        state, state_tl = state.copy(), state_tl.copy()
        fields, places = self._forcing(forcing)
        report = np.zeros(3)
        fortran_shallow_water.step_tl(
            self._handle,
            check_count("n_steps", n_steps),
            *(part.T for part in state),
            fields,
            places,
            *(part.T for part in state_tl),
            self._filled("depth_tl", depth_tl),
            self._filled("drag_tl", drag_tl),
            linear_drag_tl,
            self._all_forcings(forcing_tl),
            report,
        )
        _refuse_failure("tangent-linear", report)
        return state, state_tl

    def step_ad(
        self,
        state: ShallowWaterState,
        state_ad: ShallowWaterState,
        *,
        forcing: ShallowWaterForcing | None = None,
        n_steps: int = 1,
    ) -> ShallowWaterAdjoint:
        """Return the sensitivities to the start of some steps, given those to their end.

        Parameters
        ----------
        state
            At the start.
        state_ad
            Sensitivity to the state at the end.
        forcing, n_steps
            As for `step`. About `2 sqrt(n_steps)` states are kept, and the steps are made
            three times: for these, between these, and by the adjoint itself.
        """
        parts = self._state("", state)
        self._state("_ad", state_ad)
        state_ad = state_ad.copy()
        fields, places = self._forcing(forcing)
        depth_ad, drag_ad = np.zeros(self.shape), np.zeros(self.shape)
        linear_drag_ad, report = np.zeros(1), np.zeros(3)
        forcing_ad = np.zeros((len(FORCING_NAMES), *self.shape))
        fortran_shallow_water.step_ad(
            self._handle,
            check_count("n_steps", n_steps),
            *parts,
            fields,
            places,
            *(part.T for part in state_ad),
            depth_ad.T,
            drag_ad.T,
            linear_drag_ad,
            forcing_ad.T,
            report,
        )
        _refuse_failure("adjoint", report)
        return ShallowWaterAdjoint(
            state_ad,
            depth_ad,
            drag_ad,
            float(linear_drag_ad[0]),
            ShallowWaterForcing(*forcing_ad),
        )

    def _state(
        self, suffix: str, state: ShallowWaterState, *, writable: bool = False
    ) -> list[FloatArray]:
        """Return the Fortran reading of the parts of a state."""
        names = (name + suffix for name in ShallowWaterState._fields)
        return [
            as_fortran(name, part, self.shape, writable=writable)
            for name, part in zip(names, state, strict=True)
        ]

    def _forcing(
        self, forcing: ShallowWaterForcing | None
    ) -> tuple[FloatArray, npt.NDArray[np.intc]]:
        """Return the forcings that act, stacked, and the place of each of the six."""
        places = np.zeros(len(FORCING_NAMES), np.intc)
        acting = []
        for k, name in enumerate(FORCING_NAMES):
            field = None if forcing is None else getattr(forcing, name)
            if field is not None:
                as_fortran(name, field, self.shape)
                acting.append(field)
                places[k] = len(acting)
        stack = np.stack(acting) if acting else np.zeros((1, *self.shape))
        return stack.T, places

    def _all_forcings(self, forcing: ShallowWaterForcing | None) -> FloatArray:
        """Return all six changes of the forcing, zero where there is none."""
        forcing = ShallowWaterForcing() if forcing is None else forcing
        parts = [
            self._filled(f"{name}_tl", getattr(forcing, name)).T for name in FORCING_NAMES
        ]
        return np.stack(parts).T

    def _filled(self, name: str, field: FloatArray | None) -> FloatArray:
        """Return the Fortran reading of a field, zeros if there is none."""
        return as_fortran(
            name, np.zeros(self.shape) if field is None else field, self.shape
        )


def _create(
    grid: ShallowWaterGrid, numbers: FloatArray, options: npt.NDArray[np.intc]
) -> int:
    """Make the model in Fortran and return its number."""
    handle = np.zeros(1, np.intc)
    fortran_shallow_water.create(
        grid.cell.T, grid.depth.T, grid.metric.T, grid.dy, numbers, options, handle
    )
    return int(handle[0])


def _refuse_failure(name: str, report: FloatArray) -> None:
    """Raise what the Fortran derivative reported."""
    if report[0] == 1:
        raise ModelRunError(
            f"the {name} is not defined where 'wetting' let a cell fall dry or drained it: "
            "use 'static', or keep the water deeper"
        )
    if report[0] != 0:
        raise ModelRunError(
            f"the {name}'s linear solve left a relative residual of {report[2]:.2e} after "
            f"{int(report[1])} iterations: raise 'max_iterations' or 'derivative_tolerance'"
        )
