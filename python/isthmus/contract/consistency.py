# SPDX-License-Identifier: MIT
"""Whether the terms of a contract agree with each other; the first misfit is named."""

import math
from collections.abc import Sequence

from ..errors import ContractError
from .guards import Bounds, Conserve, Guard, Limit, Limits, Mahalanobis, PositiveState
from .terms import (
    APPLIERS,
    DTYPES,
    ENGINES,
    HALF_DTYPES,
    Contract,
    Method,
    Normalization,
    Variable,
    base_of,
)


def check_consistency(contract: Contract) -> None:
    """Refuse terms that contradict each other.

    Raises
    ------
    ContractError
        Naming the key, what it has and what was expected.
    """
    _check_choices(contract)
    if "forward" not in contract.methods:
        raise ContractError("'methods' lacks 'forward'")
    for name, variable in contract.variables.items():
        check_variable(name, variable)
        base = base_of(name)
        if base != name and base in contract.variables:
            raise ContractError(
                f"'variables.{name}' has the name of a derivative of '{base}'"
            )
    for name, method in contract.methods.items():
        _check_method(name, method, contract)
    used = {n for m in contract.methods.values() for n in (*m.inputs, *m.outputs)}
    for name in contract.variables:
        if name not in used:
            raise ContractError(
                f"'variables.{name}' is neither input nor output of a method"
            )
    symbols = {extent for v in contract.variables.values() for extent in v.shape}
    if contract.separable is not None and contract.separable not in symbols:
        raise ContractError(f"'separable' names '{contract.separable}', which no shape has")
    _check_memory(contract)
    _check_variants(contract)
    if contract.guard is not None:
        _check_guard(contract.guard, contract)


def check_variable(name: str, variable: Variable) -> None:
    """Refuse a variable whose terms contradict each other; see `check_consistency`."""
    key = f"variables.{name}"
    known = (*DTYPES, *HALF_DTYPES)
    if variable.dtype not in known:
        raise ContractError(
            f"'{key}.dtype' is '{variable.dtype}', expected one of {', '.join(known)}"
        )
    for extent in variable.shape:
        if (isinstance(extent, int) and extent < 1) or extent == "":
            raise ContractError(f"'{key}.shape' has {extent!r}, expected extents above 0")
    if variable.dims is not None and len(variable.dims) != len(variable.shape):
        raise ContractError(
            f"'{key}.dims' names {len(variable.dims)} dimensions, 'shape' has"
            f" {len(variable.shape)}"
        )
    limits = variable.training_range
    if limits is not None and not limits[0] <= limits[1]:
        raise ContractError(
            f"'{key}.training_range' is {list(limits)}, not in rising order"
        )
    if variable.normalization is not None:
        _check_normalization(f"{key}.normalization", variable.normalization, variable)


def sample_size(variable: Variable, separable: str | None) -> int | None:
    """Return the elements of one sample; `None` if another extent than that one varies."""
    size = 1
    for extent in variable.shape:
        if isinstance(extent, int):
            size *= extent
        elif extent != separable:
            return None
    return size


def _check_choices(contract: Contract) -> None:
    if contract.engine not in ENGINES:
        raise ContractError(f"'engine' is '{contract.engine}', expected one of {ENGINES}")
    if contract.strides not in ("any", "contiguous"):
        raise ContractError(
            f"'strides' is '{contract.strides}', expected 'any' or 'contiguous'"
        )
    if contract.version == "":
        raise ContractError("'version' is empty, expected the version of the weights")


