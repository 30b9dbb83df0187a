# SPDX-License-Identifier: MIT
"""The training loop: reproducible, resumable bit for bit, and clear when it fails."""

import json
import os
import signal

import pytest
import torch

from isthmus.errors import ConfigurationError, DataError, TrainingError
from isthmus.learn import (
    Curriculum,
    FitSettings,
    Pairs,
    Regression,
    Rollout,
    RolloutLoss,
    Windows,
    fit,
)
from isthmus.learn.lorenz96 import train_to_rounding
from isthmus.learn.simulators import simulate_one_level
from isthmus.nets import (
    BilinearNet,
    LocalClosure,
    Lorenz96Tendency,
    PolynomialClosure,
    Rk4Step,
    SquareNet,
)

DT = 0.05
AT_ROUNDING = 1e-12  # the target is 1e-10; squares of states lose two digits of 1e-16
CURRICULUM = Curriculum(steps=(1, 3), epochs=(3, 2))


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def truth():
    return torch.from_numpy(simulate_one_level(160, dt=DT, n_sites=12)["x"])


def new_model(noise=0.0):
    torch.manual_seed(11)
    return Rollout(Rk4Step(BilinearNet(), DT), noise=noise)


def train(model, truth, *, windows=Windows, **settings: object):
    chosen = {"evaluate_every": 4, "learning_rate": 3e-3, "dtype": "float64", **settings}
    return fit(model, windows(truth[:120]), truth[120:], curriculum=CURRICULUM, **chosen)


def same_bits(first, second):
    a, b = first.state_dict(), second.state_dict()
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def without_time(history):
    return [{**vars(line), "seconds": 0.0} for line in history.evaluations]


class Interrupting(Windows):
    """Windows that press Ctrl-C while a given batch is drawn."""

    at = 0

    def batch(self, indices, length):
        """Press Ctrl-C when the count has run down."""
        type(self).at -= 1
        if type(self).at == 0:
            os.kill(os.getpid(), signal.SIGINT)
        return super().batch(indices, length)

    def to(self, dtype):
        """Stay of this class."""
        return type(self)(self.x.to(dtype))


@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_seed_reproduces_a_training_bit_for_bit(truth, noise):
    first, second, other = new_model(noise), new_model(noise), new_model(noise)
    history = train(first, truth, seed=5)
    assert without_time(history) == without_time(train(second, truth, seed=5))
    assert same_bits(first, second)
    train(other, truth, seed=6)
    assert not same_bits(first, other)


@pytest.mark.parametrize("batch", [1, 3, 5, 12, 14, 17])
@pytest.mark.parametrize("optimizer", ["adam", "adamw", "soap"])
def test_interrupted_training_continues_bit_for_bit(truth, tmp_path, batch, optimizer):
    """Ctrl-C before the first evaluation, between epochs, and in the second stage."""
    whole, broken = new_model(0.1), new_model(0.1)
    settings = {"optimizer": optimizer, "schedule": "cosine"}
    expected = train(whole, truth, **settings)
    checkpoint, metrics = tmp_path / "run.checkpoint", tmp_path / "run.jsonl"
    Interrupting.at = batch
    with pytest.raises(KeyboardInterrupt):
        train(broken, truth, windows=Interrupting, checkpoint=checkpoint, **settings)
    resumed = new_model(0.1)
    torch.manual_seed(99)  # whatever the new process drew before must not matter
    history = train(resumed, truth, checkpoint=checkpoint, metrics=metrics, **settings)
    assert same_bits(whole, resumed)
    assert without_time(history) == without_time(expected)
    lines = [json.loads(line) for line in metrics.read_text().splitlines()]
    assert [line["valid_loss"] for line in lines] == [
        line.valid_loss for line in expected.evaluations
    ]


