# SPDX-License-Identifier: MIT
"""`isthmus tune` of a network in both containers: the faster file is loaded, if alike."""

import json
import shutil

import numpy as np
import pytest
import torch
from torch import nn
from typer.testing import CliRunner

from isthmus.bridge import Model
from isthmus.cli import app
from isthmus.errors import ContractError
from isthmus.export import export_network
from isthmus.export.tuning_pair import is_pair, tune_pair

EXTENTS = (1, 64)
ROUNDING_F32 = 3e-5  # the parity tolerance


def exported(path, seed=6):
    torch.manual_seed(seed)
    layers = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 3)).eval()
    export_network(
        layers,
        path,
        inputs={"x": torch.randn(4, 4)},
        outputs=["y"],
        dynamic={"n": 0},
        separable="n",
        derivatives=False,
    )
    return path


@pytest.fixture(scope="module")
def stem(tmp_path_factory):
    stem = tmp_path_factory.mktemp("pair") / "net.v2"  # a dot in its name is no suffix
    exported(stem.with_name("net.v2.pt"))
    exported(stem.with_name("net.v2.pt2"))
    return stem


def test_the_file_with_the_least_times_is_loaded(stem):
    done = CliRunner().invoke(app, ["tune", str(stem), "--batch", "1", "--batch", "64"])
    assert done.exit_code == 0, done.output
    assert "us per call, each file tuned" in done.stdout
    stored = json.loads(stem.with_name("net.v2.tune.json").read_text())
    times = {m["extent"]: m["us"] for m in stored["measurements"]}
    assert tuple(times) == EXTENTS
    product = {s: np.prod([t[s] for t in times.values()]) for s in (".pt", ".pt2")}
    assert stored["choice"] == {"file": min(product, key=product.__getitem__)}
    model = Model(stem)
    assert "net.v2.tune.json is applied" in model.tuning
    engines = {".pt": "torchscript", ".pt2": "inductor"}
    assert model.engine == engines[stored["choice"]["file"]]
    x = np.random.default_rng(1).normal(size=(5, 4)).astype(np.float32)
    y = Model(stem.with_name("net.v2.pt"))(x=x)["y"]
    assert np.abs(model(x=x)["y"] - y).max() < ROUNDING_F32 * np.abs(y).max()


def test_two_networks_are_no_pair(stem, tmp_path):
    shutil.copy(stem.with_name("net.v2.pt2"), tmp_path / "net.pt2")
    assert not is_pair(tmp_path / "net")
    exported(tmp_path / "net.pt", seed=7)
    assert is_pair(tmp_path / "net")
    with pytest.raises(ContractError, match=r"differ by .* in 'y'"):
        tune_pair(tmp_path / "net", EXTENTS)
    assert not list(tmp_path.glob("*.tune.json"))
