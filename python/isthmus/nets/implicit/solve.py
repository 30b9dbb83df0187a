# SPDX-License-Identifier: MIT
# ruff: noqa: ANN401 (the context of autograd has attributes of any type)
"""Solve three- and five-point systems, and differentiate the solution, not the iteration.

With `A z = b`, for changes dA and db and for a sensitivity z_ad to the solution,

    A dz = db - dA z        A' lambda = z_ad,  b_ad = lambda,  A_ad(i, j) = -lambda_i z_j

so a derivative in either direction costs one more solution, whatever the solver did. Both
are themselves made of solutions, and can be differentiated again.
"""

from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.fx.experimental.proxy_tensor import get_proxy_mode

from isthmus.errors import ModelRunError

from .bands import apply_bands, neighbours, transposed
from .flat_iterations import fits, flat_loop
from .iterations import State, largest, start, step
from .multigrid import Level, make_levels
from .options import Solution, SolverOptions
from .portable import judge, looped, while_looped

BLOCK = 8  # iterations between two looks at the residual when these are compiled
CYCLES = 1  # the same with multigrid, whose cycle is long to compile


def solve(
    bands: Tensor, b: Tensor, options: SolverOptions, guess: Tensor | None = None
) -> Solution:
    """Return the solution of `A z = b`, differentiable in A and b.

    Parameters
    ----------
    bands
        Matrix [..., band, (y,) x] as in `bands.apply_bands`; the diagonal is not zero.
    b
        Right-hand side [..., (y,) x]; leading dimensions are samples, and are broadcast.
    options
        Solver, edges, tolerance.
    guess
        Where to start, zero if not given; it has no derivative.

    Raises
    ------
    ModelRunError
        If a sample did not converge and `on_failure` is "raise"; also in `backward`.
    ConfigurationError
        If the precision is neither single nor double.
    """
    n_dims = len(options.periodic)
    options.tolerance_of(b.dtype)
    samples = bands.shape[: -1 - n_dims], b.shape[:-n_dims]
    shape = torch.broadcast_shapes(*samples)  # type: ignore[no-untyped-call]
    bands = bands.expand(*shape, *bands.shape[-1 - n_dims :])
    b = b.expand(*shape, *b.shape[-n_dims:])
    guess = torch.zeros_like(b) if guess is None else guess.detach().expand_as(b)
    return Solution(*_Solve.apply(bands, b, guess, options))  # type: ignore[no-untyped-call]


class _Solve(torch.autograd.Function):
    """`z, iterations, residual, converged = A^-1 b`."""

    @staticmethod
    def forward(bands: Tensor, b: Tensor, guess: Tensor, options: SolverOptions) -> Any:
        return iterate(bands, b, guess, options)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        bands, _, _, ctx.options = inputs
        z, *report = output
        ctx.mark_non_differentiable(*report)
        ctx.save_for_backward(bands, z)
        ctx.save_for_forward(bands, z)

    @staticmethod
    def backward(ctx: Any, z_ad: Tensor, *_: Any) -> Any:
        bands, z = ctx.saved_tensors
        periodic = list(ctx.options.periodic)
        turned = bands if ctx.options.symmetric else transposed(bands, periodic)
        b_ad, *_report = _Solve.apply(turned, z_ad, torch.zeros_like(z_ad), ctx.options)  # type: ignore[no-untyped-call]
        if not ctx.needs_input_grad[0]:
            return None, b_ad, None, None
        around = torch.stack([z, *neighbours(z, periodic)], -1 - len(periodic))
        return -b_ad.unsqueeze(-1 - len(periodic)) * around, b_ad, None, None

    @staticmethod
    def jvp(ctx: Any, bands_tl: Any, b_tl: Any, _guess: Any, _options: Any) -> Any:
        bands, z = ctx.saved_tensors
        side = torch.zeros_like(z) if b_tl is None else b_tl
        if bands_tl is not None:
            side = side - apply_bands(bands_tl, z, list(ctx.options.periodic))
        z_tl, *_report = _Solve.apply(bands, side, torch.zeros_like(z), ctx.options)  # type: ignore[no-untyped-call]
        return z_tl, None, None, None

    @staticmethod
    def vmap(info: Any, in_dims: Any, *arguments: Any) -> Any:
        batched = []
        for tensor, dim in zip(arguments[:3], in_dims[:3], strict=True):
            if dim is None:
                batched.append(tensor.expand(info.batch_size, *tensor.shape))
            else:
                batched.append(tensor.movedim(dim, 0))
        return _Solve.apply(*batched, arguments[3]), (0, 0, 0, 0)  # type: ignore[no-untyped-call]


