# SPDX-License-Identifier: MIT
"""The No-U-Turn sampler on a posterior that is known, with every kind of derivative.

Unknown are three amplitudes w ~ N(0, 1) of patterns E of the first state,
`x_0 = x_b + E w`; a few sites of Lorenz-96 are observed at the end of a window. Three
numbers can be integrated over on a grid, so that mean, deviation and skewness of the
posterior, which is no Gaussian, are known. Each kind of derivative then drives the same
sampler. Where the emulator only makes the gradient, the energy being the simulator's, the
density is still the right one: a leapfrog with a wrong force preserves volume and can be
run back, and the energy decides what is drawn.

    python sampling.py [--draws 1000] [--slow 150] [--network deep.weights]
        [--compiled bilinear.pt2] [--kinds Fortran emulator] [--own]

Errors of mean and deviation are in standard deviations of the posterior; beside them is
what so many effective samples let expect of the largest of three.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from derivatives import DT, F, K, deep_emulator, kinds
from rich.console import Console

from isthmus.cli.progress import progress_bars
from isthmus.inverse import (
    Diagonal,
    FortranModel,
    ForwardModel,
    FourDVar,
    Misfit,
    Observations,
    Samples,
    Sites,
    TorchModel,
    nuts,
)
from isthmus.models import Lorenz96

N_STEPS = 8
OBSERVED = range(0, K, 5)  # at the end of the window
SD = 2.0  # of the observations
SPREAD = 4.0  # of the prior along each pattern: that of the climate
SEED = 3
GRID, REACH = (
    61,
    4.5,
)  # points of the quadrature each way, and its reach in prior deviations
COARSE = 25  # points where a network is run
CHUNK = 20_000  # states of the quadrature that are run at a time
CHAINS = 2
COLUMNS = (
    "draws",
    "mean off",
    "expected",
    "sd off",
    "R-hat",
    "divergent",
    "effective",
    "gradients",
    "eff./grad.",
    "ms/grad.",
    "eff./s",
)
EXPECTED_OF_THREE = 1.3  # mean of the largest of three |N(0, 1)|


class Problem:
    """Three amplitudes that are unknown, and what is observed of them."""

    def __init__(self, simulator: FortranModel) -> None:
        rng = np.random.default_rng(SEED)
        ring = simulator.model
        first = ring.initial_state(1, seed=SEED)
        self.background = ring.advance(first, DT, n_steps=1000)[0]
        self.patterns = SPREAD * np.linalg.qr(rng.standard_normal((K, 3)))[0].T
        self.simulator = simulator
        self.truth, self.observations = self.simulate(rng)

    def simulate(self, rng: np.random.Generator) -> tuple[np.ndarray, Observations]:
        """Return amplitudes drawn from the prior, and noisy observations of them."""
        w = rng.standard_normal(3)
        sites = Sites(K, list(OBSERVED))
        first = self.background + w @ self.patterns
        end = self.simulator.trajectory(first[None], N_STEPS)[-1]
        values = sites(end) + SD * rng.standard_normal((1, len(OBSERVED)))
        return w, self.observed(values)

    def observed(self, values: np.ndarray, sd: float = SD) -> Observations:
        """Return values at the end of the window, believed to be as exact as given."""
        covariance = Diagonal(sd**2, len(OBSERVED))
        return Observations(
            np.array([N_STEPS]), values, Sites(K, list(OBSERVED)), covariance
        )

    def cost(
        self, model: ForwardModel, w: np.ndarray, observations: Observations | None = None
    ) -> Misfit:
        """Return J and its gradient at amplitudes, the model's."""
        if observations is None:
            observations = self.observations
        window = FourDVar(model, N_STEPS, observations, self.background)
        misfit = window.misfit(self.background + w @ self.patterns)
        return Misfit(misfit.cost + 0.5 * float(w @ w), w + self.patterns @ misfit.gradient)

    def moments(self, model: ForwardModel, n_points: int = GRID) -> np.ndarray:
        """Return mean, deviation and skewness of each amplitude `[3, 3]`, by quadrature."""
        axis = np.linspace(-REACH, REACH, n_points)
        w = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3)
        cost = np.empty(len(w))
        for first in range(0, len(w), CHUNK):
            part = slice(first, first + CHUNK)
            states = self.background + w[part] @ self.patterns
            departure = (
                self.observations.operator(model.advance(states, N_STEPS))
                - self.observations.values
            )
            prior = np.einsum("wi,wi->w", w[part], w[part])
            cost[part] = 0.5 * (prior + (departure**2).sum(axis=1) / SD**2)
        weight = np.exp(cost.min() - cost)
        weight /= weight.sum()
        mean = weight @ w
        sd = np.sqrt(weight @ (w - mean) ** 2)
        return np.stack([mean, sd, weight @ ((w - mean) / sd) ** 3])


