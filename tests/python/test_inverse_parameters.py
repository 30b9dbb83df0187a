# SPDX-License-Identifier: MIT
"""Parameters from noisy, incomplete observations: derivatives, error bars, the command."""

import netCDF4
import numpy as np
import pytest
import torch
from tuning_texts import CHANNEL
from typer.testing import CliRunner

from isthmus.cli import app
from isthmus.errors import AssimilationError, BindingError, ConfigurationError
from isthmus.inverse import Diagonal, Observations, Sites, parametric_networks
from isthmus.inverse.estimation import Estimation
from isthmus.inverse.friction import ChannelCase
from isthmus.inverse.parameter_campaigns import read_tuning
from isthmus.inverse.parameter_window import Window
from isthmus.inverse.parametric import (
    BorrowedParameters,
    DifferenceParameters,
    ForcedLorenz96,
    ParametricModel,
    Sensitivity,
    TwoLevelCoefficients,
)
from isthmus.inverse.parametric_files import write_step
from isthmus.inverse.parametric_networks import BridgeParameters, TorchParameters
from isthmus.inverse.posterior_draws import draw_posterior
from isthmus.inverse.priors import Parameter, Prior
from isthmus.inverse.rate_constants import ChemistryCase, RateConstants
from isthmus.models import Lorenz96, Mechanism, TwoLevelLorenz96
from isthmus.nets import ConditionalBilinearNet
from isthmus.nets.conditional import ConditionalRk4Step

N, DT, FORCING = 12, 0.05, 7.1
ROUNDING = 1e-12  # sums in another order, over some steps
DIFFERENCES = 1e-7  # of central differences, relative
ELLIPTIC = 1e-9  # the linear solves of a step leave 1e-13 each
STIFF = 1e-12  # of twenty stiff steps three times, relative
QUANTILE = 0.01  # of 512 weighted Sobol' draws, in posterior deviations
TO_GO = 0.02  # standard errors between two ends of one minimisation
DEVIATIONS = 3.0  # binomial ones within which a share lies

TEXT = """
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

[twins]
n = 60
"""


def exported(folder):
    """Return the exact conditional step as a model file."""
    path, state = folder / "conditional.pt", torch.randn(2, N, dtype=torch.float64)
    step = ConditionalRk4Step(ConditionalBilinearNet.analytic(), DT)
    write_step(step, path, state, {"forcing": (6.0, 10.0)}, dt=DT)
    return path


class Tide(torch.nn.Module):
    """A ring with two parameters, whose forcing is known and changes from step to step."""

    def forward(self, x, growth, drag, level):
        """Return the state one step later."""
        growth, drag, level = (v.unsqueeze(-1) for v in (growth, drag, level))
        return x + DT * (growth * torch.roll(x, 1, -1) - drag * x.abs() * x + level)


def level(step):
    """Return the known inputs of a step."""
    return {"level": float(np.sin(step + 1.0))}


TIDE = {"names": ("growth", "drag"), "known": level}


