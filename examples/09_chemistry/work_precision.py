# SPDX-License-Identifier: MIT
"""Error of ozone after a week against time per cell: solver, quasi-steady state, networks.

All in the slot of the same Fortran program, one thread, one run; then times by batch size.

    OMP_NUM_THREADS=1 python examples/09_chemistry/work_precision.py \
        --networks build/*.nc --figure docs/figures/chemistry_work_precision.png
"""

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from compare import SEED, SPREAD, START_HOUR, run

from isthmus.cli.progress import progress_bar
from isthmus.couple.chemistry import integrate_steps, spread_start
from isthmus.couple.style import house_style
from isthmus.models import Mechanism

DT, STEPS = 3600.0, 168
N_CELLS = 1000  # that no training has seen
TOLERANCES = {
    "rodas3": (1.0, 0.3, 1e-1, 1e-2, 1e-3, 1e-4),
    "ros3": (1.0, 1e-1, 1e-3),
    "ros2": (1.0, 1e-1),
}
SUBSTEPS = (6, 60, 360)
BATCHES = (1, 16, 100, 1000, 10_000, 100_000)
CELL_STEPS = 24_000  # of a timing, whole days
Slot = dict[str, Any]
Row = tuple[str, str, float, float, float]
"""Family, name, mean error and bias of ozone [%], microseconds."""


def slots(networks: Sequence[Path]) -> list[tuple[str, str, Slot]]:
    """Return what fills the slot: family, name, groups."""
    solver = {"coupling": {"reactor": "solver"}}
    found = [
        (method, f"{method}, rtol {r:g}", {**solver, "method": method, "rtol": r})
        for method, tolerances in TOLERANCES.items()
        for r in tolerances
    ]
    found += [
        ("QSSA", f"QSSA, {n}", {"coupling": {"reactor": "qssa", "n_substeps": n}})
        for n in SUBSTEPS
    ]
    return found + [
        (
            f"network {path.suffix}",
            f"network {path.name}",
            {"coupling": {"network": str(path.resolve()), "guarded": False}},
        )
        for path in networks
    ]


def main() -> None:
    """Measure, print two tables, draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", type=Path, nargs="+", required=True)
    parser.add_argument("--figure", type=Path)
    parser.add_argument("--rounds", type=int, default=2, help="the least time counts")
    parser.add_argument("--batches", type=int, nargs="*", default=BATCHES)
    args = parser.parse_args()
    mechanism = Mechanism("superfast", method="rodas4", rtol=1e-8, atol=1e-3)
    t = START_HOUR * 3600.0
    random = np.random.default_rng(SEED)
    y = spread_start(mechanism, N_CELLS, spread=SPREAD, random=random)
    y = integrate_steps(mechanism, y, 1, dt=DT, t=t - DT)[-1]
    truth = integrate_steps(mechanism, y, STEPS, dt=DT, t=t)
    chosen = slots(args.networks)
    with tempfile.TemporaryDirectory() as folder:
        common = {"dt": DT, "t_start": t}
        rows = measure(Path(folder), mechanism, chosen, truth, args.rounds, common)
        print("\n".join(table(rows)), flush=True)
        if args.figure:
            draw(rows, args.figure)
        wanted = ("rodas3, rtol 0.001", "rodas3, rtol 0.1", "ros3, rtol 1")
        timed = [one for one in chosen if one[1] in wanted or "network" in one[0]]
        if args.batches:
            times = batches(Path(folder), mechanism, timed, truth[24], args, common)
            print("\n".join(times))


def measure(
    folder: Path,
    mechanism: Mechanism,
    chosen: Sequence[tuple[str, str, Slot]],
    truth: np.ndarray,
    rounds: int,
    common: dict[str, float],
) -> list[Row]:
    """Run each through the week."""
    ozone = mechanism.index("O3")
    rows = []
    with progress_bar("a week") as update:
        for i, (family, name, slot) in enumerate(chosen):
            week = dict(common, n_steps=STEPS)
            runs = [
                run(folder, mechanism, slot, truth[0], write=True, **week)
                for _ in range(rounds)
            ]
            states = runs[0][0]
            error = 100 * (states[-1, :, ozone] / truth[-1, :, ozone] - 1)
            least = min(time for _, time, _ in runs)
            rows.append((family, name, np.abs(error).mean(), error.mean(), least))
            update((i + 1) / len(chosen))
    return rows


def batches(
    folder: Path,
    mechanism: Mechanism,
    chosen: Sequence[tuple[str, str, Slot]],
    states: np.ndarray,
    args: argparse.Namespace,
    common: dict[str, float],
) -> list[str]:
    """Return a table of microseconds per cell and step by batch size."""
    lines = ["", "| cells | " + " | ".join(f"{b:,}" for b in args.batches) + " |"]
    lines += ["|---" * (len(args.batches) + 1) + "|"]
    for _, name, slot in chosen:
        cells = []
        for batch in args.batches:
            y = np.resize(states, (batch, states.shape[1]))
            n_steps = 24 * int(np.clip(CELL_STEPS / batch / 24, 1, 100))
            times = [
                run(folder, mechanism, slot, y, n_steps=n_steps, **common)[1]
                for _ in range(args.rounds)
            ]
            cells.append(f"{min(times):.3g}")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return lines


def table(rows: Sequence[Row]) -> list[str]:
    """Return errors, times, and what the solver needs for the same error."""
    solver = [(error, time) for family, _, error, _, time in rows if family in TOLERANCES]
    reference = next(time for _, name, _, _, time in rows if name == "rodas3, rtol 0.001")
    lines = [
        "| | ozone: mean error [%] | bias [%] | us per cell and step "
        "| times rodas3 at 1e-3 | times the solver at this error |",
        "|---|---|---|---|---|---|",
    ]
    for family, name, error, bias, time in rows:
        equal = min((t for e, t in solver if e <= error), default=np.nan)
        ratio = "-" if family in TOLERANCES or np.isnan(equal) else f"{equal / time:.2g}"
        lines.append(
            f"| {name} | {error:.2g} | {bias:+.2g} | {time:.3g} | {reference / time:.2g} | "
            f"{ratio} |"
        )
    return lines


def draw(rows: Sequence[Row], path: Path) -> None:
    """Draw error against time, one line or cloud for each family."""
    with house_style():
        figure, axis = plt.subplots(figsize=(5.2, 3.6))
        for family in dict.fromkeys(row[0] for row in rows):
            points = [(row[4], row[2]) for row in rows if row[0] == family]
            is_line = not family.startswith("network")
            axis.loglog(*zip(*points, strict=True), "o-" if is_line else "s", label=family)
        axis.axhline(1.0, color="grey", linewidth=0.8, linestyle=":")
        axis.set(
            xlabel="microseconds per cell and hour",
            ylabel="error of ozone after a week [%]",
        )
        axis.legend()
        figure.savefig(path)


if __name__ == "__main__":
    main()
