# SPDX-License-Identifier: MIT
"""Emulators under the interface: in PyTorch, by reverse or forward mode, and by the bridge.

The emulator is a step `[member, k] -> [member, k]`, in any precision: its states and
sensitivities are converted at this interface, which is in double precision.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from isthmus.bridge import Model
from isthmus.errors import BindingError, ConfigurationError
from isthmus.inverse.forward import Array, ForwardModel, Misfit, check_time_step

MODES = ("reverse", "forward")


class TorchModel(ForwardModel):
    """A step in PyTorch.

    Parameters
    ----------
    network
        One step.
    n_state
        Length of the state.
    dt
        Time step that it was trained for.
    mode
        "reverse": the adjoint by back-propagation. "forward": by K forward derivatives,
        one for each element of the state. The tangent-linear is forward in both.

    Raises
    ------
    ConfigurationError
        If the mode is unknown.
    """

    def __init__(
        self, network: nn.Module, n_state: int, *, dt: float, mode: str = "reverse"
    ) -> None:
        if mode not in MODES:
            raise ConfigurationError(f"'mode' must be one of {MODES}, found {mode!r}")
        self.network = network.eval()
        for weight in network.parameters():
            weight.requires_grad_(False)
        self.n_state = n_state
        self.dt = check_time_step(dt)
        self.mode = mode
        self.dtype = precision_of(network)
        self.soa_increment = float(np.cbrt(torch.finfo(self.dtype).eps))

    def step(self, x: Array) -> Array:
        """Return the states `[member, k]` one step later."""
        with torch.no_grad():
            return _numpy(self.network(self._tensor(x)))

    def step_tl(self, x: Array, x_tl: Array) -> Array:
        """Return the change after a step `[member, k]`, by forward derivatives."""
        change = torch.func.jvp(self.network, (self._tensor(x),), (self._tensor(x_tl),))[1]
        return _numpy(change)

    def step_ad(self, x: Array, x_ad: Array) -> Array:
        """Return the sensitivity before a step `[member, k]`."""
        if self.mode == "reverse":
            state = self._tensor(x).requires_grad_()
            result = self.network(state)
            (gradient,) = torch.autograd.grad(result, state, self._tensor(x_ad))
            return _numpy(gradient)
        n = self.n_state
        states = np.repeat(x, n, axis=0)
        columns = self.step_tl(states, np.tile(np.eye(n), (len(x), 1)))
        return np.einsum("mik,mk->mi", columns.reshape(len(x), n, n), x_ad)

    def step_soa(self, x: Array, x_tl: Array, x_ad: Array, x_ad_tl: Array) -> Array:
        """Return the change of `step_ad(x, x_ad)` `[member, k]`, forward over reverse.

        A network in TorchScript has no forward over reverse: PyTorch leaves out the second
        derivatives there without a word, so that `step_ad` is differenced.
        """
        if isinstance(self.network, torch.jit.ScriptModule):
            return super().step_soa(x, x_tl, x_ad, x_ad_tl)

        def adjoint(state: Tensor, sensitivity: Tensor) -> Tensor:
            pulled: Tensor = torch.func.vjp(self.network, state)[1](sensitivity)[0]
            return pulled

        given = self._tensor(x), self._tensor(x_ad)
        changes = self._tensor(x_tl), self._tensor(x_ad_tl)
        return _numpy(torch.func.jvp(adjoint, given, changes)[1])

    def misfit_gradient(self, x: Array, observed: Array, weight: Array) -> Misfit:
        """Return cost and gradient of a diagonal misfit, in reverse by one graph."""
        if self.mode != "reverse":
            return super().misfit_gradient(x, observed, weight)
        first = self._tensor(x[None]).requires_grad_()
        state, states = first, [first]
        for _ in range(len(observed) - 1):
            state = self.network(state)
            states.append(state)
        departure = torch.cat(states) - self._tensor(observed)
        cost = 0.5 * (self._tensor(weight) * departure**2).sum()
        (gradient,) = torch.autograd.grad(cost, first)
        return Misfit(float(cost.detach()), _numpy(gradient)[0])

    def _tensor(self, x: Array) -> Tensor:
        """Return the array in the network's precision."""
        return torch.as_tensor(x, dtype=self.dtype)


