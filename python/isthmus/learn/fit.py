# SPDX-License-Identifier: MIT
"""The training loop: resumable bit for bit, reproducible by its seed, honest when it fails.

Every random draw is seeded by its place (seed, stage, epoch, batch), so a resumed training
continues with the very numbers an uninterrupted one would have drawn.
"""

import os
import threading
import time
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ..data import Trajectories
from ..errors import TrainingError
from . import checkpoint as checkpoints
from .curriculum import Curriculum, Stage
from .interrupts import interrupts_held
from .losses import RolloutLoss
from .optimizers import build_optimizer
from .precision import in_precision
from .progress import Reporter
from .rollout import Trainable
from .samples import Samples, as_samples
from .schedule import StageState
from .settings import Evaluation, FitSettings, History

EVALUATION_BATCH = 1024
Data = Samples | Trajectories | Tensor | NDArray[Any]


def fit(
    model: Trainable,
    train: Data,
    valid: Data,
    *,
    curriculum: Curriculum | None = None,
    loss: RolloutLoss | None = None,
    settings: FitSettings | None = None,
    progress: bool | None = None,
    **overrides: Any,  # noqa: ANN401
) -> History:
    """Train a model on its own rollouts and leave the best weights in it.

    Parameters
    ----------
    model : Trainable
        `Rollout`, `Regression` or another. Its parameters that require a gradient are
        trained, in place.
    train, valid : Trajectories, Samples, tensor or array
        States [time, member, k], or samples such as `Pairs`.
    curriculum : Curriculum, optional
        Lengths of the rollouts; one step for 20 epochs without it.
    loss : RolloutLoss, optional
        Mean squared error over all steps without it.
    settings : FitSettings, optional
        The rest; single settings may also be given by name, e.g. `learning_rate=1e-2`.
    progress : bool, optional
        Show progress bars; by default when the output is a terminal.

    Returns
    -------
    History
        All evaluations and the best validation loss.

    Raises
    ------
    TrainingError
        If the loss is not finite, or a checkpoint belongs to another training.
    KeyboardInterrupt
        On Ctrl-C, after the checkpoint (if there is one) has been written.
    """
    settings = replace(settings or FitSettings(), **overrides)
    run = _Training(
        model,
        as_samples(train).to(settings.torch_dtype),
        as_samples(valid).to(settings.torch_dtype),
        curriculum or Curriculum(),
        loss or RolloutLoss(),
        settings,
        progress,
    )
    run.train()
    return run.history


