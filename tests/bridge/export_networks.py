# SPDX-License-Identifier: MIT
"""Export the networks of the bridge's tests: `export_networks.py FOLDER`.

With plain torch, not with `isthmus.export`: the bridge must stand without it. Good files
come first; the damaged ones are made from them.
"""

import itertools
import shutil
import sys
import tempfile
import warnings
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.export import Dim

from isthmus.contract import Contract, Method, Variable, read_contract, write_contract

N_J = 4  # columns of the weighted network


class Weighted(nn.Module):
    """y[i, j] = (10 i + j + 1) x[i, j] + scale sin(x[i, j]); s[i] = sum_j y[i, j]."""

    def forward(self, x: Tensor, scale: Tensor) -> tuple[Tensor, Tensor]:
        """Every element has another weight: a transposed array cannot pass."""
        i = torch.arange(x.shape[0], dtype=x.dtype).unsqueeze(1)
        j = torch.arange(x.shape[1], dtype=x.dtype).unsqueeze(0)
        y = (10 * i + j + 1) * x + scale * torch.sin(x)
        return y, y.sum(1)


class WeightedTangent(nn.Module):
    """Tangent-linear of `Weighted`."""

    def forward(
        self, x: Tensor, scale: Tensor, x_tl: Tensor, scale_tl: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return y, s, y_tl, s_tl."""
        y, s = Weighted()(x, scale)
        i = torch.arange(x.shape[0], dtype=x.dtype).unsqueeze(1)
        j = torch.arange(x.shape[1], dtype=x.dtype).unsqueeze(0)
        y_tl = (10 * i + j + 1 + scale * torch.cos(x)) * x_tl + scale_tl * torch.sin(x)
        return y, s, y_tl, y_tl.sum(1)


class WeightedAdjoint(nn.Module):
    """Adjoint of `Weighted`."""

    def forward(
        self, x: Tensor, scale: Tensor, y_ad: Tensor, s_ad: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return x_ad, scale_ad."""
        i = torch.arange(x.shape[0], dtype=x.dtype).unsqueeze(1)
        j = torch.arange(x.shape[1], dtype=x.dtype).unsqueeze(0)
        total = y_ad + s_ad.unsqueeze(1)
        x_ad = (10 * i + j + 1 + scale * torch.cos(x)) * total
        return x_ad, (total * torch.sin(x)).sum()


class Indexed(nn.Module):
    """y = 2 x + (position in C order); for logical values, every third is flipped."""

    def forward(self, x: Tensor) -> Tensor:
        """Any type and rank."""
        position = torch.arange(x.numel()).reshape(x.shape)
        if x.dtype == torch.bool:
            return torch.logical_xor(x, position % 3 == 0)
        return (2 * x + position).to(x.dtype)


class Mixed(nn.Module):
    """Several kinds in and out."""

    def forward(
        self, a: Tensor, n: Tensor, m: Tensor, mask: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Take a float32 [n, 3], n int32 [n], m int64 [3], mask bool [n, 3]."""
        whole = n.unsqueeze(1) + m.unsqueeze(0)
        return torch.where(mask, a, 0.5 * a + whole), whole, torch.logical_not(mask)


class Failing(nn.Module):
    """Fails for inputs above one hundred."""

    def forward(self, x: Tensor) -> Tensor:
        """Return 2 x."""
        if bool((x > 100).any()):
            raise RuntimeError("x is above 100")
        return 2 * x


class Mutating(nn.Module):
    """Changes its input."""

    def forward(self, x: Tensor) -> Tensor:
        """Return 2 (x + 1)."""
        x.add_(1)
        return 2 * x


class Gamma(nn.Module):
    """P(2, x), whose operator has no forward mode: its tangent needs two adjoints."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the regularized lower incomplete gamma function, dP/dx = x exp(-x)."""
        return torch.special.gammainc(2 * torch.ones_like(x), x)


class Stairs(nn.Module):
    """x plus x in steps of 1e-12: torch's derivative is 1, the slope of the stairs is 2."""

    def forward(self, x: Tensor) -> Tensor:
        """Return nearly 2 x."""
        return x + torch.floor(1e12 * x) / 1e12


class Repeating(nn.Module):
    """Returns one tensor twice, its input, and a table of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("table", torch.arange(12.0).reshape(3, 4))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return 2 x, the very same once more, x and the table."""
        y = 2 * x
        return y, y, x, self.table


class Passing(nn.Module):
    """Returns its input among its outputs."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return 2 x and x itself."""
        return 2 * x, x


class Wild(nn.Module):
    """Raises every floating-point exception on its way to a finite result."""

    def forward(self, x: Tensor) -> Tensor:
        """Return x + 3 for any finite x."""
        huge = torch.exp(1000 + 0 * x)  # overflow
        infinite = 1 / (0 * x)  # division by zero
        nothing = torch.sqrt(-1 - x * x)  # invalid
        count = torch.isinf(huge) + 1.0 * torch.isinf(infinite) + torch.isnan(nothing)
        return x + count


class Wider(nn.Module):
    """Returns one column more than it takes."""

    def forward(self, x: Tensor) -> Tensor:
        """Pad x with zeros."""
        return nn.functional.pad(x, [0, 1])


class Answering(nn.Module):
    """Returns what a caller's arrays cannot hold."""

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """Return a dictionary."""
        return {"y": x}


class Scaling(nn.Module):
    """Takes what is no tensor."""

    def forward(self, x: Tensor, n: int) -> Tensor:
        """Return n x."""
        return n * x


class Chain(nn.Module):
    """Layers one after the other, with every function that own loops know."""

    def __init__(self, dtype: torch.dtype) -> None:
        """Make layers of widths that are no multiples of a vector's, and one beyond 64."""
        super().__init__()
        torch.manual_seed(3)
        widths = (5, 7, 70, 33, 12, 19)
        pairs = itertools.pairwise(widths)
        self.layers = nn.ModuleList(nn.Linear(m, n, dtype=dtype) for m, n in pairs)
        self.mean = nn.Buffer(torch.linspace(-1, 1, 5, dtype=dtype))
        self.sd = nn.Buffer(torch.linspace(0.5, 2, 5, dtype=dtype))

    def forward(self, x: Tensor) -> Tensor:
        """Scale, then five layers, each with another function."""
        x = (x - self.mean) / self.sd
        x = torch.tanh(self.layers[0](x))
        x = nn.functional.silu(self.layers[1](x))
        x = nn.functional.leaky_relu(self.layers[2](x), 0.1)
        x = torch.sigmoid(self.layers[3](x) * 3.0 + 0.5)
        return torch.relu(self.layers[4](x)) * 2 - 1


class Wide(nn.Module):
    """A perceptron that is parallel and needs memory for its layers."""

    def __init__(self) -> None:
        """Draw the weights."""
        super().__init__()
        torch.manual_seed(1)
        self.layers = nn.Sequential(
            nn.Linear(64, 128),
            nn.GELU(),
            nn.Linear(128, 128),
            nn.GELU(),
            nn.Linear(128, 32),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return (n, 32) from (n, 64)."""
        y: Tensor = self.layers(x)
        return y


class Putting(nn.Module):
    """Uses an operator whose result may depend on the order of threads."""

    def forward(self, x: Tensor) -> Tensor:
        """Return a copy of x, put element by element."""
        y = torch.zeros_like(x)
        return y.put_(torch.arange(x.numel()), x, accumulate=False)


class Pair(NamedTuple):
    """Fields whose names are names of outputs."""

    mean: Tensor
    spread: Tensor


class Nested(nn.Module):
    """Returns tuples in a tuple, and has other methods."""

    def __init__(self) -> None:
        """Hold an offset, so that freezing has something to fold."""
        super().__init__()
        self.offset = nn.Parameter(torch.tensor(10.0))

    def forward(self, x: Tensor) -> tuple[Tensor, Pair, tuple[Tensor, Tensor]]:
        """Return x + 1, (2 x, 3 x), (4 x, 5 x)."""
        return x + 1, Pair(2 * x, 3 * x), (4 * x, 5 * x)

    @torch.jit.export
    def step(self, x: Tensor, dt: float, n: int, flag: bool, power: int = 2) -> Tensor:
        """Return dt x^power + n + offset; power keeps its default."""
        y = dt * x**power + n + self.offset
        return -y if flag else y

    @torch.jit.export
    def named(self, x: Tensor) -> dict[str, Tensor]:
        """Return what only a run can name."""
        return {"double": 2 * x, "half": 0.5 * x}

    @torch.jit.export
    def failing(self, x: Tensor, names: list[str]) -> Tensor:
        """Take what no array can be."""
        return x * len(names)


class Named(nn.Module):
    """Returns a dictionary with a list in it."""

    def forward(self, x: Tensor) -> dict[str, list[Tensor]]:
        """Return 2 x and x / 2 as `a.0`, `b.0`."""
        return {"a": [2 * x], "b": [0.5 * x]}


class Square(nn.Module):
    """float64 in, float16 out: a type that no caller's array has."""

    def forward(self, x: Tensor) -> Tensor:
        """Return x as float16."""
        return x.to(torch.float16)


def weighted_contract(engine: str, dtype: str, isa: str | None = None) -> Contract:
    """Return the contract of `Weighted` and its derivatives."""
    x, scale, y, s = "x", "scale", "y", "s"
    return Contract(
        name="weighted",
        engine=engine,
        methods={
            "forward": Method((x, scale), (y, s)),
            "jvp": Method((x, scale, "x_tl", "scale_tl"), (y, s, "y_tl", "s_tl")),
            "vjp": Method((x, scale, "y_ad", "s_ad"), ("x_ad", "scale_ad")),
        },
        variables={
            x: Variable(dtype, ("row", N_J)),
            scale: Variable(dtype, ()),
            y: Variable(dtype, ("row", N_J)),
            s: Variable(dtype, ("row",)),
        },
        payload_sha256={},
        dt=0.25,
        isa=isa,
    )


def named_contract(
    engine: str, outputs: tuple[str, str], isa: str | None = None
) -> Contract:
    """Return a contract of `Named`, its outputs in another order than they are returned."""
    return Contract(
        name="named",
        engine=engine,
        methods={"forward": Method(("x",), outputs)},
        variables={name: Variable("float32", ("row", N_J)) for name in ("x", *outputs)},
        payload_sha256={},
        isa=isa,
    )


MIXED_CONTRACT = Contract(
    name="mixed",
    engine="torchscript",
    methods={"forward": Method(("a", "n", "m", "mask"), ("b", "whole", "unmasked"))},
    variables={
        "a": Variable("float32", ("row", 3)),
        "n": Variable("int32", ("row",)),
        "m": Variable("int64", (3,)),
        "mask": Variable("bool", ("row", 3)),
        "b": Variable("float32", ("row", 3)),
        "whole": Variable("int64", ("row", 3)),
        "unmasked": Variable("bool", ("row", 3)),
    },
    payload_sha256={},
)


def script(module: nn.Module, path: Path) -> None:
    """Save a module as TorchScript, without the warnings about its age."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.script(module.eval()).save(str(path))


OPTIONS = {
    "aot_inductor.package": True,
    "aot_inductor.precompile_headers": shutil.which("openssl") is not None,
    # What calls the kernels takes longer to optimize than they do, and is not timed.
    "aot_inductor.compile_wrapper_opt_level": "O0",
}


def compile_package(
    models: Mapping[str, tuple[nn.Module, tuple[Tensor, ...], object]], path: Path
) -> None:
    """Compile modules by AOTInductor into one package."""
    from torch._inductor import aot_compile
    from torch._inductor.package import package_aoti

    files = {}
    for name, (module, example, shapes) in models.items():
        program = torch.export.export(module, example, dynamic_shapes=shapes)
        files[name] = aot_compile(program.module(), example, options=OPTIONS)
    package_aoti(str(path), files)


def keep_headers_in(folder: str) -> None:
    """Have torch's precompiled headers written there: it keeps them in /tmp for good."""
    from torch._inductor import codecache

    vars(codecache).update(_HEADER_DIR=folder, _HEADER_LOCK_DIR=f"{folder}/locks")


def export_scripts(folder: Path) -> None:
    """Export the networks of the TorchScript engine."""
    for dtype in ("float32", "float64"):
        path = folder / f"weighted_{dtype}.pt"
        script(Weighted(), path)
        write_contract(path, weighted_contract("torchscript", dtype))
    script(Mixed(), folder / "mixed.pt")
    write_contract(folder / "mixed.pt", MIXED_CONTRACT)
    plain: dict[str, nn.Module] = {
        "plain_weighted": Weighted(),
        "indexed": Indexed(),
        "failing": Failing(),
        "mutating": Mutating(),
        "gamma": Gamma(),
        "stairs": Stairs(),
        "passing": Passing(),
        "wild": Wild(),
        "wider": Wider(),
        "answering": Answering(),
        "scaling": Scaling(),
        "half": Square(),
        "nested": Nested(),
        "chain_float32": Chain(torch.float32),
        "chain_float64": Chain(torch.float64),
        "wide": Wide(),
        "putting": Putting(),
    }
    for name, module in plain.items():
        script(module, folder / f"{name}.pt")
    script(Named(), folder / "named.pt")
    write_contract(folder / "named.pt", named_contract("torchscript", ("b.0", "a.0")))
    script(Named(), folder / "misnamed.pt")
    write_contract(folder / "misnamed.pt", named_contract("torchscript", ("b.0", "c.0")))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        frozen = torch.jit.freeze(torch.jit.script(Weighted().eval()))
        frozen.save(str(folder / "frozen.pt"))


def export_packages(folder: Path) -> None:
    """Export the networks of the AOTInductor engine."""
    n = Dim("n", min=1, max=1 << 20)
    x, scale, s = torch.ones(3, N_J), torch.tensor(0.5), torch.ones(3)
    d = torch.float64
    xd, scale_d, sd = x.to(d), scale.to(d), s.to(d)
    # Other tensors for derivatives: export takes one tensor given twice for one input.
    xd_2, scale_d_2 = xd.clone(), scale_d.clone()
    two, three = ({0: n}, None), ({0: n}, None, {0: n}, None)
    both = ({0: n}, None, {0: n}, {0: n})
    compile_package({"model": (Weighted(), (x, scale), two)}, folder / "plain.pt2")
    compile_package(
        {
            "forward": (Named(), (x,), ({0: n},)),
            "step": (Indexed(), (x,), None),
            "repeat": (Repeating(), (x,), None),
        },
        folder / "methods.pt2",
    )
    path = folder / "weighted_float64.pt2"
    compile_package(
        {
            "forward": (Weighted(), (xd, scale_d), two),
            "jvp": (WeightedTangent(), (xd, scale_d, xd_2, scale_d_2), three),
            "vjp": (WeightedAdjoint(), (xd, scale_d, xd_2, sd), both),
        },
        path,
    )
    write_contract(path, weighted_contract("inductor", "float64", own_isa(path)))


def own_isa(package: Path) -> str:
    """Return the instruction set in the metadata of a package."""
    import json

    with zipfile.ZipFile(package) as archive:
        names = [n for n in archive.namelist() if n.endswith("wrapper_metadata.json")]
        isa: str = json.loads(archive.read(names[0]))["AOTI_CPU_ISA"]
    return isa.lower() or "baseline"


def damage(folder: Path) -> None:
    """Make from the good files what a careless world makes of them."""
    good, package = folder / "weighted_float64.pt", folder / "weighted_float64.pt2"
    data = good.read_bytes()
    (folder / "empty.pt").write_bytes(b"")
    (folder / "truncated.pt").write_bytes(data[: len(data) // 2])
    (folder / "truncated.pt2").write_bytes(package.read_bytes()[:5000])
    (folder / "random.pt").write_bytes(torch.arange(4096).to(torch.uint8).numpy().tobytes())
    (folder / "text.pt").write_text("this is no network\n", encoding="utf-8")
    with zipfile.ZipFile(folder / "zip.pt", "w") as archive:
        archive.writestr("zip/readme.txt", "nothing here")
    torch.save({"weight": torch.ones(3)}, folder / "state_dict.pt")

    flip(good, folder / "flipped_code.pt", content_of(good, "code/"), 0)
    flip(good, folder / "flipped_contract.pt", b'"weighted"', 3)
    flip(package, folder / "flipped_kernel.pt2", b"\x7fELF", 200000)
    flip(good, folder / "flipped_seal.pt", b"isthmus sha256 ", 20)

    cut_library(folder / "plain.pt2", folder / "cut_kernel.pt2")
    shutil.copy(good, folder / "unlisted.pt")
    with zipfile.ZipFile(folder / "unlisted.pt", "a") as archive:
        archive.writestr(f"{root_of(archive)}/extra/surprise.txt", "new")
    without_entry(good, folder / "missing.pt", "constants.pkl")
    without_entry(good, folder / "no_digest.pt", "isthmus.json.sha256")
    rewrite(good, folder / "version_2.pt", b'"format_version": 1', b'"format_version": 2')
    rewrite(good, folder / "no_dtype.pt", b'"dtype": "float64"', b'"dtipe": "float64"')
    script(Wider(), folder / "lying_names.pt")
    write_contract(folder / "lying_names.pt", weighted_contract("torchscript", "float64"))
    lie(package, folder / "other_isa.pt2", isa="avx1024")
    lie(package, folder / "no_model.pt2", engine="torchscript")
    wider = folder / "lying_shape.pt"
    script(Wider(), wider)
    write_contract(
        wider,
        Contract(
            name="lying",
            engine="torchscript",
            methods={"forward": Method(("x",), ("y",))},
            variables={
                "x": Variable("float64", ("row", N_J)),
                "y": Variable("float64", ("row", N_J)),
            },
            payload_sha256={},
        ),
    )


def flip(source: Path, target: Path, after: bytes, offset: int) -> None:
    """Flip one bit, some bytes after the start of a text."""
    data = bytearray(source.read_bytes())
    data[data.index(after) + offset] ^= 4
    target.write_bytes(data)


def cut_library(source: Path, target: Path) -> None:
    """Keep only the start of the compiled library, in an archive that is whole."""
    with zipfile.ZipFile(source) as archive, zipfile.ZipFile(target, "w") as copy:
        for info in archive.infolist():
            data = archive.read(info)
            n_kept = 4096 if info.filename.endswith(".so") else len(data)
            copy.writestr(info, data[:n_kept])


def content_of(path: Path, start: str) -> bytes:
    """Return the first bytes of a source entry as they are stored, compressed or not."""
    data = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        prefix = f"{root_of(archive)}/{start}"
        sources = (i for i in archive.infolist() if i.filename.startswith(prefix))
        info = next(i for i in sources if i.filename.endswith(".py"))
    header = data[info.header_offset :]
    n_name, n_extra = (int.from_bytes(header[i : i + 2], "little") for i in (26, 28))
    begin = 30 + n_name + n_extra
    return header[begin : begin + 16]


def root_of(archive: zipfile.ZipFile) -> str:
    """Return the folder everything lies in."""
    return archive.namelist()[0].partition("/")[0]


def without_entry(source: Path, target: Path, name: str) -> None:
    """Copy an archive but for the entries whose name ends so."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for info in old.infolist():
            if not info.filename.endswith(name):
                new.writestr(info, old.read(info))


def rewrite(source: Path, target: Path, old: bytes, new: bytes) -> None:
    """Change the text of the contract and its checksum: the content is what is wrong."""
    import hashlib

    with zipfile.ZipFile(source) as archive, zipfile.ZipFile(target, "w") as copy:
        for info in archive.infolist():
            data = archive.read(info)
            if info.filename.endswith("isthmus.json"):
                assert old in data, f"{old!r} is not in the contract"
                data = data.replace(old, new)
                digest = hashlib.sha256(data).hexdigest().encode()
            elif info.filename.endswith("isthmus.json.sha256"):
                data = digest
            copy.writestr(info, data)


def lie(source: Path, target: Path, **changes: object) -> None:
    """Write a contract that says something else about the same file."""
    shutil.copy(source, target)
    contract = replace(read_contract(source), **changes)  # type: ignore[arg-type]
    write_contract(target, contract)


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
    damage(folder)
    stamp.touch()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(f"usage: {sys.argv[0]} FOLDER")
    with tempfile.TemporaryDirectory(prefix="isthmus-headers-") as headers:
        keep_headers_in(headers)
        export_all(Path(sys.argv[1]))
