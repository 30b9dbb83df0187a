# SPDX-License-Identifier: MIT
"""The network step of chemistry: totals, signs, training, and the slot in Fortran."""

import re
import subprocess
from dataclasses import replace

import netCDF4
import numpy as np
import pytest
import torch

from isthmus.couple.chemistry import (
    export_lanes,
    export_step,
    generate,
    light_of_step,
    shuffled,
)
from isthmus.couple.chemistry_stability import ChemistryBoxes
from isthmus.couple.criteria import Verdict
from isthmus.couple.paired_trial import judge_in_system
from isthmus.couple.programs import find_program, write_namelist
from isthmus.errors import ConfigurationError, DataError, ExportError
from isthmus.learn import Curriculum, FitSettings
from isthmus.learn.chemistry import (
    ChemistryData,
    FirstSteps,
    pairs,
    train_chemistry_step,
    train_first_step,
)
from isthmus.models import Mechanism
from isthmus.nets.chemistry import ChemistryStep, FamilyProjection, floors

ROUNDING = 5e-15  # of a total of eight terms after a product; relative to the total
DAYS_OF_ROUNDING = 1e-13  # the same over all steps
N_STEPS = 24
SINGLE = 1e-5  # a network in float32 evaluated in another order
LANES = 1e-4  # logarithms and exponentials in float32 too; exponents of some tens
DT = 3600.0


@pytest.fixture(scope="module")
def superfast():
    return Mechanism("superfast", method="rodas4", rtol=1e-6, atol=1e-3)


@pytest.fixture(scope="module")
def data(superfast):
    return shuffled(generate(superfast, dt=DT, n_cells=6, n_steps=12, seed=1))


@pytest.fixture(scope="module")
def trained(superfast, data):
    settings = FitSettings(learning_rate=3e-3, batch_size=128, evaluate_every=30)
    return train_chemistry_step(
        data.cells(0, 40),
        data.cells(40, 48),
        superfast.linear_invariants(),
        hidden=(16,),
        activation_name="hardswish",
        curriculum=Curriculum(steps=(1, 4), epochs=(60, 2)),
        settings=settings,
        progress=False,
    )


@pytest.mark.parametrize("name", ["superfast", "small_strato", "pollu"])
def test_any_network_keeps_totals_and_signs(name):
    """Random weights, factors up to thousands in a step: still the elements are kept."""
    mechanism = Mechanism(name)
    torch.manual_seed(2)
    invariants = mechanism.linear_invariants()
    n = len(mechanism)
    y = torch.exp(8 * torch.randn(200, n, dtype=torch.float64))
    step = ChemistryStep(invariants, floors(y.numpy()), dt=1.0, hidden=(16,))
    step.fit_linear(y, y[:, :0], y.flip(0))
    for parameter in step.parameters():
        torch.nn.init.normal_(parameter, std=0.05)
    step.after_training()
    weights = torch.from_numpy(invariants)
    totals = y @ weights.t()
    state = y
    with torch.no_grad():
        first = step(state, state[:, :0])
        for _ in range(N_STEPS):
            state = step(state, state[:, :0])
            assert bool((state > 0).all()) and bool(torch.isfinite(state).all())
    assert float(((first @ weights.t()) / totals - 1).abs().max()) < ROUNDING
    assert float(((state @ weights.t()) / totals - 1).abs().max()) < DAYS_OF_ROUNDING


def test_disturbing_the_next_start_leaves_the_episode_alone(superfast):
    """The disturbed start was once written over the last state of the episode before."""
    one, two = (
        generate(superfast, dt=DT, n_cells=4, n_steps=2, n_episodes=n, seed=5)
        for n in (1, 2)
    )
    assert np.array_equal(one.y[:, :4], two.y[:, :4])  # the first hour's first episode


def test_projection_leaves_what_is_right_alone():
    mechanism = Mechanism("pollu")
    projection = FamilyProjection(mechanism.linear_invariants())
    y = torch.exp(3 * torch.randn(50, 20, dtype=torch.float64))
    # PAN may hold all but a hundredth of the nitrogen; random states seldom have more.
    held = y[:, 12] < 0.9 * (y @ projection.own.t())[:, [0, 2]].amin(dim=1)
    assert int(held.sum()) > 20
    torch.testing.assert_close(projection(y, y)[held], y[held], rtol=1e-13, atol=0)


