# SPDX-License-Identifier: MIT
"""Rate constants of POLLU through a trained conditional emulator.

The emulator knows which species react with which, and learns how fast: 25 constants, begun
30 % off, and 100 numbers for what the four factors do to each constant, begun near zero. It
makes six inner steps where the exact step makes 32. It is fitted here to single steps of
the Fortran model under factors that are drawn one and a half times as widely as the prior,
and written as a model file. `isthmus tune` then estimates the factors of the twins of
`tune_chemistry.toml` through that file alone, by its states, `jvp` and `vjp`.

    python tune_chemistry_emulator.py [--members 16]
    isthmus tune tune_chemistry_emulator.toml
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from isthmus.inverse.parameter_campaigns import Tuning, read_tuning
from isthmus.inverse.parametric_files import write_step
from isthmus.inverse.rate_constants import RateConstants
from isthmus.learn.conditional import ForcedWindows
from isthmus.learn.least_squares import (
    flat_weights,
    least_squares,
    set_weights,
    with_weights,
)
from isthmus.nets.mass_action import (
    BoxesStep,
    LearnedConstants,
    MassAction,
    RosenbrockStep,
)

HERE = Path(__file__).resolve().parent
WIDE = 1.5  # prior deviations of the training's factors
N_INNER, FIRST_SHARE = 6, 3e-3
SHOWN = ("O3", "NO", "NO2")


def main() -> None:
    """Train, tell the errors of a step and of a window, and write the model file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--members", type=int, default=16)
    parser.add_argument("--output", type=Path, default=HERE / "chemistry.pt")
    args = parser.parse_args()
    torch.set_num_threads(1)
    tuning = read_tuning(HERE / "tune_chemistry.toml")
    truth = tuning.case.truth
    began = time.perf_counter()
    step = trained(truth, runs(tuning, args.members, 1))
    print(f"trained in {time.perf_counter() - began:.0f} s with data")
    print(errors(step, runs(tuning, 32, 2), truth.mechanism.species))
    boxes = BoxesStep(step.step, step.constants, truth.shape[0])
    state = torch.from_numpy(np.stack([tuning.case.start(np.ones(4), None)] * 2))
    ranges = dict.fromkeys(truth.names, (0.5, 2.0)) | {"x": (0.0, 1e-3)}
    write_step(boxes, args.output, state, ranges, dt=truth.dt, tolerance=1e-4)
    print(f"emulator: {args.output}")


def runs(tuning: Tuning, n: int, seed: int) -> ForcedWindows:
    """Return runs of single boxes, each from a start and under factors of its own."""
    rng, truth = np.random.default_rng(seed), tuning.case.truth
    box = truth.mechanism
    first = box.initial * np.exp(tuning.case.spread * rng.standard_normal((n, len(box))))
    w = WIDE * rng.standard_normal((n, len(truth.names)))
    p = tuning.prior.p(tuning.prior.mean + tuning.prior.sd * w)
    one = RateConstants(box, (truth.chosen + 1).tolist(), n_boxes=1, dt=truth.dt)
    x = [one.trajectory(x, q, tuning.n_steps) for x, q in zip(first, p, strict=True)]
    return ForcedWindows(torch.from_numpy(np.stack(x, axis=1)), torch.from_numpy(p))


def trained(truth: RateConstants, train: ForcedWindows) -> BoxesStep:
    """Return the emulator of a single box."""
    torch.manual_seed(0)
    box = truth.mechanism
    kinetics = MassAction(box.stoichiometry, box.reactants())
    inner = RosenbrockStep(kinetics, truth.dt, n_inner=N_INNER, first_share=FIRST_SHARE)
    constants = LearnedConstants(box.rate_constants(), len(truth.names))
    step = BoxesStep(inner, constants, 1)
    scale, n = largest(train), len(train.x) - 1
    y, target = train.x[:-1].flatten(0, 1), train.x[1:].flatten(0, 1)
    factors = train.forcing.repeat(n, 1)

    def residuals(weights: Tensor) -> Tensor:
        found = with_weights(step, weights)(y, *factors.unbind(1))
        return (found - target) / scale

    def normal(weights: Tensor) -> tuple[Tensor, Tensor]:
        """By the derivative in the constants, whose logarithms are linear in weights."""
        k = with_weights(constants, weights)(factors)
        columns, n_k = torch.eye(k.shape[1], dtype=k.dtype), k.shape[1]
        y_tl = torch.func.jvp(
            lambda k: inner(y.repeat_interleave(n_k, 0), k),
            (k.repeat_interleave(n_k, 0),),
            (k.repeat_interleave(n_k, 0) * columns.repeat(len(k), 1),),
        )[1]
        of_k = (y_tl / scale).reshape(len(k), n_k, -1)
        ones = torch.ones_like(factors[:, :1])
        basis = torch.cat([ones, torch.log(factors)], dim=1)
        jacobian = torch.einsum("nrs,na->arns", of_k, basis).reshape(len(weights), -1)
        return jacobian @ jacobian.t(), jacobian @ residuals(weights).flatten()

    found = least_squares(residuals, flat_weights(step), normal=normal, tolerance=0.1)
    set_weights(step, found.weights)
    print(f"{found.n_iterations} iterations, residual {found.error:.1e} of the largest")
    return step


def largest(data: ForcedWindows) -> Tensor:
    """Return the largest concentration of each species `[species]`."""
    return data.x.flatten(0, 1).amax(dim=0)


def errors(step: BoxesStep, data: ForcedWindows, species: list[str]) -> str:
    """Return the errors of single steps and of whole windows, of the species shown."""
    p, scale = data.forcing.unbind(1), largest(data)
    x, single, window = data.x[0], [], []
    with torch.no_grad():
        for before, after in zip(data.x[:-1], data.x[1:], strict=True):
            x = step(x, *p)
            single.append((step(before, *p) - after) / scale)
            window.append((x - after) / scale)
    lines = ["rms error, of the largest concentration:"]
    for name in SHOWN:
        i = species.index(name)
        one, all_steps = (
            float(torch.stack(wrong)[..., i].pow(2).mean().sqrt())
            for wrong in (single, window)
        )
        lines.append(f"  {name}: one step {one:.1e}, window {all_steps:.1e}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
