# SPDX-License-Identifier: MIT
# ruff: noqa: ANN401 (the context of autograd has attributes of any type)
"""PyTorch differentiates through the Fortran models by their tangent-linear and adjoint.

A Fortran step enters a rollout as any other callable; a loss on its result reaches the
state, the added tendency and the parameters. Reverse mode (`backward`) calls the adjoint,
forward mode (`torch.autograd.forward_ad`) the tangent-linear. Derivatives are first order.
"""

from dataclasses import replace
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from isthmus.errors import BindingError
from isthmus.models import Lorenz96, TwoLevelLorenz96


class FortranStep(Protocol):
    """A step of the one-level model: `x [member, k]`, optionally `b` and `forcing`."""

    def __call__(
        self, x: Tensor, b: Tensor | None = None, forcing: Tensor | None = None
    ) -> Tensor:
        """Return the state after the step."""


class FortranTendency(Protocol):
    """The tendency of the one-level model."""

    def __call__(self, x: Tensor, forcing: Tensor | None = None) -> Tensor:
        """Return `dx/dt`."""


class FortranTwoLevelStep(Protocol):
    """A step of the two-level model."""

    def __call__(
        self,
        x: Tensor,
        z: Tensor,
        added: Tensor | None = None,
        coefficients: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Return both states after the step."""


def fortran_step(model: Lorenz96, dt: float, *, n_steps: int = 1) -> FortranStep:
    """Return the Fortran step as a differentiable function.

    Parameters
    ----------
    model
        Equations, forcing and scheme.
    dt
        Time step.
    n_steps
        Steps that one call makes; `b` is held through all of them.

    Returns
    -------
    FortranStep
        `step(x, b=None, forcing=None)`: `x` and `b` are `[member, k]` on the CPU in double
        precision; `forcing` replaces that of the model, a scalar or `[member]`. It raises
        `BindingError`, naming the tensor that does not fit.
    """
    free = replace(model, forcing=0.0)

    def step(x: Tensor, b: Tensor | None = None, forcing: Tensor | None = None) -> Tensor:
        check("x", x, (None, model.n_sites))
        drive = _forcing(forcing, model.forcing, x)
        if b is not None:
            check("b", b, tuple(x.shape))
            drive = drive + b
        result: Tensor = _Step.apply(x, drive.expand_as(x), free, dt, n_steps)  # type: ignore[no-untyped-call]
        return result

    return step


def fortran_tendency(model: Lorenz96) -> FortranTendency:
    """Return the Fortran tendency as a differentiable function `tendency(x, forcing=None)`.

    See `fortran_step` for the arguments.
    """
    free = replace(model, forcing=0.0)

    def tendency(x: Tensor, forcing: Tensor | None = None) -> Tensor:
        check("x", x, (None, model.n_sites))
        advected: Tensor = _Tendency.apply(x, free)  # type: ignore[no-untyped-call]
        return advected + _forcing(forcing, model.forcing, x)

    return tendency


def fortran_two_level_step(
    model: TwoLevelLorenz96, dt: float, *, n_steps: int = 1
) -> FortranTwoLevelStep:
    """Return the step of the two-level model as a differentiable function.

    Returns
    -------
    FortranTwoLevelStep
        `step(x, z, added=None, coefficients=None)`: `x` and `added` are `[member, k]`, `z`
        is `[member, jk]`; `coefficients` `[4]` replaces the model's `[forcing, h, c, b]`.
    """

    def step(
        x: Tensor,
        z: Tensor,
        added: Tensor | None = None,
        coefficients: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        check("x", x, (None, model.n_sites))
        check("z", z, (x.shape[0], model.n_sites * model.n_fast))
        if added is None:
            added = torch.zeros_like(x)
        if coefficients is None:
            coefficients = torch.from_numpy(model.coefficients)
        check("added", added, tuple(x.shape))
        check("coefficients", coefficients, (4,))
        result: tuple[Tensor, Tensor] = _TwoLevelStep.apply(  # type: ignore[no-untyped-call]
            x, z, added, coefficients, model, dt, n_steps
        )
        return result

    return step


def check(name: str, tensor: Tensor, shape: tuple[int | None, ...]) -> None:
    """Refuse a tensor that Fortran cannot read.

    Raises
    ------
    BindingError
        If it is not in double precision on the CPU, or not of the shape.
    """
    if tensor.dtype != torch.float64:
        raise BindingError(f"'{name}' has dtype {tensor.dtype}, expected torch.float64")
    if tensor.device.type != "cpu":
        raise BindingError(f"'{name}' is on {tensor.device}, expected the CPU")
    fits = tensor.ndim == len(shape) and all(
        wanted in (None, found) for wanted, found in zip(shape, tensor.shape, strict=True)
    )
    if not fits:
        wanted = ", ".join("member" if extent is None else str(extent) for extent in shape)
        raise BindingError(f"'{name}' has shape {list(tensor.shape)}, expected [{wanted}]")


def _forcing(forcing: Tensor | None, default: float, x: Tensor) -> Tensor:
    """Return F as `[member, 1]`."""
    if forcing is None:
        return torch.full((x.shape[0], 1), default, dtype=torch.float64)
    check("forcing", forcing, (None,) * min(forcing.ndim, 1))
    if forcing.ndim == 1 and forcing.shape[0] not in (1, x.shape[0]):
        raise BindingError(
            f"'forcing' has shape {list(forcing.shape)}, expected [] or [{x.shape[0]}]"
        )
    return forcing.reshape(-1, 1).expand(x.shape[0], 1)


def as_numpy(tensor: Tensor) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the tensor's own memory; a copy only if it is not contiguous."""
    return tensor.detach().contiguous().numpy()


def filled(tensor: Tensor | None, like: Tensor) -> Tensor:
    """Return zeros for a derivative that autograd leaves out."""
    return torch.zeros_like(like) if tensor is None else tensor


class _Step(torch.autograd.Function):
    """`x_next = M(x, g)`, with g = F + b `[member, k]` in the place of F."""

    @staticmethod
    def forward(
        x: Tensor, drive: Tensor, model: Lorenz96, dt: float, n_steps: int
    ) -> Tensor:
        x_next = x.detach().clone(memory_format=torch.contiguous_format)
        model.advance(x_next.numpy(), dt, n_steps=n_steps, b=as_numpy(drive))
        return x_next

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        x, drive, ctx.model, ctx.dt, ctx.n_steps = inputs
        ctx.save_for_backward(x, drive)
        ctx.save_for_forward(x, drive)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, x_ad: Tensor) -> tuple[Tensor | None, ...]:
        x, drive = (as_numpy(saved) for saved in ctx.saved_tensors)
        model: Lorenz96 = ctx.model
        adjoint = model.advance_ad(
            x, as_numpy(x_ad), dt=ctx.dt, n_steps=ctx.n_steps, b=drive
        )
        return torch.from_numpy(adjoint.x), torch.from_numpy(adjoint.b), None, None, None

    @staticmethod
    def jvp(ctx: Any, x_tl: Tensor | None, drive_tl: Tensor | None, *rest: None) -> Tensor:
        x, drive = ctx.saved_tensors
        model: Lorenz96 = ctx.model
        _, change = model.advance_tl(
            as_numpy(x),
            as_numpy(filled(x_tl, x)),
            dt=ctx.dt,
            n_steps=ctx.n_steps,
            b=as_numpy(drive),
            b_tl=as_numpy(filled(drive_tl, drive)),
        )
        return torch.from_numpy(change)


