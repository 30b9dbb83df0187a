# SPDX-License-Identifier: MIT
"""What this machine has of what Isthmus needs, and what to do about the rest."""

import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final, Literal

State = Literal["ok", "look", "failed"]
"""`"look"`: works, but something is missing or surprising."""

PROGRAMS: Final = {
    "gfortran": "to build the Fortran interface and models: install gfortran",
    "gcc": "to build the bridge: install gcc and g++",
    "g++": "to build the bridge and to compile .pt2 packages: install g++",
    "cmake": "to build the bridge: install cmake 3.20 or later",
    "mpif90": "only for models that run with MPI: install openmpi or mpich",
    "nf-config": "only for models that write netCDF from Fortran: install netcdf-fortran",
}
NEEDED: Final = ("g++", "gfortran", "cmake")


@dataclass(frozen=True)
class Finding:
    """One thing about the installation."""

    what: str
    state: State
    detail: str
    advice: str = ""
    """What to do next; empty if nothing."""


def findings() -> Iterator[Finding]:
    """Look at everything, the essential first."""
    yield Finding("Python", "ok", f"{platform.python_version()} at {sys.executable}")
    yield Finding("isthmus", "ok", version("isthmus"))
    yield from _torch_and_bridge()
    yield from _devices()
    yield _instruction_set()
    yield from _programs()
    yield _netcdf()
    yield _openmp()
    yield _temporary_folder()


def _torch_and_bridge() -> Iterator[Finding]:
    import torch

    yield Finding("torch", "ok", str(torch.__version__))
    try:
        from isthmus import bridge
    except ImportError as error:
        yield Finding(
            "bridge", "failed", str(error), "build it here: pip install --editable ."
        )
        return
    found = str(torch.__version__).partition("+")[0]
    built = bridge.torch_version()
    if built == found:
        yield Finding("bridge", "ok", f"{bridge.version()}, built with torch {built}")
    else:
        yield Finding(
            "bridge",
            "failed",
            f"built with torch {built}, but torch {found} is installed",
            "build isthmus again in this environment",
        )


def _devices() -> Iterator[Finding]:
    import torch

    cpus = f"{os.cpu_count()} cores, torch uses {torch.get_num_threads()} threads"
    yield Finding("cpu", "ok", cpus)
    if torch.cuda.is_available():
        for i in range(torch.cuda.device_count()):
            yield Finding(f"cuda:{i}", "ok", torch.cuda.get_device_name(i))
        return
    others = [name for name in ("xpu", "mps") if getattr(torch, name).is_available()]
    for name in others:
        yield Finding(name, "ok", "available")
    if not others:
        built = torch.version.cuda or torch.version.hip
        detail = (
            f"torch is built for {built}, none was found" if built else "torch is for CPU"
        )
        advice = "nvidia-smi shows whether the driver sees one" if built else ""
        yield Finding("accelerator", "look" if built else "ok", detail, advice)


def _instruction_set() -> Finding:
    from torch._inductor.cpu_vec_isa import valid_vec_isa_list

    names = [str(isa) for isa in valid_vec_isa_list()]
    if names:
        return Finding(
            "instruction sets", "ok", f"{platform.machine()}: {', '.join(names)}"
        )
    return Finding(
        "instruction sets",
        "look",
        f"{platform.machine()}: none that torch vectorizes for, or no g++ to try them",
        "portable .pt2 files need AVX2; .pt files run anywhere",
    )


def _programs() -> Iterator[Finding]:
    for name, purpose in PROGRAMS.items():
        where = shutil.which(name)
        if where is None:
            state: State = "failed" if name in NEEDED else "look"
            yield Finding(name, state, "not found", purpose)
        else:
            yield Finding(name, "ok", _first_line([where, "--version"]) or where)


def _first_line(command: list[str]) -> str:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return (done.stdout or done.stderr).strip().partition("\n")[0]


def _netcdf() -> Finding:
    try:
        import netCDF4
    except ImportError as error:
        return Finding("netCDF", "look", str(error), "pip install netCDF4")
    return Finding(
        "netCDF", "ok", f"{netCDF4.__netcdf4libversion__} (of netCDF4 for Python)"
    )


def _openmp() -> Finding:
    """Count the OpenMP runtimes of this process, which has loaded torch and the bridge."""
    try:
        maps = Path("/proc/self/maps").read_text()
    except OSError:
        return Finding("OpenMP", "look", "which runtimes are loaded cannot be seen here")
    paths = {line.split(maxsplit=5)[-1] for line in maps.splitlines() if "/" in line}
    runtimes = sorted(
        p for p in paths if Path(p).name.startswith(("libgomp", "libiomp", "libomp"))
    )
    listed = ", ".join(runtimes)
    if len(runtimes) > 1:
        return Finding(
            "OpenMP",
            "look",
            f"{len(runtimes)} runtimes in one process: {listed}",
            "threads may be oversubscribed or hang: preload the system's one, LD_PRELOAD",
        )
    return Finding("OpenMP", "ok", f"one runtime: {listed}" if listed else "no runtime")


def _temporary_folder() -> Finding:
    """Run a script from the temporary folder: compiled packages are unpacked there."""
    folder = tempfile.gettempdir()
    try:
        with tempfile.TemporaryDirectory() as name:
            script = Path(name) / "run"
            script.write_text("#!/bin/sh\nexit 0\n")
            script.chmod(0o700)
            subprocess.run([script], check=True)
            free = shutil.disk_usage(name).free >> 20
    except (OSError, subprocess.CalledProcessError) as error:
        return Finding(
            "temporary folder",
            "failed",
            f"{folder} cannot be written or executed from: {error}",
            ".pt2 files are unpacked there: set TMPDIR to a folder not mounted noexec",
        )
    if free < 500:
        return Finding(
            "temporary folder",
            "look",
            f"{folder} has {free} MiB free",
            "compiling a .pt2 needs some 300 MiB: set TMPDIR",
        )
    return Finding("temporary folder", "ok", f"{folder}: executable, {free} MiB free")