def test_shared_species_never_takes_a_whole_family():
    projection = FamilyProjection(np.array([[1.0, 1.0, 0.0], [0.0, 2.0, 1.0]]))
    y = torch.tensor([[1.0, 1.0, 1.0]], dtype=torch.float64)
    z = torch.tensor([[1e-9, 1e9, 1e-9]], dtype=torch.float64)
    out = projection(z, y)
    assert bool((out > 0).all())
    torch.testing.assert_close(
        out @ torch.tensor([[1.0, 0], [1, 2], [0, 1]]).double(),
        torch.tensor([[2.0, 3.0]]).double(),
        rtol=1e-14,
        atol=0,
    )


def test_projection_has_derivatives_where_a_family_shares_nothing():
    """In POLLU sulphur shares no species with another family, nitrogen and carbon do."""
    mechanism = Mechanism("pollu")
    projection = FamilyProjection(mechanism.linear_invariants())
    y = torch.from_numpy(mechanism.initial)[None]
    z = (y + 1e-6).requires_grad_()
    projection(z, y).sum().backward()
    assert torch.isfinite(z.grad).all()


def test_refusals():
    with pytest.raises(ConfigurationError, match="not negative"):
        FamilyProjection(np.array([[1.0, -1.0]]))
    with pytest.raises(ConfigurationError, match="in no other"):
        FamilyProjection(np.ones((2, 3)))
    with pytest.raises(ConfigurationError, match="'floor'"):
        ChemistryStep(np.ones((1, 2)), np.array([1.0, 0.0]), dt=1.0)
    with pytest.raises(DataError, match="expected \\[time, cell, species\\]"):
        ChemistryData(np.ones((3, 2, 4)), np.ones((3, 1, 2)), 1.0)
    with pytest.raises(DataError, match="not finite"):
        ChemistryData(np.full((3, 2, 4), np.nan), np.ones((3, 2, 2)), 1.0)


def test_lanes_refuse_what_they_cannot_compute(tmp_path, superfast, data):
    step = ChemistryStep(
        superfast.linear_invariants(), floors(data.y), dt=DT, n_light=3, hidden=(8,)
    )
    with pytest.raises(ExportError, match="SiLU, expected Hardswish"):
        export_lanes(step.after_training(), tmp_path / "step.nc", data, superfast)


@pytest.mark.parametrize("n_light", [0, 2])
def test_pairs_are_all_single_steps_of_trajectories_of_any_length(n_light):
    random = np.random.default_rng(6)
    parts = [
        ChemistryData(
            random.random((n_times, n_cells, 3)),
            random.random((n_times, n_cells, n_light)),
            1.0,
        )
        for n_times, n_cells in ((4, 5), (3, 2))
    ]
    both = pairs(*parts)
    assert both.y.shape == (2, 19, 3) and both.light.shape == (2, 19, n_light)
    np.testing.assert_array_equal(both.y[:, 5 + 1], parts[0].y[1:3, 1])
    np.testing.assert_array_equal(both.y[:, 15 + 2], parts[1].y[1:3, 0])
    np.testing.assert_array_equal(both.light[0, 15], parts[1].light[0, 0])


@pytest.mark.parametrize("hidden", [(7,), (8, 13), (5, 9, 6)])
def test_lanes_compute_networks_of_any_depth_and_width(tmp_path, superfast, data, hidden):
    """A host that loads the file computes its examples again, and compares."""
    torch.manual_seed(4)
    step = ChemistryStep(
        superfast.linear_invariants(),
        floors(data.y),
        dt=DT,
        n_light=3,
        hidden=hidden,
        activation_name="hardswish",
    )
    y, light = torch.from_numpy(data.y), torch.from_numpy(data.light)
    parts = (y[:-1], light[:-1], y[1:])
    step.fit_linear(*(part.flatten(0, 1) for part in parts))
    export_lanes(step.after_training(), tmp_path / "step.nc", data, superfast)
    write_start(tmp_path / "start.nc", data.y[0, :5])
    status, said = run(tmp_path, {"network": "step.nc"})
    assert status == 0 and "us per cell and step" in said


