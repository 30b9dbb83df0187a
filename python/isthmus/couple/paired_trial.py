# SPDX-License-Identifier: MIT
"""Run and judge networks in a driven system: what each such system has in common.

A new system is a class with the members of `PairedSystem` (rain: `rain_stability`) and one
line in `systems.SYSTEMS`. It says which programs stand for truth, control and network, how
they are told the length of a run, and how their files are read. The rest is here: two
campaigns, one of members that are compared with the truth, one of a crowd that must survive
and conserve, the verdicts and the report.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from isthmus.couple.assessment import Run
from isthmus.couple.campaign import CampaignConfig, Progress, Scheme, run_campaign
from isthmus.couple.campaign_config import Dialect
from isthmus.couple.paired import (
    PairedCriteria,
    PairedReport,
    Quantity,
    Series,
    assess_pairs,
)
from isthmus.errors import ConfigurationError


@dataclass(frozen=True)
class Extent:
    """How long, how many, how often.

    Attributes
    ----------
    dt
        Step of the slot [unit of the system].
    n_steps, output_every
        Steps of a run, and between two outputs.
    n_members
        Members that are compared with the truth.
    n_crowd
        Members that must survive and conserve, beside them; 0: none.
    seed
        Of what is drawn.
    n_parallel
        Programs at the same time, each on one thread.
    """

    dt: float
    n_steps: int
    output_every: int
    n_members: int
    n_crowd: int = 0
    seed: int = 11
    n_parallel: int = field(default_factory=lambda: os.cpu_count() or 1)

    def __post_init__(self) -> None:
        """Refuse what cannot be run."""
        for name in ("n_steps", "output_every", "n_members"):
            if getattr(self, name) < 1:
                raise ConfigurationError(
                    f"stability: '{name}' must be at least 1, found {getattr(self, name)}"
                )
        if self.n_steps % self.output_every:
            raise ConfigurationError(
                f"stability: 'n_steps' = {self.n_steps} must be a multiple of "
                f"'output_every' = {self.output_every}"
            )


class PairedSystem(Protocol):
    """A driven system: a module that implements this can be judged."""

    title: str
    time_unit: str
    quantities: tuple[Quantity, ...]
    criteria: PairedCriteria
    extent: Extent
    dialect: Dialect

    def reference(self) -> Scheme:
        """Return the truth."""

    def control(self) -> Scheme | None:
        """Return what a network is to be better than, if there is such a scheme."""

    def candidate(self, name: str, network: Path) -> Scheme:
        """Return the model with a network in its slot."""

    def read(self, files: Sequence[Path]) -> Series:
        """Return what a run did."""


def judge_in_system(
    system: PairedSystem,
    networks: Mapping[str, Path],
    directory: Path,
    *,
    on_progress: Progress | None = None,
) -> PairedReport:
    """Run networks beside truth and control, and judge them.

    Parameters
    ----------
    networks
        Model files by the name they have in the report.
    directory
        Folder of the runs. A second call goes on where the first was interrupted.
    on_progress
        Called with the name of a run and the share of it that is done.

    Raises
    ------
    ConfigurationError
        If there is nothing to judge or `directory` holds other runs.
    ModelRunError
        If a program fails otherwise than by a blow-up.
    """
    if not networks:
        raise ConfigurationError("stability: no network given, at least one expected")
    extent, control = system.extent, system.control()
    judged = [*([control] if control else [])]
    judged += [system.candidate(name, path) for name, path in networks.items()]
    twins = _config((system.reference(), *judged), system, extent.n_members)
    results = run_campaign(
        twins,
        directory / "twins",
        on_progress=on_progress,
        n_parallel=extent.n_parallel,
    )
    runs = {n: r.to_run(twins, directory / "twins") for n, r in results.items()}
    if extent.n_crowd:
        crowd = _run_crowd(tuple(judged), system, directory / "crowd", on_progress)
        runs = {n: _with_crowd(run, crowd.get(n)) for n, run in runs.items()}
    return assess_pairs(
        runs[system.reference().name],
        [runs[name] for name in networks],
        control=runs[control.name] if control else None,
        read=system.read,
        quantities=system.quantities,
        criteria=system.criteria,
        time_unit=system.time_unit,
        seed=extent.seed,
        metadata=_metadata(system, networks),
    )


def _config(
    schemes: tuple[Scheme, ...], system: PairedSystem, n_members: int
) -> CampaignConfig:
    """Return a campaign of all schemes."""
    extent = system.extent
    return CampaignConfig(
        schemes=schemes,
        dt=extent.dt,
        n_steps=extent.n_steps,
        n_members=n_members,
        chunk_steps=extent.n_steps,
        output_every=extent.output_every,
        seed=extent.seed,
        dialect=system.dialect,
    )


def _run_crowd(
    schemes: tuple[Scheme, ...],
    system: PairedSystem,
    directory: Path,
    on_progress: Progress | None,
) -> dict[str, Run]:
    """Run many members of every scheme but the truth."""
    config = _config(schemes, system, system.extent.n_crowd)

    def report(name: str, share: float) -> None:
        if on_progress is not None:
            on_progress(f"{name}, crowd", share)

    results = run_campaign(
        config, directory, on_progress=report, n_parallel=system.extent.n_parallel
    )
    return {name: r.to_run(config, directory) for name, r in results.items()}


def _with_crowd(run: Run, crowd: Run | None) -> Run:
    """Return a run with the files and the failure of its crowd."""
    if crowd is None:
        return run
    return replace(run, crowd=crowd.files, failure=run.failure or crowd.failure)


def _metadata(system: PairedSystem, networks: Mapping[str, Path]) -> dict[str, Any]:
    """Return what the report says about itself."""
    return {
        "title": system.title,
        "trial": ", ".join(f"{k}={v}" for k, v in vars(system.extent).items()),
        **{f"network {name}": str(path) for name, path in networks.items()},
    }
