# SPDX-License-Identifier: MIT
"""Conditional emulators with parameters to be found: in PyTorch, and by the bridge.

The emulator is a step

    (x `[member, k]`, p_1 `[member]`, p_2, ..., known_1 `[member]`, ...) -> `[member, k]`

in any precision: what crosses this interface is in double precision. Known inputs, such as
the tide at an open boundary, change from step to step and are not to be found.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from isthmus.bridge import Model
from isthmus.errors import BindingError, ConfigurationError
from isthmus.inverse.forward import Array, check_time_step
from isthmus.inverse.networks import MODES, precision_of
from isthmus.inverse.parametric import ParametricModel, Sensitivity, by_columns

SHORT = 64  # numbers of a state; a call of the bridge takes as long as some 1000 rows

Known = Callable[[int], Mapping[str, float]]  # known inputs of the i-th step, by name


class TorchParameters(ParametricModel):
    """A conditional step in PyTorch.

    Parameters
    ----------
    network
        One step, as in the module's text.
    n_state
        Length of the state.
    dt
        Time step that it was trained for.
    names
        Of the parameters.
    known
        Of the i-th step, after the parameters in the step's arguments.
    mode
        "reverse": the adjoint by back-propagation. "forward": by a forward derivative for
        each element of state and parameters. The tangent-linear is forward in both.
    is_state_known
        Whether the first state is not to be found: in mode "forward" its sensitivities are
        left zero, which leaves a derivative for each parameter.

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
        names: Sequence[str] = ("forcing",),
        known: Known | None = None,
        mode: str = "reverse",
        is_state_known: bool = False,
    ) -> None:
        if mode not in MODES:
            raise ConfigurationError(f"'mode' must be one of {MODES}, found {mode!r}")
        self.mode, self.known, self.is_state_known = mode, known, is_state_known
        self.network = network.eval()
        for weight in network.parameters():
            weight.requires_grad_(False)
        self.n_state, self.dt, self.names = n_state, check_time_step(dt), tuple(names)
        self.dtype = precision_of(network)

    def trajectory(self, x: Array, p: Array, n_steps: int) -> Array:
        """Return all states of a window `[time, k]`."""
        parameters, states = self._members(p, 1), [self._tensor(x[None])]
        with torch.no_grad():
            for i in range(n_steps):
                states.append(self.network(states[-1], *parameters, *self._known(i, 1)))
        return _numpy(torch.cat(states))

    def sweep_tl(self, states: Array, p: Array, x_tl: Array, p_tl: Array) -> Array:
        """Return the changes along a trajectory `[time, column, k]`, forward mode."""
        n = len(x_tl)
        parameters, changes_p = self._members(p, n), tuple(self._tensor(p_tl.T))
        changes = [self._tensor(x_tl)]
        for i, x in enumerate(self._tensor(states[:-1])):
            known = self._known(i, n)
            at = (x.repeat(n, 1), *parameters, *known)
            along = (changes[-1], *changes_p, *(torch.zeros_like(v) for v in known))
            changes.append(torch.func.jvp(self.network, at, along)[1])
        return _numpy(torch.stack(changes))

    def sweep_ad(self, states: Array, p: Array, sensitivity: Array) -> Sensitivity:
        """Return the sensitivities to first state and parameters."""
        if self.mode == "forward":
            return by_columns(self, states, p, sensitivity, self.is_state_known)
        forces, parameters = self._tensor(sensitivity), self._members(p, 1)
        x_ad, p_ad = forces[-1:], torch.zeros(len(p), dtype=self.dtype)
        for i in range(len(states) - 2, -1, -1):
            at = [
                v.clone().requires_grad_()
                for v in (self._tensor(states[i : i + 1]), *parameters)
            ]
            after = self.network(*at, *self._known(i, 1))
            step_x, *step_p = torch.autograd.grad(after, at, x_ad, materialize_grads=True)
            x_ad, p_ad = step_x + forces[i], p_ad + torch.cat(step_p)
        return Sensitivity(_numpy(x_ad)[0], _numpy(p_ad))

    def _known(self, step: int, n: int) -> tuple[Tensor, ...]:
        """Return the known inputs of a step for so many members."""
        return () if self.known is None else self._members(self.known(step).values(), n)

    def _members(self, values: Iterable[float], n: int) -> tuple[Tensor, ...]:
        """Return each value for so many members `[member]`."""
        return tuple(torch.full((n,), float(v), dtype=self.dtype) for v in values)

    def _tensor(self, x: Array) -> Tensor:
        """Return the array in the network's precision."""
        return torch.as_tensor(x, dtype=self.dtype)


