# SPDX-License-Identifier: MIT
"""Why error bars of friction hold too few truths, and what mends them.

What the gauges of `tune_friction.toml` see is a smooth function of two numbers, the
logarithms of the drags: some hundred runs of the Fortran model tell it everywhere, by
Chebyshev polynomials. Twins are then cheap, and each
one's posterior is known by quadrature. Three intervals are compared: that of the Gaussian
at the minimum, as `isthmus tune` makes it without [posterior], that of its weighted draws,
and the posterior's own.

    python friction_intervals.py [--twins 200] [--draws 128]
"""

import argparse
from pathlib import Path

import numpy as np
from numpy.polynomial import chebyshev
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from isthmus.cli.progress import progress_bar
from isthmus.inverse import Diagonal, Observations, Sites
from isthmus.inverse.estimation import Estimation
from isthmus.inverse.parameter_campaigns import Tuning, read_tuning
from isthmus.inverse.parameter_results import LEVELS
from isthmus.inverse.parametric import ParametricModel, Sensitivity
from isthmus.inverse.posterior_draws import draw_posterior

HERE = Path(__file__).resolve().parent
REACH = 4.5  # of the polynomials, in prior deviations
DEGREE = 14
GRID = 161  # points of the quadrature each way


class Surface(ParametricModel):
    """What the gauges see, as a polynomial of the logarithms of the drags."""

    dt = 1.0

    def __init__(self, tuning: Tuning) -> None:
        prior, case = tuning.prior, tuning.case
        self.names, self.prior = prior.names, prior
        nodes = chebyshev.chebpts1(DEGREE + 1)
        pairs = np.stack(np.meshgrid(nodes, nodes, indexing="ij"), axis=-1).reshape(-1, 2)
        seen = []
        with progress_bar(f"{len(pairs)} runs of the model") as update:
            for i, pair in enumerate(pairs):
                p = prior.p(prior.mean + REACH * prior.sd * pair)
                x = case.start(p, np.random.default_rng(0))
                states = case.truth.trajectory(x, p, tuning.n_steps)
                seen.append(case.operator(states[case.window.steps]).ravel())
                update((i + 1) / len(pairs))
        basis = chebyshev.chebvander2d(*pairs.T, [DEGREE, DEGREE])
        self.coefficients = np.linalg.solve(basis, np.array(seen))  # [term, obs]
        self.n_state = self.coefficients.shape[1]

    def at(self, q: np.ndarray, order: tuple[int, int] = (0, 0)) -> np.ndarray:
        """Return what is seen at q `[..., 2]`, or a derivative in q, `[..., obs]`."""
        c = self.coefficients.reshape(DEGREE + 1, DEGREE + 1, -1)
        scale = 1.0
        for axis, n in enumerate(order):
            c = chebyshev.chebder(c, n, axis=axis)
            scale /= (REACH * self.prior.sd[axis]) ** n
        u = (q - self.prior.mean) / (REACH * self.prior.sd)
        basis = chebyshev.chebvander2d(u[..., 0], u[..., 1], [len(c) - 1, c.shape[1] - 1])
        flat = basis.reshape(*q.shape[:-1], -1)  # one point: no axis of its own
        return scale * (flat @ c.reshape(-1, c.shape[-1]))

    def trajectory(self, x: np.ndarray, p: np.ndarray, n_steps: int) -> np.ndarray:
        """Return nothing, and what is seen `[2, obs]`."""
        return np.stack([np.zeros(self.n_state), self.at(self.prior.q(p))])

    def sweep_tl(
        self, states: np.ndarray, p: np.ndarray, x_tl: np.ndarray, p_tl: np.ndarray
    ) -> np.ndarray:
        """Return the changes `[2, column, obs]`."""
        changes = np.zeros((2, len(p_tl), self.n_state))
        changes[1] = (p_tl / p) @ self.slopes(p)
        return changes

    def sweep_ad(
        self, states: np.ndarray, p: np.ndarray, sensitivity: np.ndarray
    ) -> Sensitivity:
        """Return the sensitivities to the drags."""
        return Sensitivity(np.zeros(self.n_state), self.slopes(p) @ sensitivity[1] / p)

    def slopes(self, p: np.ndarray) -> np.ndarray:
        """Return the derivatives in q `[2, obs]`."""
        q = self.prior.q(p)
        return np.stack([self.at(q, (1, 0)), self.at(q, (0, 1))])


