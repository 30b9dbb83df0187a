# SPDX-License-Identifier: MIT
"""Closures of the coarse shallow water model: stress on faces from a neighbourhood.

    X = -a cd |U| U/H**2 - b g H d zeta/dx        a, b from depth and flow around the face

`a` is the drag that the coarse face misses, `b` the part of its slope that drives no flow
because water goes around the bumps. North faces use the same weights on the basin mirrored
at its diagonal.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from isthmus.nets.shallow_water import Faces, across, differences, not_zero, open_faces
from isthmus.nets.shallow_water_emulators import mean_of_two

GRAVITY = 9.81
DEPTH, SPEED = 20.0, 0.3
"""Scales of depth [m] and speed [m s-1]."""
LARGEST = 0.5
"""Largest `b`: beyond, the explicit part of the slope would have the wrong sign."""


class Form(nn.Module):
    """Stress from two coefficients at faces, which a derived class gives.

    Parameters
    ----------
    dx, drag
        Size of the square cells [m]; quadratic drag coefficient of the model.
    """

    def __init__(self, *, dx: float, drag: float) -> None:
        """Keep the numbers."""
        super().__init__()
        self.dx, self.drag = dx, drag

    def forward(
        self, zeta: Tensor, u: Tensor, v: Tensor, depth: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return stress over density at east and at north faces [m2 s-2] [..., y, x]."""
        wet = (depth > 0.0).to(zeta.dtype)
        is_open = open_faces(wet)
        rise = differences(zeta)
        water = wet * (depth + zeta)
        cross = across(Faces(u, v))
        x = self.component(water, u, cross.east, rise.east, is_open.east)
        y = self.component(
            water.transpose(-1, -2),
            v.transpose(-1, -2),
            cross.north.transpose(-1, -2),
            rise.north.transpose(-1, -2),
            is_open.north.transpose(-1, -2),
        )
        return x, y.transpose(-1, -2)

    def component(
        self, water: Tensor, along: Tensor, cross: Tensor, rise: Tensor, is_open: Tensor
    ) -> Tensor:
        """Return the stress at east faces."""
        h = mean_of_two(water)
        square = along**2 + cross**2
        speed = torch.where(square > 0.0, torch.sqrt(not_zero(square)), square)
        friction = self.drag * speed * along / not_zero(h**2)
        slope = GRAVITY * h * rise / self.dx
        a, b = self.coefficients(water, h, speed / not_zero(h))
        return -is_open * (a * friction + b * slope)

    def coefficients(
        self, water: Tensor, h: Tensor, speed: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return a and b at east faces."""
        raise NotImplementedError


class TwoNumbers(Form):
    """The cheap peer: one `a` and one `b` for all faces; a drag and a depth calibrated."""

    def __init__(self, *, dx: float, drag: float) -> None:
        """Start from no closure."""
        super().__init__(dx=dx, drag=drag)
        self.numbers = nn.Parameter(torch.zeros(2))

    def coefficients(
        self, water: Tensor, h: Tensor, speed: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return the two numbers."""
        return self.numbers[0], LARGEST * torch.tanh(self.numbers[1])


class LocalNet(Form):
    """`a` and `b` from a 5 x 5 neighbourhood of the face's depth and speed."""

    def __init__(self, *, dx: float, drag: float, width: int = 12) -> None:
        """Start from no closure."""
        super().__init__(dx=dx, drag=drag)
        self.first = nn.Conv2d(2, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        self.last = nn.Conv2d(width, 2, 1)
        with torch.no_grad():
            self.last.weight.zero_()
            self.last.bias.zero_()  # type: ignore[union-attr]

    def coefficients(
        self, water: Tensor, h: Tensor, speed: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return a and b at east faces [..., y, x]."""
        features = torch.stack([h / DEPTH - 1.0, speed / SPEED], -3)
        is_single = features.dim() == 3
        if is_single:
            features = features.unsqueeze(0)
        hidden = functional.silu(self.first(features))
        hidden = functional.silu(self.second(hidden))
        found = self.last(hidden)
        if is_single:
            found = found.squeeze(0)
        a, b = found.unbind(-3)
        return a, LARGEST * torch.tanh(b)
