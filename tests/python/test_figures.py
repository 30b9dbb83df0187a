# SPDX-License-Identifier: MIT
"""Figures are drawn from what they are given, and the numbers behind them are kept."""

from pathlib import Path

import numpy as np
import pytest
import xarray
from ensembles import INTERVAL, MEAN, SD, climate, lorenz96, write
from matplotlib.image import imread

from isthmus.couple.figures import (
    draw_climates,
    draw_error_growth,
    draw_hovmoeller,
    draw_jacobians,
)
from isthmus.couple.skill import Climatology, Skill, forecast_skill
from isthmus.couple.style import COLOURS, house_style, looks
from isthmus.couple.trajectories import Trajectory
from isthmus.errors import DataError


def ink(path: Path) -> float:
    """Return the share of pixels that are not white."""
    image = imread(path)[..., :3]
    return float((image < 0.99).any(axis=2).mean())


@pytest.fixture(scope="module")
def skills(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Skill]:
    folder = tmp_path_factory.mktemp("figures")
    truth = climate(60, 20, 8, seed=1)
    path = Trajectory(write(folder / "t.nc", truth))
    growth = np.exp(INTERVAL * np.arange(60))[:, None, None] - 1
    return {
        label: forecast_skill(
            path,
            Trajectory(write(folder / "f.nc", truth + rate * growth)),
            Climatology(MEAN, SD, 1.66),
            n_replicates=50,
        )
        for label, rate in (("conv net", 0.05), ("bilinear, F=8", 0.005))
    }


def test_error_growth_keeps_its_numbers(skills: dict[str, Skill], tmp_path: Path) -> None:
    png = draw_error_growth(skills, tmp_path, "growth")
    assert png == tmp_path / "growth.png"
    assert 0.02 < ink(png) < 0.5
    with xarray.open_dataset(tmp_path / "growth.nc") as data:
        np.testing.assert_array_equal(
            data["rmse_bilinear__F_8"].values, skills["bilinear, F=8"].rmse().value
        )
        assert data["lead_conv_net"].attrs["units"] == "1"
    with pytest.raises(DataError, match="no forecast"):
        draw_error_growth({}, tmp_path, "growth")


def test_hovmoeller_keeps_fields_and_difference(tmp_path: Path) -> None:
    x = lorenz96(8.0 + np.random.default_rng(1).standard_normal((1, 40)), 200)[100:, 0]
    emulator = x + np.linspace(0, 3, len(x))[:, None] * np.cos(np.arange(40))
    times = 0.05 * np.arange(len(x))
    png = draw_hovmoeller(x, emulator, times, tmp_path, "hovmoeller", label="conv net")
    assert ink(png) > 0.4  # three filled panels
    with xarray.open_dataset(tmp_path / "hovmoeller.nc") as data:
        np.testing.assert_allclose(data["difference"].values, emulator - x)
        np.testing.assert_allclose(data["time"].values, times)
    with pytest.raises(
        DataError, match=r"'emulator' has shape \[101, 39\], expected \[101, 40\]"
    ):
        draw_hovmoeller(x, emulator[:, 1:], times, tmp_path, "hovmoeller")


def test_jacobians_keep_their_norms(tmp_path: Path) -> None:
    true = np.eye(36) + 0.1 * np.roll(np.eye(36), 1, axis=1)
    emulator = true + 1e-8 * np.random.default_rng(2).standard_normal((36, 36))
    png = draw_jacobians(true, emulator, tmp_path, "jacobians")
    assert ink(png) > 0.1
    with xarray.open_dataset(tmp_path / "jacobians.nc") as data:
        assert data.attrs["frobenius_norm_true"] == pytest.approx(np.linalg.norm(true))
        assert data.attrs["frobenius_norm_difference"] == pytest.approx(3.6e-7, rel=0.1)
    # Equal matrices are no division by zero.
    draw_jacobians(true, true, tmp_path, "equal")
    with pytest.raises(DataError, match=r"'emulator' has shape \[36, 35\]"):
        draw_jacobians(true, emulator[:, 1:], tmp_path, "jacobians")


def test_climates_are_compared_on_the_same_bins(tmp_path: Path) -> None:
    edges = np.linspace(-10, 15, 101)
    middle = 0.5 * (edges[1:] + edges[:-1])

    def gauss(mean: float, sd: float) -> np.ndarray:
        return np.exp(-(((middle - mean) / sd) ** 2) / 2) / (sd * np.sqrt(2 * np.pi))

    climates = {
        "two-level": (edges, gauss(2.5, 3.5)),
        "one-level": (edges, gauss(2.6, 4.4)),
        "offline": (edges, gauss(2.45, 3.5)),
        "rollout": (edges, gauss(2.52, 3.52)),
    }
    png = draw_climates(
        climates, tmp_path, "climates", reference="two-level", control="one-level"
    )
    assert 0.02 < ink(png) < 0.5
    with xarray.open_dataset(tmp_path / "climates.nc") as data:
        np.testing.assert_array_equal(data["rollout"].values, climates["rollout"][1])
    with pytest.raises(DataError, match="no 'truth' among two-level"):
        draw_climates(climates, tmp_path, "climates", reference="truth")
    climates["offline"] = (edges + 1, climates["offline"][1])
    with pytest.raises(DataError, match="'offline' has other bins than 'two-level'"):
        draw_climates(climates, tmp_path, "climates", reference="two-level")


def test_runs_differ_in_colour_and_style() -> None:
    assert len({look.colour for look in looks(6)}) == 6
    assert len({look.style for look in looks(5)}) == 5
    assert len(looks(9)) == 9  # more runs than colours still get a look
    assert len(set(COLOURS)) == len(COLOURS)


def test_style_leaves_the_users_settings_alone() -> None:
    import matplotlib as mpl

    before = dict(mpl.rcParams)
    with house_style():
        assert mpl.rcParams["axes.grid"] is True
    assert dict(mpl.rcParams) == before
