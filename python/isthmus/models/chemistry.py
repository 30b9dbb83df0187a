# SPDX-License-Identifier: MIT
"""Mechanisms and their stiff solvers: many boxes at once, in the caller's arrays."""

import sysconfig
import weakref
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from isthmus.errors import BindingError, ConfigurationError, DataError
from isthmus.models._fortran import (
    FloatArray,
    as_fortran,
    choose,
    per_member,
)
from isthmus.models._fortran import (
    fortran_chemistry as fortran,
)

IntArray = npt.NDArray[np.int32]

METHODS = ("ros2", "ros3", "rodas3", "ros4", "rodas4")
NEGATIVES = {"keep": 0, "clip": 1, "reject": 2}
TEXTS = {"name": 1, "unit": 2, "time_unit": 3, "species": 4, "element": 5, "reaction": 6}
MAX_TEXT = 4096
MAX_ORDER = 3
DEFAULT_ATOL = 1e-9
"""Of the largest initial concentration."""
NO_FACTORS = np.full((1, 1), -1.0)
"""Rate constants as they are."""
SMALL_SINGULAR_VALUE = 1e-9
"""Relative; the rank of matrices of small decimal numbers."""


class Integration(NamedTuple):
    """What one call of `Mechanism.integrate` did.

    Attributes
    ----------
    flags
        `[cell]`, 0 where it went well; `flag_text` tells the rest. A flagged cell keeps
        its input.
    h
        Inner step to begin the next call with `[cell]`.
    n_accepted, n_rejected
        Inner steps over all cells.
    """

    flags: IntArray
    h: FloatArray
    n_accepted: int
    n_rejected: int


class TangentIntegration(NamedTuple):
    """A state and a change of it at the end of `Mechanism.integrate_tl`.

    Attributes
    ----------
    y, y_tl
        Concentrations, and their change `[cell, species]`; NaN in flagged cells.
    h, flags
        As in `Integration`.
    """

    y: FloatArray
    y_tl: FloatArray
    h: FloatArray
    flags: IntArray


class AdjointIntegration(NamedTuple):
    """Sensitivities to the start of `Mechanism.integrate_ad`.

    Attributes
    ----------
    y_ad
        To the concentrations at the start `[cell, species]`; NaN in flagged cells.
    rates_ad
        To a relative change of each rate constant, d/d(ln k), `[cell, reaction]`. The sum
        over the cells is the sensitivity to a constant that all cells share.
    y, h, flags
        Concentrations at the end, and the others as in `Integration`.
    """

    y_ad: FloatArray
    rates_ad: FloatArray
    y: FloatArray
    h: FloatArray
    flags: IntArray


def find_mechanism(name: str) -> Path:
    """Return the path of a mechanism that comes with the package, e.g. `"pollu"`.

    Raises
    ------
    ConfigurationError
        If there is none of this name.
    """
    below = Path("share", "isthmus", "mechanisms")
    roots = [
        Path(sysconfig.get_path("platlib")) / "isthmus",
        Path(str(files("isthmus"))),
        Path(str(files("isthmus"))).parents[1] / "fortran" / "chemistry",
    ]
    for folder in [roots[0] / below, roots[1] / below, roots[2] / "mechanisms"]:
        if (folder / f"{name}.txt").is_file():
            return folder / f"{name}.txt"
    known = sorted(
        {path.stem for root in roots[:2] for path in (root / below).glob("*.txt")}
    )
    raise ConfigurationError(f"mechanism '{name}', expected a path or one of {known}")


def flag_text(flag: int) -> str:
    """Return what the flag of a cell means."""
    codes = np.zeros(MAX_TEXT, np.int32)
    fortran.chem_flag_text(int(flag), codes)
    return _decoded(codes)


