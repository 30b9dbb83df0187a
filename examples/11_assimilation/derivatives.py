# SPDX-License-Identifier: MIT
"""The accuracy and the cost of every kind of derivative, over lead time, on Lorenz-96.

The measure is the relative error (Frobenius) of the derivative of the state after some
steps in the first state, against the hand-written tangent-linear in double precision, each
along the trajectory of its own model. The cost is that of a gradient through 40 steps.
The derivative of an ensemble is the regression of its members after some steps on those at
the start. `bilinear` is trained here, in seconds.

    python derivatives.py [--states 20] [--network deep.weights]
        [--compiled bilinear.pt2]

With `--compiled` it is compiled, too, its convolutions as sums of shifted products: a call
of a library's convolution takes longer than all arithmetic of a step. A file that is not
there is written first (a minute; a process that has compiled is slow: time a second run).
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn

from isthmus.cli.progress import progress_bars
from isthmus.export import export_network
from isthmus.inverse import (
    Borrowed,
    BridgeModel,
    DifferenceModel,
    FortranModel,
    ForwardModel,
    TorchModel,
)
from isthmus.learn.lorenz96 import EMULATORS, train_to_rounding
from isthmus.learn.simulators import simulate_one_level
from isthmus.models import Lorenz96
from isthmus.nets import BilinearNet, Lorenz96Tendency, Rk4Step, join_ends

K, F, DT = 40, 8.0, 0.05
LEADS = (1, 4, 10, 20, 40, 60)
GRADIENT_STEPS = 40
COSINE_LEAD = 20
SPREAD = 0.01  # of the ensembles' members


class Stencils(nn.Module):
    """A trained `BilinearNet` with its convolutions as sums of shifted products."""

    def __init__(self, net: BilinearNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: Tensor) -> Tensor:
        """Return the tendency [member, k] at the state `x` [member, k]."""
        ring, conv = join_ends(x, 2, 1), self.net.stencils.conv
        a, b, c = (
            sum(w[t] * ring[:, t : t + x.shape[1]] for t in range(4)) + bias
            for w, bias in zip(conv.weight[:, 0], conv.bias, strict=True)
        )
        weight = self.net.combine.weight[0, :, 0]
        product = weight[0] * self.net.product_weight * a * b
        return product + weight[1] * c + self.net.combine.bias


def main() -> None:
    """Measure all kinds and show the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--states", type=int, default=20)
    parser.add_argument("--network", type=Path, help="weights of train_deep.py")
    parser.add_argument("--compiled", type=Path, help="the bilinear one, written if absent")
    args = parser.parse_args()
    torch.set_num_threads(1)
    simulator = Lorenz96(K, F)
    states = simulator.initial_state(args.states, seed=1)
    simulator.advance(states, DT, n_steps=1000)
    exact = FortranModel(simulator, DT)
    table = Table(box=SIMPLE_HEAD)
    table.add_column("derivatives")
    for lead in LEADS:
        table.add_column(f"{lead} steps", justify="right")
    table.add_column("cosine, 20", justify="right")
    table.add_column("gradient, us", justify="right")
    with tempfile.TemporaryDirectory() as folder, progress_bars() as update:
        models = kinds(exact, args.network, Path(folder), compiled=args.compiled)
        for name, model in models.items():
            found = []
            for i, x in enumerate(states):
                found.append(errors_of(sweep(model, x), sweep(exact, x)))
                update(name, (i + 1) / len(states))
            cost = 1e6 * shortest(lambda model=model: gradient(model, states[0]))
            table.add_row(name, *cells(found), f"{cost:.0f}")
        for n_members in (K // 2, 2 * K):
            found = [
                errors_of(regressed(exact, x, n_members), sweep(exact, x)) for x in states
            ]
            table.add_row(f"ensemble of {n_members}, Fortran", *cells(found), "-")
    Console(highlight=False, width=140).print(table)


def deep_emulator(weights: Path, dt: float) -> Rk4Step:
    """Return the step of dt whose tendency is the deep network of train_deep.py."""
    step = Rk4Step(EMULATORS["deep"](), dt)
    step.load_state_dict(torch.load(weights, weights_only=True))
    return step.eval()


def kinds(
    exact: ForwardModel, network: Path | None, folder: Path, *, compiled: Path | None = None
) -> dict[str, ForwardModel]:
    """Return the models, each with its own derivatives."""
    step = Rk4Step(Lorenz96Tendency(F), DT).double().eval()
    found: dict[str, ForwardModel] = {
        "Fortran, by hand": exact,
        "Fortran, finite differences": DifferenceModel(exact, scale=4.0),
        "PyTorch, reverse": TorchModel(step, K, dt=DT),
        "PyTorch, forward": TorchModel(step, K, dt=DT, mode="forward"),
        "the bridge (.pt), jvp and vjp": BridgeModel(
            exported(step, folder / "exact.pt"), K
        ),
    }
    data = simulate_one_level(1200, dt=DT)
    trained, _ = train_to_rounding("bilinear", data.slice(0, 941), data.slice(941, 1072))
    bilinear = trained.eval()
    found["bilinear emulator, PyTorch"] = TorchModel(bilinear, K, dt=DT)
    path = exported(bilinear, folder / "bilinear.pt")
    found["bilinear emulator, the bridge"] = BridgeModel(path, K)
    if compiled is not None:
        if not compiled.exists():
            exported(Rk4Step(Stencils(bilinear.tendency), DT).eval(), compiled)
        found["bilinear emulator, the bridge (.pt2)"] = BridgeModel(compiled, K)
    if network is not None:
        emulator = deep_emulator(network, DT)
        found["emulator alone, PyTorch"] = TorchModel(emulator, K, dt=DT)
        found["emulator along Fortran's states"] = Borrowed(
            exact, TorchModel(emulator, K, dt=DT)
        )
        path = exported(emulator, folder / "emulator.pt")
        found["emulator alone, the bridge"] = BridgeModel(path, K)
    return found


def exported(step: nn.Module, path: Path, *, dt: float = DT, n_sites: int = K) -> Path:
    """Write a step as a model file, `.pt` or compiled, and return its path."""
    dtype = next((p.dtype for p in step.parameters()), torch.float64)
    export_network(
        step,
        path,
        inputs={"x": torch.zeros(2, n_sites, dtype=dtype)},
        outputs=["x_next"],
        dynamic={"member": 0},
        separable="member",
        dims={"x": ("member", "k"), "x_next": ("member", "k")},
        dt=dt,
    )
    return path


def errors_of(found: np.ndarray, true: np.ndarray) -> list[float]:
    """Return the relative error of the propagator for each lead, and a cosine."""
    errors = []
    for lead in LEADS:
        difference = np.linalg.norm(found[lead] - true[lead])
        errors.append(float(difference / np.linalg.norm(true[lead])))
    a, b = found[COSINE_LEAD].ravel(), true[COSINE_LEAD].ravel()
    return [*errors, float(a @ b / np.sqrt((a @ a) * (b @ b)))]


def cells(found: list[list[float]]) -> list[str]:
    """Return the means over the states as text."""
    *errors, cosine = np.mean(found, axis=0)
    return [*(f"{e:.1e}" for e in errors), f"{cosine:.4f}"]


def regressed(model: ForwardModel, x: np.ndarray, n_members: int) -> np.ndarray:
    """Return the propagator that an ensemble around `x` knows `[time, k, k]`."""
    rng = np.random.default_rng(n_members)
    anomalies = SPREAD * rng.standard_normal((n_members, K))
    anomalies -= anomalies.mean(axis=0)
    states = model.trajectory(x + anomalies, max(LEADS))
    after = states - states.mean(axis=1, keepdims=True)
    return np.asarray(np.linalg.pinv(anomalies) @ after)


def sweep(model: ForwardModel, x: np.ndarray) -> np.ndarray:
    """Return the changes from all unit changes of `x` `[time, k, k]`."""
    states = model.trajectory(np.repeat(x[None], K, axis=0), max(LEADS))
    return model.sweep_tl(states, np.eye(K))


def gradient(model: ForwardModel, x: np.ndarray) -> np.ndarray:
    """Return the gradient of a misfit over a window."""
    zeros = np.zeros((GRADIENT_STEPS + 1, K))
    return model.misfit_gradient(x, zeros, np.ones_like(zeros)).gradient


def shortest(run: Callable[[], object], rounds: int = 7) -> float:
    """Return the shortest of some processor times [s], each of 50 ms at least."""
    began = time.process_time()
    run()
    repeats = max(1, int(0.05 / max(time.process_time() - began, 1e-6)))
    times = []
    for _ in range(rounds):
        began = time.process_time()
        for _ in range(repeats):
            run()
        times.append((time.process_time() - began) / repeats)
    return min(times)


if __name__ == "__main__":
    main()
