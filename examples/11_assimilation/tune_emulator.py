# SPDX-License-Identifier: MIT
"""F of Lorenz-96 through a trained conditional emulator, beside the Fortran adjoint.

The emulator, a bilinear network that is given F, is trained here on runs under five
forcings, in half a minute, and used under nine. Twins are those of `tune_lorenz96.toml`:
half of the sites, noisy, over one time unit; first state and F are estimated together, with
the emulator's own states and derivatives.

    python tune_emulator.py [--twins 4] [--epochs 40 5] [--output conditional.pt]
    isthmus tune tune_emulator.toml

The second command estimates F of 200 twins through the file that the first one writes.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from isthmus.cli.progress import progress_bar
from isthmus.data import Trajectories
from isthmus.inverse.estimates import Estimated
from isthmus.inverse.estimation import Estimation
from isthmus.inverse.parameter_campaigns import Tuning, read_tuning
from isthmus.inverse.parametric import ParametricModel
from isthmus.inverse.parametric_files import write_step
from isthmus.inverse.parametric_networks import TorchParameters
from isthmus.learn import Curriculum, FitSettings
from isthmus.learn.conditional import train_conditional_emulator
from isthmus.learn.simulators import simulate_one_level
from isthmus.nets.conditional import ConditionalRk4Step

HERE = Path(__file__).resolve().parent
SEEN = (4.0, 6.0, 8.0, 10.0, 12.0)  # forcings of the training
TRUE = np.arange(4.0, 12.5)
K, DT = 40, 0.05
LENGTH = 150  # steps of each run of the training


def main() -> None:
    """Train, estimate the same twins twice, and show errors and error bars."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--twins", type=int, default=4, help="of each forcing, 0: train only"
    )
    parser.add_argument("--epochs", type=int, nargs=2, default=[40, 5])
    parser.add_argument("--output", type=Path, default=HERE / "conditional.pt")
    args = parser.parse_args()
    torch.set_num_threads(1)
    tuning = read_tuning(HERE / "tune_lorenz96.toml")
    step, error = trained(args.epochs)
    print(f"one-step error of the emulator: {error:.4f} of the change in a step")
    state = torch.randn(2, K, dtype=torch.float64)
    write_step(step, args.output, state, {"forcing": (SEEN[0], SEEN[-1])}, dt=DT)
    print(f"emulator: {args.output}")
    if args.twins == 0:
        return
    models = {
        "Fortran adjoint": tuning.case.model,
        "trained emulator": TorchParameters(step, K, dt=DT),
    }
    found: dict[str, list[list[Estimated]]] = {name: [] for name in models}
    with progress_bar(f"{TRUE.size} forcings, {args.twins} twins each") as update:
        for i, forcing in enumerate(TRUE):
            for name, model in models.items():
                of_forcing = [
                    estimated(tuning, model, forcing, twin) for twin in range(args.twins)
                ]
                found[name].append(of_forcing)
            update((i + 1) / TRUE.size)
    Console(highlight=False, width=120).print(table(found))


def trained(epochs: list[int]) -> tuple[ConditionalRk4Step, float]:
    """Return the emulator, and its error in a step relative to the change."""
    runs = [
        simulate_one_level(LENGTH, dt=DT, n_sites=K, forcing=f, seed=i)
        for i, f in enumerate(SEEN)
    ]
    x = np.concatenate([run["x"] for run in runs], axis=1)
    data = Trajectories({"x": x, "forcing": np.array(SEEN)}, runs[0].time)
    train, valid = data.split(0.8)
    step, _ = train_conditional_emulator(
        "bilinear",
        train,
        valid,
        settings=FitSettings(dtype="float64", learning_rate=1e-2, schedule="cosine"),
        curriculum=Curriculum((1, 4), tuple(epochs)),
    )
    before, after = (
        torch.from_numpy(valid["x"][i]) for i in (slice(None, -1), slice(1, None))
    )
    forcing = torch.tensor(SEEN, dtype=torch.float64).repeat(len(before))
    with torch.no_grad():
        found = step(before.reshape(-1, K), forcing).reshape(before.shape)
    return step, float(((found - after).norm() / (after - before).norm()).item())


def estimated(
    tuning: Tuning, model: ParametricModel, forcing: float, twin: int
) -> Estimated:
    """Return what is estimated of a twin, the same for all models."""
    case, rng = tuning.case, np.random.default_rng([5, twin, round(10 * forcing)])
    p = np.array([forcing])
    x = case.start(p, rng)
    seen = case.observe(case.truth.trajectory(x, p, tuning.n_steps), rng)
    guess = x + case.covariance.sample(rng, 1)[0]
    problem = Estimation(model, tuning.n_steps, seen, tuning.prior, guess, case.covariance)
    return problem.minimise(n_stages=tuning.n_stages)


def table(found: dict[str, list[list[Estimated]]]) -> Table:
    """Return a row per model."""
    shown = Table(box=SIMPLE_HEAD)
    for name in (
        "model",
        "bias of F, %",
        "rms error, %",
        "error bar, %",
        "within 1",
        "2 sd",
    ):
        shown.add_column(name, justify="left" if name == "model" else "right")
    shown.add_column("converged", justify="right")
    for name, rows in found.items():
        f = np.array([[e.p[0] for e in row] for row in rows])
        bar = np.array([[e.error[0] for e in row] for row in rows])
        off = f - TRUE[:, None]
        relative = 100.0 * off / TRUE[:, None]
        n = sum(e.is_converged for row in rows for e in row)
        shown.add_row(
            name,
            f"{relative.mean():.2f}",
            f"{np.sqrt((relative**2).mean()):.2f}",
            f"{np.sqrt(((100.0 * bar / TRUE[:, None]) ** 2).mean()):.2f}",
            f"{100 * np.mean(np.abs(off) <= bar):.0f} %",
            f"{100 * np.mean(np.abs(off) <= 2.0 * bar):.0f} %",
            f"{n} of {f.size}",
        )
    return shown


if __name__ == "__main__":
    main()
