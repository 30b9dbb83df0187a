# SPDX-License-Identifier: MIT
"""Networks in the slots of the Fortran shallow water program."""

import re
import subprocess
from pathlib import Path
from types import MappingProxyType

import netCDF4
import numpy as np
import pytest
import torch

from isthmus.couple.programs import find_program, write_namelist
from isthmus.couple.shallow_water_export import OneBasin, export_shallow_water
from isthmus.errors import ConfigurationError
from isthmus.export import export_network
from isthmus.models import (
    ShallowWater,
    ShallowWaterForcing,
    ShallowWaterGrid,
    ShallowWaterState,
)
from isthmus.nets.shallow_water import BackhausStep

PROGRAM, COUPLED = "isthmus-shallow-water", "isthmus-shallow-water-coupled"
NX, NY, DX, DT, N_STEPS = 24, 20, 1.0e4, 900.0, 100
# Both solve to 1e-13 m; a hundred steps of a damped flow add their errors up.
STEPS_OF_SOLVERS = 1e-10
PHYSICS = MappingProxyType({"theta": 0.55, "drag_coefficient": 1e-3})
TRAINED_FOR = MappingProxyType({"dx": DX, "dy": DX, "f0": 0.0, **PHYSICS})
LIMITS = MappingProxyType(
    {"zeta": (-2.0, 2.0), "u": (-20.0, 20.0), "v": (-20.0, 20.0), "depth": (0.0, 40.0)}
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a basin with land, a hump, a gauge, and the step with known weights."""
    folder = tmp_path_factory.mktemp("coupled")
    rng = np.random.default_rng(4)
    depth = 15.0 + 2.0 * rng.standard_normal((NY, NX))
    depth[0, :4] = depth[9:12, 5:8] = 0.0
    zeta = np.where(depth > 0.0, 0.0, 0.0)
    zeta[4:9, 12:18] = 0.3
    for name, fields in (("grid", {"depth": depth}), ("initial", {"zeta": zeta})):
        with netCDF4.Dataset(folder / f"{name}.nc", "w") as data:
            for dimension, n in (("x", NX), ("y", NY)):
                data.createDimension(dimension, n)
                axis = data.createVariable(dimension, "f8", (dimension,))
                axis.units = "m"
                axis[:] = DX * (np.arange(n) + 0.5)
            for key, field in fields.items():
                data.createVariable(key, "f8", ("y", "x")).units = "m"
                data[key][:] = field
    (folder / "gauges.csv").write_text(f"name,x,y\nmiddle,{12.5 * DX},{10.5 * DX}\n")
    step = BackhausStep(
        dx=DX,
        dt=DT,
        drag=1e-3,
        preconditioner="diagonal",
        tolerance=1e-14,
        on_failure="flag",
    )
    export_shallow_water(
        OneBasin(step),
        folder / "step.pt",
        role="step",
        dt=DT,
        trained_for=TRAINED_FOR,
        limits=LIMITS,
        progress=False,
    )
    return folder


def settings(folder: Path, **groups: dict) -> dict[str, dict]:
    """Return the namelist of a run; groups are merged into its own."""
    found: dict[str, dict] = {
        "grid": {"file": str(folder / "grid.nc")},
        "physics": dict(PHYSICS),
        "integration": {"dt": DT, "n_steps": N_STEPS},
        "solver": {"tolerance": 1e-13},
        "files": {
            "output": "out.nc",
            "output_every": 10,
            "initial": str(folder / "initial.nc"),
            "restart_out": "restart.nc",
        },
        "gauges": {"file": str(folder / "gauges.csv"), "output": "gauges.nc"},
    }
    for group, keys in groups.items():
        merged = {**found.get(group, {}), **keys}
        found[group] = {k: v for k, v in merged.items() if v is not None}
    return {group: keys for group, keys in found.items() if keys}


def run(program: str, where: Path, namelist: dict[str, dict]) -> tuple[int, str]:
    """Run a program; return its status and what it said."""
    where.mkdir(exist_ok=True)
    write_namelist(namelist, where / "config.nml")
    done = subprocess.run(
        [find_program(program), "config.nml"], cwd=where, capture_output=True, text=True
    )
    return done.returncode, done.stderr


def read(path: Path, name: str) -> np.ndarray:
    with netCDF4.Dataset(path) as data:
        return np.ma.filled(data[name][:], np.nan)


def coupled(folder: Path, where: Path, **groups: dict) -> tuple[int, str]:
    """Run the step as a network."""
    groups.setdefault("coupling", {"network": str(folder / "step.pt"), "role": "step"})
    return run(COUPLED, where, settings(folder, **groups))


@pytest.fixture(scope="module")
def physics(folder: Path) -> Path:
    """Return the folder of the model's own run."""
    status, said = run(PROGRAM, folder / "physics", settings(folder))
    assert status == 0, said
    return folder / "physics"


def test_step_with_known_weights_runs_as_the_model(
    folder: Path, physics: Path, tmp_path: Path
) -> None:
    status, said = coupled(folder, tmp_path)
    assert status == 0, said
    assert f"0 of {N_STEPS} steps without the network" in said
    for name in ("zeta", "u", "v"):
        for file in ("out.nc", "gauges.nc"):
            expected = read(physics / file, name)
            difference = np.abs(read(tmp_path / file, name) - expected)
            assert np.nanmax(np.abs(expected[-1])) > 1e3 * STEPS_OF_SOLVERS
            assert np.nanmax(difference) < STEPS_OF_SOLVERS
    drift = re.findall(r"volume error (\S+),", said)[-1]
    assert float(drift) < STEPS_OF_SOLVERS


def test_restart_of_a_run_of_networks_changes_no_bit(folder: Path, tmp_path: Path) -> None:
    half = {"n_steps": N_STEPS // 2}
    assert coupled(folder, tmp_path / "whole")[0] == 0
    assert coupled(folder, tmp_path / "a", integration=half)[0] == 0
    files = {"initial": None, "restart_in": str(tmp_path / "a" / "restart.nc")}
    assert coupled(folder, tmp_path / "b", integration=half, files=files)[0] == 0
    for name in ("zeta", "u", "v"):
        whole = read(tmp_path / "whole" / "restart.nc", name)
        assert np.array_equal(read(tmp_path / "b" / "restart.nc", name), whole)


def test_steps_outside_the_limits_are_the_models(
    folder: Path, physics: Path, tmp_path: Path
) -> None:
    export_shallow_water(
        OneBasin(BackhausStep(dx=DX, dt=DT, drag=1e-3, preconditioner="diagonal")),
        tmp_path / "timid.pt",
        role="step",
        dt=DT,
        trained_for=TRAINED_FOR,
        limits={**LIMITS, "zeta": (-1e-6, 1e-6)},
        progress=False,
    )
    coupling = {"network": str(tmp_path / "timid.pt"), "role": "step"}
    status, said = coupled(folder, tmp_path, coupling=coupling)
    assert status == 0, said
    assert f"{N_STEPS} of {N_STEPS} steps without the network" in said
    for name in ("zeta", "u", "v"):
        expected = read(physics / "restart.nc", name)
        assert np.array_equal(read(tmp_path / "restart.nc", name), expected)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"integration": {"dt": 600.0}}, ["time step", "600", "900"]),
        ({"grid": {"f0": 1e-4}}, ["'f0' = 0.0", "the run has 0.1"]),
        ({"physics": {"theta": 0.6}}, ["'theta' = 0.55", "0.6"]),
        ({"boundary": {"west": "radiating"}}, ["no open boundaries", "&boundary"]),
        ({"coupling": {"role": "closure"}}, ["stress_u", "zeta_next"]),
        ({"coupling": {"role": "steps"}}, ["'role' must be step", "'steps'"]),
        ({"coupling": {"roles": "step"}}, ["unknown key 'roles'"]),
        ({"coupling": {"network": "absent.pt"}}, ["absent.pt"]),
    ],
)
def test_what_does_not_fit_is_refused_before_the_first_step(
    folder: Path, tmp_path: Path, change: dict, words: list[str]
) -> None:
    coupling = {"network": str(folder / "step.pt"), "role": "step"}
    change = {**change, "coupling": {**coupling, **change.get("coupling", {})}}
    status, said = coupled(folder, tmp_path, **change)
    assert status != 0
    assert all(word in said for word in words), said
    assert not (tmp_path / "out.nc").exists()