class _Tendency(torch.autograd.Function):
    """`f(x)` of a model without forcing."""

    @staticmethod
    def forward(x: Tensor, model: Lorenz96) -> Tensor:
        return torch.from_numpy(model.tendency(as_numpy(x)))

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        x, ctx.model = inputs
        ctx.save_for_backward(x)
        ctx.save_for_forward(x)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, f_ad: Tensor) -> tuple[Tensor | None, ...]:
        (x,) = ctx.saved_tensors
        model: Lorenz96 = ctx.model
        return torch.from_numpy(model.tendency_ad(as_numpy(x), as_numpy(f_ad))[0]), None

    @staticmethod
    def jvp(ctx: Any, x_tl: Tensor, *rest: None) -> Tensor:
        (x,) = ctx.saved_tensors
        model: Lorenz96 = ctx.model
        return torch.from_numpy(model.tendency_tl(as_numpy(x), as_numpy(x_tl)))


class _TwoLevelStep(torch.autograd.Function):
    """`x, z = M(x, z, added, [forcing, h, c, b])`."""

    @staticmethod
    def forward(
        x: Tensor,
        z: Tensor,
        added: Tensor,
        coefficients: Tensor,
        model: TwoLevelLorenz96,
        dt: float,
        n_steps: int,
    ) -> tuple[Tensor, Tensor]:
        x_next = x.detach().clone(memory_format=torch.contiguous_format)
        z_next = z.detach().clone(memory_format=torch.contiguous_format)
        _with_coefficients(model, coefficients).advance(
            x_next.numpy(), z_next.numpy(), dt=dt, n_steps=n_steps, added=as_numpy(added)
        )
        return x_next, z_next

    @staticmethod
    def setup_context(
        ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]
    ) -> None:
        *tensors, ctx.model, ctx.dt, ctx.n_steps = inputs
        ctx.save_for_backward(*tensors)
        ctx.save_for_forward(*tensors)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, x_ad: Tensor, z_ad: Tensor) -> tuple[Tensor | None, ...]:
        x, z, added, coefficients = ctx.saved_tensors
        adjoint = _with_coefficients(ctx.model, coefficients).advance_ad(
            as_numpy(x),
            as_numpy(z),
            x_ad=as_numpy(x_ad),
            z_ad=as_numpy(z_ad),
            dt=ctx.dt,
            n_steps=ctx.n_steps,
            added=as_numpy(added),
        )
        return (
            torch.from_numpy(adjoint.x),
            torch.from_numpy(adjoint.z),
            torch.from_numpy(adjoint.added),
            torch.from_numpy(adjoint.coefficients.sum(axis=0)),
            None,
            None,
            None,
        )

    @staticmethod
    def jvp(ctx: Any, *changes: Tensor | None) -> tuple[Tensor, Tensor]:
        saved = ctx.saved_tensors
        x, z, added, coefficients = saved
        x_tl, z_tl, added_tl, coefficients_tl = (
            as_numpy(filled(given, like))
            for given, like in zip(changes[:4], saved, strict=True)
        )
        _, change = _with_coefficients(ctx.model, coefficients).advance_tl(
            as_numpy(x),
            as_numpy(z),
            x_tl=x_tl,
            z_tl=z_tl,
            dt=ctx.dt,
            n_steps=ctx.n_steps,
            added=as_numpy(added),
            coefficients_tl=coefficients_tl,
            added_tl=added_tl,
        )
        return torch.from_numpy(change.x), torch.from_numpy(change.z)


def _with_coefficients(model: TwoLevelLorenz96, coefficients: Tensor) -> TwoLevelLorenz96:
    """Return the model with other values of `[forcing, h, c, b]`."""
    forcing, h, c, b = coefficients.tolist()
    return replace(model, forcing=forcing, h=h, c=c, b=b)
