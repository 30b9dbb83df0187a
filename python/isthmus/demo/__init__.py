# SPDX-License-Identifier: MIT
"""The main job end to end: truth in Fortran, training, export, coupled runs, report."""

from .job import DemoSettings, run_demo

__all__ = ["DemoSettings", "run_demo"]