def exported_tide(folder):
    """Return the same as a model file."""
    path, state = folder / "tide.pt", torch.randn(2, N, dtype=torch.float64)
    ranges = dict.fromkeys(("growth", "drag"), (0.0, 2.0)) | {"level": (-1.0, 1.0)}
    write_step(Tide(), path, state, ranges, dt=DT)
    return path


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Return all kinds of models, each with a state and parameters."""
    rng = np.random.default_rng(1)
    x, p = rng.normal(2.0, 3.0, N), np.array([FORCING])
    exact = ConditionalRk4Step(ConditionalBilinearNet.analytic(), DT)
    two_level = TwoLevelCoefficients(TwoLevelLorenz96(8, 4), 0.01, n_inner=2)
    xz = np.concatenate([rng.normal(2.0, 3.0, 8), rng.normal(0.0, 0.1, 32)])
    folder = tmp_path_factory.mktemp("network")
    path, tide, pq = exported(folder), exported_tide(folder), np.array([1.1, 0.4])
    return {
        "by hand": (ForcedLorenz96(N, DT), x, p),
        "torch": (TorchParameters(exact, N, dt=DT), x, p),
        "torch forward": (TorchParameters(exact, N, dt=DT, mode="forward"), x, p),
        "bridge": (BridgeParameters(path, N), x, p),
        "tide, torch": (TorchParameters(Tide(), N, dt=DT, **TIDE), x, pq),
        "tide, forward": (
            TorchParameters(Tide(), N, dt=DT, mode="forward", **TIDE),
            x,
            pq,
        ),
        "tide, bridge": (BridgeParameters(tide, N, **TIDE), x, pq),
        "two-level": (two_level, xz, np.array([10.0, 1.0, 9.0, 11.0])),
    }


@pytest.mark.parametrize("kind", ["bridge", "tide, bridge"])
def test_tangent_linear_of_all_columns_is_that_of_few(models, kind):
    model, x, p = models[kind]
    rng = np.random.default_rng(4)
    x_tl, p_tl = rng.standard_normal((N + 1, N)), rng.standard_normal((N + 1, p.size))
    states = model.trajectory(x, p, 5)
    at_once = model.sweep_tl(states, p, x_tl, p_tl)
    by_steps = model.sweep_tl(states, p, x_tl[:3], p_tl[:3])
    assert np.allclose(at_once[:, :3], by_steps, rtol=0, atol=ROUNDING)


@pytest.mark.parametrize("kind", ["bridge", "tide, bridge"])
def test_adjoint_of_all_steps_at_once_is_that_of_one_by_one(models, monkeypatch, kind):
    model, x, p = models[kind]
    states = model.trajectory(x, p, 5)
    forces = np.random.default_rng(5).standard_normal(states.shape)
    at_once = model.sweep_ad(states, p, forces)
    monkeypatch.setattr(parametric_networks, "SHORT", 0)
    by_steps = model.sweep_ad(states, p, forces)
    assert np.allclose(at_once.x, by_steps.x, rtol=0, atol=ROUNDING)
    assert np.allclose(at_once.p, by_steps.p, rtol=0, atol=ROUNDING)


@pytest.mark.parametrize(
    "kind",
    [
        "by hand",
        "torch",
        "torch forward",
        "bridge",
        "tide, torch",
        "tide, forward",
        "tide, bridge",
        "two-level",
    ],
)
def test_adjoint_is_transpose_of_tangent_linear_and_both_are_derivatives(models, kind):
    model, x, p = models[kind]
    rng = np.random.default_rng(2)
    n, n_p, n_steps = x.size, p.size, 5
    states = model.trajectory(x, p, n_steps)
    x_tl, p_tl = rng.standard_normal((3, n)), rng.standard_normal((3, n_p))
    forces = rng.standard_normal(states.shape)
    changes = model.sweep_tl(states, p, x_tl, p_tl)
    adjoint = model.sweep_ad(states, p, forces)
    forward = np.einsum("tck,tk->c", changes, forces)
    back = x_tl @ adjoint.x + p_tl @ adjoint.p
    assert np.allclose(forward, back, rtol=0, atol=ROUNDING * np.abs(forward).max())
    by_differences = DifferenceParameters(model, x_scale=3.0, p_scale=np.abs(p))
    size = np.abs(changes).max()
    found = by_differences.sweep_tl(states, p, x_tl, p_tl)
    assert np.allclose(found, changes, rtol=0, atol=DIFFERENCES * size)


def test_all_kinds_of_derivatives_agree_on_lorenz96(models):
    model, x, p = models["by hand"]
    states = model.trajectory(x, p, 5)
    forces = np.ones_like(states)
    true = model.sweep_ad(states, p, forces)
    for kind in ("torch", "torch forward", "bridge"):
        other = models[kind][0].sweep_ad(states, p, forces)
        assert np.allclose(other.x, true.x, rtol=ROUNDING)
        assert np.allclose(other.p, true.p, rtol=ROUNDING)


def test_bridge_and_torch_agree_with_known_inputs(models):
    ends = [models[f"tide, {kind}"][0] for kind in ("torch", "forward", "bridge")]
    _, x, p = models["tide, torch"]
    true = ends[0].trajectory(x, p, 5)
    still = TorchParameters(Tide(), N, dt=DT, **TIDE | {"known": lambda _: level(0)})
    assert not np.allclose(still.trajectory(x, p, 5), true)
    forces = np.ones_like(true)
    expected = ends[0].sweep_ad(true, p, forces)
    for model in ends[1:]:
        assert np.allclose(model.trajectory(x, p, 5), true, rtol=ROUNDING)
        found = model.sweep_ad(true, p, forces)
        assert np.allclose(found.x, expected.x, rtol=ROUNDING)
        assert np.allclose(found.p, expected.p, rtol=ROUNDING)


def test_a_model_file_that_is_no_step_of_the_model_is_refused(tmp_path):
    path = exported_tide(tmp_path)
    for given, text in (
        ({}, r"expected the state, then \['forcing'\]"),
        (
            {"names": ("drag", "growth"), "known": level},
            r"then \['drag', 'growth', 'level'\]",
        ),
        ({"names": ("growth", "drag")}, r"then \['growth', 'drag'\], and the state after"),
    ):
        with pytest.raises(BindingError, match=text):
            BridgeParameters(path, N, **({"names": ("forcing",)} | given))
    with pytest.raises(BindingError, match="state has 12 numbers, expected 13"):
        BridgeParameters(path, 13, **TIDE)
    with pytest.raises(ConfigurationError, match=r"is a step of 0\.05, expected 0\.1"):
        BridgeParameters(path, N, dt=0.1, **TIDE)


def test_borrowed_derivatives_are_of_the_same_model(models):
    with pytest.raises(ConfigurationError, match="of the borrowed derivatives are"):
        BorrowedParameters(ForcedLorenz96(N, 2 * DT), models["bridge"][0])
    with pytest.raises(ConfigurationError, match="'mode' must be one of"):
        TorchParameters(torch.nn.Identity(), N, dt=DT, mode="sideways")


def window(n_steps=8, seed=0):
    """Return truth, first guess and observations of every second site."""
    rng = np.random.default_rng(seed)
    simulator = Lorenz96(N, FORCING)
    x = simulator.advance(simulator.initial_state(1, seed=seed), DT, n_steps=400)[0]
    states = ForcedLorenz96(N, DT).trajectory(x, np.array([FORCING]), n_steps)
    values = states + 0.5 * rng.standard_normal(states.shape)
    values[:, 1::2] = np.nan
    seen = Observations(np.arange(n_steps + 1), values, Sites(N), Diagonal(0.25, N))
    return x + rng.standard_normal(N), seen


def estimation(guess, seen, n_steps=8, sd=2.0):
    """Return the estimation of F in a window."""
    prior = Prior([Parameter("forcing", 8.0, sd)])
    return Estimation(ForcedLorenz96(N, DT), n_steps, seen, prior, guess, Diagonal(1.0, N))


def test_cost_has_the_gradient_and_error_bar_is_the_inverse_hessian():
    problem = estimation(*window())
    rng = np.random.default_rng(3)
    z, direction = 0.1 * rng.standard_normal((2, problem.n_control))
    ahead, behind = (problem.cost(z + s * 1e-4 * direction)[0] for s in (1.0, -1.0))
    slope = (ahead - behind) / 2e-4
    assert slope == pytest.approx(problem.cost(z)[1] @ direction, rel=DIFFERENCES)
    found = problem.minimise(n_stages=2).required()
    end = np.append(found.x - problem.x, (found.q - 8.0) / 2.0)
    hessian = problem.hessian(end, problem.cost(end)[2])
    assert found.error[0] == pytest.approx(2.0 * np.linalg.inv(hessian)[-1, -1] ** 0.5)
    assert found.n_missing == 54
    assert "54 missing and masked" in str(found)


def test_without_observations_the_prior_comes_back():
    guess, seen = window()
    nothing = Observations(
        seen.steps, np.full_like(seen.values, np.nan), seen.operator, seen.covariance
    )
    found = estimation(guess, nothing).minimise()
    assert found.p[0] == 8.0
    assert found.error[0] == pytest.approx(2.0)


def test_log_scale_stays_positive_and_has_a_lopsided_interval():
    guess, seen = window()
    prior = Prior([Parameter("forcing", 3.0, 0.7, "log")])
    model = ForcedLorenz96(N, DT)
    found = Estimation(model, 8, seen, prior, guess, Diagonal(1.0, N)).minimise(n_stages=3)
    low, high = found.required().interval(0.95)[:, 0]
    assert 0.0 < low < found.p[0] < high
    assert low * high == pytest.approx(found.p[0] ** 2)


def test_what_does_not_fit_or_converge_is_said():
    guess, seen = window()
    with pytest.raises(AssimilationError, match=r"did not converge.*gradient"):
        estimation(guess, seen).minimise(max_iterations=1).required()
    with pytest.raises(BindingError, match="the model's parameters are"):
        Estimation(ForcedLorenz96(N, DT), 8, seen, Prior([Parameter("h", 1.0, 1.0)]), guess)
    with pytest.raises(BindingError, match="outside the window"):
        estimation(guess, seen, n_steps=7)
    with pytest.raises(AssimilationError, match="the model blew up"):
        estimation(1e9 * guess, seen).minimise()
    with pytest.raises(ConfigurationError, match="'sd' must be above 0"):
        Parameter("forcing", 8.0, 0.0)


def test_error_bars_hold_the_truth_as_often_as_they_say(tmp_path):
    (tmp_path / "twins.toml").write_text(TEXT)
    done = CliRunner().invoke(app, ["tune", str(tmp_path / "twins.toml")])
    assert done.exit_code == 0, done.output
    assert "60 converged" in done.stdout
    with netCDF4.Dataset(tmp_path / "twins.nc") as file:
        assert file.configuration == TEXT
        departure = (file["estimate"][:] - file["truth"][:]).data[:, 0]
        error = np.sqrt(file["covariance"][:, 0, 0].data)
    for level, reach in ((0.5, 0.674), (0.68, 0.994), (0.9, 1.645), (0.95, 1.96)):
        share = np.mean(np.abs(departure) <= reach * error)
        assert abs(share - level) <= DEVIATIONS * np.sqrt(level * (1 - level) / 60)


class Square(ParametricModel):
    """`x_1 = p^2`: a cost that is not quadratic in its one parameter."""

    n_state, names, dt = 1, ("p",), 1.0

    def trajectory(self, x, p, n_steps):
        """Return both states."""
        return np.array([x, p**2])

    def sweep_tl(self, states, p, x_tl, p_tl):
        """Return both changes."""
        return np.stack([x_tl, 2.0 * p * p_tl])

    def sweep_ad(self, states, p, sensitivity):
        """Return the sensitivities."""
        return Sensitivity(sensitivity[0], 2.0 * p * sensitivity[1])


def test_weighted_draws_have_the_quantiles_of_a_posterior_that_is_no_gaussian():
    prior = Prior([Parameter("p", 1.0, 0.5)])
    seen = Observations(np.array([1]), np.array([[0.6]]), Sites(1), Diagonal(0.25, 1))
    problem = Estimation(Square(), 1, seen, prior, np.zeros(1))
    found = problem.minimise().required()
    grid = np.linspace(-4.0, 4.0, 8001)
    density = np.exp(-0.5 * ((grid - 1.0) / 0.5) ** 2 - 0.5 * (grid**2 - 0.6) ** 2 / 0.25)
    shares = np.cumsum(density) / density.sum()
    draws = draw_posterior(problem, found, 512, np.random.default_rng(1))
    true = np.interp([0.05, 0.95], shares, grid)
    bounds = draws.interval(0.9)[:, 0]
    assert np.abs(bounds - true).max() <= QUANTILE * found.error[0]
    assert np.abs(found.interval(0.9)[:, 0] - true).max() >= 0.1 * found.error[0]
    assert 256 <= draws.effective <= 512


def test_weighted_draws_of_many_controls_agree_with_a_gaussian_posterior():
    """Ten times more accurate observations make the cost quadratic around its minimum."""
    guess, seen = window()
    seen = Observations(seen.steps, seen.values, seen.operator, Diagonal(0.0025, N))
    problem = estimation(guess, seen)
    found = problem.minimise(n_stages=3).required()
    draws = draw_posterior(problem, found, 256, np.random.default_rng(1))
    assert draws.effective >= 64
    expected = found.interval(0.68)[:, 0]
    error = DEVIATIONS * found.error[0] / np.sqrt(draws.effective)
    assert np.abs(draws.interval(0.68)[:, 0] - expected).max() <= 2.0 * error
    with pytest.raises(ConfigurationError, match="'n_draws' must be 16"):
        draw_posterior(problem, found, 8, np.random.default_rng(1))
    hasty = problem.minimise(max_iterations=1)
    with pytest.raises(AssimilationError, match="no minimum"):
        draw_posterior(problem, hasty, 64, np.random.default_rng(1))


def test_twins_that_did_not_converge_are_told_with_their_gradient(tmp_path, monkeypatch):
    whole = Estimation.minimise
    monkeypatch.setattr(
        Estimation, "minimise", lambda self, **_: whole(self, max_iterations=1)
    )
    (tmp_path / "twins.toml").write_text(TEXT.replace("n = 60", "n = 3"))
    done = CliRunner().invoke(app, ["tune", str(tmp_path / "twins.toml")])
    with netCDF4.Dataset(tmp_path / "twins.nc") as file:
        assert not file["is_converged"][:].any()
        norm, left = file["gradient_norm"][:].max(), file["decrement"][:].max()
    assert f"3 did not converge: norm of the gradient up to {norm:.3g}" in done.stdout
    assert f"{left:.2g} standard errors to go" in done.stdout


def test_observations_of_a_file_take_the_place_of_twins(tmp_path):
    """Gauges of a channel whose friction somebody else knows."""
    longer = CHANNEL.replace("n_steps = 20", "n_steps = 40").replace("n_stages = 1\n", "")
    text = f"""{longer}
