# SPDX-License-Identifier: MIT
"""Survival of the members of an ensemble run.

A member dies at the first output time at which one of its sites is not finite or lies
outside the plausible range; it never comes back. What it does afterwards is left out of the
climate.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from isthmus.couple.intervals import LEVEL, Interval, wilson_interval

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


def plausible(x: Array, low: float, high: float) -> Mask:
    """Tell which states are finite and inside `[low, high]` at all sites.

    Parameters
    ----------
    x
        States `[time, member, k]`; NaN counts as outside.

    Returns
    -------
    Mask
        `[time, member]`
    """
    return np.asarray(((x >= low) & (x <= high)).all(axis=-1))


@dataclass(frozen=True)
class Survival:
    """When the members of a run died.

    Attributes
    ----------
    death_times
        Model time of death `[member]`, infinity for those alive at the end.
    start, end
        First and last time that was seen.
    n_unseen
        Members known to have died after the last output (the program stopped on them).
    """

    death_times: Array
    start: float
    end: float
    n_unseen: int = 0

    @property
    def n_members(self) -> int:
        """Number of members."""
        return int(self.death_times.size)

    @property
    def n_dead(self) -> int:
        """Number of members that died, seen or unseen."""
        seen = int(np.count_nonzero(np.isfinite(self.death_times)))
        return min(self.n_members, max(seen, self.n_unseen))

    def fraction(self, level: float = LEVEL) -> Interval:
        """Return the share of members alive at the end, with Wilson's interval."""
        return wilson_interval(self.n_members - self.n_dead, self.n_members, level)

    def curve(self, times: Array, level: float = LEVEL) -> tuple[Array, Array, Array]:
        """Return share alive and its limits at `times`, each `[time]`."""
        alive = (self.death_times[None, :] > times[:, None]).sum(axis=1)
        table = {
            n: wilson_interval(int(n), self.n_members, level) for n in np.unique(alive)
        }
        rows = np.array([(table[n].value, table[n].low, table[n].high) for n in alive])
        return rows[:, 0], rows[:, 1], rows[:, 2]
