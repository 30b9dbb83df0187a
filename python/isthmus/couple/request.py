# SPDX-License-Identifier: MIT
"""What a user of `isthmus stability` asked for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from isthmus.contract import has_contract
from isthmus.errors import ConfigurationError


@dataclass(frozen=True)
class Request:
    """What a user asked for; what is None is left to the system.

    `options` are keys that only some systems know, e.g. `role` of Lorenz-96.
    """

    dt: float | None = None
    n_steps: int | None = None
    n_members: int | None = None
    output_every: int | None = None
    n_crowd: int | None = None
    seed: int | None = None
    options: Mapping[str, str] = field(default_factory=dict)

    def asked(self) -> dict[str, Any]:
        """Return what is not None, without the options."""
        return {k: v for k, v in vars(self).items() if v is not None and k != "options"}


def with_defaults(
    system: str, given: Mapping[str, str], defaults: Mapping[str, str]
) -> dict[str, str]:
    """Return the options of a system, at their defaults where they were not given.

    Raises
    ------
    ConfigurationError
        If the system has no such option.
    """
    for name in given:
        if name not in defaults:
            raise ConfigurationError(
                f"{system}: option '{name}', expected one of {', '.join(defaults)}"
            )
    return {**defaults, **given}


def check_model_files(
    networks: Mapping[str, Path], *, own_suffix: str | None = None
) -> None:
    """Refuse what is no model file before anything runs.

    A file with `own_suffix` is left to the program, which reads a kind of its own.

    Raises
    ------
    ModelFileError
        If a file is absent, unreadable or no zip archive.
    """
    for path in networks.values():
        if path.suffix != own_suffix:
            has_contract(path)
