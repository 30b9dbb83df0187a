# SPDX-License-Identifier: MIT
"""Make the files of the provoked faults: `export_faults.py NETWORKS FOLDER`.

`NETWORKS` is where `export_networks.py` has put the good ones; the rest are networks that
fail in their own ways, and archives that nobody should execute.
"""

import importlib.util
import os
import pickle
import shutil
import sys
import zipfile
from pathlib import Path
from types import ModuleType

import torch
from torch import Tensor, nn

from isthmus.contract import Contract, Method, Variable, write_contract

N_DEEP = 200_000  # levels of nesting; a parser that recurses needs about 100 bytes a level


def exporter() -> ModuleType:
    """Return the exporter of the common test networks."""
    path = Path(__file__).parents[1] / "export_networks.py"
    spec = importlib.util.spec_from_file_location("export_networks", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Listing(nn.Module):
    """Returns a list, whose length no schema tells."""

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return [x, 2 x]."""
        return [x, 2 * x]


class Silent(nn.Module):
    """Returns nothing."""

    def forward(self, x: Tensor) -> None:
        """Return None."""
        return


class Choosing(nn.Module):
    """The shape of the result depends on the values."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the positive elements."""
        return x[x > 0]


class Hungry(nn.Module):
    """Needs a pebibyte where x is above one hundred."""

    def forward(self, x: Tensor) -> Tensor:
        """Return 2 x."""
        if bool((x > 100).any()):
            return 2 * x + torch.zeros([1 << 47], dtype=torch.float64).sum()
        return 2 * x


class Pointing(nn.Module):
    """Reads a table at the places that x names."""

    def forward(self, x: Tensor) -> Tensor:
        """Return 2 x for 0 <= x < 101."""
        table = 2 * torch.arange(101, dtype=x.dtype)
        return table[x.to(torch.int64)]


class Multiplying(nn.Module):
    """Has a matrix of its own size: other widths fail within."""

    def forward(self, x: Tensor) -> Tensor:
        """Return 2 x for x of width 4."""
        return x @ (2 * torch.eye(4, dtype=x.dtype))


def rewrite_entries(source: Path, target: Path, changes: dict[str, bytes]) -> None:
    """Copy an archive with other content in the entries whose names end so."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        done = set()
        for info in old.infolist():
            data = old.read(info)
            for end, content in changes.items():
                if info.filename.endswith(end):
                    data = content
                    done.add(end)
            new.writestr(info, data)
    assert done == set(changes), f"{set(changes) - done} not in {source}"


class Bomb:
    """Unpickled by Python, it would leave a file behind."""

    def __init__(self, trace: Path) -> None:
        """Keep where."""
        self.command = f"touch {trace}"

    def __reduce__(self) -> tuple[object, tuple[str]]:
        """Ask for a command to be run."""
        return os.system, (self.command,)


def export_networks_of_faults(folder: Path, common: ModuleType) -> None:
    """Export networks that fail in their own ways."""
    modules: dict[str, nn.Module] = {
        "listing": Listing(),
        "silent": Silent(),
        "choosing": Choosing(),
        "hungry": Hungry(),
        "pointing": Pointing(),
        "multiplying": Multiplying(),
    }
    for name, module in modules.items():
        common.script(module, folder / f"{name}.pt")


def sealed(folder: Path, source: Path, name: str, text: bytes) -> None:
    """Write another contract text with its right checksum beside it."""
    import hashlib

    digest = hashlib.sha256(text).hexdigest().encode()
    changes = {"extra/isthmus.json": text, "extra/isthmus.json.sha256": digest}
    rewrite_entries(source, folder / name, changes)


def export_bad_contracts(folder: Path, good: Path, common: ModuleType) -> None:
    """Write contracts that are not what they should be; their checksums are right."""
    deep = b'{"format": ' + b"[" * N_DEEP + b"]" * N_DEEP + b"}"
    sealed(folder, good, "deep_contract.pt", deep)
    sealed(folder, good, "no_json.pt", b"contract: yes\n")
    sealed(folder, good, "null_contract.pt", b"null")
    common.rewrite(good, folder / "dtype.pt", b'"dtype": "float64"', b'"dtype": "float63"')
    common.rewrite(good, folder / "extent.pt", b'"row"', b"-4")
    common.rewrite(good, folder / "huge_extent.pt", b'"row"', b"99999999999999999999")
    common.rewrite(good, folder / "sums.pt", b'"payload_sha256": {', b'"payload_sha257": {')
    common.rewrite(good, folder / "names.pt", b'"scale"', b'"x"')


def export_bad_archives(folder: Path, networks: Path) -> None:
    """Write archives with code that must not run, and without what they need."""
    plain, package = networks / "plain_weighted.pt", networks / "plain.pt2"
    bomb = pickle.dumps(Bomb(folder / "exploded"), protocol=2)
    rewrite_entries(plain, folder / "bomb.pt", {"/data.pkl": bomb})
    (folder / "bare_bomb.pt").write_bytes(bomb)
    nested = b"\x80\x02" + b"(" * N_DEEP + b"t" * N_DEEP + b"."
    rewrite_entries(plain, folder / "deep_pickle.pt", {"/data.pkl": nested})
    with zipfile.ZipFile(plain) as archive:
        code = next(n for n in archive.namelist() if n.endswith(".py"))
    end = code.partition("/")[2]
    rewrite_entries(
        plain, folder / "bad_code.pt", {end: b"class Weighted(Module):\n  def ("}
    )
    with zipfile.ZipFile(package) as archive:
        entry = next(n for n in archive.namelist() if n.endswith("wrapper_metadata.json"))
        library = next(n for n in archive.namelist() if n.endswith("wrapper.so"))
        metadata = archive.read(entry)
    cuda = metadata.replace(b'"AOTI_DEVICE_KEY": "cpu"', b'"AOTI_DEVICE_KEY": "cuda"')
    assert cuda != metadata, "the metadata do not name the device"
    end = entry.partition("/")[2]
    rewrite_entries(package, folder / "cuda.pt2", {end: cuda})
    deep = b'{"a": ' + b"[" * N_DEEP + b"]" * N_DEEP + b"}"
    rewrite_entries(package, folder / "deep_metadata.pt2", {end: deep})
    end = library.partition("/")[2]
    rewrite_entries(package, folder / "no_elf.pt2", {end: b"no machine code\n" * 100})


def export_quoted(folder: Path, common: ModuleType) -> None:
    """Export a network whose names have quotes, blanks and letters beyond ASCII."""
    path = folder / "quoted.pt"
    common.script(Multiplying(), path)
    write_contract(
        path,
        Contract(
            name="quoted",
            engine="torchscript",
            methods={"forward": Method(('x "raw"',), ("y 'é'",))},
            variables={
                'x "raw"': Variable("float64", ("row", 4)),
                "y 'é'": Variable("float64", ("row", 4)),
            },
            payload_sha256={},
        ),
    )


def export_all(networks: Path, folder: Path) -> None:
    """Make everything, unless it is there and newer than this script and its input."""
    stamp = folder / "exported"
    newest = max(Path(__file__).stat().st_mtime, (networks / "exported").stat().st_mtime)
    if stamp.exists() and stamp.stat().st_mtime > newest:
        return
    torch.set_num_threads(1)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    common = exporter()
    export_networks_of_faults(folder, common)
    export_bad_contracts(folder, networks / "weighted_float64.pt", common)
    export_bad_archives(folder, networks)
    export_quoted(folder, common)
    stamp.touch()


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(f"usage: {sys.argv[0]} NETWORKS FOLDER")
    export_all(Path(sys.argv[1]), Path(sys.argv[2]))
