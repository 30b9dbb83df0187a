# SPDX-License-Identifier: MIT
"""The one list of names: what each array of Isthmus is called, measured in and laid out as.

Dimensions read slowest first, as in C, Python and netCDF. Fortran writes the same memory as
`x(k, member)`, one slab per time.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Field:
    """A named array: its dimensions, units and meaning, as Fortran writes them."""

    name: str
    dims: tuple[str, ...]
    units: str
    long_name: str


TIME: Final = "time"
MEMBER: Final = "member"
SITE: Final = "k"
FAST_SITE: Final = "jk"

FIELDS: Final = {
    field.name: field
    for field in (
        Field("time", (TIME,), "1", "model time"),
        Field("x", (TIME, MEMBER, SITE), "1", "resolved state"),
        Field("z", (TIME, MEMBER, FAST_SITE), "1", "unresolved state"),
        Field(
            "coupling",
            (TIME, MEMBER, SITE),
            "1",
            "tendency of x from the unresolved level",
        ),
        Field("forcing", (MEMBER,), "1", "forcing F of each member"),
    )
}
"""Every variable that a trajectory file may hold, by name."""
