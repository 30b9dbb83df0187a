# SPDX-License-Identifier: MIT
"""Export the networks of the emulator's tests: `export_emulators.py FOLDER`.

Their formulas are closed, so that a test in C or Fortran knows what must come out. The keys
of a time loop (guard, memory, version) are written into the contract's text.
"""

import hashlib
import json
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.export import Dim

from isthmus.contract import Contract, Method, SelfTest, Variable, write_contract

sys.path.insert(0, str(Path(__file__).parent.parent))
from export_networks import compile_package, own_isa, script

N_LEVELS = 4
F64 = torch.float64


class Column(nn.Module):
    """dt = (ps / 1000) (250 - t) (1 + level) / 100; dq = -q / 4 + t / 1e6 (level / 10)."""

    def forward(self, t: Tensor, q: Tensor, ps: Tensor) -> tuple[Tensor, Tensor]:
        """Take t, q [column, level] and ps [column]."""
        level = torch.arange(t.shape[1], dtype=t.dtype)
        dt = (ps / 1000).unsqueeze(1) * (250 - t) * (1 + level) / 100
        return dt, -q / 4 + t / 1e6 * (level / 10)


class Recurrent(nn.Module):
    """h_next = tanh(a h + b x), y = sum of h_next: what it answers depends on its past."""

    def forward(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        """Take x [cell], h [cell, 3]."""
        a = torch.tensor([0.75, -0.5, 0.25], dtype=x.dtype)
        b = torch.tensor([1.0, 0.625, -0.375], dtype=x.dtype)
        h_next = torch.tanh(a * h.flip(1) + b * x.unsqueeze(1))
        return h_next.sum(1), h_next


class Member(nn.Module):
    """y = weight x (1 + x / 10)."""

    def __init__(self, weight: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(weight, dtype=F64))

    def forward(self, x: Tensor) -> Tensor:
        """Take x [cell, 2]."""
        return self.weight * x * (1 + x / 10)


class Noisy(nn.Module):
    """y = x + noise of the standard normal distribution."""

    def forward(self, x: Tensor) -> Tensor:
        """Take x [cell]."""
        return x + torch.randn_like(x)


class Fragile(nn.Module):
    """y = sqrt(x), NaN below zero, and infinite where x is above 1000."""

    def forward(self, x: Tensor) -> Tensor:
        """Take x [cell, 2]."""
        return torch.where(x > 1000, torch.full_like(x, float("inf")), torch.sqrt(x))


class Slow(nn.Module):
    """y = x after many products of matrices: some hundredths of a second."""

    def forward(self, x: Tensor) -> Tensor:
        """Take x [cell]."""
        m = torch.eye(128, dtype=x.dtype)
        for _ in range(400):
            m = m @ m
        return x * m[0, 0]


def column_contract(engine: str, isa: str | None) -> Contract:
    """Return the contract of `Column`, with test vectors."""
    generator = torch.Generator().manual_seed(1)
    t = 250 + 20 * torch.rand(3, N_LEVELS, dtype=F64, generator=generator)
    q = 0.01 * torch.rand(3, N_LEVELS, dtype=F64, generator=generator)
    ps = torch.tensor([1000.0, 900.0, 500.0], dtype=F64)
    dt, dq = Column()(t, q, ps)
    profile, dims = ("column", N_LEVELS), ("column", "level")
    return Contract(
        name="column",
        engine=engine,
        methods={"forward": Method(("t", "q", "ps"), ("dt", "dq"))},
        variables={
            "t": Variable("float64", profile, dims=dims, units="K"),
            "q": Variable("float64", profile, dims=dims, units="kg kg-1"),
            "ps": Variable("float64", ("column",), dims=("column",), units="hPa"),
            "dt": Variable("float64", profile, dims=dims, units="K s-1"),
            "dq": Variable("float64", profile, dims=dims, units="kg kg-1 s-1"),
        },
        payload_sha256={},
        separable="column",
        dt=2.0,
        isa=isa,
        self_test=SelfTest(
            seed=1,
            inputs={"t": t.tolist(), "q": q.tolist(), "ps": ps.tolist()},
            outputs={"dt": dt.tolist(), "dq": dq.tolist()},
            tolerance=1e-12,
        ),
    )


def recurrent_contract(engine: str, isa: str | None) -> Contract:
    """Return the contract of `Recurrent`."""
    return Contract(
        name="recurrent",
        engine=engine,
        methods={"forward": Method(("x", "h"), ("y", "h_next"))},
        variables={
            "x": Variable("float64", ("cell",)),
            "h": Variable("float64", ("cell", 3)),
            "y": Variable("float64", ("cell",)),
            "h_next": Variable("float64", ("cell", 3)),
        },
        payload_sha256={},
        separable="cell",
        isa=isa,
    )


def cells_contract(name: str, *, width: int | None = None, units: str = "1") -> Contract:
    """Return the contract of a network y(x) of scripts, on cells."""
    shape = ("cell",) if width is None else ("cell", width)
    return Contract(
        name=name,
        engine="torchscript",
        methods={"forward": Method(("x",), ("y",))},
        variables={
            "x": Variable("float64", shape, units=units),
            "y": Variable("float64", shape, units=units),
        },
        payload_sha256={},
        separable="cell",
    )


COLUMN_KEYS = {
    "version": "7",
    "guard": {
        "inputs": {
            "t": {"low": [200.0, 200.0, 190.0, None], "high": 310.0},
            "q": {"low": 0.0, "high": 0.04},
        },
        "outputs": {"dt": {"low": -50.0, "high": None}},
        "quantiles": [0.001, 0.999],
    },
}


def add_keys(path: Path, keys: Mapping[str, Any]) -> None:
    """Add keys to the contract in a file, and mend its checksum."""
    with zipfile.ZipFile(path) as archive:
        entries = [(info, archive.read(info)) for info in archive.infolist()]
    text = next(data for info, data in entries if info.filename.endswith("isthmus.json"))
    text = json.dumps({**json.loads(text), **keys}).encode()
    with zipfile.ZipFile(path, "w") as copy:
        for info, data in entries:
            if info.filename.endswith("isthmus.json"):
                data = text
            elif info.filename.endswith("isthmus.json.sha256"):
                data = hashlib.sha256(text).hexdigest().encode()
            copy.writestr(info, data)


def export_script(
    path: Path, module: nn.Module, contract: Contract, **keys: object
) -> None:
    """Save a module as TorchScript with its contract."""
    script(module, path)
    write_contract(path, contract)
    add_keys(path, keys)


def export_scripts(folder: Path) -> None:
    """Export the networks of the TorchScript engine."""
    column = column_contract("torchscript", None)
    export_script(folder / "column.pt", Column(), column, **COLUMN_KEYS)
    wrong = {"self_test": {**json.loads(column.to_json())["self_test"]}}
    wrong["self_test"]["outputs"] = {
        name: [[2 * value for value in row] for row in rows]
        for name, rows in wrong["self_test"]["outputs"].items()
    }
    export_script(folder / "wrong_test.pt", Column(), column, **wrong)
    recurrent = recurrent_contract("torchscript", None)
    export_script(folder / "recurrent.pt", Recurrent(), recurrent, memory={"h": "h_next"})
    for i, weight in enumerate((1.0, 2.0, 4.0)):
        contract = cells_contract("member", width=2)
        export_script(folder / f"member_{i}.pt", Member(weight), contract, version=f"v{i}")
    other = cells_contract("member", width=2, units="m")
    export_script(folder / "member_other_units.pt", Member(1.0), other)
    export_script(folder / "noisy.pt", Noisy(), cells_contract("noisy"))
    export_script(folder / "fragile.pt", Fragile(), cells_contract("fragile", width=2))
    export_script(folder / "slow.pt", Slow(), cells_contract("slow"))


def export_packages(folder: Path) -> None:
    """Export the networks of the AOTInductor engine."""
    n = Dim("n", min=1, max=1 << 20)
    t, ps = torch.full((3, N_LEVELS), 250.0, dtype=F64), torch.ones(3, dtype=F64)
    path = folder / "column.pt2"
    shapes = ({0: n}, {0: n}, {0: n})
    compile_package({"forward": (Column(), (t, t.clone(), ps), shapes)}, path)
    write_contract(path, column_contract("inductor", own_isa(path)))
    add_keys(path, COLUMN_KEYS)
    path = folder / "recurrent.pt2"
    h = torch.ones(3, 3, dtype=F64)
    compile_package({"forward": (Recurrent(), (ps, h), ({0: n}, {0: n}))}, path)
    write_contract(path, recurrent_contract("inductor", own_isa(path)))
    add_keys(path, {"memory": {"h": "h_next"}})


def export_all(folder: Path) -> None:
    """Export everything, unless it is there and newer than this script."""
    stamp = folder / "exported"
    mine = Path(__file__).stat().st_mtime
    if stamp.exists() and stamp.stat().st_mtime > mine:
        return
    torch.set_num_threads(1)
    folder.mkdir(parents=True, exist_ok=True)
    export_scripts(folder)
    export_packages(folder)
    stamp.touch()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(f"usage: {sys.argv[0]} FOLDER")
    export_all(Path(sys.argv[1]))
