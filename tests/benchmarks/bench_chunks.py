# SPDX-License-Identifier: MIT
"""What chunks and the caching allocator make of large batches, beside sgemm.

A ReLU network 10-256-256-10, float32, one thread. All ways take turns, round after round;
CPU time of the thread; rates relative to a product of two 1024 x 1024 matrices by the same
library: of the fastest rounds, and of the medians.

    python tests/benchmarks/bench_chunks.py [--samples 16384] [--seconds 60] [--package]
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import nn

from isthmus.bridge import Model, set_allocator, set_threads
from isthmus.export import export_network

WIDTH, N_IN, CHUNKS, SQUARE = 256, 10, (0, 256, 1024, 4096), 1024
Way = tuple[Callable[[], object], str, float]


def network() -> nn.Module:
    """Return the network, always with the same weights."""
    torch.manual_seed(1)
    return nn.Sequential(
        *(nn.Linear(N_IN, WIDTH), nn.ReLU(), nn.Linear(WIDTH, WIDTH), nn.ReLU()),
        nn.Linear(WIDTH, N_IN),
    )


def bound(path: Path, n_samples: int, chunk: int) -> Model:
    """Return the model with arrays of its own."""
    model = Model(path)
    model.set_chunk(chunk)
    x = np.random.default_rng(0).random((n_samples, N_IN), dtype=np.float32)
    model.bind_input("x", x)
    model.bind_output("y", np.zeros_like(x))
    return model


def ways_of(path: Path, n_samples: int) -> dict[str, Way]:
    """Return each way's call, allocator and number of operations."""
    a, c = torch.ones(SQUARE, SQUARE), torch.empty(SQUARE, SQUARE)
    n_flops = 2.0 * n_samples * (2 * N_IN * WIDTH + WIDTH * WIDTH)
    ways: dict[str, Way] = {
        "sgemm": (lambda: torch.mm(a, a, out=c), "default", 2.0 * SQUARE**3)
    }
    for chunk in CHUNKS:
        model = bound(path, n_samples, chunk)
        for allocator in ("default", "caching"):
            name = f"{chunk or 'all at once'}, {allocator}"
            ways[name] = (model.run, allocator, n_flops)
    return ways


def measured(ways: dict[str, Way], seconds: float) -> dict[str, list[float]]:
    """Return each way's rates, one for each round [flop/s]."""
    rates: dict[str, list[float]] = {name: [] for name in ways}
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for name, (call, allocator, n_flops) in ways.items():
            set_allocator(allocator)
            call()
            begin = time.thread_time()
            call()
            rates[name].append(n_flops / (time.thread_time() - begin))
    set_allocator("default")
    return rates


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=16384)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--package", action="store_true", help="a .pt2 instead of a .pt")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    set_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / ("wide.pt2" if chosen.package else "wide.pt")
        export_network(
            network().eval(),
            path,
            inputs={"x": torch.rand(64, N_IN)},
            outputs=["y"],
            dynamic={"sample": 0},
            separable="sample",
            derivatives=False,
        )
        rates = measured(ways_of(path, chosen.samples), chosen.seconds)
    most, middle = max(rates["sgemm"]), statistics.median(rates["sgemm"])
    print(f"| chunk, allocator | Gflop/s, fastest of {len(rates['sgemm'])} | of sgemm |")
    print("|---|---|---|")
    for name, found in rates.items():
        median = statistics.median(found)
        print(
            f"| {name} | {max(found) / 1e9:.1f} ({median / 1e9:.1f}) "
            f"| {max(found) / most:.0%} ({median / middle:.0%}) |"
        )


if __name__ == "__main__":
    main()
