# SPDX-License-Identifier: MIT
"""One iteration of conjugate gradients: the implicit layer beside the Fortran solver.

    OMP_NUM_THREADS=1 python tests/benchmarks/bench_implicit_layer.py [CELLS ...]

Both solve the five-point system of a shallow water step with a Courant number of 20,
real64, preconditioned by the diagonal. An iteration is the difference of many and few,
the best of several, so that set-up and calls do not count. Prints a Markdown table.
"""

import sys
import time
from collections.abc import Callable

import numpy as np
import torch

from isthmus.models import ShallowWater, ShallowWaterGrid
from isthmus.nets.implicit import SolverOptions, dominant_bands, solve

REPETITIONS = 60
FEW, MANY = 8, 72  # iterations of the layer, in whole blocks
COURANT, CELL, DEPTH, GRAVITY = 20.0, 1000.0, 20.0, 9.81


def best(work: Callable[[], object]) -> float:
    """Return the shortest processor time of some calls [s]."""
    times = []
    for _ in range(REPETITIONS):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


def fortran_iteration(n: int) -> float:
    """Return the time of one iteration [s], from steps solved loosely and tightly."""
    found = []
    for tolerance in (1e-3, 1e-11):
        model = ShallowWater(
            ShallowWaterGrid.plane(np.full((n, n), DEPTH), dx=CELL),
            dt=COURANT * CELL / np.sqrt(GRAVITY * DEPTH),
            theta=0.5,
            drag_law="none",
            solver="cg",
            tolerance=tolerance,
        )
        first = model.state_at_rest()
        first.zeta[:] = np.random.default_rng(0).standard_normal((n, n))
        reports = []
        seconds = best(lambda m=model, s=first, r=reports: r.append(m.step(s.copy())))
        found.append((seconds, reports[-1].n_iterations))
    (loose, n_loose), (tight, n_tight) = found
    return (tight - loose) / (n_tight - n_loose)


def layer_iteration(n: int, *, compiled: bool, method: str = "cg") -> float:
    """Return the same of the layer."""
    torch.manual_seed(0)
    couplings = torch.full((2, n, n), (0.5 * COURANT) ** 2, dtype=torch.float64)
    mass, b = torch.zeros(n, n, dtype=torch.float64), torch.randn(n, n, dtype=torch.float64)
    bands = dominant_bands(couplings, mass, ["zero_flux"] * 2)
    seconds = []
    for n_iterations in (FEW, MANY):
        options = SolverOptions(
            (False, False),
            method=method,
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
    torch.set_num_threads(1)
    print("| cells | Fortran ns/cell | layer, compiled | ratio | layer, eager | ratio |")
    print("|---|---|---|---|---|---|")
    for n in [int(word) for word in sys.argv[1:]] or [128, 256, 512]:
        fortran = fortran_iteration(n) / n**2 * 1e9
        compiled = layer_iteration(n, compiled=True) / n**2 * 1e9
        eager = layer_iteration(n, compiled=False) / n**2 * 1e9
        print(
            f"| {n}^2 | {fortran:.2f} | {compiled:.2f} | {compiled / fortran:.1f} | "
            f"{eager:.2f} | {eager / fortran:.1f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
