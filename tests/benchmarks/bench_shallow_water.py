# SPDX-License-Identifier: MIT
"""The speed of the shallow water model: memory, break-even, and peers, in one run.

Runs `bench_shallow_water` (real64) and `bench_shallow_water_real32` in turns, on one and on
two threads, and the same semi-implicit step in scipy. The best time of all rounds counts:
what else the machine does then hits all alike. One thread means CPU time of the process,
two threads mean time on the clock.

    cmake --build BUILD --target bench_shallow_water bench_shallow_water_real32
    python tests/benchmarks/bench_shallow_water.py BUILD [--rounds 5] [--write FILE.md]
"""

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

os.environ["OPENBLAS_NUM_THREADS"] = "1"

sys.path.insert(0, str(Path(__file__).parents[2] / "examples" / "07_north_sea"))

import north_sea
import numpy as np
import scipy
from scipy_shallow_water import case

PROGRAMS = {"real64": "bench_shallow_water", "real32": "bench_shallow_water_real32"}
LARGER_IS_BETTER = ("copy", "triad", "update", "explicit_plain", "explicit_full")
NOT_TIMES = (
    "error",
    "n",
    "n_cg",
    "n_mg",
    "square",
    "zeta",
    "u",
    "v",
    "explicit_bytes",
)
AGREEMENT = 1e-5  # of norms after four steps: both solvers leave up to 1e-5 m
PEER_STEPS = 4
PEER_CELLS = 5000.0, 2500.0, 1250.0  # [m]; at the same time step
PUBLISHED_SQUARE = 1e-10  # mean square residual at which the published code stops [m2]

Values = dict[str, float]


