# SPDX-License-Identifier: MIT
"""Cost of the tangent-linear and the adjoint step in steps of the shallow water model.

    python tests/benchmarks/bench_shallow_water_adjoint.py [--tolerance 1e-8]

One thread, processor time, best of 40; a basin of the size of the North Sea example with an
island and two open sides. The derivatives make the step again, solve once more, to a
tighter tolerance, and cross the same arrays of Python.
"""

import argparse
import time
from collections.abc import Callable

import numpy as np

from isthmus.models import ShallowWater, ShallowWaterForcing, ShallowWaterGrid, set_threads
from isthmus.models.shallow_water_grid import ELEVATION, LAND, WATER

N_Y, N_X = 160, 217
REPEATS = 40


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tolerance", type=float, default=1e-8)
    set_threads(1)
    model = make_model(parser.parse_args().tolerance)
    forcing = ShallowWaterForcing(open_zeta=np.full((N_Y, N_X), 0.5))
    state = model.state_at_rest()
    model.step(state, forcing=forcing, n_steps=20)
    change = state.copy()
    step = best(lambda: model.step(state, forcing=forcing))
    print(f"step     {1e3 * step:6.2f} ms")
    for name, call in (("step_tl", model.step_tl), ("step_ad", model.step_ad)):
        cost = best(lambda call=call: call(state, change, forcing=forcing))
        print(f"{name}  {1e3 * cost:6.2f} ms, {cost / step:.1f} steps")


def make_model(derivative_tolerance: float) -> ShallowWater:
    """Return the basin."""
    rows, columns = np.arange(N_Y)[:, None], np.arange(N_X)
    depth = 50.0 + 20.0 * np.sin(columns / 30) * np.cos(rows / 20)
    cell = np.full((N_Y, N_X), WATER)
    cell[60:90, 80:120] = LAND
    cell[-1, :] = ELEVATION
    cell[:40, 0] = ELEVATION
    grid = ShallowWaterGrid.plane(depth, dx=6000.0, dy=9000.0, f=1.2e-4, cell=cell)
    return ShallowWater(
        grid, dt=894.0, theta=0.51, drag=0.0025, derivative_tolerance=derivative_tolerance
    )


def best(call: Callable[[], object]) -> float:
    """Return the least processor time of a call [s]."""
    times = []
    for _ in range(REPEATS):
        start = time.process_time()
        call()
        times.append(time.process_time() - start)
    return min(times)


if __name__ == "__main__":
    main()
