# SPDX-License-Identifier: MIT
"""What the host declares is held against the contract, and a network against itself."""

import numpy as np
import pytest
from emulator_networks import export_scripts

from isthmus.bridge import Model
from isthmus.errors import BindingError, ContractError

ROUNDING = 1e-12  # the contract's own tolerance
DIMS = ["column", "level"]


@pytest.fixture(scope="module")
def networks(tmp_path_factory):
    return export_scripts(tmp_path_factory.mktemp("networks"))


@pytest.fixture
def model(networks) -> Model:
    return Model(networks / "column.pt")


def test_what_fits_is_taken(model) -> None:
    model.require_input("t", units="K", dims=DIMS, shape=[-1, 4], dtype="float64")
    model.require_output("dq", units="kg kg-1 s-1", shape=[16, 4], dtype=np.float64)
    model.require_time_step(2.0)
    assert 0.0 <= model.self_test() <= ROUNDING


@pytest.mark.parametrize(
    ("said", "error", "message"),
    [
        ({"units": "kg kg-1"}, ContractError, "'t' has units 'kg kg-1'"),
        ({"dims": DIMS[::-1]}, ContractError, "'t' has dimensions .*: they are transposed"),
        ({"shape": [4, 16]}, BindingError, "'t' has shape .*: it is transposed"),
        ({"shape": [-1, 3]}, BindingError, r"expects \[column, 4\]"),
        ({"dtype": "float32"}, BindingError, "'t' has type float32"),
        ({"dtype": "complex128"}, BindingError, "complex128"),
        ({"dims": DIMS, "shape": [1]}, BindingError, "2 names of dimensions and 1 extents"),
    ],
)
def test_each_mismatch_names_the_variable(model, said, error, message) -> None:
    with pytest.raises(error, match=message):
        model.require_input("t", **said)


def test_another_time_step_is_refused(model) -> None:
    with pytest.raises(
        ContractError, match="time step is 3, the network was trained for 2"
    ):
        model.require_time_step(3.0)


def test_a_failed_self_test_names_the_output(networks) -> None:
    with pytest.raises(ContractError, match=r"'dq' differs from PyTorch by 0\.5"):
        Model(networks / "wrong_test.pt").self_test()