def test_interrupted_lbfgs_continues_bit_for_bit(truth, tmp_path):
    whole, resumed = new_model(), new_model()
    settings = {"optimizer": "lbfgs", "learning_rate": 1.0, "evaluate_every": 1}
    train(whole, truth, **settings)
    checkpoint = tmp_path / "run.checkpoint"
    Interrupting.at = 2
    with pytest.raises(KeyboardInterrupt):
        train(new_model(), truth, windows=Interrupting, checkpoint=checkpoint, **settings)
    train(resumed, truth, checkpoint=checkpoint, **settings)
    assert same_bits(whole, resumed)


def test_finished_training_is_not_done_again(truth, tmp_path):
    first, second = new_model(), new_model()
    checkpoint = tmp_path / "run.checkpoint"
    history = train(first, truth, checkpoint=checkpoint)
    stamp = checkpoint.stat().st_mtime_ns
    again = train(second, truth, checkpoint=checkpoint)
    assert same_bits(first, second)
    assert checkpoint.stat().st_mtime_ns == stamp
    assert without_time(again) == without_time(history)
    assert again.best == history.best


def test_checkpoint_holds_no_code(truth, tmp_path):
    checkpoint = tmp_path / "run.checkpoint"
    train(new_model(), truth, checkpoint=checkpoint)
    content = torch.load(checkpoint, weights_only=True)
    assert content["format"] == "isthmus-training-1"
    assert [p.name for p in tmp_path.iterdir()] == ["run.checkpoint"]


def test_checkpoint_of_another_training_is_refused(truth, tmp_path):
    checkpoint = tmp_path / "run.checkpoint"
    train(new_model(), truth, checkpoint=checkpoint)
    with pytest.raises(TrainingError, match="belongs to another training: 'settings'"):
        train(new_model(), truth, checkpoint=checkpoint, seed=1)
    with pytest.raises(TrainingError, match="belongs to another training: 'data'"):
        train(new_model(), truth + 1e-9, checkpoint=checkpoint)
    for other in (Rk4Step(BilinearNet(), DT / 2), Rk4Step(SquareNet(), DT)):
        with pytest.raises(TrainingError, match="belongs to another training: 'model'"):
            train(Rollout(other), truth, checkpoint=checkpoint)


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"PK\x03\x04 cut"])
def test_damaged_checkpoint_is_refused(truth, tmp_path, content):
    checkpoint = tmp_path / "run.checkpoint"
    checkpoint.write_bytes(content)
    with pytest.raises(TrainingError, match="not a readable checkpoint"):
        train(new_model(), truth, checkpoint=checkpoint)
    assert checkpoint.read_bytes() == content


@pytest.mark.parametrize("what", ["checkpoint", "metrics"])
def test_folder_that_is_absent_is_reported_before_training(truth, tmp_path, what):
    with pytest.raises(TrainingError, match="no such writable folder"):
        train(new_model(), truth, **{what: tmp_path / "absent" / "run"})


def test_checkpoint_that_cannot_be_written_leaves_the_old_one(truth, tmp_path, monkeypatch):
    checkpoint = tmp_path / "run.checkpoint"
    Interrupting.at = 3
    with pytest.raises(KeyboardInterrupt):
        train(new_model(), truth, windows=Interrupting, checkpoint=checkpoint)
    before = checkpoint.read_bytes()

    def disk_full(*_: object):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", disk_full)
    with pytest.raises(TrainingError, match="No space left on device"):
        train(new_model(), truth, checkpoint=checkpoint)
    assert checkpoint.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["run.checkpoint"]


def test_loss_that_is_not_finite_names_epoch_and_batch(truth):
    model = new_model()
    expected = (
        r"training loss is (nan|inf) at stage 0 \(rollouts of 1 steps\), epoch 0, batch"
    )
    with pytest.raises(TrainingError, match=expected):
        train(model, truth, learning_rate=1e12)


