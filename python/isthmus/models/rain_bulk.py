# SPDX-License-Identifier: MIT
"""Warm rain by four moments in many boxes: the scheme of Seifert and Beheng in Fortran."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from isthmus.errors import BindingError, ConfigurationError
from isthmus.models._fortran import FloatArray, as_fortran, check_steps, fortran_bulk

QUANTITIES: Final = ("lc", "nc", "lr", "nr", "l0", "rm", "nu")
RATES: Final = ("au", "ac", "scc", "scr")
WATER_DENSITY: Final = 1000.0  # [kg m-3]
SHORTEST: Final = 1e-9  # step [s]


@dataclass(frozen=True)
class RainBulk:
    """Boxes in which cloud drops become rain, told apart at a radius of 40 um.

    A state is `[cell, 7]`: cloud and rain, mass Lc, Lr [kg m-3] and number Nc, Nr [m-3], in
    the order Lc, Nc, Lr, Nr, then what the first cloud was: water L0 [kg m-3], mean radius
    rm [m], shape nu [1]. Rates are `[cell, 4]`: autoconversion AU and accretion AC
    [kg m-3 s-1], self-collection SCc and SCr [m-3 s-1].

    Seifert & Beheng (2001), doi:10.1016/S0169-8095(01)00126-0.

    Examples
    --------
    >>> box = RainBulk()
    >>> state = box.initial_state([1e-3], [13e-6], [1.0])
    >>> state = box.advance(state, 5.0, n_steps=240)
    >>> bool(0.1e-3 < state[0, 2] < 0.9e-3)
    True
    """

    def initial_state(
        self,
        liquid_water: FloatArray | list[float],
        mean_radius: FloatArray | list[float],
        shape: FloatArray | list[float],
    ) -> FloatArray:
        """Return clouds without rain `[cell, 7]`.

        Parameters
        ----------
        liquid_water, mean_radius, shape
            L0 [kg m-3], rm [m] and nu [1], each `[cell]`.

        Notes
        -----
        All drops are counted as cloud; of the widest spectra of the published design,
        nu = 0 and rm = 15 um, a few in a million are rain from the start.
        """
        l0, rm, nu = (np.asarray(v, np.float64) for v in (liquid_water, mean_radius, shape))
        mass = 4.0 / 3.0 * np.pi * WATER_DENSITY * rm**3
        zero = np.zeros_like(l0)
        return np.stack([l0, l0 / mass, zero, zero, l0, rm, nu], axis=-1)

    def rates(
        self, state: FloatArray, *, dt: float = 0.0, n_substeps: int = 4
    ) -> FloatArray:
        """Return the rates `[cell, 4]` at a state, or their means over a step.

        Parameters
        ----------
        state
            `[cell, 7]`.
        dt
            Step that the means are over [s]; 0: the rates now.
        n_substeps
            Runge-Kutta steps in it.
        """
        _check_steps(dt, n_substeps, least=0.0)
        cells = _checked(state)
        rates = np.empty((state.shape[0], len(RATES)))
        if dt == 0.0:
            fortran_bulk.rain_bulk_rates(cells, rates.T)
        else:
            fortran_bulk.rain_bulk_mean_rates(cells, dt, max(n_substeps, 1), rates.T)
        return rates

    def advance(self, state: FloatArray, dt: float, *, n_steps: int) -> FloatArray:
        """Advance `state` in place by the published scheme and return it.

        Classical Runge-Kutta of order four; 5 s are converged to five digits.
        """
        _check_steps(dt, n_steps)
        fortran_bulk.rain_bulk_advance(_checked(state, writable=True), dt, n_steps)
        return state

    def step(self, state: FloatArray, rates: FloatArray, dt: float) -> FloatArray:
        """Let rates `[cell, 4]` act for `dt` on `state` in place, and return it.

        No more moves than the donor holds: water is kept and nothing becomes negative.
        """
        _check_steps(dt, 1)
        cells = _checked(state, writable=True)
        given = as_fortran("rates", rates, (state.shape[0], len(RATES)))
        if not np.all(np.isfinite(rates)):
            raise BindingError("'rates' holds values that are not finite")
        fortran_bulk.rain_bulk_step(cells, given, dt)
        return state

    def run(
        self,
        state: FloatArray,
        dt: float,
        *,
        n_steps: int,
        save_every: int = 1,
        closure: Callable[[FloatArray], FloatArray] | None = None,
    ) -> FloatArray:
        """Return the states `[time, cell, 7]` of a run, the first one included.

        Parameters
        ----------
        state
            First state `[cell, 7]`; stays as it is.
        dt
            Time step [s].
        n_steps, save_every
            Number of steps, and how many between two saved states.
        closure
            State `[cell, 7]` -> rates `[cell, 4]`; without it Seifert and Beheng.
        """
        if save_every < 1:
            raise ConfigurationError(f"'save_every' must be at least 1, found {save_every}")
        state = state.copy()
        saved = [state.copy()]
        for _ in range(n_steps // save_every):
            if closure is None:
                self.advance(state, dt, n_steps=save_every)
            else:
                for _ in range(save_every):
                    self.step(state, closure(state), dt)
            saved.append(state.copy())
        return np.stack(saved)


def _check_steps(dt: float, n_steps: int, least: float = SHORTEST) -> None:
    """Rain does not run backward."""
    check_steps(dt, n_steps)
    if dt < least:
        raise ConfigurationError(f"'dt' must be positive, found {dt}")


def _checked(state: FloatArray, *, writable: bool = False) -> FloatArray:
    """Return the Fortran reading of a state that is a cloud."""
    cells = as_fortran("state", state, (None, len(QUANTITIES)), writable=writable)
    wrong = ~(np.isfinite(state) & (state >= 0.0))
    if wrong.any():
        cell, i = np.argwhere(wrong)[0]
        raise BindingError(
            f"'state': '{QUANTITIES[i]}' in cell {cell} is {state[cell, i]}, "
            "expected a finite number, not negative"
        )
    return cells