class BridgeParameters(ParametricModel):
    """A model file of a conditional step, as in a Fortran program.

    Parameters
    ----------
    source
        Path of a file with the inputs of the module's text in their order, one output, and
        the methods `jvp` and `vjp`; or the loaded model.
    n_state
        Length of the state.
    dt
        Time step, if the file does not tell it.
    names
        Of the parameters; without, as in the file.
    known
        Of the i-th step.

    Raises
    ------
    BindingError
        If the file has other inputs or outputs.
    ConfigurationError
        If the time step is not known, or another.
    """

    def __init__(
        self,
        source: Path | str | Model,
        n_state: int,
        *,
        dt: float | None = None,
        names: Sequence[str] | None = None,
        known: Known | None = None,
    ) -> None:
        self.file = source if isinstance(source, Model) else Model(source)
        names_known = () if known is None else tuple(known(0))
        if names is None:
            names = self.file.inputs[1 : len(self.file.inputs) - len(names_known)]
        check_step(self.file, n_state, names, names_known, dt)
        self._x, *self._beside = self.file.inputs
        (self._y,) = self.file.outputs
        dt = self.file.dt if dt is None else dt
        if dt is None:
            raise ConfigurationError("'dt' is not in the model file; give it")
        self.n_state, self.dt, self.names = n_state, check_time_step(dt), tuple(names)
        self.known = known
        contract = self.file.contract
        variable = {} if contract is None else contract["variables"][self._x]
        self._dtype = np.dtype(variable.get("dtype", "float64"))

    def trajectory(self, x: Array, p: Array, n_steps: int) -> Array:
        """Return all states of a window `[time, k]`."""
        beside = self._inputs(p, n_steps)
        states = np.empty((n_steps + 1, self.n_state))
        states[0] = x
        for i in range(n_steps):
            given = self._own(states[i : i + 1], beside[i : i + 1])
            states[i + 1] = self.file(**given)[self._y][0]
        return states

    def sweep_tl(self, states: Array, p: Array, x_tl: Array, p_tl: Array) -> Array:
        """Return the changes along a trajectory `[time, column, k]`, by `jvp`.

        More columns than the state is long: the derivatives of all steps in one call.
        """
        n, k = x_tl.shape
        beside = self._inputs(p, len(states) - 1)
        changes = np.empty((len(states), n, k))
        changes[0] = x_tl
        if n > k:
            for i, slope in enumerate(self._slopes(states[:-1], beside)):
                changes[i + 1] = changes[i] @ slope[:k] + p_tl @ slope[k:]
            return changes
        for i, x in enumerate(states[:-1]):
            at = np.repeat(x[None], n, axis=0), np.repeat(beside[i : i + 1], n, axis=0)
            changes[i + 1] = self._change(*at, changes[i], p_tl)
        return changes

    def _slopes(self, x: Array, beside: Array) -> Array:
        """Return the derivative of each step's result in state and p `[step, k + i, k]`."""
        n_steps, k = x.shape
        n = k + len(self.names)
        basis = np.tile(np.eye(n), (n_steps, 1))
        at = np.repeat(x, n, axis=0), np.repeat(beside, n, axis=0)
        return self._change(*at, basis[:, :k], basis[:, k:]).reshape(n_steps, n, k)

    def _change(self, x: Array, beside: Array, x_tl: Array, p_tl: Array) -> Array:
        """Return the change after a step of states `[member, k]`."""
        beside_tl = np.zeros_like(beside)
        beside_tl[:, : len(self.names)] = p_tl
        given = self._own(x, beside) | self._own(x_tl, beside_tl, "_tl")
        return np.asarray(self.file.jvp(**given)[f"{self._y}_tl"], np.float64)

    def sweep_ad(self, states: Array, p: Array, sensitivity: Array) -> Sensitivity:
        """Return the sensitivities to first state and parameters, by `vjp`.

        Short states: the derivatives of all steps in one call, for calls are what it costs.
        """
        n, k = len(states) - 1, self.n_state
        beside = self._inputs(p, n)
        x_ad, p_ad = sensitivity[-1:].copy(), np.zeros(len(self.names))
        if k <= SHORT:
            at = np.repeat(states[:-1], k, axis=0), np.repeat(beside, k, axis=0)
            rows = self._sensitivity(*at, np.tile(np.eye(k), (n, 1)))
            of_x, of_p = (found.reshape(n, k, -1) for found in rows)
            for i in range(n - 1, -1, -1):
                p_ad += (x_ad @ of_p[i])[0]
                x_ad = x_ad @ of_x[i] + sensitivity[i]
            return Sensitivity(x_ad[0], p_ad)
        for i in range(n - 1, -1, -1):
            now = slice(i, i + 1)
            step_x, step_p = self._sensitivity(states[now], beside[now], x_ad)
            x_ad, p_ad = step_x + sensitivity[i], p_ad + step_p[0]
        return Sensitivity(x_ad[0], p_ad)

    def _sensitivity(self, x: Array, beside: Array, x_ad: Array) -> tuple[Array, Array]:
        """Return the sensitivities before a step `[member, k]`, and to p `[member, i]`."""
        given = self._own(x, beside)
        given[f"{self._y}_ad"] = np.ascontiguousarray(x_ad, self._dtype)
        found = self.file.vjp(**given)
        of_p = np.stack([found[f"{name}_ad"] for name in self.names], axis=1)
        return np.asarray(found[f"{self._x}_ad"], np.float64), of_p.astype(np.float64)

    def _inputs(self, p: Array, n_steps: int) -> Array:
        """Return parameters and known inputs of each step `[step, input]`."""
        known = [
            () if self.known is None else self.known(i).values() for i in range(n_steps)
        ]
        return np.array([[*p, *values] for values in known])

    def _own(self, x: Array, beside: Array, suffix: str = "") -> dict[str, np.ndarray]:
        """Return the inputs by their names, in the file's precision."""
        given = dict(zip((self._x, *self._beside), (x, *beside.T), strict=True))
        return {
            f"{name}{suffix}": np.ascontiguousarray(v, self._dtype)
            for name, v in given.items()
        }


