# SPDX-License-Identifier: MIT
"""F, h, c and b of two-level Lorenz-96 through a trained conditional emulator.

The emulator, a coupled bilinear network that is given the four coefficients, is trained
here on short runs under coefficients that are drawn three prior deviations wide, and
written as a model file. `isthmus tune` then estimates the coefficients of the twins of
`tune_two_level.toml` through that file alone, by its states, `jvp` and `vjp`.

    python tune_two_level_emulator.py [--epochs 25 25] [--inner 4]
    isthmus tune tune_two_level_emulator.toml
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch

from isthmus.inverse.parameter_campaigns import Tuning, read_tuning
from isthmus.inverse.parametric_files import write_step
from isthmus.learn import Curriculum, FitSettings, RolloutLoss, fit
from isthmus.learn.conditional import ConditionalRollout, ForcedWindows
from isthmus.nets.two_level import CoupledBilinearNet, TwoLevelStep

HERE = Path(__file__).resolve().parent
N_RUNS, N_VALID, LENGTH = 96, 16, 40  # under coefficients of their own; steps of each
WIDE = 3.0  # prior deviations
N_PART = 24
N_SLOW, N_FAST = 8, 8
PATIENT = 10**6  # L-BFGS needs no lower rate
SMALL = 1e-6  # unit of the errors: torch's L-BFGS stops at small gradients
FIRST = 0.3  # of the usual first weights: c and b multiply products by a hundred


def main() -> None:
    """Train, tell the error in a step, and write the model file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, nargs=2, default=[25, 25])
    parser.add_argument("--inner", type=int, default=4, help="Runge-Kutta steps in one")
    parser.add_argument("--output", type=Path, default=HERE / "two_level.pt")
    args = parser.parse_args()
    torch.set_num_threads(1)
    tuning = read_tuning(HERE / "tune_two_level.toml")
    began = time.perf_counter()
    train, valid = runs(tuning, N_RUNS, 1), runs(tuning, N_VALID, 2)
    step = trained(train, valid, tuning.case.truth.dt, args.inner, args.epochs)
    print(f"trained in {time.perf_counter() - began:.0f} s with data")
    slow, fast = errors(step, valid)
    print(f"one-step error, of the change in a step: slow {slow:.1e}, fast {fast:.1e}")
    low, high = tuning.prior.bounds(WIDE)
    ranges = zip(
        tuning.prior.names, zip(low.tolist(), high.tolist(), strict=True), strict=True
    )
    state = 0.3 * torch.randn(2, tuning.case.truth.n_state, dtype=torch.float64)
    write_step(step, args.output, state, dict(ranges), dt=tuning.case.truth.dt)
    print(f"emulator: {args.output}")


def runs(tuning: Tuning, n: int, seed: int) -> ForcedWindows:
    """Return runs of the Fortran model, each under coefficients of its own."""
    rng, truth = np.random.default_rng(seed), tuning.case.truth
    p = rng.uniform(*tuning.prior.bounds(WIDE), (n, len(tuning.prior.names)))
    states = [truth.trajectory(tuning.case.start(one, rng), one, LENGTH) for one in p]
    return ForcedWindows(torch.from_numpy(np.stack(states, axis=1)), torch.from_numpy(p))


def trained(
    train: ForcedWindows, valid: ForcedWindows, dt: float, inner: int, epochs: list[int]
) -> TwoLevelStep:
    """Return the emulator: Adam comes near, L-BFGS on a part of the runs nearer."""
    torch.manual_seed(0)
    step = TwoLevelStep(CoupledBilinearNet(N_SLOW, N_FAST), dt, inner)
    with torch.no_grad():
        for weight in step.parameters():
            weight.mul_(FIRST)
    adam = FitSettings(
        dtype="float64", learning_rate=3e-2, schedule="cosine", batch_size=128
    )
    lbfgs = FitSettings("lbfgs", 1.0, dtype="float64", evaluate_every=1, patience=PATIENT)
    part = ForcedWindows(train.x[:, :N_PART], train.forcing[:N_PART])
    stages = (train, adam, 1.0), (part, lbfgs, SMALL)
    for (data, settings, size), n_epochs in zip(stages, epochs, strict=True):
        fit(
            ConditionalRollout(step),
            data,
            valid,
            curriculum=Curriculum((1,), n_epochs),
            loss=RolloutLoss(scale=tuple((size * changes(train)).tolist())),
            settings=settings,
        )
    return step.eval()


def changes(data: ForcedWindows) -> torch.Tensor:
    """Return how much the slow and the fast level change in a step, per element `[k]`."""
    change = data.x.diff(dim=0)
    slow, fast = change[..., :N_SLOW].std(), change[..., N_SLOW:].std()
    return torch.cat([slow.repeat(N_SLOW), fast.repeat(N_SLOW * N_FAST)])


def errors(step: TwoLevelStep, data: ForcedWindows) -> tuple[float, float]:
    """Return the errors of both levels in a step, relative to the change."""
    before, after = data.x[:-1], data.x[1:]
    p = data.forcing.repeat(len(before), 1).unbind(1)
    with torch.no_grad():
        found = step(before.flatten(0, 1), *p).reshape(before.shape)
    wrong, change = found - after, after - before
    levels = (..., slice(None, N_SLOW)), (..., slice(N_SLOW, None))
    slow, fast = (float(wrong[level].norm() / change[level].norm()) for level in levels)
    return slow, fast


if __name__ == "__main__":
    main()
