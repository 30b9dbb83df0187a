# SPDX-License-Identifier: MIT
"""Networks inside the Fortran Lorenz-96: equal to PyTorch, restartable, clear."""

import subprocess
from pathlib import Path

import netCDF4
import numpy as np
import pytest
import torch

from isthmus.couple.programs import find_program, run_program
from isthmus.errors import ModelRunError
from isthmus.export import export_network
from isthmus.nets import BilinearNet, LocalClosure, Lorenz96Tendency, Rk4Step

N_MEMBERS, N_SITES, N_STEPS = 5, 36, 60
# Chaos doubles rounding errors every 0.4 time units; 60 steps of 0.01 leave a factor of 3.
ROUNDING = 1e-12
PROGRAM = "isthmus-lorenz96-coupled"


@pytest.fixture(scope="module")
def closure() -> torch.nn.Module:
    torch.manual_seed(3)
    return LocalClosure().double().eval()


@pytest.fixture(scope="module")
def networks(tmp_path_factory: pytest.TempPathFactory, closure: torch.nn.Module) -> Path:
    """Export a closure as .pt and a stepper as .pt2 into one folder."""
    folder = tmp_path_factory.mktemp("networks")
    example = {"x": torch.randn(4, N_SITES, dtype=torch.float64)}
    common = {"inputs": example, "dynamic": {"member": 0}, "progress": False}
    export_network(closure, folder / "closure.pt", outputs=["b"], **common)
    export_network(
        stepper(),
        folder / "stepper.pt2",
        outputs=["x_next"],
        dt=0.01,
        derivatives=False,
        **common,
    )
    return folder


def stepper() -> torch.nn.Module:
    """Return the exact bilinear emulator at F = 10."""
    return Rk4Step(BilinearNet.analytic(10.0), 0.01).double().eval()


def coupled(
    folder: Path, network: Path, role: str, **groups: dict[str, object]
) -> np.ndarray:
    """Run the coupled program and return x [time, member, k]."""
    namelist = {
        "model": {"n_sites": N_SITES, "forcing": 10.0},
        "integration": {
            "dt": 0.01,
            "n_steps": N_STEPS,
            "n_members": N_MEMBERS,
            "spin_up_steps": 0,
            **groups.pop("integration", {}),
        },
        "files": {"output": "x.nc", **groups.pop("files", {})},
        "coupling": {"network": str(network), "role": role},
        **groups,
    }
    run_program(PROGRAM, namelist, folder)
    with netCDF4.Dataset(folder / "x.nc") as dataset:
        return np.asarray(dataset["x"][...])


def iterate(step: torch.nn.Module, first: np.ndarray) -> np.ndarray:
    """Iterate a torch step from a state [member, k]; return all states."""
    states = [torch.from_numpy(first)]
    with torch.no_grad():
        for _ in range(N_STEPS):
            states.append(step(states[-1]))
    return torch.stack(states).numpy()


@pytest.mark.parametrize("scheme", ["held", "every_stage"])
def test_closure_in_fortran_equals_pytorch(
    tmp_path: Path, networks: Path, closure: torch.nn.Module, scheme: str
) -> None:
    x = coupled(tmp_path, networks / "closure.pt", "closure", closure={"scheme": scheme})
    step = Rk4Step(Lorenz96Tendency(10.0), 0.01, closure, scheme)
    assert np.abs(x - iterate(step, x[0])).max() < ROUNDING * np.abs(x).max()


def test_stepper_in_fortran_equals_pytorch(tmp_path: Path, networks: Path) -> None:
    x = coupled(tmp_path, networks / "stepper.pt2", "stepper")
    assert np.abs(x - iterate(stepper(), x[0])).max() < ROUNDING * np.abs(x).max()


def test_restart_of_a_coupled_run_changes_no_bit(tmp_path: Path, networks: Path) -> None:
    network = networks / "closure.pt"
    whole = coupled(tmp_path / "whole", network, "closure")
    half = {"n_steps": N_STEPS // 2}
    coupled(
        tmp_path / "a",
        network,
        "closure",
        integration=half,
        files={"restart_out": "restart.nc"},
    )
    second = coupled(
        tmp_path / "b",
        network,
        "closure",
        integration=half,
        files={"restart_in": str(tmp_path / "a" / "restart.nc")},
    )
    assert np.array_equal(second[-1], whole[-1])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"network": "absent.pt"}, ["absent.pt"]),
        ({"role": "driver"}, ["role", "closure or stepper", "driver"]),
        ({"devise": "cpu"}, ["unknown key 'devise'"]),
        ({"device": "cuda"}, ["cuda"]),
    ],
)
def test_wrong_coupling_ends_with_one_sentence(
    tmp_path: Path, networks: Path, change: dict[str, str], words: list[str]
) -> None:
    group = {"network": str(networks / "closure.pt"), **change}
    with pytest.raises(ModelRunError) as error:
        run_program(PROGRAM, {"coupling": group}, tmp_path)
    assert all(word in str(error.value) for word in words), str(error.value)


def test_network_for_other_sites_is_refused(tmp_path: Path, networks: Path) -> None:
    with pytest.raises(ModelRunError, match=r"'x'.*40.*36"):
        coupled(tmp_path, networks / "closure.pt", "closure", model={"n_sites": 40})
    assert not (tmp_path / "x.nc").exists()


def test_stepper_of_another_time_step_is_refused(tmp_path: Path, networks: Path) -> None:
    with pytest.raises(ModelRunError, match=r"dt = 1\.00000E-02.*2\.00000E-02"):
        coupled(tmp_path, networks / "stepper.pt2", "stepper", integration={"dt": 0.02})


def test_coupled_program_needs_no_python(tmp_path: Path, networks: Path) -> None:
    """It runs in an empty environment and has no Python library open."""
    (tmp_path / "run.nml").write_text(
        f"&integration n_steps = 2 /\n&model n_sites = {N_SITES} /\n"
        f"&coupling network = '{networks / 'closure.pt'}' /\n"
    )
    program = find_program(PROGRAM)
    subprocess.run([program, "run.nml"], cwd=tmp_path, env={}, check=True)
    libraries = subprocess.run(["ldd", program], capture_output=True, text=True, check=True)
    assert "libpython" not in libraries.stdout
