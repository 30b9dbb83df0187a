# SPDX-License-Identifier: MIT
"""A network inside the Fortran program beside the same network called from Python.

Prints microseconds per step for emulators of Lorenz-96 (40 sites, one thread). Fortran:
the difference between a run of 2 N and one of N steps, so that loading does not count.
Python: a loop over the module in torch, and over the exported file through `isthmus.bridge`
with bound arrays. All rounds are interleaved; the smallest of each is printed.

    python tests/benchmarks/bench_coupled.py --output docs/benchmarks/coupled.md
"""

import argparse
import platform
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import nn

from isthmus.bridge import Model
from isthmus.couple.lorenz96 import COUPLE
from isthmus.couple.programs import run_program
from isthmus.export import export_network
from isthmus.nets import BilinearNet, ConvNet, InSinglePrecision, Rk4Step

N_SITES, DT = 40, 0.05
TORCH_SECONDS = 2.0  # of the loop in torch; the Fortran runs make as many steps


def main() -> None:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--members", type=int, nargs="+", default=[1, 100])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--output", type=Path, help="markdown file for the table")
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    steps = {
        "bilinear": Rk4Step(BilinearNet.analytic(8.0), DT).eval(),
        "deep, float32": Rk4Step(InSinglePrecision(ConvNet("silu")), DT).eval(),
    }
    lines = [
        "| network | members | torch eager | bridge from Python | Fortran .pt |"
        " Fortran .pt2 | eager / best Fortran |",
        "|---|---|---|---|---|---|---|",
    ]
    with tempfile.TemporaryDirectory() as folder:
        for name, step in steps.items():
            files = [
                exported(step, Path(folder) / f"{name[:4]}{s}") for s in (".pt", ".pt2")
            ]
            for n_members in args.members:
                row = measure(step, files, n_members, args.rounds, Path(folder))
                best = min(row[2:])
                cells = " | ".join(f"{us:.1f}" for us in row)
                lines.append(f"| {name} | {n_members} | {cells} | {row[0] / best:.1f} |")
    lines += [
        "",
        f"Microseconds per step; {platform.processor() or platform.machine()}, "
        f"torch {torch.__version__}, one thread.",
    ]
    print("\n".join(lines))
    if args.output:
        head = (
            "# A network in Fortran and in Python\n\nMade by "
            f"`python tests/benchmarks/bench_coupled.py --output {args.output}`.\n\n"
        )
        args.output.write_text(head + "\n".join(lines) + "\n")


def exported(step: nn.Module, path: Path) -> Path:
    """Export a step for any number of members."""
    example = torch.randn(4, N_SITES, dtype=torch.float64)
    export_network(
        step,
        path,
        inputs={"x": example},
        outputs=["x_next"],
        dynamic={"member": 0},
        dt=DT,
        derivatives=False,
        tolerance=2e-5,
        progress=False,
    )
    return path


def measure(
    step: nn.Module, files: list[Path], n_members: int, rounds: int, folder: Path
) -> list[float]:
    """Return microseconds per step in torch, by the bridge in Python, in Fortran."""
    x = torch.full((n_members, N_SITES), 8.0, dtype=torch.float64)
    x[:, 0] += 0.01
    torch_loop = loop_in_torch(step, x)
    n_steps = max(200, round(5 * TORCH_SECONDS / seconds_of(torch_loop, 5)))
    bound = bound_model(files[0], x.numpy().copy())
    best = np.full(2 + 2 * len(files), np.inf)
    for _ in range(rounds):
        times = [seconds_of(torch_loop, n_steps), seconds_of(bound, n_steps)]
        for file in files:
            times += [
                seconds_in_fortran(file, n_members, n, folder)
                for n in (n_steps, 2 * n_steps)
            ]
        best = np.minimum(best, times)
    fortran = best[3::2] - best[2::2]  # the second half of the longer run: loading cancels
    return [1e6 * float(t) / n_steps for t in (*best[:2], *fortran)]


def seconds_of(loop: Callable[[int], None], n_steps: int) -> float:
    """Return the wall time of a loop."""
    begin = time.perf_counter()
    loop(n_steps)
    return time.perf_counter() - begin


def loop_in_torch(step: nn.Module, first: torch.Tensor) -> Callable[[int], None]:
    """Return a loop over the module."""

    def loop(n_steps: int) -> None:
        x = first
        with torch.inference_mode():
            for _ in range(n_steps):
                x = step(x)

    return loop


def bound_model(file: Path, x: np.ndarray) -> Callable[[int], None]:
    """Return a loop over the exported file, its input and output bound to one array."""
    model = Model(file)
    model.bind_input("x", x)
    model.bind_output("x_next", x)

    def loop(n_steps: int) -> None:
        for _ in range(n_steps):
            model.run()

    return loop


def seconds_in_fortran(file: Path, n_members: int, n_steps: int, folder: Path) -> float:
    """Return the wall time of a run of the Fortran program, loading and all."""
    namelist = {
        "model": {"n_sites": N_SITES, "forcing": 8.0},
        "integration": {
            "dt": DT,
            "n_steps": n_steps,
            "n_members": n_members,
            "output_every": n_steps,
        },
        "coupling": {"network": str(file), "role": "stepper"},
    }
    begin = time.perf_counter()
    run_program(COUPLE, namelist, folder, threads=1)
    return time.perf_counter() - begin


if __name__ == "__main__":
    main()