def check_step(
    file: Model,
    n_state: int,
    names: Sequence[str],
    known: Sequence[str] = (),
    dt: float | None = None,
) -> None:
    """Refuse a model file that is no step of a model with such parameters.

    Parameters
    ----------
    file
        What is checked.
    n_state
        Length of the state.
    names, known
        Of the parameters and of the known inputs.
    dt
        Time step; None: that of the file.

    Raises
    ------
    BindingError
        If inputs, outputs or the length of the state are others.
    ConfigurationError
        If the time step is another.
    """
    expected = [*names, *known]
    if not expected or list(file.inputs[1:]) != expected or len(file.outputs) != 1:
        raise BindingError(
            f"the model file has inputs {list(file.inputs)} and outputs "
            f"{list(file.outputs)}, expected the state, then {expected or 'parameters'}, "
            "and the state after a step"
        )
    contract = file.contract
    if contract is not None:
        length = contract["variables"][file.inputs[0]]["shape"][-1]
        if isinstance(length, int) and length != n_state:
            raise BindingError(
                f"the model file's state has {length} numbers, expected {n_state}"
            )
    if dt is not None and file.dt is not None and not np.isclose(dt, file.dt, rtol=1e-9):
        raise ConfigurationError(
            f"the model file is a step of {file.dt:g}, expected {dt:g}"
        )


def _numpy(tensor: Tensor) -> Array:
    """Return the tensor as float64."""
    return tensor.detach().to(torch.float64).numpy()
