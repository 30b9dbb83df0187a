# SPDX-License-Identifier: MIT
"""The text of `isthmus.json`: written from the terms, read back strictly.

A key that is unknown, missing, repeated or of the wrong type is an error that names the
key: a misspelt `training_range` would otherwise be a guard that silently is not there.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Any, TypeVar

from ..errors import ContractError
from .guards import (
    Bounds,
    Conserve,
    Fixer,
    Guard,
    Limit,
    Limits,
    Mahalanobis,
    PositiveState,
)
from .terms import (
    FORMAT,
    FORMAT_VERSION,
    Contract,
    Extent,
    Method,
    Normalization,
    SelfTest,
    Variable,
    Variant,
)

_T = TypeVar("_T")
_Reader = Callable[[Any, str], _T]
"""Takes a JSON value and its dotted key; names the key if it fails."""


def write_contract_text(contract: Contract) -> str:
    """Return a contract as JSON text.

    Raises
    ------
    ContractError
        If `provenance` or `self_test` hold what JSON cannot, such as NaN.
    """
    try:
        return json.dumps(_plain(contract), indent=1, allow_nan=False, ensure_ascii=False)
    except (TypeError, ValueError) as error:
        raise ContractError(
            f"contract of '{contract.name}' cannot be written as JSON: {error}"
        ) from error


def read_contract_text(text: str) -> Contract:
    """Read a contract from JSON text; see `Contract.from_json`."""
    try:
        document = json.loads(
            text, object_pairs_hook=_without_repeats, parse_constant=_refuse_constant
        )
    except json.JSONDecodeError as error:
        raise ContractError(f"isthmus.json is not JSON: {error}") from error
    except RecursionError as error:
        raise ContractError("isthmus.json is nested too deeply") from error
    return _read_contract(document)


def _plain(contract: Contract) -> dict[str, Any]:
    plain = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "name": contract.name,
        "description": contract.description,
        "engine": contract.engine,
        "methods": {
            name: {"inputs": list(method.inputs), "outputs": list(method.outputs)}
            for name, method in contract.methods.items()
        },
        "variables": {name: _plain_variable(v) for name, v in contract.variables.items()},
        "separable": contract.separable,
        "dt": contract.dt,
        "isa": contract.isa,
        "strides": contract.strides,
        "self_test": None if contract.self_test is None else _present(contract.self_test),
        "provenance": dict(contract.provenance),
        "payload_sha256": dict(contract.payload_sha256),
    }
    # Older readers refuse these keys: they are written where they say something.
    for key in ("version", "guard", "memory", "variants"):
        if value := getattr(contract, key):
            plain[key] = _plain_value(value)
    return plain


def _present(record: Any) -> dict[str, Any]:  # noqa: ANN401 (any of the dataclasses above)
    """Return the fields of a dataclass that are set."""
    values = {f.name: getattr(record, f.name) for f in fields(record)}
    return {key: value for key, value in values.items() if value is not None}


def _plain_value(value: Any) -> Any:  # noqa: ANN401 (terms of any depth)
    """Return terms as JSON has them: objects, lists, numbers and texts."""
    if is_dataclass(value) and not isinstance(value, type):
        kind = {"kind": value.kind} if isinstance(value, Fixer) else {}
        return kind | {key: _plain_value(item) for key, item in _present(value).items()}
    if isinstance(value, Mapping):
        return {key: _plain_value(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [_plain_value(item) for item in value]
    return value


def _plain_variable(variable: Variable) -> dict[str, Any]:
    plain: dict[str, Any] = _plain_value(variable)
    scaling = plain.get("normalization", {})
    if scaling.get("applied_by") == "network":  # the default
        del scaling["applied_by"]
    return plain


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value in pairs:
        if key in result:
            raise ContractError(f"isthmus.json has '{key}' twice in one object")
        result[key] = value
    return result


def _refuse_constant(text: str) -> Any:  # noqa: ANN401 (the hook's type)
    raise ContractError(f"isthmus.json has the number {text}, which JSON does not know")


def _wrong(key: str, expected: str, value: object) -> ContractError:
    shown = json.dumps(value, ensure_ascii=False, default=str)
    shown = shown if len(shown) <= 60 else shown[:57] + "..."
    return ContractError(f"'{key}' is {shown}, expected {expected}")


def _text(value: object, key: str) -> str:
    if not isinstance(value, str):
        raise _wrong(key, "a string", value)
    return value


def _name(value: object, key: str) -> str:
    if not isinstance(value, str) or not value:
        raise _wrong(key, "a name", value)
    return value


def _integer(value: object, key: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise _wrong(key, "an integer", value)
    return value


def _number(value: object, key: str) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise _wrong(key, "a number", value)
    return float(value)


def _extent(value: object, key: str) -> Extent:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise _wrong(key, "an extent or a symbol", value)
    return value


def _digest(value: object, key: str) -> str:
    if (
        not isinstance(value, str)
        or len(value) != 64
        or set(value) - set("0123456789abcdef")
    ):
        raise _wrong(key, "64 lower-case hexadecimal digits", value)
    return value


def _sequence(read: _Reader[_T]) -> _Reader[tuple[_T, ...]]:
    def reader(value: object, key: str) -> tuple[_T, ...]:
        if not isinstance(value, list):
            raise _wrong(key, "a list", value)
        return tuple(read(item, f"{key}[{i}]") for i, item in enumerate(value))

    return reader


def _mapping(read: _Reader[_T]) -> _Reader[dict[str, _T]]:
    def reader(value: object, key: str) -> dict[str, _T]:
        return {
            name: read(item, f"{key}.{name}") for name, item in _object(value, key).items()
        }

    return reader


def _optional(read: _Reader[_T]) -> _Reader[_T | None]:
    def reader(value: object, key: str) -> _T | None:
        return None if value is None else read(value, key)

    return reader


def _object(value: object, key: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _wrong(key, "an object", value)
    return value


def _anything(value: Any, key: str) -> Any:  # noqa: ANN401 (values of the user's own)
    del key
    return value


def _range(value: object, key: str) -> tuple[float, float]:
    numbers = _sequence(_number)(value, key)
    if len(numbers) != 2:
        raise _wrong(key, "two numbers", value)
    return numbers[0], numbers[1]


def _record(make: Callable[..., _T], **readers: _Reader[Any]) -> _Reader[_T]:
    """Read an object whose keys are fields of `make`; one with a default may be absent."""

    def reader(value: object, key: str) -> _T:
        given = _object(value, key)
        prefix = f"{key}." if key else ""
        for name in given:
            if name not in readers:
                raise ContractError(f"'{prefix}{name}' is not a key that Isthmus knows")
        required = {f.name for f in fields(make) if _is_required(f)}  # type: ignore[arg-type]
        for name in readers:
            if name in required and name not in given:
                raise ContractError(f"'{prefix}{name}' is missing")
        return make(**{n: readers[n](item, f"{prefix}{n}") for n, item in given.items()})

    return reader


def _is_required(f: "Field[Any]") -> bool:
    return f.default is MISSING and f.default_factory is MISSING


def _numbers(value: object, key: str) -> float | tuple[float, ...]:
    if isinstance(value, list):
        return _sequence(_number)(value, key)
    return _number(value, key)


def _limit(value: object, key: str) -> Limit:
    if isinstance(value, list):
        return _sequence(_optional(_number))(value, key)
    return _optional(_number)(value, key)


_FIXERS: dict[str, _Reader[Fixer]] = {
    Bounds.kind: _record(
        Bounds, output=_name, low=_optional(_number), high=_optional(_number)
    ),
    Conserve.kind: _record(Conserve, weights=_mapping(_sequence(_number)), total=_number),
    PositiveState.kind: _record(PositiveState, tendency=_name, state=_name),
}


def _fixer(value: object, key: str) -> Fixer:
    given = dict(_object(value, key))
    kind = given.pop("kind", None)
    if not isinstance(kind, str) or kind not in _FIXERS:
        raise _wrong(f"{key}.kind", f"one of {', '.join(_FIXERS)}", kind)
    return _FIXERS[kind](given, key)


_limits = _record(Limits, low=_limit, high=_limit)
_mahalanobis = _record(
    Mahalanobis,
    inputs=_sequence(_name),
    mean=_sequence(_number),
    whitening=_sequence(_sequence(_number)),
    threshold=_number,
)
_guard = _record(
    Guard,
    inputs=_mapping(_limits),
    outputs=_mapping(_limits),
    quantiles=_optional(_range),
    mahalanobis=_optional(_mahalanobis),
    fixers=_sequence(_fixer),
)
_variant = _record(Variant, model=_name, extent=_integer)
_normalization = _record(
    Normalization, mean=_numbers, sd=_numbers, dim=_optional(_name), applied_by=_text
)
_variable = _record(
    Variable,
    dtype=_text,
    shape=_sequence(_extent),
    dims=_optional(_sequence(_name)),
    units=_optional(_text),
    long_name=_optional(_text),
    training_range=_optional(_range),
    normalization=_optional(_normalization),
)
_method = _record(Method, inputs=_sequence(_name), outputs=_sequence(_name))
_self_test = _record(
    SelfTest,
    seed=_integer,
    inputs=_mapping(_anything),
    outputs=_mapping(_anything),
    tolerance=_number,
)
_contract = _record(
    Contract,
    name=_name,
    description=_text,
    engine=_text,
    methods=_mapping(_method),
    variables=_mapping(_variable),
    separable=_optional(_name),
    dt=_optional(_number),
    isa=_optional(_text),
    strides=_text,
    self_test=_optional(_self_test),
    provenance=_mapping(_anything),
    payload_sha256=_mapping(_digest),
    version=_optional(_name),
    guard=_optional(_guard),
    memory=_mapping(_name),
    variants=_mapping(_sequence(_variant)),
)


def _read_contract(document: object) -> Contract:
    given = dict(_object(document, "isthmus.json"))
    for key, expected in (("format", FORMAT), ("format_version", FORMAT_VERSION)):
        if key not in given:
            raise ContractError(f"'{key}' is missing")
        found = given.pop(key)
        if found != expected or isinstance(found, bool):
            raise _wrong(key, f"{json.dumps(expected)}: written by another version", found)
    return _contract(given, "")
