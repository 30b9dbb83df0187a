# SPDX-License-Identifier: MIT
"""Write the networks of the tests in this folder: `export_staged.py FOLDER`."""

import sys
from pathlib import Path

import torch
from torch import Tensor, nn

from isthmus.contract import Contract, Method, Normalization, Variable, write_contract

sys.path.insert(0, str(Path(__file__).parent.parent))
from export_networks import compile_package, own_isa, script

N_LEVELS = 4
PROFILE = ("column", N_LEVELS)
DIMS = ("column", "level")


class Profile(nn.Module):
    """y = x x + (level + 1) x, level by level."""

    def forward(self, x: Tensor) -> Tensor:
        """Take x [column, level]."""
        level = torch.arange(1, x.shape[1] + 1, device=x.device).to(x.dtype)
        return x * x + level * x


class Shared(nn.Module):
    """Columns and a number for all of them; and their mean, which no column has alone."""

    def forward(self, x: Tensor, scale: Tensor) -> tuple[Tensor, Tensor]:
        """Take x [column] and scale []."""
        return scale * x, x.mean()


def mlp(dtype: torch.dtype) -> nn.Module:
    """Return a network whose bits depend on the number of columns, in every library."""
    torch.manual_seed(3)
    return nn.Sequential(
        nn.Linear(64, 128), nn.GELU(), nn.Linear(128, 128), nn.GELU(), nn.Linear(128, 32)
    ).to(dtype)


def mlp_contract(dtype: str, engine: str, isa: str | None) -> Contract:
    """Return the contract of `mlp`."""
    return Contract(
        name="mlp",
        engine=engine,
        methods={"forward": Method(("x",), ("y",))},
        variables={
            "x": Variable(dtype, ("column", 64)),
            "y": Variable(dtype, ("column", 32)),
        },
        payload_sha256={},
        separable="column",
        isa=isa,
    )


def profile_contract(dtype: str, *, normalized: bool) -> Contract:
    """Return the contract of `Profile`, with or without a normalization by the bridge."""
    of_x = Normalization((1.0, 2.0, 3.0, 4.0), (0.5, 1.5, 2.5, 3.5), "level", "bridge")
    of_y = Normalization(-10.0, 3.0, None, "bridge")
    return Contract(
        name="profile",
        engine="torchscript",
        methods={"forward": Method(("x",), ("y",))},
        variables={
            "x": Variable(dtype, PROFILE, DIMS, normalization=of_x if normalized else None),
            "y": Variable(dtype, PROFILE, DIMS, normalization=of_y if normalized else None),
        },
        payload_sha256={},
        separable="column",
    )


def shared_contract() -> Contract:
    """Return the contract of `Shared`."""
    return Contract(
        name="shared",
        engine="torchscript",
        methods={"forward": Method(("x", "scale"), ("y", "mean"))},
        variables={
            "x": Variable("float64", ("column",)),
            "scale": Variable("float64", ()),
            "y": Variable("float64", ("column",)),
            "mean": Variable("float64", ()),
        },
        payload_sha256={},
        separable="column",
    )


def main() -> None:
    """Write all files."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, dtype in (("float32", torch.float32), ("float64", torch.float64)):
        path = folder / f"mlp_{name}.pt"
        script(mlp(dtype), path)
        write_contract(path, mlp_contract(name, "torchscript", None))
    package = folder / "mlp_float32.pt2"
    columns = torch.export.Dim("column", min=1, max=1 << 20)
    example = (torch.ones(8, 64),)
    compile_package(
        {"forward": (mlp(torch.float32).eval(), example, ({0: columns},))}, package
    )
    write_contract(package, mlp_contract("float32", "inductor", own_isa(package)))
    for dtype in ("float64", "float32", "float16", "bfloat16"):
        for normalized in (False, True):
            stem = "normalized" if normalized else "profile"
            path = folder / f"{stem}_{dtype}.pt"
            script(Profile(), path)
            write_contract(path, profile_contract(dtype, normalized=normalized))
    script(Shared(), folder / "shared.pt")
    write_contract(folder / "shared.pt", shared_contract())


if __name__ == "__main__":
    main()
