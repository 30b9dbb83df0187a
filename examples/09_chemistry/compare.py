# SPDX-License-Identifier: MIT
"""Solver, quasi-steady state and network in the same slot of the same Fortran program.

Errors by species after 1 step, 1 h, 24 h and 7 days against the solver at rtol 1e-8, and
processor time per cell and step for 1 to 10^5 cells, one thread, one run.

    OMP_NUM_THREADS=1 python examples/09_chemistry/compare.py superfast --dt 3600
"""

import argparse
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np

from isthmus.cli.progress import progress_bar
from isthmus.couple.chemistry import integrate_steps, spread_start
from isthmus.couple.programs import find_program, write_namelist
from isthmus.models import Mechanism

FOLDER = Path(__file__).parent / "build"
ATOL = {"superfast": 1e-3, "pollu": 1e-14}
N_CELLS, SPREAD, SEED = 128, 3.0, 77  # cells that no training has seen
START_HOUR = 9.0
BATCHES = (1, 10, 100, 1000, 10_000, 100_000)
CELL_STEPS = 20_000  # of a timing, about; whole days
Array = np.ndarray
Slot = dict[str, Any]
Run = tuple[Array | None, float, float]
"""States [time, cell, species], microseconds per cell and step, share of the solver."""
Times = dict[str, dict[int, float]]
EXPENSIVE = {"QSSA": 100, "the same": 10}
"""Not timed with the largest batches: their time per cell is the same for all."""
MOST_CELLS = 100_000
SUBSTEPS = {"superfast": (60, 360), "pollu": (10, 60)}


def reactors(mechanism: str, network: str) -> dict[str, Slot]:
    """Return what fills the slot: name and groups of the namelist."""
    few, many = SUBSTEPS[mechanism]
    solver = {"reactor": "solver"}
    return {
        "rodas3, 1e-3": {"coupling": solver, "method": "rodas3"},
        "the same, cold": {
            "coupling": {**solver, "keep_steps": False},
            "method": "rodas3",
        },
        "rodas3, 1e-1": {"coupling": solver, "method": "rodas3", "rtol": 1e-1},
        f"QSSA, {few}": {"coupling": {"reactor": "qssa", "n_substeps": few}},
        f"QSSA, {many}": {"coupling": {"reactor": "qssa", "n_substeps": many}},
        "network": {"coupling": {"network": network, "guarded": False}},
        "network, guarded": {"coupling": {"network": network}},
    }


