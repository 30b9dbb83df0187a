# SPDX-License-Identifier: MIT
"""The cost of a call to a network, by every way to make it, in one table.

Exports the networks, runs `bench_bridge` on them and writes what it measured:

    cmake --build BUILD --target bench_bridge
    python tests/benchmarks/bench_bridge.py BUILD [--rounds 200] [--write FILE.md]
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import warnings
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from torch import Tensor, nn

from isthmus.export import export_network

WAYS = {
    "bound": "Isthmus, bound",
    "unbound": "Isthmus, unbound",
    "engine": "engine alone",
    "engine past autograd": "engine alone, past autograd",
}
WIDE_FLOP = 2 * 65536 * (10 * 256 + 256 * 256 + 256 * 10)
SGEMM_FLOP = 2 * 1024**3


class Identity(nn.Module):
    """What a call costs that computes nothing."""

    def forward(self, x: Tensor) -> Tensor:
        """Return x."""
        return x


class AddOne(nn.Module):
    """The smallest network."""

    def forward(self, x: Tensor) -> Tensor:
        """Return x + 1."""
        return x + 1


class Ring(nn.Module):
    """An emulator of Lorenz-96: convolutions around a ring of 40 sites, 64 channels."""

    def __init__(self) -> None:
        """Make three layers of kernel size 3."""
        super().__init__()
        self.first = nn.Conv1d(1, 64, 3)
        self.middle = nn.Conv1d(64, 64, 3)
        self.last = nn.Conv1d(64, 1, 3)

    def forward(self, x: Tensor) -> Tensor:
        """Map [member, 40] to [member, 40]."""
        h = nn.functional.silu(self.first(closed(x.unsqueeze(1))))
        h = nn.functional.silu(self.middle(closed(h)))
        return self.last(closed(h)).squeeze(1)


def closed(h: Tensor) -> Tensor:
    """Lay a ring out as a line with one site more at each end."""
    return torch.cat([h[..., -1:], h, h[..., :1]], dim=-1)


def mlp(width: int) -> nn.Sequential:
    """Return 10-width-width-10."""
    return nn.Sequential(
        nn.Linear(10, width),
        nn.ReLU(),
        nn.Linear(width, width),
        nn.ReLU(),
        nn.Linear(width, 10),
    )


def export_all(folder: Path, specialize: Sequence[int]) -> None:
    """Write `.pt`, `.pt2` and the compiled library of each network."""
    torch.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.script(Identity().eval()).save(str(folder / "identity.pt"))
    export(AddOne(), "add_one", folder, torch.zeros(40), "y", batched=False)
    small = mlp(64)
    with (folder / "mlp.weights").open("wb") as file:
        for parameter in small.parameters():
            file.write(parameter.detach().contiguous().numpy().tobytes())
    export(small, "mlp", folder, torch.zeros(8, 10), "y", specialize=specialize)
    export(mlp(256), "wide", folder, torch.zeros(8, 10), "y")
    export(Ring(), "ring", folder, torch.zeros(8, 40), "b")


def export(
    module: nn.Module,
    name: str,
    folder: Path,
    example: Tensor,
    output: str,
    *,
    batched: bool = True,
    specialize: Sequence[int] = (),
) -> None:
    """Export one network for both engines."""
    options: dict[str, Any] = {"derivatives": False}
    if batched:
        options |= {"dynamic": {"member": 0}, "separable": "member"}
    for suffix in (".pt", ".pt2"):
        path = folder / (name + suffix)
        more = {"specialize": tuple(specialize)} if specialize and suffix == ".pt2" else {}
        export_network(
            module.eval(), path, inputs={"x": example}, outputs=[output], **options, **more
        )
    with zipfile.ZipFile(folder / f"{name}.pt2") as archive:
        library = next(
            n for n in archive.namelist() if n.endswith(".so") and "/forward/" in n
        )
        (folder / f"{name}.so").write_bytes(archive.read(library))


def shown(cost: Mapping[str, float] | None) -> str:
    """Return "minimum (median)" in three digits."""
    if cost is None:
        return "-"
    return f"{digits(cost['min'])} ({digits(cost['median'])})"


def digits(value: float) -> str:
    """Return microseconds in three digits."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table."""
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def tables(records: Sequence[Mapping[str, Any]]) -> str:
    """Return the three tables: calls, what is ours in them, loading and memory."""
    calls, ours = [], []
    for record in (r for r in records if "case" in r):
        ways = record["ways"]
        row = [record["case"]]
        for engine in ("inductor", "torchscript"):
            of = {way: ways.get(f"{engine} {way}") for way in WAYS}
            row += [shown(cost) for cost in of.values()]
            if of["bound"] and of["engine"]:
                ours.append([record["case"], engine, *added(of)])
        more = ("own loops", "libtorch", "loops")
        calls.append([*row, *(shown(ways.get(way)) for way in more)])
    heads = [f"{engine}: {way}" for engine in (".pt2", ".pt") for way in WAYS.values()]
    parts = [
        "Microseconds per call, fastest (median):",
        markdown(
            ["case", *heads, ".pt: Isthmus' own loops", "libtorch, C++", "loops by hand"],
            calls,
        ),
        "What Isthmus adds to the engine underneath, us per call, of fastest (medians):",
        markdown(
            [
                "case",
                "engine",
                "above the engine alone",
                "above the same past autograd",
                "heap allocations of ours",
                "page faults, ours / engine alone",
            ],
            ours,
        ),
    ]
    return "\n\n".join([*parts, rate(records), others(records)])


