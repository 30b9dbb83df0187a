# SPDX-License-Identifier: MIT
"""B(x) of two-level Lorenz-96 from noisy, incomplete observations of its slow level.

Beside it: the same network trained on clean pairs of x and the true coupling, Rasp's line,
and no correction. Judged on another run of the truth: the share of the coupling's variance
that B(x) explains, and the error of forecasts from true states.

    python corrections.py [--sd 0.1 1] [--every 1 2] [--time 25] [--seed 3]
        [--ways joint] [--derivatives adjoint] [--output folder]

With `--output` each network is written as a model file for `isthmus stability`. With
`--derivatives` f is a forward model with derivatives of this kind; without, all is one
graph of PyTorch. For those that need a model file an emulator is trained here, in seconds.
"""

import argparse
import copy
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from derivatives import exported
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from torch import nn

from isthmus.cli.progress import progress_bars
from isthmus.export import export_network
from isthmus.inverse import FortranModel, ForwardModel
from isthmus.inverse.corrected_steps import CorrectedStep, SplitStep
from isthmus.inverse.corrections import CorrectionProblem, Learned
from isthmus.inverse.derivative_kinds import KINDS, OF_A_FILE, with_derivatives
from isthmus.learn.lorenz96 import train_to_rounding
from isthmus.learn.simulators import simulate_one_level
from isthmus.models import Lorenz96, TwoLevelLorenz96
from isthmus.nets import LocalClosure, Lorenz96Tendency, PolynomialClosure

DT, INNER, K, F = 0.025, 5, 36, 10.0  # observed every two steps
SPIN_UP = 10.0
WINDOW = 10  # steps
JUMP_SD = 0.15  # of what B(x) leaves, 0.58 in the tendency, over a window
LEADS = (4, 20, 40)  # steps of the forecasts
TRIALS = 200
WAYS = ("joint", "alternating")
JUDGE = 2  # seed of the run on which all are judged


def main() -> None:
    """Learn from all observations, judge all networks and show the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sd", type=float, nargs="+", default=[0.1, 0.5, 1.0])
    parser.add_argument("--every", type=int, nargs="+", default=[1, 2, 4], help="sites")
    parser.add_argument("--time", type=float, default=25.0, help="observed time units")
    parser.add_argument("--iterations", type=int, default=200)
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=WAYS)
    parser.add_argument("--derivatives", choices=KINDS, help="of f")
    parser.add_argument(
        "--seed", type=int, default=1, help="of truth, noise and first weights; 2 judges"
    )
    parser.add_argument("--output", type=Path)
    args = parser.parse_args()
    if args.seed == JUDGE:
        parser.error(f"seed {JUDGE} is that of the run on which networks are judged")
    torch.set_num_threads(1)
    x, coupling = truth(round(args.time / DT), seed=args.seed)
    torch.manual_seed(args.seed - 1)
    start = LocalClosure(16, "tanh").double()
    networks: dict[str, nn.Module] = {
        "none": PolynomialClosure((0.0,)),
        "line, Rasp": PolynomialClosure(),
        "clean pairs": on_clean_pairs(copy.deepcopy(start), x, coupling),
    }
    model = None if args.derivatives is None else forward_model(args.derivatives)
    with progress_bars() as update:
        for sd in args.sd:
            for every in args.every:
                observed = noisy(x, sd, every, seed=args.seed + 6)
                for way in args.ways:
                    name = f"{way}, sd {sd:g}, 1 of {every}"
                    networks[name] = network = copy.deepcopy(start)
                    step = with_correction(model, network)
                    began = time.process_time()
                    done = learn(step, network, observed, sd, way, args.iterations)
                    each = (time.process_time() - began) / done.n_gradients
                    update(f"{name}: {1e3 * each:.1f} ms for a gradient", 1.0)
    show(networks)
    if args.output is not None:
        write(networks, args.output)


def truth(n_steps: int, *, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return slow states and the fast level's tendency of them `[time, k]`."""
    model = TwoLevelLorenz96(K, 10)
    x, z = model.initial_state(1, seed=seed)
    inner = DT / INNER
    model.advance(x, z, dt=inner, n_steps=round(SPIN_UP / inner))
    states, added = [], []
    for _ in range(n_steps + 1):
        states.append(x[0].copy())
        added.append(model.coupling_tendency(x, z)[0])
        model.advance(x, z, dt=inner, n_steps=INNER)
    return np.array(states), np.array(added)


