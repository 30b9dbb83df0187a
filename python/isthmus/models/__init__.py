# SPDX-License-Identifier: MIT
"""The Fortran reference models in Python: the caller's arrays, no copies, with derivatives.

Arrays are `[member, k]`, float64 and C-contiguous: the same memory as Fortran's
`x(k, member)`. `step` and `advance` change the state in place.
"""

from isthmus.models._fortran import set_threads
from isthmus.models.lorenz96 import Lorenz96
from isthmus.models.lyapunov import LyapunovExponent, lyapunov_exponent
from isthmus.models.two_level import TwoLevelLorenz96

__all__ = [
    "Lorenz96",
    "LyapunovExponent",
    "TwoLevelLorenz96",
    "lyapunov_exponent",
    "set_threads",
]