class BridgeModel(ForwardModel):
    """A model file, stepped and differentiated by the bridge, as in a Fortran program.

    Parameters
    ----------
    source
        Path of a file whose `forward` is one step of a state `[member, k]`, or the loaded
        model, which then has its arrays bound here. It must have `jvp` and `vjp`.
    n_state
        Length of the state.
    dt
        Time step, if the file does not tell it.

    Raises
    ------
    BindingError
        If the file does not have one input and one output.
    ConfigurationError
        If the time step is not known.
    """

    def __init__(
        self, source: Path | str | Model, n_state: int, *, dt: float | None = None
    ) -> None:
        self.file = source if isinstance(source, Model) else Model(source)
        names = self.file.inputs, self.file.outputs
        if any(len(group) != 1 for group in names):
            raise BindingError(
                f"the model file has inputs {list(names[0])} and outputs {list(names[1])}, "
                "expected one of each: the state and the state after a step"
            )
        (self._x,), (self._y,) = names
        dt = self.file.dt if dt is None else dt
        if dt is None:
            raise ConfigurationError("'dt' is not in the model file; give it")
        self.dt = check_time_step(dt)
        self.n_state = n_state
        contract = self.file.contract
        variable = {} if contract is None else contract["variables"][self._x]
        self._dtype = np.dtype(variable.get("dtype", "float64"))
        self.soa_increment = float(np.cbrt(np.finfo(self._dtype).eps))
        self._bound: dict[str, np.ndarray] = {}

    def step(self, x: Array) -> Array:
        """Return the states `[member, k]` one step later."""
        return self._run("forward", {self._x: x}, (self._y,))

    def step_tl(self, x: Array, x_tl: Array) -> Array:
        """Return the change after a step `[member, k]`."""
        given = {self._x: x, f"{self._x}_tl": x_tl}
        return self._run("jvp", given, (f"{self._y}_tl", self._y))

    def step_ad(self, x: Array, x_ad: Array) -> Array:
        """Return the sensitivity before a step `[member, k]`."""
        return self._run("vjp", {self._x: x, f"{self._y}_ad": x_ad}, (f"{self._x}_ad",))

    def _run(self, method: str, given: dict[str, Array], wanted: tuple[str, ...]) -> Array:
        """Return the first output of a method, in double precision.

        A call on arrays that are bound costs a few microseconds, one that binds them a
        hundred: they are bound when the number of members changes.
        """
        shape = given[self._x].shape
        for name, values in given.items():
            if values.shape != shape:
                raise BindingError(
                    f"'{name}' has shape {list(values.shape)}, '{self._x}' {list(shape)}"
                )
            np.copyto(self._array(name, shape, self.file.bind_input), values, "same_kind")
        for name in wanted:
            self._array(name, shape, self.file.bind_output)
        self.file.run(method)
        return self._bound[wanted[0]].astype(np.float64)

    def _array(
        self, name: str, shape: tuple[int, ...], bind: Callable[[str, np.ndarray], None]
    ) -> np.ndarray:
        """Return the array that is bound, made and bound anew for another shape."""
        array = self._bound.get(name)
        if array is None or array.shape != shape:
            array = np.empty(shape, self._dtype)
            bind(name, array)
            self._bound[name] = array
        return array


class Borrowed(ForwardModel):
    """One model's states with another's derivatives along them.

    The estimated gradient of an exact forward model: simulator forward, emulator back.
    """

    def __init__(self, model: ForwardModel, derivatives: ForwardModel) -> None:
        self.model, self.derivatives = model, derivatives
        self.n_state, self.dt = model.n_state, model.dt

    def step(self, x: Array) -> Array:
        """Return the states `[member, k]` one step later."""
        return self.model.step(x)

    def advance(self, x: Array, n_steps: int) -> Array:
        """Return the states `[member, k]` some steps later."""
        return self.model.advance(x, n_steps)

    def trajectory(self, x: Array, n_steps: int) -> Array:
        """Return all states of a window `[time, member, k]`."""
        return self.model.trajectory(x, n_steps)

    def step_tl(self, x: Array, x_tl: Array) -> Array:
        """Return the change after a step `[member, k]`."""
        return self.derivatives.step_tl(x, x_tl)

    def step_ad(self, x: Array, x_ad: Array) -> Array:
        """Return the sensitivity before a step `[member, k]`."""
        return self.derivatives.step_ad(x, x_ad)

    def sweep_tl(self, trajectory: Array, x_tl: Array) -> Array:
        """Return the changes along a trajectory `[time, member, k]`."""
        return self.derivatives.sweep_tl(trajectory, x_tl)

    def sweep_ad(self, trajectory: Array, sensitivity: Array) -> Array:
        """Return the sensitivity to the first state `[member, k]`."""
        return self.derivatives.sweep_ad(trajectory, sensitivity)

    def step_soa(self, x: Array, x_tl: Array, x_ad: Array, x_ad_tl: Array) -> Array:
        """Return the change of `step_ad(x, x_ad)` `[member, k]`."""
        return self.derivatives.step_soa(x, x_tl, x_ad, x_ad_tl)

    def sweep_soa(
        self, trajectory: Array, changes: Array, sensitivity: Array, sensitivity_tl: Array
    ) -> Array:
        """Return the change of what `sweep_ad` returns `[member, k]`."""
        return self.derivatives.sweep_soa(trajectory, changes, sensitivity, sensitivity_tl)


def precision_of(network: nn.Module) -> torch.dtype:
    """Return the precision of the weights or, without any, of the buffers."""
    known = (*network.parameters(), *network.buffers())
    return next((v.dtype for v in known if v.is_floating_point()), torch.float64)


def _numpy(tensor: Tensor) -> Array:
    """Return the tensor as float64."""
    return tensor.detach().to(torch.float64).numpy()
