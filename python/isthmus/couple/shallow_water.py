# SPDX-License-Identifier: MIT
# ruff: noqa: ANN401 (the context of autograd has attributes of any type)
"""PyTorch differentiates through the shallow water model by its adjoint.

A loss on the states of a run reaches the first state, the depth, the friction, the wind and
the open boundaries; so parameters are found by any optimiser of PyTorch, and a network may
act between the steps and be trained through them.
"""

from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from isthmus.couple.autograd import as_numpy, check, filled
from isthmus.errors import BindingError
from isthmus.models import ShallowWater, ShallowWaterForcing, ShallowWaterState
from isthmus.models.shallow_water import FORCING_NAMES

CONTROL_NAMES = ("depth", "drag", "linear_drag", *FORCING_NAMES)

Fields = tuple[Tensor, Tensor, Tensor]


class FortranShallowWaterStep(Protocol):
    """A step of the model; fields are `[y, x]`, `linear_drag` is a scalar."""

    def __call__(self, zeta: Tensor, u: Tensor, v: Tensor, **controls: Tensor) -> Fields:
        """Return elevation and transports after the step."""


def fortran_shallow_water_step(
    model: ShallowWater, *, n_steps: int = 1
) -> FortranShallowWaterStep:
    """Return the Fortran step as a differentiable function.

    Parameters
    ----------
    model
        Grid and parameters. Derivatives are as good as its `tolerance` [m]: choose one far
        below the changes that matter.
    n_steps
        Steps that one call makes; all controls are held through them.

    Returns
    -------
    FortranShallowWaterStep
        `step(zeta, u, v, depth=, drag=, linear_drag=, stress_u=, stress_v=, head=,
        open_zeta=, open_u=, open_v=)`: tensors `[y, x]` in double precision on the CPU;
        `depth`, `drag` and `linear_drag` replace the model's. It raises `BindingError`,
        naming the tensor that does not fit.
    """

    def step(zeta: Tensor, u: Tensor, v: Tensor, **controls: Tensor) -> Fields:
        for name, part in (("zeta", zeta), ("u", u), ("v", v)):
            check(name, part, model.shape)
        for name, control in controls.items():
            if name not in CONTROL_NAMES:
                known = ", ".join(CONTROL_NAMES)
                raise BindingError(f"'{name}' is no control of the step: {known}")
            check(name, control, () if name == "linear_drag" else model.shape)
        given = (controls.get(name) for name in CONTROL_NAMES)
        result: Fields = _Step.apply(zeta, u, v, *given, model, n_steps)  # type: ignore[no-untyped-call]
        return result

    return step


class _Step(torch.autograd.Function):
    """`zeta, u, v = M(zeta, u, v, controls)`."""

    @staticmethod
    def forward(*arguments: Any) -> Fields:
        *tensors, model, n_steps = arguments
        with _Controls(model, tensors[3:]) as forcing:
            state = _state(tensors[:3]).copy()
            model.step(state, forcing=forcing, n_steps=n_steps)
        zeta, u, v = (torch.from_numpy(part) for part in state)
        return zeta, u, v

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Fields) -> None:
        *tensors, ctx.model, ctx.n_steps = inputs
        ctx.save_for_backward(*tensors)
        ctx.save_for_forward(*tensors)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *sensitivities: Tensor) -> tuple[Tensor | None, ...]:
        tensors = ctx.saved_tensors
        with _Controls(ctx.model, tensors[3:]) as forcing:
            adjoint = ctx.model.step_ad(
                _state(tensors[:3]),
                _state(sensitivities),
                forcing=forcing,
                n_steps=ctx.n_steps,
            )
        fields = [
            *adjoint.state,
            adjoint.depth,
            adjoint.drag,
            np.asarray(adjoint.linear_drag),
            *(getattr(adjoint.forcing, name) for name in FORCING_NAMES),
        ]
        gradients = (
            torch.from_numpy(field) if needed else None
            for field, needed in zip(fields, ctx.needs_input_grad, strict=False)
        )
        return (*gradients, None, None)

    @staticmethod
    def jvp(ctx: Any, *changes: Tensor | None) -> Fields:
        tensors = ctx.saved_tensors
        zeros = torch.zeros(ctx.model.shape, dtype=torch.float64)
        given = [None if change is None else as_numpy(change) for change in changes[3:-2]]
        with _Controls(ctx.model, tensors[3:]) as forcing:
            _, change = ctx.model.step_tl(
                _state(tensors[:3]),
                _state([filled(part, zeros) for part in changes[:3]]),
                depth_tl=given[0],
                drag_tl=given[1],
                linear_drag_tl=0.0 if given[2] is None else float(given[2]),
                forcing=forcing,
                forcing_tl=ShallowWaterForcing(*given[3:]),
                n_steps=ctx.n_steps,
            )
        zeta, u, v = (torch.from_numpy(part) for part in change)
        return zeta, u, v


def _state(tensors: Any) -> ShallowWaterState:
    """Return three tensors as a state of the model, their own memory."""
    return ShallowWaterState(*(as_numpy(tensor) for tensor in tensors))


class _Controls:
    """The model under the controls of one call; its own come back afterwards."""

    def __init__(self, model: ShallowWater, controls: Any) -> None:
        """Read the tensors, None for what is not given."""
        self._model = model
        arrays = [None if control is None else as_numpy(control) for control in controls]
        self._given = dict(zip(CONTROL_NAMES[:3], arrays[:3], strict=True))
        self._forcing = ShallowWaterForcing(*arrays[3:])

    def __enter__(self) -> ShallowWaterForcing:
        """Set depth and drag; return the forcing."""
        self._own = {name: getattr(self._model, name) for name in CONTROL_NAMES[:3]}
        self._set(self._given)
        return self._forcing

    def __exit__(self, *exception: object) -> None:
        """Bring the model's own back."""
        self._set({name: self._own[name] for name in self._own})

    def _set(self, fields: dict[str, Any]) -> None:
        """Set those that are given."""
        given = {name: field for name, field in fields.items() if field is not None}
        if any(field is not None for field in self._given.values()):
            self._model.set_fields(**given)
