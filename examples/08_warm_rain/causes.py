# SPDX-License-Identifier: MIT
"""Take apart why columns by moments are not those of super-droplets.

The file of droplets has tallies (`tallies = .true.`): what collisions made and how fast
rain fell, level by level. Columns by moments are run with these rates, or these speeds, in
place of a scheme's own ("oracles"), and with parts of the scheme left out. Errors are root
mean squares over columns and times, over the standard deviation of the droplets.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import netCDF4
import numpy as np
import torch
from shafts import driven, open_driven
from torch import Tensor, nn

from isthmus.bridge import Model
from isthmus.data.rain import open_rain
from isthmus.models import RainBulk
from isthmus.nets.rain import (
    X_STAR,
    apply_rates,
    column_rates,
    rain_features,
    seifert_beheng_rates,
)
from isthmus.nets.rain_column import RainColumn, column_cells, fall_speeds

RECORD = 15  # steps between two records that are compared: 300 s
LEAST_WATER = 1e-6  # [kg m-3]; cells with less are not looked at
MARGIN = 99.9  # per cent of the states of boxes are within the range


class Scheme(nn.Module):
    """Seifert and Beheng as published, by Fortran."""

    def forward(self, state: Tensor) -> Tensor:
        """Return mean rates over a step of 20 s."""
        rates = RainBulk().rates(np.ascontiguousarray(state.numpy()), dt=20.0)
        return torch.from_numpy(rates)


class Parts(nn.Module):
    """The scheme without its factor of tau in accretion, or without Phi, or both."""

    def __init__(self, all_grown: bool, phi_share: float) -> None:
        super().__init__()
        self.all_grown, self.phi_share = all_grown, phi_share

    def forward(self, state: Tensor) -> Tensor:
        """Return mean rates over four Euler steps of 5 s."""
        mean = torch.zeros(len(state), 4, dtype=state.dtype)
        for _ in range(4):
            rates = seifert_beheng_rates(
                state, phi_share=self.phi_share, all_grown=self.all_grown
            )
            mean += rates / 4.0
            state = apply_rates(state, rates, 5.0)
        return mean


class Tuned(nn.Module):
    """What networks of the form "column" correct."""

    def forward(self, state: Tensor) -> Tensor:
        """Return mean rates over a step."""
        return column_rates(state)


class Network(nn.Module):
    """A network of rates, run by the bridge."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.model = Model(path)

    def forward(self, state: Tensor) -> Tensor:
        """Return its rates."""
        rates = self.model(state=np.ascontiguousarray(state.numpy()))["rates"]
        return torch.from_numpy(rates)


class Oracle(nn.Module):
    """A closure, some of whose rates are those that the droplets had then and there."""

    def __init__(self, tallies: dict[str, Tensor], base: nn.Module, known: str) -> None:
        super().__init__()
        self.tallies, self.base, self.known, self.step = tallies, base, known, 0

    def forward(self, state: Tensor) -> Tensor:
        """Return rates; SCr in proportion to the drops that there are."""
        self.step += 1
        now = {name: v[self.step].flatten() for name, v in self.tallies.items()}
        rates = self.base(state).clone()
        au = X_STAR * now["drops_made"]
        if "AU" in self.known:
            rates[:, 0] = au
        if "AC" in self.known:
            rates[:, 1] = now["rain_made"] - au
        if "SCr" in self.known:
            share = 20.0 * now["drops_merged"] / (now["nr_mean"] + 1e-6)
            rates[:, 3] = state[:, 3] * (1.0 - torch.exp(-share)) / 20.0
        return rates


def oracle_speeds(tallies: dict[str, Tensor], n_parts: int) -> Callable[..., tuple]:
    """Return fall speeds that the droplets had; where they had no rain, the formula."""
    calls = iter(range(10**9))

    def speeds(lr: Tensor, nr: Tensor) -> tuple[Tensor, Tensor]:
        now = 1 + next(calls) // n_parts
        formula, found = fall_speeds(lr, nr), []
        for i, (name, least) in enumerate((("lr", 1e-11), ("nr", 1e-2))):
            there = tallies[f"{name}_mean"][now]
            fell = tallies[f"{name}_fallen"][now] / (there + 1e-30)
            found.append(torch.where(there > least, fell, formula[i]))
        return found[0], found[1]

    return speeds


def quantities(states: Tensor, dz: float, dt: float) -> dict[str, Tensor]:
    """Return what columns [time, column, ...] are compared by."""
    kept = states[::RECORD]
    cells = column_cells(kept)
    rained = kept[..., -2]
    rate = torch.diff(rained, dim=0) * 3600.0 / (RECORD * dt)
    paths = dz * cells[..., 0].sum(-1), dz * cells[..., 2].sum(-1)
    return {"rained": rained, "rain rate": rate, "cloud": paths[0], "rain": paths[1]}


