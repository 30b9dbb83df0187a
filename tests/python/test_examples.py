# SPDX-License-Identifier: MIT
"""The examples of Lorenz-96 run as written, made small. The others are run by CTest."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import netCDF4
import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
SMALL = {"EPOCHS": "1", "STEPS": "200", "MEMBERS": "4"}


def run(command: list[str], folder: Path) -> str:
    """Return what the command printed; it must end well."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
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
