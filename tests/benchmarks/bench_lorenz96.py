# SPDX-License-Identifier: MIT
"""The speed of Fortran's Lorenz-96 beside numpy, torch and numba, in one run.

40 sites x 1000 members x 1000 Runge-Kutta steps in double precision; and the gradient
through 40 steps of one member. The peers take turns, round after round, and the best time
of each counts: what else the machine does then hits all alike. One thread means CPU time of
the process, two threads mean time on the clock.

    python tests/benchmarks/bench_lorenz96.py [--rounds 7] [--write FILE.md]
"""

import argparse
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # numpy's matrix product is the measured peak

import numba
import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from isthmus.couple.autograd import fortran_step
from isthmus.models import Lorenz96, set_threads

N_SITES, N_MEMBERS, N_STEPS = 40, 1000, 1000
FORCING, DT = 8.0, 0.01
GRADIENT_STEPS = 40
FLOPS = 29  # per site and step, see lorenz96_kernel.f90
AGREEMENT = 1e-9  # after ten steps, relative to numbers of order ten

Rows = list[tuple[str, ...]]


def roll_step(x: np.ndarray, dt: float) -> np.ndarray:
    """Step as one would write it first: numpy.roll, [member, k]."""

    def f(x: np.ndarray) -> np.ndarray:
        return -np.roll(x, 1, -1) * (np.roll(x, 2, -1) - np.roll(x, -1, -1)) - x + FORCING

    k1 = f(x)
    k2 = f(x + dt / 2 * k1)
    k3 = f(x + dt / 2 * k2)
    k4 = f(x + dt * k3)
    return x + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


def numpy_roll(x: np.ndarray, n_steps: int) -> np.ndarray:
    """Advance with new arrays for every operation."""
    for _ in range(n_steps):
        x = roll_step(x, DT)
    return x


def numpy_in_place(x: np.ndarray, n_steps: int) -> np.ndarray:
    """Advance without new arrays, sites first, the ring closed by three more sites."""
    n = x.shape[1]
    state, stage = np.empty((2, n + 3, x.shape[0]))
    total, f = np.empty((2, n, x.shape[0]))
    state[2:-1] = x.T
    for _ in range(n_steps):
        total[:] = state[2:-1]
        source = state
        for weight, offset in ((1 / 6, 0.5), (1 / 3, 0.5), (1 / 3, 1.0), (1 / 6, 0.0)):
            source[:2], source[-1] = source[-3:-1], source[2]
            np.subtract(source[3:], source[:-3], out=f)
            f *= source[1:-2]
            f -= source[2:-1]
            f += FORCING
            if offset:
                np.multiply(f, offset * DT, out=stage[2:-1])
                stage[2:-1] += state[2:-1]
            f *= weight * DT
            total += f
            source = stage
        state[2:-1] = total
    return state[2:-1].T


def torch_step(x: torch.Tensor, dt: float) -> torch.Tensor:
    """Step by PyTorch's own operations."""

    def f(x: torch.Tensor) -> torch.Tensor:
        return -x.roll(1, -1) * (x.roll(2, -1) - x.roll(-1, -1)) - x + FORCING

    k1 = f(x)
    k2 = f(x + dt / 2 * k1)
    k3 = f(x + dt / 2 * k2)
    k4 = f(x + dt * k3)
    return x + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


def torch_eager(x: np.ndarray, n_steps: int) -> np.ndarray:
    """Advance by PyTorch without gradients."""
    state = torch.from_numpy(x)
    with torch.inference_mode():
        for _ in range(n_steps):
            state = torch_step(state, DT)
    return state.numpy()


