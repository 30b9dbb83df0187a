# SPDX-License-Identifier: MIT
"""The truth of the demo: what the Fortran models say."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from isthmus.couple.lorenz96 import ONE_LEVEL, SIMULATE, TWO_LEVEL
from isthmus.couple.programs import run_program
from isthmus.data import Trajectories, open_trajectories

TRAIN_SHARE = 0.8


@dataclass(frozen=True)
class Truth:
    """Trajectories of both models, split in time, and where they came from."""

    one_level: tuple[Trajectories, Trajectories]
    two_level: tuple[Trajectories, Trajectories]
    one_level_file: Path
    two_level_file: Path


def simulate_truth(
    directory: Path, *, one_level_dt: float, two_level_dt: float, n_members: int
) -> Truth:
    """Run both Fortran models for the training data, unless their files are there already.

    Parameters
    ----------
    directory
        Folder of the data.
    one_level_dt, two_level_dt
        Time steps [1]; the networks learn these.
    n_members
        Independent trajectories of each model.
    """
    one = _simulate(
        directory / "one_level.nc",
        {"levels": 1, **ONE_LEVEL},
        {"dt": one_level_dt, "n_steps": 1200, "spin_up_steps": 400, "n_members": n_members},
    )
    two = _simulate(
        directory / "two_level.nc",
        {"levels": 2, **TWO_LEVEL},
        {"dt": two_level_dt, "n_steps": 500, "spin_up_steps": 2000, "n_members": n_members},
    )
    return Truth(
        one_level=open_trajectories(one).split(fraction=TRAIN_SHARE),
        two_level=open_trajectories(two, ["x", "coupling"]).split(fraction=TRAIN_SHARE),
        one_level_file=one,
        two_level_file=two,
    )


def _simulate(file: Path, model: dict[str, Any], integration: dict[str, Any]) -> Path:
    """Run a model into `file`, which appears when it is complete."""
    if not file.is_file():
        namelist = {
            "model": model,
            "integration": {"seed": 1, **integration},
            "files": {"output": file.name, "write_fast": False},
        }
        run_program(SIMULATE, namelist, file.parent, file_name=f"{file.stem}.nml")
    return file