def noisy(x: np.ndarray, sd: float, every: int, *, seed: int) -> np.ndarray:
    """Return values of every so many sites, shifted each time, at every second step."""
    values = x + sd * np.random.default_rng(seed).standard_normal(x.shape)
    hidden = np.ones_like(x, dtype=bool)
    for i in range(0, len(x), 2):
        hidden[i, (i // 2) % every :: every] = False
    values[hidden] = np.nan
    return values


def forward_model(derivatives: str) -> ForwardModel:
    """Return f with derivatives of a kind, the file of an emulator made if it is needed."""
    fortran = FortranModel(Lorenz96(K, F), DT)
    if derivatives not in OF_A_FILE:
        return with_derivatives(fortran, derivatives)
    data = simulate_one_level(1200, n_sites=K, forcing=F, dt=DT)
    emulator, _ = train_to_rounding("bilinear", data.slice(0, 941), data.slice(941, 1072))
    with tempfile.TemporaryDirectory() as folder:
        path = exported(emulator.eval(), Path(folder) / "step.pt", dt=DT, n_sites=K)
        return with_derivatives(fortran, derivatives, str(path))


def with_correction(model: ForwardModel | None, network: nn.Module) -> nn.Module:
    """Return the step of f + B, in PyTorch alone if there is no model."""
    if model is None:
        return CorrectedStep(Lorenz96Tendency(F), network, DT)
    return SplitStep(model, network)


def learn(
    step: nn.Module,
    network: nn.Module,
    observed: np.ndarray,
    sd: float,
    way: str,
    n_iterations: int,
) -> Learned:
    """Learn the weights by assimilation."""
    problem = CorrectionProblem(
        step, network, observed, sd=sd, window=WINDOW, jump_sd=JUMP_SD
    )
    if way == "joint":
        return problem.joint(n_iterations=n_iterations)
    return problem.alternating(n_rounds=5, n_iterations=n_iterations // 10)


def on_clean_pairs(network: nn.Module, x: np.ndarray, coupling: np.ndarray) -> nn.Module:
    """Return the network fitted to the true coupling."""
    inputs, targets = torch.from_numpy(x[::4]), torch.from_numpy(coupling[::4])
    optimizer = torch.optim.LBFGS(
        network.parameters(), max_iter=100, line_search_fn="strong_wolfe"
    )

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        error = (network(inputs) - targets).pow(2).mean()
        error.backward()
        return error

    optimizer.step(loss)
    return network


def show(networks: dict[str, nn.Module]) -> None:
    """Judge all networks on another run of the truth."""
    x, coupling = truth(4 * TRIALS + max(LEADS), seed=JUDGE)
    table = Table(box=SIMPLE_HEAD)
    table.add_column("B(x) from")
    for name in ("R2", *(f"rmse at {lead * DT:g}" for lead in LEADS)):
        table.add_column(name, justify="right")
    start = torch.from_numpy(x[: 4 * TRIALS : 4])
    for name, network in networks.items():
        step = CorrectedStep(Lorenz96Tendency(F), network, DT)
        with torch.no_grad():
            given = network(torch.from_numpy(x)).numpy()
            score = 1.0 - np.mean((given - coupling) ** 2) / coupling.var()
            errors, state = [], start
            for i in range(max(LEADS)):
                state = step(state)
                if i + 1 in LEADS:
                    true = x[i + 1 : i + 1 + 4 * TRIALS : 4]
                    errors.append(np.sqrt(np.mean((state.numpy() - true) ** 2)))
        table.add_row(name, f"{score:.3f}", *(f"{e:.3f}" for e in errors))
    Console(highlight=False, width=120).print(table)


def write(networks: dict[str, nn.Module], folder: Path) -> None:
    """Write the networks as closures of the Fortran model."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, network in networks.items():
        export_network(
            network.eval(),
            folder / f"{name.replace(',', '').replace(' ', '_')}.pt",
            inputs={"x": torch.zeros(2, K, dtype=torch.float64)},
            outputs=["coupling"],
            dynamic={"member": 0},
            dims={"x": ("member", "k"), "coupling": ("member", "k")},
        )


if __name__ == "__main__":
    main()