@numba.njit(fastmath=True)
def numba_blocked(x, n_steps, width):
    """Advance block by block of members, sites first, each stage in one pass."""
    n = x.shape[1]
    out = np.empty_like(x)
    half, third, sixth = DT / 2, DT / 3, DT / 6
    for start in range(0, x.shape[0], width):
        s, y = np.empty((n + 3, width)), np.empty((n + 3, width))
        w, t = np.empty((n + 3, width)), np.empty((n + 3, width))
        s[2 : n + 2] = x[start : start + width].T
        for _ in range(n_steps):
            s[0], s[1], s[n + 2] = s[n], s[n + 1], s[2]
            for k in range(2, n + 2):
                for m in range(width):
                    f = s[k - 1, m] * (s[k + 1, m] - s[k - 2, m]) - s[k, m] + FORCING
                    t[k, m] = s[k, m] + sixth * f
                    y[k, m] = s[k, m] + half * f
            y[0], y[1], y[n + 2] = y[n], y[n + 1], y[2]
            for k in range(2, n + 2):
                for m in range(width):
                    f = y[k - 1, m] * (y[k + 1, m] - y[k - 2, m]) - y[k, m] + FORCING
                    t[k, m] += third * f
                    w[k, m] = s[k, m] + half * f
            w[0], w[1], w[n + 2] = w[n], w[n + 1], w[2]
            for k in range(2, n + 2):
                for m in range(width):
                    f = w[k - 1, m] * (w[k + 1, m] - w[k - 2, m]) - w[k, m] + FORCING
                    t[k, m] += third * f
                    y[k, m] = s[k, m] + DT * f
            y[0], y[1], y[n + 2] = y[n], y[n + 1], y[2]
            for k in range(2, n + 2):
                for m in range(width):
                    f = y[k - 1, m] * (y[k + 1, m] - y[k - 2, m]) - y[k, m] + FORCING
                    s[k, m] = t[k, m] + sixth * f
        out[start : start + width] = s[2 : n + 2].T
    return out


def fortran(x: np.ndarray, n_steps: int, *, threads: int = 1) -> np.ndarray:
    """Advance by Isthmus."""
    set_threads(threads)
    result = Lorenz96(N_SITES, FORCING).advance(x.copy(), DT, n_steps=n_steps)
    set_threads(1)  # PyTorch shares the OpenMP runtime
    return result


def best_times(
    peers: dict[str, Callable[[], object]],
    rounds: int,
    clocks: dict[str, Callable[[], float]],
) -> dict[str, float]:
    """Return the best time [s] of each peer over rounds in which all take their turn."""
    best = dict.fromkeys(peers, float("inf"))
    for _ in range(rounds):
        for name, work in peers.items():
            clock = clocks.get(name, time.process_time)
            begin = clock()
            work()
            best[name] = min(best[name], clock() - begin)
    return best


def measure_peak() -> float:
    """Return what a double-precision matrix product reaches on one core [flop/s]."""
    n = 768
    a, b = np.random.default_rng(0).normal(size=(2, n, n))
    seconds = best_times({"product": lambda: a @ b}, 15, {})["product"]
    return 2 * n**3 / seconds


def compare_ensembles(rounds: int) -> Rows:
    """Measure 1000 steps of 1000 members, check that all agree, and tabulate."""
    start = Lorenz96(N_SITES, FORCING)
    x = start.advance(start.initial_state(N_MEMBERS), 0.05, n_steps=200)
    kernels: dict[str, Callable[[np.ndarray, int], np.ndarray]] = {
        "numpy, roll": numpy_roll,
        "torch, eager": torch_eager,
        "numpy, in place": numpy_in_place,
        "numba, blocks of 40": lambda x, n: numba_blocked(x, n, 40),
        "numba, blocks of 200": lambda x, n: numba_blocked(x, n, 200),
        "Fortran, one thread": fortran,
        "Fortran, two threads": lambda x, n: fortran(x, n, threads=2),
    }
    reference = numpy_roll(x, 10)
    for name, kernel in kernels.items():
        error = np.abs(kernel(x, 10) - reference).max()
        if not error < AGREEMENT:
            raise SystemExit(f"{name} differs from numpy by {error:.1e} after ten steps")
    peers = {name: (lambda k=kernel: k(x, N_STEPS)) for name, kernel in kernels.items()}
    times = best_times(peers, rounds, {"Fortran, two threads": time.perf_counter})
    peak = measure_peak()
    work = N_SITES * N_MEMBERS * N_STEPS
    ours = times["Fortran, one thread"]
    return [
        (
            name,
            f"{1e3 * seconds:.1f}",
            f"{1e9 * seconds / work:.2f}",
            f"{seconds / ours:.1f}",
            f"{100 * FLOPS * work / seconds / peak:.0f} %",
        )
        for name, seconds in times.items()
    ]


