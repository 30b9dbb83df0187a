# SPDX-License-Identifier: MIT
"""Closures of the two-level model: three ways to train, against two baselines and none.

Truth: the Fortran model, K = 36, J = 10, F = 10, h = 1, b = c = 10, dt = 0.01. Resolved
model: an emulator of the one-level model, itself trained from data. All rows share their
test states and the first states of their climate runs.
"""

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn

from isthmus.couple.autograd import fortran_step
from isthmus.data import Trajectories
from isthmus.learn import Curriculum, FitSettings
from isthmus.learn.lorenz96 import train_closure, train_to_rounding
from isthmus.learn.measures import Estimate, rmse_by_lead
from isthmus.learn.simulators import simulate_one_level
from isthmus.models import Lorenz96, TwoLevelLorenz96
from isthmus.nets import NoClosure, PolynomialClosure, ResolvedStep, Rk4Step

DT, K, F = 0.01, 36, 10.0
LEADS = {0.01: 1, 0.1: 10, 0.5: 50, 1.0: 100}
WAYS = ("torch", "Fortran")
Step = Callable[[Tensor], Tensor]


@dataclass
class Row:
    """One closure: where it came from and how it does."""

    name: str
    seconds: float
    r2: float
    rmse: list[Estimate]
    paired: list[Estimate]
    """Difference of the error to the offline closure, same states."""
    mean: Estimate
    sd: Estimate


def main() -> None:
    """Train, measure, print and save."""
    args = parse()
    torch.set_num_threads(1)
    args.output.mkdir(parents=True, exist_ok=True)
    data = truth_run(args.train_steps, args.train_members, spin_up=5.0, seed=1)
    test = truth_run(100, args.test_members, spin_up=20.0, seed=2)
    emulator, seconds = train_emulator(args.output)
    print(f"resolved emulator trained in {seconds:.1f} s of processor time")
    closures = train_all(emulator, data, args)
    truth_mean, truth_sd = climate_of_truth(args)
    rows = measure_all(emulator, closures, test, args)
    report(rows, truth_mean, truth_sd, args)


def parse() -> argparse.Namespace:
    """Read the command line; the defaults are the published amounts of training data."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--train-steps", type=int, default=500)
    parser.add_argument("--train-members", type=int, default=1)
    parser.add_argument("--test-members", type=int, default=2000)
    parser.add_argument("--climate-members", type=int, default=200)
    parser.add_argument("--climate-time", type=float, default=150.0)
    parser.add_argument("--rollout", type=int, default=10)
    parser.add_argument("--kinds", nargs="+", default=["local", "stencil"])
    parser.add_argument("--ways", nargs="+", default=list(WAYS), choices=WAYS)
    parser.add_argument("--epochs", type=int, help="cosine schedule instead of the plateau")
    parser.add_argument("--output", type=Path, default=Path("out/numbers/closures"))
    return parser.parse_args()


def truth_run(n_steps: int, n_members: int, *, spin_up: float, seed: int) -> Trajectories:
    """Run the Fortran two-level model; keep `x` and its `coupling` at every step."""
    model = TwoLevelLorenz96(n_sites=K, forcing=F)
    x, z = model.initial_state(n_members, seed=seed)
    model.advance(x, z, dt=DT, n_steps=round(spin_up / DT))
    states, couplings = [], []
    for i in range(n_steps + 1):
        if i > 0:
            model.step(x, z, dt=DT)
        states.append(x.copy())
        couplings.append(model.coupling_tendency(x, z))
    arrays = {"x": np.stack(states), "coupling": np.stack(couplings)}
    return Trajectories(
        arrays, DT * np.arange(n_steps + 1, dtype=np.float64), {"seed": seed}
    )


def train_emulator(output: Path) -> tuple[nn.Module, float]:
    """Train the bilinear network on the one-level model, float64."""
    truth = simulate_one_level(1200, dt=DT, n_sites=K, forcing=F, spin_up=5.0, seed=3)
    train, valid = truth.split(0.8)
    start = time.process_time()
    step, history = train_to_rounding("bilinear", train, valid, seed=1)
    print(f"emulator of the resolved model: one-step RMSE {history.best**0.5:.1e}")
    torch.save(step.tendency.state_dict(), output / "resolved.weights")
    return step.tendency, time.process_time() - start


def train_all(
    emulator: nn.Module, data: Trajectories, args: argparse.Namespace
) -> dict[str, tuple[nn.Module, float]]:
    """Return the closures with the processor time each took."""
    train, valid = data.split(0.8)
    x, coupling = (torch.from_numpy(data[name]) for name in ("x", "coupling"))
    closures: dict[str, tuple[nn.Module, float]] = {
        "none": (NoClosure(), 0.0),
        "linear -0.31 x - 0.2 (Rasp 2020)": (PolynomialClosure(), 0.0),
        "polynomial, degree 4 (Wilks 2005)": (PolynomialClosure.fitted(x, coupling), 0.0),
    }
    resolved_models: dict[str, Step | nn.Module] = {
        "torch": ResolvedStep(emulator, DT),
        "Fortran": fortran_model(),
    }
    settings = FitSettings(dtype="float64", evaluate_every=10, stop_patience=20, seed=0)
    if args.epochs is not None:
        settings = replace(settings, schedule="cosine", evaluate_every=100)
    epochs = args.epochs or 1000
    for kind in args.kinds:
        net, history = train_closure(
            "offline",
            train,
            valid,
            kind=kind,
            settings=settings,
            curriculum=Curriculum((1,), epochs),
        )
        closures[f"{kind}: offline"] = (net, history.seconds)
        for name in args.ways:
            net, history = train_closure(
                "rollout",
                train,
                valid,
                kind=kind,
                resolved=resolved_models[name],
                curriculum=Curriculum((args.rollout,), epochs),
                settings=settings,
            )
            closures[f"{kind}: rollout through {name}"] = (net, history.seconds)
    for name, (net, _) in closures.items():
        file = "".join(c if c.isalnum() else "_" for c in name)
        torch.save(net.state_dict(), args.output / f"{file}.weights")
    return closures


def fortran_model() -> Step:
    """Return the Fortran one-level step with its adjoint."""
    return fortran_step(Lorenz96(n_sites=K, forcing=F), DT)


def measure_all(
    emulator: nn.Module,
    closures: dict[str, tuple[nn.Module, float]],
    test: Trajectories,
    args: argparse.Namespace,
) -> list[Row]:
    """Measure every closure on the same states, coupled to the emulator."""
    truth = torch.from_numpy(test["x"])
    coupling = torch.from_numpy(test["coupling"])
    errors: dict[str, Tensor] = {}
    rows = []
    steps = {
        name: Rk4Step(emulator, DT, net.double().eval())
        for name, (net, _) in closures.items()
    }
    for name, step in steps.items():
        errors[name] = rmse_by_lead(step, truth, list(LEADS.values()))
    offline = errors[f"{args.kinds[0]}: offline"]
    for name, (net, seconds) in closures.items():
        with torch.no_grad():
            residual = net(truth[0]) - coupling[0]
        r2 = 1 - float((residual**2).mean() / coupling[0].var())
        paired = [Estimate.of(e) for e in errors[name] - offline]
        mean, sd = climate_of(steps[name], truth[0], args)
        rmse = [Estimate.of(e) for e in errors[name]]
        rows.append(Row(name, seconds, r2, rmse, paired, mean, sd))
        print(f"measured {name}")
    return rows


def climate_of(
    step: Step, x: Tensor, args: argparse.Namespace
) -> tuple[Estimate, Estimate]:
    """Return mean and standard deviation of long runs, after ten time units."""
    x = x[: args.climate_members]
    n_steps = round(args.climate_time / DT)
    total, square = torch.zeros(x.shape[0]).double(), torch.zeros(x.shape[0]).double()
    with torch.no_grad():
        for i in range(round(10 / DT) + n_steps):
            x = step(x)
            if i >= round(10 / DT):
                total += x.mean(-1)
                square += (x**2).mean(-1)
    return moments(total / n_steps, square / n_steps)


def climate_of_truth(args: argparse.Namespace) -> tuple[Estimate, Estimate]:
    """Return mean and standard deviation of the Fortran two-level model.

    Twice the members of the other runs.
    """
    model = TwoLevelLorenz96(n_sites=K, forcing=F)
    x, z = model.initial_state(2 * args.climate_members, seed=4)
    model.advance(x, z, dt=DT, n_steps=round(20 / DT))
    n_saved = round(args.climate_time / DT / 10)
    total, square = torch.zeros(len(x)).double(), torch.zeros(len(x)).double()
    for _ in range(n_saved):
        model.advance(x, z, dt=DT, n_steps=10)
        state = torch.from_numpy(x)
        total += state.mean(-1)
        square += (state**2).mean(-1)
    return moments(total / n_saved, square / n_saved)


def moments(mean: Tensor, square: Tensor) -> tuple[Estimate, Estimate]:
    """Turn each member's mean and mean square into climate mean and standard deviation."""
    centre = mean.mean()
    variance = square - 2 * centre * mean + centre**2
    spread = Estimate.of(variance)
    sd = spread.mean**0.5
    return Estimate.of(mean), Estimate(sd, spread.error / (2 * sd))


