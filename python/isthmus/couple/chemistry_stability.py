# SPDX-License-Identifier: MIT
"""Boxes of chemistry in which networks are judged: `isthmus stability --system chemistry`.

Boxes of Super-Fast that begin as published, each species spread by factors from a third to
three, and run on for a week. Truth: the solver at a fine tolerance; candidates: networks in
the same slot, without the guard, which would hide what they do. Control: the solver at a
tolerance that models use, which is to pass; or, with `--control qssa`,
quasi-steady state with sub-steps of a minute, the cheap scheme of the field, which a
network is to be better than. Ozone, nitrogen dioxide, nitric acid and OH are compared box
by box. A crowd beside them must stay finite and not negative and keep its nitrogen and
sulphur.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import netCDF4
import numpy as np

from isthmus.couple.campaign_config import CampaignConfig, Chunk, Dialect, Scheme, Settings
from isthmus.couple.paired import PairedCriteria, Quantity, Series
from isthmus.couple.paired_trial import Extent
from isthmus.couple.request import with_defaults
from isthmus.errors import ConfigurationError, DataError
from isthmus.models import Mechanism

SOLVER, COUPLED = "isthmus-chemistry", "isthmus-chemistry-coupled"
MECHANISM: Final = "superfast"
COMPARED: Final = ("O3", "NO2", "HNO3", "OH")
NOON: Final = 43200.0  # [s]
SPREAD: Final = 3.0
SUBSTEPS: Final = 60
CRITERIA: Final = PairedCriteria(error=0.1, bias=0.05, drift=0.1, error_ratio=None)
"""Members differ by factors up to nine: a tenth of that spread is much in a box. No network
is as good as a solver: it is to be good enough, and fast."""
OPTIONS: Final = {"control": "solver"}
CONTROLS: Final = ("solver", "qssa")


@dataclass(frozen=True)
class BoxDialect:
    """The dialect of the chemistry programs: splitting steps, cells for members."""

    keeps_restarts: bool = False
    blow_up_words: tuple[str, ...] = ("no cell is left",)

    def groups(self, config: CampaignConfig, chunk: Chunk) -> Settings:
        """Return keys of `integration` and `files`."""
        return {
            "integration": {
                "dt": config.dt,
                "n_steps": chunk.n_steps,
                "n_cells": config.n_members,
                "output_every": config.output_every,
                "seed": config.seed,
                "t_start": NOON,
                "spread": SPREAD,
            },
            "files": {"output": chunk.output},
        }


@dataclass
class ChemistryBoxes:
    """Boxes of chemistry as a system of `paired_trial.PairedSystem`."""

    options: Mapping[str, str] = field(default_factory=dict)
    title: str = "Networks of chemistry in boxes, against the stiff solver"
    time_unit: str = "s"
    quantities: tuple[Quantity, ...] = tuple(
        Quantity(name, name, "cm-3") for name in COMPARED
    )
    criteria: PairedCriteria = CRITERIA
    extent: Extent = field(
        default_factory=lambda: Extent(
            dt=3600.0, n_steps=168, output_every=4, n_members=100, n_crowd=1000
        )
    )
    dialect: Dialect = field(default_factory=BoxDialect)

    def __post_init__(self) -> None:
        """Refuse unknown options."""
        self.options = with_defaults("chemistry", self.options, OPTIONS)
        if self.options["control"] not in CONTROLS:
            raise ConfigurationError(
                f"chemistry: option 'control' is '{self.options['control']}', expected "
                f"one of {', '.join(CONTROLS)}"
            )
        if self.options["control"] == "qssa":
            self.criteria = replace(self.criteria, error_ratio=1.0)
        self.mechanism = Mechanism(MECHANISM)

    def _groups(self, **coupling: str | int | bool | Path) -> dict[str, dict[str, Any]]:
        """Return the mechanism, and what fills the slot."""
        groups: dict[str, dict[str, Any]] = {"mechanism": {"file": self.mechanism.path}}
        return groups | ({"coupling": coupling} if coupling else {})

    def reference(self) -> Scheme:
        """Return the solver at a tolerance finer than any error looked for."""
        fine = {"method": "rodas4", "rtol": 1e-6}
        return Scheme("rodas4 at 1e-6", SOLVER, {**self._groups(), "integration": fine})

    def control(self) -> Scheme:
        """Return the solver as models use it, or quasi-steady state."""
        if self.options["control"] == "qssa":
            groups = self._groups(reactor="qssa", n_substeps=SUBSTEPS)
            return Scheme("quasi-steady state", COUPLED, groups)
        usual = {"method": "rodas3", "rtol": 1e-2}
        return Scheme("rodas3 at 1e-2", SOLVER, {**self._groups(), "integration": usual})

    def candidate(self, name: str, network: Path) -> Scheme:
        """Return boxes with a network in the slot."""
        return Scheme(name, COUPLED, self._groups(network=network, guarded=False))

    def read(self, files: Sequence[Path]) -> Series:
        """Read a run: the chemistry programs write one file."""
        (path,) = files
        with netCDF4.Dataset(path) as file:
            try:
                y, times = file["y"][:], file["time"][:]
            except (IndexError, KeyError) as error:
                raise DataError(f"'{path}' is not of chemistry: {error}") from error
        return self._series(np.ma.filled(y, np.nan), np.ma.filled(times, np.nan))

    def _series(self, y: np.ndarray, times: np.ndarray) -> Series:
        """Return what boxes `[time, cell, species]` did."""
        totals = y @ self.mechanism.linear_invariants().T
        return Series(
            times=times,
            values={name: y[..., self.mechanism.index(name)] for name in COMPARED},
            # The solver promises no more than -atol.
            is_physical=(np.isfinite(y) & (y >= -self.mechanism.atol)).all(axis=-1),
            imbalance=np.abs(totals / totals[0] - 1).max(axis=-1),
        )
