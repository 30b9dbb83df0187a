# SPDX-License-Identifier: MIT
"""The sole importer of the wrapped Fortran procedures, and the checks before each call.

Fortran trusts its caller: whatever reaches it has passed `as_fortran`, so a wrong shape is
an exception here and never a write beyond an array's end.
"""

import numbers
from typing import Any

import cffi
import numpy as np
import numpy.typing as npt

from isthmus._models import __file__ as extension
from isthmus.errors import BindingError, ConfigurationError
from isthmus.models import _generated
from isthmus.models._generated import (
    Bulk_Api,
    Chemistry_Api,
    Inverse_Api,
    Lorenz96_Api,
    Lorenz96_Windows_Api,
    Swe_Api,
)

FloatArray = npt.NDArray[np.float64]

fortran: Any = Lorenz96_Api
fortran_windows: Any = Lorenz96_Windows_Api
fortran_inverse: Any = Inverse_Api
fortran_shallow_water: Any = Swe_Api
fortran_chemistry: Any = Chemistry_Api
fortran_bulk: Any = Bulk_Api

# By its C interface, since a wrapped call costs two microseconds more:
# fortran/lorenz96/isthmus_lorenz96.h.
ffi = cffi.FFI()
ffi.cdef("""
void isthmus_lorenz96_gradient(int32_t n, int32_t n_times, double forcing, double dt,
                               const double *x_0, const double *observed,
                               const double *weight, double *cost, double *x_ad,
                               double *forcing_ad);
""")
fortran_by_c: Any = ffi.dlopen(extension)

SCHEMES = {"rk4": 1, "euler": 2}
WRAPS = {"ring": 1, "sites": 2}
COUPLINGS = {"mean": 1, "sum": 2}


def column_api(module: str) -> Any:  # noqa: ANN401 (f90wrap's)
    """Return what `isthmus_add_column` made for Python of a Fortran module."""
    return getattr(_generated, "_".join(map(str.capitalize, f"{module}_api".split("_"))))


def set_threads(n_threads: int) -> None:
    """Set how many OpenMP threads the Fortran models use.

    PyTorch shares the OpenMP runtime, so its own operations may follow.

    Raises
    ------
    ConfigurationError
        If the number is less than one.
    """
    if n_threads < 1:
        raise ConfigurationError(f"'n_threads' must be at least 1, found {n_threads}")
    fortran.set_threads(n_threads)


def as_fortran(
    name: str, array: FloatArray, shape: tuple[int | None, ...], *, writable: bool = False
) -> FloatArray:
    """Return the Fortran reading of an array: the same memory, axes reversed.

    Parameters
    ----------
    name
        What the error calls the array.
    array
        C-contiguous float64.
    shape
        What its shape must be; None for an extent that is free.
    writable
        Whether Fortran will write to it.

    Raises
    ------
    BindingError
        If type, shape, order or writability is not as needed.
    """
    if not isinstance(array, np.ndarray):
        raise BindingError(f"'{name}' is a {type(array).__name__}, expected a numpy array")
    if array.dtype != np.float64:
        raise BindingError(f"'{name}' has dtype {array.dtype}, expected float64")
    fits = array.ndim == len(shape)
    if fits and array.shape != shape:  # without a generator: some calls take microseconds
        for wanted, found in zip(shape, array.shape, strict=True):
            fits = fits and (wanted is None or wanted == found)
    if not fits:
        sizes = ", ".join("member" if extent is None else str(extent) for extent in shape)
        raise BindingError(f"'{name}' has shape {list(array.shape)}, expected [{sizes}]")
    if array.size == 0:
        raise BindingError(f"'{name}' has no elements: shape {list(array.shape)}")
    if not array.flags.c_contiguous:
        raise BindingError(f"'{name}' is not C-contiguous; pass a contiguous copy")
    if writable and not array.flags.writeable:
        raise BindingError(f"'{name}' is read-only, it is changed in place")
    return array.T


def per_member(name: str, value: float | FloatArray, shape: tuple[int, ...]) -> FloatArray:
    """Spread a number, or an array that broadcasts, over the members.

    Raises
    ------
    BindingError
        If it does not broadcast to `shape`.
    """
    try:
        spread = np.broadcast_to(np.asarray(value, np.float64), shape)
    except ValueError:
        found = list(np.shape(value))
        message = (
            f"'{name}' has shape {found}, expected one that broadcasts to {list(shape)}"
        )
        raise BindingError(message) from None
    return np.ascontiguousarray(spread)


def choose(name: str, value: str, choices: dict[str, int]) -> int:
    """Return the Fortran number of an option.

    Raises
    ------
    ConfigurationError
        If there is no such option.
    """
    if value not in choices:
        names = " or ".join(f"'{choice}'" for choice in choices)
        raise ConfigurationError(f"'{name}' must be {names}, found {value!r}")
    return choices[value]


def check_steps(dt: float, n_steps: int) -> None:
    """Refuse a time step or a number of steps that makes no sense.

    Raises
    ------
    ConfigurationError
        If `dt` is not finite, or `n_steps` is negative or no whole number.
    """
    if not np.isfinite(dt):
        raise ConfigurationError(f"'dt' must be finite, found {dt}")
    check_count("n_steps", n_steps)


def check_count(name: str, value: int) -> int:
    """Return a number of steps, or refuse what is none.

    Raises
    ------
    ConfigurationError
        If it is negative or no whole number.
    """
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise ConfigurationError(f"'{name}' must be a whole number, found {value!r}")
    if value < 0:
        raise ConfigurationError(f"'{name}' must not be negative, found {value}")
    return int(value)
