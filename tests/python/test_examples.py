# SPDX-License-Identifier: MIT
"""Examples run as written, made small. Those in Fortran and C are run by CTest."""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import netCDF4
import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
SMALL = {"EPOCHS": "1", "STEPS": "200", "MEMBERS": "4", "DAYS": "1", "FACTOR": "0.05"}


def run(command: list[str], folder: Path) -> str:
    """Return what the command printed; it must end well."""
    programs = Path(sysconfig.get_path("platlib")) / "isthmus" / "bin"
    folders = (str(Path(sys.executable).parent), str(programs), os.environ["PATH"])
    path = os.pathsep.join(folders)
    done = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | SMALL | {"PATH": path},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_closure_step_by_step(tmp_path):
    """02: truth, training, coupled run and a verdict."""
    folder = tmp_path / "example"
    shutil.copytree(EXAMPLES / "02_lorenz96_closure", folder)
    run(["./run.sh"], folder)
    with netCDF4.Dataset(folder / "coupled.nc") as coupled:
        assert coupled["x"].shape[1:] == (8, 36)
    assert (folder / "closure.pt").stat().st_size > 0
    assert "verdict" in (folder / "stability" / "report.html").read_text().lower()


@pytest.mark.parametrize("script", ["train_deep", "emulators", "closures"])
def test_a_study_of_numbers_tells_how_it_is_used(script):
    """03: the studies take minutes; their options are those that the page names."""
    text = run([sys.executable, f"{script}.py", "--help"], EXAMPLES / "03_lorenz96_numbers")
    assert "--output" in text


def test_numbers_are_measured_and_tabled(tmp_path):
    """03: the bilinear network, trained to rounding, on a handful of states."""
    folder = EXAMPLES / "03_lorenz96_numbers"
    few = ["--states", "20", "--jacobian-curve-states", "5", "--lyapunov-members", "4"]
    few += ["--lyapunov-time", "2", "--networks", "bilinear", "--output", str(tmp_path)]
    run([sys.executable, "emulators.py", *few], folder)
    table = run([sys.executable, "table.py", "bilinear", "--input", str(tmp_path)], folder)
    assert "| measure | published | here |" in table


def test_a_new_column_model_from_data_to_table(tmp_path):
    """12: fine columns, two trainings, coupled runs; heat is kept to rounding."""
    folder = tmp_path / "example"
    skip = shutil.ignore_patterns("build")
    shutil.copytree(EXAMPLES / "12_new_column_model", folder, ignore=skip)
    table = run(["./run.sh"], folder)
    rows = [line for line in table.splitlines() if line.startswith("| network, ")]
    assert len(rows) == 2
    assert all(float(line.split("|")[-2]) < 1e-12 for line in rows)
    assert (folder / "build" / "column.png").stat().st_size > 0