def run_program(
    program: Path, topic: str, n_threads: int, rounds: int, *files: Path
) -> Values:
    """Run one topic and return its values by their keys."""
    out = subprocess.run(
        [program, topic, str(rounds), *files],
        env={**os.environ, "OMP_NUM_THREADS": str(n_threads)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    lines = [line.rsplit(maxsplit=1) for line in out.splitlines()]
    return {key.strip(): float(value) for key, value in lines}


def keep_best(best: Values, values: Values) -> None:
    """Take over what is better than all before."""
    for key, value in values.items():
        kind = key.split()[-1]
        if key not in best or kind in NOT_TIMES:
            best[key] = value
        elif kind in LARGER_IS_BETTER:
            best[key] = max(best[key], value)
        else:
            best[key] = min(best[key], value)


def time_scipy(dx: float, solver: str) -> tuple[float, Values]:
    """Return the CPU time of a step [ms] and norms of the result."""
    basin, state = case(512, dx)
    start = time.process_time()
    for _ in range(PEER_STEPS):
        state = basin.step(state, 1000.0, 0.55, solver)
    seconds = (time.process_time() - start) / PEER_STEPS
    norms = {k: float(np.linalg.norm(vars(state)[k])) for k in ("zeta", "u", "v")}
    return 1000 * seconds, norms


def table(title: str, heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """Return a markdown table."""
    lines = [heads, ("---", *["---:"] * (len(heads) - 1)), *rows]
    return f"{title}\n\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def memory_table(results: dict[tuple[str, int], Values]) -> str:
    """Return explicit steps beside the bandwidth measured in the same run."""
    rows = []
    for (kind, n_threads), values in results.items():
        for place, grid in (("memory", "4000 x 4000"), ("cache", "300 x 300")):
            v = {k.split()[1]: x for k, x in values.items() if k.startswith(place)}
            moved = v["explicit_plain"] * v["explicit_bytes"] * 1e-3
            rows.append(
                (
                    f"{kind}, {n_threads} thread{'s' * (n_threads > 1)}, {grid}",
                    *(f"{v[k]:.1f}" for k in ("copy", "triad", "update")),
                    f"{v['explicit_plain']:.0f}",
                    f"{moved:.1f}",
                    f"{100 * moved / v['triad']:.0f} %",
                    f"{100 * moved / v['update']:.0f} %",
                    f"{v['explicit_full']:.0f}",
                )
            )
    heads = (
        "case",
        "copy GB/s",
        "triad GB/s",
        "update GB/s",
        "explicit Mcell/s",
        "GB/s",
        "of triad",
        "of update",
        "with friction and rotation Mcell/s",
    )
    return table("Explicit step and memory", heads, rows)


def break_even_table(values: Values) -> str:
    """Return k_e, k_s, k_it and where the semi-implicit step starts to pay."""
    rows = []
    for c in (5, 10, 20, 40):
        v = {k.split()[1]: x for k, x in values.items() if k.split()[0] == f"c{c}"}
        for solver in ("cg", "mg"):
            cost = v["k_s"] + v[f"n_{solver}"] * v[f"k_it_{solver}"]
            explicit_steps = c * np.sqrt(2)
            rows.append(
                (
                    f"{c}, {'multigrid CG' if solver == 'mg' else 'CG'}",
                    *(f"{v[k]:.1f}" for k in ("k_e", "k_e_full", "k_s", f"k_it_{solver}")),
                    f"{v[f'n_{solver}']:.0f}",
                    f"{cost / v['k_e'] / np.sqrt(2):.0f}",
                    f"{cost / v['k_e_full'] / np.sqrt(2):.1f}",
                    f"{100 * (1 - cost / (explicit_steps * v['k_e_full'])):.0f} %",
                )
            )
    heads = (
        "c",
        "k_e",
        "k_e full",
        "k_s",
        "k_it",
        "n",
        "even at c, plain",
        "even at c, full",
        "saved, full",
    )
    return table("Break-even: ns per cell, 512 x 512, real64, one thread", heads, rows)


def seiche_table(values: Values) -> str:
    """Return time and error of a seiche, explicit and semi-implicit."""
    rows = [
        (
            "explicit, at its limit" if key == "ex" else f"semi-implicit, c = {key[1:]}",
            f"{values[f'{key} ms']:.0f}",
            f"{values[f'{key} error']:.1e}",
            f"{values[f'{key} ms'] / values['ex ms']:.2f}",
        )
        for key in ("ex", "c2", "c5", "c10", "c20", "c40")
    ]
    heads = ("step", "ms", "error", "times the explicit")
    return table("A seiche of 300 x 300 cells, 5/4 of a period, linear", heads, rows)


def write_north_sea(path: Path) -> None:
    """Write the case of examples/07_north_sea as text."""
    grid, calibration = north_sea.Grid.read(), north_sea.Calibration.read()
    knots = north_sea.Boundary.read(north_sea.HERE / "boundary.csv")
    depth = grid.depth(calibration, north_sea.read_range())
    tide = np.zeros(grid.cell.shape, complex)
    tide[grid.open_points()] = knots.weights(grid) @ knots.amplitude
    rows, columns = grid.cell.shape
    degrees = (grid.lat[-1] - grid.lat[0]) / (rows - 1)
    head = f"{columns} {rows} {grid.lat[0]:.9f} {degrees:.12f} {calibration.drag}"
    cells = zip(grid.cell.flat, depth.flat, tide.flat, strict=True)
    lines = [f"{c} {d:.4f} {z.real:.6f} {z.imag:.6f}" for c, d, z in cells]
    path.write_text("\n".join([head, *lines]) + "\n")


def north_sea_table(values: Values) -> str:
    """Return time and error of the North Sea's M2, explicit and semi-implicit."""
    period = north_sea.M2_PERIOD
    rows = []
    for key in ("ex", "200", "100", "50", "33", "25"):
        n = values["limit n"] if key == "ex" else float(key)
        ms, explicit = values[f"{key} ms"], values["ex ms"]
        rows.append(
            (
                "explicit, at its limit" if key == "ex" else "semi-implicit",
                f"{period / n:.0f}",
                f"{ms:.0f}",
                f"{100 * values[f'{key} error']:.2f}",
                "" if key == "ex" else f"{100 * (1 - ms / explicit):.0f} %",
            )
        )
    heads = ("step", "dt s", "ms", "RMS vector error cm", "saved")
    return table("M2 of the North Sea, 5 minutes, six periods, one thread", heads, rows)


def t2_table(values: Values, single: Values) -> str:
    """Return the case of the published PyTorch code, which is float32, beside its times."""
    published = {"300": (4.9, 0.15), "900": (7.6, 0.2), "1500": (10.2, 0.3)}
    rules = {"": "1e-5 m, largest", " loose": "theirs"}
    rows = []
    for rule, words in rules.items():
        for dt, (theirs, goal) in published.items():
            ours, ours_single = (v[f"dt{dt}{rule} ms"] for v in (values, single))
            squares = (v[f"dt{dt}{rule} square"] for v in (values, single))
            if rule and not max(squares) < PUBLISHED_SQUARE:
                raise SystemExit(f"dt {dt}: the looser tolerance is not their rule")
            rows.append(
                (
                    dt,
                    words,
                    f"{values[f'dt{dt}{rule} n']:.1f}",
                    f"{ours:.3f}",
                    f"{ours_single:.3f}",
                    f"{goal}",
                    f"{theirs}",
                )
            )
    heads = (
        "dt s",
        "stop rule",
        "iterations",
        "real64 ms",
        "real32 ms",
        "goal ms",
        "PyTorch ms, elsewhere",
    )
    return table("100 x 100 with land, 25 h, one thread", heads, rows)


def courant(dx: float) -> float:
    """Return sqrt(g H) dt/dx of the peers' step where it is deepest."""
    return float(np.sqrt(9.81 * 70.0) * 1000.0 / dx)


def peer_table(ours: dict[int, Values], peers: dict[tuple[float, str], float]) -> str:
    """Return the same step in scipy and in Fortran."""
    rows = []
    for (dx, solver), theirs in peers.items():
        one, two = (ours[n][f"dx{dx:.0f} ms"] for n in (1, 2))
        rows.append(
            (
                f"{courant(dx):.0f}, scipy {solver}",
                f"{theirs:.0f}",
                f"{one:.2f}",
                f"{theirs / one:.1f}",
                f"{two:.2f}",
                f"{theirs / two:.1f}",
            )
        )
    heads = ("c, peer", "scipy ms", "Fortran ms", "ratio", "two threads ms", "ratio")
    return table("The same semi-implicit step, 512 x 512, real64", heads, rows)


def check_agreement(ours: Values, dx: float, norms: Values) -> None:
    """Stop if both did not compute the same thing."""
    for name, norm in norms.items():
        value = ours[f"dx{dx:.0f} {name}"]
        if not abs(value / norm - 1) < AGREEMENT:
            raise SystemExit(f"norm of '{name}': Fortran {value}, scipy {norm}")


def processor() -> str:
    """Return the processor's name."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else platform.processor()}, {os.cpu_count()} cores"


def measure_round(folder: Path, sea: Path, found: dict[str, Values]) -> None:
    """Let each case take its turn; `found` keeps the best of all rounds."""

    def turn(
        key: str, kind: str, topic: str, n_threads: int, rounds: int, *files: Path
    ) -> None:
        values = run_program(folder / PROGRAMS[kind], topic, n_threads, rounds, *files)
        keep_best(found.setdefault(key, {}), values)

    turn("t2", "real64", "t2", 1, 3)
    turn("t2 single", "real32", "t2", 1, 3)
    turn("break_even", "real64", "break_even", 1, 3)
    for kind in PROGRAMS:
        for n_threads in (1, 2):
            for topic, turns in (("memory", 5), ("cache", 40)):
                turn(f"{kind} {n_threads}", kind, topic, n_threads, turns)
    for n_threads in (1, 2):
        turn(f"peer {n_threads}", "real64", "peer", n_threads, 5)
    for dx in PEER_CELLS:
        ms, norms = time_scipy(dx, "cg")
        keep_best(found.setdefault("scipy", {}), {f"{dx:.0f} cg": ms})
        check_agreement(found["peer 1"], dx, norms)
    if "5000 spsolve" not in found["scipy"]:
        found["scipy"]["5000 spsolve"] = time_scipy(5000.0, "direct")[0]
    turn("seiche", "real64", "seiche", 1, 1)
    turn("north_sea", "real64", "north_sea", 1, 1, sea)


def tables_of(found: dict[str, Values]) -> list[str]:
    """Return all tables."""
    memory = {(k, n): found[f"{k} {n}"] for k in PROGRAMS for n in (1, 2)}
    peers = {(float(k.split()[0]), k.split()[1]): v for k, v in found["scipy"].items()}
    return [
        memory_table(memory),
        break_even_table(found["break_even"]),
        seiche_table(found["seiche"]),
        north_sea_table(found["north_sea"]),
        t2_table(found["t2"], found["t2 single"]),
        peer_table({n: found[f"peer {n}"] for n in (1, 2)}, peers),
    ]


def main() -> None:
    """Measure, print, and write the tables after each round if asked to."""
    parser = argparse.ArgumentParser(description="Speed of the shallow water model")
    parser.add_argument("build", type=Path, help="build folder")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each program")
    parser.add_argument("--write", type=Path, help="markdown file for the tables")
    arguments = parser.parse_args()
    folder = arguments.build / "tests" / "benchmarks"
    load = os.getloadavg()[0]
    found: dict[str, Values] = {}
    with tempfile.TemporaryDirectory() as directory:
        sea = Path(directory) / "north_sea.txt"
        write_north_sea(sea)
        for n in range(1, arguments.rounds + 1):
            measure_round(folder, sea, found)
            note = (
                f"{processor()}; load of the machine {load:.1f} at the start. Best of "
                f"{n} interleaved rounds; CPU time for one thread, clock time for two. "
                f"numpy {np.__version__}, scipy {scipy.__version__}.\n"
            )
            text = "\n".join([note, *tables_of(found)])
            if arguments.write:
                arguments.write.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
