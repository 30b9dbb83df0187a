# SPDX-License-Identifier: MIT
"""Values of candidates against dense algebra, chosen sets, and `isthmus design`."""

import netCDF4
import numpy as np
import pytest
from lorenz96_steps import export_exact_step
from typer.testing import CliRunner

from isthmus.cli import app
from isthmus.errors import ConfigurationError, ModelFileError
from isthmus.inverse import Diagonal
from isthmus.inverse.derivative_kinds import KINDS, OF_A_FILE
from isthmus.inverse.design import posterior
from isthmus.inverse.design_cases import Ring, read_problem
from isthmus.inverse.design_results import Design
from isthmus.inverse.observing import (
    Measure,
    choose,
    choose_best,
    scaled_rows,
    updated,
    value_of,
)

DENSE = 1e-11  # updates against inverses, n = 8
DEVIATIONS = 5.0  # standard errors of a twin experiment's mean
SAME = 1e-8  # rows by differences, relative
SAME_END = 1e-2  # of analyses whose gradient fell by 1e3
NONLINEAR = 0.25  # of a value: what the linear theory may miss at prior_sd = 0.1

RING = """\
[case]
kind = "lorenz96"
n_sites = 16
steps = [1, 3]
prior_sd = 0.1
noise_sd = 0.1
[design]
n_chosen = 2
exact = true
[twins]
n = {n}
"""


@pytest.fixture(scope="module")
def small():
    """Return a covariance, eight candidates of two numbers each, and a group."""
    rng = np.random.default_rng(1)
    p = np.cov(rng.standard_normal((8, 40)))
    rows = scaled_rows(rng.standard_normal((8, 2, 8)), rng.uniform(0.5, 2.0, 8))
    return p, rows, Measure("some", np.arange(8) < 3)


def test_values_are_those_of_dense_inverses(small):
    p, rows, group = small
    information = Measure("information")
    for k in range(8):
        after = np.linalg.inv(np.linalg.inv(p) + rows[k].T @ rows[k])
        assert np.allclose(updated(p, rows[k]), after, rtol=0, atol=DENSE)
        told = 0.5 * (np.linalg.slogdet(p)[1] - np.linalg.slogdet(after)[1])
        assert abs(information.gains(p, rows)[k] - told) <= DENSE
        fall = 1.0 - np.trace(after[:3, :3]) / np.trace(p[:3, :3])
        assert abs(group.gains(p, rows)[k] - fall) <= DENSE
    together = posterior(Diagonal(1.0, 8), rows.reshape(-1, 8), np.ones(16))
    assert np.allclose(updated(np.eye(8), rows), together, rtol=0, atol=DENSE)


def test_sets_are_the_best_or_nearly(small):
    p, rows, group = small
    for measure in (Measure("information"), group):
        greedy = choose(p, rows, 3, measure)
        best = choose_best(p, rows, 3, measure)
        assert len(set(greedy)) == 3
        found, most = (value_of(p, rows, s, measure) for s in (greedy, best))
        assert (1.0 - np.exp(-1.0)) * most <= found <= most + DENSE
        assert choose(p, rows, 1, measure) == choose_best(p, rows, 1, measure)
    chain = [value_of(p, rows, list(range(n)), group) for n in range(1, 9)]
    assert np.all(np.diff(chain) >= -DENSE)
    assert 0.0 < chain[0] <= chain[-1] < 1.0


def test_what_cannot_be_valued_is_refused(small):
    p, rows, group = small
    with pytest.raises(ConfigurationError, match="'n_chosen'"):
        choose(p, rows, 9, group)
    with pytest.raises(ConfigurationError, match="sets"):
        choose_best(np.eye(8), np.zeros((200, 1, 8)), 4, group)
    with pytest.raises(ConfigurationError, match=r"above 0, found 0\.0 at candidate 1"):
        scaled_rows(np.ones((2, 1, 3)), np.array([1.0, 0.0]))
    with pytest.raises(ConfigurationError, match="candidate 0 are not finite"):
        scaled_rows(np.full((1, 1, 3), np.nan), np.ones(1))


def test_twins_find_what_was_predicted(tmp_path):
    """A small prior: the theory is nearly exact, and errors are only those of sampling."""
    file = tmp_path / "ring.toml"
    file.write_text(RING.format(n=150))
    found = Design(read_problem(file), tmp_path / "ring.nc")
    found.run(lambda name, share: None)
    predicted = found.values[1]
    limit = DEVIATIONS * found.realised_error + NONLINEAR * predicted
    assert np.all(np.abs(found.realised - predicted) <= limit)
    assert np.corrcoef(predicted, found.realised)[0, 1] > 0.5
    mean = found.errors.mean(axis=0)[0]
    p = found.problem.covariance
    assert abs(mean / (np.trace(p) / len(p)) - 1.0) <= NONLINEAR


