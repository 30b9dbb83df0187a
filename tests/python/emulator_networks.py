# SPDX-License-Identifier: MIT
"""The networks of the emulator's tests, for Python: the same files as in C and Fortran."""

import importlib.util
from pathlib import Path

import torch

EXPORTER = Path(__file__).parents[1] / "bridge" / "emulator" / "export_emulators.py"


def export_scripts(folder: Path) -> Path:
    """Export the TorchScript ones, which takes a second; return the folder."""
    spec = importlib.util.spec_from_file_location("export_emulators", EXPORTER)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    before = torch.get_num_threads()
    module.export_scripts(folder)
    torch.set_num_threads(before)
    return folder