def main() -> None:
    """Sample with all kinds and show the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=1000, help="of each chain")
    parser.add_argument("--slow", type=int, default=150, help="of those that take long")
    parser.add_argument("--network", type=Path, help="weights of train_deep.py")
    parser.add_argument("--compiled", type=Path, help="emulator, written if absent")
    parser.add_argument("--kinds", nargs="+", help="words in the names of those that run")
    parser.add_argument(
        "--own", action="store_true", help="quadrature of the network's own posterior, too"
    )
    args = parser.parse_args()
    torch.set_num_threads(1)
    simulator = FortranModel(Lorenz96(K, F), DT)
    problem = Problem(simulator)
    known = problem.moments(simulator)
    out = Console(highlight=False, width=180)
    for name, row in zip(("mean", "deviation", "skewness"), known, strict=True):
        out.print(f"{name:>10} {' '.join(f'{value:8.4f}' for value in row)}")
    if args.own and args.network is not None:
        emulator = TorchModel(deep_emulator(args.network, DT), K, dt=DT)
        own, same = (problem.moments(m, COARSE) for m in (emulator, simulator))
        shift = (own[0] - same[0]) / same[1]
        out.print(
            f"emulator's own mean {' '.join(f'{x:8.4f}' for x in shift)} deviations off"
        )
    out.print(f"{'derivatives':<40}{''.join(f'{name:>11}' for name in COLUMNS)}")
    nuts(lambda w: problem.cost(simulator, w), 3, n_draws=4, n_tune=4)  # compiles nutpie
    with tempfile.TemporaryDirectory() as folder, progress_bars() as update:
        for name, model in kinds(
            simulator, args.network, Path(folder), compiled=args.compiled
        ).items():
            if args.kinds and not any(word in name for word in args.kinds):
                continue
            n_draws = args.draws if name == "Fortran, by hand" else args.slow
            began = time.process_time()
            found = nuts(
                lambda w, model=model: problem.cost(model, w),
                3,
                n_draws=n_draws,
                n_tune=max(50, n_draws // 4),
                n_chains=CHAINS,
                seed=SEED,
            )
            seconds = time.process_time() - began
            update(name, 1.0)
            row = cells(found, known, seconds)
            out.print(f"{name:<40}{''.join(f'{cell:>11}' for cell in row)}")


def cells(found: Samples, known: np.ndarray, seconds: float) -> list[str]:
    """Return a row: errors of the moments, how well the chains mixed, what it cost."""
    mean, sd, _ = known
    effective = found.effective.min()
    error = float((np.abs(found.flat.mean(axis=0) - mean) / sd).max())
    sd_error = float(np.abs(found.flat.std(axis=0) / sd - 1.0).max())
    return [
        f"{found.draws.shape[0]} x {found.draws.shape[1]}",
        f"{error:.3f}",
        f"{EXPECTED_OF_THREE / np.sqrt(effective):.3f}",
        f"{sd_error:.3f}",
        f"{found.r_hat.max():.3f}",
        f"{found.n_divergent}",
        f"{effective:.0f}",
        f"{found.n_gradients}",
        f"{found.per_gradient:.3f}",
        f"{1e3 * seconds / found.n_gradients:.2f}",
        f"{effective / seconds:.1f}",
    ]


if __name__ == "__main__":
    main()
