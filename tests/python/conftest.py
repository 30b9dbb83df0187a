# SPDX-License-Identifier: MIT
"""What several files of tests begin with."""

from pathlib import Path

import pytest
from shallow_water_runs import write_initial


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a hump of water, `initial.nc`."""
    write_initial(tmp_path / "initial.nc")
    return tmp_path
