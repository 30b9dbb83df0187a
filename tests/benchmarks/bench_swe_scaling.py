# SPDX-License-Identifier: MIT
"""The shallow water model on MPI ranks: measured on this machine, estimated for others.

Runs `bench_swe_scaling` on one and on two ranks in turns; the best round of all counts, in
CPU time for one rank and on the clock for two, so that what else the machine does matters
little. Then puts the measured costs of a cell and the counted messages of a step into a
model of communication for many ranks.

    cmake --build BUILD --target bench_swe_scaling
    python tests/benchmarks/bench_swe_scaling.py BUILD [--repeats 2] [--write FILE.md]
"""

import argparse
import math
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

COURANT = 10
ROUNDS = {128: 150, 256: 80, 512: 50}  # by the smaller side: a few seconds
MPI = {  # ranks may share cores, and may be root's in a container
    "OMP_NUM_THREADS": "1",
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "OMPI_MCA_rmaps_base_oversubscribe": "1",
    "OMPI_MCA_hwloc_base_binding_policy": "none",
}
# Cells of the global grids R2B9, R2B10 and R2B11 of ICON: 20 * 2**2 * 4**level.
ICON = {f"R2B{level}": 20 * 2**2 * 4**level for level in (9, 10, 11)}

Values = dict[str, float]
Case = tuple[int, int, int, str, str]  # ranks, nx, ny, solver, mode


@dataclass(frozen=True)
class Network:
    """Assumptions about a machine of many nodes; times in seconds."""

    wait: float = 2.5e-6  # for two neighbours' messages, packing included
    bytes_per_second: float = 1.0e9  # of a rank, whose node shares its links
    level: float = 1.5e-6  # of a reduction, for each doubling of the ranks


def cases(sizes: list[int]) -> list[Case]:
    """Return what is measured: strong and weak scaling, reproducible sums, diagonal CG."""
    found: list[Case] = []
    for n in sizes:
        found += [(ranks, n, n, "cg_multigrid", "plain") for ranks in (1, 2)]
    found += [(2, 2 * n, n, "cg_multigrid", "plain") for n in sizes]
    found += [(ranks, 256, 256, "cg_multigrid", "reproducible") for ranks in (1, 2)]
    found.append((1, 256, 256, "cg", "plain"))
    return found


