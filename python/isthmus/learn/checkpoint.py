# SPDX-License-Identifier: MIT
"""Checkpoints of a training: plain tensors and numbers, written all at once or not at all.

Nothing in them is code: they load with `weights_only=True`, and a file that needs more is
refused.
"""

import os
import tempfile
from pathlib import Path
from typing import Any, Final

import torch

from ..errors import TrainingError

FORMAT: Final = "isthmus-training-1"


def save_atomically(content: dict[str, Any], path: Path) -> None:
    """Write `content` so that `path` is always a whole file, the old or the new.

    Raises
    ------
    TrainingError
        If it cannot be written; an older file stays as it was.
    """
    temporary: Path | None = None
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        temporary = Path(name)
        with os.fdopen(handle, "wb") as file:
            torch.save({"format": FORMAT, **content}, file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except (OSError, RuntimeError) as error:
        raise TrainingError(f"{path}: checkpoint cannot be written ({error})") from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def load(path: Path) -> dict[str, Any]:
    """Read a checkpoint.

    Raises
    ------
    TrainingError
        If the file is absent, damaged, or not a checkpoint of `fit`.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise TrainingError(f"{path}: not a readable checkpoint ({error})") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise TrainingError(f"{path}: not a checkpoint of a training, expected '{FORMAT}'")
    return content
