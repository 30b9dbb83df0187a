# SPDX-License-Identifier: MIT
"""The switch of derivatives for models with parameters: `derivatives` of `isthmus tune`.

The kinds are those of `derivative_kinds`, for any `ParametricModel`. A model file has the
inputs state, then the parameters, then the known inputs, all by their names.
"""

from collections.abc import Callable

from torch import nn

from isthmus.bridge import Model
from isthmus.inverse.derivative_kinds import check_derivatives, torch_file
from isthmus.inverse.forward import Array
from isthmus.inverse.parametric import (
    BorrowedParameters,
    DifferenceParameters,
    ParametricModel,
)
from isthmus.inverse.parametric_networks import (
    BridgeParameters,
    Known,
    TorchParameters,
    check_step,
)


def with_derivatives(
    model: ParametricModel,
    kind: str,
    network: str = "",
    *,
    torch_step: Callable[[], nn.Module],
    known: Known | None = None,
    x_scale: float = 1.0,
    p_scale: Array | float = 1.0,
    is_state_known: bool = False,
) -> ParametricModel:
    """Return a model with another kind of derivatives.

    Parameters
    ----------
    model
        In Fortran, with an adjoint.
    kind
        As in the text of `derivative_kinds`.
    network
        Path of a model file whose `forward` is a step of `model.dt`.
    torch_step
        Makes the same step in PyTorch, with the arguments of `parametric_networks`.
    known
        Known inputs of the i-th step, for PyTorch and the model file.
    x_scale, p_scale
        As for `DifferenceParameters`.
    is_state_known
        Whether the first state is not to be found: saves derivatives that nobody asks for.

    Raises
    ------
    ConfigurationError
        If the kind is unknown, or a file is missing or not needed.
    BindingError
        If the file is no step of this model.
    """
    check_derivatives(kind, network)
    n, names, dt = model.n_state, model.names, model.dt
    if kind == "adjoint":
        return model
    if kind == "differences":
        return DifferenceParameters(
            model, x_scale=x_scale, p_scale=p_scale, is_state_known=is_state_known
        )
    if kind.startswith("autodiff"):
        mode = "forward" if kind == "autodiff-forward" else "reverse"
        return TorchParameters(
            torch_step(),
            n,
            dt=dt,
            names=names,
            known=known,
            mode=mode,
            is_state_known=is_state_known,
        )
    if kind == "network-torch":
        step = torch_file(network)
        check_step(Model(network), n, names, tuple(known(0)) if known else (), dt)
        return TorchParameters(step, n, dt=dt, names=names, known=known)
    emulator = BridgeParameters(network, n, dt=dt, names=names, known=known)
    return emulator if kind == "network" else BorrowedParameters(model, emulator)