def read_tallies(path: Path) -> dict[str, Tensor]:
    """Return the tallies [time, column, level] of a file."""
    names = ("rain_made", "drops_made", "drops_merged", "lr_mean", "nr_mean", "lr_fallen")
    found = {}
    with netCDF4.Dataset(path) as file:
        for name in (*names, "nr_fallen"):
            values = np.asarray(file[name][:], np.float64)
            levels_last = np.moveaxis(values, file[name].dimensions.index("level"), -1)
            found[name] = torch.from_numpy(levels_last)
    return found


def print_range(states: Tensor, boxes: list[Path]) -> None:
    """Print how many cells of columns no box is like, by Mahalanobis' distance."""

    def features(cells: Tensor) -> Tensor:
        return rain_features(cells[cells[:, 0] + cells[:, 2] > LEAST_WATER])

    seen = features(
        torch.cat([torch.from_numpy(open_rain(p).states).flatten(0, 1) for p in boxes])
    )
    cells = column_cells(states)
    water = (cells[..., 0] + cells[..., 2]).unsqueeze(-1)
    fixed = states[..., None, -4:-2].expand(*cells.shape[:-1], 2)
    column = features(torch.cat([cells, water, fixed], dim=-1).flatten(0, -2))
    centre, inverse = seen.mean(0), torch.linalg.pinv(torch.cov(seen.T))

    def distance(x: Tensor) -> Tensor:
        return torch.einsum("ni,ij,nj->n", x - centre, inverse, x - centre).sqrt()

    limit = np.percentile(distance(seen).numpy(), MARGIN)
    outside = float((distance(column) > limit).double().mean())
    low, high = seen.min(0).values, seen.max(0).values
    beyond = ((column < low) | (column > high)).double().mean(0)
    print(f"\n{100.0 * outside:.1f} % of {len(column)} cells with water lie farther out")
    print(f"than {MARGIN} % of the states of boxes; by input, beyond their range:")
    names = ["Lc", "Nc", "Lr", "Nr", "tau", "log(tau)", "xc", "xr", "L0", "rm", "nu"]
    print(
        ", ".join(
            f"{n} {100.0 * float(b):.1f} %" for n, b in zip(names, beyond, strict=True)
        )
    )


def main() -> None:
    """Print one line for each way to run the columns."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("namelist", type=Path, help="of isthmus-rain-shaft, with tallies")
    parser.add_argument("--other", type=Path, help="another realization, netCDF")
    parser.add_argument("--networks", type=Path, nargs="*", default=[], help="model files")
    parser.add_argument("--boxes", type=Path, nargs="*", help="what networks were taught")
    given = parser.parse_args()
    torch.set_num_threads(1)
    shafts = open_driven(given.namelist)
    column, path = driven(given.namelist)
    truth_states, geometry = shafts.states, shafts.geometry
    dz, dt = geometry.dz, geometry.dt
    truth = quantities(truth_states, dz, dt)
    tallies = read_tallies(path)

    def line(name: str, states: Tensor) -> None:
        found = quantities(states, dz, dt)
        square = {n: (found[n] - truth[n]).square().mean() for n in truth}
        errors = [float(square[n].sqrt() / truth[n].std(unbiased=False)) for n in truth]
        print(f"| {name} | {' | '.join(f'{100.0 * e:.0f}' for e in errors)} |", flush=True)

    def run(closure: nn.Module, fall: Callable[..., tuple] = fall_speeds) -> Tensor:
        step = RainColumn(closure, geometry, fall=fall).double()
        state = step.start(column["mean_radius"], column["shape"])
        states = [state]
        with torch.no_grad():
            for w in shafts.updrafts[: len(truth_states) - 1]:
                state = step(state, w)
                states.append(state)
        return torch.stack(states)

    speeds = lambda: oracle_speeds(tallies, geometry.n_parts)  # noqa: E731 (counts calls)
    print(f"| error, % of sd | {' | '.join(truth)} |\n|---|---|---|---|---|")
    if given.other is not None:
        line("another realization", open_driven(given.namelist, given.other).states)
    schemes = {"Seifert-Beheng": Scheme}
    schemes |= {p.stem: (lambda p=p: Network(p)) for p in given.networks}
    for name, scheme in schemes.items():
        line(name, run(scheme()))
        line(f"{name}, falling as droplets do", run(scheme(), speeds()))
        for known in ("AU", "AC", "SCr", "AU and AC"):
            line(f"{name}, {known} of droplets", run(Oracle(tallies, scheme(), known)))
    every = "AU, AC, SCr"
    line(f"{every} of droplets", run(Oracle(tallies, Scheme(), every)))
    line("and falling as droplets do", run(Oracle(tallies, Scheme(), every), speeds()))
    parts = {"tau in accretion": (True, 1.0), "Phi": (False, 0.0), "both": (True, 0.0)}
    for name, (all_grown, phi_share) in parts.items():
        line(f"Seifert-Beheng without {name}", run(Parts(all_grown, phi_share)))
    line("column_rates", run(Tuned()))
    if given.boxes:
        print_range(truth_states, given.boxes)


if __name__ == "__main__":
    main()
