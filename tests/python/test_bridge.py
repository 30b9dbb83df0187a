# SPDX-License-Identifier: MIT
"""The Python face of the bridge: parity with PyTorch, each status as an exception."""

import gc
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from isthmus import bridge
from isthmus.bridge import Model
from isthmus.errors import (
    BindingError,
    ContractError,
    DeviceError,
    InferenceError,
    IsthmusError,
    ModelFileError,
)

ROUNDING = {np.dtype("float32"): 1e-5, np.dtype("float64"): 1e-13}  # of values up to 100

BOTH = pytest.mark.parametrize("file", ["weighted_float64.pt", "weighted_float64.pt2"])


@pytest.fixture
def arrays() -> dict[str, np.ndarray]:
    random = np.random.default_rng(1)
    shapes = {
        "x": (3, 4),
        "scale": (),
        "x_tl": (3, 4),
        "scale_tl": (),
        "y_ad": (3, 4),
        "s_ad": (3,),
    }
    return {name: np.asarray(random.normal(size=shape)) for name, shape in shapes.items()}


def reference(exporter, arrays, dtype="float64"):
    x, scale = (torch.from_numpy(arrays[n].astype(dtype)) for n in ("x", "scale"))
    y, s = exporter.Weighted()(x, scale)
    return y.numpy(), s.numpy()


@pytest.mark.parametrize(
    "file", ["weighted_float32.pt", "weighted_float64.pt", "weighted_float64.pt2"]
)
def test_forward_agrees_with_pytorch(exporter, networks, arrays, file):
    dtype = "float32" if "32" in file else "float64"
    model = Model(networks / file)
    found = model(x=arrays["x"].astype(dtype), scale=arrays["scale"].astype(dtype))
    for name, expected in zip(("y", "s"), reference(exporter, arrays, dtype), strict=True):
        assert found[name].dtype == dtype
        np.testing.assert_allclose(
            found[name], expected, rtol=0, atol=ROUNDING[np.dtype(dtype)]
        )


@BOTH
def test_derivatives_agree_with_pytorch(exporter, networks, arrays, file):
    model = Model(networks / file)
    x, scale, x_tl, scale_tl, y_ad, s_ad = (torch.from_numpy(a) for a in arrays.values())
    primals, tangents = (x, scale), (x_tl, scale_tl)
    _, (y_tl, s_tl) = torch.func.jvp(exporter.Weighted(), primals, tangents)
    _, pull = torch.func.vjp(exporter.Weighted(), *primals)
    x_ad, scale_ad = pull((y_ad, s_ad))
    given = {n: arrays[n] for n in ("x", "scale", "x_tl", "scale_tl")}
    found = model.jvp(**given)
    np.testing.assert_allclose(found["y_tl"], y_tl, rtol=0, atol=1e-13)
    np.testing.assert_allclose(found["s_tl"], s_tl, rtol=0, atol=1e-12)
    found = model.vjp(**{n: arrays[n] for n in ("x", "scale", "y_ad", "s_ad")})
    np.testing.assert_allclose(found["x_ad"], x_ad, rtol=0, atol=1e-13)
    np.testing.assert_allclose(found["scale_ad"], scale_ad, rtol=0, atol=1e-12)
    for name in ("x", "scale"):
        model.bind_input(name, arrays[name])
    model.bind_output("y", np.zeros_like(arrays["x"]))
    model.bind_output("s", np.zeros(len(arrays["x"])))
    dot_error, taylor_error = model.check_derivatives(seed=3)
    assert dot_error < 1e-13  # some roundings
    assert 0 < taylor_error < 1e-6  # about the root of a rounding


@BOTH
def test_a_file_tells_what_it_is(networks, file):
    model = Model(str(networks / file), "cpu")
    assert model.engine == ("inductor" if file.endswith("2") else "torchscript")
    assert model.inputs == ("x", "scale")
    assert model.outputs == ("y", "s")
    assert model.names("vjp") == (("x", "scale", "y_ad", "s_ad"), ("x_ad", "scale_ad"))
    assert model.dt == 0.25
    assert model.contract is not None and model.contract["name"] == "weighted"
    assert file in repr(model)
    plain = Model(networks / "plain_weighted.pt")
    assert plain.contract is None and plain.dt is None


