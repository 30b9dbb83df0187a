# SPDX-License-Identifier: MIT
"""Friction and rate constants by every kind of derivative: the same estimates."""

import numpy as np
import pytest
import torch

from isthmus.errors import BindingError, ConfigurationError
from isthmus.export import export_network
from isthmus.inverse.derivative_kinds import KINDS, OF_A_FILE
from isthmus.inverse.parameter_campaigns import read_tuning

TO_GO = 0.02  # standard errors between two ends of one minimisation
BADLY_SCALED = 1e-4  # of derivatives at concentrations that no box has: O1D lives 2e-12 min

TEXTS = {
    "shallow_water": """
[model]
kind = "shallow_water"
n_x = 12

[window]
n_steps = 20
every_step = 4
every_site = 6
sd = 0.02
n_stages = 1

[[parameter]]
name = "drag_1"
background = 0.003
sd = 0.5
scale = "log"

[[parameter]]
name = "drag_2"
background = 0.003
sd = 0.5
scale = "log"
""",
    "chemistry": """
[model]
kind = "chemistry"
reactions = [1, 14]
species = ["O3", "NO2"]
n_boxes = 2

[window]
n_steps = 4
sd = 0.03
n_stages = 1

[[parameter]]
name = "k1"
background = 1.0
sd = 0.3
scale = "log"

[[parameter]]
name = "k14"
background = 1.0
sd = 0.3
scale = "log"
""",
}


def tuning(folder, kind, lines=""):
    """Return what a text says, with lines added to its model."""
    path = folder / f"{kind}.toml"
    path.write_text(TEXTS[kind].replace("[window]", f"{lines}\n[window]"))
    return read_tuning(path)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Return the exact steps as model files, by case, as an emulator would stand there."""
    folder = tmp_path_factory.mktemp("steps")
    paths = {}
    for kind, known, ranges in (
        ("shallow_water", ["level"], {"x": (-1.0, 1.0), "level": (-1.0, 1.0)}),
        ("chemistry", [], {"x": (0.0, 1e-3)}),
    ):
        case = tuning(folder, kind).case
        names = [*case.truth.names, *known]
        state = torch.zeros(2, case.truth.n_state, dtype=torch.float64)
        paths[kind] = folder / f"{kind}.pt"
        export_network(
            case.torch_step().eval(),
            paths[kind],
            inputs={"x": state, **{name: torch.ones(2).double() for name in names}},
            outputs=["x_next"],
            dynamic={"member": 0},
            dt=case.truth.dt,
            training_range={name: (0.5, 1.5) for name in names} | ranges,
            tolerance=BADLY_SCALED,
        )
    return paths


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """Return the estimates by the Fortran adjoint, by case."""
    folder = tmp_path_factory.mktemp("adjoint")
    return {kind: tuning(folder, kind).run(0).found.required() for kind in TEXTS}


@pytest.mark.parametrize("derivatives", KINDS)
@pytest.mark.parametrize("kind", TEXTS)
def test_estimates_are_those_of_the_adjoint(tmp_path, files, expected, kind, derivatives):
    lines = f'derivatives = "{derivatives}"'
    if derivatives in OF_A_FILE:
        lines += f'\nnetwork = "{files[kind]}"'
    found = tuning(tmp_path, kind, lines).run(0).found.required()
    assert np.abs(found.score(expected[kind].p)).max() < TO_GO
    assert np.allclose(found.error, expected[kind].error, rtol=1e-2)


def test_a_file_of_another_case_is_refused(tmp_path, files):
    lines = f'derivatives = "network"\nnetwork = "{files["shallow_water"]}"'
    with pytest.raises(BindingError, match=r"then \['k1', 'k14'\], and the state after"):
        tuning(tmp_path, "chemistry", lines)
    lines = f'derivatives = "network"\nnetwork = "{files["chemistry"]}"'
    with pytest.raises(BindingError, match=r"then \['drag_1', 'drag_2', 'level'\]"):
        tuning(tmp_path, "shallow_water", lines)
    lines = f'derivatives = "network"\nn_boxes = 3\nnetwork = "{files["chemistry"]}"'
    TEXTS["three boxes"] = TEXTS["chemistry"].replace("n_boxes = 2\n", "")
    try:
        with pytest.raises(BindingError, match="state has 40 numbers, expected 60"):
            tuning(tmp_path, "three boxes", lines)
    finally:
        del TEXTS["three boxes"]


def test_constants_that_change_with_the_light_are_refused(tmp_path):
    path = tmp_path / "night.toml"
    text = TEXTS["chemistry"].replace(
        "n_boxes = 2", 'mechanism = "small_strato"\ndt = 60.0\nderivatives = "autodiff"'
    )
    path.write_text(text.replace('"O3", "NO2"', '"O3"').replace("14", "2"))
    with pytest.raises(ConfigurationError, match="change with the light: 'derivatives'"):
        read_tuning(path)
