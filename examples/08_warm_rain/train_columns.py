# SPDX-License-Identifier: MIT
"""Export what was tuned in columns as a network; with epochs, train it through columns."""

import argparse
from pathlib import Path

import torch
from shafts import open_driven
from torch import Tensor

from isthmus.couple.rain import export_rain
from isthmus.learn import Curriculum, FitSettings
from isthmus.learn.rain_column import RainShafts, train_columns
from isthmus.nets.rain import RainNet
from isthmus.nets.rain_column import column_cells


def wet_cells(shafts: RainShafts) -> Tensor:
    """Return the cells [cell, 7] of columns that hold water, every 20 steps."""
    cells = column_cells(shafts.states[::20])
    water = (cells[..., 0] + cells[..., 2]).unsqueeze(-1)
    fixed = shafts.states[::20, :, None, -4:-2].expand(*cells.shape[:-1], 2)
    example = torch.cat([cells, water, fixed], dim=-1).flatten(0, -2)
    return example[example[:, 4] > 1e-6]


def main() -> None:
    """Train through columns, then export."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("train", type=Path, help="namelist of isthmus-rain-shaft")
    parser.add_argument("valid", type=Path, help="namelist of other columns")
    parser.add_argument("network", type=Path, help="file to write, .pt or .pt2")
    parser.add_argument("--length", type=int, default=90, help="steps of a rollout")
    parser.add_argument("--epochs", type=int, default=0, help="0: as it was tuned")
    parser.add_argument("--batch", type=int, default=32, help="columns in a batch")
    given = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    train, valid = open_driven(given.train), open_driven(given.valid)
    net = RainNet("column", width=32, depth=2)
    if given.epochs > 0:
        history = train_columns(
            train,
            valid,
            net,
            curriculum=Curriculum((given.length,), (given.epochs,)),
            settings=FitSettings(
                batch_size=given.batch,
                schedule="cosine",
                learning_rate=1e-3,
                evaluate_every=5,
                checkpoint=given.network.with_suffix(".checkpoint"),
            ),
            every=given.length,
        )
        print(f"validation {history.best:.3e}, {history.seconds:.0f} s of processor time")
    wet = wet_cells(train)
    print(export_rain(net, given.network, wet[:: len(wet) // 2000 + 1], dt=20.0).summary())


if __name__ == "__main__":
    main()
