# SPDX-License-Identifier: MIT
"""Guards learnt from data: rare false alarms on their like, and alarm on what is not."""

import numpy as np
import pytest
import torch

from isthmus.contract import Contract, Limits, Method, Variable, read_contract
from isthmus.errors import ExportError
from isthmus.export import export_network, flagged, learn_guard

N_TRAINING = 20000
N_HELD_OUT = 20000
FRACTION = 0.01
SAMPLING = 0.4  # of a rate near 0.01: four standard errors of threshold and count together


def columns(n: int, seed: int) -> dict[str, np.ndarray]:
    """Return smooth profiles t [sample, level] and a humidity q that follows them."""
    generator = np.random.default_rng(seed)
    surface = generator.normal(288.0, 8.0, (n, 1))
    lapse = generator.normal(6.5, 0.5, (n, 1))
    t = surface - lapse * np.arange(5) + generator.normal(0.0, 0.3, (n, 5))
    q = 0.02 * np.exp(0.06 * (t[:, :2] - 300.0)) * generator.uniform(0.5, 1.0, (n, 2))
    return {"t": t, "q": q}


@pytest.fixture(scope="module")
def training() -> dict[str, np.ndarray]:
    return columns(N_TRAINING, 1)


@pytest.mark.parametrize("per", ["element", "variable"])
def test_ranges_flag_about_what_lies_beyond_their_quantiles(training, per):
    guard = learn_guard(training, (0.005, 0.995), margin=0.0, per=per, mahalanobis=False)
    rate = flagged(guard, {"t": columns(N_HELD_OUT, 2)["t"]}).mean()
    assert 0.005 < rate < 5 * 0.01 * (1 + SAMPLING)  # one tail alone, all elements apart
    assert guard.quantiles == (0.005, 0.995)


def test_distance_has_the_chosen_rate_of_false_alarms(training):
    guard = learn_guard(training, (0.0, 1.0), margin=10.0, fraction=FRACTION)
    rate = flagged(guard, columns(N_HELD_OUT, 3)).mean()
    assert abs(rate - FRACTION) < SAMPLING * FRACTION


def test_a_profile_turned_upside_down_is_within_ranges_but_far(training):
    odd = columns(200, 4)
    odd["t"] = odd["t"][:, ::-1].copy()
    ranges = learn_guard(training, (0.0, 1.0), per="variable", mahalanobis=False)
    distance = learn_guard(training, (0.0, 1.0), per="variable", fraction=FRACTION)
    assert not flagged(ranges, odd).any()
    assert flagged(distance, odd).all()


def test_nan_and_values_outside_are_flagged_alone(training):
    held_out = columns(10, 5)
    guard = learn_guard(training, (0.0, 1.0), margin=1.0, fraction=1e-4)
    assert not flagged(guard, held_out).any()
    held_out["t"][3, 2] = np.nan
    held_out["q"][7, 0] = 1.0
    assert flagged(guard, held_out).nonzero()[0].tolist() == [3, 7]


def test_few_samples_and_constant_elements_give_a_finite_guard():
    t = torch.randn(30, 8, dtype=torch.float64)
    t[:, 0] = 5.0
    guard = learn_guard({"t": t}, margin=1.0)
    assert guard.mahalanobis is not None
    assert np.isfinite(np.array(guard.mahalanobis.whitening)).all()
    assert flagged(guard, {"t": t.numpy()}).mean() < 0.1


def test_the_guard_fits_a_contract(training):
    dq = {"dq": 1e-6 * training["q"]}
    guard = learn_guard({**training, **dq}, outputs=["dq"])
    assert set(guard.inputs) == {"t", "q"}
    contract = Contract(
        name="column",
        engine="torchscript",
        methods={"forward": Method(("t", "q"), ("dq",))},
        variables={
            "t": Variable("float64", ("column", 5)),
            "q": Variable("float64", ("column", 2)),
            "dq": Variable("float64", ("column", 2)),
        },
        payload_sha256={},
        separable="column",
        guard=guard,
    )
    assert Contract.from_json(contract.to_json()).guard == guard


def test_limits_are_those_of_the_data_and_the_margin():
    values = np.linspace(0.0, 1.0, 101)
    guard = learn_guard({"x": values}, (0.0, 1.0), margin=0.5, mahalanobis=False)
    assert guard.inputs["x"] == Limits((-0.5,), (1.5,))


@pytest.mark.parametrize(
    ("samples", "settings", "said"),
    [
        ({"x": np.zeros(3)}, {}, "at least 20 samples"),
        ({"x": np.full(30, np.inf)}, {}, "not finite"),
        ({"x": np.zeros(30)}, {}, "no input varies"),
        ({"x": np.random.default_rng(0).random((30, 600))}, {}, "too many for a distance"),
        ({"x": np.arange(30.0)}, {"mahalanobis": ["y"]}, "samples lacks"),
        ({"x": np.arange(30.0), "y": np.arange(40.0)}, {}, "give one length"),
        ({"x": np.arange(30.0)}, {"quantiles": (0.9, 0.1)}, "two rising"),
        ({"x": np.arange(30.0)}, {"fraction": 0.0}, "fraction is 0.0"),
    ],
)
def test_data_that_teach_nothing_are_refused(samples, settings, said):
    with pytest.raises(ExportError, match=said):
        learn_guard(samples, **settings)


class _Recurrent(torch.nn.Module):
    """One step of a memory that forgets."""

    def forward(
        self, x: torch.Tensor, h: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        h_next = 0.9 * h + x
        return h_next.tanh(), h_next


def test_an_export_carries_guard_memory_and_version(tmp_path):
    x = torch.randn(100, 3, dtype=torch.float64)
    guard = learn_guard({"x": x}, fraction=0.1)
    report = export_network(
        _Recurrent().eval(),
        tmp_path / "recurrent.pt",
        inputs={"x": x[:4], "h": x[:4]},
        outputs=["y", "h_next"],
        dynamic={"column": 0},
        separable="column",
        guard=guard,
        memory={"h": "h_next"},
        version="3",
    )
    assert read_contract(report.path) == report.contract
    assert report.contract.guard == guard
    assert report.contract.memory == {"h": "h_next"}
    assert report.contract.version == "3"
    with pytest.raises(ExportError, match="no output of 'forward'"):
        export_network(
            _Recurrent().eval(),
            report.path,
            inputs={"x": x[:4], "h": x[:4]},
            outputs=["y", "h_next"],
            memory={"h": "h"},
        )
