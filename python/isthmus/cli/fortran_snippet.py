# SPDX-License-Identifier: MIT
"""A Fortran program that declares, requires and binds what a network takes and gives."""

import re
from typing import Final

from isthmus.contract import HALF_DTYPES, Contract, Variable

_TYPES: Final = {
    "bool": ("logical(c_bool)", "c_bool"),
    "int8": ("integer(int8)", "int8"),
    "int16": ("integer(int16)", "int16"),
    "int32": ("integer(int32)", "int32"),
    "int64": ("integer(int64)", "int64"),
    "float32": ("real(real32)", "real32"),
    "float64": ("real(real64)", "real64"),
    # No Fortran kind: bound as real32, converted when asked for.
    "float16": ("real(real32)", "real32"),
    "bfloat16": ("real(real32)", "real32"),
}


def fortran_snippet(contract: Contract, file_name: str) -> str:
    """Return a program ready to be pasted, for the `forward` of this network."""
    forward = contract.methods["forward"]
    names = [*forward.inputs, *forward.outputs]
    variables = {name: contract.variables[name] for name in names}
    symbols = dict.fromkeys(
        e for v in variables.values() for e in v.shape if isinstance(e, str)
    )
    lines = ["program call_network", *_uses(variables)]
    lines += ["  use isthmus, only: isthmus_model_t", "  implicit none", ""]
    lines += [f"  integer, parameter :: {_identifier(s)} = 1 ! choose" for s in symbols]
    lines += ["  type(isthmus_model_t) :: model"]
    lines += [_declaration(name, v) for name, v in variables.items()]
    lines += ["", f'  call model%load("{file_name}")']
    for role, chosen in (("input", forward.inputs), ("output", forward.outputs)):
        lines += [_requirement(role, name, variables[name]) for name in chosen]
    if contract.dt is not None:
        lines += [f"  call model%require_time_step({_real64(contract.dt)})"]
    for role, chosen in (("input", forward.inputs), ("output", forward.outputs)):
        lines += [_binding(role, name, variables[name]) for name in chosen]
    lines += ["", "  call model%run() ! in each time step", "end program call_network"]
    return "\n".join(lines) + "\n"


def _uses(variables: dict[str, Variable]) -> list[str]:
    kinds = {_TYPES[v.dtype][1] for v in variables.values()}
    kinds |= {"real64"}
    lines = []
    if "c_bool" in kinds:
        lines.append("  use, intrinsic :: iso_c_binding, only: c_bool")
    listed = ", ".join(sorted(kinds - {"c_bool"}))
    return [*lines, f"  use, intrinsic :: iso_fortran_env, only: {listed}"]


def _declaration(name: str, variable: Variable) -> str:
    extents = [
        e if isinstance(e, int) else _identifier(e) for e in reversed(variable.shape)
    ]
    shape = f"({', '.join(map(str, extents))})" if extents else ""
    units = f"[{variable.units}]" if variable.units is not None else ""
    half = f"of {variable.dtype}" if variable.dtype in HALF_DTYPES else ""
    said = " ".join(part for part in (variable.long_name, units, half) if part)
    comment = f" ! {said}" if said else ""
    return f"  {_TYPES[variable.dtype][0]}, target :: {_identifier(name)}{shape}{comment}"


def _requirement(role: str, name: str, variable: Variable) -> str:
    said = [f'"{name}"']
    if variable.units is not None:
        said.append(f'units="{variable.units}"')
    if variable.dims:
        # In one constructor all texts have one length.
        length = max(map(len, variable.dims))
        listed = ", ".join(f'"{dim:{length}}"' for dim in reversed(variable.dims))
        said.append(f"dims=[{listed}]")
    if variable.shape:
        said.append(f"shape=shape({_identifier(name)})")
    arguments = ", &\n    ".join(said)
    return f"  call model%require_{role}({arguments})"


def _binding(role: str, name: str, variable: Variable) -> str:
    converted = ", convert=.true." if variable.dtype in HALF_DTYPES else ""
    return f'  call model%bind_{role}("{name}", {_identifier(name)}{converted})'


def _identifier(name: str) -> str:
    """Return a name that Fortran takes: `flux.0` is `flux_0`, and none shadows `model`."""
    plain = re.sub(r"[^A-Za-z0-9_]", "_", name)
    plain = plain if plain[0].isalpha() else f"v{plain}"
    return f"{plain}_" if plain.lower() in ("model", "shape", "call_network") else plain


def _real64(value: float) -> str:
    text = repr(value)
    return f"{text}_real64" if "." in text or "e" in text else f"{text}.0_real64"
