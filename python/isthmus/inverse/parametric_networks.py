# SPDX-License-Identifier: MIT
"""Conditional emulators with parameters to be found: in PyTorch, and by the bridge.

The emulator is a step (x `[member, k]`, p `[member]`) -> `[member, k]` of one parameter, in
any precision: what crosses this interface is in double precision.
"""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from isthmus.bridge import Model
from isthmus.errors import BindingError, ConfigurationError
from isthmus.inverse.forward import Array, check_time_step
from isthmus.inverse.networks import MODES, precision_of
from isthmus.inverse.parametric import ParametricModel, Sensitivity

SHORT = 64  # numbers of a state; a call of the bridge takes as long as some 1000 rows


class TorchParameters(ParametricModel):
    """A conditional step in PyTorch.

    Parameters
    ----------
    network
        One step (x `[member, k]`, p `[member]`).
    n_state
        Length of the state.
    dt
        Time step that it was trained for.
    name
        Of the parameter.
    mode
        "reverse": the adjoint by back-propagation. "forward": by a forward derivative for
        each element of state and parameter. The tangent-linear is forward in both.

    Raises
    ------
    ConfigurationError
        If the mode is unknown.
    """

    def __init__(
        self,
        network: nn.Module,
        n_state: int,
        *,
        dt: float,
        name: str = "forcing",
        mode: str = "reverse",
    ) -> None:
        if mode not in MODES:
            raise ConfigurationError(f"'mode' must be one of {MODES}, found {mode!r}")
        self.mode = mode
        self.network = network.eval()
        for weight in network.parameters():
            weight.requires_grad_(False)
        self.n_state, self.dt, self.names = n_state, check_time_step(dt), (name,)
        self.dtype = precision_of(network)

    def trajectory(self, x: Array, p: Array, n_steps: int) -> Array:
        """Return all states of a window `[time, k]`."""
        state, parameter = self._tensor(x[None]), self._tensor(p)
        states = [state]
        with torch.no_grad():
            for _ in range(n_steps):
                states.append(self.network(states[-1], parameter))
        return _numpy(torch.cat(states))

    def sweep_tl(self, states: Array, p: Array, x_tl: Array, p_tl: Array) -> Array:
        """Return the changes along a trajectory `[time, column, k]`, forward mode."""
        n = len(x_tl)
        change, change_p = self._tensor(x_tl), self._tensor(p_tl[:, 0])
        parameter = self._tensor(p).repeat(n)
        changes = [change]
        for x in self._tensor(states[:-1]):
            at = (x.repeat(n, 1), parameter)
            change = torch.func.jvp(self.network, at, (change, change_p))[1]
            changes.append(change)
        return _numpy(torch.stack(changes))

    def sweep_ad(self, states: Array, p: Array, sensitivity: Array) -> Sensitivity:
        """Return the sensitivities to first state and parameter."""
        if self.mode == "forward":
            columns = np.eye(self.n_state + 1)
            x_tl, p_tl = np.split(columns, [self.n_state], axis=1)
            changes = self.sweep_tl(states, p, x_tl, p_tl)
            found = np.einsum("tck,tk->c", changes, sensitivity)
            return Sensitivity(*np.split(found, [self.n_state]))
        forces, parameter = self._tensor(sensitivity), self._tensor(p)
        x_ad, p_ad = forces[-1:], torch.zeros_like(parameter)
        for i in range(len(states) - 2, -1, -1):
            x = self._tensor(states[i : i + 1]).requires_grad_()
            at = parameter.clone().requires_grad_()
            after = self.network(x, at)
            step_x, step_p = torch.autograd.grad(after, (x, at), x_ad)
            x_ad, p_ad = step_x + forces[i], p_ad + step_p
        return Sensitivity(_numpy(x_ad)[0], _numpy(p_ad))

    def _tensor(self, x: Array) -> Tensor:
        """Return the array in the network's precision."""
        return torch.as_tensor(x, dtype=self.dtype)


