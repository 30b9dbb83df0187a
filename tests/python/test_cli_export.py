# SPDX-License-Identifier: MIT
"""`isthmus export`: modules by name, weights, settings, and errors that say what to do."""

from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner, Result

from isthmus.bridge import Model
from isthmus.cli import app
from isthmus.contract import read_contract
from isthmus.errors import ExportError
from isthmus.export.input_texts import parse_inputs
from isthmus.export.user_modules import load_module, load_weights, parse_setting

ROUNDING = 1e-6  # a few sums in float32

NETS = """
import torch

class Net(torch.nn.Module):
    def __init__(self, width: int = 4, gain: float = 1.0) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(10, width)
        self.dropout = torch.nn.Dropout(0.5)
        self.gain = gain

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.gain * self.dropout(self.layer(x))

def make(width: int) -> torch.nn.Module:
    return Net(width)

instance = Net().train()
number = 3
"""


@pytest.fixture
def nets(tmp_path: Path) -> Path:
    path = tmp_path / "user_nets.py"
    path.write_text(NETS)
    return path


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["export", *(str(argument) for argument in arguments)])


def test_a_class_with_settings_and_weights_becomes_a_file(nets, tmp_path):
    net = load_module(f"{nets}:Net", {"width": 3, "gain": 2.0}).eval()
    torch.save({"state_dict": net.state_dict()}, tmp_path / "weights.pt")
    path = tmp_path / "net.pt"
    result = run(
        f"{nets}:Net",
        *("--input", "x:f32[batch, 10]", "--output", "y", "--file", path),
        *("--set", "width=3", "--set", "gain=2.0", "--weights", tmp_path / "weights.pt"),
        *("--separable", "batch", "--units", "x=K", "--units", "y=K s-1"),
        *("--range", "x=-2,2", "--dt", "600", "--version", "7"),
    )
    assert result.exit_code == 0, result.exception
    contract = read_contract(path)
    assert contract.variables["x"].shape == ("batch", 10)
    assert contract.variables["x"].training_range == (-2.0, 2.0)
    assert contract.variables["y"].units == "K s-1"
    assert (contract.dt, contract.version, contract.separable) == (600.0, "7", "batch")
    x = torch.randn(5, 10)
    found = Model(path)(x=x.numpy())["y"]
    assert abs(torch.from_numpy(found) - net(x)).max() < ROUNDING


def test_a_function_gives_a_module_and_an_instance_stays_as_it_is(nets, tmp_path):
    made = load_module(f"{nets}:make", {"width": 2})
    assert made.layer.out_features == 2
    path = tmp_path / "instance.pt"
    x, y = ("--input", "x:f32[batch,10]"), ("--output", "y")
    result = run(f"{nets}:instance", *x, *y, "--file", path, "--no-derivatives")
    assert result.exit_code == 0, result.exception
    assert "the weights that the module was made with" in result.stderr
    assert set(read_contract(path).methods) == {"forward"}


def test_the_user_module_is_left_unchanged(nets):
    module = load_module(f"{nets}:instance")
    assert module.training
    assert all(p.requires_grad for p in module.parameters())


@pytest.mark.parametrize(
    ("name", "settings", "said"),
    [
        ("nowhere.py:Net", {}, "is no file"),
        ("isthmus_nowhere:Net", {}, "cannot be imported"),
        ("no_colon", {}, "is no name of a network"),
        ("{nets}:Missing", {}, "it has Net, instance"),
        ("{nets}:number", {}, "is a int"),
        ("{nets}:instance", {"width": 1}, "takes no --set"),
        ("{nets}:Net", {"depth": 1}, "It takes \\(width: int = 4"),
    ],
)
def test_names_that_give_no_module_are_refused(nets, name, settings, said):
    with pytest.raises(ExportError, match=said):
        load_module(name.format(nets=nets), settings)


def test_weights_of_another_network_are_named(nets, tmp_path):
    torch.save({"layer.weight": torch.zeros(4, 10), "b": torch.ones(1)}, tmp_path / "w.pt")
    with pytest.raises(ExportError, match=r"layer\.bias"):
        load_weights(load_module(f"{nets}:Net"), tmp_path / "w.pt")


def test_a_pickled_module_is_not_executed(nets, tmp_path):
    torch.save(torch.nn.Linear(1, 1), tmp_path / "w.pt")
    with pytest.raises(ExportError, match="cannot be read as weights"):
        load_weights(load_module(f"{nets}:Net"), tmp_path / "w.pt")


def test_prefixes_of_compiled_and_parallel_modules_are_taken_off(nets, tmp_path):
    net, other = load_module(f"{nets}:Net"), load_module(f"{nets}:Net")
    state = {f"_orig_mod.module.{k}": v for k, v in net.state_dict().items()}
    torch.save(state, tmp_path / "w.pt")
    load_weights(other, tmp_path / "w.pt")
    assert torch.equal(other.layer.weight, net.layer.weight)


def test_settings_are_literals_or_texts():
    assert parse_setting("width=64") == ("width", 64)
    assert parse_setting("layers=[1, 2]") == ("layers", [1, 2])
    assert parse_setting("activation=silu") == ("activation", "silu")
    with pytest.raises(ExportError, match="is no setting"):
        parse_setting("64")


def test_inputs_are_read_from_texts():
    examples, dynamic = parse_inputs(["x:f32[batch,10]", "n:i64", "m:bool[batch]"])
    assert examples["x"].shape[1] == 10
    assert examples["n"].dtype == torch.int64
    assert examples["n"].shape == ()
    assert dynamic == {"batch": {"x": 0, "m": 0}}
    for text, said in (
        ("x", "write x:f32"),
        ("x:f31[2]", "has the dtype 'f31'"),
    ):
        with pytest.raises(ExportError, match=said):
            parse_inputs([text])


def test_both_engines_give_two_names():
    from isthmus.cli.export_module import EngineChoice, _targets

    assert _targets(None, EngineChoice.BOTH, "Net") == [Path("Net.pt"), Path("Net.pt2")]
    assert _targets(Path("a/n.pt2"), None, "Net") == [Path("a/n.pt2")]
    assert _targets(Path("n"), None, "Net") == [Path("n.pt")]
    with pytest.raises(ExportError, match="no file of the engine"):
        _targets(Path("n.pt"), EngineChoice.INDUCTOR, "Net")
