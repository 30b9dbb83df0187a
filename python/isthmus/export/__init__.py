# SPDX-License-Identifier: MIT
"""Write a PyTorch network, with its derivatives and contract, into one checked file."""

from .exporter import ExportReport, export_network
from .guards import flagged, learn_guard
from .own_methods import MethodSpec
from .parity import Difference, Parity, run_self_test
from .portable import compile_file
from .signature import VariableSpec

__all__ = [
    "Difference",
    "ExportReport",
    "MethodSpec",
    "Parity",
    "VariableSpec",
    "compile_file",
    "export_network",
    "flagged",
    "learn_guard",
    "run_self_test",
]
