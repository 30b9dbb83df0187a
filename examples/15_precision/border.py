# SPDX-License-Identifier: MIT
"""Where a double-precision state becomes the network's: in the file, or in the bridge.

    OMP_NUM_THREADS=1 python border.py

Times of a call of a network of two hidden layers of 64 on columns of 64 numbers, one core:
converted by layers of the file (`in_precision`), and by the bridge in one pass
(`convert=.true.`), of which the file knows nothing.
"""

import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn

from isthmus.bridge import Model
from isthmus.export import export_network
from isthmus.nets import in_precision

DTYPES = {
    "float64": torch.float64,
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
}
BATCHES = (1, 64, 4096)
N, WIDTH = 64, 64
SECONDS, CALLS = 0.1, 3


def write(net: nn.Module, path: Path, dtype: torch.dtype) -> None:
    """Export without derivatives."""
    export_network(
        net,
        path,
        inputs={"x": torch.randn(4, N).to(dtype)},
        outputs=["y"],
        dynamic={"column": 0},
        separable="column",
        derivatives=False,
        tolerance=0.1,
        progress=False,
    )


def time_of_call(path: Path, n: int) -> float:
    """Return the least processor time of a call on arrays of float64 [us]."""
    model = Model(path)
    x, y = np.random.default_rng(0).standard_normal((n, N)), np.zeros((n, N))
    model.bind_input("x", x, convert=True)
    model.bind_output("y", y, convert=True)
    taken: list[float] = []
    while sum(taken) < SECONDS or len(taken) < CALLS:
        start = time.thread_time()
        model.run()
        taken.append(time.thread_time() - start)
    return 1e6 * min(taken)


def main() -> None:
    """Print the table."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Linear(N, WIDTH),
        nn.SiLU(),
        nn.Linear(WIDTH, WIDTH),
        nn.SiLU(),
        nn.Linear(WIDTH, N),
    ).eval()
    print("| kind | border | " + " | ".join(f"{n} columns [us]" for n in BATCHES) + " |")
    print("|---" * (2 + len(BATCHES)) + "|")
    with tempfile.TemporaryDirectory() as folder:
        for kind, dtype in DTYPES.items():
            path = Path(folder) / f"{kind}.pt"
            write(in_precision(net, kind), path, torch.float64)
            inside = [time_of_call(path, n) for n in BATCHES]
            write(net.to(dtype), path, dtype)
            outside = [time_of_call(path, n) for n in BATCHES]
            for border, times in (("file", inside), ("bridge", outside)):
                cells = " | ".join(f"{t:.3g}" if t < 100 else f"{t:.0f}" for t in times)
                print(f"| {kind} | {border} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
