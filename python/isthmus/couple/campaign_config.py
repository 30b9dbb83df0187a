# SPDX-License-Identifier: MIT
"""What a campaign of long ensemble runs consists of."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from isthmus.errors import ConfigurationError

Settings = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Scheme:
    """One way to compute the resolved level.

    Attributes
    ----------
    name
        Short name for tables and folders: letters, digits, blanks, `_`, `-`, `.`.
    program
        Fortran program, e.g. `isthmus-lorenz96-coupled`.
    namelist
        Groups such as `model`, `closure`, `coupling`. A `Path` in them is made absolute,
        and what it points to belongs to the campaign's identity. The campaign adds the keys
        of `integration` and `files` that it rules.
    """

    name: str
    program: str
    namelist: Settings


@dataclass(frozen=True)
class CampaignConfig:
    """What all schemes of a campaign share.

    Attributes
    ----------
    schemes
        The schemes; each has its own name.
    dt
        Time step [1].
    n_steps, n_members
        Length of each run and size of its ensemble.
    chunk_steps
        Steps between two restart files, a multiple of `output_every`.
    output_every
        Steps between two outputs.
    spin_up_steps
        Steps before time 0.
    seed
        Of the initial states.
    initial, initial_record
        File with the initial states, if they are not drawn, and the record of it.
    precision
        Of the trajectory files; restarts are always double precision.
    """

    schemes: tuple[Scheme, ...]
    dt: float
    n_steps: int = 100_000
    n_members: int = 100
    chunk_steps: int = 10_000
    output_every: int = 10
    spin_up_steps: int = 0
    seed: int = 1
    initial: Path | None = None
    initial_record: int = 0
    precision: str = "float32"

    def __post_init__(self) -> None:
        """Refuse settings with which no campaign can run."""
        names = [scheme.name for scheme in self.schemes]
        if not names or len(set(names)) != len(names):
            raise ConfigurationError(
                f"campaign: schemes need names of their own, found {names}"
            )
        for name in names:
            if not name or name.startswith(".") or not _plain(name):
                raise ConfigurationError(
                    f"campaign: '{name}' cannot be the name of a folder"
                )
        for key in ("n_steps", "n_members", "chunk_steps", "output_every"):
            if getattr(self, key) < 1:
                raise ConfigurationError(
                    f"campaign: '{key}' must be at least 1, found {getattr(self, key)}"
                )
        if self.chunk_steps % self.output_every:
            raise ConfigurationError(
                f"campaign: 'chunk_steps' = {self.chunk_steps} must be a multiple of "
                f"'output_every' = {self.output_every}"
            )


def _plain(name: str) -> bool:
    """Tell whether a name is safe in any file system."""
    return all(letter.isalnum() or letter in " _-." for letter in name)
