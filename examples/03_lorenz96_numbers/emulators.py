# SPDX-License-Identifier: MIT
"""Emulators of the one-level model (K = 40, F = 8, dt = 0.05) beside published figures.

Trains the bilinear network here (seconds) and reads the deep one from `train_deep.py`.
Truth and first states are the Fortran model's; each state ends its own run of 50 units.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from isthmus.learn.lorenz96 import EMULATORS, train_to_rounding
from isthmus.learn.measures import (
    Estimate,
    jacobian,
    jacobian_by_lead,
    lyapunov_exponent,
    rmse_by_lead,
)
from isthmus.learn.simulators import simulate_one_level
from isthmus.models import Lorenz96
from isthmus.nets import Lorenz96Tendency, Rk4Step

DT, K, F = 0.05, 40, 8.0
LEADS = (1, 10, 20, 40, 60, 80, 100)
JACOBIAN_LEADS = (1, 5, 10, 20, 40, 60)


def main() -> None:
    """Train, measure and save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--states", type=int, default=1000)
    parser.add_argument("--jacobian-curve-states", type=int, default=50)
    parser.add_argument("--lyapunov-members", type=int, default=100)
    parser.add_argument("--lyapunov-time", type=float, default=50.0)
    parser.add_argument("--networks", nargs="+", default=["bilinear", "deep"])
    parser.add_argument("--output", type=Path, default=Path("out/numbers"))
    args = parser.parse_args()
    torch.set_num_threads(1)
    args.output.mkdir(parents=True, exist_ok=True)
    truth = true_trajectories(args.states)
    model = Rk4Step(Lorenz96Tendency(F), DT)
    for name in args.networks:
        net, seconds = trained(name, args.output)
        numbers = {
            "processor_seconds": seconds,
            **measure(Rk4Step(net, DT), model, truth, args),
        }
        (args.output / f"{name}.json").write_text(json.dumps(numbers, indent=1) + "\n")
        print(name, json.dumps(numbers, indent=1))


def true_trajectories(n_states: int) -> Tensor:
    """Return runs of five time units [time, member, k], each after its own 50 units."""
    model = Lorenz96(n_sites=K, forcing=F)
    x = model.initial_state(n_states, seed=5)
    model.advance(x, dt=DT, n_steps=round(50 / DT))
    states = [x.copy()]
    for _ in range(max(LEADS)):
        model.step(x, DT)
        states.append(x.copy())
    return torch.from_numpy(np.stack(states))


def trained(name: str, output: Path) -> tuple[nn.Module, float]:
    """Return a trained network in double precision and the processor time it took."""
    if name in ("bilinear", "square"):
        data = simulate_one_level(1200, dt=DT)
        start = time.process_time()
        step, _ = train_to_rounding(name, data.slice(0, 941), data.slice(941, 1072))
        return step.tendency, time.process_time() - start
    step = Rk4Step(EMULATORS[name](), DT)
    step.load_state_dict(torch.load(output / f"{name}.weights", weights_only=True))
    lines = (output / f"{name}.jsonl").read_text().splitlines()
    return step.tendency.double().eval(), json.loads(lines[-1])["seconds"]


def measure(
    step: nn.Module, model: nn.Module, truth: Tensor, args: argparse.Namespace
) -> dict[str, object]:
    """Return errors by lead, derivative errors and the leading Lyapunov exponent."""
    errors = rmse_by_lead(step, truth, LEADS)
    start = truth[0]
    error = (jacobian(step, start) - jacobian(model, start)).flatten(1).norm(dim=1)
    few = start[: args.jacobian_curve_states]
    curve = {}
    pairs = zip(
        JACOBIAN_LEADS,
        jacobian_by_lead(step, few, JACOBIAN_LEADS),
        jacobian_by_lead(model, few, JACOBIAN_LEADS),
        strict=True,
    )
    for lead, got, true in pairs:
        relative = (got - true).flatten(1).norm(dim=1) / true.flatten(1).norm(dim=1)
        curve[f"{lead * DT:g}"] = vars(Estimate.of(relative))
    growth = {}
    for name, which in (("network", step), ("model", model)):
        growth[name] = vars(
            lyapunov_exponent(
                which,
                start[: args.lyapunov_members],
                dt=DT,
                n_steps=round(args.lyapunov_time / DT),
                n_settle=200,
            )
        )
    return {
        "rmse": {
            f"{lead * DT:g}": vars(Estimate.of(e))
            for lead, e in zip(LEADS, errors, strict=True)
        },
        "one_step_median": float(errors[0].median()),
        "jacobian_frobenius": vars(Estimate.of(error)),
        "jacobian_relative_by_lead": curve,
        "lyapunov": growth,
    }


if __name__ == "__main__":
    main()
