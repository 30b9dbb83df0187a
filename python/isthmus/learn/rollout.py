# SPDX-License-Identifier: MIT
"""Self-iterated rollouts: a step is fed its own output, and its errors come back to it."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import ConfigurationError
from ..nets import ResolvedStep

Step = Callable[[Tensor], Tensor]
"""x [member, k] -> x one step later."""

Resolved = Callable[[Tensor, Tensor], Tensor]
"""(x, b) -> x one step later, b an extra tendency: torch, or Fortran with its adjoint."""


class Trainable(nn.Module, ABC):
    """What `fit` trains."""

    @abstractmethod
    def predict(self, start: Any, n_steps: int) -> Tensor:  # noqa: ANN401 (see `Samples`)
        """Return predictions [lead, member, k] for leads 1 .. n_steps."""


class Rollout(Trainable):
    """A step iterated on its own output.

    Either a whole step is trained, `Rollout(step)`, or a closure inside a resolved model
    that stays as it is, `Rollout(resolved=..., closure=..., dt=...)`. A model whose samples
    are more than a state overrides `split` and `advance`, one whose errors are not those of
    the state itself overrides `measured`, one whose noise is not additive `disturbed`; the
    loop, the noise and the cuts of the gradient are the same for all.

    Parameters
    ----------
    step : callable, optional
        x [member, k] -> x one step later; a module is trained.
    resolved : callable or module, optional
        (x, b) -> x one step later. A module of one argument is taken for a tendency and
        stepped with `dt` (Runge-Kutta, `b` held in the step). Its weights are frozen.
    closure : module, optional
        x -> b [member, k]; this is trained.
    dt : float, optional
        Time step, when `resolved` is a tendency.
    detach_every : int, optional
        Cut the gradient every so many steps ("pushforward" with 1). Without it all of the
        rollout is differentiated.
    noise : float
        Standard deviation of Gaussian noise added to the first state in training.

    Raises
    ------
    ConfigurationError
        If neither or both of the two forms are given, or a number is out of range.
    """

    def __init__(
        self,
        step: Callable[..., Tensor] | None = None,
        *,
        resolved: Resolved | nn.Module | None = None,
        closure: nn.Module | None = None,
        dt: float | None = None,
        detach_every: int | None = None,
        noise: float = 0.0,
    ) -> None:
        super().__init__()
        if (step is None) == (resolved is None or closure is None):
            raise ConfigurationError(
                "a rollout needs either a step, or resolved and closure"
            )
        if detach_every is not None and detach_every < 1:
            raise ConfigurationError(f"detach_every is {detach_every}, expected at least 1")
        if noise < 0:
            raise ConfigurationError(f"noise is {noise}, expected at least 0")
        self.step = step
        self.closure = closure
        self.resolved = _resolved_step(resolved, dt)
        self.detach_every = detach_every
        self.noise = noise

    def forward(self, x: Tensor, *beside: Tensor) -> Tensor:
        """Return the state [member, k] one step later."""
        if self.step is not None:
            return self.step(x, *beside)
        assert self.resolved is not None and self.closure is not None
        return self.resolved(x, self.closure(x, *beside))

    def predict(self, start: Any, n_steps: int) -> Tensor:  # noqa: ANN401 (see `split`)
        """Return the states [lead, member, k] after 1 .. n_steps steps."""
        x, beside = self.split(start)
        if self.training and self.noise > 0:
            x = self.disturbed(x)
        states = []
        for i in range(n_steps):
            if self.detach_every is not None and i > 0 and i % self.detach_every == 0:
                x = x.detach()
            x = self.advance(x, beside, i)
            states.append(self.measured(x))
        return torch.stack(states)

    def split(self, start: Any) -> tuple[Tensor, Tensor | None]:  # noqa: ANN401
        """Return the first state, and what acts beside it [lead, member, ...] or None."""
        return start if isinstance(start, tuple) else (start, None)

    def advance(self, x: Tensor, beside: Tensor | None, lead: int) -> Tensor:
        """Return the state after the step number `lead` (from 0)."""
        return self(x) if beside is None else self(x, beside[lead])

    def disturbed(self, x: Tensor) -> Tensor:
        """Return the first state as it is in training, with noise."""
        return x + self.noise * torch.randn_like(x)

    def measured(self, x: Tensor) -> Tensor:
        """Return what is compared with the targets at a state."""
        return x


class Regression(Trainable):
    """A map trained on pairs: offline closures. `predict` has a single lead."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: Tensor) -> Tensor:
        """Return the value [member, k] at `x` [member, k]."""
        result: Tensor = self.net(x)
        return result

    def predict(self, start: Tensor, n_steps: int) -> Tensor:
        """Return the value as the single lead of [1, member, k]."""
        if n_steps != 1:
            raise ConfigurationError(
                f"a regression has one lead, the curriculum asks {n_steps}"
            )
        return self(start).unsqueeze(0)


def _resolved_step(
    resolved: Resolved | nn.Module | None, dt: float | None
) -> Resolved | None:
    """Freeze a resolved module and turn a tendency into a step."""
    if not isinstance(resolved, nn.Module):
        return resolved
    resolved.requires_grad_(False)
    if isinstance(resolved, ResolvedStep) or dt is None:
        return resolved
    return ResolvedStep(resolved, dt)
