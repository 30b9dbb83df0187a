# SPDX-License-Identifier: MIT
"""The programs a package was compiled from, kept in the file; compiled again elsewhere.

Loading such a program unpickles parts of it, which can execute code, as running the file
does anyway: the sums of the contract are compared first, and whoever compiles a file must
trust it as if running it.
"""

import io
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import torch
from torch.export import ExportedProgram

from ..contract import Contract, verify_file, write_contract
from ..errors import ExportError, IsthmusError
from . import inductor
from .draft import folder_beside, publish
from .reasons import reason_of

FOLDER: Final = "extra/portable/"


class Programs:
    """Exported programs, method by method, on their way into a file."""

    def __init__(self) -> None:
        self.bytes: dict[str, bytes] = {}

    def add(self, method: str, program: ExportedProgram) -> None:
        """Keep the program of a method."""
        memory = io.BytesIO()
        torch.export.save(program, memory)
        self.bytes[method] = memory.getvalue()

    def append_to(self, path: Path) -> None:
        """Write all programs into a package."""
        with zipfile.ZipFile(path, "a", zipfile.ZIP_STORED) as archive:
            root = archive.namelist()[0].partition("/")[0]
            for method, content in self.bytes.items():
                archive.writestr(f"{root}/{FOLDER}{method}.pt2", content)


def compile_file(
    source: Path | str,
    target: Path | str,
    *,
    device: str = "cpu",
    isa: inductor.Isa = "native",
    threads: int = 1,
    started: Callable[[str], None] = lambda method: None,
) -> Contract:
    """Compile the programs in a file for a device of this machine; write another file.

    The new file has the contract of the old one, but for instruction set and provenance. It
    gets its name when its self-test has passed on the device.

    Raises
    ------
    ExportError
        If the file holds no programs, the device is not there, or the result is not right.
    ContractError
        If the file is damaged.
    """
    source, target = Path(source), Path(target)
    if target.suffix != ".pt2":
        raise ExportError(f"'{target}' ends in '{target.suffix}', expected .pt2")
    _check_device(device)
    contract = verify_file(source).contract
    programs = _programs_in(source, contract)
    with inductor.compile_cache(), folder_beside(target) as folder:
        draft = folder / target.name
        files = {}
        for method, program in programs.items():
            started(method)
            files[method] = _compile(program, method, device, isa, threads)
        found = inductor.write_package(draft, files)
        provenance = {**contract.provenance, "compiled_for": _name_of(device)}
        provenance["compiled_with_torch"] = str(torch.__version__)
        contract = write_contract(
            draft, replace(contract, isa=found, variants={}, provenance=provenance)
        )
        _test(draft, contract, device)
        publish(draft, target)
    return contract


def _check_device(device: str) -> None:
    try:
        torch.zeros(1, device=device)
    except Exception as error:
        raise ExportError(
            f"device '{device}' is not on this machine, and a package is compiled where it"
            f" runs: {str(error).splitlines()[0]}"
        ) from error


def _programs_in(path: Path, contract: Contract) -> dict[str, ExportedProgram]:
    with zipfile.ZipFile(path) as archive:
        root = archive.namelist()[0].partition("/")[0]
        found = {}
        for method in contract.methods:
            name = f"{root}/{FOLDER}{method}.pt2"
            if name not in archive.namelist():
                raise ExportError(
                    f"'{path}' does not hold the program of '{method}' it was compiled"
                    " from: export it again with portable_program=True"
                    " (--portable-program)"
                )
            try:
                found[method] = torch.export.load(io.BytesIO(archive.read(name)))
            except Exception as error:
                raise ExportError(
                    f"the program of '{method}' in '{path}' cannot be loaded by torch"
                    f" {torch.__version__}: {str(error).splitlines()[0]}"
                ) from error
    return found


def _compile(
    program: ExportedProgram, method: str, device: str, isa: inductor.Isa, threads: int
) -> list[Any]:
    if torch.device(device).type != "cpu":
        from torch.export.passes import move_to_device_pass

        try:
            program = move_to_device_pass(program, device)
        except Exception as error:
            raise ExportError(
                f"'{method}' cannot move to {device}: {reason_of(error)}"
            ) from error
    if program.example_inputs is None:
        raise ExportError(f"the program of '{method}' was saved without example inputs")
    sample = program.example_inputs[0]
    options = inductor.compiler_options(isa, threads)
    return inductor.compile_program(program, method, sample, options)


def _name_of(device: str) -> str:
    if torch.device(device).type == "cuda":
        return f"{device}: {torch.cuda.get_device_name(device)}"
    return device


def _test(path: Path, contract: Contract, device: str) -> None:
    """Run the self-test where the host will run the file."""
    if contract.self_test is None:
        return
    from ..bridge import Model

    try:
        Model(path, device).self_test()
    except IsthmusError as error:
        raise ExportError(f"what was compiled is not right: {error}") from error
