# SPDX-License-Identifier: MIT
"""What all tests in Python share: the network compiler's cache, the bridge's networks."""

import fcntl
import importlib.util
import os
from pathlib import Path
from types import ModuleType

import pytest
import torch

BRIDGE = Path(__file__).parent / "bridge"


def pytest_configure() -> None:
    """Have what calls a network's kernels compiled as it is, before torch asks for it.

    To optimize it takes longer than to compile the kernels, and no test looks at its speed.
    """
    os.environ["AOT_INDUCTOR_COMPILE_WRAPPER_OPT_LEVEL"] = "O0"


@pytest.fixture(scope="session", autouse=True)
def compiler_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Compile torch's headers once for all files of tests, workers and child processes."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent  # each worker has a folder of its own below
    os.environ["TORCHINDUCTOR_CACHE_DIR"] = str(folder / "inductor")


@pytest.fixture(scope="session")
def exporter() -> ModuleType:
    """Return the script that exports the networks of the bridge's tests."""
    return module_at(BRIDGE / "export_networks.py")


@pytest.fixture(scope="session")
def networks(exporter: ModuleType, request: pytest.FixtureRequest) -> Path:
    """Return the folder of the bridge's networks, good and faulty: CTest's if it has run.

    Kept from run to run; exported again if the scripts have changed.
    """
    given = os.environ.get("ISTHMUS_TEST_NETWORKS")
    folder = Path(given) if given else request.config.cache.mkdir("networks")
    folder.mkdir(parents=True, exist_ok=True)
    before = torch.get_num_threads()
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # of two workers one exports, the other waits
        exporter.export_all(folder)
        module_at(BRIDGE / "faults" / "export_faults.py").export_all(
            folder, folder / "faults"
        )
    torch.set_num_threads(before)
    return folder


def module_at(path: Path) -> ModuleType:
    """Return a script as a module."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
