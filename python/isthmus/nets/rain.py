# SPDX-License-Identifier: MIT
"""Warm rain: networks that answer a state with rates, and the step that keeps water.

A state is [cell, 7]: Lc, Nc, Lr, Nr [kg m-3, m-3], which change, and L0 [kg m-3],
rm [m], nu [1] of the first cloud. Rates are [cell, 4]: AU, AC [kg m-3 s-1], SCc, SCr
[m-3 s-1], means over the coming step. Equations, limits and scheme of Seifert and Beheng
(2001, doi:10.1016/S0169-8095(01)00126-0) are those of `fortran/rain`.

The inputs of a network are those published for SuperdropNet (coupled to ICON by Arnold
and others, 2024, doi:10.5194/gmd-17-4017-2024): the state, tau = Lr/(Lc+Lr), xc = Lc/Nc; as
logarithms where they span decades, and with the mean mass of a rain drop.
"""

from typing import Final

import torch
from torch import Tensor, nn

X_STAR: Final = 2.6e-10  # limit of cloud and rain [kg]
KCC: Final = 9.44e9  # [m3 kg-2 s-1]
KCR: Final = 5.78  # [m3 kg-1 s-1]
KRR: Final = 4.33  # [m3 kg-1 s-1]
LEAST: Final = 1e-18  # keeps quotients of zeros and their derivatives finite in float32
LEAST_SHARE: Final = 1e-30  # of rain, in its logarithm
N_FEATURES: Final = 11
FORMS: Final = ("correction", "column", "free")
STEP: Final = 20.0  # [s]
AUTOCONVERSION, PHI_SHARE, ACCRETION = 0.45, 0.65, 0.9  # of `column_rates`, tuned
LARGEST_MEAN: Final = 1e6  # mean mass of rain drops over that of the limit: 4 mm
LARGEST_FACTOR: Final = 4.0  # a correction is within exp(+-4)
SCALES: Final = (1e-6, 1e-6, 1e5, 10.0)  # of AU, AC, SCc, SCr in the free network


def seifert_beheng_rates(
    state: Tensor, *, phi_share: float = 1.0, all_grown: bool = False
) -> Tensor:
    """Return AU, AC, SCc, SCr [cell, 4] of Seifert and Beheng at a state [cell, 7].

    Autoconversion is multiplied by the power `phi_share` of what Phi adds to it: with 0
    cloud drops make rain as if there were none yet. With `all_grown` rain drops collect
    cloud drops as those above 50 um do.
    """
    lc, _, lr, nr = state[:, 0], state[:, 1], state[:, 2], state[:, 3]
    nu = state[:, 6]
    mass = drop_mass(state) / X_STAR
    total = lc + lr
    tau = lr / (total + LEAST)
    power = torch.exp(0.68 * torch.log(torch.clamp(tau, min=LEAST_SHARE)))
    phi = 600.0 * power * (1.0 - power) ** 3
    spread = (nu + 2.0) / (nu + 1.0)
    cloud = KCC * X_STAR / 20.0 * spread * (nu + 4.0) / (nu + 1.0)
    au = cloud * mass**2
    if phi_share == 1.0:
        au = au * (lc**2 + phi * total**2)
    else:
        # lc**2 (1 + Phi/(1 - tau)**2)**share without a quotient by what may be zero
        grown = lc**2 + phi * total**2 + LEAST**2
        own = torch.clamp(lc, min=LEAST) ** (2.0 - 2.0 * phi_share)
        au = au * own * grown**phi_share
    ac = KCR * lc * lr
    if not all_grown:
        ac = ac * (tau / (tau + 5e-4)) ** 4
    return torch.stack([au, ac, KCC * spread * lc**2, KRR * lr * nr], dim=-1)


def drop_mass(state: Tensor) -> Tensor:
    """Return the mean mass of a cloud drop [cell], kg, at most that of the limit."""
    return torch.clamp(state[:, 0] / (state[:, 1] + LEAST), max=X_STAR)


def apply_rates(state: Tensor, rates: Tensor, dt: float) -> Tensor:
    """Return the state [cell, 7] after rates [cell, 4] acted for `dt`.

    No more moves than the donor holds: water is kept, nothing becomes negative, and cloud
    drops stay lighter than the limit.
    """
    lc, nc, lr, nr = state[:, 0], state[:, 1], state[:, 2], state[:, 3]
    asked = dt * (rates[:, 0] + rates[:, 1])
    moved = torch.minimum(asked, lc)
    part = torch.clamp(lc / (asked + LEAST), max=1.0)
    lc_new = lc - moved
    # As a share of all drops: drops per mass are infinite where hardly any water is.
    accreted = torch.clamp(dt * part * rates[:, 1] / (lc + LEAST), max=1.0)
    loss = dt * rates[:, 2] + accreted * torch.maximum(nc, lc / X_STAR)
    nc_new = torch.maximum(nc - loss, torch.minimum(nc, lc_new / X_STAR))
    nr_new = torch.relu(nr + dt * (part * rates[:, 0] / X_STAR - rates[:, 3]))
    moments = torch.stack([lc_new, nc_new, lr + moved, nr_new], dim=-1)
    return torch.cat([moments, state[:, 4:]], dim=-1)


