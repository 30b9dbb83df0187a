# SPDX-License-Identifier: MIT
"""The command line on good and bad days: one sentence, a non-zero exit, no traceback."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import netCDF4
import pytest

from isthmus.cli import main
from isthmus.data import open_trajectories

TWO_LEVEL = """
&model levels = 2, n_sites = 36, n_fast = 10, forcing = 10.0 /
&integration dt = 0.01, n_steps = 60, spin_up_steps = 500, n_members = 2 /
&files output = "two_level.nc", write_fast = .false. /
"""


def isthmus(
    *arguments: object, folder: Path, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the command in a folder of its own, on one thread."""
    return subprocess.run(
        [
            sys.executable,
            "-c",
            "from isthmus.cli import main; main()",
            *map(str, arguments),
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", **(env or {})},
    )


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Simulate a short truth by the command."""
    folder = tmp_path_factory.mktemp("truth")
    (folder / "two_level.nml").write_text(TWO_LEVEL)
    done = isthmus("simulate", "two_level.nml", folder=folder)
    assert done.returncode == 0, done.stderr
    return folder / "two_level.nc"


def test_simulate_leaves_trajectories_that_training_can_read(truth: Path) -> None:
    data = open_trajectories(truth, ["x", "coupling"])
    assert data["x"].shape == (61, 2, 36)


def test_closure_trained_by_command_runs_and_is_judged(truth: Path, tmp_path: Path) -> None:
    network = tmp_path / "closure.pt"
    trained = isthmus(
        "train", "closure", truth, network, "--method", "fortran", "--epochs", 1,
        "--steps", 2, folder=tmp_path,
    )  # fmt: skip
    assert trained.returncode == 0, trained.stderr
    judged = isthmus(
        "stability", network, "--steps", 200, "--members", 4, "--directory", "report",
        folder=tmp_path,
    )  # fmt: skip
    assert judged.returncode == 3, judged.stderr  # so short a run cannot pass
    assert (tmp_path / "report" / "report.html").is_file()
    assert (tmp_path / "report" / "report.json").is_file()


@pytest.mark.timeout(120)  # at once: of seconds, the imports on a busy machine
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["simulate", "absent.nml"], ["absent.nml"]),
        (["simulate", "bad.nml"], ["bad.nml:2", "unknown key 'n_site'"]),
        (["couple", "bad.nml"], ["bad.nml:2", "unknown key 'n_site'"]),
        (["train", "emulator", "absent.nc", "out.pt"], ["absent.nc", "no such file"]),
        (["train", "closure", "text.nc", "out.pt"], ["text.nc"]),
        (["train", "emulator", "other.nc", "out.pt"], ["other.nc", "no variable 'x'"]),
        (["stability", "absent.pt"], ["absent.pt", "does not exist"]),
        (["stability", "text.nc"], ["text.nc"]),
        (["stability", "text.nc", "--role", "driver"], ["driver", "closure, stepper"]),
        (
            ["stability", "bad.nml", "--system", "ocean"],
            ["ocean", "lorenz96, rain", "shallow_water"],
        ),
        (["stability", "bad.nml", "--system", "rain", "--role", "x"], ["role"]),
    ],
)
def test_mistake_ends_with_one_sentence(
    tmp_path: Path,
    arguments: list[str],
    words: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """In this process: a new one would import torch anew for each mistake."""
    (tmp_path / "bad.nml").write_text("&model\n  n_site = 40\n/\n")
    (tmp_path / "text.nc").write_text("this is no netCDF and no network")
    with netCDF4.Dataset(tmp_path / "other.nc", "w") as dataset:
        dataset.createDimension("time", 2)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["isthmus", *arguments])
    with pytest.raises(SystemExit) as end:
        main()
    said = capsys.readouterr().err
    assert end.value.code not in (0, 3)
    assert all(word in said for word in words), said
    assert not (tmp_path / "out.pt").exists()


def test_interrupt_keeps_no_half_written_file(tmp_path: Path) -> None:
    """Ctrl-C in the middle: exit 130, and what was computed under a name that says so."""
    (tmp_path / "long.nml").write_text(
        "&integration n_steps = 100000000, n_members = 10, output_every = 1000 /\n"
        "&files output = 'long.nc' /\n"
    )
    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "from isthmus.cli import main; main()",
            "simulate",
            "long.nml",
        ],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob("long.nc*")) and time.monotonic() < deadline:
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the whole group
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "interrupted" in said
    assert not (tmp_path / "long.nc").exists()
