# SPDX-License-Identifier: MIT
"""Find and run the Fortran programs that are installed with the package."""

import os
import re
import shutil
import signal
import subprocess
import sysconfig
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import f90nml

from isthmus.errors import ModelRunError

Namelist = Mapping[str, Mapping[str, Any]]
PROGRESS = re.compile(r"(\d+)\s*%")


def find_program(name: str) -> Path:
    """Return the path of an installed Fortran program.

    It is looked for in the folder named by `ISTHMUS_BIN`, in the installed package and on
    `PATH`, in this order.

    Raises
    ------
    ModelRunError
        If it is in none of them.
    """
    folders = [Path(sysconfig.get_path("platlib")) / "isthmus" / "bin"]
    if "ISTHMUS_BIN" in os.environ:
        folders.insert(0, Path(os.environ["ISTHMUS_BIN"]))
    for folder in folders:
        if (folder / name).is_file():
            return folder / name
    on_path = shutil.which(name)
    if on_path is None:
        looked = ", ".join(str(folder) for folder in folders)
        raise ModelRunError(f"program '{name}' not found in {looked} nor on PATH: build it")
    return Path(on_path)


def write_namelist(namelist: Namelist, path: Path) -> None:
    """Write groups of settings as a Fortran namelist file."""
    groups = {group: dict(settings) for group, settings in namelist.items()}
    f90nml.Namelist(groups).write(path, force=True)


def run_program(
    name: str,
    namelist: Namelist,
    directory: Path,
    *,
    on_progress: Callable[[float], None] | None = None,
    file_name: str = "namelist.nml",
    threads: int | None = None,
) -> None:
    """Write a namelist to `directory`, made if need be, and run a Fortran program on it.

    Paths in the namelist are relative to `directory`; the rest is as in `run_namelist`.
    """
    directory.mkdir(parents=True, exist_ok=True)
    write_namelist(namelist, directory / file_name)
    run_namelist(name, directory / file_name, on_progress=on_progress, threads=threads)


def run_namelist(
    name: str,
    path: Path,
    *,
    on_progress: Callable[[float], None] | None = None,
    threads: int | None = None,
) -> None:
    """Run a Fortran program on a namelist file, in the folder of that file.

    Parameters
    ----------
    name
        Program, e.g. `"isthmus-lorenz96"`.
    path
        Namelist file; the program reads it and says what is wrong with it.
    on_progress
        Called with the share of the run that is done, 0 to 1.
    threads
        OpenMP threads of the program; as the environment says if not given.

    Raises
    ------
    ModelRunError
        With the program's own last sentence, if it does not end with status zero.
    KeyboardInterrupt
        After the program has ended its own way, if it was interrupted.
    """
    process = subprocess.Popen(
        [find_program(name), path.name],
        cwd=path.parent,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=None if threads is None else {**os.environ, "OMP_NUM_THREADS": str(threads)},
        text=True,
        errors="replace",
    )
    last_words = _follow(process, on_progress)
    if process.returncode in (130, -signal.SIGINT):
        raise KeyboardInterrupt
    if process.returncode != 0:
        sentence = last_words or f"ended with status {process.returncode} and no message"
        raise ModelRunError(f"{name} {path}: {sentence.removeprefix(f'{name}: ')}")


def _follow(
    process: subprocess.Popen[str], on_progress: Callable[[float], None] | None
) -> str:
    """Read the messages of a program until it ends; return the last that is no progress."""
    last_words = ""
    interrupted = False
    while True:
        try:
            for line in process.stderr or ():
                found = PROGRESS.search(line)
                if found and on_progress is not None:
                    on_progress(int(found.group(1)) / 100)
                elif not found and line.strip():
                    last_words = line.strip()
            process.wait()
            break
        except KeyboardInterrupt:
            # The terminal sent the signal to the program as well: let it end its own way.
            if interrupted:
                process.kill()
            interrupted = True
    if interrupted:
        raise KeyboardInterrupt
    return last_words
