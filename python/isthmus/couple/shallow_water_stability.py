# SPDX-License-Identifier: MIT
"""Basins in which networks step the shallow water model: `--system shallow_water`.

Members are closed square basins with random depths, each with a hump of water at rest; they
lie one above the other in one grid, with a row of land between, and know nothing of each
other. Truth: `isthmus-shallow-water`, solved to 1e-12 m; candidates: networks in place of
its step, without their guards. Elevation at a gauge, and potential and kinetic energy are
compared basin by basin; water must be kept to rounding.
"""

import os
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np

from isthmus.couple.campaign_config import CampaignConfig, Chunk, Dialect, Scheme, Settings
from isthmus.couple.paired import Array, PairedCriteria, Quantity, Series
from isthmus.couple.paired_trial import Extent
from isthmus.couple.request import with_defaults
from isthmus.errors import DataError

MODEL, COUPLED = "isthmus-shallow-water", "isthmus-shallow-water-coupled"
OPTIONS = {"device": "cpu"}
N_CELLS, CELL = 32, 1.0e4
"""Cells along a side of a basin, and their size [m]."""
GRAVITY = 9.81  # [m s-2]
LARGEST = 1.0e3  # [m]: no elevation of these basins
PHYSICS = {
    "theta": 0.5,
    "drag_coefficient": 1e-3,
    "viscosity": 1000.0,
    "no_slip": True,
    "gravity": GRAVITY,
}
"""Of the published experiment, as are depth and hump."""


def basins(n_members: int, seed: int) -> tuple[Array, Array]:
    """Return depth and elevation of basins [member, y, x] [m].

    The depth is a Gaussian process of mean 15 m and covariance 5 exp(-r**2/100), r in
    cells; the hump a square of 5 to 10 cells and 0.05 to 0.15 m.
    """
    rng = np.random.default_rng(seed)
    apart = np.subtract.outer(np.arange(N_CELLS), np.arange(N_CELLS))
    root = np.linalg.cholesky(np.exp(-(apart**2) / 100.0) + 1e-8 * np.eye(N_CELLS))
    noise = rng.standard_normal((n_members, N_CELLS, N_CELLS))
    depth = np.maximum(15.0 + np.sqrt(5.0) * root @ noise @ root.T, 1.0)
    zeta = np.zeros_like(depth)
    for member in range(n_members):
        side = int(rng.integers(5, 11))
        row, column = rng.integers(0, N_CELLS - side + 1, 2)
        zeta[member, row : row + side, column : column + side] = rng.uniform(0.05, 0.15)
    return depth, zeta


def stacked(fields: Array) -> Array:
    """Return basins one above the other, a row of zeros between [y, x]."""
    wide = np.concatenate([fields, np.zeros_like(fields[:, :1])], axis=1)
    return np.asarray(wide.reshape(-1, fields.shape[-1])[:-1])


def members_of(field_: Array) -> Array:
    """Return the basins of fields [time, y, x] as [time, member, y, x]."""
    n_times, _, n_x = field_.shape
    last = np.concatenate([field_, np.zeros_like(field_[:, :1])], axis=1)
    return np.asarray(last.reshape(n_times, -1, N_CELLS + 1, n_x)[:, :, :-1])


@dataclass(frozen=True)
class BasinDialect:
    """The dialect of the shallow water programs: a grid that holds all members."""

    keeps_restarts: bool = False
    blow_up_words: tuple[str, ...] = ("is 'dt' too long",)

    def groups(self, config: CampaignConfig, chunk: Chunk) -> Settings:
        """Return groups `grid`, `integration` and `files`; write what they name."""
        grid, initial = _files(config.n_members, config.seed)
        return {
            "grid": {"file": str(grid), "islands": "keep"},
            "integration": {"dt": config.dt, "n_steps": chunk.n_steps},
            "files": {
                "initial": str(initial),
                "output": chunk.output,
                "output_every": config.output_every,
            },
        }


_WRITING = threading.Lock()
"""Threads of one process have one draft."""


def _files(n_members: int, seed: int) -> tuple[Path, Path]:
    """Return grid and initial state of some members, the same whenever it is called.

    Runs beside each other read them: a file that is there stays as it is.
    """
    folder = Path(tempfile.gettempdir()) / f"isthmus_basins_{N_CELLS}_{n_members}_{seed}"
    folder.mkdir(exist_ok=True)
    depth, zeta = basins(n_members, seed)
    paths = folder / "grid.nc", folder / "initial.nc"
    for path, key, fields in zip(paths, ("depth", "zeta"), (depth, zeta), strict=True):
        with _WRITING:
            if not path.exists():
                draft = path.with_suffix(f".{os.getpid()}.part")
                write_field(draft, key, stacked(fields))
                draft.replace(path)
    return paths


