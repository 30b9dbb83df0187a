# SPDX-License-Identifier: MIT
"""4D-Var with true and with estimated derivatives, window by window, on Lorenz-96.

The set-up is that of Fertig, Harlim and Hunt (2006) as Nonnenmacher and Greenberg (2021)
ran it: K = 40, F = 8, dt = 0.0125; every step 10 of the 40 sites are observed with unit
variance, each site once in four steps, in an order drawn anew every four steps.
Windows do not overlap, there is no background term, and a window starts from the analysis
of the one before.

    python four_d_var.py --filters
    python four_d_var.py [--windows 8 16 32 48 64] [--trials 5] [--network deep.weights]

The network was trained for dt = 0.05 and is used at 0.0125: its tendency in shorter steps.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from derivatives import deep_emulator
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from isthmus.cli.progress import progress_bars
from isthmus.inverse import (
    Borrowed,
    Diagonal,
    DifferenceModel,
    FortranModel,
    ForwardModel,
    FourDVar,
    Observations,
    Sites,
    TorchModel,
    enkf,
    etkf,
)
from isthmus.models import Lorenz96
from isthmus.nets import Lorenz96Tendency, Rk4Step

K, F, DT = 40, 8.0, 0.0125
CYCLE = 4  # steps in which each site is observed once
SPIN_UP = 4000  # steps
PUBLISHED = {
    8: 0.752,
    16: 0.567,
    24: 0.503,
    32: 0.451,
    40: 0.440,
    48: 0.395,
    64: 0.374,
    72: 0.338,
}
PUBLISHED_SECONDS = {
    8: 0.16,
    16: 0.51,
    24: 0.90,
    32: 1.68,
    40: 2.67,
    48: 4.47,
    64: 6.97,
    72: 9.1,
}
IN_FORTRAN = "adjoint, all in Fortran"  # Gauss-Newton; the others: L-BFGS of scipy
FEW = 12  # windows at most of derivatives that take long, in one trial
SLOW = ("differences", "torch", "network alone", "network's gradient")
MEMBERS, INFLATION = 40, 1.01  # of the ensembles, after each step


def main() -> None:
    """Run all kinds of derivatives and show the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--windows", type=int, nargs="+", default=[8, 16, 32, 48, 64])
    parser.add_argument("--steps", type=int, default=4000, help="of each trial")
    parser.add_argument("--trials", type=int, default=5)
    parser.add_argument("--kinds", nargs="+", default=None)
    parser.add_argument("--limit", type=int, help="windows at most of each trial")
    parser.add_argument(
        "--tolerance",
        type=float,
        default=1e-5,
        help="factor by which the gradient falls; 0.03 makes long windows better",
    )
    parser.add_argument("--network", type=Path, help="weights of train_deep.py")
    parser.add_argument("--filters", action="store_true", help="ensembles instead")
    args = parser.parse_args()
    torch.set_num_threads(1)
    if args.filters:
        show_filters(args.steps, args.trials)
        return
    kinds = models(args.network)
    for name in args.kinds or kinds:
        if name not in kinds:
            parser.error(f"no kind '{name}': expected one of {', '.join(kinds)}")
    rows = {}
    with progress_bars() as update:
        for name in args.kinds or kinds:
            for n_steps in args.windows:
                results = []
                trials = args.trials if "adjoint" in name else 1
                for trial in range(trials):
                    found = assimilate(
                        kinds[name],
                        n_steps,
                        args.steps,
                        trial,
                        name,
                        tolerance=args.tolerance,
                        limit=args.limit,
                    )
                    results.append(found)
                    update(f"{name}, {n_steps} steps", (trial + 1) / trials)
                rows[name, n_steps] = results
    Console(highlight=False, width=160).print(table(rows))


def models(network: Path | None) -> dict[str, ForwardModel]:
    """Return the kinds of derivatives."""
    fortran = FortranModel(Lorenz96(K, F), DT)
    exact = Rk4Step(Lorenz96Tendency(F), DT).double()
    kinds: dict[str, ForwardModel] = {
        IN_FORTRAN: fortran,
        "adjoint": fortran,
        "differences": DifferenceModel(fortran, scale=4.0),
        "torch": TorchModel(exact, K, dt=DT),
    }
    if network is not None:
        emulator = TorchModel(deep_emulator(network, DT), K, dt=DT)
        kinds["network's gradient"] = Borrowed(fortran, emulator)
        kinds["network alone"] = emulator
    return kinds


def show_filters(n_steps: int, n_trials: int) -> None:
    """Print the errors of ensemble filters that see the same observations."""
    for name, analyse in (
        ("EnKF", lambda e, y, r, rng: enkf(e, e, y, r, rng)),
        ("ETKF", lambda e, y, r, _: etkf(e, e, y, r)),
    ):
        errors, seconds = [], 0.0
        for trial in range(n_trials):
            began = time.process_time()
            errors.append(filtered(analyse, n_steps, trial))
            seconds += time.process_time() - began
        every = np.array(errors)
        print(
            f"{name} N={MEMBERS}, inflation {INFLATION}: error {every.mean():.3f}, "
            f"trials {', '.join(f'{e:.3f}' for e in every)}, "
            f"{1e3 * seconds / n_trials / n_steps:.2f} ms for each step"
        )


