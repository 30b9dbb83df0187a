# SPDX-License-Identifier: MIT
"""Networks in half precision: hosts bind real32 or real64 and ask for conversion."""

import numpy as np
import pytest
import torch
from torch import nn
from typer.testing import CliRunner

from isthmus.bridge import Model
from isthmus.cli import app
from isthmus.errors import BindingError
from isthmus.export import export_network

UNITS = 8  # of rounding in the last place: sums are kept in float32, values are not
DTYPES = {"float16": torch.float16, "bfloat16": torch.bfloat16}


def network(dtype: torch.dtype) -> nn.Module:
    torch.manual_seed(5)
    layers = nn.Sequential(nn.Linear(6, 16), nn.SiLU(), nn.Linear(16, 2))
    return layers.to(dtype).eval()


@pytest.fixture(
    scope="module",
    params=["float16.pt", "bfloat16.pt", "bfloat16.pt2"],
)
def file(tmp_path_factory, request):
    path = tmp_path_factory.mktemp("half") / request.param
    dtype = DTYPES[path.stem]
    torch.manual_seed(7)
    export_network(
        network(dtype),
        path,
        inputs={"x": torch.randn(4, 6).to(dtype)},
        outputs=["y"],
        dynamic={"n": 0},
        separable="n",
    )
    return path


@pytest.mark.parametrize("host", ["float32", "float64"])
def test_a_host_of_other_precision_asks_for_conversion(file, host):
    dtype = DTYPES[file.stem]
    x = torch.randn(9, 6).to(dtype)
    expected = network(dtype)(x).detach().double().numpy()
    y = np.zeros((9, 2), host)
    model = Model(file)
    model.bind_input("x", x.double().numpy().astype(host), convert=True)
    model.bind_output("y", y, convert=True)
    model.run()
    error = np.abs(y - expected).max() / np.abs(expected).max()
    assert error <= UNITS * torch.finfo(dtype).eps


def test_derivatives_are_of_the_half_precision_network(file):
    dtype = DTYPES[file.stem]
    x, x_tl = torch.randn(3, 6).to(dtype), torch.randn(3, 6).to(dtype)
    _, expected = torch.func.jvp(network(dtype), (x,), (x_tl,))
    model = Model(file, convert=True)
    found = model.jvp(x=x.float().numpy(), x_tl=x_tl.float().numpy())["y_tl"]
    error = np.abs(found - expected.detach().float().numpy()).max()
    assert found.dtype == np.float32
    assert error <= UNITS * torch.finfo(dtype).eps * float(expected.detach().abs().max())


def test_without_asking_the_host_is_refused(file):
    model, x = Model(file), np.zeros((3, 6), np.float32)
    with pytest.raises(BindingError, match=f"expects {file.stem} .bind it with 'convert'"):
        model.bind_input("x", x)
    with pytest.raises(BindingError, match="open the model with convert=True"):
        model(x=x)


def test_a_call_leaves_a_converted_binding_as_it_was(file):
    x, y = np.ones((3, 6), np.float64), np.zeros((3, 2), np.float64)
    model = Model(file, convert=True)
    model.bind_input("x", x, convert=True)
    model.bind_output("y", y, convert=True)
    once = model(x=x.astype(np.float32))["y"]
    model.run()
    assert np.array_equal(y, once)


def test_self_test_and_check_pass(file):
    dtype = DTYPES[file.stem]
    assert Model(file).self_test() <= UNITS * torch.finfo(dtype).eps
    done = CliRunner().invoke(app, ["check", str(file)])
    assert done.exit_code == 0, done.stdout


def test_the_fortran_program_asks_for_conversion(file):
    shown = CliRunner().invoke(app, ["inspect", str(file), "--fortran"]).stdout
    assert 'call model%bind_input("x", x, convert=.true.)' in shown
    assert 'call model%bind_output("y", y, convert=.true.)' in shown
    assert f"real(real32), target :: x(6, n) ! of {file.stem}" in shown