def rain_features(state: Tensor) -> Tensor:
    """Return what a network sees of a state [cell, 7], about one in size: [cell, 11]."""
    lc, nc, lr, nr = state[:, 0], state[:, 1], state[:, 2], state[:, 3]
    total = lc + lr
    tau = lr / (total + LEAST)
    nu = state[:, 6]
    mean = torch.clamp(lr / (nr * X_STAR + LEAST), max=LARGEST_MEAN)
    return torch.stack(
        [
            torch.log(lc * 1e3 + 1e-6) / 4.0,
            torch.log(nc * 1e-8 + 1e-6) / 4.0,
            torch.log(lr * 1e3 + 1e-8) / 6.0,
            torch.log(nr * 1e-4 + 1e-6) / 6.0,
            2.0 * tau - 1.0,
            torch.log(tau + 1e-8) / 6.0 + 1.0,
            torch.log(drop_mass(state) / X_STAR + 1e-4) / 2.0 + 1.5,
            torch.log(mean + 0.1) / 3.0,
            torch.log(state[:, 4] * 1e3 + 1e-6),
            4.0 * torch.log(state[:, 5] * 1e5 + 1e-6) - 0.7,
            torch.log(nu + 1.0) - 1.0,
        ],
        dim=-1,
    )


class RainNet(nn.Module):
    """A network from a state [cell, 7] to rates [cell, 4], none of them negative.

    Parameters
    ----------
    form : str
        "correction": Seifert and Beheng's rates, each times a learned exp(o), |o| < 4.
        "column": the same from `column_rates`.
        "free": scale times softplus(o), with no scheme inside.
    width, depth : int
        Hidden width and number of hidden layers.

    Raises
    ------
    ValueError
        If the form is unknown.
    """

    scales: Tensor

    def __init__(self, form: str = "correction", width: int = 64, depth: int = 3) -> None:
        super().__init__()
        if form not in FORMS:
            raise ValueError(f"'form' is '{form}', expected one of {', '.join(FORMS)}")
        self.form = form
        layers: list[nn.Module] = []
        n_in = N_FEATURES
        for _ in range(depth):
            layers += [nn.Linear(n_in, width), nn.SiLU()]
            n_in = width
        last = nn.Linear(n_in, 4)
        nn.init.zeros_(last.weight)  # a correction begins as the scheme itself
        nn.init.zeros_(last.bias)
        self.layers = nn.Sequential(*layers, last)
        self.register_buffer("scales", torch.tensor(SCALES))

    def extra_repr(self) -> str:
        """Return what tells one form from the other."""
        return f"form={self.form}"

    def base(self, state: Tensor) -> Tensor:
        """Return the rates that are corrected."""
        return column_rates(state) if self.form == "column" else seifert_beheng_rates(state)

    def forward(self, state: Tensor) -> Tensor:
        """Return AU, AC, SCc, SCr [cell, 4] at `state` [cell, 7]."""
        state = torch.relu(state)  # what is below zero by another model's rounding is none
        out = self.layers(rain_features(state).to(self.scales.dtype)).to(state.dtype)
        if self.form != "free":
            factor = torch.exp(LARGEST_FACTOR * torch.tanh(out / LARGEST_FACTOR))
            return self.base(state) * factor
        return self.scales.to(state.dtype) * nn.functional.softplus(4.0 * out)


def column_rates(state: Tensor) -> Tensor:
    """Return mean rates [cell, 4] over `STEP`, tuned in columns of super-droplets.

    Two factors of Seifert and Beheng tell how old a cloud is from its share of rain, Phi
    and (tau/(tau + 5e-4))^4. In a column old rain falls into new cloud: the second is left
    out, of the first a power, and cloud decays as it is collected.
    """
    rates = seifert_beheng_rates(state, phi_share=PHI_SHARE, all_grown=True)
    decay = ACCRETION * KCR * STEP * state[:, 2]
    collected = state[:, 0] * -torch.expm1(-decay) / STEP
    return torch.stack(
        [AUTOCONVERSION * rates[:, 0], collected, rates[:, 2], rates[:, 3]], dim=-1
    )


class SeifertBeheng(nn.Module):
    """The published scheme as a closure without weights: state [cell, 7] to rates."""

    def forward(self, state: Tensor) -> Tensor:
        """Return AU, AC, SCc, SCr [cell, 4] at `state` [cell, 7]."""
        return seifert_beheng_rates(state)


class RainStep(nn.Module):
    """One step of boxes under the rates of a closure.

    Parameters
    ----------
    closure : module
        State [cell, 7] to rates [cell, 4].
    dt : float
        Time step [s].
    """

    def __init__(self, closure: nn.Module, dt: float = 20.0) -> None:
        super().__init__()
        self.closure = closure
        self.dt = float(dt)

    def extra_repr(self) -> str:
        """Return what tells this step from another of the same closure."""
        return f"dt={self.dt}"

    def forward(self, state: Tensor) -> Tensor:
        """Return the state [cell, 7] one step later."""
        return apply_rates(state, self.closure(state), self.dt)
