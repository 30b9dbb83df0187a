# SPDX-License-Identifier: MIT
"""The switch of derivatives: a model under the interface, by what makes its derivatives.

adjoint           the Fortran model and its hand-written tangent-linear and adjoint
differences       its central differences
autodiff          the same equations in PyTorch, the adjoint by back-propagation
autodiff-forward  the same, the adjoint by K forward derivatives
network           a model file alone, by the bridge: its states, its `jvp` and `vjp`
network-torch     a model file alone, by PyTorch: its states, back-propagation
borrowed          the Fortran model's states with the derivatives of such a file

Here for Lorenz-96, whose state is sought; `parametric_kinds` has the same kinds for models
with parameters.
"""

from collections.abc import Callable

import torch

from isthmus.errors import ConfigurationError, ModelFileError
from isthmus.inverse.fortran_models import DifferenceModel, FortranModel
from isthmus.inverse.forward import ForwardModel
from isthmus.inverse.networks import Borrowed, BridgeModel, TorchModel
from isthmus.nets import Lorenz96Tendency, Rk4Step

SIZE = 4.0  # of a Lorenz-96 state: its climate's deviation is 3.6
PLAIN: dict[str, Callable[[FortranModel], ForwardModel]] = {
    "adjoint": lambda model: model,
    "differences": lambda model: DifferenceModel(model, scale=SIZE),
    "autodiff": lambda model: _in_torch(model, "reverse"),
    "autodiff-forward": lambda model: _in_torch(model, "forward"),
}
OF_A_FILE = ("network", "network-torch", "borrowed")
KINDS = (*PLAIN, *OF_A_FILE)


def check_derivatives(kind: str, network: str) -> None:
    """Refuse a kind that is not known, or a file that is missing or not needed.

    Raises
    ------
    ConfigurationError
        If so.
    """
    if kind not in KINDS:
        raise ConfigurationError(
            f"'derivatives' must be one of {', '.join(KINDS)}, found {kind!r}"
        )
    if bool(network) != (kind in OF_A_FILE):
        raise ConfigurationError(
            f"'network', a model file, is needed for derivatives {', '.join(OF_A_FILE)}, "
            "and only there"
        )


def with_derivatives(model: FortranModel, kind: str, network: str = "") -> ForwardModel:
    """Return a model with another kind of derivatives.

    Parameters
    ----------
    model
        The simulator.
    kind
        As in the module's text.
    network
        Path of a model file whose `forward` is a step of `model.dt`.
    """
    check_derivatives(kind, network)
    if kind in PLAIN:
        return PLAIN[kind](model)
    if kind == "network-torch":
        return TorchModel(torch_file(network), model.n_state, dt=model.dt)
    emulator = BridgeModel(network, model.n_state, dt=model.dt)
    return emulator if kind == "network" else Borrowed(model, emulator)


def torch_file(path: str) -> torch.jit.ScriptModule:
    """Return the network of a model file, for PyTorch.

    Raises
    ------
    ModelFileError
        If PyTorch cannot read it.
    """
    try:
        network: torch.jit.ScriptModule = torch.jit.load(  # type: ignore[no-untyped-call]
            path, map_location="cpu"
        )
    except (RuntimeError, ValueError, OSError) as error:
        first = str(error).strip().partition("\n")[0]
        raise ModelFileError(f"'{path}' cannot be read by PyTorch: {first}") from None
    return network


def _in_torch(model: FortranModel, mode: str) -> ForwardModel:
    """Return the equations of the model in PyTorch."""
    step = Rk4Step(Lorenz96Tendency(model.model.forcing), model.dt).double()
    return TorchModel(step, model.n_state, dt=model.dt, mode=mode)
