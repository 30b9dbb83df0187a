# SPDX-License-Identifier: MIT
"""Tangent-linear and adjoint of chemistry in Python: state and rate constants."""

import numpy as np
import pytest

from isthmus.errors import BindingError, ConfigurationError
from isthmus.models import Mechanism, find_mechanism

N_CELLS = 300  # more than one tape holds, and no multiple of the lanes
NOON = 43200.0  # [s]
IDENTITY = {"pollu": 1e-14, "superfast": 1e-11}
"""Of the sum of what is added. Superfast: concentrations over twelve orders of magnitude,
and stiff steps that multiply rounding by their condition (6e-12 found in Fortran)."""
SLOPE = 1.95  # of 2: what is left of third order
LENGTHS = {"pollu": (60.0, 0.0), "superfast": (1800.0, NOON)}


def opened(name, **settings):  # noqa: ANN003 (of Mechanism)
    """Return a mechanism and states away from its start, `[cell, species]`."""
    mechanism = Mechanism(name, **settings)
    random = np.random.default_rng(4)
    y = (mechanism.initial + 1e-4 * mechanism.initial.max()) * random.uniform(
        0.5, 2.0, (N_CELLS, len(mechanism))
    )
    return mechanism, y, random


@pytest.mark.parametrize("name", ["pollu", "superfast"])
def test_adjoint_is_the_transpose_of_the_tangent_linear(name):
    mechanism, y, random = opened(name)
    dt, t = LENGTHS[name]
    y_tl = y * random.standard_normal(y.shape)
    rates_tl = random.standard_normal((N_CELLS, len(mechanism.reactions)))
    factors = random.uniform(0.5, 2.0, rates_tl.shape)
    given = y.copy(), y_tl.copy()
    forward = mechanism.integrate_tl(
        y, y_tl, dt, t=t, rate_factors=factors, rates_tl=rates_tl
    )
    weight = random.standard_normal(y.shape) / (np.abs(forward.y) + 1e-6 * y.max())
    back = mechanism.integrate_ad(y, weight, dt, t=t, rate_factors=factors)
    assert np.array_equal(y, given[0]) and np.array_equal(y_tl, given[1])
    left = forward.y_tl * weight
    right = np.concatenate([y_tl * back.y_ad, rates_tl * back.rates_ad], axis=1)
    scale = np.abs(left).sum(axis=1) + np.abs(right).sum(axis=1)
    worst = np.abs((left.sum(axis=1) - right.sum(axis=1)) / scale).max()
    assert worst < IDENTITY[name]
    direct = y.copy()
    done = mechanism.integrate(direct, dt, t=t, rate_factors=factors)
    for other in (forward, back):
        assert np.array_equal(other.y, direct) and np.array_equal(other.h, done.h)


@pytest.mark.parametrize("name", ["pollu", "superfast"])
def test_what_the_tangent_linear_leaves_is_of_second_order(name):
    mechanism, y, random = opened(name, fixed_steps=40, atol=1e30)
    dt, t = LENGTHS[name]
    y = y[:5].copy()
    Mechanism(name).integrate(y, dt, t=t)  # equal steps cannot follow the first moments
    y_tl = y * random.standard_normal((5, len(mechanism)))
    rates_tl = random.standard_normal(len(mechanism.reactions))
    forward = mechanism.integrate_tl(y, y_tl, dt, t=t, rates_tl=rates_tl)
    scale = np.abs(forward.y) + 1e-6 * y.max()
    errors, sizes = [], (1e-2, 1e-3)
    for size in sizes:
        other = y + size * y_tl
        mechanism.integrate(other, dt, t=t, rate_factors=1 + size * rates_tl)
        left = other - forward.y - size * forward.y_tl
        errors.append(np.sqrt(np.mean((left / scale) ** 2)))
    assert np.log10(errors[0] / errors[1]) / np.log10(sizes[0] / sizes[1]) > SLOPE


def test_a_factor_is_another_constant_in_the_file(tmp_path):
    text = find_mechanism("pollu").read_text()
    line = next(line for line in text.splitlines() if line.strip().startswith("NO + O3"))
    constant = line.split(";")[1].split()[0]
    other = line.replace(constant, repr(2 * float(constant)))
    (tmp_path / "pollu.txt").write_text(text.replace(line, other))
    pollu, changed = Mechanism("pollu"), Mechanism(tmp_path / "pollu.txt")
    factors = np.ones(len(pollu.reactions))
    factors[[reaction.startswith("NO + O3") for reaction in pollu.reactions]] = 2.0
    assert factors.sum() == len(factors) + 1
    y, z = pollu.initial[None].copy(), pollu.initial[None].copy()
    pollu.integrate(y, 60.0, rate_factors=factors)
    changed.integrate(z, 60.0)
    np.testing.assert_array_equal(y, z)


def test_light_turned_off_by_a_factor_is_night():
    superfast, y, _ = opened("superfast")
    y = y[:10].copy()
    dark = np.array([0.0 if "hv" in text else 1.0 for text in superfast.reactions])
    at_night = y.copy()
    superfast.integrate(y, 600.0, t=NOON, rate_factors=dark)
    superfast.integrate(at_night, 600.0, t=0.0)
    np.testing.assert_allclose(y, at_night, rtol=1e-3, atol=superfast.atol)


def test_derivatives_of_a_bad_cell_are_no_numbers_and_spoil_no_neighbour():
    pollu, y, random = opened("pollu")
    weight = random.standard_normal(y.shape)
    good = pollu.integrate_ad(y, weight, 60.0)
    y[7, 3] = np.nan
    bad = pollu.integrate_ad(y, weight, 60.0)
    forward = pollu.integrate_tl(y, weight, 60.0)
    others = np.arange(N_CELLS) != 7
    assert bad.flags[7] != 0 and not bad.flags[others].any()
    assert np.isnan(bad.y_ad[7]).all() and np.isnan(bad.rates_ad[7]).all()
    assert np.isnan(forward.y_tl[7]).all() and np.isfinite(forward.y_tl[others]).all()
    np.testing.assert_array_equal(bad.y_ad[others], good.y_ad[others])
    np.testing.assert_array_equal(bad.rates_ad[others], good.rates_ad[others])


def test_refusals_name_what_is_wrong():
    pollu, y, _ = opened("pollu")
    with pytest.raises(ConfigurationError, match="'rate_factors' must be finite"):
        pollu.integrate(y, 1.0, rate_factors=np.full(25, -1.0))
    with pytest.raises(BindingError, match="'rate_factors' has shape"):
        pollu.integrate(y, 1.0, rate_factors=np.ones(24))
    with pytest.raises(BindingError, match="'y_tl' has shape"):
        pollu.integrate_tl(y, y[:2], 1.0)
    with pytest.raises(BindingError, match="'rates_tl' has shape"):
        pollu.integrate_tl(y, y, 1.0, rates_tl=np.ones(3))
    with pytest.raises(ConfigurationError, match="'fixed_steps' must not be"):
        Mechanism("pollu", fixed_steps=-1)
