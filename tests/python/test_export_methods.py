# SPDX-License-Identifier: MIT
"""Methods of a module's own: exported, compared, and run by name through the bridge."""

import numpy as np
import pytest
import torch
from torch import nn
from typer.testing import CliRunner

from isthmus.bridge import Model
from isthmus.cli import app
from isthmus.contract import Normalization
from isthmus.errors import BindingError, ExportError
from isthmus.export import MethodSpec, export_network

ROUNDING_F64 = 1e-13  # some dozen operations in float64

SOURCE = """
import torch
from torch import Tensor, nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(2)
        self.layer = nn.Linear(3, 3, dtype=torch.float64)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        b = torch.tanh(self.layer(x))
        return {"b": b, "again": b}

    def step(self, x: Tensor, dt: Tensor) -> tuple[Tensor, Tensor]:
        b = self.forward(x)["b"]
        return x + dt * b, (b * b).sum(dim=1)
"""


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    path = tmp_path_factory.mktemp("source") / "stepping_net.py"
    path.write_text(SOURCE)
    return path


@pytest.fixture(scope="module")
def net(source) -> nn.Module:
    from isthmus.export.user_modules import load_module

    return load_module(f"{source}:Net").eval()


@pytest.fixture(scope="module", params=[".pt", ".pt2"])
def file(tmp_path_factory, request, net):
    path = tmp_path_factory.mktemp("methods") / f"stepping{request.param}"
    x = torch.randn(4, 3, dtype=torch.float64)
    dt = torch.full((4, 1), 0.1, dtype=torch.float64)
    report = export_network(
        net,
        path,
        inputs={"x": x},
        dynamic={"member": 0},
        separable="member",
        methods={"step": MethodSpec({"x": None, "dt": dt}, ["x_next", "energy"])},
    )
    compared = {d.variable for d in report.parity.differences if d.method == "step"}
    assert compared == {"x_next", "energy"}
    return path


def test_a_method_is_run_by_its_name(file, net):
    x, dt = np.random.default_rng(1).normal(size=(7, 3)), np.full((7, 1), 0.2)
    x_next, energy = np.zeros((7, 3)), np.zeros(7)
    model = Model(file)
    assert model.names("step") == (("x", "dt"), ("x_next", "energy"))
    model.bind_input("x", x)
    model.bind_input("dt", dt)
    model.bind_output("x_next", x_next)
    model.bind_output("energy", energy)
    model.run("step")
    expected = [t.detach().numpy() for t in net.step(torch.tensor(x), torch.tensor(dt))]
    assert x_next == pytest.approx(expected[0], rel=ROUNDING_F64)
    assert energy == pytest.approx(expected[1], rel=ROUNDING_F64)
    assert model.evaluate("step", {"x": x, "dt": dt})["energy"] == pytest.approx(energy)


def test_forward_and_its_derivatives_are_beside_it(file):
    model, x = Model(file), np.ones((2, 3))
    step = model.evaluate("step", {"x": x, "dt": np.ones((2, 1))})
    assert step["x_next"] - x == pytest.approx(model(x=x)["b"], rel=ROUNDING_F64)
    assert model.jvp(x=x, x_tl=x)["b"] == pytest.approx(model(x=x)["b"])
    # One tensor under two names, which a package hands out as one handle, twice.
    tangent = model.jvp(x=x, x_tl=x)
    assert tangent["again_tl"] == pytest.approx(tangent["b_tl"], rel=ROUNDING_F64)
    with pytest.raises(BindingError, match="no method 'leap'"):
        model.evaluate("leap", {"x": x})


def test_methods_see_what_the_bridge_normalizes(tmp_path, net):
    path = tmp_path / "physical.pt"
    scaling = Normalization(10.0, 2.0, applied_by="bridge")
    export_network(
        net,
        path,
        inputs={"x": 10 + torch.randn(4, 3, dtype=torch.float64)},
        dynamic={"member": 0},
        normalization={"x": scaling},
        methods={
            "step": MethodSpec({"x": None, "dt": torch.ones(4, 1, dtype=torch.float64)})
        },
    )
    x = 10 + np.random.default_rng(3).normal(size=(5, 3))
    found = Model(path).evaluate("step", {"x": x, "dt": np.ones((5, 1))})
    z = torch.tensor((x - 10) / 2)
    expected = net.step(z, torch.ones(5, 1, dtype=torch.float64))[1]
    assert found["step_1"] == pytest.approx(expected.detach().numpy(), rel=1e-12)


def test_command_line_exports_a_method(tmp_path, source):
    path = tmp_path / "net.pt"
    done = CliRunner().invoke(
        app,
        [
            *("export", f"{source}:Net", "--input", "x:f64[member,3]"),
            *("--method", "step=x_next,energy", "--method-input", "dt:f64[member,1]"),
            *("--separable", "member", "--file", str(path)),
        ],
    )
    assert done.exit_code == 0, done.output
    assert Model(path).names("step") == (("x", "dt"), ("x_next", "energy"))
    assert "step" in CliRunner().invoke(app, ["inspect", str(path)]).stdout


@pytest.mark.parametrize(
    ("methods", "text"),
    [
        (["leap"], "has no method 'leap'"),
        (["step"], "takes 'dt', which is neither input nor output of forward"),
        (["jvp"], "is written anyway"),
        ({"step": MethodSpec(["x"])}, "'step' fails for its inputs"),
        ({"step": MethodSpec(["x", "b"], ["b", "e"])}, "'b' names two variables"),
    ],
)
def test_methods_that_do_not_fit_are_refused(tmp_path, net, methods, text):
    with pytest.raises(ExportError, match=text):
        export_network(
            net,
            tmp_path / "unfit.pt",
            inputs={"x": torch.randn(4, 3, dtype=torch.float64)},
            dynamic={"member": 0},
            methods=methods,
        )
    assert list(tmp_path.iterdir()) == []
