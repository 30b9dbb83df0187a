# SPDX-License-Identifier: MIT
"""Train a network of rain rates on ensemble means, and export it for Fortran."""

import argparse
from pathlib import Path

import numpy as np
import torch

from isthmus.couple.rain import export_rain
from isthmus.data.rain import RainEnsembles, open_rain
from isthmus.learn import Curriculum, FitSettings
from isthmus.learn.rain import EPOCHS, RATES, ROLLOUT_LENGTHS, train_rain
from isthmus.nets.rain import RainNet

N_TEST = 100  # states never seen, the same in every run
N_VALID = 60
SPLIT_SEED = 7


def split(data: RainEnsembles) -> tuple[RainEnsembles, RainEnsembles, RainEnsembles]:
    """Return states to train, to validate and to test, apart at random by first state."""
    rest, test = data.set_aside(N_TEST, seed=SPLIT_SEED)
    train, valid = rest.set_aside(N_VALID, seed=SPLIT_SEED)
    return train, valid, test


def without_noise(ensembles: RainEnsembles, bins: RainEnsembles) -> RainEnsembles:
    """Return the cells of ensembles, those that bins have too by bins."""
    states = ensembles.states.copy()
    same = np.isclose(states[0, :, None, 4:], bins.states[0, None, :, 4:], rtol=1e-6)
    cell, twin = np.nonzero(same.all(-1))
    states[:, cell] = bins.states[:, twin]
    print(f"{cell.size} of {states.shape[1]} cells by bins")
    return RainEnsembles(states, ensembles.standard_errors, ensembles.dt)


def main() -> None:
    """Train, keep the weights, export."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="netCDF of isthmus-rain")
    parser.add_argument("network", type=Path, help="file to write, .pt or .pt2")
    parser.add_argument("--bins", type=Path, help="netCDF of isthmus-rain-bins")
    parser.add_argument("--form", default="correction", help="correction or free")
    parser.add_argument("--stages", type=int, default=len(EPOCHS), help="1: one step only")
    parser.add_argument("--factor", type=float, default=1.0, help="times the epochs")
    parser.add_argument("--start", type=Path, help="checkpoint of a training to go on from")
    parser.add_argument("--thin", type=int, default=1, help="use every so many cells")
    parser.add_argument("--lengths", type=int, nargs="+", help="of rollouts, own stages")
    parser.add_argument("--epochs", type=int, nargs="+", help="of own stages")
    parser.add_argument("--rates", type=float, nargs="+", help="of own stages, times 3e-3")
    parser.add_argument("--width", type=int, default=32)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    torch.set_num_threads(1)
    data = open_rain(given.data)
    train, valid, _ = split(data)
    if given.bins is not None:
        bins = open_rain(given.bins)
        train, valid = without_noise(train, bins), without_noise(valid, bins)
    epochs = tuple(max(1, round(given.factor * n)) for n in EPOCHS[: given.stages])
    lengths, rates = ROLLOUT_LENGTHS[: given.stages], RATES[: given.stages]
    if given.lengths is not None:
        lengths, epochs = tuple(given.lengths), tuple(given.epochs)
        rates = tuple(given.rates)
    torch.manual_seed(given.seed)
    start = RainNet(given.form, width=given.width, depth=2)
    if given.start is not None:
        weights = torch.load(given.start, weights_only=True)["best"]
        prefix = "step.closure."
        own = {k.removeprefix(prefix): v for k, v in weights.items() if prefix in k}
        start.load_state_dict(own)
    closure, history = train_rain(
        torch.from_numpy(train.states[:, :: given.thin]),
        torch.from_numpy(valid.states[:, :: given.thin]),
        dt=data.dt,
        start=start,
        curriculum=Curriculum(lengths, epochs, rates),
        settings=FitSettings(
            batch_size=512,
            schedule="cosine",
            learning_rate=3e-3,
            evaluate_every=20,
            seed=given.seed,
            checkpoint=given.network.with_suffix(".checkpoint"),
        ),
    )
    example = torch.from_numpy(train.states[::20].reshape(-1, 7)[::7].copy())
    report = export_rain(closure, given.network, example, dt=data.dt)
    print(f"validation {history.best:.3e}, {history.seconds:.0f} s of processor time")
    print(report.summary())


if __name__ == "__main__":
    main()
