# SPDX-License-Identifier: MIT
"""`isthmus-shallow-water` on several MPI ranks: the same files, one voice."""

import shutil
import subprocess

import numpy as np
import pytest
from shallow_water_runs import (
    ANALYSIS,
    BOX,
    EXACT,
    NX,
    NY,
    SOLVER_ERROR,
    BoundaryFile,
    namelist,
    read,
    run,
    tide,
    write_initial,
    write_tracers,
    write_weather,
)

from isthmus.couple.programs import find_program, write_namelist
from isthmus.errors import ModelRunError


def mpi_command():
    """Return the start of a command on four ranks; skip if there is no MPI."""
    mpirun = shutil.which("mpirun")
    try:
        program = find_program("isthmus-shallow-water-mpi")
    except ModelRunError:
        pytest.skip("not built with MPI")
    if mpirun is None:
        pytest.skip("no mpirun")
    return [mpirun, "--allow-run-as-root", "--oversubscribe", "-n", "4", program]


def test_four_ranks_write_the_file_of_one(folder):
    command = mpi_command()
    BoundaryFile().write(folder / "boundary.nc")
    (folder / "gauges.csv").write_text("name,x,y\na,1000,1000\nb,40000,20000\n")
    settings = tide(
        integration={"n_steps": 50},  # a period of M2
        analysis={**ANALYSIS, "constituents": ["M2"], "start": 0.0},
        gauges={"file": "gauges.csv", "output": "gauges.nc"},
        tracers={"names": ["dye"], "file": "tracers.nc"},
        solver=EXACT,
        files={"restart_out": "r.nc"},
    )
    write_tracers(folder / "tracers.nc")
    assert run(folder, settings)[0] == 0
    dye = read(folder / "out.nc", "dye")
    names = {"out.nc": "zeta", "gauges.nc": "u", "tide.nc": "amplitude", "r.nc": "v"}
    alone = {path: read(folder / path, name) for path, name in names.items()}
    for path in names:
        (folder / path).unlink()
    done = subprocess.run(
        [*command, "config.nml"], cwd=folder, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    for path, name in names.items():
        together = read(folder / path, name)
        np.testing.assert_allclose(together, alone[path], rtol=0, atol=100 * SOLVER_ERROR)
    np.testing.assert_allclose(
        read(folder / "out.nc", "dye"), dye, rtol=0, atol=100 * SOLVER_ERROR
    )
    write_namelist(
        tide(physics={"theta": 0.9}, solver={"name": "x"}), folder / "config.nml"
    )
    done = subprocess.run(
        [*command, "config.nml"], cwd=folder, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 1
    assert done.stderr.count("no solver is called 'x'") == 1
    # A disaster in the block of one rank is told by that rank, once.
    write_initial(folder / "initial.nc", height=2e6)
    write_namelist(namelist(), folder / "config.nml")
    done = subprocess.run(
        [*command, "config.nml"], cwd=folder, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 1
    assert done.stderr.count("'zeta' is") == 1


@pytest.mark.parametrize("what", ["namelist", "grid", "initial", "restart", "record"])
def test_a_rank_that_cannot_read_stops_the_others(folder, what):
    """Rank 1 has settings of its own that name what is not there."""
    *launcher, _, _, program = mpi_command()
    one, other = namelist(), namelist()
    if what == "namelist":
        other["physics"] = {"no_such_key": 1}
    elif what == "grid":
        other["grid"] = {"file": "no.nc"}
    elif what == "initial":
        other["files"]["initial"] = "no.nc"
    elif what == "restart":
        assert run(folder, namelist(files={"restart_out": "r.nc"}))[0] == 0
        for settings, name in ((one, "r.nc"), (other, "no.nc")):
            settings["files"] |= {"initial": "", "restart_in": name}
    else:  # in the middle of the run
        stress = np.full((30, NY, NX), 0.1)
        write_weather(folder / "weather.nc", stress_u=stress, stress_v=0.0)
        stress[3, 2, 2] = np.nan
        write_weather(folder / "no.nc", stress_u=stress, stress_v=0.0)
        for settings, name in ((one, "weather.nc"), (other, "no.nc")):
            settings["forcing"] = {"file": name}
            settings["integration"]["n_steps"] = 60
    write_namelist(one, folder / "one.nml")
    write_namelist(other, folder / "other.nml")
    done = subprocess.run(
        [*launcher, "-n", "1", program, "one.nml", ":", "-n", "1", program, "other.nml"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == (2 if what == "namelist" else 1)
    named = {"namelist": "no_such_key", "record": "record 4"}.get(what, "no.nc")
    said = [line for line in done.stderr.splitlines() if line.startswith("rank 1: ")]
    assert len(said) == 1
    assert named in said[0]
    assert "stopped with rank 1" in done.stderr


def test_a_reproducible_run_has_the_same_bits_on_four_ranks(folder):
    command = mpi_command()
    write_initial(folder / "initial.nc", 64, 64)
    settings = namelist(
        {**BOX, "nx": 64, "ny": 64},
        integration={"is_reproducible": True},
        physics={"advection": "limited", "viscosity": 10.0},
    )
    assert run(folder, settings)[0] == 0
    alone = {name: read(folder / "out.nc", name) for name in ("zeta", "u", "v")}
    (folder / "out.nc").unlink()
    subprocess.run(
        [*command, "config.nml"], cwd=folder, check=True, capture_output=True, timeout=120
    )
    for name, values in alone.items():
        assert read(folder / "out.nc", name).tobytes() == values.tobytes()
