# SPDX-License-Identifier: MIT
"""The model file before it has its name: where it is, and what is shown meanwhile."""

import platform
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from ..contract import sync_folder
from ..errors import ContractError, ExportError, ModelFileError


@contextmanager
def folder_beside(target: Path) -> Iterator[Path]:
    """Make a folder on the target's file system, so that publishing is one rename.

    It is gone when the block ends, whatever ended it.

    Raises
    ------
    ExportError
        If the target cannot be written, now or during the block.
    """
    if target.is_dir():
        raise ExportError(f"'{target}' is a folder")
    try:
        folder = tempfile.TemporaryDirectory(prefix=f".{target.stem}.", dir=target.parent)
    except OSError as error:
        raise ExportError(f"'{target}' cannot be written: {error.strerror}") from error
    with folder as name:
        try:
            yield Path(name)
        except ModelFileError as error:
            raise ExportError(str(error)) from error
        except OSError as error:
            reason = error.strerror or str(error)
            raise ExportError(f"'{target}' cannot be written: {reason}") from error
        except ContractError as error:
            raise ExportError(f"the contract is not consistent: {error}") from error


def publish(draft: Path, target: Path) -> None:
    """Give the draft its name, atomically and for good."""
    draft.replace(target)
    sync_folder(target.parent)


@contextmanager
def shown(progress: bool | None) -> Iterator[Callable[[str], None]]:
    """Show the current step and its time on standard error; None: if that is a terminal."""
    console = Console(stderr=True)
    wanted = console.is_terminal if progress is None else progress
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not wanted) as bar:
        task = bar.add_task("")
        yield lambda text: bar.update(task, description=text)


def collected_provenance(seed: int) -> dict[str, Any]:
    """Return what made a file: versions, time, seed."""
    return {
        "isthmus": _version(),
        "torch": str(torch.__version__),
        "python": platform.python_version(),
        "created": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "seed": seed,
    }


def _version() -> str:
    try:
        from ..bridge import version
    except ImportError as error:  # without the bridge nothing can be checked
        raise ExportError(
            f"the bridge is not built, which checks the file: {error}"
        ) from error
    return version()
