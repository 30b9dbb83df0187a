#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""CPU time of a step of super-droplets: ours, and PySDM's on the same box.

    bench_rain.py BUILD/tests/benchmarks/bench_rain [PYTHON_WITH_PYSDM]

The box is that of ``bench_rain.f90``: 1 g/m3, 13 um, shape 1 (Golovin: Shima's exponential
cloud), 1000 m3, 1 s, constant multiplicities, no adaptive steps, one thread. PySDM 3 needs
Python 3.12 or later, so its interpreter may be another one; this file is then run by it
with ``--peer``. Ours and the peer take turns, and each prints the least of its rounds.
"""

from __future__ import annotations

import math
import os
import subprocess
import sys
import time
from pathlib import Path

STEPS = 300
ROUNDS = 3
SIZES = (1024, 4096, 16384)
PEERS = {"golovin": "golovin", "long": "long", "hydrodynamic": "hall"}  # its name: ours
VOLUME = 1000.0  # m3

Times = dict[tuple[str, int], float]


def measure_peer() -> None:
    """Print PySDM's microseconds per step for each kernel and size."""
    from PySDM import Particulator
    from PySDM.backends import CPU
    from PySDM.dynamics import Coalescence
    from PySDM.dynamics.collisions import collision_kernels
    from PySDM.environments import Box
    from PySDM.initialisation.sampling.spectral_sampling import ConstantMultiplicity
    from PySDM.initialisation.spectra import Exponential, Gamma

    kernels = {
        "golovin": lambda: collision_kernels.Golovin(b=1500.0),
        "long": collision_kernels.Long1974,
        "hydrodynamic": collision_kernels.Hydrodynamic,
    }
    for name, make in kernels.items():
        for n_sd in SIZES:
            if name == "golovin":
                mean = 4.0 / 3.0 * math.pi * 30.531e-6**3
                spectrum = Exponential(norm_factor=2.0**23 * VOLUME, scale=mean)
            else:
                mean = 4.0 / 3.0 * math.pi * 13.0e-6**3
                number = 1.0e-6 * VOLUME / mean
                spectrum = Gamma(norm_factor=number, k=2.0, theta=mean / 2.0)
            backend = CPU()
            volume, multiplicity = ConstantMultiplicity(spectrum).sample_deterministic(n_sd)
            box = Particulator(
                n_sd,
                environment=Box(dt=1.0, dv=VOLUME, backend=backend),
                dynamics=(Coalescence(collision_kernel=make(), adaptive=False),),
                attributes={"volume": volume, "multiplicity": multiplicity},
            )
            box.advance(20)  # compiles
            start = time.process_time()
            box.advance(STEPS)
            print(name, n_sd, 1.0e6 * (time.process_time() - start) / STEPS, flush=True)


def best(command: list[str], times: Times) -> None:
    """Run a command that prints ``kernel droplets microseconds ...`` and keep the least."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
    lines = subprocess.run(
        command, check=True, capture_output=True, text=True, env=environment
    ).stdout.splitlines()
    for words in (line.split() for line in lines):
        if len(words) >= 3 and words[1].isdigit():
            key = (words[0], int(words[1]))
            times[key] = min(times.get(key, math.inf), float(words[2]))


def main() -> None:
    """Measure in turns, print one table."""
    ours: Times = {}
    theirs: Times = {}
    peer = sys.argv[2:3]
    for _ in range(ROUNDS):
        best([sys.argv[1], str(STEPS)], ours)
        if peer:
            best([*peer, str(Path(__file__).resolve()), "--peer"], theirs)
    print("kernel        droplets  isthmus us/step  PySDM us/step  ratio")
    for name, our_name in PEERS.items():
        for n_sd in SIZES:
            mine = ours[our_name, n_sd]
            text = f"{name:13} {n_sd:8d} {mine:16.1f}"
            if peer:
                text += f" {theirs[name, n_sd]:14.1f} {theirs[name, n_sd] / mine:6.1f}"
            print(text)


if __name__ == "__main__":
    if "--peer" in sys.argv:
        measure_peer()
    else:
        main()