@BOTH
@pytest.mark.parametrize("order", ["C", "F", "strided"])
def test_bound_arrays_of_any_order_are_read_and_written(
    exporter, networks, arrays, file, order
):
    def laid_out(values):
        if order == "strided":
            room = np.full((2 * values.shape[0], 3 * values.shape[1]), 9.0)
            room[::2, ::3] = values
            return room[::2, ::3]
        return np.array(values, order=order)

    x, y, s = laid_out(arrays["x"]), laid_out(np.zeros((3, 4))), np.zeros(3)
    model = Model(networks / file)
    model.bind_input("x", x)
    model.bind_input("scale", arrays["scale"])
    model.bind_output("y", y)
    model.bind_output("s", s)
    for _ in range(2):
        model.run()
        np.testing.assert_allclose(y, reference(exporter, arrays)[0], rtol=0, atol=1e-13)
        arrays["x"] += 1
        x += 1  # the bound memory: the next run must see it
    model.run("forward")
    np.testing.assert_allclose(y, reference(exporter, arrays)[0], rtol=0, atol=1e-13)


def test_bound_arrays_outlive_their_names(exporter, networks, arrays):
    model = Model(networks / "weighted_float64.pt")
    expected = reference(exporter, arrays)[0]
    y = np.zeros((3, 4))
    model.bind_input("x", arrays["x"].copy())
    model.bind_input("scale", arrays["scale"].copy())
    model.bind_output("y", y)
    model.bind_output("s", np.zeros(3))
    gc.collect()
    np.full((3, 4), 7.0)  # would take the memory, were it free
    model.run()
    np.testing.assert_allclose(y, expected, rtol=0, atol=1e-13)


def test_a_call_leaves_the_bindings_as_they_were(exporter, networks, arrays):
    model = Model(networks / "weighted_float64.pt")
    given = {n: arrays[n] for n in ("x", "scale")}
    model(**given)
    with pytest.raises(BindingError, match="'x' is not bound"):
        model.run()
    x, y, s = arrays["x"].copy(), np.zeros((3, 4)), np.zeros(3)
    for name, array in {"x": x, "scale": arrays["scale"]}.items():
        model.bind_input(name, array)
    for name, array in {"y": y, "s": s}.items():
        model.bind_output(name, array)
    model(x=np.ones((5, 4)), scale=arrays["scale"])
    model.run()
    np.testing.assert_allclose(y, reference(exporter, arrays)[0], rtol=0, atol=1e-13)


@pytest.mark.parametrize(
    ("file", "error", "text"),
    [
        ("absent.pt", ModelFileError, "No such file"),
        ("empty.pt", ModelFileError, "is empty"),
        ("truncated.pt2", ModelFileError, "damaged"),
        ("state_dict.pt", ModelFileError, r"torch\.save"),
        ("flipped_code.pt", ContractError, "was changed"),
        ("flipped_kernel.pt2", ContractError, "was changed"),
        ("unlisted.pt", ContractError, "surprise"),
        ("other_isa.pt2", ContractError, "avx1024"),
    ],
)
def test_bad_files_raise(networks, file, error, text):
    with pytest.raises(error, match=text) as caught:
        Model(networks / file)
    assert isinstance(caught.value, IsthmusError)
    Model(networks / "weighted_float64.pt")


def test_bad_paths_and_devices_raise(networks):
    with pytest.raises(DeviceError, match="'cuda:77'"):
        Model(networks / "plain.pt2", "cuda:77")
    with pytest.raises(ModelFileError, match="null character"):
        Model("a\0b.pt")
    with pytest.raises(OSError, match="No such file"):  # the builtin one would expect
        Model(networks / "absent.pt")