def report(rows: list[Row], mean: Estimate, sd: Estimate, args: argparse.Namespace) -> None:
    """Print the table, and save it with its numbers."""
    lines = [
        f"Truth: mean {mean.mean:.4f} ± {mean.error:.4f}, "
        f"sd {sd.mean:.4f} ± {sd.error:.4f}",
        "",
        "| closure | "
        + " | ".join(f"RMSE {t}" for t in LEADS)
        + " | R2 | mean, % of truth "
        "| sd, % of truth | cpu s |",
        "|---|" + "---|" * (len(LEADS) + 4),
    ]
    for row in rows:
        cells = [f"{e.mean:.5f} ± {e.error:.5f}" for e in row.rmse]
        cells += [f"{row.r2:.3f}", percent(row.mean, mean), percent(row.sd, sd)]
        lines.append(f"| {row.name} | " + " | ".join(cells) + f" | {row.seconds:.1f} |")
    lines += ["", "Difference of RMSE to the offline closure, same test states:", ""]
    for row in rows:
        cells = [f"{e.mean:+.5f} ± {e.error:.5f}" for e in row.paired]
        lines.append(f"| {row.name} | " + " | ".join(cells) + " |")
    text = "\n".join(lines) + "\n"
    (args.output / "table.md").write_text(text)
    numbers = {
        "settings": {name: str(value) for name, value in vars(args).items()},
        "truth": {"mean": asdict(mean), "sd": asdict(sd)},
        "rows": [asdict(row) for row in rows],
    }
    (args.output / "table.json").write_text(json.dumps(numbers, indent=1))
    table = Table("closure", *(f"RMSE {t}" for t in LEADS), "mean %", "sd %")
    for row in rows:
        cells = [f"{e.mean:.4f}" for e in row.rmse]
        table.add_row(row.name, *cells, percent(row.mean, mean), percent(row.sd, sd))
    Console().print(table)


def percent(got: Estimate, truth: Estimate) -> str:
    """Return the relative difference and its standard error."""
    error = (got.error**2 + truth.error**2) ** 0.5
    return f"{100 * (got.mean / truth.mean - 1):+.2f} ± {100 * error / abs(truth.mean):.2f}"


if __name__ == "__main__":
    main()