def run(
    folder: Path,
    mechanism: Mechanism,
    slot: Slot,
    y: Array,
    *,
    write: bool = False,
    **integration: float,
) -> Run:
    """Run the program; return its states and microseconds per cell and step."""
    with netCDF4.Dataset(folder / "start.nc", "w") as file:
        file.createDimension("cell", y.shape[0])
        file.createDimension("species", y.shape[1])
        file.createVariable("y", "f8", ("cell", "species"))[:] = y
    keys = {key: slot[key] for key in ("method", "rtol") if key in slot}
    files = {"initial": "start.nc"} | ({"output": "out.nc"} if write else {})
    write_namelist(
        {
            "coupling": slot["coupling"],
            "mechanism": {"file": str(mechanism.path)},
            "integration": {**integration, **keys, "n_cells": y.shape[0]},
            "files": files,
        },
        folder / "run.nml",
    )
    process = subprocess.run(
        [find_program("isthmus-chemistry-coupled"), "run.nml"],
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if process.returncode != 0:
        raise SystemExit(process.stderr)
    time = float(re.search(r"([\d.]+) us per cell", process.stderr).group(1))
    flagged = re.search(r"(\d+) of (\d+) cell steps by the solver", process.stderr)
    share = float(flagged.group(1)) / float(flagged.group(2)) if flagged else 0.0
    states = None
    if "output" in files:
        with netCDF4.Dataset(folder / "out.nc") as file:
            states = file["y"][:].data
    return states, time, share


def main() -> None:
    """Measure and write one page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("mechanism", choices=sorted(ATOL))
    parser.add_argument("--dt", type=float, default=3600.0)
    parser.add_argument("--days", type=float, default=7.0)
    parser.add_argument("--batches", type=int, nargs="+", default=BATCHES)
    parser.add_argument("--rounds", type=int, default=3, help="of timings; least counts")
    parser.add_argument("--output", type=Path, help="markdown file, appended to")
    args = parser.parse_args()
    mechanism = Mechanism(
        args.mechanism, method="rodas4", rtol=1e-8, atol=ATOL[args.mechanism]
    )
    hour = 1.0 / mechanism.hours_per_unit
    t_start = START_HOUR * hour
    n_steps = round(args.days * 24 * hour / args.dt)
    random = np.random.default_rng(SEED)
    y = spread_start(mechanism, N_CELLS, spread=SPREAD, random=random)
    y = integrate_steps(mechanism, y, 1, dt=args.dt, t=t_start - args.dt)[-1]
    truth = integrate_steps(mechanism, y, n_steps, dt=args.dt, t=t_start)
    network = f"{args.mechanism}_{args.dt:g}.nc"
    slots = reactors(args.mechanism, network)
    leads = sorted({1, round(hour / args.dt), round(24 * hour / args.dt), n_steps})
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for path in FOLDER.glob(f"{args.mechanism}_{args.dt:g}.*"):
            shutil.copy(path, folder)
            if path.suffix in (".pt", ".pt2"):  # the same step, by torch
                coupling = {"network": path.name, "guarded": False}
                slots[f"network, {path.suffix}"] = {"coupling": coupling}
        common = {"dt": args.dt, "t_start": t_start}
        runs = {
            slot: run(folder, mechanism, keys, y, write=True, n_steps=n_steps, **common)
            for slot, keys in slots.items()
        }
        page = [f"## {args.mechanism}, {args.dt:g} {mechanism.time_unit} a step\n"]
        for lead in leads:
            page += [*error_table(mechanism, truth, runs, lead, lead * args.dt / hour), ""]
        page += [*ozone_table(mechanism, truth, runs), ""]
        share = 100 * runs["network, guarded"][2]
        page.append(f"The guard gave {share:.2f} % of these cell steps to the solver.\n")
        print("\n".join(page), flush=True)
        times = timings(folder, mechanism, slots, truth[min(24, n_steps)], args, common)
    page += [*time_table(times, args.batches), ""]
    print("\n".join(time_table(times, args.batches)))
    text = "\n".join(page)
    if args.output:
        with args.output.open("a") as file:
            file.write(text)


def timings(
    folder: Path,
    mechanism: Mechanism,
    slots: dict[str, Slot],
    states: Array,
    args: argparse.Namespace,
    common: dict[str, float],
) -> Times:
    """Return microseconds [slot][batch], rounds interleaved, least of them."""
    least = {slot: dict.fromkeys(args.batches, np.inf) for slot in slots}
    day = max(1, round(24 / mechanism.hours_per_unit / common["dt"]))
    total, done = args.rounds * len(args.batches) * len(slots), 0
    with progress_bar("timings") as update:
        for _ in range(args.rounds):
            for batch in args.batches:
                y = np.resize(states, (batch, states.shape[1]))
                n_steps = day * max(1, round(CELL_STEPS / batch / day))
                n_steps = min(n_steps, 40 * day)
                for slot, keys in slots.items():
                    done += 1
                    if batch * EXPENSIVE.get(slot.split(",")[0], 1) > MOST_CELLS:
                        continue
                    _, time, _ = run(folder, mechanism, keys, y, n_steps=n_steps, **common)
                    least[slot][batch] = min(least[slot][batch], time)
                    update(done / total)
    return least


def error_table(
    mechanism: Mechanism, truth: Array, runs: dict[str, Run], lead: int, hours: float
) -> list[str]:
    """Return root mean square errors by species, per cent of the root mean square."""
    lines = [f"After {hours:g} h ({lead} steps): error by species [%]\n"]
    lines += ["| | " + " | ".join(mechanism.species) + " |"]
    lines += ["|---" * (len(mechanism) + 1) + "|"]
    norm = np.sqrt((truth[lead] ** 2).mean(axis=0))
    for slot, (states, _, _) in runs.items():
        error = np.sqrt(((states[lead] - truth[lead]) ** 2).mean(axis=0))
        share = 100 * error / np.maximum(norm, 1e-6 * np.abs(truth).max(axis=(0, 1)))
        lines.append(f"| {slot} | " + " | ".join(f"{s:.2g}" for s in share) + " |")
    return lines


def ozone_table(mechanism: Mechanism, truth: Array, runs: dict[str, Run]) -> list[str]:
    """Return what became of ozone, and of the elements."""
    ozone = mechanism.index("O3")
    weights = mechanism.linear_invariants()
    lines = [
        "Ozone at the end, and the largest change of an element's total in any cell:\n",
        "| | mean error [%] | bias [%] | largest [%] | elements [1] | least value |",
        "|---|---|---|---|---|---|",
    ]
    for slot, (states, _, _) in runs.items():
        error = 100 * (states[-1, :, ozone] / truth[-1, :, ozone] - 1)
        totals = states @ weights.T
        drift = np.abs(totals / totals[0] - 1).max() if len(weights) else 0.0
        lines.append(
            f"| {slot} | {np.abs(error).mean():.3f} | {error.mean():+.3f} | "
            f"{np.abs(error).max():.2f} | {drift:.0e} | {states.min():.1e} |"
        )
    return lines


def time_table(times: Times, batches: Sequence[int]) -> list[str]:
    """Return microseconds per cell and step, and how many times as fast as the solver."""
    first = next(iter(times.values()))
    lines = ["Processor time per cell and step [us] (times as fast as the first line):\n"]
    lines += ["| cells | " + " | ".join(f"{b:,}" for b in batches) + " |"]
    lines += ["|---" * (len(batches) + 1) + "|"]
    for slot, by_batch in times.items():
        row = [
            f"{by_batch[b]:.3g} ({first[b] / by_batch[b]:.2g})"
            if np.isfinite(by_batch[b])
            else "-"
            for b in batches
        ]
        lines.append(f"| {slot} | " + " | ".join(row) + " |")
    return lines


if __name__ == "__main__":
    main()