def _check_normalization(key: str, scaling: Normalization, variable: Variable) -> None:
    if scaling.applied_by not in APPLIERS:
        raise ContractError(
            f"'{key}.applied_by' is '{scaling.applied_by}', expected one of {APPLIERS}"
        )
    if scaling.applied_by == "bridge" and not variable.is_differentiable:
        raise ContractError(
            f"'{key}' is applied by the bridge to {variable.dtype}, expected a"
            " floating-point variable"
        )
    n_along = None if scaling.dim is None else _extent_of(key, scaling.dim, variable)
    for side, value in (("mean", scaling.mean), ("sd", scaling.sd)):
        if isinstance(value, tuple) and len(value) != n_along:
            expected = (
                "a 'dim'" if n_along is None else f"{n_along}, as '{scaling.dim}' has"
            )
            raise ContractError(
                f"'{key}.{side}' lists {len(value)} numbers, expected {expected}"
            )
    spreads = scaling.sd if isinstance(scaling.sd, tuple) else (scaling.sd,)
    if not all(sd > 0.0 for sd in spreads):
        raise ContractError(f"'{key}.sd' is not above 0")


def _extent_of(key: str, dim: str, variable: Variable) -> int:
    """Return the fixed extent of a named dimension."""
    for name, extent in zip(variable.dims or (), variable.shape, strict=False):
        if name == dim and isinstance(extent, int):
            return extent
    raise ContractError(
        f"'{key}.dim' is '{dim}', which is no dimension of fixed extent in 'dims'"
    )


def _check_method(name: str, method: Method, contract: Contract) -> None:
    if not (name.isascii() and name.isidentifier()):
        raise ContractError(f"'methods' has '{name}', expected a name")
    if not method.outputs:
        raise ContractError(f"'methods.{name}.outputs' is empty")
    for side, names in (("inputs", method.inputs), ("outputs", method.outputs)):
        key = f"methods.{name}.{side}"
        if len(set(names)) != len(names):
            raise ContractError(f"'{key}' repeats a name: {list(names)}")
        for variable in names:
            if name not in ("jvp", "vjp") and variable not in contract.variables:
                raise ContractError(f"'{key}' has '{variable}', which 'variables' lacks")
            contract.variable_of(variable)


def _check_memory(contract: Contract) -> None:
    forward = contract.methods["forward"]
    for name, source in contract.memory.items():
        if name not in forward.inputs:
            raise ContractError(f"'memory' has '{name}', which is no input of 'forward'")
        if source not in forward.outputs:
            raise ContractError(
                f"'memory.{name}' is '{source}', which is no output of 'forward'"
            )
        one, other = contract.variables[name], contract.variables[source]
        if (one.dtype, one.shape) != (other.dtype, other.shape):
            raise ContractError(
                f"'memory.{name}' is '{source}', {other.dtype} {list(other.shape)},"
                f" expected {one.dtype} {list(one.shape)}"
            )


def _check_variants(contract: Contract) -> None:
    for method, variants in contract.variants.items():
        key = f"variants.{method}"
        if method not in contract.methods:
            raise ContractError(f"'{key}' is of no method")
        if contract.separable is None or contract.engine != "inductor":
            raise ContractError(f"'{key}' needs 'separable' and the engine 'inductor'")
        extents = [variant.extent for variant in variants]
        if len(set(extents)) != len(extents) or any(extent < 1 for extent in extents):
            raise ContractError(f"'{key}' has the extents {extents}, expected each once")


def _check_guard(guard: Guard, contract: Contract) -> None:
    forward = contract.methods["forward"]
    for side, table, names in (
        ("inputs", guard.inputs, forward.inputs),
        ("outputs", guard.outputs, forward.outputs),
    ):
        for name, limits in table.items():
            key = f"guard.{side}.{name}"
            if name not in names:
                raise ContractError(f"'{key}' is not among the {side} of 'forward'")
            _check_limits(key, limits, _known_size(key, name, limits, contract))
    quantiles = guard.quantiles
    if quantiles is not None and not 0.0 <= quantiles[0] < quantiles[1] <= 1.0:
        raise ContractError(
            f"'guard.quantiles' is {list(quantiles)}, not rising within 0 to 1"
        )
    if guard.mahalanobis is not None:
        _check_mahalanobis(guard.mahalanobis, contract)
    for i, fixer in enumerate(guard.fixers):
        _check_fixer(f"guard.fixers[{i}]", fixer, contract)


