# SPDX-License-Identifier: MIT
"""Values of a TOML file: unknown keys and wrong kinds of values, refused by name."""

import inspect
import math
import tomllib
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from isthmus.errors import ConfigurationError

EXAMPLES: dict[type, Any] = {bool: False, int: 0, float: 0.0, str: ""}


def read_toml(path: Path) -> tuple[str, dict[str, Any]]:
    """Return the text of a file, which results keep, and what it says.

    Raises
    ------
    ConfigurationError
        If it is no TOML.
    """
    text = path.read_text(encoding="utf-8")
    try:
        return text, tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"'{path}' is no TOML: {error}") from None


def refuse_unknown(
    path: Path, group: str, found: Mapping[str, Any], known: Collection[str]
) -> None:
    """Refuse keys that nobody reads.

    Parameters
    ----------
    path
        File, for the message.
    group
        What stands before the keys, "twin." say.
    found
        What the file says.
    known
        Keys that are read.

    Raises
    ------
    ConfigurationError
        If there is another key; it is named.
    """
    for key in found:
        if key not in known:
            raise ConfigurationError(
                f"'{path}': unknown key '{group}{key}', expected {', '.join(sorted(known))}"
            )


def check_kinds(group: str, found: Mapping[str, Any], like: Mapping[str, Any]) -> None:
    """Refuse values of another kind than an example's; numbers may be whole, never NaN.

    Parameters
    ----------
    group
        What stands before the keys, "twin." say.
    found
        What the file says.
    like
        An example of each key; a key without one takes any value.

    Raises
    ------
    ConfigurationError
        Key, what was expected and what was found are told.
    """
    for key, value in found.items():
        example = like.get(key)
        values, examples = [value], [example]
        if isinstance(example, list) and example:
            if not (isinstance(value, list) and value):
                raise ConfigurationError(
                    f"'{group}{key}' must be a list that is not empty, found {value!r}"
                )
            values, examples = value, [example[0]] * len(value)
        for one, its_example in zip(values, examples, strict=True):
            kind = _mismatch(one, its_example)
            if kind:
                raise ConfigurationError(f"'{group}{key}' must be {kind}, found {one!r}")


def examples_of(make: Callable[..., Any]) -> dict[str, Any]:
    """Return an example of each argument: its default, else a value of its type.

    Parameters
    ----------
    make
        A class or a function with annotations.
    """
    return {
        name: argument.default
        if argument.default is not inspect.Parameter.empty
        else EXAMPLES.get(argument.annotation)
        for name, argument in inspect.signature(make, eval_str=True).parameters.items()
    }


def _mismatch(value: object, example: object) -> str:
    """Return what was expected, or nothing if a value is of the example's kind."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    match example:
        case bool():
            return "" if isinstance(value, bool) else "true or false"
        case int():
            return "" if is_number and isinstance(value, int) else "a whole number"
        case float():
            return "" if is_number and math.isfinite(value) else "a finite number"  # type: ignore[arg-type]
        case str():
            return "" if isinstance(value, str) else "text"
    return ""