def test_lanes_notice_a_changed_weight_and_another_mechanism(
    tmp_path, superfast, data, trained
):
    """One weight off: the examples in the file tell. NaN in a cell: see the run below."""
    export_lanes(trained[0], tmp_path / "step.nc", data, superfast)
    write_start(tmp_path / "start.nc", data.y[0, :5])
    other = {"mechanism": {"file": str(Mechanism("small_strato").path)}}
    status, said = run(tmp_path, {"network": "step.nc"}, groups=other)
    assert status != 0 and "is for the species 'O3 O1D" in said
    with netCDF4.Dataset(tmp_path / "step.nc", "a") as file:
        file["weight_1"][3, 0] += 1.0
    status, said = run(tmp_path, {"network": "step.nc"})
    assert status != 0 and "does not reproduce its own examples" in said


def test_training_beats_persistence(data, trained):
    step, history = trained
    assert history.evaluations[-1].length == 4
    y = torch.from_numpy(data.y[:, 40:])
    light = torch.from_numpy(data.light[:-1, 40:]).flatten(0, 1)
    start, end = (torch.log(part + step.floor) for part in (y[:-1], y[1:]))
    with torch.no_grad():
        stepped = torch.log(step(y[:-1].flatten(0, 1), light) + step.floor)
    error = (stepped - end.flatten(0, 1)).square().mean()
    assert float(error) < 0.5 * float((start - end).square().mean())


def test_first_step_network_fits_what_the_solver_chose(superfast, data, trained):
    fast = Mechanism("superfast")
    y = np.ascontiguousarray(data.y[0])
    done = [fast.integrate(y[c : c + 1].copy(), DT, t=36000.0) for c in range(len(y))]
    h = np.log(np.array([one.h[0] for one in done]) / DT)[:, None]
    light = np.repeat(light_of_step(fast, 36000.0, DT)[None], len(y), axis=0)
    samples = FirstSteps(*(torch.from_numpy(part) for part in (y, light, h)))
    settings = FitSettings(learning_rate=1e-2, batch_size=16, evaluate_every=10)
    net, history = train_first_step(
        trained[0], samples, samples, settings=settings, progress=False
    )
    guess = net(samples.y, samples.light).detach().numpy()
    assert guess.shape == h.shape and history.best < h.var()


