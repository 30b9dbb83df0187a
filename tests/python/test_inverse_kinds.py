# SPDX-License-Identifier: MIT
"""The cases of `isthmus tune` by every kind of derivative: the same estimates."""

import numpy as np
import pytest
import torch
from tuning_texts import CHANNEL

from isthmus.errors import BindingError, ConfigurationError
from isthmus.inverse.derivative_kinds import KINDS, OF_A_FILE
from isthmus.inverse.parameter_campaigns import read_tuning
from isthmus.inverse.parametric_files import write_step

# TorchScript is deprecated upstream and still one of our two engines.
pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")

TO_GO = 0.02  # standard errors between two ends of one minimisation
ROUNDING = 1e-12  # sums in another order, over some steps
BADLY_SCALED = 1e-4  # of derivatives at concentrations that no box has: O1D lives 2e-12 min

TEXTS = {
    "lorenz96": """
[model]
kind = "lorenz96"
n_sites = 12

[window]
n_steps = 8
every_site = 2
sd = 0.5

[[parameter]]
name = "forcing"
background = 8.0
sd = 2.0
""",
    "two_level": """
[model]
kind = "two_level"
n_sites = 4
n_fast = 4
dt = 0.02
n_inner = 2
every_fast = 1
fast_sd = 0.05

[window]
n_steps = 6
sd = 0.2
state_sd = 0.3
n_stages = 1

[[parameter]]
name = "forcing"
background = 10.0
sd = 1.0

[[parameter]]
name = "h"
background = 1.0
sd = 0.1

[[parameter]]
name = "c"
background = 10.0
sd = 0.1
scale = "log"

[[parameter]]
name = "b"
background = 10.0
sd = 0.1
scale = "log"
""",
    "shallow_water": CHANNEL,
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
RANGES = {  # of states on which files are compared with PyTorch
    "lorenz96": (-5.0, 10.0),
    "two_level": (-1.0, 1.0),
    "shallow_water": (-1.0, 1.0),
    "chemistry": (0.0, 1e-3),
}


def tuning(folder, kind, lines="", texts=TEXTS):
    """Return what a text says, with lines added to its model."""
    path = folder / f"{kind}.toml"
    path.write_text(texts[kind].replace("[window]", f"{lines}\n[window]"))
    return read_tuning(path)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Return the exact steps as model files, by case, as an emulator would stand there."""
    folder = tmp_path_factory.mktemp("steps")
    paths = {}
    for kind in TEXTS:
        case = tuning(folder, kind).case
        state = torch.zeros(2, case.truth.n_state, dtype=torch.float64)
        inputs = [*case.truth.names, *(["level"] if kind == "shallow_water" else [])]
        ranges = {"x": RANGES[kind]} | dict.fromkeys(inputs, (0.5, 1.5))
        paths[kind] = folder / f"{kind}.pt"
        tolerance = BADLY_SCALED if kind == "chemistry" else None
        write_step(
            case.torch_step(),
            paths[kind],
            state,
            ranges,
            dt=case.truth.dt,
            tolerance=tolerance,
        )
    return paths


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """Return the estimates by the Fortran adjoint, by case."""
    folder = tmp_path_factory.mktemp("adjoint")
    return {kind: tuning(folder, kind).run(0).found.required() for kind in TEXTS}


def chosen(derivatives, path):
    """Return the lines that choose a kind of derivative."""
    network = f'\nnetwork = "{path}"' if derivatives in OF_A_FILE else ""
    return f'derivatives = "{derivatives}"{network}'


@pytest.mark.parametrize("derivatives", KINDS)
@pytest.mark.parametrize("kind", TEXTS)
def test_estimates_are_those_of_the_adjoint(tmp_path, files, expected, kind, derivatives):
    lines = chosen(derivatives, files[kind])
    found = tuning(tmp_path, kind, lines).run(0).found.required()
    assert np.abs(found.score(expected[kind].p)).max() < TO_GO
    assert np.allclose(found.error, expected[kind].error, rtol=1e-2)


@pytest.mark.parametrize("derivatives", KINDS[2:])
@pytest.mark.parametrize("kind", ["lorenz96", "two_level"])
def test_exact_steps_have_fortrans_derivatives_to_rounding(
    tmp_path, files, kind, derivatives
):
    asked = tuning(tmp_path, kind, chosen(derivatives, files[kind]))
    model, other, rng = asked.case.truth, asked.case.model, np.random.default_rng(1)
    p = asked.prior.sample(rng)
    x = asked.case.start(p, rng)
    states = model.trajectory(x, p, asked.n_steps)
    forces = rng.standard_normal(states.shape)
    columns = np.split(np.eye(x.size + p.size), [x.size], axis=1)
    close(other.trajectory(x, p, asked.n_steps), states)
    close(other.sweep_tl(states, p, *columns), model.sweep_tl(states, p, *columns))
    sensitivities = model.sweep_ad(states, p, forces)
    for found, true in zip(other.sweep_ad(states, p, forces), sensitivities, strict=True):
        close(found, true)


def close(found, true):
    """Refuse differences above rounding."""
    assert np.allclose(found, true, rtol=0, atol=ROUNDING * np.abs(true).max())


@pytest.mark.parametrize("kind", TEXTS)
def test_mistakes_are_named(tmp_path, files, kind):
    for lines, expected in (
        ('derivatives = "guess"', "'derivatives' must be one of adjoint, differences"),
        ('derivatives = "network"', "'network', a model file, is needed"),
        (f'network = "{files[kind]}"', "and only there"),
    ):
        with pytest.raises(ConfigurationError, match=expected):
            tuning(tmp_path, kind, lines)
    other = "lorenz96" if kind == "two_level" else "two_level"
    names = ", ".join(f"'{name}'" for name in tuning(tmp_path, kind).case.truth.names)
    for derivatives in OF_A_FILE:
        with pytest.raises(BindingError, match=rf"expected the state, then \[{names}"):
            tuning(tmp_path, kind, chosen(derivatives, files[other]))


@pytest.mark.parametrize("derivatives", OF_A_FILE)
def test_a_file_of_another_length_or_time_step_is_refused(tmp_path, files, derivatives):
    lines = chosen(derivatives, files["chemistry"]) + "\nn_boxes = 3"
    longer = TEXTS | {"chemistry": TEXTS["chemistry"].replace("n_boxes = 2\n", "")}
    with pytest.raises(BindingError, match="state has 40 numbers, expected 60"):
        tuning(tmp_path, "chemistry", lines, longer)
    lines = chosen(derivatives, files["lorenz96"]) + "\ndt = 0.1"
    with pytest.raises(ConfigurationError, match=r"is a step of 0\.05, expected 0\.1"):
        tuning(tmp_path, "lorenz96", lines)


def test_constants_that_change_with_the_light_are_refused(tmp_path):
    path = tmp_path / "night.toml"
    text = TEXTS["chemistry"].replace(
        "n_boxes = 2", 'mechanism = "small_strato"\ndt = 60.0\nderivatives = "autodiff"'
    )
    path.write_text(text.replace('"O3", "NO2"', '"O3"').replace("14", "2"))
    with pytest.raises(ConfigurationError, match="change with the light: 'derivatives'"):
        read_tuning(path)
