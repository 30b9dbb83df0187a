# SPDX-License-Identifier: MIT
"""Networks for `isthmus-shallow-water-coupled`: model files with their contract.

All fields are `[y, x]` as the Fortran model holds them: zeta [m] and depth [m] at centres,
u and v [m2 s-1] at east and at north faces. The file says for which time step, cells,
rotation and other settings the network was trained; the program refuses another run.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn

from isthmus.contract.guards import Guard, Limits
from isthmus.errors import ConfigurationError
from isthmus.export import ExportReport, export_network
from isthmus.nets.shallow_water import not_zero
from isthmus.nets.shallow_water_emulators import (
    ELEVATION_SCALE,
    VELOCITY_RATIO,
    mean_of_two,
)

OUTPUTS: Final = {
    "step": ("zeta_next", "u_next", "v_next"),
    "closure": ("stress_u", "stress_v"),
    "first_guess": ("z",),
}
"""What a network answers, by its role in the program."""
UNITS: Final = {
    "zeta": "m",
    "u": "m2 s-1",
    "v": "m2 s-1",
    "depth": "m",
    "zeta_next": "m",
    "u_next": "m2 s-1",
    "v_next": "m2 s-1",
    "stress_u": "m2 s-2",
    "stress_v": "m2 s-2",
    "z": "m",
}
SETTINGS: Final = (
    "dx",
    "dy",
    "f0",
    "theta",
    "gravity",
    "drag_coefficient",
    "linear_drag",
    "viscosity",
    "periodic_x",
    "periodic_y",
    "multiple_of",
)
"""Numbers of a run that a network may have been trained for; `multiple_of` is of cells."""
EXAMPLE_SHAPE: Final = (12, 16)
SOLVED: Final = 1e-9  # of random fields, by networks that hold an iteration


class OneBasin(nn.Module):
    """A network of batches `[member, y, x]` for one basin `[y, x]`."""

    def __init__(self, network: nn.Module) -> None:
        """Wrap `network(zeta, u, v, depth)`, which returns a tensor or a tuple."""
        super().__init__()
        self.network = network

    def forward(
        self, zeta: Tensor, u: Tensor, v: Tensor, depth: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return the state one step later [y, x]."""
        zeta, u, v = self.network(
            zeta.unsqueeze(0), u.unsqueeze(0), v.unsqueeze(0), depth.unsqueeze(0)
        )
        return zeta.squeeze(0), u.squeeze(0), v.squeeze(0)


class PhysicalStep(nn.Module):
    """A step of scaled states `[member, field, y, x]` for physical fields `[y, x]`.

    Parameters
    ----------
    network
        `(state, depth) -> state`, as those of `isthmus.nets.shallow_water_emulators`.
    """

    def __init__(self, network: nn.Module) -> None:
        """Wrap the network."""
        super().__init__()
        self.network = network
        self.zeta_scale = ELEVATION_SCALE
        self.velocity_scale = VELOCITY_RATIO * ELEVATION_SCALE

    def forward(
        self, zeta: Tensor, u: Tensor, v: Tensor, depth: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return elevation [m] and transports [m2 s-1] one step later [y, x]."""
        scale_u = self.velocity_scale * mean_of_two(depth)
        scale_v = self.velocity_scale * mean_of_two(depth.transpose(-1, -2)).transpose(
            -1, -2
        )
        state = torch.stack(
            [zeta / self.zeta_scale, u / not_zero(scale_u), v / not_zero(scale_v)]
        )
        after = self.network(state.unsqueeze(0).to(zeta.dtype), depth.unsqueeze(0))[0]
        return after[0] * self.zeta_scale, after[1] * scale_u, after[2] * scale_v


def export_shallow_water(
    network: nn.Module,
    path: Path,
    *,
    role: str,
    dt: float | None,
    trained_for: Mapping[str, float],
    limits: Mapping[str, tuple[float, float]],
    **options: Any,  # noqa: ANN401
) -> ExportReport:
    """Write a network of physical fields for one role in the Fortran program.

    Parameters
    ----------
    network
        `(zeta, u, v, depth)`, all `[y, x]` in double precision, to the outputs of the role
        in the order of `OUTPUTS`.
    path
        Ends in `.pt` or `.pt2`.
    role
        `"step"`, `"closure"` or `"first_guess"`.
    dt
        Time step [s]; None if any will do.
    trained_for
        Numbers by names of `SETTINGS`, in the units of the program's namelist. A step needs
        dx, dy and f0.
    limits
        Lowest and highest value of each input in training: elsewhere the model acts.
    **options
        Of `export_network`.

    Raises
    ------
    ConfigurationError
        If the role or a setting is unknown, or a step does not say its dx, dy and f0.
    """
    if role not in OUTPUTS:
        raise ConfigurationError(f"'role' is '{role}', expected {', '.join(OUTPUTS)}")
    unknown = [name for name in trained_for if name not in SETTINGS]
    if unknown:
        raise ConfigurationError(
            f"'trained_for' has '{unknown[0]}', expected {', '.join(SETTINGS)}"
        )
    missing = [name for name in ("dx", "dy", "f0") if name not in trained_for]
    if role == "step" and missing:
        raise ConfigurationError(
            f"'trained_for' of a step lacks '{missing[0]}': the program would refuse it"
        )
    example = {
        name: 0.5 * (low + high) + 0.1 * (high - low) * torch.randn(EXAMPLE_SHAPE)
        for name, (low, high) in limits.items()
    }
    return export_network(
        network.double().eval(),
        path,
        inputs={name: field.double() for name, field in example.items()},
        outputs=list(OUTPUTS[role]),
        dynamic={"y": 0, "x": 1},
        dt=dt,
        dims={name: ("y", "x") for name in (*limits, *OUTPUTS[role])},
        units={name: UNITS[name] for name in (*limits, *OUTPUTS[role])},
        training_range=dict(limits),
        guard=Guard(inputs={name: Limits(*pair) for name, pair in limits.items()}),
        provenance={"trained_for": {k: float(v) for k, v in trained_for.items()}},
        **{"derivatives": False, "tolerance": SOLVED, **options},
    )
