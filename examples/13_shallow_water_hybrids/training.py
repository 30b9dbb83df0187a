# SPDX-License-Identifier: MIT
"""Three trainings of one closure: offline, on rollouts, and through the Fortran model.

- offline: the stress that the coarse step misses, from one state to the next, is fitted as
  a quantity of its own; no model runs.
- rollouts: the coarse step is the PyTorch module `BackhausStep`, the loss that of runs of
  1, 4 and 8 steps.
- Fortran: the same loss, with the Fortran step and its adjoint in the place of the module.
"""

import numpy as np
import torch
from rough_basins import DRAG, DT, DX, MEAN_DEPTH, THETA, Truth, model_of
from torch import Tensor, nn

from isthmus.couple.shallow_water import fortran_shallow_water_step
from isthmus.learn import Curriculum, fit
from isthmus.learn.rollout import Trainable
from isthmus.learn.shallow_water import BasinRollout, BasinStart, BasinWindows
from isthmus.nets.shallow_water import BackhausStep

ZETA_SCALE = 0.1  # [m]
SCALES = (ZETA_SCALE, *2 * [ZETA_SCALE * float(np.sqrt(9.81 * MEAN_DEPTH))])
"""Of elevation [m] and transports [m2 s-1]: of equal energy."""
STRESS_SCALE = SCALES[1] / DT
ROLLOUTS = Curriculum((1, 4, 8), (4, 4, 3), (1.0, 1.0, 0.5))
STRIDE = 12
SOLVED = 1e-10


def physical(state: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return elevation [m] and transports [m2 s-1] of scaled states [..., field, y, x]."""
    zeta, u, v = state.unbind(-3)
    return zeta * SCALES[0], u * SCALES[1], v * SCALES[2]


def scaled(zeta: Tensor, u: Tensor, v: Tensor) -> Tensor:
    """Return scaled states [..., field, y, x]."""
    return torch.stack([zeta / SCALES[0], u / SCALES[1], v / SCALES[2]], -3)


class CoarseStep(nn.Module):
    """The coarse step as a PyTorch module, with a closure or without."""

    def __init__(self, closure: nn.Module | None) -> None:
        """Keep the closure."""
        super().__init__()
        self.closure = closure
        self.step = BackhausStep(
            dx=DX,
            dt=DT,
            drag=DRAG,
            theta=THETA,
            preconditioner="diagonal",
            tolerance=SOLVED,
        )

    def forward(self, state: Tensor, depth: Tensor) -> Tensor:
        """Return the scaled state one step later."""
        fields = physical(state)
        stress = (None, None) if self.closure is None else self.closure(*fields, depth)
        return scaled(*self.step(*fields, depth, *stress))


class FortranCoarseStep(nn.Module):
    """The same step by the Fortran model; its adjoint carries the gradients."""

    def __init__(self, closure: nn.Module | None) -> None:
        """Keep the closure; models are made for each depth that comes."""
        super().__init__()
        self.closure = closure
        self.steps: dict[bytes, object] = {}

    def forward(self, state: Tensor, depth: Tensor) -> Tensor:
        """Return the scaled state one step later; members take their turns."""
        fields = physical(state)
        controls: list[dict[str, Tensor]] = [{} for _ in range(len(state))]
        if self.closure is not None:
            stress = zip(*self.closure(*fields, depth), strict=True)
            controls = [{"stress_u": x, "stress_v": y} for x, y in stress]
        after = [
            scaled(*self._step_of(depth[k])(*(f[k].contiguous() for f in fields), **given))
            for k, given in enumerate(controls)
        ]
        return torch.stack(after)

    def _step_of(self, depth: Tensor):  # noqa: ANN202 (a protocol of the package)
        key = depth.numpy().tobytes()
        if key not in self.steps:
            model = model_of(depth.numpy(), DX, DT, derivative_tolerance=SOLVED)
            self.steps[key] = fortran_shallow_water_step(model)
        return self.steps[key]


class MissingStress(BasinWindows):
    """States and the stress that the coarse step misses in the step that follows."""

    def __init__(self, truth: Truth) -> None:
        """Make one step of the coarse model from every filtered state."""
        scales = torch.tensor(SCALES, dtype=torch.float64).reshape(3, 1, 1)
        super().__init__(truth.states / scales, truth.depth, STRIDE)
        step = FortranCoarseStep(None)
        with torch.no_grad():
            coarse = [step(state, truth.depth) for state in self.states[:-1]]
        missing = (self.states[1:] - torch.stack(coarse))[:, :, 1:] * SCALES[1] / DT
        self.missing = missing / STRESS_SCALE

    def batch(self, indices: Tensor, length: int) -> tuple[BasinStart, Tensor]:
        """Return starts and the missing stress [1, member, 2*y*x]."""
        start, _ = super().batch(indices, length)
        n_members = self.states.shape[1]
        time = self.stride * torch.div(indices, n_members, rounding_mode="floor")
        return start, self.missing[time, indices % n_members].flatten(1)[None]

    def to(self, dtype: torch.dtype) -> "MissingStress":
        """Return the samples themselves: they are in double precision."""
        if dtype != torch.float64:
            raise TypeError(f"samples of a closure are float64, not {dtype}")
        return self


class Offline(Trainable):
    """The closure alone, for one step."""

    def __init__(self, closure: nn.Module) -> None:
        """Keep the closure."""
        super().__init__()
        self.closure = closure

    def predict(self, start: BasinStart, n_steps: int) -> Tensor:
        """Return the scaled stress [1, member, 2*y*x]; there are no further steps."""
        if n_steps != 1:
            raise ValueError(f"offline there is one step, not {n_steps}")
        stress = torch.stack(self.closure(*physical(start.state), start.depth), -3)
        return stress.flatten(1)[None] / STRESS_SCALE


def windows(truth: Truth) -> BasinWindows:
    """Return scaled windows of filtered runs."""
    scales = torch.tensor(SCALES, dtype=torch.float64).reshape(3, 1, 1)
    return BasinWindows(truth.states / scales, truth.depth, STRIDE)


def train(how: str, closure: nn.Module, train_on: Truth, valid_on: Truth) -> float:
    """Train a closure in place; return the best loss on the validation runs."""
    common = {"dtype": "float64", "batch_size": 12, "clip_norm": 1.0, "evaluate_every": 11}
    if how == "offline":
        model: Trainable = Offline(closure)
        samples = MissingStress(train_on), MissingStress(valid_on)
        curriculum = Curriculum((1,), 40)
    else:
        model = BasinRollout(
            {"rollouts": CoarseStep, "Fortran": FortranCoarseStep}[how](closure)
        )
        samples = windows(train_on), windows(valid_on)
        curriculum = ROLLOUTS
    history = fit(
        model,
        *samples,
        curriculum=curriculum,
        learning_rate=2e-2,
        schedule="cosine",
        **common,
    )
    return history.best