def main() -> None:
    """Count how often each kind of interval holds the truth."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--twins", type=int, default=200)
    parser.add_argument("--draws", type=int, default=128)
    args = parser.parse_args()
    tuning = read_tuning(HERE / "tune_friction.toml")
    surface = Surface(tuning)
    kinds = ("Gaussian at the minimum", f"{args.draws} weighted draws", "quadrature")
    inside = np.zeros((len(kinds), len(LEVELS), 2))
    sd, prior = tuning.case.window.sd, tuning.prior
    grid = Quadrature(surface, sd)
    with progress_bar(f"{args.twins} twins") as update:
        for twin in range(args.twins):
            rng = np.random.default_rng([1, twin])
            truth = prior.mean + prior.sd * rng.standard_normal(2)
            y = surface.at(truth) + sd * rng.standard_normal(surface.n_state)
            for kind, bounds in enumerate(intervals(surface, y, sd, args.draws, rng, grid)):
                inside[kind] += (bounds[:, 0] <= truth) & (truth <= bounds[:, 1])
            update((twin + 1) / args.twins)
    Console(highlight=False, width=120).print(table(kinds, inside, args.twins))
    print(
        f"polynomials off by {error_of(surface, tuning):.1e} m at most, errors are {sd} m"
    )


def intervals(
    surface: Surface,
    y: np.ndarray,
    sd: float,
    n_draws: int,
    rng: np.random.Generator,
    grid: "Quadrature",
) -> list[np.ndarray]:
    """Return the intervals of q of all levels `[level, 2, 2]`, of each kind."""
    n, prior = surface.n_state, surface.prior
    seen = Observations(np.array([1]), y[None], Sites(n), Diagonal(sd**2, n))
    problem = Estimation(surface, 1, seen, prior, np.zeros(n))
    found = problem.minimise().required()
    drawn = draw_posterior(problem, found, n_draws, rng)
    return [
        np.stack([prior.q(found.interval(level)) for level in LEVELS]),
        np.stack([drawn.interval(level) for level in LEVELS]),
        grid.intervals(y),
    ]


class Quadrature:
    """The posterior on a grid."""

    def __init__(self, surface: Surface, sd: float) -> None:
        prior = surface.prior
        axis = np.linspace(-REACH, REACH, GRID)
        self.axes = prior.mean + prior.sd * axis[:, None]  # [point, parameter]
        w = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1)
        self.seen = surface.at(prior.mean + prior.sd * w.reshape(-1, 2)) / sd
        self.cost = 0.5 * (w**2).sum(axis=-1).ravel()
        self.cost += 0.5 * np.einsum("qo,qo->q", self.seen, self.seen)
        self.sd = sd

    def intervals(self, y: np.ndarray) -> np.ndarray:
        """Return bounds of q of all levels `[level, 2, parameter]`."""
        cost = self.cost - self.seen @ (y / self.sd)
        density = np.exp(cost.min() - cost).reshape(GRID, GRID)
        bounds = np.empty((len(LEVELS), 2, 2))
        for i in range(2):
            marginal = density.sum(axis=1 - i)
            share = (np.cumsum(marginal) - 0.5 * marginal) / marginal.sum()
            for j, level in enumerate(LEVELS):
                ends = (0.5 - 0.5 * level, 0.5 + 0.5 * level)
                bounds[j, :, i] = np.interp(ends, share, self.axes[:, i])
        return bounds


def error_of(surface: Surface, tuning: Tuning) -> float:
    """Return the largest error of the polynomials at ten truths [m]."""
    prior, case, worst = tuning.prior, tuning.case, 0.0
    for seed in range(10):
        p = prior.sample(np.random.default_rng(seed))
        x = case.start(p, np.random.default_rng(0))
        states = case.truth.trajectory(x, p, tuning.n_steps)
        true = case.operator(states[case.window.steps]).ravel()
        worst = max(worst, float(np.abs(true - surface.at(prior.q(p))).max()))
    return worst


def table(kinds: tuple[str, ...], inside: np.ndarray, n: int) -> Table:
    """Return the shares of truths inside, in per cent."""
    shown = Table(box=SIMPLE_HEAD)
    shown.add_column("intervals")
    shown.add_column("parameter")
    for level in LEVELS:
        deviation = 100 * np.sqrt(level * (1 - level) / n)
        shown.add_column(f"{100 * level:.0f} +- {deviation:.1f}", justify="right")
    for kind, counts in zip(kinds, inside, strict=True):
        for i in range(2):
            shares = (f"{100 * count / n:.1f}" for count in counts[:, i])
            shown.add_row(kind if i == 0 else "", f"drag_{i + 1}", *shares)
    return shown


if __name__ == "__main__":
    main()
