# SPDX-License-Identifier: MIT
"""Compiled models for one extent: taken where it is bound, equal to the general one."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from isthmus.bridge import Model
from isthmus.contract import Variant, read_contract, write_contract
from isthmus.errors import ContractError, ExportError
from isthmus.export import export_network, inductor
from isthmus.export.derivatives import Linearisation

ROUNDING_F32 = 3e-5  # the parity tolerance: 256 units in the last place
SYMBOL = "column"


class _Plus(nn.Module):
    """A network that shows by its result that it was taken."""

    def __init__(self, term: float) -> None:
        super().__init__()
        self.term = term

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.term


def mlp() -> nn.Module:
    torch.manual_seed(4)
    return nn.Sequential(nn.Linear(10, 32), nn.SiLU(), nn.Linear(32, 10)).eval()


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("variants") / "mlp.pt2"
    report = export_network(
        mlp(),
        path,
        inputs={"x": torch.randn(4, 10)},
        outputs=["y"],
        dynamic={SYMBOL: 0},
        separable=SYMBOL,
        specialize=[1],
        derivatives=False,
    )
    assert {SYMBOL: 1} in report.parity.extents
    return path


@pytest.fixture(scope="module")
def telling(tmp_path_factory, file):
    """Return a file whose variant for 3 samples adds 30 where the general model adds 1."""
    path = tmp_path_factory.mktemp("telling") / "telling.pt2"
    variables = tuple([read_contract(file).variables["x"]])
    with inductor.compile_cache():
        files = inductor.compile_methods(
            Linearisation(_Plus(1.0), 1, (0,), (0,)),
            {"forward": (torch.randn(7, 10),)},
            {"forward": variables},
            isa="native",
            threads=1,
            started=lambda _method: None,
        )
        files["forward_batch_3"] = inductor.compile_variant(
            Linearisation(_Plus(30.0), 1, (0,), (0,)),
            (torch.randn(3, 10),),
            variables,
            symbol=SYMBOL,
            isa="native",
            threads=1,
        )
        isa = inductor.write_package(path, files)
    variants = {"forward": (Variant("forward_batch_3", 3),)}
    changed = {"self_test": None, "isa": isa, "variants": variants, "payload_sha256": {}}
    write_contract(path, replace(read_contract(file), **changed))
    return path


def test_the_variant_is_taken_for_its_extent_and_no_other(telling):
    model = Model(telling)
    for n in (1, 2, 3, 4, 6, 3):
        x = np.zeros((n, 10), np.float32)
        assert np.all(model(x=x)["y"] == (30.0 if n == 3 else 1.0)), f"{n} samples"


def test_chunks_take_the_variant_for_their_own_extent(telling):
    model, x = Model(telling), np.zeros((6, 10), np.float32)
    model.set_chunk(3)
    assert np.all(model(x=x)["y"] == 30.0)


def test_the_contract_lists_the_variant(file):
    assert read_contract(file).variants == {"forward": (Variant("forward_batch_1", 1),)}


def test_variant_and_general_model_agree(file):
    model = Model(file)
    x = np.random.default_rng(2).normal(size=(5, 10)).astype(np.float32)
    together = model(x=x)["y"]
    alone = np.concatenate([model(x=x[i : i + 1])["y"] for i in range(5)])
    assert np.abs(alone - together).max() < ROUNDING_F32 * np.abs(together).max()
    expected = mlp()(torch.from_numpy(x)).detach().numpy()
    assert np.abs(alone - expected).max() < ROUNDING_F32 * np.abs(expected).max()


def test_a_variant_that_is_not_in_the_package_is_refused(tmp_path, file):
    path = tmp_path / "lacking.pt2"
    path.write_bytes(file.read_bytes())
    lacking = {"forward": (Variant("forward_batch_2", 2),)}
    write_contract(path, replace(read_contract(file), variants=lacking))
    with pytest.raises(ContractError, match="no compiled model 'forward_batch_2'"):
        Model(path)


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"separable": None}, "give that, and a path in .pt2"),
        ({"path": "n.pt"}, "give that, and a path in .pt2"),
        ({"specialize": [1, 1]}, "expected different extents"),
        ({"specialize": [0]}, "expected different extents"),
    ],
)
def test_variants_of_nothing_are_refused(tmp_path, changed, text):
    said = {"separable": SYMBOL, "specialize": [1], "path": "n.pt2"} | changed
    path = tmp_path / said.pop("path")
    x = {"x": torch.randn(4, 10)}
    with pytest.raises(ExportError, match=text):
        export_network(mlp(), path, inputs=x, dynamic={SYMBOL: 0}, **said)
