# SPDX-License-Identifier: MIT
"""Trajectories on disk and in memory: names, units, netCDF in and out. No torch here."""

from .schema import FIELDS, Field
from .store import Trajectories, open_trajectories, save_trajectories

__all__ = ["FIELDS", "Field", "Trajectories", "open_trajectories", "save_trajectories"]
