# SPDX-License-Identifier: MIT
"""Normalization by the bridge: the host binds physical values, the network sees others."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from typer.testing import CliRunner

from isthmus.bridge import Model
from isthmus.cli import app
from isthmus.contract import Normalization
from isthmus.errors import ExportError
from isthmus.export import export_network, run_self_test

ROUNDING_F64 = 1e-13  # some dozen operations in float64
ROUNDING_F32 = 1e-5  # of the bridge, which computes in float32 where both sides are

MEAN = np.array([280.0, 250.0, 220.0])  # temperature [K] (level)
SD = np.array([12.0, 8.0, 5.0])
FLUX_MEAN, FLUX_SD = 90.0, 35.0


class _Radiation(nn.Module):
    """Normalized temperatures to a normalized flux; a plain input beside them."""

    def __init__(self, dtype: torch.dtype) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(3)
        weight = torch.randn(3, 3, generator=generator, dtype=torch.float64)
        self.weight = nn.Parameter(weight.to(dtype))

    def forward(self, t: Tensor, cover: Tensor) -> Tensor:
        return torch.tanh(t @ self.weight) * cover


def temperatures(n: int, dtype: torch.dtype = torch.float64) -> Tensor:
    generator = torch.Generator().manual_seed(n)
    noise = torch.randn(n, 3, generator=generator, dtype=torch.float64)
    return (torch.from_numpy(MEAN) + torch.from_numpy(SD) * noise).to(dtype)


def export(path, dtype=torch.float64, **changed: object):
    cover = torch.rand(5, 3, dtype=dtype)
    along_level = Normalization(tuple(MEAN), tuple(SD), "level", "bridge")
    settings = {
        "inputs": {"t": temperatures(5, dtype), "cover": cover},
        "outputs": ["flux"],
        "dynamic": {"column": 0},
        "separable": "column",
        "dims": {"t": ("column", "level")},
        "normalization": {
            "t": along_level,
            "flux": Normalization(FLUX_MEAN, FLUX_SD, applied_by="bridge"),
        },
    }
    return export_network(_Radiation(dtype).eval(), path, **(settings | changed))


def physical(t: Tensor, cover: Tensor) -> Tensor:
    """Return what the host should get, written out."""
    network = _Radiation(t.dtype)
    z = (t - torch.from_numpy(MEAN).to(t.dtype)) / torch.from_numpy(SD).to(t.dtype)
    return network(z, cover) * FLUX_SD + FLUX_MEAN


@pytest.fixture(scope="module", params=[".pt", ".pt2"])
def file(tmp_path_factory, request):
    path = tmp_path_factory.mktemp("physical") / f"radiation{request.param}"
    export(path)
    return path


def test_physical_values_go_in_and_come_out(file):
    t, cover = temperatures(7), torch.rand(7, 3, dtype=torch.float64)
    found = Model(file)(t=t.numpy(), cover=cover.numpy())["flux"]
    expected = physical(t, cover).detach().numpy()
    assert found == pytest.approx(expected, rel=ROUNDING_F64)
    assert abs(found - FLUX_MEAN).max() > 1.0, "the flux would be normalized still"


def test_derivatives_are_by_the_physical_variables(file):
    t, cover = temperatures(4), torch.rand(4, 3, dtype=torch.float64)
    t_tl, cover_tl = torch.randn_like(t), torch.randn_like(cover)
    flux_ad = torch.randn(4, 3, dtype=torch.float64)
    flux, flux_tl = torch.func.jvp(physical, (t, cover), (t_tl, cover_tl))
    t_ad, cover_ad = torch.func.vjp(physical, t, cover)[1](flux_ad)
    model = Model(file)
    arrays = {"t": t.numpy(), "cover": cover.numpy()}
    forward = model.jvp(**arrays, t_tl=t_tl.numpy(), cover_tl=cover_tl.numpy())
    adjoint = model.vjp(**arrays, flux_ad=flux_ad.numpy())
    for found, expected in (
        (forward["flux"], flux),
        (forward["flux_tl"], flux_tl),
        (adjoint["t_ad"], t_ad),
        (adjoint["cover_ad"], cover_ad),
    ):
        scale = float(expected.detach().abs().max())
        error = np.abs(found - expected.detach().numpy()).max()
        assert error < ROUNDING_F64 * scale


def test_self_test_and_check_of_the_file_hold_physical_values(file):
    model = Model(file)
    vector = np.array(model.contract["self_test"]["inputs"]["t"])
    assert vector.min() > 150.0, "kelvin, not standard deviations"
    assert model.self_test() < ROUNDING_F64
    assert run_self_test(file) < ROUNDING_F64
    assert CliRunner().invoke(app, ["check", str(file)]).exit_code == 0


def test_single_precision_is_normalized_in_single_precision(tmp_path):
    report = export(tmp_path / "single.pt", torch.float32)
    assert max(d.relative for d in report.parity.differences) < ROUNDING_F32


@pytest.mark.parametrize(
    ("scaling", "text"),
    [
        (Normalization((1.0, 2.0), 1.0, "level", "bridge"), "lists 2 numbers, expected 3"),
        (Normalization(0.0, 0.0, applied_by="bridge"), "not above 0"),
        (Normalization((1.0,), 1.0, "layer", "bridge"), "no dimension of fixed extent"),
    ],
)
def test_normalization_that_does_not_fit_is_refused(tmp_path, scaling, text):
    with pytest.raises(ExportError, match=text):
        export(tmp_path / "unfit.pt", normalization={"t": scaling})
    assert list(tmp_path.iterdir()) == []
