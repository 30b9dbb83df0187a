# SPDX-License-Identifier: MIT
"""4D-Var with a window of 4 minimised as DAPPER does it, beside ours, on the same twins.

DAPPER forms the whole Jacobian and takes at most ten steps of Gauss and Newton without
damping. Its tangent-linear is not that of the Runge-Kutta step but `exp(J dt)`, with J at
the step's start. Both Jacobians are tried here.

    python window_of_four.py [--seeds 3] [--cycles 1100] [--variance 0.02]
"""

import argparse
import logging
from dataclasses import dataclass

import numpy as np
from rich.console import Console
from scipy.linalg import expm

from isthmus.cli.progress import progress_bars
from isthmus.inverse import FortranModel, SlidingFourDVar, Twin
from isthmus.inverse.twins import Estimate, Scheme
from isthmus.models import Lorenz96

K, DT, LAG, STEPS, BURN_IN = 40, 0.05, 4, 4, 100
ITERATIONS, ENOUGH = 10, 1e-5  # of Gauss and Newton; rms change of w at their end


@dataclass
class Undamped(Scheme):
    """Gauss and Newton's method with the whole Jacobian.

    Parameters
    ----------
    variance
        B is this times the identity.
    is_frozen
        Whether the tangent-linear of a step is `exp(J dt)`.
    """

    variance: float
    is_frozen: bool

    def start(self, twin: Twin, rng: np.random.Generator) -> None:
        """Begin at the first state."""
        self._twin, self._x, self._behind = twin, twin.first, 0

    def cycle(self, y: np.ndarray) -> Estimate:
        """Move the window, analyse its beginning, and run to its end."""
        twin, sd = self._twin, np.sqrt(self.variance)
        self._behind += 1
        if self._behind > LAG:
            self._x = twin.model.advance(self._x[None], twin.n_steps)[0]
            self._behind = LAG
        n_steps, w = self._behind * twin.n_steps, np.zeros(K)
        for _ in range(ITERATIONS):
            x = self._x + sd * w
            end = twin.model.advance(x[None], n_steps)[0]
            seen = sd * self._jacobian(x, n_steps)
            change = np.linalg.solve(np.eye(K) + seen.T @ seen, seen.T @ (y - end) - w)
            w = w + change
            if change @ change <= K * ENOUGH**2:
                break
        self._x = self._x + sd * w
        return Estimate(end + seen @ change, np.nan)

    def _jacobian(self, x: np.ndarray, n_steps: int) -> np.ndarray:
        """Return the derivative of the window's end in its beginning `[k, k]`."""
        if not self.is_frozen:
            return self._twin.model.propagator(x, n_steps)
        product = np.eye(K)
        for state in self._twin.model.trajectory(x[None], n_steps - 1)[:, 0]:
            product = expm(DT * slope(state)) @ product
        return product


def slope(x: np.ndarray) -> np.ndarray:
    """Return the derivative of the Lorenz-96 tendency `[k, k]`."""
    eye = np.eye(x.size)
    ahead, behind = (np.roll(eye, shift, axis=1) for shift in (1, -1))
    far = np.roll(eye, -2, axis=1)
    before = np.roll(x, 1)[:, None]
    return (ahead - far) * before + (np.roll(x, -1) - np.roll(x, 2))[:, None] * behind - eye


def main() -> None:
    """Run all and show the scores."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--cycles", type=int, default=1100)
    parser.add_argument("--variance", type=float, default=0.02)
    args = parser.parse_args()
    logging.disable(logging.WARNING)  # windows that do not converge: the score tells
    schemes = {
        "conjugate gradients, isthmus": SlidingFourDVar(LAG, args.variance),
        "Gauss-Newton, exact Jacobian": Undamped(args.variance, is_frozen=False),
        "Gauss-Newton, exp(J dt)": Undamped(args.variance, is_frozen=True),
    }
    rows = {}
    with progress_bars() as update:
        for name, scheme in schemes.items():
            scores = []
            for seed in range(1, args.seeds + 1):
                twin = Twin(
                    FortranModel(Lorenz96(K), DT), STEPS, args.cycles, BURN_IN, seed
                )
                scores.append(twin.run(scheme).rmse)
                update(name, seed / args.seeds)
            rows[name] = scores
    out = Console(highlight=False)
    for name, scores in rows.items():
        each = " ".join(f"{score:.4f}" for score in scores)
        out.print(f"{name:<30} {np.mean(scores):.4f}   {each}")


if __name__ == "__main__":
    main()
