# SPDX-License-Identifier: MIT
"""Fit a network to the physics of a moist column, and learn where it may be trusted.

Writes `column.pt`: the network, what it must be called with, and a guard with the range of
the training data. Some seconds.
"""

import numpy as np
import torch
from torch import Tensor, nn

from isthmus.contract import (
    Contract,
    Guard,
    Limits,
    Method,
    PositiveState,
    Variable,
    write_contract,
)

N_LEVELS = 10
N_COLUMNS = 1000
DT = 600.0  # time step of the host [s]
TAU = 86400.0  # relaxation of temperature [s]
QUANTILES = (0.001, 0.999)


def physics(t: Tensor, q: Tensor) -> tuple[Tensor, Tensor]:
    """Return dt [K s-1] and dq [kg kg-1 s-1] as `column_physics.f90` computes them."""
    level = torch.arange(N_LEVELS, dtype=t.dtype)
    saturation = 0.01 * torch.exp(0.07 * (t - 280.0))
    rain = torch.clamp(q - saturation, min=0.0) / (4.0 * DT)
    evaporation = torch.where(level == 0, (0.8 * saturation - q) / TAU, 0.0)
    return (290.0 - 6.0 * level - t) / TAU + 2500.0 * rain, evaporation - rain


class Column(nn.Module):
    """Two hidden layers between normalized states and tendencies."""

    def __init__(self, x: Tensor, y: Tensor) -> None:
        super().__init__()
        n = 2 * N_LEVELS
        self.layers = nn.Sequential(
            nn.Linear(n, 48), nn.SiLU(), nn.Linear(48, 48), nn.SiLU(), nn.Linear(48, n)
        ).double()
        for name, data in (("x", x), ("y", y)):
            self.register_buffer(f"{name}_mean", data.mean(0))
            self.register_buffer(f"{name}_sd", data.std(0))

    def forward(self, t: Tensor, q: Tensor) -> tuple[Tensor, Tensor]:
        """Take t, q [column, level]; return dt, dq."""
        x = (torch.cat([t, q], dim=1) - self.x_mean) / self.x_sd
        y = self.layers(x) * self.y_sd + self.y_mean
        n = t.shape[1]
        return y[:, :n], y[:, n:]


def fit(t: Tensor, q: Tensor) -> Column:
    """Fit the network by Adam to the tendencies, each in units of its spread."""
    x, y = torch.cat([t, q], dim=1), torch.cat(physics(t, q), dim=1)
    network = Column(x, y)
    optimizer = torch.optim.Adam(network.layers.parameters(), lr=3e-3)
    for _ in range(300):
        error = (torch.cat(network(t, q), dim=1) - y) / network.y_sd
        loss = (error**2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"error of the fit: {loss.sqrt():.3f} of the tendencies' spread")
    return network


def limits(data: Tensor) -> Limits:
    """Return the quantiles of each level."""
    low, high = np.quantile(data.numpy(), QUANTILES, axis=0)
    return Limits(tuple(low.tolist()), tuple(high.tolist()))


def main() -> None:
    """Draw columns, fit, and write the file."""
    torch.manual_seed(1)
    torch.set_num_threads(1)  # small matrices: more threads only wait for each other
    level = torch.arange(N_LEVELS, dtype=torch.float64)
    t = 290.0 - 6.0 * level + 4.0 * torch.randn(N_COLUMNS, N_LEVELS, dtype=torch.float64)
    moisture = 0.2 + torch.rand(N_COLUMNS, N_LEVELS, dtype=torch.float64)
    q = moisture * 0.01 * torch.exp(0.07 * (t - 280.0))
    network = fit(t, q).eval()

    torch.jit.script(network).save("column.pt")
    shape, dims = ("column", N_LEVELS), ("column", "level")
    units = {"t": "K", "q": "kg kg-1", "dt": "K s-1", "dq": "kg kg-1 s-1"}
    contract = Contract(
        name="column",
        engine="torchscript",
        methods={"forward": Method(("t", "q"), ("dt", "dq"))},
        variables={
            name: Variable("float64", shape, dims=dims, units=unit)
            for name, unit in units.items()
        },
        payload_sha256={},
        separable="column",
        dt=DT,
        version="1",
        guard=Guard(
            inputs={"t": limits(t), "q": limits(q)},
            quantiles=QUANTILES,
            fixers=(PositiveState(tendency="dq", state="q"),),
        ),
    )
    write_contract("column.pt", contract)


if __name__ == "__main__":
    main()
