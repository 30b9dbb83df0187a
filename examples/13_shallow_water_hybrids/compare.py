# SPDX-License-Identifier: MIT
"""Networks inside the Fortran shallow water program: what each is worth.

    OMP_NUM_THREADS=1 python compare.py [closures] [guesses] [preconditioners] [speed]

Trains, exports, runs `isthmus-shallow-water` and `isthmus-shallow-water-coupled`, prints
Markdown tables. All parts without arguments. CPU times are of one thread; those of a step
are the difference of two runs, so that start-up and loading are not in them.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from closures import LocalNet, TwoNumbers
from programs import Outcome, run
from rough_basins import DRAG, DT, DX, Truth, truth
from solver_study import compare_guesses, compare_preconditioners
from speed import compare_speed
from training import SCALES, train

from isthmus.couple.shallow_water_export import export_shallow_water

HERE = Path(__file__).parent
HOURS = (1.0, 3.0, 6.0, 12.0, 24.0)
TRAIN, VALID, TEST = (1, 6), (2, 2), (3, 4)
"""Seed and number of basins."""
LIMITS = {"zeta": (-2.0, 2.0), "u": (-40.0, 40.0), "v": (-40.0, 40.0), "depth": (0.0, 60.0)}


def closure_of(how: str) -> torch.nn.Module:
    """Return a closure with the weights that all trainings begin with."""
    torch.manual_seed(0)
    kind = TwoNumbers if how == "two numbers" else LocalNet
    return kind(dx=DX, drag=DRAG).double()


def error_of(states: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """Return the root of the mean square over scaled fields and cells, over time."""
    scales = np.array(SCALES).reshape(3, 1, 1)
    return np.sqrt((((states - expected) / scales) ** 2).mean((1, 2, 3)))


def run_member(
    tests: Truth, member: int, folder: Path, coupling: dict[str, object] | None
) -> Outcome:
    """Run the coarse program from the filtered start of one basin."""
    return run(
        folder,
        tests.depth[member].numpy(),
        tests.states[0, member].numpy(),
        dx=DX,
        dt=DT,
        n_steps=len(tests.states) - 1,
        every=1,
        coupling=coupling,
    )


def compare_closures(folder: Path) -> None:
    """Print errors over lead time: no closure, a calibration, and three trainings."""
    day = round(24 * 3600 / DT)
    train_on, valid_on = truth(*TRAIN, day // 2), truth(*VALID, day // 2)
    tests = truth(*TEST, day)
    leads = [round(hour * 3600 / DT) for hour in HOURS]
    head = "| closure | trained | weights | " + " | ".join(f"{h:g} h" for h in HOURS)
    print(head + " | energy | CPU min |", "|---" * (5 + len(HOURS)) + "|", sep="\n")
    rows: list[tuple[str, str]] = [("none", "none"), ("two numbers", "Fortran")]
    rows += [("network", how) for how in ("offline", "rollouts", "Fortran")]
    for what, how in rows:
        coupling, n_weights, started = None, 0, time.process_time()
        if what != "none":
            closure = closure_of(what)
            train(how, closure, train_on, valid_on)
            n_weights = sum(p.numel() for p in closure.parameters())
        minutes = (time.process_time() - started) / 60
        if what != "none":
            path = HERE / f"closure_{what.replace(' ', '_')}_{how}.pt"
            export_shallow_water(
                closure,
                path,
                role="closure",
                dt=DT,
                trained_for={"dx": DX, "dy": DX, "drag_coefficient": DRAG},
                limits=LIMITS,
                progress=False,
            )
            coupling = {"network": str(path), "role": "closure"}
        errors, energies = [], []
        for member in range(TEST[1]):
            found = run_member(tests, member, folder, coupling).states
            expected = tests.states[:, member].numpy()
            errors.append(error_of(found, expected))
            scales = np.array(SCALES).reshape(3, 1, 1)
            late = [((x[-day // 8 :] / scales) ** 2).mean() for x in (found, expected)]
            energies.append(late[0] / late[1])
        mean = np.mean(errors, 0)
        cells = [what, how, f"{n_weights}", *(f"{mean[k]:.3f}" for k in leads)]
        cells += [f"{np.mean(energies):.2f}", f"{minutes:.1f}"]
        print("| " + " | ".join(cells) + " |", flush=True)


PARTS: dict[str, Callable[[Path], None]] = {
    "closures": compare_closures,
    "guesses": compare_guesses,
    "preconditioners": compare_preconditioners,
    "speed": compare_speed,
}


def main() -> None:
    """Run the parts that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], default=[])
    chosen = parser.parse_args().parts or list(PARTS)
    for name in chosen:
        print(f"\n## {name}\n")
        with tempfile.TemporaryDirectory() as folder:
            PARTS[name](Path(folder))


if __name__ == "__main__":
    main()
