# SPDX-License-Identifier: MIT
"""Campaigns of chunks: continued after a kill, blow-ups recorded, other settings refused.

The Fortran program is replaced by a Python script that reads the same namelist and writes
the same files; x is the number of the step, so that a lost or repeated chunk is seen.
"""

import json
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from isthmus.couple.campaign import CampaignConfig, Scheme, run_campaign
from isthmus.couple.campaign_state import STATE_FILE, alone_in
from isthmus.couple.trajectories import Trajectory
from isthmus.errors import ConfigurationError, ModelRunError

PROGRAM = """#!{python}
import sys, time
from pathlib import Path
import f90nml, netCDF4
import numpy as np
nml = f90nml.read(sys.argv[1])
run, files, model = nml["integration"], nml["files"], nml["model"]
first = int(np.load(files["restart_in"])) if "restart_in" in files else 0
last = first + run["n_steps"]
if model.get("wrong"):
    sys.exit("fake: unknown key 'wrong'")
fail_at = model.get("fail_at", 10**9)
steps = [s for s in range(first, min(last, fail_at - 1) + 1)
         if s % run["output_every"] == 0 and (s > first or first == 0)]
time.sleep(model.get("pause", 0.0))
output = Path(files["output"])
if fail_at <= last:
    output = output.with_suffix(".failed.nc")
with netCDF4.Dataset(output, "w") as data:
    data.createDimension("time", None)
    data.createDimension("member", run["n_members"])
    data.createDimension("k", 4)
    data.createVariable("time", "f8", ("time",))[:] = run["dt"] * np.array(steps)
    x = data.createVariable("x", "f4", ("time", "member", "k"))
    for i, s in enumerate(steps):
        x[i] = s
print(" 50 %", file=sys.stderr)
if fail_at <= last:
    sys.exit(f"fake: the state is not finite after step {{fail_at}}")
with open(files["restart_out"], "wb") as out:
    np.save(out, last)
"""


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Install the script as a program and return its name."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "fake-model").write_text(PROGRAM.format(python=sys.executable))
    (folder / "fake-model").chmod(0o755)
    monkeypatch.setenv("ISTHMUS_BIN", str(folder))
    return "fake-model"


def config(program: str, n_steps: int = 100, **model: float) -> CampaignConfig:
    schemes = (Scheme("truth", program, {"model": {"levels": 2, **model}}),)
    return CampaignConfig(
        schemes, dt=0.1, n_steps=n_steps, n_members=3, chunk_steps=40, output_every=10
    )


def steps_on_disk(files: list[str], directory: Path) -> list[float]:
    trajectory = Trajectory([directory / name for name in files])
    return [
        float(piece[i, 0, 0]) for piece in trajectory.pieces() for i in range(len(piece))
    ]


def test_chunks_join_to_one_trajectory(fake: str, tmp_path: Path) -> None:
    shares: list[float] = []
    result = run_campaign(
        config(fake), tmp_path / "c", on_progress=lambda name, share: shares.append(share)
    )["truth"]
    assert result.steps_done == 100
    assert len(result.files) == 3  # 40 + 40 + 20
    assert steps_on_disk(result.files, tmp_path / "c") == list(range(0, 101, 10))
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    # Only the last restart is kept.
    assert [p.name for p in (tmp_path / "c/truth").glob("restart*")] == [
        "restart_000000100.nc"
    ]


def test_killed_campaign_continues_after_the_last_chunk(fake: str, tmp_path: Path) -> None:
    directory = tmp_path / "c"
    script = (
        f"import sys; sys.path[:0] = {sys.path!r}\n"
        "from test_campaign import config; from pathlib import Path\n"
        "from isthmus.couple.campaign import run_campaign\n"
        f"run_campaign(config('{fake}', pause=0.3), Path({str(directory)!r}))\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script], cwd=Path(__file__).parent, start_new_session=True
    )
    state = directory / STATE_FILE
    for _ in range(600):
        if state.is_file():
            break
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    done = json.loads(state.read_text())["schemes"][0]
    assert 0 < done["steps_done"] < 100
    first_chunk = directory / done["files"][0]
    stamp = first_chunk.stat().st_mtime_ns

    result = run_campaign(config(fake, pause=0.3), directory)["truth"]
    assert first_chunk.stat().st_mtime_ns == stamp  # was not run again
    assert steps_on_disk(result.files, directory) == list(range(0, 101, 10))
    assert result.seconds > done["seconds"]