@torch.no_grad()
def iterate(
    bands: Tensor, b: Tensor, guess: Tensor, options: SolverOptions
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return z, iterations, residual and convergence, without derivatives."""
    periodic = list(options.periodic)
    n_dims = len(periodic)
    levels = make_levels(bands, periodic, options.n_levels) if options.uses_levels else []
    size = largest(b, n_dims)
    limit = options.tolerance_of(b.dtype) * size
    # The solution for a right-hand side of zero is zero: no guess comes nearer.
    guess = torch.where(size > 0.0, guess, torch.zeros_like(guess))
    flat = fits(options.method, len(levels), periodic)
    if options.compiled and flat and not is_traced():
        state = flat_loop(
            options.method,
            bands,
            b,
            guess,
            limit,
            periodic,
            options.omega,
            options.max_iterations,
            symmetric=options.symmetric,
        )
    else:
        loop = while_looped if is_traced() else _blocks if options.compiled else looped
        state = loop(
            options.method,
            bands,
            b,
            guess,
            limit,
            levels,
            periodic,
            options.omega,
            options.max_iterations,
        )
    z, count = state[0], state[4]
    residual, converged = judge(bands, b, z, limit, periodic)
    shape = b.shape[:-n_dims]
    report = count.reshape(shape), residual.reshape(shape), converged.reshape(shape)
    if is_traced():
        return _marked(z, converged), *report
    if options.on_failure == "raise" and not bool(converged.all()):
        raise ModelRunError(_failure(options, *report))
    if options.on_failure == "nan":
        z = _marked(z, converged)
    return z, *report


def is_traced() -> bool:
    """Return whether a program is being made of the operations: no value can be seen."""
    return torch.compiler.is_exporting() or get_proxy_mode() is not None


def _marked(z: Tensor, converged: Tensor) -> Tensor:
    """Return z, NaN in samples that did not converge."""
    return torch.where(converged, z, torch.full_like(z, torch.nan))


def _blocks(
    method: str,
    bands: Tensor,
    b: Tensor,
    guess: Tensor,
    limit: Tensor,
    levels: list[Level],
    periodic: list[bool],
    omega: float,
    max_iterations: int,
) -> State:
    """Return what `looped` does, by compiled blocks of iterations."""
    state = start(method, bands, b, guess, levels, periodic)
    block, n = _compiled_block(), CYCLES if levels else BLOCK
    for _ in range(0, max_iterations, n):
        if not bool((state[5] > limit).any()):
            break
        state = block(n, method, bands, b, limit, levels, periodic, omega, state)
    return state


def _block(
    n: int,
    method: str,
    bands: Tensor,
    b: Tensor,
    limit: Tensor,
    levels: list[Level],
    periodic: list[bool],
    omega: float,
    state: State,
) -> State:
    """Make some steps."""
    for _ in range(n):
        state = step(method, bands, b, limit, levels, periodic, omega, state)
    return state


@cache
def _compiled_block() -> Any:
    """Return the same, compiled for each shape it is called with."""
    return torch.compile(_block, dynamic=False)


def _failure(
    options: SolverOptions, count: Tensor, residual: Tensor, converged: Tensor
) -> str:
    """Return what a person needs to know of samples that did not converge."""
    worst = float(residual[~converged].max())
    return (
        f"'{options.method}' left a relative residual of {worst:.2e} in "
        f"{int((~converged).sum())} of {converged.numel()} samples after "
        f"{int(count.max())} iterations: raise 'max_iterations' or 'tolerance', or look "
        "for values that are not finite"
    )