def test_training_reduces_the_error_and_keeps_the_best_weights(truth):
    model = new_model()
    with torch.no_grad():
        before = float(((model.double()(truth[120:160, 0]) - truth[121:, 0]) ** 2).mean())
    history = fit(
        model,
        truth[:120],
        truth[120:],
        curriculum=Curriculum((1,), 30),
        evaluate_every=5,
        learning_rate=1e-2,
        dtype="float64",
    )
    with torch.no_grad():
        after = float(((model(truth[120:160, 0]) - truth[121:, 0]) ** 2).mean())
    assert after == pytest.approx(history.best, rel=1e-12)
    assert history.best == min(line.valid_loss for line in history.evaluations)
    assert after < 0.1 * before


@pytest.mark.parametrize("kind", ["bilinear", "square"])
def test_network_of_the_models_form_is_trained_to_rounding(kind):
    """The published float32 training ends at 1.3e-7."""
    data = simulate_one_level(300, dt=DT, n_sites=12)
    step, history = train_to_rounding(kind, *data.split(0.8))
    x = 4 * torch.randn(50, 12, dtype=torch.float64)
    with torch.no_grad():
        error = step(x) - Rk4Step(Lorenz96Tendency(8.0), DT)(x)
    assert history.best**0.5 < AT_ROUNDING
    assert (
        error.abs().max() < 10 * AT_ROUNDING
    )  # also at states unlike those of the training


def test_plateau_divides_the_rate_by_ten_and_stops(truth):
    still = Regression(LocalClosure())
    for p in still.parameters():
        torch.nn.init.zeros_(p)  # a dead network: no gradient but in the last bias
    still.net.layers[4].bias.requires_grad_(False)
    zeros = Pairs(truth, torch.zeros_like(truth))
    history = fit(
        still,
        zeros,
        zeros,
        curriculum=Curriculum((1,), 10**6),
        evaluate_every=1,
        patience=3,
        stop_patience=10,
        learning_rate=1e-2,
    )
    rates = [line.learning_rate for line in history.evaluations]
    expected = [1e-2] * 4 + [1e-3] * 3 + [1e-4] * 3 + [1e-5]
    assert rates == pytest.approx(expected)


def test_offline_regression_learns_a_closure(truth):
    target = PolynomialClosure((-0.2, -0.31))(truth)
    torch.manual_seed(3)
    model = Regression(LocalClosure())
    history = fit(
        model,
        Pairs(truth[:120], target[:120]),
        Pairs(truth[120:], target[120:]),
        curriculum=Curriculum((1,), 40),
        schedule="cosine",
        evaluate_every=20,
        learning_rate=1e-2,
    )
    assert history.best < 1e-3 * float(target.var())


def test_a_model_without_free_weights_is_refused(truth):
    frozen = new_model().requires_grad_(False)
    with pytest.raises(TrainingError, match="no parameters that require a gradient"):
        train(frozen, truth)


def test_trajectory_shorter_than_a_rollout_is_refused(truth):
    with pytest.raises(DataError, match="'x' has 3 times, a rollout needs 4"):
        fit(new_model(), truth[:3], truth, curriculum=Curriculum((3,), 1))


@pytest.mark.parametrize(
    ("setting", "value"),
    [("optimizer", "sgd"), ("schedule", "linear"), ("dtype", "float16"), ("batch_size", 0)],
)
def test_settings_out_of_range_are_refused(setting, value):
    with pytest.raises(ConfigurationError, match=f"'{setting}' is"):
        FitSettings(**{setting: value})


@pytest.mark.parametrize(
    "arguments",
    [
        {"steps": ()},
        {"steps": (1, 0)},
        {"epochs": 0},
        {"steps": (1, 2), "epochs": (1,)},
        {"learning_rates": (1.0, 2.0)},
    ],
)
def test_curriculum_out_of_range_is_refused(arguments):
    with pytest.raises(ConfigurationError, match="curriculum"):
        Curriculum(**arguments)


def test_loss_settings_out_of_range_are_refused():
    with pytest.raises(ConfigurationError, match="loss leads 'first'"):
        RolloutLoss(leads="first")
    with pytest.raises(ConfigurationError, match="expected both positive"):
        RolloutLoss(growth=0.0)
