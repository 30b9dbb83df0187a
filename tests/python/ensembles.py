# SPDX-License-Identifier: MIT
"""Synthetic ensembles with known statistics, for the tests of the stability report."""

from pathlib import Path

import netCDF4
import numpy as np
import numpy.typing as npt
from scipy.signal import lfilter

Array = npt.NDArray[np.float64]

PHI = 0.8  # lag-one autocorrelation of the synthetic climate
MEAN, SD = 2.5, 3.5  # like Lorenz-96
INTERVAL = 0.1


def ar1(
    n_times: int, n_members: int, n_sites: int, *, seed: int, phi: float = PHI
) -> Array:
    """Return a stationary AR(1) ensemble `[time, member, k]`, mean 0 and variance 1.

    Neighbours share half of their noise: their correlation is 0.5.
    """
    generator = np.random.default_rng(seed)
    white = generator.standard_normal((n_times, n_members, n_sites))
    noise = (white + np.roll(white, 1, axis=2)) / np.sqrt(2.0)
    noise[1:] *= np.sqrt(1.0 - phi**2)
    return np.asarray(lfilter([1.0], [1.0, -phi], noise, axis=0))


def climate(n_times: int, n_members: int, n_sites: int, *, seed: int) -> Array:
    """Return the synthetic reference climate `[time, member, k]`."""
    return MEAN + SD * ar1(n_times, n_members, n_sites, seed=seed)


def write(path: Path, x: Array, *, start: float = 0.0, dtype: str = "f8") -> Path:
    """Write `x[time, member, k]` as the Fortran programs do."""
    with netCDF4.Dataset(path, "w") as dataset:
        for name, size in zip(("time", "member", "k"), x.shape, strict=True):
            dataset.createDimension(name, None if name == "time" else size)
        time = dataset.createVariable("time", "f8", ("time",))
        time[:] = start + INTERVAL * np.arange(x.shape[0])
        time.units = "1"
        dataset.createVariable("x", dtype, ("time", "member", "k"))[:] = x
    return path


def lorenz96(x: Array, n_steps: int, *, forcing: float = 8.0, dt: float = 0.05) -> Array:
    """Integrate one-level Lorenz-96 from `x[member, k]`; return `[time, member, k]`."""

    def tendency(x: Array) -> Array:
        before = np.roll(x, 1, axis=-1)
        return -before * (np.roll(x, 2, axis=-1) - np.roll(x, -1, axis=-1)) - x + forcing

    states = [x]
    for _ in range(n_steps):
        k1 = tendency(x)
        k2 = tendency(x + dt / 2 * k1)
        k3 = tendency(x + dt / 2 * k2)
        k4 = tendency(x + dt * k3)
        x = x + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        states.append(x)
    return np.stack(states)
