# SPDX-License-Identifier: MIT
"""Train a network of fluxes on fine columns, and export it for the coarse ones."""

import argparse
from pathlib import Path

import netCDF4
import numpy as np
import torch
from torch import Tensor

from isthmus.export import export_network
from isthmus.learn import Curriculum, FitSettings, Rollout, RolloutLoss, Windows, fit
from isthmus.nets import in_precision
from isthmus.nets.ocean_column import OceanColumnStep, OceanFluxNet

LEVELS, BOTTOM, DT = 20, 100.0, 600.0
N_VALID = 2  # columns set aside
# Errors of T [K], of u, v [m s-1] and of the weather that count as one.
UNITS = (0.05,) * LEVELS + (0.01,) * (2 * LEVELS) + (1.0,) * 3
LENGTHS, EPOCHS, RATES = (1, 6, 24, 72), (16, 6, 8, 12), (1.0, 0.5, 0.3, 0.3)


def read(path: Path) -> tuple[Tensor, Tensor]:
    """Return T, u, v [time, column, 3 levels], coarse, and weather [time, column, 3]."""
    with netCDF4.Dataset(path) as file:
        fields = [np.asarray(file[name][:]) for name in ("t", "u", "v")]
        weather = [np.asarray(file[name][:]) for name in ("q", "tau_x", "tau_y")]
    n_times, n_columns = fields[0].shape[:2]
    coarse = [f.reshape(n_times, n_columns, LEVELS, -1).mean(-1) for f in fields]
    state = torch.from_numpy(np.concatenate(coarse, axis=-1))
    return state, torch.from_numpy(np.stack(weather, axis=-1))


def samples(truth: Path, coarse: Path) -> tuple[Windows, Windows]:
    """Return windows of fine columns under the weather of coarse steps."""
    state, _ = read(truth)
    _, weather = read(coarse)  # a record has that of the step before it
    weather = torch.cat([weather[1:], weather[-1:]])
    acted = torch.cat([weather[:1], weather[:-1]])
    state = torch.cat([state, acted], dim=-1)
    parts = (slice(0, -N_VALID), slice(-N_VALID, None))
    train, valid = (
        Windows(state[:, part], weather[:, part], stride=None) for part in parts
    )
    return train, valid


def main() -> None:
    """Train, export."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("truth", type=Path, help="fine columns, netCDF")
    parser.add_argument("coarse", type=Path, help="the same weather in coarse columns")
    parser.add_argument("network", type=Path, help="file to write, .pt or .pt2")
    parser.add_argument("--stages", type=int, default=len(LENGTHS), help="1: one step only")
    parser.add_argument("--factor", type=float, default=1.0, help="times the epochs")
    parser.add_argument("--noise", type=float, default=0.0, help="on first states")
    parser.add_argument("--detach-every", type=int, help="cut gradients; 1: pushforward")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(given.seed)
    closure = OceanFluxNet(LEVELS, BOTTOM / LEVELS, DT)
    step = OceanColumnStep(closure, LEVELS, BOTTOM / LEVELS, DT)
    epochs = tuple(max(1, round(given.factor * n)) for n in EPOCHS[: given.stages])
    train, valid = samples(given.truth, given.coarse)
    history = fit(
        Rollout(step, noise=given.noise, detach_every=given.detach_every),
        train,
        valid,
        curriculum=Curriculum(LENGTHS[: given.stages], epochs, RATES[: given.stages]),
        loss=RolloutLoss(scale=UNITS),
        settings=FitSettings(
            batch_size=256,
            schedule="cosine",
            learning_rate=3e-3,
            evaluate_every=10,
            clip_norm=1.0,
            seed=given.seed,
        ),
    )
    print(f"validation {history.best:.3e}, {history.seconds:.0f} s of processor time")
    # Differences of temperature in double precision, the network in single.
    closure = in_precision(closure, "float32", "net")
    report = export_network(
        closure,
        given.network,
        inputs={"state": train.x[::200].flatten(0, 1).double()},
        outputs=["fluxes"],
        dynamic={"column": 0},
        separable="column",
        dt=DT,
        dims={"state": ("column", "value"), "fluxes": ("column", "flux")},
        description="ocean columns: downward fluxes of T, u, v, means over a step",
        tolerance=1e-5,  # the network is in single precision
    )
    print(report.summary())


if __name__ == "__main__":
    main()
