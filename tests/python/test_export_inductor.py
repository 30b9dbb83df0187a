# SPDX-License-Identifier: MIT
"""Export to AOTInductor packages: three compiled methods in a file, fit for any loader."""

import struct
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch._inductor.runtime.cache_dir_utils import default_cache_dir

from isthmus.bridge import Model
from isthmus.contract import read_contract, verify_file
from isthmus.errors import ContractError, ExportError, IsthmusError
from isthmus.export import ExportReport, VariableSpec, export_network, run_self_test
from isthmus.nets import BilinearNet, ConvNet

# Each method takes the C++ compiler 5 to 10 s, on a busy machine a minute.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

ROUNDING = {"float32": 1e-5, "float64": 1e-13}
PT_GNU_STACK, PF_X = 0x6474E551, 1
N_FLIPS = 60


class _Mixer(nn.Module):
    """Two floating inputs and an integer one, to outputs of three shapes and two kinds."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(4, 16)
        self.second = nn.Linear(16, 3)

    def forward(self, u: Tensor, level: Tensor, w: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        mixed = self.second(torch.tanh(self.first(u))) * level.to(u.dtype)
        return mixed, (w * w).sum() + 0 * w, (mixed.sum(dim=1) > 0).to(torch.int32)


class _ValueBranch(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return 2 * x if bool(x.sum() > 0) else -x


class _SizeBranch(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return 2 * x if x.shape[0] > 4 else 3 * x


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Export with one thread."""
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(2)
    yield
    torch.set_num_threads(n_threads)


@pytest.fixture(scope="module")
def ring(tmp_path_factory) -> ExportReport:
    return export_network(
        ConvNet("silu").double().eval(),
        tmp_path_factory.mktemp("ring") / "ring.pt2",
        inputs={"x": torch.randn(4, 36, dtype=torch.float64)},
        outputs=["tendency"],
        dynamic={"member": 0},
        separable="member",
        training_range={"x": (-12, 17)},
    )


@pytest.fixture(scope="module")
def mixer(tmp_path_factory) -> ExportReport:
    level = torch.tensor([[2], [5]], dtype=torch.int64)
    return export_network(
        _Mixer().eval(),
        tmp_path_factory.mktemp("mixer") / "mixer.pt2",
        inputs={"u": torch.randn(2, 4), "level": level, "w": torch.randn(5)},
        outputs={
            "mixed": VariableSpec(units="K"),
            "energy": VariableSpec(),
            "sign": VariableSpec(dtype=torch.int32),
        },
        dynamic={"member": {"u": 0, "level": 0}},
    )


@pytest.fixture(params=["ring", "mixer"])
def report(request) -> ExportReport:
    return request.getfixturevalue(request.param)


def test_all_methods_agree_with_pytorch(report):
    assert {d.method for d in report.parity.differences} == {"forward", "jvp", "vjp"}
    for d in report.parity.differences:
        dtype = report.contract.variable_of(d.variable).dtype
        assert d.relative < ROUNDING.get(dtype, 0.0) or d.relative == 0.0
    assert {"member": 1} in report.parity.extents
    assert {"member": 33} in report.parity.extents
    assert run_self_test(report.path) <= report.contract.self_test.tolerance


def test_package_verifies_and_says_what_it_needs(report):
    contract = verify_file(report.path).contract
    assert contract == report.contract
    assert contract.engine == "inductor"
    assert contract.strides == "contiguous"
    assert contract.isa.split()[0] in ("avx512", "avx2", "baseline", "asimd")
    assert list(report.path.parent.iterdir()) == [report.path]


def test_integer_variables_have_no_derivatives(mixer):
    methods = mixer.contract.methods
    assert methods["jvp"].inputs == ("u", "level", "w", "u_tl", "w_tl")
    assert methods["jvp"].outputs == ("mixed", "energy", "sign", "mixed_tl", "energy_tl")
    assert methods["vjp"].inputs == ("u", "level", "w", "mixed_ad", "energy_ad")
    assert methods["vjp"].outputs == ("u_ad", "w_ad")


@pytest.mark.parametrize("n_members", [1, 3, 40])
def test_adjoint_is_transpose_of_tangent_linear(ring, n_members):
    model, generator = Model(ring.path), np.random.default_rng(n_members)
    x, x_tl, y_ad = generator.normal(size=(3, n_members, 36))
    y_tl = model.jvp(x=x, x_tl=x_tl)["tendency_tl"]
    x_ad = model.vjp(x=x, tendency_ad=y_ad)["x_ad"]
    left, right = np.sum(y_ad * y_tl), np.sum(x_ad * x_tl)
    assert abs(left - right) < ROUNDING["float64"] * np.sum(np.abs(y_ad * y_tl))


