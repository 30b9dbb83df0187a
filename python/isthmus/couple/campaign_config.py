# SPDX-License-Identifier: MIT
"""What a campaign of long ensemble runs consists of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

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
class Chunk:
    """Part of a run that a program does at one go.

    Attributes
    ----------
    n_steps
        Its steps.
    output, restart_out
        Files to write; no restart if the dialect keeps none.
    restart_in
        Where to go on from; none at the beginning.
    """

    n_steps: int
    output: str
    restart_out: str
    restart_in: str | None


class Dialect(Protocol):
    """How the programs of a system are told what to run, and say that it blew up."""

    @property
    def keeps_restarts(self) -> bool:
        """Whether a run can go on from a restart file; else it is one chunk."""

    @property
    def blow_up_words(self) -> tuple[str, ...]:
        """Parts of a program's last sentence if it blew up and left no file."""

    def groups(self, config: "CampaignConfig", chunk: Chunk) -> Settings:
        """Return the keys of the namelist that the campaign rules."""


@dataclass(frozen=True)
class EnsembleDialect:
    """The dialect of the Lorenz-96 programs: steps, members, drawn initial states."""

    keeps_restarts: bool = True
    blow_up_words: tuple[str, ...] = ("not finite after the spin-up",)

    def groups(self, config: "CampaignConfig", chunk: Chunk) -> Settings:
        """Return groups `integration` and `files`."""
        integration = {
            "dt": config.dt,
            "n_steps": chunk.n_steps,
            "n_members": config.n_members,
            "spin_up_steps": config.spin_up_steps,
            "output_every": config.output_every,
            "seed": config.seed,
        }
        files: dict[str, Any] = {
            "output": chunk.output,
            "restart_out": chunk.restart_out,
            "precision": config.precision,
        }
        if chunk.restart_in is not None:
            files["restart_in"] = chunk.restart_in
        elif config.initial is not None:
            files["initial"] = str(config.initial.resolve())
            files["initial_record"] = config.initial_record
        return {"integration": integration, "files": files}


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
    dialect
        How the programs are told all this.
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
    dialect: Dialect = field(default_factory=EnsembleDialect)

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