def _known_size(key: str, name: str, limits: Limits, contract: Contract) -> int | None:
    if not isinstance(limits.low, tuple) and not isinstance(limits.high, tuple):
        return None
    return _sample_size(key, name, contract)


def _sample_size(key: str, name: str, contract: Contract) -> int:
    size = sample_size(contract.variables[name], contract.separable)
    if size is None:
        raise ContractError(
            f"'{key}' lists values of '{name}', whose samples have no fixed size"
        )
    return size


def _check_limits(key: str, limits: Limits, size: int | None) -> None:
    pairs = []
    for side, limit in (("low", limits.low), ("high", limits.high)):
        if isinstance(limit, tuple) and len(limit) != size:
            raise ContractError(
                f"'{key}.{side}' lists {len(limit)} values, a sample has {size}"
            )
        pairs.append(_each(limit, size or 1))
    for low, high in zip(*pairs, strict=True):
        if low is not None and high is not None and not low <= high:
            raise ContractError(
                f"'{key}' has the low limit {low} above the high one {high}"
            )


def _each(limit: Limit, size: int) -> Sequence[float | None]:
    return limit if isinstance(limit, tuple) else [limit] * size


def _check_mahalanobis(distance: Mahalanobis, contract: Contract) -> None:
    key = "guard.mahalanobis"
    if not distance.inputs:
        raise ContractError(f"'{key}.inputs' is empty")
    size = 0
    for name in distance.inputs:
        if name not in contract.methods["forward"].inputs:
            raise ContractError(f"'{key}.inputs' has '{name}', which is no input")
        size += _sample_size(key, name, contract)
    if len(distance.mean) != size:
        raise ContractError(
            f"'{key}.mean' lists {len(distance.mean)} values, the inputs have {size}"
        )
    if not distance.whitening or any(len(row) != size for row in distance.whitening):
        raise ContractError(f"'{key}.whitening' has rows of another length than {size}")
    if not (distance.threshold > 0.0 and math.isfinite(distance.threshold)):
        raise ContractError(f"'{key}.threshold' is {distance.threshold}, not above 0")


def _check_fixer(
    key: str, fixer: Bounds | Conserve | PositiveState, contract: Contract
) -> None:
    if isinstance(fixer, Bounds):
        _check_output(f"{key}.output", fixer.output, contract)
        _check_limits(key, Limits(fixer.low, fixer.high), None)
    elif isinstance(fixer, Conserve):
        _check_weights(key, fixer, contract)
    else:
        _check_output(f"{key}.tendency", fixer.tendency, contract)
        if fixer.state not in contract.methods["forward"].inputs:
            raise ContractError(f"'{key}.state' is '{fixer.state}', which is no input")
        one, other = (contract.variables[n] for n in (fixer.tendency, fixer.state))
        if one.shape != other.shape:
            raise ContractError(
                f"'{key}' pairs '{fixer.tendency}' {list(one.shape)} with"
                f" '{fixer.state}' {list(other.shape)}"
            )
        if contract.dt is None:
            raise ContractError(f"'{key}' needs 'dt', which the contract lacks")


def _check_weights(key: str, fixer: Conserve, contract: Contract) -> None:
    for name, weights in fixer.weights.items():
        _check_output(f"{key}.weights", name, contract)
        size = _sample_size(f"{key}.weights.{name}", name, contract)
        if len(weights) != size:
            raise ContractError(
                f"'{key}.weights.{name}' lists {len(weights)} values, a sample has {size}"
            )
    if not any(weight != 0.0 for values in fixer.weights.values() for weight in values):
        raise ContractError(f"'{key}.weights' are all 0: nothing can be corrected")


def _check_output(key: str, name: str, contract: Contract) -> None:
    if name not in contract.methods["forward"].outputs:
        raise ContractError(f"'{key}' is '{name}', which is no output of 'forward'")
    if not contract.variables[name].is_differentiable:
        raise ContractError(f"'{key}' is '{name}', which is no floating-point output")
