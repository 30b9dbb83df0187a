# SPDX-License-Identifier: MIT
"""Errors and time of a cycle beside DAPPER, and of a gradient, in one run.

Lorenz-96, all of 40 sites observed every 0.05, 1000 cycles after 400 (DAPPER: as its
module `sakov2008` has it); 4D-Var every 0.2 in windows of four. Without DAPPER only our
rows are shown; its version 1.7.1 is the last for Python 3.11.

Two processor times: the mean over a run (the best of the rounds), as it can be had of
DAPPER too, and the best mean of 20 cycles in a row, which others on the machine disturb
less. The gradient is called from Python by the C interface, arrays bound once, and by
`isthmus.models`, which checks its arguments.

    OMP_NUM_THREADS=1 python tests/benchmarks/bench_assimilation.py [--rounds 3]
"""

import argparse
import importlib.util
import time
from collections.abc import Callable

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from isthmus.inverse import EnsembleFilter, FortranModel, Scheme, SlidingFourDVar, Twin
from isthmus.models import Lorenz96
from isthmus.models._fortran import ffi, fortran_by_c
from isthmus.models.windows import misfit_gradient

BURN_IN = 400
ROW = 20  # cycles
WINDOW = "4D-Var, window of 4"
SETTINGS = {
    "EnKF N=40": ("enkf", 40, 1.06, False),
    "ETKF N=24": ("etkf", 24, 1.013, True),
    "LETKF N=7": ("letkf", 7, 1.04, True),
}


def main() -> None:
    """Take turns, round after round; the best time of each counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cycles", type=int, default=1400, help="burn-in included")
    args = parser.parse_args()
    has_dapper = importlib.util.find_spec("dapper") is not None
    rows: dict[str, list[tuple[float, float, float]]] = {}
    for seed in range(1, args.rounds + 1):
        for name in (*SETTINGS, WINDOW):
            rows.setdefault(f"isthmus {name}", []).append(
                isthmus_run(name, seed, args.cycles)
            )
            if has_dapper and name in SETTINGS:
                rows.setdefault(f"DAPPER {name}", []).append(
                    (*dapper_run(name, seed, args.cycles), np.nan)
                )
    table = Table(box=SIMPLE_HEAD)
    for title in ("scheme", "rmse", "ms/cycle, mean", "best 20 in a row"):
        table.add_column(title, justify="left" if title == "scheme" else "right")
    for name, found in rows.items():
        rmse = np.mean([f[0] for f in found])
        mean, best = (min(f[i] for f in found) for i in (1, 2))
        shown = "" if np.isnan(best) else f"{best:.3f}"
        table.add_row(name, f"{rmse:.3f}", f"{mean:.3f}", shown)
    out = Console(highlight=False)
    out.print(table)
    by_c, checked = gradient_microseconds()
    out.print(f"gradient through 40 steps: {by_c:.1f} us by the C interface")
    out.print(f"                           {checked:.1f} us by isthmus.models")


def isthmus_run(name: str, seed: int, cycles: int) -> tuple[float, float, float]:
    """Return error, mean milliseconds of a cycle, and those of the best cycles in a row."""
    model = FortranModel(Lorenz96(), 0.05)
    twin = Twin(model, 4 if name == WINDOW else 1, cycles, BURN_IN, seed)
    score = twin.run(scheme_of(name))
    return score.rmse, score.milliseconds, best_milliseconds(twin, scheme_of(name))


def scheme_of(name: str) -> Scheme:
    """Return a new scheme."""
    if name == WINDOW:
        return SlidingFourDVar(lag=4, variance=0.02)
    method, n_members, inflation, has_rotation = SETTINGS[name]
    return EnsembleFilter(method, n_members, inflation, has_rotation=has_rotation)


def best_milliseconds(twin: Twin, scheme: Scheme) -> float:
    """Return the shortest mean of some cycles in a row, after the first of them."""
    observed = twin.generate()[1]
    scheme.start(twin, np.random.default_rng(1))
    best = np.inf
    for block in observed[: len(observed) // ROW * ROW].reshape(-1, ROW, observed.shape[1]):
        began = time.process_time()
        for y in block:
            scheme.cycle(y)
        best = min(best, (time.process_time() - began) / ROW)
    return 1e3 * best


def dapper_run(name: str, seed: int, cycles: int) -> tuple[float, float]:
    """Return the same of DAPPER; its time includes its statistics."""
    import dapper
    import dapper.da_methods as methods
    import dapper.tools.progressbar as progressbar
    from dapper.mods.Lorenz96.sakov2008 import HMM

    progressbar.disable_progbar = True
    _, n_members, inflation, _ = SETTINGS[name]
    scheme = {
        "EnKF N=40": lambda n, i: methods.EnKF("PertObs", N=n, infl=i),
        "ETKF N=24": lambda n, i: methods.EnKF("Sqrt", N=n, infl=i, rot=True),
        "LETKF N=7": lambda n, i: methods.LETKF(N=n, infl=i, rot=True, loc_rad=4),
    }[name](n_members, inflation)
    HMM.tseq.BurnIn, HMM.tseq.Ko = BURN_IN * 0.05, cycles
    dapper.set_seed(3000 + seed)
    truth, observed = HMM.simulate()
    began = time.process_time()
    scheme.assimilate(HMM, truth, observed, liveplots=False)
    seconds = time.process_time() - began
    scheme.stats.average_in_time()
    return float(scheme.avrgs.err.rms.a.val), 1e3 * seconds / cycles


def gradient_microseconds(n_steps: int = 40, rounds: int = 2000) -> tuple[float, float]:
    """Return the shortest times of a gradient: by the C interface, by isthmus.models."""
    model = Lorenz96()
    x = model.advance(model.initial_state(1), 0.05, n_steps=400)[0]
    y, w = np.zeros((n_steps + 1, 40)), np.ones((n_steps + 1, 40))
    arrays = [ffi.from_buffer("double[]", array) for array in (x, y, w)]
    result = ffi.new("double[]", x.size + 2)
    gradient = fortran_by_c.isthmus_lorenz96_gradient

    def by_c() -> None:
        gradient(40, n_steps + 1, 8.0, 0.05, *arrays, result, result + 2, result + 1)

    def checked() -> None:
        misfit_gradient(x, y, w, forcing=8.0, dt=0.05)

    return shortest(by_c, rounds), shortest(checked, rounds)


def shortest(call: Callable[[], None], rounds: int) -> float:
    """Return the shortest time of a call [us], means of ten."""
    best = np.inf
    for _ in range(rounds):
        began = time.perf_counter()
        for _ in range(10):
            call()
        best = min(best, (time.perf_counter() - began) / 10)
    return 1e6 * float(best)


if __name__ == "__main__":
    main()
