# SPDX-License-Identifier: MIT
"""Export the column network of the MPI tests, for both engines: `export_columns.py FOLDER`.

Each column is on its own, but libtorch's kernels round differently for another number of
columns: bits agree between decompositions only where all calls are of one size.
"""

import importlib.util
import sys
from pathlib import Path

import torch
from torch import nn
from torch.export import Dim

from isthmus.contract import Contract, Method, Variable, write_contract

N_IN, N_OUT, WIDTH = 10, 3, 128


def contract(engine: str, isa: str | None = None) -> Contract:
    """Return what the network says about itself."""
    return Contract(
        name="columns",
        engine=engine,
        methods={"forward": Method(("x",), ("y",))},
        variables={
            "x": Variable("float32", ("column", N_IN)),
            "y": Variable("float32", ("column", N_OUT)),
        },
        payload_sha256={},
        separable="column",
        isa=isa,
    )


def main(folder: Path) -> None:
    """Export, unless it is there and newer than this script."""
    script, package = folder / "columns.pt", folder / "columns.pt2"
    if package.exists() and package.stat().st_mtime > Path(__file__).stat().st_mtime:
        return
    path = Path(__file__).parents[1] / "export_networks.py"
    spec = importlib.util.spec_from_file_location("export_networks", path)
    assert spec is not None and spec.loader is not None
    common = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(common)
    torch.set_num_threads(1)
    torch.manual_seed(3)
    network = nn.Sequential(
        nn.Linear(N_IN, WIDTH),
        nn.GELU(),
        nn.Linear(WIDTH, WIDTH),
        nn.GELU(),
        nn.Linear(WIDTH, N_OUT),
    ).eval()
    folder.mkdir(parents=True, exist_ok=True)
    common.script(network, script)
    write_contract(script, contract("torchscript"))
    shapes = ({0: Dim("column", min=1, max=1 << 20)},)
    common.compile_package({"forward": (network, (torch.zeros(8, N_IN),), shapes)}, package)
    write_contract(package, contract("inductor", common.own_isa(package)))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(f"usage: {sys.argv[0]} FOLDER")
    main(Path(sys.argv[1]))
