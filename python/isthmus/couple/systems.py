# SPDX-License-Identifier: MIT
"""The systems in which `isthmus stability` judges networks, by name.

A system is a function of networks and what was asked for; a new one is a line here. Systems
whose members have twins in the truth are made of `paired_trial.judge_in_system`.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from isthmus.couple import (
    chemistry_stability,
    lorenz96,
    rain_stability,
    shallow_water_stability,
)
from isthmus.couple.campaign import Progress
from isthmus.couple.paired import PairedReport
from isthmus.couple.paired_trial import Extent, PairedSystem, judge_in_system
from isthmus.couple.request import Request, check_model_files
from isthmus.couple.stability import StabilityReport
from isthmus.errors import ConfigurationError

Networks = Mapping[str, Path]


Judge = Callable[[Networks, Request, Path, Progress], StabilityReport | PairedReport]


def _paired(
    make: Callable[[Mapping[str, str]], PairedSystem], *, own_suffix: str | None = None
) -> Judge:
    """Return the judge of a system whose members have twins in the truth.

    `own_suffix` is of networks that the system's program reads without the bridge.
    """

    def judge(
        networks: Networks, request: Request, directory: Path, on_progress: Progress
    ) -> PairedReport:
        system = make(request.options)
        system.extent = _extended(system.extent, request)
        check_model_files(networks, own_suffix=own_suffix)
        return judge_in_system(system, networks, directory, on_progress=on_progress)

    return judge


def _extended(extent: Extent, request: Request) -> Extent:
    """Return an extent with what was asked for."""
    return replace(extent, **request.asked())


SYSTEMS: Mapping[str, Judge] = {
    "lorenz96": lorenz96.judge_request,
    "rain": _paired(rain_stability.RainColumns),
    "chemistry": _paired(chemistry_stability.ChemistryBoxes, own_suffix=".nc"),
    "shallow_water": _paired(shallow_water_stability.Basins),
}


def judge_networks(
    system: str,
    networks: Networks,
    request: Request,
    directory: Path,
    *,
    on_progress: Progress,
) -> StabilityReport | PairedReport:
    """Run networks in a system and judge them.

    Raises
    ------
    ConfigurationError
        If the system or an option is unknown.
    ModelFileError
        If a network is no model file; told before anything runs.
    """
    if system not in SYSTEMS:
        known = ", ".join(SYSTEMS)
        raise ConfigurationError(f"system '{system}', expected one of {known}")
    return SYSTEMS[system](networks, request, directory, on_progress)