class _Training:
    """One call of `fit`: its position, its optimizer and its books."""

    def __init__(
        self,
        model: Trainable,
        train: Samples,
        valid: Samples,
        curriculum: Curriculum,
        loss: RolloutLoss,
        settings: FitSettings,
        progress: bool | None,
    ) -> None:
        self.model = in_precision(model, settings.torch_dtype)
        self.parameters = [p for p in model.parameters() if p.requires_grad]
        if not self.parameters:
            raise TrainingError("the model has no parameters that require a gradient")
        self.train_samples, self.valid_samples = train, valid
        self.stages = list(curriculum)
        self.loss, self.settings = loss, settings
        _check_folders(settings)
        self.reporter = Reporter(settings.metrics, progress)
        self.history = History()
        self.stage_index = self.epoch = self.batch = self.step = 0
        self.spent = 0.0
        self.is_finished = False
        self.started = time.process_time()
        self.loss_sum, self.loss_count = 0.0, 0
        self.best = _copy(model)
        self._begin_stage()
        self.identity = self._identity()
        if settings.checkpoint is not None and settings.checkpoint.exists():
            self._restore(checkpoints.load(settings.checkpoint))

    def train(self) -> None:
        """Run all remaining stages."""
        if self.is_finished:
            self.model.eval()
            return
        with self.reporter.running(), interrupts_held() as interrupted:
            while self.stage_index < len(self.stages):
                self._run_stage(interrupted)
                self.model.load_state_dict(self.best)
                self.history.best = self.state.best
                self.stage_index += 1
                self.epoch = self.batch = 0
                if self.stage_index < len(self.stages):
                    self._begin_stage()
            self.stage_index -= 1
            self.is_finished = True
            self._save()
        self.model.eval()

    @property
    def stage(self) -> Stage:
        return self.stages[self.stage_index]

    def _begin_stage(self) -> None:
        rate = self.settings.learning_rate * self.stage.learning_rate
        self.state = StageState(peak_rate=rate)
        self.optimizer = build_optimizer(self.parameters, self.settings)
        self.n_samples = self.train_samples.count(self.stage.length)
        is_full = self.settings.optimizer == "lbfgs"
        self.batch_size = self.n_samples if is_full else self.settings.batch_size
        self.n_batches = -(-self.n_samples // self.batch_size)

    def _run_stage(self, interrupted: threading.Event) -> None:
        total = self.stage.epochs * self.n_batches
        self.reporter.begin_stage(self.stage_index, self.stage.length, total)
        while self.epoch < self.stage.epochs and not self.state.is_over(self.settings):
            order = self._order()
            while self.batch < self.n_batches and not self.state.is_over(self.settings):
                first = self.batch * self.batch_size
                self._take_step(order[first : first + self.batch_size])
                self._account(total)
                if interrupted.is_set():
                    self._save()
                    raise KeyboardInterrupt
            if self.batch >= self.n_batches:
                self.epoch, self.batch = self.epoch + 1, 0

    def _order(self) -> Tensor:
        """Return the order of the samples in this epoch; a full batch keeps its own."""
        if self.n_batches == 1:
            return torch.arange(self.n_samples)
        seed = _place_seed(self.settings.seed, self.stage_index, self.epoch, 0)
        return torch.randperm(self.n_samples, generator=torch.Generator().manual_seed(seed))

    def _account(self, total: int) -> None:
        """Advance by one batch, and evaluate when it is time."""
        self.batch += 1
        self.step += 1
        done = self.epoch * self.n_batches + self.batch
        self.reporter.advance(done, self.state.best)
        if done % self.settings.evaluate_every == 0 or done == total:
            self._evaluate()
            self._save()

    def _take_step(self, indices: Tensor) -> None:
        self.model.train()
        done = self.epoch * self.n_batches + self.batch
        rate = self.state.rate(self.settings, done / (self.stage.epochs * self.n_batches))
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        x, target = self.train_samples.batch(indices, self.stage.length)
        seed = _place_seed(self.settings.seed, self.stage_index, self.epoch, 1 + self.batch)

        def closure() -> Tensor:
            torch.manual_seed(seed)  # noise and dropout: the same in each call of a step
            self.optimizer.zero_grad(set_to_none=True)
            value = self.loss(self.model.predict(x, self.stage.length), target)
            value.backward()  # type: ignore[no-untyped-call]
            if self.settings.clip_norm is not None:
                nn.utils.clip_grad_norm_(self.parameters, self.settings.clip_norm)
            return value.detach()

        value = float(self.optimizer.step(closure))  # type: ignore[arg-type]
        self._check_finite(value, "training")
        self.loss_sum += value * len(indices)
        self.loss_count += len(indices)

    def _evaluate(self) -> None:
        value = self._validation_loss()
        self._check_finite(value, "validation")
        if self.state.record(value, self.settings):
            self.best = _copy(self.model)
        line = Evaluation(
            stage=self.stage_index,
            length=self.stage.length,
            epoch=self.epoch,
            step=self.step,
            learning_rate=float(self.optimizer.param_groups[0]["lr"]),
            train_loss=self.loss_sum / max(self.loss_count, 1),
            valid_loss=value,
            seconds=self.spent + time.process_time() - self.started,
        )
        self.loss_sum, self.loss_count = 0.0, 0
        self.history.evaluations.append(line)
        self.history.best = self.state.best
        self.reporter.record(line)

    def _validation_loss(self) -> float:
        """Return the loss over all validation samples, in blocks of fixed size."""
        self.model.eval()
        length = self.stage.length
        indices = torch.arange(self.valid_samples.count(length))
        total = 0.0
        with torch.no_grad():
            for block in torch.split(indices, EVALUATION_BATCH):
                x, target = self.valid_samples.batch(block, length)
                total += float(self.loss(self.model.predict(x, length), target)) * len(
                    block
                )
        return total / len(indices)

    def _check_finite(self, value: float, what: str) -> None:
        if not np.isfinite(value):
            raise TrainingError(
                f"the {what} loss is {value} at stage {self.stage_index} (rollouts of "
                f"{self.stage.length} steps), epoch {self.epoch}, batch {self.batch}: "
                "try a smaller learning rate, shorter rollouts or a gradient clip"
            )

    def _identity(self) -> dict[str, Any]:
        """Return what makes this training this training."""
        return {
            "settings": self.settings.fingerprint(),
            "stages": [asdict(stage) for stage in self.stages],
            "loss": asdict(self.loss),
            "model": repr(self.model),
            "data": [self.train_samples.digest(), self.valid_samples.digest()],
        }

    def _save(self) -> None:
        if self.settings.checkpoint is None:
            return
        content = {
            "identity": self.identity,
            "model": self.model.state_dict(),
            "best": self.best,
            "optimizer": self.optimizer.state_dict(),
            "state": self.state.as_dict(),
            "position": [self.stage_index, self.epoch, self.batch, self.step],
            "is_finished": self.is_finished,
            "loss": [self.loss_sum, self.loss_count],
            "seconds": self.spent + time.process_time() - self.started,
            "history": [asdict(line) for line in self.history.evaluations],
        }
        checkpoints.save_atomically(content, self.settings.checkpoint)

    def _restore(self, content: dict[str, Any]) -> None:
        for name, value in self.identity.items():
            if content["identity"].get(name) != value:
                raise TrainingError(
                    f"{self.settings.checkpoint}: belongs to another training: '{name}' is "
                    f"{content['identity'].get(name)}, expected {value}; "
                    "remove the file to train anew"
                )
        self.stage_index, self.epoch, self.batch, self.step = content["position"]
        self._begin_stage()
        self.state = StageState(**content["state"])
        self.model.load_state_dict(content["model"])
        self.optimizer.load_state_dict(content["optimizer"])
        self.best = content["best"]
        self.is_finished = content["is_finished"]
        self.loss_sum, self.loss_count = content["loss"]
        self.spent = content["seconds"]
        self.history.evaluations = [Evaluation(**line) for line in content["history"]]
        self.history.best = self.state.best
        self.reporter.resume(self.history.evaluations)


def _check_folders(settings: FitSettings) -> None:
    """Refuse paths that cannot be written now, not after the first hour."""
    for path in (settings.checkpoint, settings.metrics):
        if path is not None and not os.access(path.parent, os.W_OK):
            raise TrainingError(f"{path}: cannot be written, no such writable folder")


def _copy(model: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in model.state_dict().items()}


def _place_seed(*place: int) -> int:
    """Return a seed that depends on the whole place and on nothing else."""
    return int(np.random.SeedSequence(place).generate_state(1, np.uint64)[0] >> 1)
