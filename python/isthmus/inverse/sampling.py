# SPDX-License-Identifier: MIT
"""Samples of a posterior by the No-U-Turn sampler, with any of the derivatives underneath.

The density is `exp(-J(v))`, J and its gradient being those of 4D-Var or of any function
that returns both. The sampler is nutpie's (an optional package, `pip install
'isthmus[sampling]'`): Hoffman and Gelman (2014). Effective samples and R-hat are those of
Vehtari and others (2021), by ArviZ.

With a Laplace posterior the chains run in its whitened variable z of `v = v* + S z`, in
which a nearly Gaussian posterior is round: fewer leapfrog steps, more effective samples for
each gradient. The samples are of the posterior itself all the same.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from isthmus.errors import AssimilationError, ConfigurationError
from isthmus.inverse.forward import Array, Misfit
from isthmus.inverse.laplace import Laplace

MIXED = 1.01  # R-hat above which chains have not met (Vehtari and others 2021)

Cost = Callable[[Array], Misfit | tuple[float, Array]]


@dataclass(frozen=True)
class Samples:
    """What the chains found, and how well they mixed.

    Attributes
    ----------
    draws
        `[chain, draw, n]`.
    n_gradients
        Evaluations of cost and gradient, tuning included.
    n_divergent
        Draws at which the leapfrog's energy error was too large.
    effective, r_hat
        Bulk effective samples and R-hat of each element `[n]`.
    """

    draws: Array
    n_gradients: int
    n_divergent: int
    effective: Array
    r_hat: Array

    @property
    def flat(self) -> Array:
        """Return all draws `[sample, n]`."""
        return self.draws.reshape(-1, self.draws.shape[-1])

    @property
    def per_gradient(self) -> float:
        """Return effective samples of the worst element for each gradient."""
        return float(self.effective.min() / self.n_gradients)

    @property
    def is_converged(self) -> bool:
        """Whether the chains met and none diverged."""
        return self.n_divergent == 0 and bool((self.r_hat <= MIXED).all())

    def __str__(self) -> str:
        """Return one sentence."""
        end = "converged" if self.is_converged else "did not converge"
        return (
            f"NUTS {end}: {self.draws.shape[0]} chains of {self.draws.shape[1]} draws, "
            f"R-hat {self.r_hat.max():.4f} at worst, {self.n_divergent} divergences, "
            f"{self.effective.min():.0f} effective samples, {self.n_gradients} gradients"
        )

    def required(self) -> "Samples":
        """Return the samples themselves if the chains converged.

        Raises
        ------
        AssimilationError
            If they did not; R-hat and divergences are told.
        """
        if not self.is_converged:
            raise AssimilationError(f"{self}; draw more, or tune for longer")
        return self


def nuts(
    cost: Cost,
    n_control: int,
    *,
    n_draws: int = 1000,
    n_tune: int = 500,
    n_chains: int = 4,
    seed: int = 1,
    laplace: Laplace | None = None,
    acceptance: float = 0.8,
    progress: bool = False,
) -> Samples:
    """Return samples of `exp(-cost)`.

    Parameters
    ----------
    cost
        Returns J and its gradient at `v` `[n_control]`: `FourDVar.cost`.
    n_control
        Length of v.
    n_draws, n_tune, n_chains
        Of each chain: draws kept, draws of its tuning; and how many chains.
    seed
        Of all chains.
    laplace
        Posterior in whose whitened variable the chains run.
    acceptance
        Rate that the leapfrog's step is tuned for: larger in narrow, bent densities.
    progress
        Whether nutpie shows its bar.

    Raises
    ------
    ConfigurationError
        If nutpie is not installed, or a number is not positive.
    AssimilationError
        If the cost is not finite where a chain begins.
    """
    for name, number in (("n_draws", n_draws), ("n_tune", n_tune), ("n_chains", n_chains)):
        if number < 1:
            raise ConfigurationError(f"'{name}' must be at least 1, found {number}")
    nutpie = _nutpie()
    density = _Density(cost, laplace)
    rng = np.random.default_rng(seed)
    model = nutpie.compiled_pyfunc.from_pyfunc(
        n_control,
        lambda: density,
        lambda *_: lambda z: {"z": z},
        [np.dtype(np.float64)],
        [(n_control,)],
        ["z"],
        make_initial_point_fn=lambda _: 0.1 * rng.standard_normal(n_control),
    )
    start = density(0.1 * np.random.default_rng(seed).standard_normal(n_control))
    if not np.isfinite(start[0]):
        raise AssimilationError(
            "the cost is not finite where the chains begin: the model blew up; give the "
            "'laplace' of a converged analysis, or a narrower background"
        )
    density.n_gradients = 0
    trace = nutpie.sample(
        model,
        draws=n_draws,
        tune=n_tune,
        chains=n_chains,
        cores=1,  # Python holds one lock
        seed=seed,
        save_warmup=False,
        progress_bar=progress,
        target_accept=acceptance,
    )
    return _samples(trace, density)


class _Density:
    """Logarithm of the density and its gradient in z, counted."""

    def __init__(self, cost: Cost, laplace: Laplace | None) -> None:
        self.cost, self.laplace = cost, laplace
        self.n_gradients = 0

    def __call__(self, z: Array, **_: Any) -> tuple[float, Array]:  # noqa: ANN401
        """Return `-J` and its gradient; minus infinity where the model blows up."""
        self.n_gradients += 1
        with np.errstate(over="ignore", invalid="ignore"):  # far trials are turned down
            cost, gradient = self.cost(self.control(z))
        if not (np.isfinite(cost) and np.isfinite(gradient).all()):
            return -np.inf, np.zeros_like(z)
        return -cost, -(gradient if self.laplace is None else self.laplace.root(gradient))

    def control(self, z: Array) -> Array:
        """Return v `[..., n]`."""
        return z if self.laplace is None else self.laplace.whiten(z)


def _samples(trace: Any, density: _Density) -> Samples:  # noqa: ANN401
    """Return draws and diagnostics of nutpie's trace."""
    import arviz

    draws = density.control(np.asarray(trace.posterior["z"].values))
    parts = draws
    if len(draws) == 1:  # one chain has only its halves to compare
        half = draws.shape[1] // 2
        parts = draws[0, : 2 * half].reshape(2, half, -1)
    given = arviz.convert_to_dataset({"v": parts})
    return Samples(
        draws=draws,
        n_gradients=density.n_gradients,
        n_divergent=int(trace.sample_stats["diverging"].values.sum()),
        effective=np.asarray(arviz.ess(given)["v"].values),
        r_hat=np.asarray(arviz.rhat(given)["v"].values),
    )


def _nutpie() -> ModuleType:
    """Return the sampler's package.

    Raises
    ------
    ConfigurationError
        If it is not installed.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # ArviZ announces its next self
            import nutpie
            import nutpie.compiled_pyfunc
    except ImportError as error:
        raise ConfigurationError(
            f"sampling needs nutpie ({error}): pip install 'isthmus[sampling]'"
        ) from None
    return nutpie
