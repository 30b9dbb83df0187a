# SPDX-License-Identifier: MIT
"""`isthmus tune`: what is chosen, that a load applies it, and where it does not."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from typer.testing import CliRunner

from isthmus.bridge import Model, ffi, lib, set_allocator
from isthmus.cli import app
from isthmus.contract import read_contract, write_contract
from isthmus.export import export_network, tuning

ROUNDING_F32 = 3e-5  # the parity tolerance
LARGE = 1 << 14  # samples whose tensors the caching allocator keeps


class _Centred(nn.Module):
    """Not separable, whatever its contract says: the result tells which samples it saw."""

    def forward(self, x: Tensor) -> Tensor:
        return x - x.mean(dim=0)


@pytest.fixture(autouse=True)
def allocator_as_before():
    yield
    set_allocator("default")


@pytest.fixture
def chain(tmp_path):
    path = tmp_path / "chain.pt"
    torch.manual_seed(6)
    layers = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 3)).eval()
    return exported(layers, path)


@pytest.fixture
def telling(tmp_path):
    path = exported(_Centred(), tmp_path / "telling.pt", separable=None)
    contract = replace(read_contract(path), separable="n", self_test=None)
    write_contract(path, contract)
    return path


def exported(module, path, separable="n"):
    export_network(
        module.eval(),
        path,
        inputs={"x": torch.randn(4, 4)},
        outputs=["y"],
        dynamic={"n": 0},
        separable=separable,
    )
    return path


def choose(path, loops=0, chunk=0, allocator="default"):
    way = tuning.Way(allocator, chunk)
    return tuning.Tuning(path, (), loops, "", way).write()


def means_of(path, n: int, model: Model | None = None) -> np.ndarray:
    x = np.arange(4.0 * n, dtype=np.float32).reshape(n, 4)
    return x - (model or Model(path))(x=x)["y"]


def test_a_tuned_file_gives_the_same_numbers_and_says_so(chain):
    x = np.random.default_rng(1).normal(size=(64, 4)).astype(np.float32)
    before = Model(chain)(x=x)["y"]
    done = CliRunner().invoke(app, ["tune", str(chain), "--batch", "1", "--batch", "64"])
    assert done.exit_code == 0, done.output
    assert "us per call" in done.stdout
    model = Model(chain)
    assert "is applied" in model.tuning
    assert np.abs(model(x=x)["y"] - before).max() < ROUNDING_F32 * np.abs(before).max()
    stored = json.loads(chain.with_name("chain.pt.tune.json").read_text())
    assert stored["choice"].keys() == {"loops", "chunk", "allocator"}
    assert [m["extent"] for m in stored["measurements"]] == [1, 64]
    assert all(t > 0 for m in stored["measurements"] for t in m["ways"].values())


def test_threads_are_measured_on_demand(chain):
    found = tuning.tune_file(chain, [8], threads=(1, 2))
    assert found.measurements[0].threads.keys() == {"1", "2"}


def test_a_load_takes_the_chunk_for_forward_alone(telling):
    assert np.ptp(means_of(telling, 6), axis=0).max() == 0.0, "one mean of all samples"
    choose(telling, chunk=2)
    model = Model(telling)
    assert "chunks of 2" in model.tuning
    assert len(np.unique(means_of(telling, 6, model)[:, 0])) == 3, "one mean for each pair"
    x = np.arange(24.0, dtype=np.float32).reshape(6, 4)
    x_tl = model.jvp(x=x, x_tl=x)["y_tl"]
    assert np.array_equal(x - x_tl, np.broadcast_to(x.mean(axis=0), x.shape))


def test_what_the_host_sets_stands_above_the_choice(telling):
    choose(telling, chunk=2)
    model = Model(telling)
    model.set_chunk(0)
    assert np.ptp(means_of(telling, 6, model), axis=0).max() == 0.0


def test_the_caching_allocator_is_taken_if_chosen(chain):
    lib.isthmus_trim_allocator()
    kept = ffi.new("int64_t *")
    x = np.zeros((LARGE, 4), np.float32)
    Model(chain)(x=x)
    lib.isthmus_allocator_cached_bytes(kept)
    assert kept[0] == 0
    choose(chain, allocator="caching")
    model = Model(chain)
    assert "the caching allocator" in model.tuning
    model(x=x)
    lib.isthmus_allocator_cached_bytes(kept)
    assert kept[0] > 0
    lib.isthmus_trim_allocator()


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"model_sha256": "0" * 64}, "for other contents"),
        ({"cpu": "another"}, "it was made on another"),
        ({"torch": "1.0.0"}, "with torch 1.0.0"),
        ({"choice": {"loops": 0, "chunk": -1}}, "a number below 0"),
        ({"choice": {}}, "is ignored"),
    ],
)
def test_a_choice_of_elsewhere_is_ignored_with_a_note(telling, changed, text):
    path = choose(telling, chunk=2)
    path.write_text(json.dumps(json.loads(path.read_text()) | changed))
    model = Model(telling)
    assert "is ignored" in model.tuning
    assert text in model.tuning
    assert np.ptp(means_of(telling, 6, model), axis=0).max() == 0.0


def test_an_export_over_the_file_outdates_the_choice(chain):
    choose(chain, loops=64)
    assert "is applied" in Model(chain).tuning
    exported(nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 3)).eval(), chain)
    assert "for other contents" in Model(chain).tuning


def test_the_default_stays_unless_another_way_gains():
    plain, cached, cut = tuning.Way(), tuning.Way("caching"), tuning.Way("caching", 256)
    small = {plain: 10.0, cached: 10.1}
    assert tuning._best_way([small, {plain: 100.0, cached: 98.0, cut: 97.0}]) == plain
    assert tuning._best_way([small, {plain: 100.0, cached: 60.0, cut: 59.0}]) == cached
    assert tuning._best_way([small, {plain: 100.0, cached: 60.0, cut: 40.0}]) == cut
    assert tuning._best_way([small, {plain: 100.0, cached: 99.0, cut: 120.0}]) == plain
