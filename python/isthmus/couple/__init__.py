# SPDX-License-Identifier: MIT
"""Networks and Fortran models together: gradients through both, and long coupled runs."""
