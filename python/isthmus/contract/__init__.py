# SPDX-License-Identifier: MIT
"""The contract inside a model file, without torch: terms, text and archive.

A model file is a zip archive (`.pt` or `.pt2`) to which Isthmus adds `isthmus.json`; see
`docs/contract.md`. Nothing here unpickles or executes what is in the file.
"""

from .archive import (
    Verification,
    payload_sums,
    read_contract,
    sync_folder,
    verify_file,
    write_contract,
)
from .terms import (
    ADJOINT,
    DTYPES,
    ENGINES,
    METHODS,
    TANGENT,
    Contract,
    Extent,
    Method,
    Normalization,
    SelfTest,
    Variable,
)

__all__ = [
    "ADJOINT",
    "DTYPES",
    "ENGINES",
    "METHODS",
    "TANGENT",
    "Contract",
    "Extent",
    "Method",
    "Normalization",
    "SelfTest",
    "Variable",
    "Verification",
    "payload_sums",
    "read_contract",
    "sync_folder",
    "verify_file",
    "write_contract",
]
