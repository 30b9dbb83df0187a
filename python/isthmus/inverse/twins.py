# SPDX-License-Identifier: MIT
"""Twin experiments: a truth, its noisy observations, and how well a scheme follows it.

The set-ups are those of Sakov and Oke (2008) and others as DAPPER has them (Raanes and
others 2024): truth and model are the same, all sites are observed with unit variance, and
the score is the time mean of the root mean square error of the analysis after a burn-in.
"""

import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from isthmus.errors import AssimilationError, ConfigurationError
from isthmus.inverse.covariances import Diagonal
from isthmus.inverse.ensembles import DIVERGED
from isthmus.inverse.forward import Array, Ending, ForwardModel
from isthmus.inverse.observations import Sites

FIRST_VARIANCE = 1e-3  # of truth and members around the first state
CORRELATED = 20  # cycles of a block when the error of a mean is estimated
LOGGER = logging.getLogger(__name__)
LOST = 0.9  # share of the climate's deviation beyond which a truth has been lost


class Estimate(NamedTuple):
    """What a scheme says after a cycle.

    Attributes
    ----------
    mean
        Analysis `[k]`.
    spread
        What it thinks its error is, NaN if it does not say.
    ending
        Of its minimisation, if it minimises.
    """

    mean: Array
    spread: float
    ending: Ending | None = None


class Scheme(ABC):
    """A way to assimilate, one observation time after another."""

    @abstractmethod
    def start(self, twin: "Twin", rng: np.random.Generator) -> None:
        """Begin at the twin's first state."""

    @abstractmethod
    def cycle(self, y: Array) -> Estimate:
        """Forecast to the next observation time and assimilate `y` `[obs]`."""


@dataclass(frozen=True)
class Score:
    """How well a scheme did.

    Attributes
    ----------
    rmse, rmse_error
        Time mean of the spatial root mean square error, and its standard error.
    spread
        Time mean of what the scheme thought.
    milliseconds
        Per cycle, processor time of the scheme alone.
    is_diverged
        Whether the truth was lost, or the ensemble blew up.
    errors
        Of each cycle `[cycle]`, the burn-in included.
    endings
        Of each cycle's minimisation `[cycle, 3]`: whether it converged (1 or 0), the norms
        of the gradient at its end and at its start; NaN where nothing was minimised.
    """

    rmse: float
    rmse_error: float
    spread: float
    milliseconds: float
    is_diverged: bool
    errors: Array
    endings: Array

    @property
    def n_unconverged(self) -> int:
        """Cycles whose minimisation did not converge."""
        return int(np.count_nonzero(self.endings[:, 0] == 0.0))

    @property
    def worst_gradient(self) -> float:
        """Largest share of the gradient's norm that such a cycle left."""
        of_these = self.endings[self.endings[:, 0] == 0.0]
        if not of_these.size:
            return np.nan
        return float((of_these[:, 1] / of_these[:, 2]).max())


@dataclass(frozen=True)
class Twin:
    """A truth and its observations.

    Parameters
    ----------
    model
        Of the truth and of the schemes.
    n_steps
        Steps between observations.
    n_cycles
        Observation times.
    burn_in
        Cycles left out of the score.
    seed
        Of truth, noise and schemes.
    sites
        What is observed, all sites if None.
    variance
        Of the observation errors.
    """

    model: ForwardModel
    n_steps: int
    n_cycles: int
    burn_in: int
    seed: int
    sites: Sites | None = None
    variance: float = 1.0

    def __post_init__(self) -> None:
        """Refuse a run that ends before its score begins."""
        if not 0 <= self.burn_in < self.n_cycles:
            raise ConfigurationError(
                f"'burn_in' must be 0 to {self.n_cycles - 1}, found {self.burn_in}"
            )

    @property
    def operator(self) -> Sites:
        """What is observed."""
        return Sites(self.model.n_state) if self.sites is None else self.sites

    @property
    def covariance(self) -> Diagonal:
        """R."""
        return Diagonal(self.variance, self.operator.indices.size)

    @property
    def first(self) -> Array:
        """First state `[k]`: rest, but for one site."""
        x = np.zeros(self.model.n_state)
        x[0] = 1.0
        return x

    def draw_first(self, n: int, rng: np.random.Generator) -> Array:
        """Return first states `[member, k]`."""
        noise = rng.standard_normal((n, self.model.n_state))
        return self.first + np.sqrt(FIRST_VARIANCE) * noise

    def generate(self) -> tuple[Array, Array]:
        """Return the truth at the observation times `[cycle, k]`, and what is observed."""
        rng = np.random.default_rng(self.seed)
        truth = np.empty((self.n_cycles, self.model.n_state))
        x = self.draw_first(1, rng)
        for i in range(self.n_cycles):
            x = self.model.advance(x, self.n_steps)
            truth[i] = x[0]
        return truth, self.operator(truth) + self.covariance.sample(rng, self.n_cycles)

    def run(self, scheme: Scheme, progress: Callable[[float], None] | None = None) -> Score:
        """Return the score of a scheme.

        Parameters
        ----------
        scheme
            Started here.
        progress
            Told the share done, 0 to 1.

        The first minimisation that does not converge is logged as a warning, the others as
        information; the score tells them all.
        """
        truth, observed = self.generate()
        scheme.start(self, np.random.default_rng(self.seed + 1_000_000))
        errors = np.full(self.n_cycles, np.nan)
        spreads = np.full(self.n_cycles, np.nan)
        endings = np.full((self.n_cycles, len(Ending._fields)), np.nan)
        seconds = 0.0
        for i, y in enumerate(observed):
            began = time.process_time()
            try:
                estimate = scheme.cycle(y)
            except AssimilationError:
                break
            seconds += time.process_time() - began
            departure = estimate.mean - truth[i]
            errors[i] = np.sqrt(departure @ departure / departure.size)
            spreads[i] = estimate.spread
            if estimate.ending is not None:
                _warn(i, estimate.ending, is_first=not (endings[:i, 0] == 0.0).any())
                endings[i] = estimate.ending
            if not errors[i] < DIVERGED:
                break
            if progress is not None and i % 100 == 0:
                progress((i + 1) / self.n_cycles)
        climate = float(truth.std(axis=0).mean())
        return self._score(errors, spreads, endings, seconds, climate)

    def _score(
        self, errors: Array, spreads: Array, endings: Array, seconds: float, climate: float
    ) -> Score:
        """Summarise the cycles after the burn-in."""
        counted = errors[self.burn_in :]
        rmse = float(counted.mean())
        blocks = counted[: counted.size // CORRELATED * CORRELATED].reshape(-1, CORRELATED)
        error = np.nan
        if len(blocks) > 1:
            error = float(blocks.mean(axis=1).std(ddof=1) / np.sqrt(len(blocks)))
        lost = bool(np.isnan(rmse) or counted[-CORRELATED:].mean() > LOST * climate)
        return Score(
            rmse=rmse,
            rmse_error=error,
            spread=float(spreads[self.burn_in :].mean()),
            milliseconds=1e3 * seconds / self.n_cycles,
            is_diverged=lost,
            errors=errors,
            endings=endings,
        )


def _warn(cycle: int, ending: Ending, *, is_first: bool) -> None:
    """Log a minimisation that did not converge."""
    if not ending.is_converged:
        level = logging.WARNING if is_first else logging.INFO
        LOGGER.log(level, "cycle %d %s", cycle, ending)
