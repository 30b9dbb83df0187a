# SPDX-License-Identifier: MIT
"""One-level Lorenz-96 over a window of Runge-Kutta steps: one call of Fortran per sweep.

Trajectories are `[time, member, k]`, the first state included.
"""

import numpy as np

from isthmus.errors import BindingError
from isthmus.models._fortran import (
    FloatArray,
    as_fortran,
    check_steps,
    ffi,
    fortran_by_c,
    fortran_inverse,
    fortran_windows,
    per_member,
)
from isthmus.models.lorenz96 import MIN_SITES


def trajectory(x: FloatArray, *, forcing: float, dt: float, n_steps: int) -> FloatArray:
    """Return all states of a window `[time, member, k]`, from the first `[member, k]`.

    Raises
    ------
    BindingError
        If an array is not what the model needs.
    """
    check_steps(dt, n_steps)
    as_fortran("x", x, (None, None))
    _check_ring("x", x)
    states = np.empty((n_steps + 1, *x.shape))
    states[0] = x
    fortran_windows.trajectory(states.T, forcing, dt)
    return states


def sweep_tl(
    states: FloatArray,
    x_tl: FloatArray,
    *,
    forcing: float,
    dt: float,
    forcing_tl: float | FloatArray = 0.0,
) -> FloatArray:
    """Return the changes along a trajectory `[time, member, k]`, from the first one.

    Parameters
    ----------
    states
        Trajectory `[time, member, k]`.
    x_tl
        Change of the first state `[member, k]`.
    forcing, dt
        F and the time step.
    forcing_tl
        Change of F, a number or `[member]`.
    """
    given = as_fortran("trajectory", states, (None, None, None))
    _check_ring("trajectory", states)
    as_fortran("x_tl", x_tl, states.shape[1:])
    changes = np.empty_like(states)
    changes[0] = x_tl
    spread = per_member("forcing_tl", forcing_tl, states.shape[1:2])
    fortran_windows.sweep_tl(given, changes.T, forcing, dt, spread)
    return changes


def sweep_ad(
    states: FloatArray, sensitivity: FloatArray, *, forcing: float, dt: float
) -> tuple[FloatArray, FloatArray]:
    """Return the sensitivities to the first state `[member, k]` and to F `[member]`.

    Parameters
    ----------
    states
        Trajectory `[time, member, k]`.
    sensitivity
        To the state at each time, of the same shape.
    forcing, dt
        F and the time step.
    """
    given = as_fortran("trajectory", states, (None, None, None))
    _check_ring("trajectory", states)
    sensitivities = as_fortran("sensitivity", sensitivity, states.shape)
    x_ad, forcing_ad = np.empty(states.shape[1:]), np.empty(states.shape[1])
    fortran_windows.sweep_ad(given, sensitivities, forcing, dt, x_ad.T, forcing_ad)
    return x_ad, forcing_ad


def sweep_soa(
    states: FloatArray,
    changes: FloatArray,
    sensitivity: FloatArray,
    sensitivity_tl: FloatArray,
    *,
    forcing: float,
    dt: float,
    forcing_tl: float | FloatArray = 0.0,
) -> tuple[FloatArray, FloatArray]:
    """Return the changes of what `sweep_ad` returns: `[member, k]` and `[member]`.

    Parameters
    ----------
    states, changes
        Trajectory and its change `[time, member, k]`, as `sweep_tl` returns it.
    sensitivity, sensitivity_tl
        To the state at each time, and the change of that, of the same shape.
    forcing, dt
        F and the time step.
    forcing_tl
        Change of F, a number or `[member]`.
    """
    shape = states.shape
    given = as_fortran("trajectory", states, (None, None, None))
    _check_ring("trajectory", states)
    arrays = [
        as_fortran(name, array, shape)
        for name, array in (
            ("changes", changes),
            ("sensitivity", sensitivity),
            ("sensitivity_tl", sensitivity_tl),
        )
    ]
    spread = per_member("forcing_tl", forcing_tl, shape[1:2])
    x_ad, x_ad_tl = np.empty((2, *shape[1:]))
    forcing_ad, forcing_ad_tl = np.empty((2, shape[1]))
    fortran_windows.sweep_soa(
        given,
        arrays[0],
        forcing,
        dt,
        spread,
        arrays[1],
        arrays[2],
        x_ad.T,
        x_ad_tl.T,
        forcing_ad,
        forcing_ad_tl,
    )
    return x_ad_tl, forcing_ad_tl


def misfit_gradient(
    x: FloatArray, observed: FloatArray, weight: FloatArray, *, forcing: float, dt: float
) -> tuple[float, FloatArray, float]:
    """Return `J = 1/2 sum w (x - y)^2`, its gradient in the first state, and in F.

    Parameters
    ----------
    x
        First state `[k]`.
    observed, weight
        Finite y, and w: inverse variances, 0 where nothing was observed, `[time, k]`.
    forcing, dt
        F and the time step.
    """
    as_fortran("x", x, (None,))
    _check_ring("x", x)
    as_fortran("observed", observed, (None, x.size))
    as_fortran("weight", weight, observed.shape)
    result = np.empty(x.size + 2)  # J, its derivative in F, its gradient
    sums = ffi.from_buffer("double[]", result)
    fortran_by_c.isthmus_lorenz96_gradient(
        x.size,
        len(observed),
        forcing,
        dt,
        ffi.from_buffer("double[]", x),
        ffi.from_buffer("double[]", observed),
        ffi.from_buffer("double[]", weight),
        sums,
        sums + 2,
        sums + 1,
    )
    return float(result[0]), result[2:], float(result[1])


def analyse(
    x_b: FloatArray,
    sd: FloatArray | None,
    observed: FloatArray,
    weight: FloatArray,
    *,
    forcing: float,
    dt: float,
    tolerance: float,
    max_outer: int,
    max_inner: int,
) -> tuple[FloatArray, FloatArray]:
    """Return the 4D-Var analysis of a window `[k]`, all in Fortran, and its report.

    Parameters
    ----------
    x_b
        Background or first guess `[k]`.
    sd
        Standard deviations of its errors `[k]`, None for no background term.
    observed, weight
        As for `misfit_gradient`.
    forcing, dt
        F and the time step.
    tolerance, max_outer, max_inner
        As for `isthmus.inverse.FourDVar.incremental`.

    Returns
    -------
    tuple
        The analysis; and cost, norm of the gradient at the end and at the start, sweeps,
        outer loops, 1 if converged `[6]`.
    """
    first = as_fortran("x_b", x_b, (None,))
    _check_ring("x_b", x_b)
    y = as_fortran("observed", observed, (None, x_b.size))
    w = as_fortran("weight", weight, observed.shape)
    given = np.ones_like(x_b) if sd is None else sd
    scale = as_fortran("sd", given, (x_b.size,))
    x, report = np.empty_like(x_b), np.empty(6)
    fortran_inverse.lorenz96_analysis(
        first,
        scale,
        int(sd is not None),
        y,
        w,
        forcing,
        dt,
        tolerance,
        max_outer,
        max_inner,
        x,
        report,
    )
    return x, report


def _check_ring(name: str, array: FloatArray) -> None:
    """Refuse a ring on which the points of the stencil are not distinct."""
    if array.shape[-1] < MIN_SITES:
        raise BindingError(f"'{name}' has {array.shape[-1]} sites, expected {MIN_SITES}")