class Mechanism:
    """A mechanism, read from its file, and the Rosenbrock method that integrates it.

    Parameters
    ----------
    file
        Mechanism file, or the name of one that comes with the package.
    method
        One of `METHODS`.
    rtol
        Relative tolerance.
    atol
        Absolute tolerance in the mechanism's unit; 1e-9 of the largest initial
        concentration if not given.
    max_steps
        Tried inner steps of a cell in one call.
    negatives
        `"reject"`: steps that end below -atol are repeated. `"keep"`, `"clip"`.
    fixed_steps
        So many equal inner steps a call, without error control; 0: adaptive. What is
        integrated is then a smooth function of state and rates.

    Attributes
    ----------
    species, elements, reactions
        Names, and the reactions as written.
    initial
        Published start `[species]`.
    composition
        Atoms `[element, species]`.
    stoichiometry
        `[species, reaction]`.
    end_time, temperature, hours_per_unit
        Of the published problem; the length of the time unit.

    Raises
    ------
    DataError
        If the file is absent or wrong; the text names file, line and word.
    ConfigurationError
        If a setting makes no sense.

    Examples
    --------
    >>> pollu = Mechanism("pollu")
    >>> y = pollu.initial[None].copy()
    >>> done = pollu.integrate(y, 60.0)
    >>> bool(done.flags.any()), len(pollu.species)
    (False, 20)
    """

    def __init__(
        self,
        file: str | Path,
        *,
        method: str = "rodas3",
        rtol: float = 1e-3,
        atol: float | None = None,
        max_steps: int = 100_000,
        negatives: str = "reject",
        fixed_steps: int = 0,
    ) -> None:
        path = Path(file)
        if path.suffix == "" and not path.is_file():
            path = find_mechanism(str(file))
        self.path = path
        handle, counts = np.zeros(1, np.int32), np.zeros(3, np.int32)
        message = np.zeros(MAX_TEXT, np.int32)
        fortran.chem_open(_encoded(str(path)), handle, counts, message)
        if message[0] != 0:
            raise DataError(_decoded(message))
        self._handle = int(handle[0])
        weakref.finalize(self, fortran.chem_close, self._handle)
        n_species, n_reactions, n_elements = (int(n) for n in counts)
        self.initial = np.zeros(n_species)
        self.name, self.unit, self.time_unit = (
            self._text(what) for what in ("name", "unit", "time_unit")
        )
        self.species = self._texts("species", n_species)
        self.elements = self._texts("element", n_elements)
        self.reactions = self._texts("reaction", n_reactions)
        others = np.zeros(3)
        composition = np.zeros((n_species, max(1, n_elements)))
        stoichiometry = np.zeros((n_reactions, n_species))
        fortran.chem_numbers(
            self._handle, self.initial, composition.T, stoichiometry.T, others
        )
        self.composition = np.ascontiguousarray(composition[:, :n_elements].T)
        self.stoichiometry = np.ascontiguousarray(stoichiometry.T)
        self.end_time, self.temperature, self.hours_per_unit = others.tolist()
        self.rtol = rtol
        self.atol = DEFAULT_ATOL * float(self.initial.max()) if atol is None else atol
        self._set_method(method, max_steps, negatives, fixed_steps)

    def __len__(self) -> int:
        """Return the number of species."""
        return len(self.species)

    def index(self, name: str) -> int:
        """Return the place of a species.

        Raises
        ------
        ConfigurationError
            If the mechanism has no such species.
        """
        if name not in self.species:
            raise ConfigurationError(f"species '{name}', expected one of {self.species}")
        return self.species.index(name)

    def reactants(self) -> npt.NDArray[np.intp]:
        """Return the places of each reaction's reactants `[reaction, 3]`.

        A species that is squared stands twice. The number of species fills what is left;
        fixed reactants are in the rate constants.
        """
        slots = np.full((len(self.reactions), MAX_ORDER), len(self), np.intp)
        for row, text in zip(slots, self.reactions, strict=True):
            order, times = 0, 1
            for word in text.split("->")[0].split():
                if word[0] in "0123456789.":
                    times = round(float(word))
                    continue
                if word in self.species:
                    row[order : order + times] = self.species.index(word)
                    order += times
                times = 1
        return slots

    def linear_invariants(self) -> FloatArray:
        """Return all sums of species that no reaction changes `[invariant, species]`.

        The rows of `composition` that every reaction keeps come first; where the
        stoichiometry keeps more than these, orthogonal rows are added.
        """
        kept = [
            row
            for row in self.composition
            if row.any() and np.abs(row @ self.stoichiometry).max() < SMALL_SINGULAR_VALUE
        ]
        basis = np.array(kept).reshape(len(kept), len(self))
        left, singular, _ = np.linalg.svd(self.stoichiometry)
        rank = int((singular > SMALL_SINGULAR_VALUE * singular[0]).sum())
        for row in left[:, rank:].T:
            if np.linalg.matrix_rank(np.vstack([basis, row]), tol=1e-6) > len(basis):
                basis = np.vstack([basis, row])
        return basis

    def integrate(
        self,
        y: FloatArray,
        dt: float,
        *,
        t: float = 0.0,
        temperature: float | FloatArray | None = None,
        h: FloatArray | None = None,
        rate_factors: FloatArray | None = None,
    ) -> Integration:
        """Integrate cells in place from `t` to `t + dt`.

        Parameters
        ----------
        y
            Concentrations `[cell, species]`, changed.
        dt, t
            Length and start in the mechanism's time unit; t = 0 is midnight.
        temperature
            [K], a number or `[cell]`; the mechanism's if not given.
        h
            First inner step `[cell]`, e.g. `Integration.h` of the call before; not changed.
        rate_factors
            What the rate constants are multiplied by, `[reaction]` or `[cell, reaction]`.

        Raises
        ------
        BindingError
            If an array is not what the solver needs.
        ConfigurationError
            If `dt` is not positive, a time is not finite, or a factor is negative.
        """
        state, kelvin, flags = self._cells(y, dt, t, temperature)
        step, counts = self._first_step(h, len(y)), np.zeros(2, np.int32)
        factors = (
            NO_FACTORS if rate_factors is None else self._factors(rate_factors, len(y))
        )
        message = np.zeros(MAX_TEXT, np.int32)
        fortran.chem_integrate(
            self._handle,
            np.array([t, dt]),
            state,
            kelvin,
            factors.T,
            step,
            flags,
            counts,
            message,
        )
        _check(message)
        return Integration(flags, step, int(counts[0]), int(counts[1]))

    def integrate_tl(
        self,
        y: FloatArray,
        y_tl: FloatArray,
        dt: float,
        *,
        t: float = 0.0,
        temperature: float | FloatArray | None = None,
        h: FloatArray | None = None,
        rate_factors: FloatArray | None = None,
        rates_tl: float | FloatArray = 0.0,
    ) -> TangentIntegration:
        """Return state and change at `t + dt`; the arguments stay as they are.

        The derivative is that of the numbers computed, with the inner steps as they were
        chosen: between adaptive runs of two states it holds to the tolerance only.

        Parameters
        ----------
        y, y_tl
            Concentrations and their change `[cell, species]`.
        dt, t, temperature, h, rate_factors
            As in `integrate`.
        rates_tl
            Relative change of the rate constants, d(ln k): a number, `[reaction]` or
            `[cell, reaction]`.

        Raises
        ------
        BindingError, ConfigurationError
            As `integrate`.
        """
        y, y_tl = y.copy(), y_tl.copy()
        state, kelvin, flags = self._cells(y, dt, t, temperature)
        change = as_fortran("y_tl", y_tl, y.shape, writable=True)
        step = self._first_step(h, len(y))
        factors = self._factors(1.0 if rate_factors is None else rate_factors, len(y))
        rates = per_member("rates_tl", rates_tl, factors.shape)
        message = np.zeros(MAX_TEXT, np.int32)
        fortran.chem_integrate_tl(
            self._handle,
            np.array([t, dt]),
            state,
            kelvin,
            factors.T,
            step,
            flags,
            change,
            rates.T,
            message,
        )
        _check(message)
        return TangentIntegration(y, y_tl, step, flags)

    def integrate_ad(
        self,
        y: FloatArray,
        y_ad: FloatArray,
        dt: float,
        *,
        t: float = 0.0,
        temperature: float | FloatArray | None = None,
        h: FloatArray | None = None,
        rate_factors: FloatArray | None = None,
    ) -> AdjointIntegration:
        """Return sensitivities to the start; the arguments stay as they are.

        Parameters
        ----------
        y
            Concentrations at `t` `[cell, species]`.
        y_ad
            Sensitivity to the concentrations at `t + dt` `[cell, species]`.
        dt, t, temperature, h, rate_factors
            As in `integrate`.

        Raises
        ------
        BindingError, ConfigurationError
            As `integrate`.

        Examples
        --------
        >>> pollu = Mechanism("pollu")
        >>> y = pollu.initial[None].copy()
        >>> ozone = np.eye(20)[pollu.index("O3")][None]
        >>> back = pollu.integrate_ad(y, ozone, 60.0)
        >>> back.y_ad.shape, back.rates_ad.shape
        ((1, 20), (1, 25))
        """
        y, y_ad = y.copy(), y_ad.copy()
        state, kelvin, flags = self._cells(y, dt, t, temperature)
        sensitivity = as_fortran("y_ad", y_ad, y.shape, writable=True)
        step = self._first_step(h, len(y))
        factors = self._factors(1.0 if rate_factors is None else rate_factors, len(y))
        rates_ad = np.zeros(factors.shape)
        message = np.zeros(MAX_TEXT, np.int32)
        fortran.chem_integrate_ad(
            self._handle,
            np.array([t, dt]),
            state,
            kelvin,
            factors.T,
            step,
            flags,
            sensitivity,
            rates_ad.T,
            message,
        )
        _check(message)
        return AdjointIntegration(y_ad, rates_ad, y, step, flags)

    def integrate_qssa(
        self,
        y: FloatArray,
        dt: float,
        *,
        n_substeps: int,
        t: float = 0.0,
        temperature: float | FloatArray | None = None,
    ) -> IntArray:
        """Integrate cells in place by quasi-steady state with equal sub-steps.

        Returns
        -------
        flags
            `[cell]`, 0 where it went well; a flagged cell keeps its input.
        """
        if n_substeps < 1:
            raise ConfigurationError(f"'n_substeps' must be at least 1, found {n_substeps}")
        state, kelvin, flags = self._cells(y, dt, t, temperature)
        times, message = np.array([t, dt]), np.zeros(MAX_TEXT, np.int32)
        fortran.chem_qssa(self._handle, times, n_substeps, state, kelvin, flags, message)
        _check(message)
        return flags

    def light(self, t: float | FloatArray) -> FloatArray:
        """Return the light at times: S of `sun day`, or the cosine of the zenith angle."""
        times = np.ascontiguousarray(np.atleast_1d(np.asarray(t, np.float64)).ravel())
        light = np.zeros_like(times)
        fortran.chem_light(self._handle, times, light)
        return light.reshape(np.shape(t))

    def rate_constants(self, t: float = 0.0, *, temperature: float = 0.0) -> FloatArray:
        """Return the rate constants `[reaction]`, fixed reactants included."""
        k = np.zeros(len(self.reactions))
        kelvin = temperature if temperature > 0 else self.temperature
        fortran.chem_rates(self._handle, t, kelvin, k)
        return k

    def _set_method(
        self, method: str, max_steps: int, negatives: str, fixed_steps: int
    ) -> None:
        """Check and pass on how well to integrate."""
        if fixed_steps < 0:
            raise ConfigurationError(
                f"'fixed_steps' must not be negative, found {fixed_steps}"
            )
        if max_steps < 1:
            raise ConfigurationError(f"'max_steps' must be at least 1, found {max_steps}")
        below = choose("negatives", negatives, NEGATIVES)
        options = np.array([max_steps, below, fixed_steps], np.int32)
        message = np.zeros(MAX_TEXT, np.int32)
        tolerances = np.array([self.rtol, self.atol])
        fortran.chem_set_method(
            self._handle, _encoded(method), tolerances, options, message
        )
        if message[0] != 0:
            raise ConfigurationError(_decoded(message))
        self.method = method

    def _cells(
        self, y: FloatArray, dt: float, t: float, temperature: float | FloatArray | None
    ) -> tuple[FloatArray, FloatArray, IntArray]:
        """Return Fortran's reading of the state, temperatures, and flags to be set."""
        if not (np.isfinite(dt) and np.isfinite(t) and dt > 0):
            raise ConfigurationError(
                f"'dt' must be positive and 't' finite, found dt = {dt}, t = {t}"
            )
        if isinstance(y, np.ndarray) and y.ndim == 2 and y.shape[0] == 0:
            raise BindingError("'y' has no cells")
        state = as_fortran("y", y, (None, len(self)), writable=True)
        kelvin = self.temperature if temperature is None else temperature
        spread = per_member("temperature", kelvin, (y.shape[0],))
        return state, spread, np.zeros(y.shape[0], np.int32)

    def _first_step(self, h: FloatArray | None, n_cells: int) -> FloatArray:
        """Return first inner steps of all cells that may be changed; 0: not known."""
        return np.zeros(n_cells) if h is None else per_member("h", h, (n_cells,)).copy()

    def _factors(self, factors: float | FloatArray, n_cells: int) -> FloatArray:
        """Return the factors of the rate constants `[cell, reaction]`."""
        spread = per_member("rate_factors", factors, (n_cells, len(self.reactions)))
        if not (np.isfinite(spread).all() and (spread >= 0).all()):
            raise ConfigurationError(
                "'rate_factors' must be finite and not negative, found "
                f"{spread.min()} to {spread.max()}"
            )
        return spread

    def _text(self, what: str, index: int = 1) -> str:
        """Return a text of the mechanism."""
        codes = np.zeros(MAX_TEXT, np.int32)
        fortran.chem_text(self._handle, TEXTS[what], index, codes)
        return _decoded(codes)

    def _texts(self, what: str, n: int) -> list[str]:
        """Return all texts of a kind."""
        return [self._text(what, i) for i in range(1, n + 1)]


def _encoded(text: str) -> IntArray:
    """Return character codes."""
    return np.frombuffer(text.encode() or b" ", np.uint8).astype(np.int32)


def _check(message: IntArray) -> None:
    """Raise what Fortran refused: our own checks should have told it before."""
    if message[0] != 0:
        raise BindingError(_decoded(message))


def _decoded(codes: IntArray) -> str:
    """Return the text of character codes up to the first zero."""
    return bytes(codes[codes != 0].astype(np.uint8)).decode(errors="replace")