def compare_gradients(rounds: int) -> Rows:
    """Measure the gradient of |x|^2 through 40 steps of one member, and tabulate."""
    model = Lorenz96(N_SITES, FORCING)
    x = model.advance(model.initial_state(1), 0.05, n_steps=200)
    step = fortran_step(model, DT)
    leap = fortran_step(model, DT, n_steps=GRADIENT_STEPS)
    repeats = 20

    def adjoint() -> np.ndarray:
        end = model.advance(x.copy(), DT, n_steps=GRADIENT_STEPS)
        return model.advance_ad(x, 2 * end, dt=DT, n_steps=GRADIENT_STEPS).x

    def through(advance: Callable[[torch.Tensor], torch.Tensor], calls: int) -> np.ndarray:
        leaf = torch.from_numpy(x).requires_grad_()
        state = leaf
        for _ in range(calls):
            state = advance(state)
        (gradient,) = torch.autograd.grad((state**2).sum(), leaf)
        return gradient.numpy()

    set_threads(1)
    kernels: dict[str, Callable[[], np.ndarray]] = {
        "torch, eager": lambda: through(lambda y: torch_step(y, DT), GRADIENT_STEPS),
        "torch through 40 Fortran steps": lambda: through(step, GRADIENT_STEPS),
        "torch through one call of 40 steps": lambda: through(leap, 1),
        "Fortran adjoint, from numpy": adjoint,
    }
    reference = kernels["torch, eager"]()
    for name, kernel in kernels.items():
        error = np.abs(kernel() - reference).max() / np.abs(reference).max()
        if not error < AGREEMENT:
            raise SystemExit(f"gradient of {name} differs from torch by {error:.1e}")
    peers = {
        name: (lambda k=kernel: [k() for _ in range(repeats)])
        for name, kernel in kernels.items()
    }
    times = best_times(peers, 4 * rounds, {})
    ours = times["Fortran adjoint, from numpy"]
    return [
        (name, f"{1e6 * seconds / repeats:.0f}", f"{seconds / ours:.1f}")
        for name, seconds in times.items()
    ]


def processor() -> str:
    """Return the processor's name."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    flags = " ".join(line for line in lines if line.startswith("flags"))
    vectors = "AVX-512" if "avx512f" in flags else "AVX2" if "avx2" in flags else "no AVX2"
    return (
        f"{names[0] if names else platform.processor()} ({vectors}), {os.cpu_count()} cores"
    )


def show(console: Console, title: str, heads: tuple[str, ...], rows: Rows) -> str:
    """Print a table and return it as markdown."""
    table = Table(title=title)
    table.add_column(heads[0])
    for head in heads[1:]:
        table.add_column(head, justify="right")
    for row in rows:
        table.add_row(*row)
    console.print(table)
    lines = [heads, ("---", *["---:"] * (len(heads) - 1)), *rows]
    return f"{title}\n\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def main() -> None:
    """Measure, print, and write the tables if asked to."""
    parser = argparse.ArgumentParser(description="Speed of Lorenz-96")
    parser.add_argument("--rounds", type=int, default=7, help="turns of each peer")
    parser.add_argument("--write", type=Path, help="markdown file for the tables")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    console = Console()
    load = os.getloadavg()[0]
    ensembles = show(
        console,
        f"{N_SITES} sites x {N_MEMBERS} members x {N_STEPS} RK4 steps, double precision",
        ("peer", "ms", "ns per site and step", "times Fortran's", "of the peak"),
        compare_ensembles(arguments.rounds),
    )
    gradients = show(
        console,
        f"Gradient through {GRADIENT_STEPS} steps of one member",
        ("peer", "us", "times Fortran's"),
        compare_gradients(arguments.rounds),
    )
    note = (
        f"{processor()}; load of the machine {load:.1f} at the start. Best of "
        f"{arguments.rounds} interleaved rounds; CPU time for one thread, clock time for "
        f"two. The peak is that of a double-precision matrix product on one core, measured "
        f"in the same run; {FLOPS} operations per site and step. numpy {np.__version__}, "
        f"torch {torch.__version__}, numba {numba.__version__}."
    )
    console.print(note)
    if arguments.write:
        command = "    python tests/benchmarks/bench_lorenz96.py --write " + str(
            arguments.write
        )
        arguments.write.parent.mkdir(parents=True, exist_ok=True)
        arguments.write.write_text(
            f"# Speed of Lorenz-96\n\n{command}\n\n{note}\n\n{ensembles}\n{gradients}"
        )


if __name__ == "__main__":
    main()
