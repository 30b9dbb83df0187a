# SPDX-License-Identifier: MIT
"""Train on patches of a basin, run in whole ones: accuracy by patch and halo.

    OMP_NUM_THREADS=1 python local.py [--dt 1500] [--sizes 8 16] [--halos 0 2 4 6]
        [--cells 16384] [--epochs 12] [--large 512] [--load]

The implicit net sees squares cut out of runs in basins of 64 x 64 cells, each within a
halo, as many as make up the cells given; the first row is of the whole basins. All run in
basins of 100 x 100 for 24.5 hours. `--large` runs the last patch-trained net in a larger
basin (0: none), and along the coast of the North Sea. `--load` trains nothing: the net of
`compare.py` runs there, and in patches with each halo beside the whole basin.
Prints Markdown tables.
"""

import argparse
import time

import basins
import numpy as np
import recipes
import scores
import torch
from coast import forecast as coast_forecast
from torch import Tensor, nn

from isthmus.learn.shallow_water import (
    BasinPatches,
    BasinRollout,
    BasinWindows,
    PatchRollout,
)
from isthmus.nets.shallow_water_emulators import ImplicitFluxNet

SIZE, RUNS = 64, 4
HOURS = 24.5


def tape(model: BasinRollout, samples: BasinWindows | BasinPatches, n: int) -> float:
    """Return what one gradient of n samples keeps for the way back [MB]."""
    kept: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    start, target = samples.batch(torch.arange(n), 1)
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        loss = nn.functional.mse_loss(model.predict(start, 1), target)
    loss.backward()  # type: ignore[no-untyped-call]
    return sum(kept.values()) / 1e6


def main() -> None:
    """Train, run, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--dt", type=float, default=1500.0)
    parser.add_argument("--sizes", type=int, nargs="+", default=[8, 16])
    parser.add_argument("--halos", type=int, nargs="*", default=[0, 2, 4, 6])
    parser.add_argument("--cells", type=int, default=16_384, help="to learn from, each net")
    parser.add_argument("--epochs", type=int, default=12, help="of twenty updates")
    parser.add_argument("--large", type=int, default=0)
    parser.add_argument("--load", action="store_true", help="the net of compare.py")
    given = parser.parse_args()
    torch.set_flush_denormal(True)
    if given.load:
        step = ImplicitFluxNet(tolerance=1e-10).double()
        weights = torch.load(recipes.HERE / f"implicit_{given.dt:.0f}.pt")
        BasinRollout(step).load_state_dict(weights)
        cut(step, given.dt, given.halos)
        large(step, given.dt, given.large)
        return
    runs, valid = (
        recipes.windows(given.dt, n, seed, SIZE) for seed, n in ((1, RUNS), (2, 1))
    )
    n_steps = scores.SPIN_UP + round(HOURS * 3600 / given.dt)
    truth = basins.run(4321, 2, 100, given.dt, n_steps)
    print("| patch | halo | patches | one step | 24.5 h | of rms | tape MB | CPU min |")
    print("|---" * 8 + "|", flush=True)
    kinds = [(size, halo) for size in given.sizes for halo in given.halos]
    for size, halo in [(SIZE, 0), *kinds]:
        torch.manual_seed(0)
        # A net that blows up gets its row, of NaN.
        step = ImplicitFluxNet(tolerance=1e-10, on_failure="nan").double()
        model = PatchRollout(step, halo)
        n = max(1, given.cells // size**2)
        train = BasinPatches(runs, size, halo, n)
        check = BasinPatches(valid, size, halo, n // 8 + 1)
        memory = tape(model, train, n)
        model.zero_grad()
        began = time.process_time()
        recipes.train_by_lbfgs(model, train, check, given.epochs)
        minutes = (time.process_time() - began) / 60.0
        found = scores.score(BasinRollout(step), *truth)
        last, rms = float(found.errors[-1]), float(found.size[-1])
        print(
            f"| {size}^2 | {halo} | {n} "
            f"| {float(found.errors[0]):.1e} | {last:.2g} "
            f"| {last / rms:.2g} | {memory:.0f} | {minutes:.2f} |",
            flush=True,
        )
        if size < SIZE:
            torch.save(step.state_dict(), recipes.HERE / f"patches_{given.dt:.0f}.pt")
            cut_step = step
    if given.large:
        large(cut_step, given.dt, given.large)


@torch.no_grad()
def cut(step: nn.Module, dt: float, halos: list[int], size: int = 8) -> None:
    """Run a net in squares with a halo: what the halo's wall does to one step."""
    runs = recipes.windows(dt, 2, 3, SIZE)
    print("| halo | one step of the truth | of the whole basin's |")
    print("|---|---|---|", flush=True)
    whole = BasinWindows(runs.states.clone(), runs.depth, runs.stride)
    for time_index in range(1, len(whole.states)):
        before = runs.states[time_index - 1]
        whole.states[time_index] = step(before, runs.depth)
    for halo in halos:
        errors = []
        for windows in (runs, whole):
            patches = BasinPatches(windows, size, halo, 400)
            # The same places: starts of the truth, targets of either.
            start, _ = BasinPatches(runs, size, halo, 400).batch(torch.arange(400), 1)
            _, target = patches.batch(torch.arange(400), 1)
            found = PatchRollout(step, halo).predict(start, 1)
            errors.append(float((found - target).square().mean().sqrt()))
        print(f"| {halo} | {errors[0]:.1e} | {errors[1]:.1e} |", flush=True)


def large(step: nn.Module, dt: float, n: int) -> None:
    """Run a net in a basin of n x n cells and along the coast; print a row of each."""
    print("\n| domain | wet cells | one step | 24.5 h | of rms | on land | volume |")
    print("|---" * 7 + "|", flush=True)
    n_steps = scores.SPIN_UP + round(HOURS * 3600 / dt)
    domains = {"North Sea": coast_forecast(dt, n_steps)}
    if n:
        domains[f"basin {n}^2"] = basins.run(4321, 1, n, dt, n_steps)
    for name, (states, depth) in domains.items():
        found = scores.score(BasinRollout(step), states, depth)
        land = (depth <= 0.0)[:, None].expand_as(found.forecast)
        on_land = float(found.forecast[land].abs().max()) if bool(land.any()) else np.nan
        last, rms = float(found.errors[-1]), float(found.size[-1])
        print(
            f"| {name} | {int((depth > 0.0).sum())} | {float(found.errors[0]):.1e} "
            f"| {last:.2g} | {last / rms:.2g} | {on_land:.0e} | {found.volume:.0e} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
