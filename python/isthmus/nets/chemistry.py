# SPDX-License-Identifier: MIT
"""A network in place of an operator-splitting step of stiff chemistry.

One step maps concentrations y [cell, species] to y+ over a fixed time:

    z  = (y + floor) exp(d),     d = linear(x) + scale * net(x)
    y+ = z, redistributed within each conserved family so that it has the total of y

with x the standardized log(y + floor) and the light during the step. z is positive whatever
the network says, over any number of orders of magnitude, because its *factor* is predicted.
The second line makes all linear invariants exact: the members of a family (the species with
nitrogen, say) are multiplied by one positive factor, total / sum. Softmax fractions of the
total would be the same thing with other names. A species of two families (peroxyacetyl
nitrate: N and C) keeps its z, limited to what the families have, and the others share what
is left. Both properties hold for any weights of the network, to rounding.

Why not reaction extents, y + S xi (Sturm & Wexler 2020, doi:10.5194/gmd-13-4435-2020)?
They conserve by construction as well. But a radical of 1e-2 per cm3 is the difference of
fluxes of 1e9: its extents cancel to nothing in any precision, and the limiter that keeps it
positive would act on the very species that matter most.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ..errors import ConfigurationError
from .ring import activation

Array = NDArray[np.float64]

LARGEST_EXPONENT: Final = 40.0  # exp(40) = 2e17: more no species moves in a step
FARTHEST: Final = 8.0
"""Standard deviations of log(y + floor): beyond, all states look alike to the network."""
LARGEST_SHARE: Final = 0.99
"""Of a family's total that species of several families may hold; the others need a rest."""


class FamilyProjection(nn.Module):
    """Give positive concentrations the totals of others, by positive factors.

    Parameters
    ----------
    invariants : array
        Weights of the conserved sums [family, species], none negative.

    Raises
    ------
    ConfigurationError
        If a weight is negative or a family has no species of its own.
    """

    own: Tensor
    shared: Tensor
    members: Tensor
    others: Tensor

    def __init__(self, invariants: Array) -> None:
        super().__init__()
        weights = np.asarray(invariants, np.float64)
        if not (np.isfinite(weights).all() and (weights >= 0).all()):
            raise ConfigurationError("'invariants' must be finite and not negative")
        is_own = (weights > 0).sum(axis=0) <= 1
        if not ((weights * is_own).sum(axis=1) > 0).all():
            raise ConfigurationError(
                "each family of 'invariants' needs a species that is in no other"
            )
        self.n_families = len(weights)
        self.has_shared = not bool(is_own.all())
        for name, values in (
            ("own", weights * is_own),
            ("shared", weights * ~is_own),
            ("members", ((weights > 0) & is_own).astype(np.float64)),
            ("others", (((weights > 0) & is_own).sum(axis=0) == 0).astype(np.float64)),
        ):
            self.register_buffer(name, torch.from_numpy(values))

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        """Return `z` [cell, species], all positive, changed to the totals of `y`."""
        if self.n_families == 0:
            return z
        left = torch.matmul(y, (self.own + self.shared).t())
        if self.has_shared:
            z, held = self._limit(z, left)
            left = left - held
        # Members are multiplied by left / sum, the others by one.
        factor = left / torch.matmul(z, self.own.t())
        return z * (torch.matmul(factor, self.members) + self.others)

    def _limit(self, z: Tensor, totals: Tensor) -> tuple[Tensor, Tensor]:
        """Leave a rest of each total to a family's own species; return what is held."""
        held = torch.matmul(z, self.shared.t())
        # A family that shares nothing holds zero: its quotient has no derivative.
        some = torch.where(held > 0.0, held, torch.ones_like(held))
        allowed = (LARGEST_SHARE * totals / some).clamp(max=1.0)
        for family in range(self.n_families):
            is_member = self.shared[family] > 0
            limit = allowed[:, family : family + 1].expand_as(z)
            z = torch.where(is_member, z * limit, z)
        return z, torch.matmul(z, self.shared.t())


