# SPDX-License-Identifier: MIT
"""Errors and processor time of a cycle beside DAPPER, in one run.

Lorenz-96, all of 40 sites observed every 0.05, 1000 cycles after 400 (DAPPER: as its
module `sakov2008` has it). Without DAPPER only our rows are shown; its version 1.7.1 is the
last for Python 3.11.

    OMP_NUM_THREADS=1 python tests/benchmarks/bench_assimilation.py [--rounds 3]
"""

import argparse
import importlib.util
import time

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from isthmus.inverse import EnsembleFilter, FortranModel, Twin
from isthmus.models import Lorenz96
from isthmus.models.windows import misfit_gradient

BURN_IN = 400
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
    rows: dict[str, list[tuple[float, float]]] = {}
    for seed in range(1, args.rounds + 1):
        for name in SETTINGS:
            rows.setdefault(f"isthmus {name}", []).append(
                isthmus_run(name, seed, args.cycles)
            )
            if has_dapper:
                rows.setdefault(f"DAPPER {name}", []).append(
                    dapper_run(name, seed, args.cycles)
                )
    table = Table(box=SIMPLE_HEAD)
    for title in ("scheme", "rmse", "ms/cycle"):
        table.add_column(title, justify="left" if title == "scheme" else "right")
    for name, found in rows.items():
        rmse, cost = np.mean([f[0] for f in found]), min(f[1] for f in found)
        table.add_row(name, f"{rmse:.3f}", f"{cost:.3f}")
    out = Console(highlight=False)
    out.print(table)
    out.print(f"gradient through 40 steps: {gradient_microseconds():.1f} us")


def isthmus_run(name: str, seed: int, cycles: int) -> tuple[float, float]:
    """Return error and milliseconds of a cycle."""
    method, n_members, inflation, has_rotation = SETTINGS[name]
    twin = Twin(FortranModel(Lorenz96(), 0.05), 1, cycles, BURN_IN, seed)
    scheme = EnsembleFilter(method, n_members, inflation, has_rotation=has_rotation)
    score = twin.run(scheme)
    return score.rmse, score.milliseconds


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


def gradient_microseconds(n_steps: int = 40, rounds: int = 200) -> float:
    """Return the shortest time of a gradient through a window, called from Python."""
    model = Lorenz96()
    x = model.advance(model.initial_state(1), 0.05, n_steps=400)[0]
    y, w = np.zeros((n_steps + 1, 40)), np.ones((n_steps + 1, 40))
    best = np.inf
    for _ in range(rounds):
        began = time.perf_counter()
        for _ in range(20):
            misfit_gradient(x, y, w, forcing=8.0, dt=0.05)
        best = min(best, (time.perf_counter() - began) / 20)
    return 1e6 * float(best)


if __name__ == "__main__":
    main()