def test_command_writes_all_and_continues(tmp_path):
    file, out = tmp_path / "ring.toml", tmp_path / "ring.nc"
    text = RING.format(n=4)
    file.write_text(text)
    done = CliRunner().invoke(app, ["design", str(file)])
    assert done.exit_code == 0, done.output
    assert "rank correlation" in done.output
    assert (tmp_path / "ring.png").stat().st_size > 10_000
    with netCDF4.Dataset(out, "r+") as result:
        assert result.configuration == text
        errors = result["error"][:].copy()
        assert np.isfinite(errors).all()
        result["error"][0] = 7.0  # kept as it is: not run again
        result["error"][2] = np.nan  # as if interrupted
    problem = read_problem(file)
    again = Design(problem, out)
    again.run(lambda name, share: None)
    assert np.all(again.errors[0] == 7.0)
    assert np.array_equal(again.errors[2], errors[2])
    file.write_text(text + "seed = 2\n")
    with pytest.raises(ConfigurationError, match="another configuration"):
        Design(read_problem(file), out)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[case]\nkind = 'sea'", "'case.kind'"),
        ("[case]\nkind = 'lorenz96'\nsites = 3", "unknown key 'case.sites'"),
        ("[case]\nkind = 'lorenz96'\nsteps = [3, 1]", "must ascend"),
        ("[case]\nkind = 'lorenz96'\n[design]\nn_chosen = 31", "'design.n_chosen'"),
        ("[case]\nkind = 'file'", "'case.sensitivities' is missing"),
        ("[case]\nkind = 'file'\nsensitivities = 'x.nc'\n[twins]\nn = 1", "'twins.n'"),
        ("[case", "no TOML"),
    ],
)
def test_what_is_wrong_in_a_file_is_named(tmp_path, text, message):
    file = tmp_path / "wrong.toml"
    file.write_text(text)
    with pytest.raises(ConfigurationError, match=message):
        read_problem(file)


def test_sensitivities_of_any_model_are_read(tmp_path):
    rng = np.random.default_rng(2)
    path = tmp_path / "sens.nc"
    with netCDF4.Dataset(path, "w") as file:
        for name, size in (("control", 3), ("part", 2), ("candidate", 5), ("present", 1)):
            file.createDimension(name, size)
        for prefix, of, n in (("", "candidate", 5), ("present_", "present", 1)):
            gradient = file.createVariable(
                prefix + "gradient", "f8", (of, "part", "control")
            )
            gradient[:] = rng.standard_normal((n, 2, 3))
            for name in ("sd", "lon", "lat"):
                file.createVariable(prefix + name, "f8", (of,))[:] = 1.0 + np.arange(n)
            names = file.createVariable(prefix + "name", str, (of,))
            names[:] = np.array(["coast", *["sea"] * (n - 1)], object)
        file.createVariable("control", str, ("control",))[:] = np.array(list("abc"), object)
    toml = tmp_path / "s.toml"
    toml.write_text(
        "[case]\nkind = 'file'\nsensitivities = 'sens.nc'\n"
        "[design]\nn_chosen = 2\nonly = 'sea'"
    )
    with pytest.raises(ModelFileError, match="no variable 'group'"):
        read_problem(toml)
    with netCDF4.Dataset(path, "a") as file:
        file.createVariable("group", str, ("control",))[:] = np.array(list("ffg"), object)
    done = CliRunner().invoke(app, ["design", str(toml)])
    assert done.exit_code == 0, done.output
    found = Design(read_problem(toml), tmp_path / "other.nc")
    found.run(lambda name, share: None)
    assert [m.name for m in found.problem.measures] == ["information", "f", "g"]
    assert 0 not in found.greedy
    assert np.all(found.deviations(list(found.greedy[0])) <= found.deviations([]))


def test_correlated_prior_takes_the_general_way():
    case = {"n_sites": 16, "forcing": 8.0, "dt": 0.05, "seed": 1, "steps": [2]}
    case |= {"present_every": 2, "prior_sd": 0.3, "prior_length": 2.0, "noise_sd": 0.2}
    ring = Ring(case)
    errors = [ring.squared_error([], np.random.default_rng(s)) for s in range(20)]
    predicted = np.trace(updated(ring.prior, ring.present.rows)) / 16
    assert 0.5 * predicted <= np.mean(errors) <= 2.0 * predicted


@pytest.mark.parametrize("kind", KINDS)
def test_values_and_twins_are_the_same_with_each_kind_of_derivative(tmp_path, kind):
    case = {"n_sites": 12, "steps": [1, 3], "prior_sd": 0.1, "noise_sd": 0.1}
    exact = Ring(case)
    case["derivatives"] = kind
    if kind in OF_A_FILE:
        case["network"] = export_exact_step(tmp_path / "step.pt", 12, 0.05)
    other = Ring(case)
    rows = exact.candidates.rows
    assert np.abs(other.candidates.rows - rows).max() <= SAME * np.abs(rows).max()
    errors = [ring.squared_error([0], np.random.default_rng(1)) for ring in (exact, other)]
    assert abs(errors[1] / errors[0] - 1.0) <= SAME_END
