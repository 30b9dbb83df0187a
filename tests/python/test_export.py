# SPDX-License-Identifier: MIT
"""Export to TorchScript, the refusals both engines share, and the promise of atomicity."""

import os
import resource
import warnings

import pytest
import torch
from torch import Tensor, nn

from isthmus.contract import read_contract, verify_file
from isthmus.errors import ExportError
from isthmus.export import VariableSpec, export_network, exporter, run_self_test
from isthmus.export.derivatives import Linearisation
from isthmus.export.exporter import ExportReport
from isthmus.nets import BilinearNet, ConvNet

ROUNDING_F64 = 1e-13  # some hundred operations in float64
ROUNDING_F32 = 1e-5


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(1)
    yield
    torch.set_num_threads(before)


class _Mixer(nn.Module):
    """Two inputs of different kinds to two outputs of different shapes."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(4, 3))

    def forward(self, u: Tensor, level: Tensor, w: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        mixed = torch.tanh(u @ self.weight) * level.to(u.dtype) + w
        return mixed, (mixed * mixed).sum(dim=1), (mixed > 0).to(torch.int32)


class _ValueBranch(nn.Module):
    """Branches on values; scripting reads this, tracing cannot."""

    def forward(self, x: Tensor) -> Tensor:
        if bool(x.sum() > 0):
            return 2 * x
        return -x


class _Untraceable(nn.Module):
    """Branches on values in Python that TorchScript cannot read either."""

    def forward(self, *x: Tensor) -> Tensor:
        return x[0] * {True: 2.0, False: -1.0}[float(x[0].sum()) > 0]


class _Unscriptable(nn.Module):
    """Plain arithmetic behind a signature that TorchScript cannot read."""

    def forward(self, *x: Tensor) -> Tensor:
        return torch.stack([t.sin() for t in x]).sum(dim=0)


class _Calling(nn.Module):
    """A module from a function, for the refusals."""

    def __init__(self, function) -> None:
        super().__init__()
        self.function = function

    def forward(self, *x: Tensor) -> Tensor:
        return self.function(*x)


def export(module, path, x=None, **changed: object) -> ExportReport:
    example = torch.randn(4, 3, dtype=torch.float64) if x is None else x
    settings = {"inputs": {"x": example}, "outputs": ["y"], "dynamic": {"member": 0}}
    return export_network(module.eval(), path, **(settings | changed))


def relative_errors(report: ExportReport) -> dict[tuple[str, str], float]:
    return {(d.method, d.variable): d.relative for d in report.parity.differences}


# What comes out


def test_ring_network_is_exported_with_derivatives_and_contract(tmp_path):
    path = tmp_path / "closure.pt"
    network = ConvNet("silu").double()
    report = export(
        network,
        path,
        torch.randn(4, 36, dtype=torch.float64),
        separable="member",
        dt=0.01,
        dims={"x": ("member", "k"), "y": ("member", "k")},
        units={"x": "1", "y": "1"},
        long_names={"x": "resolved state"},
        training_range={"x": (-12, 17)},
        normalization={"x": (2.5, 3.5)},
        provenance={"command": "test", "seed": 7},
        description="a test",
    )
    contract = verify_file(path).contract
    assert contract == report.contract == read_contract(path)
    assert contract.engine == "torchscript"
    assert contract.isa is None
    assert contract.name == "closure"
    assert contract.variables["x"].shape == ("member", 36)
    assert contract.variables["y"].shape == ("member", 36)
    assert contract.variables["x"].training_range == (-12.0, 17.0)
    assert contract.variables["x"].long_name == "resolved state"
    assert contract.methods["jvp"].inputs == ("x", "x_tl")
    assert contract.methods["jvp"].outputs == ("y", "y_tl")
    assert contract.methods["vjp"].inputs == ("x", "y_ad")
    assert contract.methods["vjp"].outputs == ("x_ad",)
    assert contract.provenance["seed"] == 7
    assert contract.provenance["torch"] == torch.__version__
    assert contract.provenance["created"].endswith("Z")
    errors = relative_errors(report)
    assert set(errors) == {("forward", "y"), ("jvp", "y"), ("jvp", "y_tl"), ("vjp", "x_ad")}
    assert max(errors.values()) < ROUNDING_F64
    assert report.parity.dot_product < ROUNDING_F64
    assert {"member": 1} in report.parity.extents
    assert run_self_test(path) < ROUNDING_F64
    assert "adjoint identity" in report.summary()
    assert list(tmp_path.iterdir()) == [path]


def test_several_inputs_and_outputs_of_several_kinds(tmp_path):
    report = export_network(
        _Mixer().eval(),
        tmp_path / "mixer.pt",
        inputs={
            "u": torch.randn(5, 4),
            "level": VariableSpec(torch.tensor([[2], [5]], dtype=torch.int64), units="1"),
            "w": torch.randn(()),
        },
        outputs={
            "mixed": VariableSpec(units="K"),
            "energy": VariableSpec(dtype=torch.float32),
            "sign": VariableSpec(dtype=torch.int32),
        },
        dynamic={"member": {"u": 0, "level": 0}},
    )
    contract = report.contract
    assert contract.methods["jvp"].inputs == ("u", "level", "w", "u_tl", "w_tl")
    assert contract.methods["jvp"].outputs == (
        *("mixed", "energy", "sign"),
        *("mixed_tl", "energy_tl"),
    )
    assert contract.methods["vjp"].inputs == ("u", "level", "w", "mixed_ad", "energy_ad")
    assert contract.methods["vjp"].outputs == ("u_ad", "w_ad")
    assert contract.variables["energy"].shape == ("member",)
    assert contract.variables["w"].shape == ()
    assert contract.variables["sign"].dtype == "int32"
    assert max(relative_errors(report).values()) < ROUNDING_F32
    assert relative_errors(report)["forward", "sign"] == 0.0


def test_single_precision_network_behind_double_precision_arrays(tmp_path):
    class Narrow(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.core = ConvNet("silu")

        def forward(self, x: Tensor) -> Tensor:
            return x + 0.01 * self.core(x.float()).double()

    x = torch.randn(4, 36, dtype=torch.float64)
    report = export(Narrow(), tmp_path / "narrow.pt", x)
    assert report.contract.variables["y"].dtype == "float64"
    assert max(relative_errors(report).values()) < ROUNDING_F32


def test_module_that_cannot_be_scripted_is_traced(tmp_path):
    report = export(_Unscriptable(), tmp_path / "sine.pt")
    assert report.made_by == "trace"
    assert export(BilinearNet().double(), tmp_path / "b.pt").made_by == "script"


def test_branch_on_a_value_survives_scripting(tmp_path):
    report = export(_ValueBranch(), tmp_path / "branch.pt")
    assert report.made_by == "script"
    assert max(relative_errors(report).values()) == 0.0


def test_fixed_extents_and_no_derivatives(tmp_path):
    report = export(
        BilinearNet(), tmp_path / "b.pt", torch.randn(2, 5), dynamic={}, derivatives=False
    )
    assert set(report.contract.methods) == {"forward"}
    assert report.contract.variables["y"].shape == (2, 5)
    assert report.parity.dot_product is None


def test_two_dynamic_extents(tmp_path):
    """The stencil is wider than a ring of one site, which both sides refuse alike."""
    x = torch.randn(2, 9, dtype=torch.float64)
    dynamic = {"member": 0, "k": {"x": 1}}
    report = export(BilinearNet().double(), tmp_path / "b.pt", x, dynamic=dynamic)
    assert report.contract.variables["y"].shape == ("member", "k")
    assert {"member": 1, "k": 1} not in report.parity.extents
    assert {"member": 33, "k": 34} in report.parity.extents


def test_export_warns_of_nothing(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        export(BilinearNet().double(), tmp_path / "script.pt")
        export(_Unscriptable(), tmp_path / "trace.pt")


def test_module_itself_is_left_alone(tmp_path):
    network = ConvNet("silu").double().eval()
    export(network, tmp_path / "n.pt", torch.randn(2, 36, dtype=torch.float64))
    assert all(p.requires_grad and p.grad is None for p in network.parameters())


def test_inputs_are_drawn_from_the_training_range(tmp_path):
    seen = []

    class Watching(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            seen.append(x.detach())
            return x.log()

    export(
        Watching(),
        tmp_path / "log.pt",
        torch.ones(4, 3),
        training_range={"x": (2, 3)},
        derivatives=False,
    )
    assert min(float(x.min()) for x in seen) >= 2.0
    assert max(float(x.max()) for x in seen) <= 3.0


def test_autograd_and_func_give_the_same_derivatives():
    """What is compiled and what it is compared with are made by different means."""

    class Partial(nn.Module):
        """Outputs that depend on both inputs, on one, linearly on one, and on none."""

        def forward(self, x: Tensor, n: Tensor, w: Tensor):
            return (x * w).sin() * n, w**3, 2 * x, torch.ones(2).double(), n + 1

    linear = Linearisation(Partial(), 3, (0, 2), (0, 1, 2, 3))
    x, w, *seeds = torch.randn(8, 5).double()
    n, ones = torch.arange(5), torch.randn(2).double()
    pairs = [
        (linear.jvp, linear.jvp_by_autograd, seeds[:2]),
        (linear.vjp, linear.vjp_by_autograd, [*seeds[:3], ones]),
    ]
    for one, other, seed in pairs:
        found = other(x, n, w, *seed)
        for a, b in zip(one(x, n, w, *seed), found, strict=True):
            torch.testing.assert_close(a, b)
            assert not b.requires_grad


# What is refused


REFUSED = {
    "gives a plain number": (lambda x: 1.0, "returns a float as output 0"),
    "gives a text": (lambda x: "x + 1", "returns a str as output 0"),
    "gives two tensors": (
        lambda x: (x + 1, x + 2),
        "returns 2 tensors, 1 outputs",
    ),
    "gives its input": (lambda x: x, "'y' shares the memory of input 'x'"),
    "gives a view": (lambda x: x[:, :2], "'y' shares the memory of input 'x'"),
    "changes its input": (lambda x: x.mul_(2).sum(1), "changes its input 'x'"),
    "is random": (lambda x: x + torch.rand_like(x), "'y' differs between two runs"),
    "gives complex": (lambda x: torch.complex(x, x), "'y' is torch.complex64"),
    "gives NaN": (
        lambda x: x * float("nan"),
        "'y' is not finite within the training range",
    ),
    "grows": (lambda x: torch.cat([x, x]), "dimension 0 of output 'y' is 14 at"),
    "fails": (lambda x: x @ x, "forward fails for inputs"),
    "gives an empty tensor": (lambda x: x[:, :0] + 1, r"'y' has shape \[7, 0\]"),
}


@pytest.mark.parametrize("function, message", REFUSED.values(), ids=REFUSED.keys())
def test_function_that_is_no_network_is_refused(tmp_path, function, message):
    refused(tmp_path, message, _Calling(function), x=torch.randn(4, 3))


def refused(folder, message, module, **changed: object):
    """Check the message, and that the folder and a file of that name are left alone."""
    path = folder / "network.pt"
    path.write_bytes(b"the previous network")
    with pytest.raises(ExportError, match=message):
        export(module, path, **changed)
    assert path.read_bytes() == b"the previous network"
    assert list(folder.iterdir()) == [path]


ARGUMENTS = {
    "unknown suffix": (dict(), "network.onnx", r"ends in '\.onnx', expected"),
    "engine of another suffix": (dict(engine="inductor"), "n.pt", "is for torchscript"),
    "absent folder": (dict(), "no/such/n.pt", "cannot be written: No such file"),
    "same name": (dict(outputs=["x"]), "n.pt", "'x' names an input and an output"),
    "repeated name": (dict(outputs=["y", "y"]), "n.pt", "outputs repeat a name"),
    "string": (dict(outputs="y"), "n.pt", r"give a list, \['y'\]"),
    "tangent's name": (dict(outputs=["x_tl"]), "n.pt", "'x_tl' ends in '_tl'"),
    "blank in a name": (dict(outputs=["y z"]), "n.pt", "'y z' is no name"),
    "units of nobody": (dict(units={"z": "m"}), "n.pt", "units names 'z', which is none"),
    "dynamic of nobody": (dict(dynamic={"m": {"z": 0}}), "n.pt", "names 'z', which is no"),
    "dynamic beyond rank": (dict(dynamic={"m": 2}), "n.pt", "is dimension 2 of 'x'"),
    "two symbols": (dict(dynamic={"m": 0, "n": 0}), "n.pt", "is 'm' and 'n'"),
    "too few dims": (dict(dims={"x": ["k"]}), "n.pt", r"2 dimensions, but dims \['k'\]"),
    "falling range": (dict(training_range={"x": (2, 1)}), "n.pt", "not rising"),
    "separable nothing": (dict(separable="time"), "n.pt", "which is no dynamic extent"),
    "no input": (dict(inputs={}), "n.pt", "at least one input"),
    "no example": (dict(inputs={"x": VariableSpec()}), "n.pt", "'x' has no example"),
    "array": (dict(inputs={"x": [1.0]}), "n.pt", "'x' is a list, expected a tensor"),
    "other dtype": (
        dict(outputs={"y": VariableSpec(dtype=torch.float32)}),
        "n.pt",
        "'y' is torch.float64, declared torch.float32",
    ),
    "another device": (
        dict(inputs={"x": torch.empty(4, 3, device="meta")}),
        "n.pt",
        "'x' is on 'meta'",
    ),
    "complex": (
        dict(inputs={"x": torch.ones(4, 3) + 1j}),
        "n.pt",
        "'x' is torch.complex64",
    ),
    "NaN in provenance": (dict(provenance={"loss": float("nan")}), "n.pt", "as JSON"),
    "no thread": (dict(threads=0), "n.pt", "threads is 0"),
}


@pytest.mark.parametrize("changed, name, message", ARGUMENTS.values(), ids=ARGUMENTS.keys())
def test_wrong_argument_is_refused(tmp_path, changed, name, message):
    with pytest.raises(ExportError, match=message):
        export(BilinearNet().double(), tmp_path / name, **changed)
    assert list(tmp_path.iterdir()) == []


def test_training_mode_is_refused(tmp_path):
    module = nn.Sequential(nn.Linear(3, 3), nn.Dropout(0.5)).eval()
    module[1].train()
    with pytest.raises(ExportError, match=r"'1' \(Dropout\) is in training mode"):
        export_network(
            module, tmp_path / "n.pt", inputs={"x": torch.ones(2, 3)}, outputs=["y"]
        )
    assert list(tmp_path.iterdir()) == []


def test_memory_of_the_module_is_refused(tmp_path):
    class Counter(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("calls", torch.zeros(()))

        def forward(self, x: Tensor) -> Tensor:
            self.calls += 1
            return x + 1

    refused(tmp_path, "forward changes 'calls' of the module", Counter())


def test_batch_statistics_are_not_separable(tmp_path):
    module = _Calling(lambda x: x - x.mean(dim=0))
    refused(tmp_path, "'y' of a sample changes with", module, separable="member")


def test_module_without_floating_point_has_no_derivatives(tmp_path):
    module, x = _Calling(lambda x: x + 1), torch.ones(4, 3, dtype=torch.int32)
    refused(tmp_path, "no input is floating-point: pass derivatives=False", module, x=x)
    export(module, tmp_path / "n.pt", x, derivatives=False)


def test_branch_that_cannot_be_written_is_refused(tmp_path):
    refused(tmp_path, "neither script nor trace _Untraceable", _Untraceable())


def test_single_precision_agrees_to_rounding(tmp_path):
    report = export(ConvNet("silu"), tmp_path / "n.pt", torch.randn(4, 36))
    assert max(relative_errors(report).values()) < ROUNDING_F32
    assert report.contract.variables["y"].dtype == "float32"


def test_spoilt_file_is_refused(tmp_path, monkeypatch):
    """What is written is not what was given, by one part in a thousand million."""
    factor = 1 + 1e-9
    write = exporter.torchscript.write_torchscript

    def spoilt(module, path, *samples: object):
        with torch.no_grad():
            module.product_weight.mul_(factor)
        how = write(module, path, *samples)
        with torch.no_grad():
            module.product_weight.div_(factor)
        return how

    monkeypatch.setattr(exporter.torchscript, "write_torchscript", spoilt)
    refused(tmp_path, "forward: 'y' differs from PyTorch by", BilinearNet().double())


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_folder_without_permission_is_refused(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(ExportError, match="cannot be written: Permission denied"):
        export(BilinearNet().double(), tmp_path / "n.pt")
    tmp_path.chmod(0o700)


@pytest.mark.parametrize("limit", [100_000, 370_000], ids=["network", "contract"])
def test_full_disk_leaves_nothing_behind(tmp_path, limit):
    """A limit on file size fails writes as a full disk does: in the network or after it."""
    network, x = ConvNet("silu").double(), torch.randn(2, 36, dtype=torch.float64)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        refused(tmp_path, "cannot be written", network, x=x)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_interrupt_leaves_nothing_behind(tmp_path, monkeypatch):
    def interrupted(*_arguments: object, **_settings: object):
        raise KeyboardInterrupt

    monkeypatch.setattr("isthmus.export.parity.check_parity", interrupted)
    with pytest.raises(KeyboardInterrupt):
        export(BilinearNet().double(), tmp_path / "n.pt")
    assert list(tmp_path.iterdir()) == []


# Nested results


class _Nested(nn.Module):
    """A dictionary with a tuple in it."""

    def forward(self, x: Tensor) -> dict[str, object]:
        return {"tendency": (x.sin(), 2 * x), "flux": x.sum(dim=1)}


def test_nested_outputs_are_flattened_and_named_by_their_paths(tmp_path):
    path = tmp_path / "nested.pt"
    x = torch.randn(4, 3, dtype=torch.float64)
    report = export_network(_Nested().eval(), path, inputs={"x": x}, dynamic={"n": 0})
    names = ("tendency.0", "tendency.1", "flux")
    assert report.contract.methods["forward"].outputs == names
    assert report.contract.methods["vjp"].inputs == ("x", *(f"{n}_ad" for n in names))
    assert max(relative_errors(report).values()) < ROUNDING_F64
    assert run_self_test(path) < ROUNDING_F64


def test_outputs_nobody_names_are_numbered(tmp_path):
    report = export_network(
        _Mixer().eval(),
        tmp_path / "mixer.pt",
        inputs={
            "u": torch.randn(5, 4),
            "level": torch.tensor([[2], [5]], dtype=torch.int64)[:1],
            "w": torch.randn(5, 3),
        },
        derivatives=False,
    )
    outputs = report.contract.methods["forward"].outputs
    assert outputs == ("output_0", "output_1", "output_2")