def test_longer_campaign_extends_the_shorter(fake: str, tmp_path: Path) -> None:
    run_campaign(config(fake, n_steps=50), tmp_path / "c")
    result = run_campaign(config(fake, n_steps=120), tmp_path / "c")["truth"]
    assert steps_on_disk(result.files, tmp_path / "c") == list(range(0, 121, 10))


def test_blow_up_is_recorded_and_the_others_run(fake: str, tmp_path: Path) -> None:
    both = config(fake)
    bad = Scheme("spoilt", fake, {"model": {"fail_at": 65}})
    results = run_campaign(replace(both, schemes=(bad, *both.schemes)), tmp_path / "c")
    assert results["truth"].failure is None
    assert "not finite after step 65" in (results["spoilt"].failure or "")
    files = results["spoilt"].files
    assert steps_on_disk(files, tmp_path / "c") == [0, 10, 20, 30, 40, 50, 60]
    run = results["spoilt"].to_run(both_with(both, bad), tmp_path / "c", contract="none")
    assert run.failure is not None
    assert run.planned_end == pytest.approx(10.0)
    assert run.provenance["contract"] == "none"
    # A second call does not run it again.
    again = run_campaign(replace(both, schemes=(bad, *both.schemes)), tmp_path / "c")
    assert again["spoilt"].files == files


def both_with(config: CampaignConfig, scheme: Scheme) -> CampaignConfig:
    return replace(config, schemes=(scheme, *config.schemes))


def test_wrong_namelist_ends_the_campaign(fake: str, tmp_path: Path) -> None:
    with pytest.raises(ModelRunError, match="unknown key 'wrong'"):
        run_campaign(config(fake, wrong=1), tmp_path / "c")


def test_other_settings_are_refused(fake: str, tmp_path: Path) -> None:
    run_campaign(config(fake), tmp_path / "c")
    with pytest.raises(ConfigurationError, match="other settings or networks for 'truth'"):
        run_campaign(replace(config(fake), dt=0.2), tmp_path / "c")


def test_another_network_under_the_same_name_is_refused(fake: str, tmp_path: Path) -> None:
    network = tmp_path / "closure.pt2"
    network.write_bytes(b"one")
    scheme = Scheme(
        "closure", fake, {"model": {"levels": 1}, "coupling": {"network": network}}
    )
    both = replace(config(fake), schemes=(scheme,))
    run_campaign(both, tmp_path / "c")
    namelist = next((tmp_path / "c/closure").glob("*.nml")).read_text()
    assert str(network.resolve()) in namelist
    network.write_bytes(b"two")
    with pytest.raises(ConfigurationError, match="'closure'"):
        run_campaign(both, tmp_path / "c")


def test_two_processes_do_not_share_a_campaign(fake: str, tmp_path: Path) -> None:
    (tmp_path / "c").mkdir()
    with (
        alone_in(tmp_path / "c"),
        pytest.raises(ConfigurationError, match="another process"),
    ):
        run_campaign(config(fake), tmp_path / "c")
    run_campaign(config(fake), tmp_path / "c")  # the lock is gone


def test_broken_state_file_is_named(fake: str, tmp_path: Path) -> None:
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / STATE_FILE).write_text("{")
    with pytest.raises(ConfigurationError, match="not a campaign's state"):
        run_campaign(config(fake), tmp_path / "c")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"chunk_steps": 45}, "multiple of 'output_every'"),
        ({"n_members": 0}, "'n_members' must be at least 1"),
        ({"schemes": ()}, "names of their own"),
        ({"schemes": (Scheme("../up", "p", {}),)}, "cannot be the name"),
    ],
)
def test_impossible_settings_are_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        replace(config("p"), **change)


def test_dataless_restart_is_an_error(tmp_path: Path) -> None:
    def silent(name: str, namelist: object, directory: Path, **_: object) -> None:
        del name, namelist, directory

    with pytest.raises(ModelRunError, match="did not write"):
        run_campaign(config("p"), tmp_path / "c", runner=silent)
