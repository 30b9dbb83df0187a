# SPDX-License-Identifier: MIT
"""Simulation-based calibration: whether a posterior is neither too narrow nor too wide.

A truth is drawn from the prior and observed; a sampler, given the observations, draws from
its posterior. If posterior and prior belong together, the rank of the truth among n draws
is uniform on 0 to n, for each element: Talts, Betancourt, Simpson, Vehtari and Gelman
(2018), arXiv 1804.06788. Too narrow a posterior makes the histogram of ranks a cup, too
wide a cap, a bias a slope. Draws are to be independent: thin a chain.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from scipy.stats import chisquare

from isthmus.errors import ConfigurationError
from isthmus.inverse.forward import Array

Data = TypeVar("Data")


@dataclass(frozen=True)
class Calibration:
    """Ranks of truths among posterior draws.

    Attributes
    ----------
    ranks
        0 to n_draws, `[trial, element]`.
    n_draws
        Draws of each posterior.
    """

    ranks: np.ndarray
    n_draws: int

    def histogram(self, n_bins: int = 8) -> np.ndarray:
        """Return how many ranks of all elements fall into each of equal bins `[bin]`."""
        return self._counts(self.ranks.ravel(), n_bins)

    def p_value(self, n_bins: int = 8) -> float:
        """Return the probability of a histogram this far from flat, by chi-square.

        The elements of one trial share its observations, so that their ranks are not
        independent: each element is tested alone, and the smallest p-value counts times
        the number of elements (Bonferroni).
        """
        p = [chisquare(self._counts(r, n_bins)).pvalue for r in self.ranks.T]
        return float(min(1.0, min(p) * len(p)))

    def _counts(self, ranks: np.ndarray, n_bins: int) -> np.ndarray:
        """Return the counts of equal bins.

        Raises
        ------
        ConfigurationError
            If the ranks 0 to n_draws cannot be parted equally.
        """
        if n_bins < 2 or (self.n_draws + 1) % n_bins:
            raise ConfigurationError(
                f"'n_bins' must part {self.n_draws + 1} ranks equally, found {n_bins}"
            )
        width = (self.n_draws + 1) // n_bins
        return np.bincount(ranks // width, minlength=n_bins)


def calibrate(
    simulate: Callable[[np.random.Generator], tuple[Array, Data]],
    sample: Callable[[Data, np.random.Generator], Array],
    *,
    n_trials: int,
    n_draws: int,
    seed: int = 1,
    progress: Callable[[float], None] | None = None,
) -> Calibration:
    """Return the ranks of truths among draws of their posteriors.

    Parameters
    ----------
    simulate
        Draws a truth `[element]` from the prior, and what is observed of it.
    sample
        Returns posterior draws `[sample, element]`, `n_draws` at least; a chain is thinned
        to as many, equally spaced.
    n_trials, n_draws
        Truths, and draws of each posterior.
    seed
        Of truths, observations and samplers.
    progress
        Told the share done, 0 to 1.

    Raises
    ------
    ConfigurationError
        If a sampler returns fewer draws.
    """
    ranks = []
    for trial in range(n_trials):
        rng = np.random.default_rng([seed, trial])
        truth, data = simulate(rng)
        draws = sample(data, rng)
        if len(draws) < n_draws:
            raise ConfigurationError(f"'sample' gave {len(draws)} draws, needs {n_draws}")
        kept = draws[np.linspace(0, len(draws) - 1, n_draws).round().astype(int)]
        ranks.append((kept < truth).sum(axis=0))
        if progress is not None:
            progress((trial + 1) / n_trials)
    return Calibration(np.array(ranks), n_draws)
