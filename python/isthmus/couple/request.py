# SPDX-License-Identifier: MIT
"""What a user of `isthmus stability` asked for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


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
