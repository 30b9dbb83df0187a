# SPDX-License-Identifier: MIT
"""A package compiled again from the program in it; errors where that cannot be."""

from pathlib import Path

import pytest
import torch
from torch import nn
from typer.testing import CliRunner

from isthmus.bridge import Model
from isthmus.cli import app
from isthmus.contract import verify_file
from isthmus.errors import ExportError
from isthmus.export import compile_file, export_network

ROUNDING = 1e-13  # a few sums in float64
X = torch.linspace(-1.0, 1.0, 12, dtype=torch.float64).reshape(4, 3)


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(1)
    path = tmp_path_factory.mktemp("portable") / "net.pt2"
    export_network(
        nn.Sequential(nn.Linear(3, 3), nn.Tanh()).double().eval(),
        path,
        inputs={"x": X},
        outputs=["y"],
        dynamic={"n": 0},
        derivatives=False,
        portable_program=True,
        progress=False,
    )
    return path


def test_a_portable_export_is_compiled_again_for_this_cpu(package, tmp_path):
    target = tmp_path / "again.pt2"
    done = CliRunner().invoke(app, ["compile", str(package), "--output", str(target)])
    assert done.exit_code == 0, done.exception
    assert "self-test passed" in done.stdout
    old, new = verify_file(package).contract, verify_file(target).contract
    assert new.methods == old.methods
    assert new.variables == old.variables
    assert new.provenance["compiled_for"] == "cpu"
    expected, found = Model(package)(x=X.numpy())["y"], Model(target)(x=X.numpy())["y"]
    assert abs(expected - found).max() < ROUNDING


@pytest.mark.skipif(torch.cuda.is_available(), reason="the error is of machines without")
def test_an_absent_device_is_named_before_anything_is_read(tmp_path):
    with pytest.raises(ExportError, match="'cuda' is not on this machine"):
        compile_file(tmp_path / "absent.pt2", tmp_path / "new.pt2", device="cuda")


def test_a_file_without_programs_says_how_to_get_them(tmp_path):
    path = tmp_path / "net.pt"
    net = nn.Linear(3, 3).double().eval()
    export_network(net, path, inputs={"x": X}, outputs=["y"], derivatives=False)
    with pytest.raises(ExportError, match="portable_program=True"):
        compile_file(path, tmp_path / "new.pt2")
    assert not (tmp_path / "new.pt2").exists()


def test_a_torchscript_file_needs_no_program(tmp_path):
    with pytest.raises(ExportError, match="runs anywhere as it is"):
        export_network(
            nn.Linear(3, 3).double().eval(),
            tmp_path / "net.pt",
            inputs={"x": X},
            outputs=["y"],
            portable_program=True,
        )