def added(of: Mapping[str, Mapping[str, float] | None]) -> list[str]:
    """Return the bound call less the engine alone: microseconds, allocations, faults."""
    bound, alone, past = (of[way] for way in ("bound", "engine", "engine past autograd"))
    assert bound and alone and past
    return [
        f"{bound['min'] - alone['min']:+.2f} ({bound['median'] - alone['median']:+.2f})",
        f"{bound['min'] - past['min']:+.2f} ({bound['median'] - past['median']:+.2f})",
        f"{max(0.0, bound['allocations'] - past['allocations']):.0f}",
        f"{bound['faults']:.0f} / {past['faults']:.0f}",
    ]


def rate(records: Sequence[Mapping[str, Any]]) -> str:
    """Say how far the wide network is from a matrix product."""
    ways = next(r["ways"] for r in records if r.get("case") == "wide 65536")
    peak = SGEMM_FLOP / ways["sgemm"]["min"] * 1e-3
    rows = [
        [name, f"{WIDE_FLOP / cost['min'] * 1e-3:.1f}", f"{f / peak:.0%}"]
        for name, cost in ways.items()
        if name != "sgemm"
        for f in [WIDE_FLOP / cost["min"] * 1e-3]
    ]
    return (
        "MLP of width 256, 65536 samples, beside sgemm of 1024 x 1024"
        f" ({peak:.1f} Gflop/s) in the same rounds:\n\n"
        + markdown(["way", "Gflop/s", "of sgemm"], rows)
    )


def others(records: Sequence[Mapping[str, Any]]) -> str:
    """Return load times and the growth of memory."""
    loads = [
        [r["load"], *(f"{r[key]:.2g}" for key in ("first", "next", "torch"))]
        for r in records
        if "load" in r
    ]
    lines = [
        f"- {r['memory']}: resident memory grew by {r['growth'] / 1024:.0f} KiB over"
        f" {r['calls']:,} calls."
        for r in records
        if "memory" in r
    ]
    head = ["file", "first", "fastest of the next 20", "torch's own loader"]
    return (
        "Milliseconds to load, checksums verified:\n\n"
        + markdown(head, loads)
        + "\n\n"
        + "\n".join(lines)
    )


def machine() -> str:
    """Name the processor and the versions."""
    cpu = platform.processor()
    info = Path("/proc/cpuinfo")
    if info.exists():
        models = [s for s in info.read_text().splitlines() if s.startswith("model name")]
        cpu = models[0].partition(": ")[2] if models else cpu
    isa = torch.backends.cpu.get_cpu_capability()
    return f"{cpu}, {os.cpu_count()} cores, {isa}; torch {torch.__version__}; one thread"


def main() -> None:
    """Export, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("build", type=Path, help="build folder with bench_bridge")
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--networks", type=Path, help="keep the exported networks here")
    parser.add_argument("--specialize", type=int, nargs="*", default=[])
    parser.add_argument("--write", type=Path, help="also write the tables to this file")
    options = parser.parse_args()
    program = options.build / "tests" / "benchmarks" / "bench_bridge"
    if not program.exists():
        sys.exit(
            f"{program} is missing: cmake --build {options.build} --target bench_bridge"
        )
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.networks or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / "ring.so").exists():
            export_all(folder, options.specialize)
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        done = subprocess.run(
            [program, folder, str(options.rounds)],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
    text = tables([json.loads(line) for line in done.stdout.splitlines()])
    text = f"Machine: {machine()}.\n\n{text}\n"
    Console().print(text, soft_wrap=True, markup=False, highlight=False)
    if options.write:
        options.write.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
