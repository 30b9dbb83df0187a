# SPDX-License-Identifier: MIT
"""4D-Var by a small trained emulator at a hundredth of the published time.

The set-up is that of `four_d_var.py`. The bilinear network (19 weights) is trained here on
1200 states at dt = 0.05, in seconds, and steps by 0.0125. It is compiled with its
derivatives, as sums of shifted products: a call of a library's convolution takes longer
than all arithmetic of a step. The windows are then analysed

    by `isthmus-four-d-var`, a Fortran program without Python, the network's `vjp` by the
    bridge, beside the same program with the Fortran model and its adjoint;
    from Python, by the same file;
    from Python, simulator forward, the network's gradient.

    python emulator_windows.py [--windows 8 16 32 48 64] [--trials 3] [--steps 4000]
        [--kinds ...] [--engine pt] [--output out/assimilation]

A program's time is the processor time of all windows less that of a run of one, by the
number of windows less one: what starting takes is left out. Each of the two times is
the shortest of three.
"""

import argparse
import resource
import subprocess
import tempfile
import time
from pathlib import Path

import netCDF4
import numpy as np
import torch
from derivatives import Stencils, exported
from four_d_var import DT, F, K, first_guess, table, twin
from rich.console import Console

from isthmus.cli.progress import progress_bars
from isthmus.couple.programs import find_program, write_namelist
from isthmus.inverse import (
    Borrowed,
    BridgeModel,
    Diagonal,
    FortranModel,
    ForwardModel,
    FourDVar,
    Observations,
    Sites,
)
from isthmus.learn.lorenz96 import train_to_rounding
from isthmus.learn.simulators import simulate_one_level
from isthmus.models import Lorenz96
from isthmus.nets import Rk4Step

TRAINED_DT = 0.05
MAX_INNER = 200  # without background the Hessian is far from the identity
PROGRAM = "isthmus-four-d-var"
RUNS = 3  # of which the shortest counts
BY_ADJOINT = "program, adjoint"
BY_EMULATOR = "program, emulator"
FROM_PYTHON = "Python, emulator"
BORROWED = "Python, simulator forward"
KINDS = (BY_ADJOINT, BY_EMULATOR, FROM_PYTHON, BORROWED)

Found = tuple[np.ndarray, float, float, int]  # errors, seconds, gradients, unconverged


def main() -> None:
    """Train, compile, analyse all windows and show the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--windows", type=int, nargs="+", default=[8, 16, 32, 48, 64])
    parser.add_argument("--steps", type=int, default=4000, help="of each trial")
    parser.add_argument("--trials", type=int, default=3)
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS)
    parser.add_argument("--tolerance", type=float, default=0.03)
    parser.add_argument("--engine", choices=("pt", "pt2"), default="pt2")
    parser.add_argument("--output", type=Path, default=Path("out/assimilation"))
    args = parser.parse_args()
    torch.set_num_threads(1)
    file = args.output / f"bilinear.{args.engine}"
    if not file.exists():
        write_emulator(file)
    fortran = FortranModel(Lorenz96(K, F), DT)
    emulator = BridgeModel(file.resolve(), K)
    models = {FROM_PYTHON: emulator, BORROWED: Borrowed(fortran, emulator)}
    rows: dict[tuple[str, int], list[Found]] = {}
    with progress_bars() as update:
        for name in args.kinds:
            for n_window in args.windows:
                found = []
                for trial in range(args.trials):
                    given = (n_window, args.steps, trial, args.tolerance)
                    if name in models:
                        found.append(in_python(models[name], *given))
                    else:
                        network = file.resolve() if name == BY_EMULATOR else None
                        found.append(in_program(network, *given))
                    update(f"{name}, {n_window} steps", (trial + 1) / args.trials)
                rows[name, n_window] = found
    Console(highlight=False, width=160).print(table(rows))


def write_emulator(file: Path) -> None:
    """Train the network and write its step of `DT` with derivatives."""
    data = simulate_one_level(1200, dt=TRAINED_DT)
    trained, _ = train_to_rounding("bilinear", data.slice(0, 941), data.slice(941, 1072))
    file.parent.mkdir(parents=True, exist_ok=True)
    exported(Rk4Step(Stencils(trained.tendency), DT).eval(), file, dt=DT)


def in_python(
    model: ForwardModel, n_window: int, n_total: int, trial: int, tolerance: float
) -> Found:
    """Analyse all windows of a trial by Gauss and Newton's method, from Python."""
    truth, values = twin(trial, n_total, np.random.default_rng(100 + trial))
    x, errors, n_gradients, n_failed = first_guess(values[0]), [], 0, 0
    began = time.process_time()
    for first in range(0, n_total - n_window + 1, n_window):
        seen = values[first : first + n_window]
        observations = Observations(np.arange(n_window), seen, Sites(K), Diagonal(1.0, K))
        window = FourDVar(model, n_window - 1, observations, x)
        analysis = window.incremental(tolerance=tolerance, max_inner=MAX_INNER)
        errors.append(rms(analysis.x - truth[first]))
        n_gradients += analysis.n_gradients
        n_failed += not analysis.is_converged
        x = model.advance(analysis.x[None], n_window)[0]
    seconds = (time.process_time() - began) / len(errors)
    return np.array(errors), seconds, n_gradients / len(errors), n_failed


def in_program(
    network: Path | None, n_window: int, n_total: int, trial: int, tolerance: float
) -> Found:
    """Analyse all windows of a trial by the Fortran program."""
    truth, values = twin(trial, n_total, np.random.default_rng(100 + trial))
    settings = {
        "n_sites": K,
        "forcing": F,
        "dt": DT,
        "n_window": n_window,
        "tolerance": tolerance,
        "max_inner": MAX_INNER,
        "observations": "observed.nc",
    }
    if network is not None:
        settings["network"] = str(network)
    with tempfile.TemporaryDirectory() as folder:
        start, _, _ = run(Path(folder), settings, values[:n_window])
        seconds, analyses, reports = run(Path(folder), settings, values)
    errors = [rms(x - truth[i * n_window]) for i, x in enumerate(analyses)]
    each = (seconds - start) / (len(errors) - 1)
    _, _, _, n_sweeps, _, converged = reports.T
    return np.array(errors), each, float(n_sweeps.mean()), int((converged == 0.0).sum())


def run(
    folder: Path, settings: dict[str, object], values: np.ndarray
) -> tuple[float, np.ndarray, np.ndarray]:
    """Run the program; return its processor time, analyses and reports of windows."""
    with netCDF4.Dataset(folder / "observed.nc", "w") as file:
        file.createDimension("time", len(values))
        file.createDimension("k", K)
        y = file.createVariable("y", "f8", ("time", "k"), fill_value=-999.0)
        y[:] = np.ma.masked_invalid(values)
        file.createVariable("x_first", "f8", ("k",))[:] = first_guess(values[0])
    write_namelist({"assimilation": settings}, folder / "config.nml")
    command, seconds = [find_program(PROGRAM), "config.nml"], []
    for _ in range(RUNS):
        began = children_time()
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
        seconds.append(children_time() - began)
    with netCDF4.Dataset(folder / "analysis.nc") as file:
        x, report = file["x"][:].data, file["minimisation"][:].data
    return min(seconds), x.reshape(-1, K), report.reshape(-1, 6)


def children_time() -> float:
    """Return the processor time of all programs that have ended [s]."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def rms(error: np.ndarray) -> float:
    """Return the root mean square."""
    return float(np.sqrt(np.mean(error**2)))


if __name__ == "__main__":
    main()