[posterior]
draws = 32
[observations]
file = "gauges.nc"
"""
    (tmp_path / "real.toml").write_text(text)
    tuning, p = read_tuning(tmp_path / "real.toml"), np.array([0.002, 0.004])
    rng = np.random.default_rng(1)
    states = tuning.case.truth.trajectory(tuning.case.start(p, rng), p, 40)
    values = tuning.case.observe(states, rng).values
    values[3, 0] = np.nan

    def write(values):
        with netCDF4.Dataset(tmp_path / "gauges.nc", "w") as file:
            for name, size in zip(("time", "observation"), values.shape, strict=True):
                file.createDimension(name, size)
            file.createVariable("value", "f8", ("time", "observation"))[:] = values

    command = ["tune", str(tmp_path / "real.toml")]
    write(values[1:])
    with pytest.raises(BindingError, match="one row for each observed time"):
        CliRunner().invoke(app, command, catch_exceptions=False)
    write(values)
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    assert "converged" in done.stdout and "before" in done.stdout
    with netCDF4.Dataset(tmp_path / "real.nc") as file:
        assert file.configuration == text
        assert file["cost"][0] < file["cost_before"][0]
        assert file["n_observed"][0] == values.size - 1
        low, high = file["interval"][0, -1].filled()
        assert (low < file["estimate"][0]).all() and (file["estimate"][0] < high).all()
        error = np.sqrt(np.diagonal(file["covariance"][0].filled()))
        assert (np.abs(np.log(file["estimate"][0] / p)) < 4.0 * error).all()
    write(values + 1.0)
    with pytest.raises(ConfigurationError, match="other observations"):
        CliRunner().invoke(app, command, catch_exceptions=False)
    (tmp_path / "gauges.nc").unlink()
    with pytest.raises(ConfigurationError, match=r"'observations\.file'"):
        CliRunner().invoke(app, command, catch_exceptions=False)
    (tmp_path / "real.toml").write_text(text + "[twins]\nn = 3\n")
    with pytest.raises(ConfigurationError, match="takes the place"):
        read_tuning(tmp_path / "real.toml")


def test_a_second_call_repeats_nothing_and_another_text_is_refused(tmp_path):
    file, text = tmp_path / "twins.toml", TEXT.replace("n = 60", "n = 2")
    file.write_text(text)
    CliRunner().invoke(app, ["tune", str(file)])
    with netCDF4.Dataset(tmp_path / "twins.nc", "a") as results:
        results["estimate"][0, 0] = 77.0  # a mark that another run would wipe out
    CliRunner().invoke(app, ["tune", str(file)])
    with netCDF4.Dataset(tmp_path / "twins.nc") as results:
        assert results["estimate"][0, 0] == 77.0
    file.write_text(text.replace("sd = 2.0", "sd = 1.0"))
    other = CliRunner().invoke(app, ["tune", str(file)])
    assert isinstance(other.exception, ConfigurationError)
    assert "another configuration" in str(other.exception)


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ("every_site", "every", r"\[model\] or \[window\].*every"),
        ('"lorenz96"', '"lorenz97"', "'model.kind' must be one of"),
        ('"forcing"', '"F"', r"expected \['forcing'\]"),
        ("background", "guess", r"\[\[parameter\]\]: .*guess"),
        ("n = 60", "m = 60", "unknown key 'twins.m'"),
        ("[twins]", "[posterior]\ndraws = 4\n[twins]", "'posterior.draws' must be 0 or 16"),
        ("n_steps = 8", "n_steps = 0", "'window.n_steps' must be a whole number above 0"),
        ("n_sites = 12", 'derivatives = "none"', "'derivatives' must be one of"),
        ("n_sites = 12", 'derivatives = "network"', "'network', a model file, is needed"),
        ("[twins]", "[twins", "is no TOML"),
    ],
)
def test_mistakes_are_named(tmp_path, old, new, text):
    path = tmp_path / "twins.toml"
    path.write_text(TEXT.replace(old, new))
    with pytest.raises(ConfigurationError, match=text):
        read_tuning(path)


def test_friction_of_a_channel_is_found_by_its_adjoint():
    case = ChannelCase(Window(40, 4, 6, 0.02), n_x=12)
    model, p = case.truth, np.array([0.002, 0.004])
    x = case.start(p, np.random.default_rng(0))
    states = model.trajectory(x, p, 10)
    rng = np.random.default_rng(1)
    p_tl, forces = np.diag(p), rng.standard_normal(states.shape)
    changes = model.sweep_tl(states, p, np.zeros((2, x.size)), p_tl)
    forward = np.einsum("tck,tk->c", changes, forces)
    back = p_tl @ model.sweep_ad(states, p, forces).p
    assert np.allclose(forward, back, rtol=ELLIPTIC, atol=0)
    seen = case.observe(model.trajectory(x, p, 40), rng)
    prior = Prior([Parameter(name, 0.003, 0.5, "log") for name in model.names])
    found = Estimation(model, 40, seen, prior, x).minimise().required()
    assert np.abs(found.score(p)).max() < 4.0
    assert found.x_error.size == 0


def test_rate_constants_have_tangent_linear_and_adjoint_over_a_window():
    box = Mechanism("pollu", fixed_steps=40, atol=1e30)  # smooth to rounding
    model = RateConstants(box, [1, 2, 14], n_boxes=2, dt=5.0)
    rng, p = np.random.default_rng(0), np.array([1.1, 0.9, 1.2])
    started = np.stack([box.initial, 1.5 * box.initial])
    Mechanism("pollu").integrate(started, 60.0)  # equal steps cannot follow the start
    x = started.ravel()
    states = model.trajectory(x, p, 3)
    x_tl, p_tl = x * rng.standard_normal((4, x.size)), rng.standard_normal((4, 3))
    forces = rng.standard_normal(states.shape)
    changes = model.sweep_tl(states, p, x_tl, p_tl)
    adjoint = model.sweep_ad(states, p, forces)
    forward = np.einsum("tck,tk->c", changes, forces)
    back = x_tl @ adjoint.x + p_tl @ adjoint.p
    assert np.allclose(forward, back, rtol=0, atol=STIFF * np.abs(forward).max())
    differences = DifferenceParameters(model)
    found = differences.sweep_tl(states, p, x_tl, p_tl)
    scale = np.abs(changes).max(axis=(0, 1)) + 1e-6
    assert (np.abs(found - changes) / scale).max() <= 10.0 * DIFFERENCES


def test_rate_constants_are_found_from_what_is_measured():
    window = Window(n_steps=6, sd=0.003)
    given = {"reactions": [1, 14], "species": ["O3", "NO2"], "n_boxes": 2, "dt": 10.0}
    case, p = ChemistryCase(window, **given), np.array([1.2, 0.7])
    rng = np.random.default_rng(2)
    seen = case.observe(case.truth.trajectory(case.start(p, rng), p, 6), rng)
    prior = Prior([Parameter(name, 1.0, 0.5, "log") for name in ("k1", "k14")])
    problem = Estimation(case.model, 6, seen, prior, case.start(p, rng))
    found = problem.minimise().required()
    assert np.abs(found.score(p)).max() < 4.0
    assert (found.error < 0.1).all()
    for change, text in (
        ({"reactions": [1, 26]}, "different numbers 1 to 25"),
        ({"species": ["O2"]}, "species 'O2'"),
        ({"species": []}, "need one at least"),
        ({"derivatives": "network"}, "'network', a model file, is needed"),
    ):
        with pytest.raises(ConfigurationError, match=text):
            ChemistryCase(window, **(given | change))
