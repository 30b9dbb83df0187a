# SPDX-License-Identifier: MIT
"""Rain columns in which networks of rates are judged: `isthmus stability --system rain`.

Columns of different updrafts and clouds, lifted again and again. Truth: super-droplets
(`isthmus-rain-shaft`); control: the scheme of Seifert and Beheng, which a network is to
be better than; candidates: networks in the same slot. What rained, how hard, and the water
that is left are compared column by column. A crowd of columns beside them, too many for
droplets, must stay finite and positive and keep its water.
"""

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

DROPLETS, BULK, COUPLED = (
    "isthmus-rain-shaft",
    "isthmus-rain-bulk",
    "isthmus-rain-bulk-coupled",
)
HOUR = 3600.0  # [s]; a kilogram of rain per square metre is a millimetre
OPTIONS = {"device": "cpu", "realizations": "1"}
CLOUDS = {
    "mean_radius": [11e-6, 12e-6, 13e-6, 14e-6],
    "shape": [0.0, 1.0, 2.0, 3.0, 4.0],
}
SHAFT = {
    "levels": 30,
    "dz": 100.0,
    "cloud_base": 600.0,
    "updraft_min": 1.0,
    "updraft_max": 4.0,
    "updraft_time": 1200.0,
    "updraft_every": 3600.0,
}


@dataclass(frozen=True)
class ShaftDialect:
    """The dialect of the rain programs: seconds instead of steps, columns for members."""

    keeps_restarts: bool = False
    blow_up_words: tuple[str, ...] = ("is not finite", "expected a finite number")

    def groups(self, config: CampaignConfig, chunk: Chunk) -> Settings:
        """Return keys of `shaft`, `integration` and `files`."""
        return {
            "shaft": {"columns": config.n_members},
            "integration": {
                "dt": config.dt,
                "duration": chunk.n_steps * config.dt,
                "output_every": config.output_every * config.dt,
            },
            "files": {"output": chunk.output},
        }


@dataclass
class RainColumns:
    """Rain columns as a system of `paired_trial.PairedSystem`."""

    options: Mapping[str, str] = field(default_factory=dict)
    title: str = "Networks of rain rates in columns, against super-droplets"
    time_unit: str = "s"
    quantities: tuple[Quantity, ...] = (
        Quantity("rained", "rain at the ground", "mm"),
        Quantity("rain_rate", "rain rate", "mm h-1"),
        Quantity("cloud_path", "cloud water path", "mm"),
        Quantity("rain_path", "rain water path", "mm"),
    )
    criteria: PairedCriteria = field(default_factory=PairedCriteria)
    extent: Extent = field(
        default_factory=lambda: Extent(
            dt=20.0, n_steps=360, output_every=15, n_members=16, n_crowd=200
        )
    )
    dialect: Dialect = field(default_factory=ShaftDialect)

    def __post_init__(self) -> None:
        """Refuse unknown options."""
        self.options = with_defaults("rain", self.options, OPTIONS)

    def reference(self) -> Scheme:
        """Return the shaft of super-droplets."""
        droplets = {
            "members": int(self.options["realizations"]),
            "new_droplets": 32,
            "dt": 2.0,
            "seed": self.extent.seed,
        }
        return Scheme("super-droplets", DROPLETS, {**_driven(), "droplets": droplets})

    def control(self) -> Scheme:
        """Return the columns with Seifert and Beheng in the slot."""
        return Scheme("Seifert-Beheng", BULK, _driven())

    def candidate(self, name: str, network: Path) -> Scheme:
        """Return the columns with a network in the slot."""
        coupling = {"network": network, "device": self.options["device"]}
        return Scheme(name, COUPLED, {**_driven(), "coupling": coupling})

    def read(self, files: Sequence[Path]) -> Series:
        """Read a run: the rain programs write one file."""
        (path,) = files
        with netCDF4.Dataset(path) as file:
            try:
                return _series(file)
            except (IndexError, KeyError) as error:
                raise DataError(f"'{path}' is not of a rain shaft: {error}") from error


def _driven() -> dict[str, dict[str, Any]]:
    """Return clouds and what drives the columns, the same for all schemes."""
    return {"clouds": dict(CLOUDS), "shaft": dict(SHAFT)}


def _series(file: netCDF4.Dataset) -> Series:
    """Return what the columns of a file did."""
    file.set_auto_mask(False)
    level = np.asarray(file["level"][:], dtype=np.float64)
    dz = float(level[1] - level[0]) if level.size > 1 else 2.0 * float(level[0])
    columns = {n: _values(file, n) for n in ("rained", "rain_rate", "condensed")}
    left, water = _values(file, "left"), _values(file, "water_path")
    physical = np.ones(water.shape, dtype=np.bool_)
    paths = {}
    for name in ("lc", "nc", "lr", "nr"):
        moment, axis = _values(file, name), file[name].dimensions.index("level")
        physical &= (np.isfinite(moment) & (moment >= 0.0)).all(axis=axis)
        paths[name] = dz * moment.sum(axis=axis)
    for values in (*columns.values(), left, water):
        physical &= np.isfinite(values)
    kept = columns["rained"] + left + water
    total = np.maximum(columns["condensed"].max(axis=0), np.finfo(float).tiny)
    return Series(
        times=_values(file, "time"),
        values={
            "rained": columns["rained"],
            "rain_rate": HOUR * columns["rain_rate"],
            "cloud_path": paths["lc"],
            "rain_path": paths["lr"],
        },
        is_physical=physical,
        imbalance=np.abs(columns["condensed"] - kept) / total,
    )


def _values(file: netCDF4.Dataset, name: str) -> Array:
    """Return a variable in double precision."""
    return np.asarray(file[name][:], dtype=np.float64)
