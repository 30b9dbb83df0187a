# SPDX-License-Identifier: MIT
"""The contract inside a model file, without torch: terms, text and archive.

A model file is a zip archive (`.pt` or `.pt2`) to which Isthmus adds `isthmus.json`; see
`docs/contract.md`. Nothing here unpickles or executes what is in the file.
"""

from .archive import (
    Verification,
    has_contract,
    payload_sums,
    read_contract,
    sync_folder,
    verify_file,
    write_contract,
)
from .consistency import check_variable, sample_size
from .guards import Bounds, Conserve, Fixer, Guard, Limits, Mahalanobis, PositiveState
from .terms import (
    ADJOINT,
    DTYPES,
    ENGINES,
    HALF_DTYPES,
    METHODS,
    TANGENT,
    Contract,
    Extent,
    Method,
    Normalization,
    SelfTest,
    Variable,
    Variant,
)

__all__ = [
    "ADJOINT",
    "DTYPES",
    "ENGINES",
    "HALF_DTYPES",
    "METHODS",
    "TANGENT",
    "Bounds",
    "Conserve",
    "Contract",
    "Extent",
    "Fixer",
    "Guard",
    "Limits",
    "Mahalanobis",
    "Method",
    "Normalization",
    "PositiveState",
    "SelfTest",
    "Variable",
    "Variant",
    "Verification",
    "check_variable",
    "has_contract",
    "payload_sums",
    "read_contract",
    "sample_size",
    "sync_folder",
    "verify_file",
    "write_contract",
]