def run(program: Path, case: Case, rounds: int | None = None) -> Values:
    """Run one case and return its values by their keys."""
    ranks, nx, ny, solver, mode = case
    arguments = [nx, ny, COURANT, solver, rounds or ROUNDS[min(nx, ny)], mode]
    # More ranks than cores would spin for each other's turn.
    waiting = {"OMPI_MCA_mpi_yield_when_idle": str(int(ranks > 2))}
    out = subprocess.run(
        ["mpiexec", "-n", str(ranks), program, *map(str, arguments)],
        env={**os.environ, **MPI, **waiting},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    pairs = [line.split() for line in out.splitlines()]
    return {key: float(value) for key, value in pairs}


def measure(program: Path, sizes: list[int], repeats: int) -> dict[Case, Values]:
    """Run all cases in turns and keep the best times."""
    best: dict[Case, Values] = {}
    for _ in range(repeats):
        for case in cases(sizes):
            values = run(program, case)
            print(*case, values["step"], file=sys.stderr)
            for key in ("step", "exchange", "sum"):
                if case in best:
                    values[key] = min(values[key], best[case][key])
            best[case] = values
    return best


def measured_tables(best: dict[Case, Values], sizes: list[int]) -> str:
    """Return the tables of what was measured."""
    usual = ("cg_multigrid", "plain")
    plain = {case[:3]: values for case, values in best.items() if case[3:] == usual}
    lines = [
        "| cells | 1 rank, ms | 2 ranks, ms | speed-up | iterations | ns per cell |",
        "|---|---|---|---|---|---|",
    ]
    for n in sizes:
        one, two = plain[1, n, n], plain[2, n, n]
        lines.append(
            f"| {n} x {n} | {1e3 * one['step']:.2f} | {1e3 * two['step']:.2f} "
            f"| {one['step'] / two['step']:.2f} | {one['iterations']:.1f} "
            f"| {1e9 * one['step'] / n**2:.0f} |"
        )
    lines += [
        "",
        "| cells per rank | 1 rank, ms | 2 ranks, ms | efficiency |",
        "|---|---|---|---|",
    ]
    for n in sizes:
        one, two = plain[1, n, n], plain[2, 2 * n, n]
        lines.append(
            f"| {n} x {n} | {1e3 * one['step']:.2f} | {1e3 * two['step']:.2f} "
            f"| {100 * one['step'] / two['step']:.0f} % |"
        )
    two = plain[2, 256, 256]
    lines += ["", "| reproducible sums, 256 x 256 | plain, ms | exact, ms | dearer |"]
    lines.append("|---|---|---|---|")
    for ranks in (1, 2):
        exact = best[ranks, 256, 256, "cg_multigrid", "reproducible"]["step"]
        summed = plain[ranks, 256, 256]["step"]
        lines.append(
            f"| {ranks} rank{'s' * (ranks - 1)} | {1e3 * summed:.2f} | {1e3 * exact:.2f} "
            f"| {100 * (exact / summed - 1):.0f} % |"
        )
    lines += [
        "",
        f"Between two ranks of one node an exchange of a field of 256 x 256 takes "
        f"{1e6 * two['exchange']:.1f} us, a sum over both {1e6 * two['sum']:.2f} us.",
    ]
    return "\n".join(lines)


def traffic_table(counts: dict[str, Values]) -> str:
    """Return the table of what a step sends, from runs on four ranks."""
    lines = [
        "| solver | iterations | waits | reductions | kB sent by a rank of 128 x 128 |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {name} | {v['iterations']:.1f} | {v['waits']:.0f} | {v['reductions']:.0f} "
        f"| {v['bytes'] / 1e3:.0f} |"
        for name, v in counts.items()
    ]
    return "\n".join(lines)


def estimate(
    network: Network, counts: Values, cell: float, cells: float, ranks: int
) -> Values:
    """Seconds of a step: computing, waiting for neighbours, and for reductions."""
    side = math.sqrt(cells / ranks)
    sides = side / 128  # the counted bytes are those of two sides of 128 x 128 cells
    sent = 2 * counts["bytes"] * sides
    return {
        "compute": cell * cells / ranks,
        "exchange": counts["waits"] * network.wait + sent / network.bytes_per_second,
        "reduce": counts["reductions"] * network.level * math.log2(ranks),
    }


def model_table(counts: Values, cell: float) -> str:
    """Return the estimates for ICON's grids."""
    lines = [
        "| grid | ranks | cells per rank | computing, ms | neighbours | reductions | step "
        "| efficiency |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, cells in ICON.items():
        for ranks in (1000, 10000, 100000):
            t = estimate(Network(), counts, cell, cells, ranks)
            total = sum(t.values())
            parts = " | ".join(f"{1e3 * seconds:.2f}" for seconds in t.values())
            lines.append(
                f"| {name} | {ranks} | {cells / ranks:.0f} | {parts} | {1e3 * total:.2f} "
                f"| {100 * t['compute'] / total:.0f} % |"
            )
    return "\n".join(lines)


def lever_table(multigrid: Values, diagonal: Values, cells: dict[str, float]) -> str:
    """Return what could be changed, for the middle grid on 10^4 ranks."""
    n_it = multigrid["iterations"]
    changes: dict[str, tuple[Values, float, Network]] = {
        "as it is": (multigrid, cells["cg_multigrid"], Network()),
        "the diagonal instead of multigrid": (diagonal, cells["cg"], Network()),
        "one reduction an iteration": (
            {**multigrid, "reductions": multigrid["reductions"] - 2 * n_it},
            cells["cg_multigrid"],
            Network(),
        ),
        "one sweep fewer on the coarsest level": (
            {**multigrid, "waits": multigrid["waits"] - 4 * n_it},
            cells["cg_multigrid"],
            Network(),
        ),
        "four threads a rank": (multigrid, cells["cg_multigrid"] / 4, Network()),
        "messages and reductions twice as slow": (
            multigrid,
            cells["cg_multigrid"],
            Network(wait=5e-6, level=3e-6),
        ),
    }
    lines = ["| change | step, ms | efficiency |", "|---|---|---|"]
    for name, (counts, cell, network) in changes.items():
        ranks = 2500 if "threads" in name else 10000
        t = estimate(network, counts, cell, ICON["R2B10"], ranks)
        useful = cells["cg_multigrid"] * ICON["R2B10"] / 10000
        total = sum(t.values())
        lines.append(f"| {name} | {1e3 * total:.2f} | {100 * useful / total:.0f} % |")
    return "\n".join(lines)


def report(program: Path, sizes: list[int], repeats: int) -> str:
    """Measure and return all tables."""
    counts = {
        solver: run(program, (4, 256, 256, solver, "plain"), rounds=5)
        for solver in ("cg_multigrid", "cg")
    }
    best = measure(program, sizes, repeats)
    cell = {
        solver: best[1, 256, 256, solver, "plain"]["step"] / 256**2
        for solver in ("cg_multigrid", "cg")
    }
    tables: list[Callable[[], str]] = [
        lambda: measured_tables(best, sizes),
        lambda: traffic_table(counts),
        lambda: model_table(counts["cg_multigrid"], cell["cg_multigrid"]),
        lambda: lever_table(counts["cg_multigrid"], counts["cg"], cell),
    ]
    return "\n\n".join(table() for table in tables)


def main() -> None:
    """Parse the arguments, measure, print or write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build", type=Path, help="build folder")
    sizes = "sides of the grids; 256 is needed"
    parser.add_argument("--sizes", type=int, nargs="+", default=list(ROUNDS), help=sizes)
    parser.add_argument("--repeats", type=int, default=2, help="turns of all cases")
    parser.add_argument("--write", type=Path, help="write the tables to this file")
    arguments = parser.parse_args()
    program = arguments.build / "tests/benchmarks/bench_swe_scaling"
    text = report(program.resolve(), arguments.sizes, arguments.repeats)
    if arguments.write:
        arguments.write.write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
