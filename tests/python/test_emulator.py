# SPDX-License-Identifier: MIT
"""The emulator from Python; the library's own tests in C go deeper."""

import numpy as np
import pytest
from emulator_networks import export_scripts

from isthmus.emulator import REASONS, Emulator
from isthmus.errors import BindingError, ContractError, InferenceError

N_CELLS = 6
ROUNDING = 1e-13  # a few products of order ten


@pytest.fixture(scope="module")
def networks(tmp_path_factory):
    return export_scripts(tmp_path_factory.mktemp("networks"))


class Cells:
    """An emulator of one variable with its arrays."""

    def __init__(self, paths, width: int | None = 2) -> None:
        shape = (N_CELLS,) if width is None else (N_CELLS, width)
        self.x = np.linspace(0.1, 1.2, int(np.prod(shape))).reshape(shape)
        self.y = np.zeros(shape)
        self.physics = np.full(shape, -1.0)
        self.flags = np.zeros(N_CELLS, np.int32)
        self.emulator = Emulator(paths)
        self.emulator.bind_input("x", self.x)
        self.emulator.bind_output("y", self.y)
        self.emulator.bind_fallback("y", self.physics)
        self.emulator.bind_flags(self.flags)

    def member(self, weight: float) -> np.ndarray:
        """Return what the network of this weight answers."""
        return weight * self.x * (1 + self.x / 10)


def test_flagged_samples_take_the_physics(networks) -> None:
    cells = Cells(networks / "member_0.pt")
    cells.emulator.set_limits("x", high=2.0)
    cells.x[3, 1] = 9.0
    cells.x[4, 0] = np.nan
    cells.emulator.run()
    assert cells.flags[3] == REASONS["input_range"]
    assert cells.flags[4] & REASONS["input_not_finite"]
    assert cells.emulator.n_flagged == 2
    calm = cells.flags == 0
    np.testing.assert_array_equal(cells.y[~calm], -1.0)
    np.testing.assert_allclose(cells.y[calm], cells.member(1.0)[calm], rtol=ROUNDING)
    report = cells.emulator.report()
    assert report["reasons"]["input_range"] == 1
    assert report["variables"]["x"] == {"below": 0, "above": 1, "not_finite": 1}
    assert "flagged 2" in str(cells.emulator)
    cells.emulator.set_policy("fail")
    with pytest.raises(InferenceError, match="2 of 6 samples are flagged"):
        cells.emulator.run()


def test_modes_follow_alpha(networks) -> None:
    cells = Cells(networks / "member_1.pt")
    cells.emulator.set_mode("shadow")
    cells.emulator.run()
    np.testing.assert_array_equal(cells.y, cells.physics)
    difference = cells.emulator.difference("y")
    expected = cells.member(2.0) - cells.physics
    assert difference.n == expected.size
    assert difference.largest == pytest.approx(np.abs(expected).max(), rel=ROUNDING)
    cells.emulator.set_mode("blend")
    cells.emulator.set_blend(0.25)
    cells.emulator.run()
    blend = 0.75 * cells.physics + 0.25 * cells.member(2.0)
    np.testing.assert_allclose(cells.y, blend, rtol=ROUNDING)
    weights = np.linspace(0.0, 1.0, N_CELLS)
    cells.emulator.bind_alpha(weights)
    cells.emulator.set_blend(1.0)
    cells.emulator.run()
    np.testing.assert_array_equal(cells.y[0], cells.physics[0])
    np.testing.assert_allclose(cells.y[-1], cells.member(2.0)[-1], rtol=ROUNDING)


@pytest.mark.parametrize("lag", [0, 2])
def test_a_restart_is_no_restart(networks, lag) -> None:
    def begin() -> Cells:
        cells = Cells(networks / "recurrent.pt", width=None)
        cells.emulator.set_lag(lag)
        return cells

    def advance(cells: Cells, first: int, last: int) -> list[np.ndarray]:
        history = []
        for step in range(first, last):
            cells.x[:] = np.sin(step + np.arange(N_CELLS))
            cells.emulator.run()
            history.append(cells.y.copy())
        return history

    whole = advance(begin(), 0, 8)
    first, second = begin(), begin()
    parts = advance(first, 0, 4)
    state = first.emulator.state()
    assert state["memory.0.h"].shape == (N_CELLS, 3)
    assert np.any(state["memory.0.h"])
    second.emulator.restore(state)
    assert second.emulator.step == 4
    parts += advance(second, 4, 8)
    np.testing.assert_array_equal(whole, parts)


def test_steps_run_beside_the_caller(networks) -> None:
    cells = Cells(networks / "member_0.pt")
    expected = cells.member(1.0)
    cells.emulator.submit()
    cells.x[:] = 99.0
    cells.emulator.wait()
    np.testing.assert_allclose(cells.y, expected, rtol=ROUNDING)
    with pytest.raises(BindingError, match="nothing was submitted"):
        cells.emulator.wait()


def test_ensembles_and_swaps(networks) -> None:
    paths = [networks / f"member_{i}.pt" for i in range(3)]
    cells = Cells(paths)
    spread = np.zeros_like(cells.y)
    cells.emulator.bind_spread("y", spread)
    cells.emulator.run()
    np.testing.assert_allclose(cells.y, cells.member(7 / 3), rtol=ROUNDING)
    members = np.stack([cells.member(weight) for weight in (1.0, 2.0, 4.0)])
    np.testing.assert_allclose(spread, members.std(axis=0, ddof=1), rtol=1e-12)
    assert cells.emulator.versions == ("v0", "v1", "v2")
    cells.emulator.swap_at(2, [paths[2]] * 3, in_background=True)
    cells.emulator.run()
    np.testing.assert_allclose(cells.y, cells.member(7 / 3), rtol=ROUNDING)
    cells.emulator.run()
    np.testing.assert_allclose(cells.y, cells.member(4.0), rtol=ROUNDING)
    assert cells.emulator.versions == ("v2",) * 3


def test_nonsense_is_refused(networks) -> None:
    cells = Cells(networks / "member_0.pt")
    with pytest.raises(BindingError, match="no mode 'mixed'"):
        cells.emulator.set_mode("mixed")
    with pytest.raises(ContractError, match=r"unknown key 'guard\.imputs'"):
        cells.emulator.set_guard({"imputs": {}})
    with pytest.raises(BindingError, match="no state array 'z'"):
        cells.emulator.restore({"z": np.zeros(1)})
    with pytest.raises(ContractError, match="another contract"):
        cells.emulator.swap_at(0, networks / "noisy.pt")
    with pytest.raises(BindingError, match="read-only"):
        cells.emulator.bind_output("y", np.broadcast_to(1.0, (N_CELLS, 2)))