def test_bad_arrays_raise(networks, arrays):
    model = Model(networks / "weighted_float64.pt")
    x = arrays["x"]
    read_only = np.zeros((3, 4))
    read_only.flags.writeable = False
    cases = [
        ("x", x.astype("float32"), "float32, the network expects float64"),
        ("x", x[:, :3], r"shape \[3, 3\], the network expects \[row, 4\]"),
        ("x", x[::-1], "byte stride -32"),
        ("x", x.astype(">f8"), "byte order"),
        ("x", x.astype(complex), "complex128"),
        ("x", x.tolist(), "is a list"),
        ("z", x, "no input 'z'"),
        ("x\0", x, "null character"),
    ]
    for name, array, text in cases:
        with pytest.raises(BindingError, match=text):
            model.bind_input(name, array)
    with pytest.raises(BindingError, match="read-only"):
        model.bind_output("y", read_only)
    with pytest.raises(BindingError, match="no method 'step'"):
        model.run("step")
    with pytest.raises(BindingError, match="'x' is not bound"):
        model.run()


def test_bad_calls_raise(networks, arrays):
    model = Model(networks / "weighted_float64.pt")
    with pytest.raises(BindingError, match="'scale' is missing"):
        model(x=arrays["x"])
    with pytest.raises(BindingError, match="no input 'w'"):
        model(x=arrays["x"], scale=arrays["scale"], w=arrays["x"])
    with pytest.raises(BindingError, match="no contract"):
        Model(networks / "plain_weighted.pt")(x=arrays["x"], scale=arrays["scale"])
    assert set(model(x=arrays["x"], scale=arrays["scale"])) == {"y", "s"}


def test_a_failing_network_raises_and_goes_on(networks):
    model = Model(networks / "failing.pt")
    x, y = np.full(3, 101.0), np.zeros(3)
    model.bind_input("x", x)
    model.bind_output("output_0", y)
    with pytest.raises(InferenceError, match="x is above 100"):
        model.run()
    x[:] = 1
    model.run()
    assert (y == 2).all()


@BOTH
def test_the_callers_torch_modes_do_not_matter(exporter, networks, arrays, file):
    expected = reference(exporter, arrays)[0]
    given = {n: arrays[n] for n in ("x", "scale")}
    tangents = {n: arrays[n] for n in ("x_tl", "scale_tl")}
    with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
        model = Model(networks / file)
        np.testing.assert_allclose(model(**given)["y"], expected, rtol=0, atol=1e-13)
        assert "y_tl" in model.jvp(**given, **tangents)
        assert "x_ad" in model.vjp(**given, y_ad=arrays["y_ad"], s_ad=arrays["s_ad"])
        assert torch.is_inference_mode_enabled()
        assert not torch.is_grad_enabled()
        assert torch.is_autocast_enabled("cpu")
    assert torch.is_grad_enabled()


class CallsOthers(torch.nn.Module):
    """A network with an operator that torch does not have."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return 2 x + 1."""
        return torch.ops.isthmus_test.doubled(x) + 1


def test_operators_of_others_keep_their_autograd(tmp_path):
    """Kernels may be registered with autograd alone; a plain run leaves autograd out."""
    library = torch.library.Library("isthmus_test", "DEF")
    library.define("doubled(Tensor x) -> Tensor")
    library.impl("doubled", lambda x: 2 * x, "AutogradCPU")
    torch.jit.script(CallsOthers()).save(tmp_path / "net.pt")
    model = Model(tmp_path / "net.pt")
    x = np.linspace(-1.0, 1.0, 5)
    y = np.zeros_like(x)
    model.bind_input("x", x)
    model.bind_output("output_0", y)
    model.run()
    np.testing.assert_array_equal(y, 2 * x + 1)


def test_another_torch_is_refused(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(__version__="1.0.0+cpu"))
    with pytest.raises(ImportError, match=r"torch 1\.0\.0 is imported"):
        bridge.check_torch()


def test_versions_are_told():
    assert bridge.version() == "0.1.0"
    assert bridge.torch_version() == torch.__version__.partition("+")[0]