def test_tangent_linear_is_the_limit_of_differences(ring):
    model, generator = Model(ring.path), np.random.default_rng(3)
    x, x_tl = generator.normal(size=(2, 5, 36))
    given = model.jvp(x=x, x_tl=x_tl)
    errors = []
    for step in (1e-2, 1e-3, 1e-4):
        moved = model(x=x + step * x_tl)["tendency"]
        difference = moved - given["tendency"] - step * given["tendency_tl"]
        errors.append(np.max(np.abs(difference)))
    ratios = np.array(errors[:-1]) / np.array(errors[1:])
    np.testing.assert_allclose(ratios, 100.0, rtol=0.2)  # second order, three decades


def libraries(path: Path) -> list[bytes]:
    with zipfile.ZipFile(path) as archive:
        return [archive.read(name) for name in archive.namelist() if name.endswith(".so")]


def stack_flags(library: bytes) -> int:
    """Return the flags of PT_GNU_STACK in a 64-bit little-endian ELF file."""
    assert library[:6] == b"\x7fELF\x02\x01"
    (offset,) = struct.unpack_from("<Q", library, 32)
    size, count = struct.unpack_from("<HH", library, 54)
    headers = [struct.unpack_from("<II", library, offset + i * size) for i in range(count)]
    (flags,) = [flags for kind, flags in headers if kind == PT_GNU_STACK]
    return flags


def test_libraries_need_no_executable_stack(report):
    found = libraries(report.path)
    assert len(found) == 3
    for library in found:
        assert stack_flags(library) & PF_X == 0


def test_kernels_start_no_threads(report):
    for library in libraries(report.path):
        assert b"GOMP_parallel" not in library


def test_package_opens_without_isthmus(ring):
    from torch._inductor.package import load_package

    x = torch.randn(3, 36, dtype=torch.float64)
    found = load_package(str(ring.path), model_name="forward")(x)
    np.testing.assert_array_equal(found.numpy(), Model(ring.path)(x=x.numpy())["tendency"])


def test_flipped_bits_are_detected(ring, tmp_path):
    good, path = ring.path.read_bytes(), tmp_path / "damaged.pt2"
    for position in np.random.default_rng(4).integers(len(good), size=N_FLIPS):
        bad = bytearray(good)
        bad[position] ^= 1 << int(position) % 8
        path.write_bytes(bad)
        with pytest.raises(IsthmusError):
            verify_file(path)


def test_bridge_refuses_a_changed_library(ring, tmp_path):
    good = bytearray(ring.path.read_bytes())
    start = good.find(libraries(ring.path)[0])
    good[start + 100_000] ^= 1
    path = tmp_path / "damaged.pt2"
    path.write_bytes(good)
    with pytest.raises(ContractError, match=r"wrapper\.so"):
        Model(path)


@pytest.fixture
def scratch(tmp_path, monkeypatch):
    """Send the temporary files of Python and C++ to a folder, with no cache named."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", default_cache_dir())
    return folder


def test_portable_package_leaves_no_caches(tmp_path, scratch):
    """A package of AVX2 only, for two threads, with the exporter's own temporary cache."""
    report = export_network(
        BilinearNet().eval(),
        tmp_path / "bilinear.pt2",
        inputs={"x": torch.randn(2, 9)},
        outputs=["y"],
        dynamic={"member": 0},
        derivatives=False,
        isa="portable",
        threads=2,
    )
    assert report.contract.isa == "avx2"
    assert b"GOMP_parallel" in libraries(report.path)[0]
    assert set(read_contract(report.path).methods) == {"forward"}
    kept_until_exit = "isthmus-headers-"
    assert [p for p in scratch.iterdir() if not p.name.startswith(kept_until_exit)] == []


REFUSED = {
    "branch on a value": (_ValueBranch(), {}, "'forward' cannot be exported"),
    "branch on a size": (_SizeBranch(), {}, "'forward' cannot be exported"),
    "other instruction set": (BilinearNet(), {"isa": "avx1024"}, "isa is 'avx1024'"),
}


@pytest.mark.parametrize("module, changed, message", REFUSED.values(), ids=REFUSED.keys())
def test_refusal_leaves_the_previous_file(tmp_path, scratch, module, changed, message):
    path = tmp_path / "network.pt2"
    path.write_bytes(b"the previous network")
    with pytest.raises(ExportError, match=message):
        export_network(
            module.eval(),
            path,
            inputs={"x": torch.randn(2, 9)},
            outputs=["y"],
            dynamic={"member": 0},
            **changed,
        )
    assert path.read_bytes() == b"the previous network"
    assert sorted(tmp_path.iterdir()) == [path, scratch]
    assert [p for p in scratch.iterdir() if not p.name.startswith("isthmus-headers-")] == []