def write_field(path: Path, key: str, values: Array) -> None:
    """Write one field [y, x] of the whole grid, in m, with the axes of square cells."""
    with netCDF4.Dataset(path, "w") as file:
        for axis, n in zip(("y", "x"), values.shape, strict=True):
            file.createDimension(axis, n)
            file.createVariable(axis, "f8", (axis,)).units = "m"
            file[axis][:] = CELL * (np.arange(n) + 0.5)
        file.createVariable(key, "f8", ("y", "x")).units = "m"
        file[key][:] = values


@dataclass
class Basins:
    """Basins as a system of `paired_trial.PairedSystem`."""

    options: Mapping[str, str] = field(default_factory=dict)
    title: str = "Networks that step the shallow water model, against the model"
    time_unit: str = "s"
    quantities: tuple[Quantity, ...] = (
        Quantity("gauge", "elevation at the middle", "m"),
        Quantity("potential", "potential energy", "m3 s-2"),
        Quantity("kinetic", "kinetic energy", "m3 s-2"),
    )
    criteria: PairedCriteria = field(default_factory=PairedCriteria)
    extent: Extent = field(
        default_factory=lambda: Extent(
            dt=1500.0, n_steps=480, output_every=4, n_members=20, n_crowd=100
        )
    )
    dialect: Dialect = field(default_factory=BasinDialect)

    def __post_init__(self) -> None:
        """Refuse unknown options."""
        self.options = with_defaults("shallow_water", self.options, OPTIONS)

    def reference(self) -> Scheme:
        """Return the model."""
        return Scheme("model", MODEL, _settings())

    def control(self) -> Scheme | None:
        """Return nothing: a step is to be the model's, not better than another."""
        return None

    def candidate(self, name: str, network: Path) -> Scheme:
        """Return the program with a network in place of the step."""
        coupling = {
            "network": network,
            "device": self.options["device"],
            "guarded": False,
        }
        return Scheme(name, COUPLED, {**_settings(), "coupling": coupling})

    def read(self, files: Sequence[Path]) -> Series:
        """Read a run: one file."""
        (path,) = files
        with netCDF4.Dataset(path) as file:
            try:
                return _series(file)
            except (IndexError, KeyError, ValueError) as error:
                raise DataError(f"'{path}' holds no basins: {error}") from error


def _settings() -> dict[str, dict[str, Any]]:
    """Return equations and solver, the same for all schemes."""
    return {"physics": dict(PHYSICS), "solver": {"tolerance": 1e-12}}


def _series(file: netCDF4.Dataset) -> Series:
    """Return what the basins of a file did."""
    zeta, u, v = (
        np.ma.filled(file[name][:], 0.0).astype(np.float64) for name in ("zeta", "u", "v")
    )
    depth = np.ma.filled(file["depth"][:], 0.0).astype(np.float64)[None]
    water = members_of(depth)
    zeta, u = members_of(zeta), members_of(_widened(u, zeta.shape[-1], -1))
    v = members_of(_widened(v, depth.shape[-2], -2))
    middle = N_CELLS // 2
    volume = zeta.sum((-2, -1))
    finite = np.isfinite(zeta) & np.isfinite(u) & np.isfinite(v)
    return Series(
        times=np.asarray(file["time"][:], dtype=np.float64),
        values={
            "gauge": zeta[..., middle, middle],
            "potential": 0.5 * GRAVITY * (zeta**2).mean((-2, -1)),
            "kinetic": 0.5 * ((u**2 + v**2) / np.maximum(water, 1.0)).mean((-2, -1)),
        },
        is_physical=np.asarray((finite & (np.abs(zeta) < LARGEST)).all((-2, -1))),
        imbalance=np.abs(volume - volume[0]) / water.sum((-2, -1)),
    )


def _widened(field_: Array, n: int, axis: int) -> Array:
    """Return fields of faces with as many rows or columns as there are cells."""
    missing = n - field_.shape[axis]
    widths = [(0, 0)] * field_.ndim
    widths[axis] = (0, max(0, missing))
    return np.pad(field_, widths)
