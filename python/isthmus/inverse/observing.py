# SPDX-License-Identifier: MIT
"""Where the next observation teaches most: many candidates, several numbers each.

Around a posterior P of the controls, a candidate with gradients G `[part, control]` in
units of its error deviation changes P to `P - P G^T (1 + G P G^T)^-1 G P`. Two measures:

- information, `1/2 log det(1 + G P G^T)` [nat]: D-optimal sets have most of it;
- reduction, `1 - tr(P'_gg)/tr(P_gg)` over a group g of controls: A-optimal sets have most
  of it; for one control it is the relative fall of its variance.

All candidates are valued at once. Sets grow one by one (greedy: for information within
1 - 1/e of the best, Nemhauser, Wolsey and Fisher 1978), or the best of all is found where
there are few. Linear Gaussian theory: Alexanderian (2021), doi 10.1088/1361-6420/abe10c;
for the ocean Loose and Heimbach (2021), doi 10.1029/2020MS002386.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np

from isthmus.errors import ConfigurationError
from isthmus.inverse.forward import Array

MAX_SETS = 200_000  # that are tried one by one
BLOCK = 20_000  # sets valued at a time


@dataclass(frozen=True)
class Measure:
    """What an observation is valued by.

    Attributes
    ----------
    name
        "information", or that of a group.
    group
        Controls whose variance counts, logicals `[control]`; None for information.
    """

    name: str
    group: np.ndarray | None = None

    def gains(self, p: Array, rows: Array) -> Array:
        """Return the value of each candidate by itself `[candidate]`.

        Parameters
        ----------
        p
            Covariance of the controls before `[control, control]`.
        rows
            Gradients in units of the error deviation `[candidate, part, control]`.
        """
        spread = rows @ p  # [candidate, part, control]
        s = np.eye(rows.shape[1]) + spread @ rows.transpose(0, 2, 1)
        if self.group is None:
            return 0.5 * np.linalg.slogdet(s)[1]
        seen = spread[:, :, self.group]
        fall = np.einsum("cpg,cpg->c", seen, np.linalg.solve(s, seen))
        return fall / float(np.trace(p[np.ix_(self.group, self.group)]))


def updated(p: Array, rows: Array) -> Array:
    """Return P after observations with gradients `[..., control]`, all of them."""
    g = rows.reshape(-1, len(p))
    spread = g @ p
    after: Array = p - spread.T @ np.linalg.solve(np.eye(len(g)) + spread @ g.T, spread)
    return 0.5 * (after + after.T)


def scaled_rows(gradients: Array, deviation: Array) -> Array:
    """Return gradients in units of the error deviation `[candidate, part, control]`.

    Parameters
    ----------
    gradients
        `[candidate, part, control]`.
    deviation
        Of a candidate's errors, above 0 `[candidate]`.

    Raises
    ------
    ConfigurationError
        If shapes do not fit, a deviation is not above 0 or a gradient is not finite.
    """
    gradients, deviation = np.asarray(gradients, float), np.asarray(deviation, float)
    if gradients.ndim != 3 or deviation.shape != gradients.shape[:1]:
        raise ConfigurationError(
            f"'gradients' have shape {list(gradients.shape)} and 'deviation' "
            f"{list(deviation.shape)}, expected [candidate, part, control] and [candidate]"
        )
    if not (np.isfinite(deviation).all() and (deviation > 0.0).all()):
        worst = int(np.argmin(np.where(np.isfinite(deviation), deviation, -np.inf)))
        raise ConfigurationError(
            f"'deviation' must be above 0, found {deviation[worst]} at candidate {worst}"
        )
    finite = np.isfinite(gradients).all(axis=(1, 2))
    if not finite.all():
        raise ConfigurationError(
            f"'gradients' of candidate {int(np.argmin(finite))} are not finite"
        )
    return gradients / deviation[:, None, None]


def choose(p: Array, rows: Array, n_chosen: int, measure: Measure) -> list[int]:
    """Return candidates, each the best addition to those before.

    Parameters
    ----------
    p, rows
        As for `Measure.gains`.
    n_chosen
        How many.
    measure
        What they are valued by.
    """
    _check_number(n_chosen, len(rows))
    chosen: list[int] = []
    for _ in range(n_chosen):
        gains = measure.gains(p, rows)
        gains[chosen] = -np.inf
        chosen.append(int(np.argmax(gains)))
        p = updated(p, rows[chosen[-1]])
    return chosen


def choose_best(
    p: Array,
    rows: Array,
    n_chosen: int,
    measure: Measure,
    progress: Callable[[float], None] | None = None,
) -> list[int]:
    """Return the best set of all; see `choose` for the arguments.

    Raises
    ------
    ConfigurationError
        If there are too many sets to try.
    """
    _check_number(n_chosen, len(rows))
    n_sets = comb(len(rows), n_chosen)
    if n_sets > MAX_SETS:
        raise ConfigurationError(
            f"{n_chosen} of {len(rows)} candidates are {n_sets} sets, at most {MAX_SETS} "
            "are tried; choose fewer, or greedily"
        )
    sets = np.array(list(combinations(range(len(rows)), n_chosen)))
    best, found = -np.inf, sets[0]
    for start in range(0, n_sets, BLOCK):
        some = sets[start : start + BLOCK]
        gains = measure.gains(p, rows[some].reshape(len(some), -1, rows.shape[2]))
        if gains.max() > best:
            best, found = float(gains.max()), some[int(np.argmax(gains))]
        if progress is not None:
            progress(min(1.0, (start + BLOCK) / n_sets))
    return [int(i) for i in found]


def value_of(p: Array, rows: Array, chosen: list[int], measure: Measure) -> float:
    """Return the value of a set together."""
    together = rows[chosen].reshape(1, -1, rows.shape[2])
    return float(measure.gains(p, together)[0])


def _check_number(n_chosen: int, n_candidates: int) -> None:
    """Refuse to choose more than there are."""
    if not 1 <= n_chosen <= n_candidates:
        raise ConfigurationError(
            f"'n_chosen' must be 1 to {n_candidates}, found {n_chosen}"
        )
