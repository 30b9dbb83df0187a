# SPDX-License-Identifier: MIT
"""Friction of a tidal channel through a trained conditional emulator.

The emulator has the form of a semi-implicit step, a linear system inside, and learns eight
numbers: what slopes and flows do, and a power law of friction in drag, transport and depth.
It is fitted here to rollouts of three steps, from tides of the Fortran model under drags
that are drawn two prior deviations wide, and written as a model file whose known input is
the tide. `isthmus tune` then estimates the drags of the twins of `tune_friction.toml`
through that file alone, by its states, `jvp` and `vjp`.

    python tune_friction_emulator.py
    isthmus tune tune_friction_emulator.toml
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch

from isthmus.inverse.parameter_campaigns import Tuning, read_tuning
from isthmus.inverse.parametric_files import write_step
from isthmus.learn.conditional import DrivenRollout
from isthmus.learn.least_squares import (
    flat_weights,
    least_squares,
    set_weights,
    with_weights,
)
from isthmus.learn.samples import Windows
from isthmus.nets.channel import LearnedBasinStep

HERE = Path(__file__).resolve().parent
N_RUNS, N_VALID = 12, 8  # under drags of their own, over the window of the twins
N_LEADS, EVERY = 3, 17  # steps of the rollouts that it is fitted to, and how few of them
WIDE = 2.0  # prior deviations


def main() -> None:
    """Train, tell the errors of a step and of a window, and write the model file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=HERE / "friction.pt")
    args = parser.parse_args()
    torch.set_num_threads(1)
    tuning = read_tuning(HERE / "tune_friction.toml")
    began = time.perf_counter()
    train, valid = runs(tuning, N_RUNS, 1), runs(tuning, N_VALID, 2)
    step = trained(tuning, train)
    print(f"trained in {time.perf_counter() - began:.0f} s with data")
    print(f"law of friction: {np.round(step.law.detach().numpy(), 3)}")
    print(errors(step, valid))
    low, high = tuning.prior.bounds(WIDE)
    limits = zip(low.tolist(), high.tolist(), strict=True)
    ranges = dict(zip(tuning.prior.names, limits, strict=True))
    ranges |= {"level": (-1.0, 1.0), "x": (-1.0, 1.0)}
    write_step(step, args.output, valid.x[-1], ranges, dt=tuning.case.truth.dt)
    print(f"emulator: {args.output}")


def runs(tuning: Tuning, n: int, seed: int) -> Windows:
    """Return tides of the Fortran model, each under drags of its own."""
    rng, case = np.random.default_rng(seed), tuning.case
    low, high = (np.log(bound) for bound in tuning.prior.bounds(WIDE))
    p = np.exp(rng.uniform(low, high, (n, len(low))))
    x = [case.truth.trajectory(case.start(one, rng), one, tuning.n_steps) for one in p]
    level = [[case.level(i)] * n for i in range(tuning.n_steps + 1)]
    drags = np.broadcast_to(p, (tuning.n_steps + 1, *p.shape))
    beside = np.concatenate([drags, np.array(level)[..., None]], axis=-1)
    return Windows(torch.from_numpy(np.stack(x, axis=1)), torch.from_numpy(beside))


def trained(tuning: Tuning, train: Windows) -> LearnedBasinStep:
    """Return the emulator, fitted to rollouts of some steps."""
    torch.manual_seed(0)
    step = LearnedBasinStep(tuning.case.torch_step())
    rollout, scale = DrivenRollout(step), changes(train)
    places = torch.arange(0, train.count(N_LEADS), EVERY)
    start, target = train.batch(places, N_LEADS)

    def residuals(weights: torch.Tensor) -> torch.Tensor:
        found = with_weights(Predicted(rollout), weights)(*start)
        return (found - target) / scale

    found = least_squares(residuals, flat_weights(step))
    set_weights(step, found.weights)
    print(f"{found.n_iterations} iterations, residual {found.error:.1e} of the changes")
    return step.eval()


class Predicted(torch.nn.Module):
    """Rollouts as a module's `forward`."""

    def __init__(self, rollout: DrivenRollout) -> None:
        super().__init__()
        self.rollout = rollout

    def forward(self, x: torch.Tensor, beside: torch.Tensor) -> torch.Tensor:
        """Return the states [lead, member, k] that follow."""
        return self.rollout.predict((x, beside), N_LEADS)


def changes(data: Windows) -> torch.Tensor:
    """Return how much elevation and transports change in a step, per element `[k]`."""
    zeta, u, _ = data.x.diff(dim=0).chunk(3, dim=-1)
    n = zeta.shape[-1]
    return torch.cat([zeta.std().repeat(n), u.std().repeat(2 * n)])


def errors(step: LearnedBasinStep, data: Windows) -> str:
    """Return the errors of single steps and of whole windows."""
    inputs = data.beside.unbind(-1)
    x, level = data.x[0], data.x.chunk(3, dim=-1)[0]
    wrong = []
    with torch.no_grad():
        single = [step(s, *(v[i] for v in inputs)) for i, s in enumerate(data.x[:-1])]
        for i in range(len(data.x) - 1):
            x = step(x, *(v[i] for v in inputs))
            wrong.append(x.chunk(3, dim=-1)[0] - level[i + 1])
    change = (torch.stack(single) - data.x[1:]) / changes(data)
    return (
        f"one step: {change.pow(2).mean().sqrt():.1e} of the change in a step; elevation "
        f"over the window: {torch.stack(wrong).pow(2).mean().sqrt():.1e} m rms of "
        f"{level.std():.2f} m"
    )


if __name__ == "__main__":
    main()