class BridgeParameters(ParametricModel):
    """A model file of a conditional step, as in a Fortran program.

    Parameters
    ----------
    source
        Path of a file with inputs state `[member, k]` and parameter `[member]`, in this
        order, one output, and the methods `jvp` and `vjp`; or the loaded model.
    n_state
        Length of the state.
    dt
        Time step, if the file does not tell it.

    Raises
    ------
    BindingError
        If the file has other inputs or outputs.
    ConfigurationError
        If the time step is not known.
    """

    def __init__(
        self, source: Path | str | Model, n_state: int, *, dt: float | None = None
    ) -> None:
        self.file = source if isinstance(source, Model) else Model(source)
        if len(self.file.inputs) != 2 or len(self.file.outputs) != 1:
            raise BindingError(
                f"the model file has inputs {list(self.file.inputs)} and outputs "
                f"{list(self.file.outputs)}, expected state and parameter, and the state "
                "after a step"
            )
        self._x, name = self.file.inputs
        (self._y,) = self.file.outputs
        dt = self.file.dt if dt is None else dt
        if dt is None:
            raise ConfigurationError("'dt' is not in the model file; give it")
        self.n_state, self.dt, self.names = n_state, check_time_step(dt), (name,)
        contract = self.file.contract
        variable = {} if contract is None else contract["variables"][self._x]
        self._dtype = np.dtype(variable.get("dtype", "float64"))

    def trajectory(self, x: Array, p: Array, n_steps: int) -> Array:
        """Return all states of a window `[time, k]`."""
        states = np.empty((n_steps + 1, self.n_state))
        states[0] = x
        for i in range(n_steps):
            given = self._own(states[i : i + 1], p)
            states[i + 1] = self.file(**given)[self._y][0]
        return states

    def sweep_tl(self, states: Array, p: Array, x_tl: Array, p_tl: Array) -> Array:
        """Return the changes along a trajectory `[time, column, k]`, by `jvp`.

        More columns than the state is long: the derivatives of all steps in one call.
        """
        n, k = x_tl.shape
        changes = np.empty((len(states), n, k))
        changes[0] = x_tl
        if n > k:
            for i, slope in enumerate(self._slopes(states[:-1], p)):
                changes[i + 1] = changes[i] @ slope[:k] + p_tl @ slope[k:]
            return changes
        for i, x in enumerate(states[:-1]):
            changes[i + 1] = self._change(
                np.repeat(x[None], n, axis=0), p, changes[i], p_tl
            )
        return changes

    def _slopes(self, x: Array, p: Array) -> Array:
        """Return the derivative of each step's result in state and p `[step, k + 1, k]`."""
        n_steps, k = x.shape
        basis = np.tile(np.eye(k + 1), (n_steps, 1))
        at = np.repeat(x, k + 1, axis=0)
        return self._change(at, p, basis[:, :k], basis[:, k:]).reshape(n_steps, k + 1, k)

    def _change(self, x: Array, p: Array, x_tl: Array, p_tl: Array) -> Array:
        """Return the change after a step of states `[member, k]`."""
        given = self._own(x, np.repeat(p, len(x)))
        given |= self._own(x_tl, p_tl[:, 0], "_tl")
        return np.asarray(self.file.jvp(**given)[f"{self._y}_tl"], np.float64)

    def sweep_ad(self, states: Array, p: Array, sensitivity: Array) -> Sensitivity:
        """Return the sensitivities to first state and parameter, by `vjp`.

        Short states: the derivatives of all steps in one call, for calls are what it costs.
        """
        x_ad, p_ad = sensitivity[-1:].copy(), np.zeros(1)
        if self.n_state <= SHORT:
            rows = np.tile(np.eye(self.n_state), (len(states) - 1, 1))
            at = np.repeat(states[:-1], self.n_state, axis=0)
            of_x, of_p = self._sensitivity(at, p, rows)
            shape = len(states) - 1, self.n_state, -1
            of_x, of_p = of_x.reshape(shape), of_p.reshape(shape)
            for i in range(len(states) - 2, -1, -1):
                p_ad += (x_ad @ of_p[i])[0]
                x_ad = x_ad @ of_x[i] + sensitivity[i]
            return Sensitivity(x_ad[0], p_ad)
        for i in range(len(states) - 2, -1, -1):
            step_x, step_p = self._sensitivity(states[i : i + 1], p, x_ad)
            x_ad, p_ad = step_x + sensitivity[i], p_ad + step_p
        return Sensitivity(x_ad[0], p_ad)

    def _sensitivity(self, x: Array, p: Array, x_ad: Array) -> tuple[Array, Array]:
        """Return the sensitivities before a step of states `[member, k]`, and to p."""
        given = self._own(x, np.repeat(p, len(x)))
        given[f"{self._y}_ad"] = np.ascontiguousarray(x_ad, self._dtype)
        found = self.file.vjp(**given)
        names = f"{self._x}_ad", f"{self.names[0]}_ad"
        of_x, of_p = (np.asarray(found[name], np.float64) for name in names)
        return of_x, of_p

    def _own(self, x: Array, p: Array, suffix: str = "") -> dict[str, np.ndarray]:
        """Return state and parameter by their names, in the file's precision."""
        given = {f"{self._x}{suffix}": x, f"{self.names[0]}{suffix}": p}
        return {name: np.ascontiguousarray(v, self._dtype) for name, v in given.items()}


def _numpy(tensor: Tensor) -> Array:
    """Return the tensor as float64."""
    return tensor.detach().to(torch.float64).numpy()