def run(directory, coupling, integration=None, groups=None):
    settings = {
        "coupling": coupling,
        "mechanism": {"file": str(Mechanism("superfast").path)},
        "integration": {"dt": DT, "n_steps": 3, "n_cells": 5, "t_start": 32400.0}
        | (integration or {}),
        "files": {"initial": "start.nc", "output": "out.nc"},
    } | (groups or {})
    write_namelist(settings, directory / "config.nml")
    process = subprocess.run(
        [find_program("isthmus-chemistry-coupled"), "config.nml"],
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    said = [line for line in process.stderr.splitlines() if not re.match(r" *\d+ %", line)]
    return process.returncode, "\n".join(said)


def write_start(path, y):
    with netCDF4.Dataset(path, "w") as file:
        file.createDimension("cell", y.shape[0])
        file.createDimension("species", y.shape[1])
        file.createVariable("y", "f8", ("cell", "species"))[:] = y


@pytest.mark.parametrize("name", ["step.pt", "step.nc"])
def test_fortran_runs_the_network_and_falls_back(tmp_path, superfast, data, trained, name):
    step, _ = trained
    tolerance = LANES if name == "step.nc" else SINGLE
    if name == "step.pt":
        report = export_step(step, tmp_path / name, data, superfast)
        assert report.contract.guard is not None
    else:
        export_lanes(step, tmp_path / name, data, superfast)
    y = data.y[4, :5].copy()
    write_start(tmp_path / "start.nc", y)
    status, said = run(tmp_path, {"network": name, "guarded": False})
    assert status == 0 and "0 of 15 cell steps by the solver" in said
    with netCDF4.Dataset(tmp_path / "out.nc") as file:
        fortran = file["y"][:].data
    state = torch.from_numpy(y)
    for n in range(3):
        light = torch.from_numpy(light_of_step(superfast, 32400.0 + n * DT, DT))
        with torch.no_grad():
            state = step(state, light.repeat(5, 1))
        np.testing.assert_allclose(fortran[n + 1], state.numpy(), rtol=tolerance * (n + 1))

    # One cell far outside the training range, one not finite: neighbours keep their bits.
    y[2, superfast.index("O3")] *= 1e3
    y[3, 0] = np.nan
    write_start(tmp_path / "start.nc", y)
    status, said = run(tmp_path, {"network": name})
    assert status == 0 and "1 of them because the input is not finite" in said
    fallback = int(re.search(r"(\d+) of 15 cell steps", said).group(1))
    assert 6 <= fallback < 15
    with netCDF4.Dataset(tmp_path / "out.nc") as file:
        guarded, flags = file["y"][:].data, file["flag"][:].data
    assert flags[-1].tolist() == [0, 0, 0, 1, 0] and np.isnan(guarded[1:, 3]).all()
    expected = Mechanism("superfast")
    far = y[2:3].copy()
    expected.integrate(far, DT, t=32400.0)
    np.testing.assert_array_equal(guarded[1, 2], far[0])
    np.testing.assert_array_equal(guarded[1, [0, 1, 4]], fortran[1, [0, 1, 4]])


@pytest.mark.parametrize(
    ("coupling", "integration", "words"),
    [
        ({"reactor": "magic"}, {}, "'reactor' must be network or"),
        ({"reactor": "network"}, {}, "'network' in &coupling is missing"),
        ({"network": "absent.pt"}, {}, "absent.pt"),
        ({"networks": "a.pt"}, {}, "unknown key 'networks'"),
        ({"network": "step.pt"}, {"dt": 60.0}, "the network steps by 3600"),
    ],
)
def test_coupled_program_refuses(
    tmp_path, superfast, data, trained, coupling, integration, words
):
    if coupling.get("network") == "step.pt":
        export_step(trained[0], tmp_path / "step.pt", data, superfast)
    write_start(tmp_path / "start.nc", data.y[0, :5])
    status, said = run(tmp_path, coupling, integration)
    assert status in (1, 2) and words in said


@pytest.mark.parametrize("reactor", ["solver", "qssa"])
def test_other_reactors_stand_in_the_same_slot(tmp_path, superfast, data, reactor):
    write_start(tmp_path / "start.nc", data.y[0, :5])
    status, said = run(tmp_path, {"reactor": reactor, "n_substeps": 7})
    assert status == 0 and "us per cell and step" in said
    state, h = data.y[0, :5].copy(), None
    mechanism = Mechanism("superfast")
    for n in range(3):
        if reactor == "solver":
            h = mechanism.integrate(state, DT, t=32400.0 + n * DT, h=h).h
        else:
            mechanism.integrate_qssa(state, DT, n_substeps=7, t=32400.0 + n * DT)
    with netCDF4.Dataset(tmp_path / "out.nc") as file:
        np.testing.assert_array_equal(file["y"][-1].data, state)


def test_plume_keeps_its_elements(tmp_path, superfast, data, trained):
    """A day in a gyre: the network far from its training, solver behind it, sums closed."""
    export_step(trained[0], tmp_path / "step.pt", data, superfast)
    command = [find_program("isthmus-plume"), "step.pt", superfast.path, "plume.nc", "0.5"]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True
    )
    changes = re.findall(r"change of the mass of ([NS]): +(\S+)", done.stdout)
    assert [name for name, _ in changes] == ["N", "S"]
    assert max(abs(float(change)) for _, change in changes) < DAYS_OF_ROUNDING
    by_solver, total = re.search(r"(\d+) of (\d+) cell steps", done.stdout).groups()
    assert 0 < int(by_solver) < int(total)
    with netCDF4.Dataset(tmp_path / "plume.nc") as file:
        assert all(np.isfinite(file[name][:].data).all() for name in superfast.species)


def test_stability_finds_a_network_of_a_few_seconds_wanting(
    tmp_path, superfast, data, trained
):
    """It keeps elements and lives, but its ozone is no ozone; the usual solver passes."""
    export_lanes(trained[0], tmp_path / "step.nc", data, superfast)
    system = ChemistryBoxes()
    system.extent = replace(
        system.extent, n_steps=24, n_members=12, n_crowd=20, n_parallel=1
    )
    report = judge_in_system(system, {"tiny": tmp_path / "step.nc"}, tmp_path / "runs")
    (tiny,) = report.candidates
    verdicts = {finding.key: finding.verdict for finding in tiny.findings}
    assert verdicts["imbalance"] is Verdict.PASS
    assert verdicts["error: O3"] is Verdict.FAIL and tiny.verdict is Verdict.FAIL
    control = {finding.key: finding.verdict for finding in report.control.findings}
    assert control["imbalance"] is Verdict.PASS and control["error: O3"] is Verdict.PASS
    assert Verdict.FAIL not in control.values()
    assert not any(finding.key.startswith("error_ratio") for finding in tiny.findings)
