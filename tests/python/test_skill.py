# SPDX-License-Identifier: MIT
"""Forecast skill against cases whose errors are known, and a true Lyapunov exponent."""

from pathlib import Path

import numpy as np
import pytest
from ensembles import INTERVAL, MEAN, SD, Array, climate, lorenz96, write

from isthmus.couple.skill import VALID_SHARE, Climatology, Skill, forecast_skill
from isthmus.couple.trajectories import Trajectory
from isthmus.errors import DataError

CLIMATOLOGY = Climatology(MEAN, SD, lyapunov_exponent=2.0)


def score(
    folder: Path, truth: np.ndarray, forecast: np.ndarray, **options: object
) -> Skill:
    return forecast_skill(
        Trajectory(write(folder / "truth.nc", truth)),
        Trajectory(write(folder / "forecast.nc", forecast)),
        CLIMATOLOGY,
        **options,
    )


def growing_error(n_times: int = 41, n_cases: int = 30) -> tuple[Array, Array]:
    """Return a truth and a forecast whose error is 0.3 t at every site, up or down."""
    truth = climate(n_times, n_cases, 8, seed=1)
    sign = np.where(np.arange(8) % 2, 1.0, -1.0)
    times = INTERVAL * np.arange(n_times)[:, None, None]
    return truth, truth + 0.3 * times * sign


def test_rmse_and_valid_time_of_linear_growth(tmp_path: Path) -> None:
    skill = score(tmp_path, *growing_error(n_times=101))
    np.testing.assert_allclose(skill.rmse().value, 0.3 * skill.leads, atol=1e-12)
    np.testing.assert_allclose(skill.rmse_mean(), 0.3 * skill.leads, atol=1e-12)
    expected = VALID_SHARE * np.sqrt(2.0) * SD / 0.3  # interpolated between leads
    assert skill.valid_time().value == pytest.approx(expected, rel=1e-9)
    lyapunov = skill.valid_time_lyapunov()
    assert lyapunov is not None
    assert lyapunov.value == pytest.approx(2.0 * expected, rel=1e-9)
    assert skill.share_censored() == 0.0


def test_case_that_stays_valid_is_censored_at_the_last_lead(tmp_path: Path) -> None:
    skill = score(tmp_path, *growing_error(n_times=11))
    assert skill.share_censored() == 1.0
    assert skill.valid_time().value == pytest.approx(1.0)


def test_acc_is_one_at_the_start_and_zero_without_relation(tmp_path: Path) -> None:
    truth = climate(200, 50, 36, seed=2)
    other = climate(200, 50, 36, seed=3)
    weight = np.clip(np.arange(200) / 100, 0, 1)[:, None, None]
    skill = score(tmp_path, truth, (1 - weight) * truth + weight * other)
    acc = skill.acc()
    assert acc.value[0] == pytest.approx(1.0)
    assert abs(acc.value[100:].mean()) < 0.02
    rounding = 1e-12
    assert np.all((acc.low <= acc.value + rounding) & (acc.value <= acc.high + rounding))
    # Unrelated states differ by sqrt(2) sd.
    late = skill.rmse().value[100:].mean()
    assert late == pytest.approx(np.sqrt(2.0) * SD, rel=0.03)
    assert skill.saturation == pytest.approx(np.sqrt(2.0) * SD)


def test_forecast_that_overflows_has_no_skill_and_no_nan(tmp_path: Path) -> None:
    truth, forecast = growing_error()
    forecast[20:, 3] = np.nan
    forecast[25:, 4] = 1e200
    skill = score(tmp_path, truth, forecast)
    assert np.isfinite(skill.rmse().value).all()
    assert skill.rmse().value[30] > 1e10
    assert np.isfinite(skill.acc().value).all()
    times = skill.valid_times()
    # The error stands at 0.3 * 1.9 at the last good lead and is infinite at the next.
    assert 1.9 <= times[3] <= 2.0
    assert 2.4 <= times[4] <= 2.5


def test_pieces_do_not_matter(tmp_path: Path) -> None:
    truth, forecast = growing_error()
    a = score(tmp_path, truth, forecast, piece_times=3)
    b = score(tmp_path, truth, forecast, piece_times=1000)
    np.testing.assert_array_equal(a.squared_error, b.squared_error)
    np.testing.assert_array_equal(a.correlation, b.correlation)


def test_better_of_two_forecasts_is_seen(tmp_path: Path) -> None:
    truth = climate(101, 40, 8, seed=4)
    generator = np.random.default_rng(5)
    rate = (
        generator.uniform(0.5, 1.5, (1, 40, 1)) * INTERVAL * np.arange(101)[:, None, None]
    )
    good = score(tmp_path, truth, truth + 0.5 * rate)
    bad = score(tmp_path, truth, truth + 1.0 * rate)
    ratio = good.valid_time_ratio(bad)
    assert ratio.low <= ratio.value <= ratio.high
    assert ratio.low > 1.5  # twice, less what the end of the forecasts cuts off
    assert bad.valid_time_ratio(good).high < 1.0
    # Paired cases: equal forecasts have the ratio one exactly.
    same = good.valid_time_ratio(good)
    assert (same.low, same.value, same.high) == (1.0, 1.0, 1.0)


def test_errors_of_lorenz96_grow_as_the_exponent_says(tmp_path: Path) -> None:
    generator = np.random.default_rng(6)
    start = lorenz96(8.0 + generator.standard_normal((60, 40)), 400)[-1]
    nudged = start + 1e-4 * generator.standard_normal(start.shape)
    aligned = 20  # steps until the error has turned to the growing direction
    truth, forecast = lorenz96(start, 120), lorenz96(nudged, 120)
    skill = forecast_skill(
        Trajectory(write(tmp_path / "t.nc", truth)),
        Trajectory(write(tmp_path / "f.nc", forecast)),
        Climatology(2.35, 3.63, 1.66),
        check_start=False,
    )
    error = np.log(np.sqrt(skill.squared_error)).mean(axis=0)
    growth = (error[80] - error[aligned]) / ((80 - aligned) * 0.05)
    assert growth == pytest.approx(1.66, abs=0.25)  # 60 cases of 3 time units


def test_pairs_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    truth, forecast = growing_error()
    with pytest.raises(
        DataError, match=r"must start from the truth's states.*differ by 3\.5"
    ):
        score(tmp_path, truth, forecast + SD)
    with pytest.raises(DataError, match="n_members = 29, the truth 30"):
        score(tmp_path, truth, forecast[:, :29])
    with pytest.raises(DataError, match="n_sites = 7, the truth 8"):
        score(tmp_path, truth, forecast[:, :, :7])
    with pytest.raises(DataError, match="do not have the same output times"):
        score(tmp_path, truth, forecast[:1])
