# SPDX-License-Identifier: MIT
"""Isthmus: Fortran Earth-system models and PyTorch networks, joined in both directions."""
