# SPDX-License-Identifier: MIT
"""One iteration of a linear solver: the implicit layer beside the Fortran solvers.

    OMP_NUM_THREADS=1 python tests/benchmarks/bench_implicit_layer.py [CELLS ...]
        [--methods cg "cg, periodic" bicgstab red_black "cg, multigrid"] [--no-eager]

Both solve the five-point system of a shallow water step with a Courant number of 20,
real64. An iteration is the difference of many and few, the best of several, so that set-up
and calls do not count. Fortran has no BiCGStab, which multiplies by the matrix twice and is
shown beside one iteration of conjugate gradients. Prints a Markdown table.
"""

import argparse
import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch

from isthmus.models import ShallowWater, ShallowWaterGrid
from isthmus.nets.implicit import SolverOptions, dominant_bands, solve

REPETITIONS = 60
FEW, MANY = 8, 72  # iterations of the layer, in whole blocks
COURANT, CELL, DEPTH, GRAVITY = 20.0, 1000.0, 20.0, 9.81


class Method(NamedTuple):
    """The layer's method, edges and preconditioner, and Fortran's nearest solver."""

    name: str
    fortran: str
    edges: str = "zero_flux"
    preconditioner: str = "diagonal"


METHODS = {
    "cg": Method("cg", "cg"),
    "cg, periodic": Method("cg", "cg", "periodic"),
    "bicgstab": Method("bicgstab", "cg"),
    "red_black": Method("red_black", "sor"),
    "cg, multigrid": Method("cg", "cg_multigrid", preconditioner="multigrid"),
}


def best(work: Callable[[], object]) -> float:
    """Return the shortest processor time of some calls [s]."""
    times = []
    for _ in range(REPETITIONS):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


def fortran_iteration(n: int, solver: str) -> float:
    """Return the time of one iteration [s], from steps solved loosely and tightly."""
    found = []
    for tolerance in (1e-3, 1e-11):
        model = ShallowWater(
            ShallowWaterGrid.plane(np.full((n, n), DEPTH), dx=CELL),
            dt=COURANT * CELL / np.sqrt(GRAVITY * DEPTH),
            theta=0.5,
            drag_law="none",
            solver=solver,
            tolerance=tolerance,
        )
        first = model.state_at_rest()
        first.zeta[:] = np.random.default_rng(0).standard_normal((n, n))
        reports = []
        seconds = best(lambda m=model, s=first, r=reports: r.append(m.step(s.copy())))
        found.append((seconds, reports[-1].n_iterations))
    (loose, n_loose), (tight, n_tight) = found
    return (tight - loose) / (n_tight - n_loose)


def layer_iteration(n: int, method: Method, *, compiled: bool) -> float:
    """Return the same of the layer."""
    torch.manual_seed(0)
    couplings = torch.full((2, n, n), (0.5 * COURANT) ** 2, dtype=torch.float64)
    mass, b = torch.zeros(n, n, dtype=torch.float64), torch.randn(n, n, dtype=torch.float64)
    bands = dominant_bands(couplings, mass, [method.edges] * 2)
    seconds = []
    for n_iterations in (FEW, MANY):
        options = SolverOptions(
            (method.edges == "periodic",) * 2,
            method=method.name,
            preconditioner=method.preconditioner,
            tolerance=1e-300,
            max_iterations=n_iterations,
            on_failure="flag",
            compiled=compiled,
        )
        solve(bands, b, options)
        seconds.append(best(lambda o=options: solve(bands, b, o)))
    return (seconds[1] - seconds[0]) / (MANY - FEW)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("cells", type=int, nargs="*", default=[128, 256, 512])
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--no-eager", action="store_true")
    given = parser.parse_args()
    torch.set_num_threads(1)
    print("| method | cells | Fortran ns/cell | layer, compiled | ratio | eager | ratio |")
    print("|---" * 7 + "|", flush=True)
    for name in given.methods:
        method = METHODS[name]
        for n in given.cells:
            nanoseconds = 1e9 / n**2
            fortran = nanoseconds * fortran_iteration(n, method.fortran)
            kinds = [True] if given.no_eager else [True, False]
            found = [nanoseconds * layer_iteration(n, method, compiled=k) for k in kinds]
            cells = [f"{x:.2f} | {x / fortran:.1f}" for x in found]
            print(f"| {name} | {n}^2 | {fortran:.2f} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
