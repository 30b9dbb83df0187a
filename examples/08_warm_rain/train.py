# SPDX-License-Identifier: MIT
"""Train a network of rain rates on ensemble means, and export it for Fortran."""

import argparse
from pathlib import Path

import numpy as np
import torch

from isthmus.couple.rain import export_rain
from isthmus.data.rain import RainEnsembles, open_rain
from isthmus.learn import Curriculum, FitSettings, RolloutLoss
from isthmus.learn.rain import EPOCHS, RATES, ROLLOUT_LENGTHS, train_rain
from isthmus.nets.rain import RainNet

N_TEST = 100  # states never seen, the same in every run
N_VALID = 60
SPLIT_SEED = 7
GONE = 1e-9  # share of all water


def split(data: RainEnsembles) -> tuple[RainEnsembles, RainEnsembles, RainEnsembles]:
    """Return states to train, to validate and to test, apart at random by first state."""
    rest, test = data.set_aside(N_TEST, seed=SPLIT_SEED)
    train, valid = rest.set_aside(N_VALID, seed=SPLIT_SEED)
    return train, valid, test


def without_noise(ensembles: RainEnsembles, files: list[Path]) -> RainEnsembles:
    """Return the cells of ensembles, those that files of bins have too by bins."""
    states, n_found = ensembles.states.copy(), 0
    for file in files:
        bins = open_rain(file).states
        same = np.isclose(states[0, :, None, 4:], bins[0, None, :, 4:], rtol=1e-6)
        cell, twin = np.nonzero(same.all(-1))
        states[:, cell] = bins[:, twin]
        n_found += cell.size
    # What bins leave of a cloud that has rained out is rounding, and no mean mass of drops.
    is_gone = states[..., 0] < GONE * states[..., 4]
    states[is_gone, :2] = 0.0
    print(f"{n_found} of {states.shape[1]} cells by bins")
    return RainEnsembles(states, ensembles.standard_errors, ensembles.dt)


def saved_weights(checkpoint: Path) -> dict[str, torch.Tensor]:
    """Return the best weights of a network of rates in a checkpoint."""
    weights = torch.load(checkpoint, weights_only=True)["best"]
    inside = {k.split("closure.")[-1]: v for k, v in weights.items() if "closure." in k}
    return inside


def main() -> None:
    """Train, keep the weights, export."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="netCDF of isthmus-rain")
    parser.add_argument("network", type=Path, help="file to write, .pt or .pt2")
    parser.add_argument("--bins", type=Path, nargs="+", help="of isthmus-rain-bins")
    parser.add_argument("--form", default="correction", help="correction or free")
    parser.add_argument("--stages", type=int, default=len(EPOCHS), help="1: one step only")
    parser.add_argument("--factor", type=float, default=1.0, help="times the epochs")
    parser.add_argument("--start", type=Path, help="checkpoint of a training to go on from")
    parser.add_argument("--batch", type=int, default=512, help="windows in a batch")
    parser.add_argument(
        "--growth", type=float, default=1.0, help="of errors expected in a step"
    )
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
        train, valid = (without_noise(v, given.bins) for v in (train, valid))
    epochs = tuple(max(1, round(given.factor * n)) for n in EPOCHS[: given.stages])
    lengths, rates = ROLLOUT_LENGTHS[: given.stages], RATES[: given.stages]
    if given.lengths is not None:
        epochs = tuple(max(1, round(given.factor * n)) for n in given.epochs)
        lengths, rates = tuple(given.lengths), tuple(given.rates)
    torch.manual_seed(given.seed)
    start = RainNet(given.form, width=given.width, depth=2)
    if given.start is not None:
        start.load_state_dict(saved_weights(given.start))
    closure, history = train_rain(
        torch.from_numpy(train.states),
        torch.from_numpy(valid.states),
        dt=data.dt,
        start=start,
        curriculum=Curriculum(lengths, epochs, rates),
        loss=RolloutLoss(growth=given.growth),
        settings=FitSettings(
            batch_size=given.batch,
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
