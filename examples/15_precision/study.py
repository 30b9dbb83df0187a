# SPDX-License-Identifier: MIT
"""One table: what each network loses and gains in less than double precision.

    OMP_NUM_THREADS=1 python study.py --closure closure.pt --rain rain.pt ... --output FILE

The networks are read from model files or checkpoints, lowered where their case says so,
exported, and run inside the Fortran models. Each kind is compared with float64 of the same
network; times are of the bridge's calls on one core.
"""

import argparse
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from cases import CASES, Case, Run

from isthmus.bridge import Model
from isthmus.cli.progress import progress_bar
from isthmus.errors import ConfigurationError, IsthmusError
from isthmus.export import export_network
from isthmus.nets import KINDS

BATCHES = (1, 64, 4096)
SECONDS, CALLS = 0.1, 2  # of processor time for each timing, at least
LOOSE = 0.2  # parity of 8 and 16 bits with torch: sums in another order
EXAMPLES = 8
HEAD = (
    "network, weights",
    "kind",
    "rounding",
    "error",
    "early",
    "late",
    "drift",
    "budget",
    *(f"{n}" for n in BATCHES),
    "file [kB]",
)


@dataclass
class Found:
    """What was measured of one network in one kind."""

    rounding: float
    error: float | None
    run: Run | str
    times: list[float]
    size: int


def answers(case: Case, kind: str) -> torch.Tensor:
    """Return what the lowered network answers to the inputs of its case."""
    with torch.no_grad():
        lowered = case.lower(case.module, kind, case.part)
        y = lowered(*case.inputs.values())
        return case.scale((y[0] if isinstance(y, tuple) else y).double())


def export(case: Case, kind: str, path: Path) -> None:
    """Write the model file. "int8" couples the samples of a call: it is not separable."""
    names = tuple(case.inputs)
    if case.write is not None:
        case.write(case.lower(case.module, kind, case.part), path)
        return
    export_network(
        case.lower(case.module, kind, case.part),
        path,
        inputs={name: v[:EXAMPLES].clone() for name, v in case.inputs.items()},
        outputs=[case.outputs],
        dynamic={"sample": dict.fromkeys(names, 0)},
        separable=None if kind == "int8" else "sample",
        dt=case.dt,
        training_range={
            n: (float(v.min()), float(v.max())) for n, v in case.inputs.items()
        },
        derivatives=False,
        tolerance=LOOSE,
        progress=False,
    )


def time_of_call(path: Path, case: Case, n: int) -> float:
    """Return the least processor time of a call with `n` samples [us]."""
    model = Model(path)
    if case.several is not None:
        kept = case.several(n)
    else:
        kept = {k: np.resize(v, (n, *v.shape[1:])) for k, v in case.inputs.items()}
    for name, v in kept.items():
        model.bind_input(name, v)
    found = {name: y.copy() for name, y in model(**kept).items()}
    for name, y in found.items():
        model.bind_output(name, y)
    taken: list[float] = []
    while sum(taken) < SECONDS or len(taken) < CALLS:
        start = time.thread_time()
        model.run()
        taken.append(time.thread_time() - start)
    return 1e6 * min(taken)


def measure(case: Case, kind: str, folder: Path, expected: torch.Tensor) -> Found:
    """Export, run and time one kind."""
    y = answers(case, kind)
    unit = expected.std(dim=0).clamp(min=1e-30)
    truth = None if case.truth is None else case.scale(case.truth)
    error = None if truth is None else rms((y - truth) / truth.std(dim=0).clamp(min=1e-30))
    path = folder / f"{kind.replace(' ', '_')}.pt"
    export(case, kind, path)
    place = folder / path.stem
    place.mkdir()
    try:
        run: Run | str = case.run(path, place)
    except IsthmusError as failure:
        run = str(failure)
    times = [time_of_call(path, case, n) for n in BATCHES if n <= case.most]
    return Found(rms((y - expected) / unit), error, run, times, path.stat().st_size)


def rms(x: torch.Tensor) -> float:
    """Return the root of the mean square."""
    return float(x.square().mean().sqrt())


def row(case: Case, kind: str, found: Found, reference: Run) -> list[str]:
    """Return a line of the table."""
    n_weights = sum(p.numel() for p in case.module.parameters())
    cells = [f"{case.name}, {n_weights}", kind, f"{found.rounding:.0e}"]
    cells.append("-" if found.error is None else f"{found.error:.4f}")
    if isinstance(found.run, str):
        cells += ["failed", "failed", "failed", "failed"]
    else:
        f, r = found.run.fields, reference.fields
        sd = r.std() if case.name.startswith("Lorenz") else r[-1].std() + 1e-30
        for i in (case.early, -1):
            cells.append(f"{float(np.sqrt(np.square(f[i] - r[i]).mean()) / sd):.0e}")
        apart = (f - r)[len(r) // 2 :].mean(axis=(0, 2)) / sd  # of each sample
        error = apart.std() / np.sqrt(len(apart))
        cells.append(f"{apart.mean():+.0e} ± {error:.0e}")
        budget = found.run.budget
        cells.append("-" if budget is None else f"{budget:.0e}")
    times = [f"{t:.0f}" if t >= 100 else f"{t:.3g}" for t in found.times]
    cells += times + ["-"] * (len(BATCHES) - len(times))
    return [*cells, f"{found.size / 1e3:.0f}"]


def main() -> None:
    """Measure all that is given and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in CASES:
        parser.add_argument(
            f"--{name}", dest=name, type=Path, help="model file or checkpoint"
        )
    parser.add_argument("--effort", type=float, default=1.0, help="times length of runs")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--output", type=Path, help="markdown file, appended to")
    given = parser.parse_args()
    torch.set_num_threads(1)
    chosen = {name: getattr(given, name) for name in CASES if getattr(given, name)}
    write("| " + " | ".join(HEAD) + " |", given.output)
    write("|---" * len(HEAD) + "|", given.output)
    with tempfile.TemporaryDirectory() as scratch, progress_bar("precision") as shown:
        for i, (name, path) in enumerate(chosen.items()):
            folder = Path(scratch) / name
            folder.mkdir()
            case = CASES[name](path, folder, given.effort)
            expected = answers(case, "float64")
            reference: Run | None = None
            for j, kind in enumerate(given.kinds):
                try:
                    found = measure(case, kind, folder, expected)
                except ConfigurationError as error:
                    print(f"{case.name}, {kind}: {error}", flush=True)
                    continue
                if isinstance(found.run, str):
                    print(f"{case.name}, {kind}: {found.run}", flush=True)
                elif reference is None:
                    reference = found.run
                assert reference is not None, f"{case.name} does not run in {kind}"
                cells = row(case, kind, found, reference)
                write("| " + " | ".join(cells) + " |", given.output)
                shown((i + (j + 1) / len(given.kinds)) / len(chosen))


def write(line: str, path: Path | None) -> None:
    """Print a line and append it to a file."""
    print(line, flush=True)
    if path is not None:
        with path.open("a") as file:
            file.write(line + "\n")


if __name__ == "__main__":
    main()
