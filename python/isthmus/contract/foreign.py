# SPDX-License-Identifier: MIT
"""What a model file without a contract tells about itself, read without executing it."""

import json
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..errors import ModelFileError

_FORWARD: Final = re.compile(r"def forward\(self: [^,)]*(?P<rest>[^)]*)\)")
_ARGUMENT: Final = re.compile(r"(\w+): (\w+)")


@dataclass(frozen=True)
class ForeignFile:
    """A container of PyTorch that isthmus did not write, or not with a contract."""

    kind: str
    """`"TorchScript"`, `"AOTInductor package"`, `"torch.export program"`, ..."""
    engine: str | None
    """The engine that runs it; `None` if there is none."""
    inputs: tuple[str, ...]
    """Names of the arguments of `forward`, as far as the file tells."""
    isa: str | None
    n_entries: int
    n_bytes: int


def read_foreign(path: Path | str) -> ForeignFile:
    """Tell what kind of file this is and what can be known of its inputs.

    Raises
    ------
    ModelFileError
        If it is absent or no zip archive.
    """
    path = Path(path)
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            kind, engine = _kind_of(names)
            inputs = _script_inputs(archive, names) if engine == "torchscript" else ()
            isa = _isa(archive, names) if engine == "inductor" else None
    except zipfile.BadZipFile as error:
        raise ModelFileError(
            f"'{path}' is no model file (a zip archive): {error}"
        ) from error
    except OSError as error:
        raise ModelFileError(
            f"'{path}' cannot be read: {error.strerror or error}"
        ) from error
    return ForeignFile(kind, engine, inputs, isa, len(names), path.stat().st_size)


def _kind_of(names: list[str]) -> tuple[str, str | None]:
    inside = {name.partition("/")[2] for name in names}
    if any(name.startswith("data/aotinductor/") for name in inside):
        return "AOTInductor package", "inductor"
    if any(name.startswith("code/") for name in inside) and "constants.pkl" in inside:
        return "TorchScript", "torchscript"
    if any(name.startswith("models/") for name in inside):
        return "torch.export program: compile it first", None
    if "data.pkl" in inside:
        return "torch.save: weights or pickled objects, no network to run", None
    return "zip archive of unknown content", None


def _script_inputs(archive: zipfile.ZipFile, names: list[str]) -> tuple[str, ...]:
    """Read the arguments from the source text that TorchScript keeps."""
    for name in names:
        if name.partition("/")[2] == "code/__torch__.py" or name.endswith(".py"):
            found = _FORWARD.search(archive.read(name).decode("utf-8", "replace"))
            if found and "/code/__torch__" in f"/{name}":
                return tuple(a for a, _ in _ARGUMENT.findall(found["rest"]))
    return ()


def _isa(archive: zipfile.ZipFile, names: list[str]) -> str | None:
    for name in names:
        if name.endswith("wrapper_metadata.json"):
            isa = json.loads(archive.read(name)).get("AOTI_CPU_ISA")
            return None if isa is None else str(isa).lower()
    return None
