# SPDX-License-Identifier: MIT
"""Simulation-based calibration of the sampler, with several kinds of derivative.

Amplitudes are drawn from their prior and observed, as `sampling.py` has it; NUTS draws from
the posterior of each. If the sampler is right, the rank of the truth among the draws is
uniform. Where the emulator is the model its posterior is another one, of which the ranks
tell too. The last row is a control that must fail: observations believed twice as exact as
they are.

    python calibration_ranks.py [--trials 200] [--slow 60] [--network deep.weights]
        [--kinds Fortran emulator] [--compiled bilinear.pt2]
"""

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from derivatives import DT, F, K, kinds
from rich.console import Console
from sampling import SD, Problem

from isthmus.cli.progress import progress_bars
from isthmus.inverse import Calibration, FortranModel, ForwardModel, calibrate, nuts
from isthmus.inverse.observations import Observations
from isthmus.models import Lorenz96

BY_HAND = "Fortran, by hand"
CONTROL = "control: sd halved"
N_RANKED, THIN, N_TUNE = 31, 3, 60  # draws of a posterior, of every so many
N_BINS = 8


def main() -> None:
    """Rank the truths and show the histograms."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--slow", type=int, default=60, help="of all but Fortran's adjoint")
    parser.add_argument("--network", type=Path, help="weights of train_deep.py")
    parser.add_argument("--compiled", type=Path, help="emulator, written if absent")
    parser.add_argument("--kinds", nargs="+", help="words in the names of those that run")
    args = parser.parse_args()
    torch.set_num_threads(1)
    simulator = FortranModel(Lorenz96(K, F), DT)
    problem = Problem(simulator)
    out = Console(highlight=False, width=140)
    out.print(f"{'derivatives':<34}{'trials':>7}{'chi-square p':>14}   ranks in eight bins")
    with tempfile.TemporaryDirectory() as folder, progress_bars() as update:
        models = kinds(simulator, args.network, Path(folder), compiled=args.compiled)
        models[CONTROL] = simulator
        for name, model in models.items():
            if args.kinds and not any(word in name for word in args.kinds):
                continue
            found = ranks(
                problem,
                model,
                args.trials if model is simulator else args.slow,
                sd=SD / 2.0 if name == CONTROL else SD,
                progress=lambda share, name=name: update(name, share),
            )
            counts = " ".join(f"{n:4d}" for n in found.histogram(N_BINS))
            p = found.p_value(N_BINS)
            out.print(f"{name:<34}{len(found.ranks):>7}{p:>14.2g}   {counts}")


def ranks(
    problem: Problem,
    model: ForwardModel,
    n_trials: int,
    *,
    sd: float,
    progress: Callable[[float], None],
) -> Calibration:
    """Return the ranks of truths drawn from the prior."""

    def sample(seen: Observations, rng: np.random.Generator) -> np.ndarray:
        believed = problem.observed(seen.values, sd)
        return nuts(
            lambda w: problem.cost(model, w, believed),
            3,
            n_draws=N_RANKED * THIN,
            n_tune=N_TUNE,
            n_chains=1,
            seed=int(rng.integers(2**31)),
        ).flat

    return calibrate(
        problem.simulate, sample, n_trials=n_trials, n_draws=N_RANKED, progress=progress
    )


if __name__ == "__main__":
    main()
