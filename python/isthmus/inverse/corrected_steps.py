# SPDX-License-Identifier: MIT
# ruff: noqa: ANN401 (the context of autograd has attributes of any type)
"""Steps of `dx/dt = f(x) + B(x)` whose weights are learned, by any kind of derivative.

`CorrectedStep` is all in PyTorch. `SplitStep` takes f as a forward model of this package
with its own derivatives: Fortran's adjoint, differences, an emulator by the bridge. The
network's are back-propagated, those of the model are `step_ad`:

    b = B(x),  x_{n+1} = M(x + dt/2 b) + dt/2 b

To second order in dt that is the step with b held, as in the Fortran model's slot.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from isthmus.inverse.forward import ForwardModel


class CorrectedStep(nn.Module):
    """A Runge-Kutta step of `f(x) + B(x)`.

    Parameters
    ----------
    tendency
        f.
    network
        B.
    dt
        Time step.
    """

    def __init__(self, tendency: nn.Module, network: nn.Module, dt: float) -> None:
        super().__init__()
        self.tendency, self.network, self.dt = tendency, network, dt

    def forward(self, x: Tensor) -> Tensor:
        """Return the states `[member, k]` one step later."""
        dt = self.dt
        k1 = self._slope(x)
        k2 = self._slope(x + 0.5 * dt * k1)
        k3 = self._slope(x + 0.5 * dt * k2)
        k4 = self._slope(x + dt * k3)
        return x + dt / 6.0 * (k1 + 2.0 * (k2 + k3) + k4)

    def _slope(self, x: Tensor) -> Tensor:
        """Return `f + B`."""
        slope: Tensor = self.tendency(x) + self.network(x)
        return slope


class SplitStep(nn.Module):
    """A step of a forward model, with half of `dt B(x)` before it and half after.

    Parameters
    ----------
    model
        f with its derivatives, as `with_derivatives` returns it.
    network
        B, in double precision.
    """

    def __init__(self, model: ForwardModel, network: nn.Module) -> None:
        super().__init__()
        self.model, self.network = model, network

    def forward(self, x: Tensor) -> Tensor:
        """Return the states `[member, k]` one step later."""
        half = 0.5 * self.model.dt * self.network(x)
        moved: Tensor = _ModelStep.apply(x + half, self.model)  # type: ignore[no-untyped-call]
        return moved + half


class _ModelStep(torch.autograd.Function):
    """A step of a forward model; its adjoint carries sensitivities back."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, model: ForwardModel) -> Tensor:
        ctx.save_for_backward(x)
        ctx.model = model
        return torch.from_numpy(model.step(x.detach().numpy()))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, x_ad: Tensor) -> tuple[Tensor, None]:
        (x,) = ctx.saved_tensors
        with torch.enable_grad():  # a model may be PyTorch's own, and need a graph
            before = ctx.model.step_ad(x.detach().numpy(), x_ad.contiguous().numpy())
        return torch.from_numpy(before), None