def filtered(analyse: Callable[..., np.ndarray], n_total: int, trial: int) -> float:
    """Return the mean error of the analyses of all steps after the first fifth."""
    rng = np.random.default_rng(100 + trial)
    truth, values = twin(trial, n_total, rng)
    model, errors = FortranModel(Lorenz96(K, F), DT), []
    ensemble = first_guess(values[0]) + rng.standard_normal((MEMBERS, K))
    for y, x in zip(values, truth, strict=True):
        ensemble = analyse(ensemble, y, Diagonal(1.0, K), rng)
        mean = ensemble.mean(axis=0)
        errors.append(np.sqrt(np.mean((mean - x) ** 2)))
        ensemble = model.advance(mean + INFLATION * (ensemble - mean), 1)
    return float(np.mean(errors[len(errors) // 5 :]))


def twin(
    trial: int, n_total: int, rng: np.random.Generator, cycle: int = CYCLE
) -> tuple[np.ndarray, np.ndarray]:
    """Return a truth and its observations `[time, k]`."""
    simulator = Lorenz96(K, F)
    start = simulator.advance(simulator.initial_state(1, seed=trial), DT, n_steps=SPIN_UP)
    truth = FortranModel(simulator, DT).trajectory(start, n_total)[:, 0]
    return truth, observed(truth, rng, cycle)


def observed(truth: np.ndarray, rng: np.random.Generator, cycle: int) -> np.ndarray:
    """Return noisy values `[time, k]`, NaN at the sites not observed.

    Each site is observed once in a cycle of so many steps.
    """
    values = truth + rng.standard_normal(truth.shape)
    share = K // cycle
    for first in range(0, len(truth), cycle):
        order = rng.permutation(K)
        for i in range(min(cycle, len(truth) - first)):
            hidden = np.delete(order, slice(i * share, (i + 1) * share))
            values[first + i, hidden] = np.nan
    return values


def assimilate(
    model: ForwardModel,
    n_steps: int,
    n_total: int,
    trial: int,
    name: str,
    cycle: int = CYCLE,
    *,
    tolerance: float = 1e-5,
    limit: int | None = None,
) -> tuple[np.ndarray, float, float, int]:
    """Return errors of the windows, seconds and gradients of each, and failures."""
    rng = np.random.default_rng(100 + trial)
    truth, values = twin(trial, n_total, rng, cycle)
    n_windows = n_total // n_steps
    if limit is None and name in SLOW:
        limit = FEW
    n_windows = min(n_windows, limit or n_windows)
    x = first_guess(values[0])
    errors, n_gradients, n_failed = [], 0, 0
    began = time.process_time()
    for i in range(n_windows):
        first = i * n_steps
        # All times of the window, 0 to n_steps - 1.
        observations = Observations(
            np.arange(n_steps), values[first : first + n_steps], Sites(K), Diagonal(1.0, K)
        )
        if name == IN_FORTRAN and isinstance(model, FortranModel):
            analysis = model.analyse(
                x, None, observations, n_steps - 1, tolerance=tolerance, max_inner=200
            )
        else:
            window = FourDVar(model, n_steps - 1, observations, x)
            analysis = window.direct(tolerance=tolerance)
        errors.append(np.sqrt(np.mean((analysis.x - truth[first]) ** 2)))
        n_gradients += analysis.n_gradients
        n_failed += not analysis.is_converged
        x = model.advance(analysis.x[None], n_steps)[0]
    seconds = (time.process_time() - began) / n_windows
    return np.array(errors), seconds, n_gradients / n_windows, n_failed


def first_guess(values: np.ndarray) -> np.ndarray:
    """Return the sites between observed ones by linear interpolation around the ring."""
    sites = np.flatnonzero(np.isfinite(values))
    return np.interp(np.arange(K), sites, values[sites], period=K)


def table(rows: dict[tuple[str, int], list[tuple[np.ndarray, float, float, int]]]) -> Table:
    """Return a row per kind and window."""
    shown = Table(box=SIMPLE_HEAD)
    for name in (
        "derivatives",
        "window",
        "published",
        "error",
        "+-",
        "windows",
        "ms/window",
        "published s",
        "gradients",
        "unconverged",
    ):
        shown.add_column(name, justify="left" if name == "derivatives" else "right")
    for (name, n_steps), results in rows.items():
        errors = np.concatenate([r[0][1:] for r in results])  # the first has no forecast
        seconds = float(np.mean([r[1] for r in results]))
        shown.add_row(
            name,
            f"{n_steps}",
            f"{PUBLISHED.get(n_steps, np.nan):.3f}",
            f"{errors.mean():.3f}",
            f"{errors.std(ddof=1) / np.sqrt(errors.size):.3f}",
            f"{errors.size}",
            f"{1e3 * seconds:.2f}",
            f"{PUBLISHED_SECONDS.get(n_steps, np.nan):.2f}",
            f"{np.mean([r[2] for r in results]):.0f}",
            f"{sum(r[3] for r in results)}",
        )
    return shown


if __name__ == "__main__":
    main()