def test_step_that_does_not_say_its_cells_is_not_exported(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="lacks 'f0'"):
        export_shallow_water(
            OneBasin(BackhausStep(dx=DX, dt=DT)),
            tmp_path / "step.pt",
            role="step",
            dt=DT,
            trained_for={"dx": DX, "dy": DX},
            limits=LIMITS,
        )


class LinearDrag(torch.nn.Module):
    """A closure that the model has as a parameter too."""

    def forward(
        self, zeta: torch.Tensor, u: torch.Tensor, v: torch.Tensor, depth: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the stress against the flow."""
        return -RATE * u + 0.0 * zeta, -RATE * v + 0.0 * depth


class Raised(torch.nn.Module):
    """A poor first guess: higher than the old elevation."""

    def forward(
        self, zeta: torch.Tensor, u: torch.Tensor, v: torch.Tensor, depth: torch.Tensor
    ) -> torch.Tensor:
        """Return the elevation and a centimetre."""
        return zeta + 0.01 + 0.0 * (u + v + depth)


class Double(torch.nn.Module):
    """A preconditioner that is the diagonal but for a factor, which changes nothing."""

    def forward(self, r: torch.Tensor) -> torch.Tensor:
        """Return the residual, twice."""
        return 2.0 * r


RATE = 2e-5  # [s-1]


def last_state(where: Path) -> list[np.ndarray]:
    return [read(where / "restart.nc", name) for name in ("zeta", "u", "v")]


def iterations(said: str) -> float:
    """Return the mean iterations of the last message."""
    return float(re.findall(r"([\d.]+) iterations", said)[-1])


def test_closure_acts_as_the_stress_of_the_model(folder: Path, tmp_path: Path) -> None:
    few = 4
    export_shallow_water(
        LinearDrag(),
        tmp_path / "drag.pt",
        role="closure",
        dt=None,
        trained_for={},
        limits=LIMITS,
        progress=False,
    )
    coupling = {"network": str(tmp_path / "drag.pt"), "role": "closure"}
    integration = {"n_steps": few}
    status, said = coupled(folder, tmp_path, coupling=coupling, integration=integration)
    assert status == 0, said
    depth, zeta = read(folder / "grid.nc", "depth"), read(folder / "initial.nc", "zeta")
    model = ShallowWater(
        ShallowWaterGrid.plane(np.where(depth > 0.0, depth, -1.0), dx=DX),
        dt=DT,
        drag=1e-3,
        tolerance=1e-13,
    )
    state = ShallowWaterState(zeta, *np.zeros((2, NY, NX)))
    for _ in range(few):
        stress = ShallowWaterForcing(stress_u=-RATE * state.u, stress_v=-RATE * state.v)
        model.step(state, forcing=stress)
    assert np.abs(state.u).max() > 0.1
    for found, expected in zip(last_state(tmp_path), state, strict=True):
        rows, columns = found.shape
        wet = expected[:rows, :columns]
        assert np.nanmax(np.abs(found - wet)) < STEPS_OF_SOLVERS


def test_guess_and_preconditioner_leave_the_solution(
    folder: Path, physics: Path, tmp_path: Path
) -> None:
    log = {"every": N_STEPS}
    said_by = {}
    for name in ("cg", "linear"):
        solver = {"name": "cg", "first_guess": "linear" if name == "linear" else "old"}
        namelist = settings(folder, solver=solver, log=log)
        status, said_by[name] = run(PROGRAM, tmp_path / name, namelist)
        assert status == 0, said_by[name]
    export_shallow_water(
        Raised(),
        tmp_path / "raised.pt",
        role="first_guess",
        dt=None,
        trained_for={},
        limits=LIMITS,
        progress=False,
    )
    export_network(
        Double().eval(),
        tmp_path / "double.pt",
        inputs={"r": torch.randn(6, 8, dtype=torch.float64)},
        outputs=["s"],
        dynamic={"y": 0, "x": 1},
        derivatives=False,
        progress=False,
    )
    for role, file in (("first_guess", "raised.pt"), ("preconditioner", "double.pt")):
        status, said_by[role] = coupled(
            folder,
            tmp_path / role,
            coupling={"network": str(tmp_path / file), "role": role},
            solver={"name": "cg"},
            log=log,
        )
        assert status == 0, said_by[role]
    for name in said_by:
        for found, expected in zip(
            last_state(tmp_path / name), last_state(physics), strict=True
        ):
            assert np.nanmax(np.abs(found - expected)) < STEPS_OF_SOLVERS
    assert iterations(said_by["linear"]) < iterations(said_by["cg"])
    assert iterations(said_by["first_guess"]) > iterations(said_by["cg"])
    assert abs(iterations(said_by["preconditioner"]) - iterations(said_by["cg"])) <= 0.1
