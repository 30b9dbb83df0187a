# SPDX-License-Identifier: MIT
"""Lorenz-96 with one level."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from isthmus.errors import BindingError, ConfigurationError
from isthmus.models._fortran import (
    SCHEMES,
    FloatArray,
    as_fortran,
    check_steps,
    choose,
    fortran,
    per_member,
)

MIN_SITES = 4
MAX_SITES = 16384  # work arrays of Fortran are on the stack


class Adjoint(NamedTuple):
    """Sensitivities to the start of some steps.

    Attributes
    ----------
    x
        To the state `[member, k]`.
    forcing
        To the forcing `[member]`.
    b
        To the added tendency `[member, k]`.
    """

    x: FloatArray
    forcing: FloatArray
    b: FloatArray


@dataclass(frozen=True)
class Lorenz96:
    """`dx_k/dt = -x_{k-1} (x_{k-2} - x_{k+1}) - x_k + F + b_k` on a ring of K sites.

    Parameters
    ----------
    n_sites
        K, 4 to 16384.
    forcing
        F.
    scheme
        `"rk4"` or `"euler"`.

    Raises
    ------
    ConfigurationError
        If a parameter makes no sense.

    Examples
    --------
    >>> model = Lorenz96(n_sites=5, forcing=8.0)
    >>> x = np.array([[1.0, 2.0, 3.0, 4.0, 5.0]])
    >>> model.tendency(x)
    array([[-3.,  4., 11., 13., -5.]])
    """

    n_sites: int = 40
    forcing: float = 8.0
    scheme: str = "rk4"

    def __post_init__(self) -> None:
        """Check the parameters."""
        if not MIN_SITES <= self.n_sites <= MAX_SITES:
            raise ConfigurationError(
                f"'n_sites' must be {MIN_SITES} to {MAX_SITES}, found {self.n_sites}"
            )
        if not np.isfinite(self.forcing):
            raise ConfigurationError(f"'forcing' must be finite, found {self.forcing}")
        choose("scheme", self.scheme, SCHEMES)

    def initial_state(self, n_members: int, *, seed: int = 1) -> FloatArray:
        """Return a start near rest, `F (1/2 + N(0, 1))/max(K, 50)`, `[member, k]`.

        The random numbers are numpy's, not those of the program `isthmus-lorenz96`.
        """
        noise = np.random.default_rng(seed).standard_normal((n_members, self.n_sites))
        return self.forcing * (0.5 + noise) / max(self.n_sites, 50)

    def tendency(self, x: FloatArray) -> FloatArray:
        """Return `dx/dt` `[member, k]` of a state without added tendency."""
        dxdt = np.empty_like(x)
        fortran.one_level_tendency(self._state("x", x), self.forcing, dxdt.T)
        return dxdt

    def tendency_tl(
        self, x: FloatArray, x_tl: FloatArray, *, forcing_tl: float | FloatArray = 0.0
    ) -> FloatArray:
        """Return the change of `dx/dt` when `x` and F change by `x_tl` and `forcing_tl`."""
        state = self._state("x", x)
        change = self._state("x_tl", x_tl, like=x)
        dxdt_tl = np.empty_like(x)
        spread = per_member("forcing_tl", forcing_tl, x.shape[:1])
        fortran.one_level_tendency_tl(state, change, spread, dxdt_tl.T)
        return dxdt_tl

    def tendency_ad(
        self, x: FloatArray, dxdt_ad: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Return the sensitivities to `x` and F `[member]`, given those to `dx/dt`."""
        state = self._state("x", x)
        result = self._state("dxdt_ad", dxdt_ad, like=x)
        x_ad, forcing_ad = np.empty_like(x), np.empty(x.shape[0])
        fortran.one_level_tendency_ad(state, result, x_ad.T, forcing_ad)
        return x_ad, forcing_ad

    def step(self, x: FloatArray, dt: float, *, b: FloatArray | None = None) -> FloatArray:
        """Advance `x` in place by one step and return it; `b` is held through it."""
        return self.advance(x, dt, n_steps=1, b=b)

    def advance(
        self, x: FloatArray, dt: float, *, n_steps: int, b: FloatArray | None = None
    ) -> FloatArray:
        """Advance a state in place.

        Parameters
        ----------
        x
            State `[member, k]`, changed.
        dt
            Time step.
        n_steps
            Number of steps.
        b
            Tendency added to `dx/dt`, held throughout, `[member, k]`.

        Returns
        -------
        numpy.ndarray
            `x` itself.

        Raises
        ------
        BindingError
            If an array is not what the model needs.
        """
        check_steps(dt, n_steps)
        state = self._state("x", x, writable=True)
        scheme = SCHEMES[self.scheme]
        if b is None:
            fortran.one_level_advance_free(state, self.forcing, scheme, dt, n_steps)
        else:
            added = self._state("b", b, like=x)
            self._refuse_overlap("b", b, x)
            fortran.one_level_advance(state, added, self.forcing, scheme, dt, n_steps)
        return x

    def advance_tl(
        self,
        x: FloatArray,
        x_tl: FloatArray,
        *,
        dt: float,
        n_steps: int = 1,
        b: FloatArray | None = None,
        forcing_tl: float | FloatArray = 0.0,
        b_tl: FloatArray | None = None,
    ) -> tuple[FloatArray, FloatArray]:
        """Return the state and its change after some steps; the arguments stay as they are.

        Parameters
        ----------
        x, x_tl
            State and its change `[member, k]`.
        dt, n_steps
            Time step and number of steps.
        b, b_tl
            Added tendency, held throughout, and its change `[member, k]`.
        forcing_tl
            Change of F, a number or `[member]`.
        """
        check_steps(dt, n_steps)
        self._state("x", x)
        self._state("x_tl", x_tl, like=x)
        x, x_tl = x.copy(), x_tl.copy()
        fortran.one_level_advance_tl(
            x.T,
            self._added("b", b, x),
            self.forcing,
            SCHEMES[self.scheme],
            dt,
            n_steps,
            x_tl.T,
            per_member("forcing_tl", forcing_tl, x.shape[:1]),
            self._added("b_tl", b_tl, x),
        )
        return x, x_tl

    def advance_ad(
        self,
        x: FloatArray,
        x_ad: FloatArray,
        *,
        dt: float,
        n_steps: int = 1,
        b: FloatArray | None = None,
    ) -> Adjoint:
        """Return the sensitivities to the start, given those to the state after some steps.

        Parameters
        ----------
        x
            State at the start `[member, k]`.
        x_ad
            Sensitivity to the state at the end `[member, k]`.
        dt, n_steps
            Time step and number of steps.
        b
            Added tendency, held throughout, `[member, k]`.
        """
        check_steps(dt, n_steps)
        state = self._state("x", x)
        self._state("x_ad", x_ad, like=x)
        adjoint = Adjoint(x_ad.copy(), np.empty(x.shape[0]), np.empty_like(x))
        fortran.one_level_advance_ad(
            state,
            self._added("b", b, x),
            self.forcing,
            SCHEMES[self.scheme],
            dt,
            n_steps,
            adjoint.x.T,
            adjoint.forcing,
            adjoint.b.T,
        )
        return adjoint

    def _state(
        self,
        name: str,
        array: FloatArray,
        *,
        like: FloatArray | None = None,
        writable: bool = False,
    ) -> FloatArray:
        """Return the Fortran reading of a `[member, k]` array."""
        n_members = None if like is None else like.shape[0]
        return as_fortran(name, array, (n_members, self.n_sites), writable=writable)

    def _added(self, name: str, array: FloatArray | None, like: FloatArray) -> FloatArray:
        """Return the Fortran reading of an added tendency, zeros if there is none."""
        return (
            np.zeros_like(like).T if array is None else self._state(name, array, like=like)
        )

    @staticmethod
    def _refuse_overlap(name: str, array: FloatArray, x: FloatArray) -> None:
        """Refuse an input that shares memory with the state that is written."""
        if np.may_share_memory(array, x):
            raise BindingError(f"'{name}' overlaps 'x', which is changed in place")