class ChemistryStep(nn.Module):
    """One splitting step of chemistry by a small network.

    Parameters
    ----------
    invariants : array
        Conserved sums [family, species].
    floor : array
        Concentrations [species] below which nothing matters; positive.
    dt : float
        Time step in the mechanism's unit.
    n_light : int
        Numbers that tell the light during the step.
    hidden : sequence of int
        Widths of the hidden layers.
    activation_name : str
        "silu", which is smooth as chemistry is, "relu" or "tanh".

    Raises
    ------
    ConfigurationError
        If a floor is not positive.

    Notes
    -----
    `fit_linear` sets the standardization and the linear part from data; until then the
    step is the identity up to floors. `after_training` puts the exact parts in float64 and
    leaves the network in float32.
    """

    floor: Tensor
    mean: Tensor
    sd: Tensor
    scale: Tensor
    light_mean: Tensor
    light_sd: Tensor

    def __init__(
        self,
        invariants: Array,
        floor: Array,
        *,
        dt: float,
        n_light: int = 0,
        hidden: Sequence[int] = (64, 64),
        activation_name: str = "silu",
    ) -> None:
        super().__init__()
        floor = np.asarray(floor, np.float64)
        if not (np.isfinite(floor).all() and (floor > 0).all()):
            raise ConfigurationError("'floor' must be positive and finite for each species")
        n = len(floor)
        self.dt = dt
        self.n_light = n_light
        self.projection = FamilyProjection(np.asarray(invariants).reshape(-1, n))
        for name, values in (
            ("floor", floor),
            ("mean", np.log(floor)),
            ("sd", np.ones(n)),
            ("scale", np.full(n, 1e-2)),
            ("light_mean", np.zeros(n_light)),
            ("light_sd", np.ones(n_light)),
        ):
            self.register_buffer(name, torch.from_numpy(values.copy()))
        self.linear = nn.Linear(n + n_light, n)
        nn.init.zeros_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)
        layers: list[nn.Module] = []
        width = n + n_light
        for size in hidden:
            layers += [nn.Linear(width, size), activation(activation_name)]
            width = size
        layers.append(nn.Linear(width, n))
        self.net = nn.Sequential(*layers)

    def forward(self, y: Tensor, light: Tensor) -> Tensor:
        """Return the concentrations one step later.

        Parameters
        ----------
        y : tensor
            Concentrations [cell, species].
        light : tensor
            During the step [cell, n_light]; no columns if there is none.
        """
        lifted = y.clamp(min=0.0) + self.floor
        z = lifted * torch.exp(self.exponent(lifted, light).to(y.dtype))
        return self.projection(z, y)

    def exponent(self, lifted: Tensor, light: Tensor) -> Tensor:
        """Return d [cell, species] at y + floor, in the network's precision."""
        logs = (torch.log(lifted) - self.mean) / self.sd
        light = (light - self.light_mean) / self.light_sd
        x = torch.cat([logs.clamp(-FARTHEST, FARTHEST), light], dim=-1)
        x = x.to(self.linear.weight.dtype)
        d = self.linear(x) + self.scale.to(x.dtype) * self.net(x)
        return d.clamp(-LARGEST_EXPONENT, LARGEST_EXPONENT)

    @torch.no_grad()
    def fit_linear(self, y: Tensor, light: Tensor, y_next: Tensor) -> Tensor:
        """Set standardization, linear part (least squares) and scale of the rest.

        Returns
        -------
        tensor
            Root mean square [species] of d that the linear part leaves to the network.
        """
        lifted = y.double() + self.floor.double()
        logs = torch.log(lifted)
        self.mean.copy_(logs.mean(dim=0))
        self.sd.copy_(logs.std(dim=0).clamp(min=1e-3))
        if self.n_light > 0:
            self.light_mean.copy_(light.double().mean(dim=0))
            self.light_sd.copy_(light.double().std(dim=0).clamp(min=1e-3))
        x = torch.cat(
            [
                (logs - self.mean) / self.sd,
                (light.double() - self.light_mean) / self.light_sd,
                torch.ones(len(y), 1, dtype=torch.float64),
            ],
            dim=-1,
        )
        wanted = torch.log(y_next.double() + self.floor.double()) - logs
        ridge = 1e-6 * len(y) * torch.eye(x.shape[1], dtype=torch.float64)
        solution = torch.linalg.solve(x.t() @ x + ridge, x.t() @ wanted)
        self.linear.weight.copy_(solution[:-1].t())
        self.linear.bias.copy_(solution[-1])
        rest = (wanted - x @ solution).pow(2).mean(dim=0).sqrt()
        self.scale.copy_(rest.clamp(min=1e-6))
        return rest

    def after_training(self) -> "ChemistryStep":
        """Put logarithms, exponentials and totals in float64, the network in float32."""
        self.double()
        self.linear.float()
        self.net.float()
        return self.eval()

    def extra_repr(self) -> str:
        """Name what the weights do not tell."""
        return f"dt={self.dt}, n_light={self.n_light}"


class FirstStepNet(nn.Module):
    """The inner step a stiff solver should begin a splitting step with.

    log(h / dt) from log(y + floor) and the light; the solver's own error control corrects a
    bad guess, so nothing can go wrong but time.

    Parameters
    ----------
    step : ChemistryStep
        Gives floors and standardization.
    width : int
        Of the two hidden layers.
    """

    floor: Tensor
    mean: Tensor
    sd: Tensor
    light_mean: Tensor
    light_sd: Tensor

    def __init__(self, step: ChemistryStep, width: int = 16) -> None:
        super().__init__()
        self.dt = step.dt
        for name in ("floor", "mean", "sd", "light_mean", "light_sd"):
            self.register_buffer(name, getattr(step, name).detach().clone())
        n = len(self.floor) + step.n_light
        self.net = nn.Sequential(
            nn.Linear(n, width),
            nn.ReLU(),
            nn.Linear(width, width),
            nn.ReLU(),
            nn.Linear(width, 1),
        )

    def forward(self, y: Tensor, light: Tensor) -> Tensor:
        """Return log(h / dt) [cell, 1]."""
        logs = (torch.log(y.clamp(min=0.0) + self.floor) - self.mean) / self.sd
        x = torch.cat([logs, (light - self.light_mean) / self.light_sd], dim=-1)
        result: Tensor = self.net(x.to(next(self.net.parameters()).dtype))
        return result


def floors(states: Any, share: float = 1e-3) -> Array:  # noqa: ANN401 (any array)
    """Return a floor for each species: a share of its 90 % quantile over states.

    Parameters
    ----------
    states : array
        [..., species].
    share : float
        What is below this share of the usual is as good as nothing.
    """
    values = np.asarray(states, np.float64)
    values = values.reshape(-1, values.shape[-1])
    high = np.quantile(values, 0.9, axis=0)
    return np.maximum(share * high, share * 1e-12 * high.max())
