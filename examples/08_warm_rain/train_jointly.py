# SPDX-License-Identifier: MIT
"""Train a network of rain rates through columns and boxes at once, and export it."""

import argparse
from pathlib import Path

import torch
from shafts import open_driven
from train import saved_weights, split
from train_columns import wet_cells

from isthmus.couple.rain import export_rain
from isthmus.data.rain import open_rain
from isthmus.learn import Curriculum, FitSettings
from isthmus.learn.rain_joint import (
    BOX_WEIGHT,
    EPOCHS,
    LENGTHS,
    RATES,
    beyond_boxes,
    imitate,
    train_jointly,
)
from isthmus.nets.rain import RainNet


def main() -> None:
    """Train, keep the weights, export."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("train", type=Path, help="namelist of isthmus-rain-shaft")
    parser.add_argument("valid", type=Path, help="namelist of other columns")
    parser.add_argument("boxes", type=Path, help="netCDF of isthmus-rain")
    parser.add_argument("network", type=Path, help="file to write, .pt or .pt2")
    parser.add_argument("--teacher", type=Path, help="checkpoint of `train.py`, for boxes")
    parser.add_argument("--start", type=Path, help="checkpoint to go on from")
    parser.add_argument("--lengths", type=int, nargs="+", default=LENGTHS)
    parser.add_argument("--epochs", type=int, nargs="+", default=EPOCHS)
    parser.add_argument("--rates", type=float, nargs="+", default=RATES, help="of stages")
    parser.add_argument("--rate", type=float, default=1e-3, help="they are multiplied by")
    parser.add_argument("--optimizer", default="adam", help="soap")
    parser.add_argument("--batch", type=int, default=16, help="columns in a batch")
    parser.add_argument("--weight", type=float, default=BOX_WEIGHT, help="of boxes")
    parser.add_argument("--detach", type=int, help="cut gradients every so often")
    parser.add_argument("--compiled", action="store_true", help="a step by inductor")
    parser.add_argument("--width", type=int, default=32)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(given.seed)
    shafts = open_driven(given.train), open_driven(given.valid)
    train, valid, _ = split(open_rain(given.boxes))
    net = RainNet("column", width=given.width, depth=2)
    columns, boxes = wet_cells(shafts[0]), torch.from_numpy(train.states).flatten(0, 1)
    if given.start is not None:
        net.load_state_dict(saved_weights(given.start))
    elif given.teacher is not None:
        teacher = RainNet("correction", width=given.width, depth=2)
        teacher.load_state_dict(saved_weights(given.teacher))
        taught = boxes[::3]
        other = beyond_boxes(taught, columns)
        print(f"{len(other)} of {len(columns)} cells of columns are like no box")
        error = imitate(net, teacher.double(), taught, other)
        print(f"imitates to {error:.3f} in logarithms", flush=True)
    history = train_jointly(
        shafts,
        (torch.from_numpy(train.states), torch.from_numpy(valid.states)),
        net,
        curriculum=Curriculum(
            tuple(given.lengths), tuple(given.epochs), tuple(given.rates)
        ),
        settings=FitSettings(
            batch_size=given.batch,
            schedule="cosine",
            optimizer=given.optimizer,
            learning_rate=given.rate,
            evaluate_every=10,
            seed=given.seed,
            checkpoint=given.network.with_suffix(".checkpoint"),
            metrics=given.network.with_suffix(".jsonl"),
        ),
        weight=given.weight,
        detach_every=given.detach,
        compiled=given.compiled,
    )
    print(f"validation {history.best:.3e}, {history.seconds:.0f} s of processor time")
    wet = torch.cat([columns, boxes[::60]])
    print(export_rain(net, given.network, wet[:: len(wet) // 2000 + 1], dt=20.0).summary())


if __name__ == "__main__":
    main()
