# SPDX-License-Identifier: MIT
"""Lorenz-96 with two levels."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from isthmus.errors import BindingError, ConfigurationError
from isthmus.models._fortran import (
    COUPLINGS,
    SCHEMES,
    WRAPS,
    FloatArray,
    as_fortran,
    check_steps,
    choose,
    fortran,
    per_member,
)
from isthmus.models.lorenz96 import MAX_SITES, MIN_SITES

COEFFICIENTS = ("forcing", "h", "c", "b")


class TwoLevelState(NamedTuple):
    """Slow `x` `[member, k]` and fast `z` `[member, jk]`: states, or changes of them."""

    x: FloatArray
    z: FloatArray


class TwoLevelAdjoint(NamedTuple):
    """Sensitivities to the start of some steps.

    Attributes
    ----------
    x, z
        To the slow and the fast state `[member, k]`, `[member, jk]`.
    coefficients
        To forcing, h, c and b `[member, 4]`.
    added
        To the added tendency `[member, k]`.
    """

    x: FloatArray
    z: FloatArray
    coefficients: FloatArray
    added: FloatArray


@dataclass(frozen=True)
class TwoLevelLorenz96:
    """K slow sites, each with J fast ones.

    `dx_k/dt = -x_{k-1} (x_{k-2} - x_{k+1}) - x_k + F - h c mean_j z`,
    `(1/c) dz_j/dt = -b z_{j+1} (z_{j+2} - z_{j-1}) - z_j + (h/J) x_k`.

    Parameters
    ----------
    n_sites, n_fast
        K and J.
    forcing, h, c, b
        F, coupling strength, ratios of the time scales and of the amplitudes.
    wrap
        `"ring"`: z closes over all J K points. `"sites"`: inside each site.
    coupling
        `"mean"` as above, or Lorenz' `"sum"`: `-(h c/b) sum_j z` and `(h c/b) x_k`.
    scheme
        `"rk4"` or `"euler"`.

    Raises
    ------
    ConfigurationError
        If a parameter makes no sense.
    """

    n_sites: int = 36
    n_fast: int = 10
    forcing: float = 10.0
    h: float = 1.0
    c: float = 10.0
    b: float = 10.0
    wrap: str = "ring"
    coupling: str = "mean"
    scheme: str = "rk4"

    def __post_init__(self) -> None:
        """Check the parameters."""
        least = MIN_SITES if self.wrap == "sites" else 1
        if self.n_sites < MIN_SITES:
            raise ConfigurationError(f"'n_sites' must be at least 4, found {self.n_sites}")
        if self.n_fast < least:
            raise ConfigurationError(
                f"'n_fast' must be at least {least}, found {self.n_fast}"
            )
        if self.n_sites * self.n_fast > MAX_SITES:
            raise ConfigurationError(
                f"'n_sites' times 'n_fast' must be at most {MAX_SITES}, "
                f"found {self.n_sites} x {self.n_fast}"
            )
        for name in COEFFICIENTS:
            if not np.isfinite(getattr(self, name)):
                raise ConfigurationError(
                    f"'{name}' must be finite, found {getattr(self, name)}"
                )
        if self.b == 0.0:
            raise ConfigurationError("'b' must not be zero")
        choose("scheme", self.scheme, SCHEMES)
        choose("wrap", self.wrap, WRAPS)
        choose("coupling", self.coupling, COUPLINGS)

    @property
    def coefficients(self) -> FloatArray:
        """Forcing, h, c and b `[4]`."""
        return np.array([getattr(self, name) for name in COEFFICIENTS], np.float64)

    def initial_state(self, n_members: int, *, seed: int = 1) -> TwoLevelState:
        """Return a start near rest; the random numbers are numpy's."""
        random = np.random.default_rng(seed)
        scale = self.forcing / max(self.n_sites, 50)
        x = scale * (0.5 + random.standard_normal((n_members, self.n_sites)))
        z = scale / self.b * random.standard_normal((n_members, self.n_sites * self.n_fast))
        return TwoLevelState(x, z)

    def tendency(self, x: FloatArray, z: FloatArray) -> TwoLevelState:
        """Return `dx/dt` and `dz/dt`."""
        f = TwoLevelState(np.empty_like(x), np.empty_like(z))
        fortran.two_level_tendency(*self._states(x, z), *self._model(), f.x.T, f.z.T)
        return f

    def coupling_tendency(self, x: FloatArray, z: FloatArray) -> FloatArray:
        """Return what the fast level adds to `dx/dt`, `-h c mean_j z`, `[member, k]`."""
        added = np.empty_like(x)
        fortran.two_level_coupling(*self._states(x, z), *self._model(), added.T)
        return added

    def tendency_tl(
        self,
        x: FloatArray,
        z: FloatArray,
        *,
        x_tl: FloatArray,
        z_tl: FloatArray,
        coefficients_tl: FloatArray | float = 0.0,
    ) -> TwoLevelState:
        """Return the change of the tendency with the states and `[forcing, h, c, b]`."""
        f_tl = TwoLevelState(np.empty_like(x), np.empty_like(z))
        fortran.two_level_tendency_tangent(
            *self._states(x, z),
            *self._model(),
            *self._states(x_tl, z_tl, suffix="_tl", like=x),
            per_member("coefficients_tl", coefficients_tl, (x.shape[0], 4)).T,
            f_tl.x.T,
            f_tl.z.T,
        )
        return f_tl

    def tendency_ad(
        self, x: FloatArray, z: FloatArray, *, dxdt_ad: FloatArray, dzdt_ad: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return the sensitivities to x, z and `[forcing, h, c, b]` `[member, 4]`."""
        x_ad, z_ad, coefficients_ad = (
            np.empty_like(x),
            np.empty_like(z),
            np.empty((len(x), 4)),
        )
        fortran.two_level_tendency_adjoint(
            *self._states(x, z),
            *self._model(),
            *self._states(dxdt_ad, dzdt_ad, suffix=" of the result", like=x),
            x_ad.T,
            z_ad.T,
            coefficients_ad.T,
        )
        return x_ad, z_ad, coefficients_ad

    def step(
        self, x: FloatArray, z: FloatArray, *, dt: float, added: FloatArray | None = None
    ) -> TwoLevelState:
        """Advance both states in place by one step and return them."""
        return self.advance(x, z, dt=dt, n_steps=1, added=added)

    def advance(
        self,
        x: FloatArray,
        z: FloatArray,
        *,
        dt: float,
        n_steps: int,
        added: FloatArray | None = None,
    ) -> TwoLevelState:
        """Advance both states in place; `added` `[member, k]` is held throughout.

        Raises
        ------
        BindingError
            If an array is not what the model needs.
        """
        check_steps(dt, n_steps)
        states = self._states(x, z, writable=True)
        for name, array in (("z", z), ("added", added)):
            if array is not None and np.may_share_memory(array, x):
                raise BindingError(f"'{name}' overlaps 'x', which is changed in place")
        held = self._added("added", added, x)
        fortran.two_level_advance(*states, held, *self._model(), dt, n_steps)
        return TwoLevelState(x, z)

    def advance_tl(
        self,
        x: FloatArray,
        z: FloatArray,
        *,
        x_tl: FloatArray,
        z_tl: FloatArray,
        dt: float,
        n_steps: int = 1,
        added: FloatArray | None = None,
        coefficients_tl: FloatArray | float = 0.0,
        added_tl: FloatArray | None = None,
    ) -> tuple[TwoLevelState, TwoLevelState]:
        """Return the states and their changes after some steps; nothing is in place."""
        check_steps(dt, n_steps)
        self._states(x, z)
        self._states(x_tl, z_tl, suffix="_tl", like=x)
        state = TwoLevelState(x.copy(), z.copy())
        change = TwoLevelState(x_tl.copy(), z_tl.copy())
        fortran.two_level_advance_tangent(
            state.x.T,
            state.z.T,
            self._added("added", added, x),
            *self._model(),
            dt,
            n_steps,
            change.x.T,
            change.z.T,
            per_member("coefficients_tl", coefficients_tl, (x.shape[0], 4)).T,
            self._added("added_tl", added_tl, x),
        )
        return state, change

    def advance_ad(
        self,
        x: FloatArray,
        z: FloatArray,
        *,
        x_ad: FloatArray,
        z_ad: FloatArray,
        dt: float,
        n_steps: int = 1,
        added: FloatArray | None = None,
    ) -> TwoLevelAdjoint:
        """Return the sensitivities to the start, given those to the end of some steps."""
        check_steps(dt, n_steps)
        states = self._states(x, z)
        self._states(x_ad, z_ad, suffix="_ad", like=x)
        adjoint = TwoLevelAdjoint(
            x_ad.copy(), z_ad.copy(), np.empty((len(x), 4)), np.empty_like(x)
        )
        fortran.two_level_advance_adjoint(
            *states,
            self._added("added", added, x),
            *self._model(),
            dt,
            n_steps,
            adjoint.x.T,
            adjoint.z.T,
            adjoint.coefficients.T,
            adjoint.added.T,
        )
        return adjoint

    def _model(self) -> tuple[FloatArray, npt.NDArray[np.int32]]:
        """Return the coefficients and the options as Fortran wants them."""
        options = (WRAPS[self.wrap], COUPLINGS[self.coupling], SCHEMES[self.scheme])
        return self.coefficients, np.array(options, np.int32)

    def _states(
        self,
        x: FloatArray,
        z: FloatArray,
        *,
        suffix: str = "",
        like: FloatArray | None = None,
        writable: bool = False,
    ) -> tuple[FloatArray, FloatArray]:
        """Return the Fortran readings of a slow and a fast array."""
        n_members = None if like is None else like.shape[0]
        slow = as_fortran(f"x{suffix}", x, (n_members, self.n_sites), writable=writable)
        shape = (x.shape[0], self.n_sites * self.n_fast)
        return slow, as_fortran(f"z{suffix}", z, shape, writable=writable)

    def _added(self, name: str, array: FloatArray | None, like: FloatArray) -> FloatArray:
        """Return the Fortran reading of an added tendency, zeros if there is none."""
        if array is None:
            return np.zeros_like(like).T
        return as_fortran(name, array, like.shape)
