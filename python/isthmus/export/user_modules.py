# SPDX-License-Identifier: MIT
"""A user's module by its name: import it, construct it, load its weights."""

import ast
import importlib
import importlib.util
import inspect
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import ExportError
from .reasons import first_line


def load_module(name: str, settings: Mapping[str, Any] | None = None) -> nn.Module:
    """Return the module that `package.module:Name` or `path/to/file.py:Name` stands for.

    `Name` is a class or a function that returns a module, called with `settings`, or a
    module itself. It is returned as it is: mode, dtype and device are the user's.

    Raises
    ------
    ExportError
        If it cannot be found, constructed, or is no `torch.nn.Module`.
    """
    source, separator, attribute = name.rpartition(":")
    if not separator or not source or not attribute:
        raise ExportError(
            f"'{name}' is no name of a network: give mymodule:Net, net.py:Net"
        )
    found = _imported(source)
    for part in attribute.split("."):
        if not hasattr(found, part):
            raise ExportError(f"'{source}' has no '{part}': it has {_nets_in(found)}")
        found = getattr(found, part)
    if isinstance(found, nn.Module):
        if settings:
            raise ExportError(f"'{name}' is a module already: it takes no --set")
        return found
    if not callable(found):
        raise ExportError(f"'{name}' is a {type(found).__name__}, expected a class")
    try:
        made = found(**(settings or {}))
    except TypeError as error:
        raise ExportError(
            f"'{name}' cannot be constructed: {error}. It takes {_signature(found)}; give"
            " arguments by --set name=value"
        ) from error
    except Exception as error:
        raise ExportError(
            f"'{name}' fails when constructed: {first_line(error)}"
        ) from error
    if not isinstance(made, nn.Module):
        raise ExportError(
            f"'{name}' gives a {type(made).__name__}, expected a torch.nn.Module"
        )
    return made


def load_weights(module: nn.Module, path: Path | str) -> None:
    """Load weights into a module: `.safetensors`, or what `torch.save` wrote.

    Nothing but tensors and plain containers is unpickled. A state within a checkpoint is
    found under `state_dict`, `model_state_dict` or `model`; the prefixes that `compile` and
    data parallelism add to every name are taken off.

    Raises
    ------
    ExportError
        If the file is no state of this module; missing and surplus names are listed.
    """
    path = Path(path)
    state = _plain_names(_state_in(path))
    try:
        module.load_state_dict(state, strict=True)
    except RuntimeError as error:
        lines = [line.strip() for line in str(error).splitlines()[1:]]
        said = " ".join(lines)[:600] or first_line(error)
        raise ExportError(
            f"'{path}' holds the weights of another network than"
            f" {type(module).__name__}: {said}"
        ) from error


def parse_setting(text: str) -> tuple[str, Any]:
    """Return name and value of `width=64`; a value that is no Python literal is a text."""
    name, separator, value = text.partition("=")
    if not separator or not name.isidentifier():
        raise ExportError(f"'{text}' is no setting: give name=value")
    try:
        return name, ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return name, value


# Helpers


def _imported(source: str) -> Any:  # noqa: ANN401 (a Python module of the user)
    try:
        if source.endswith(".py"):
            return _from_file(Path(source))
        if "" not in sys.path:
            sys.path.insert(0, "")  # as `python -m` does: modules of the current folder
        return importlib.import_module(source)
    except ExportError:
        raise
    except Exception as error:
        raise ExportError(f"'{source}' cannot be imported: {first_line(error)}") from error


def _from_file(path: Path) -> Any:  # noqa: ANN401
    if not path.is_file():
        raise ExportError(f"'{path}' is no file")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ExportError(f"'{path}' is no Python file")
    module = importlib.util.module_from_spec(spec)
    # Registered: scripting looks a class up in the module of its name.
    sys.modules[path.stem] = module
    sys.path.insert(0, str(path.parent.resolve()))
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(path.parent.resolve()))
    return module


def _nets_in(found: object) -> str:
    nets = [
        name
        for name, item in vars(found).items()
        if isinstance(item, nn.Module)
        or (inspect.isclass(item) and issubclass(item, nn.Module))
    ]
    return ", ".join(sorted(nets)) or "no network"


def _signature(found: Any) -> str:  # noqa: ANN401
    try:
        return str(inspect.signature(found))
    except (TypeError, ValueError):
        return "arguments unknown"


def _state_in(path: Path) -> dict[str, Tensor]:
    if path.suffix == ".safetensors":
        try:
            from safetensors.torch import load_file  # type: ignore[import-not-found]
        except ImportError as error:
            raise ExportError(f"'{path}' needs the package safetensors") from error
        read: Any = load_file
    else:
        read = lambda p: torch.load(p, map_location="cpu", weights_only=True)  # noqa: E731
    try:
        found = read(path)
    except Exception as error:
        raise ExportError(
            f"'{path}' cannot be read as weights: {first_line(error)}. Save them by"
            " torch.save(net.state_dict(), path)"
        ) from error
    for key in ("state_dict", "model_state_dict", "model"):
        if isinstance(found, dict) and isinstance(found.get(key), dict):
            found = found[key]
    if not isinstance(found, dict) or not all(
        isinstance(v, Tensor) for v in found.values()
    ):
        raise ExportError(f"'{path}' holds no state of a network: save net.state_dict()")
    return dict(found)


def _plain_names(state: dict[str, Tensor]) -> dict[str, Tensor]:
    for prefix in ("_orig_mod.", "module."):
        if state and all(name.startswith(prefix) for name in state):
            state = {name.removeprefix(prefix): value for name, value in state.items()}
    return state
