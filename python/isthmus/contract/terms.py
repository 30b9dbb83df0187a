# SPDX-License-Identifier: MIT
"""The terms of a contract: what a network is called with, and what it must be.

`docs/contract.md` specifies `isthmus.json`; these dataclasses are its typed form and refuse
to exist in a state that contradicts itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ..errors import ContractError

FORMAT: Final = "isthmus"
FORMAT_VERSION: Final = 1
DTYPES: Final = ("bool", "int8", "int16", "int32", "int64", "float32", "float64")
ENGINES: Final = ("torchscript", "inductor")
METHODS: Final = ("forward", "jvp", "vjp")
TANGENT: Final = "_tl"
ADJOINT: Final = "_ad"

Extent = int | str
"""One entry of a shape: a fixed extent, or the symbol of an extent that may vary."""


@dataclass(frozen=True)
class Normalization:
    """Mean and standard deviation the trainer used, in the units of the variable."""

    mean: float
    sd: float


@dataclass(frozen=True)
class Variable:
    """One input or output of `forward`."""

    dtype: str
    """One of `DTYPES`."""
    shape: tuple[Extent, ...]
    """Extents and symbols, slowest first: Fortran `x(k, member)` is `("member", 36)`."""
    dims: tuple[str, ...] | None = None
    """A name for each dimension, in the order of `shape`."""
    units: str | None = None
    long_name: str | None = None
    training_range: tuple[float, float] | None = None
    """Smallest and largest value seen in training, in `units`."""
    normalization: Normalization | None = None

    @property
    def is_differentiable(self) -> bool:
        """Whether `_tl` and `_ad` companions of this variable exist."""
        return self.dtype.startswith("float")


@dataclass(frozen=True)
class Method:
    """The names a method reads and fills, in the order the engine takes them."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


@dataclass(frozen=True)
class SelfTest:
    """One evaluation of `forward` by PyTorch, stored at export."""

    seed: int
    inputs: Mapping[str, Any]
    """Nested lists, slowest dimension outermost."""
    outputs: Mapping[str, Any]
    tolerance: float
    """Largest error allowed, relative to the largest expected value of that output."""


@dataclass(frozen=True)
class Contract:
    """Everything `isthmus.json` says about a model file."""

    name: str
    engine: str
    methods: Mapping[str, Method]
    variables: Mapping[str, Variable]
    payload_sha256: Mapping[str, str]
    """SHA-256 of every other entry of the archive, by its name below the root folder."""
    description: str = ""
    separable: str | None = None
    """The symbol along which samples are independent of each other."""
    dt: float | None = None
    """Time step the network was trained for, in the time unit of its data."""
    isa: str | None = None
    """Instruction set an `inductor` package needs; `None` for TorchScript."""
    strides: str = "any"
    """`"contiguous"` if the engine needs C-contiguous inputs, else `"any"`."""
    self_test: SelfTest | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse terms that contradict each other."""
        _check_consistency(self)

    def variable_of(self, name: str) -> Variable:
        """Return the variable behind a name; `x_tl` and `x_ad` are looked up as `x`.

        Raises
        ------
        ContractError
            If no variable of the contract stands behind the name.
        """
        if name in self.variables:
            return self.variables[name]
        base = _base_of(name)
        variable = self.variables.get(base)
        if variable is None:
            known = ", ".join(f"'{known}'" for known in self.variables)
            raise ContractError(
                f"'{name}' is no variable of '{self.name}', which has {known}"
            )
        if not variable.is_differentiable:
            raise ContractError(
                f"'{name}': '{base}' is {variable.dtype} and has no derivative"
            )
        return variable

    def to_json(self) -> str:
        """Return the text of `isthmus.json`; `from_json` reads it back unchanged."""
        from .text import write_contract_text

        return write_contract_text(self)

    @staticmethod
    def from_json(text: str) -> "Contract":
        """Read `isthmus.json`.

        Raises
        ------
        ContractError
            If the text is not JSON or a key is unknown, missing, repeated or of the wrong
            type; the message names the key.
        """
        from .text import read_contract_text

        return read_contract_text(text)


def _check_consistency(contract: Contract) -> None:
    if contract.engine not in ENGINES:
        raise ContractError(f"'engine' is '{contract.engine}', expected one of {ENGINES}")
    if contract.strides not in ("any", "contiguous"):
        raise ContractError(
            f"'strides' is '{contract.strides}', expected 'any' or 'contiguous'"
        )
    if "forward" not in contract.methods:
        raise ContractError("'methods' lacks 'forward'")
    for name, variable in contract.variables.items():
        _check_variable(name, variable)
        base = _base_of(name)
        if base != name and base in contract.variables:
            raise ContractError(
                f"'variables.{name}' has the name of a derivative of '{base}'"
            )
    for name, method in contract.methods.items():
        if name not in METHODS:
            raise ContractError(f"'methods' has '{name}', expected one of {METHODS}")
        _check_method(name, method, contract)
    used = {*contract.methods["forward"].inputs, *contract.methods["forward"].outputs}
    for name in contract.variables:
        if name not in used:
            raise ContractError(
                f"'variables.{name}' is neither input nor output of 'forward'"
            )
    symbols = {extent for v in contract.variables.values() for extent in v.shape}
    if contract.separable is not None and contract.separable not in symbols:
        raise ContractError(f"'separable' names '{contract.separable}', which no shape has")


def _base_of(name: str) -> str:
    """Return `x` for `x_tl` and `x_ad`."""
    for suffix in (TANGENT, ADJOINT):
        if name.endswith(suffix):
            return name.removesuffix(suffix)
    return name


def _check_variable(name: str, variable: Variable) -> None:
    key = f"variables.{name}"
    if variable.dtype not in DTYPES:
        raise ContractError(
            f"'{key}.dtype' is '{variable.dtype}', expected one of {', '.join(DTYPES)}"
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


def _check_method(name: str, method: Method, contract: Contract) -> None:
    for side, names in (("inputs", method.inputs), ("outputs", method.outputs)):
        key = f"methods.{name}.{side}"
        if len(set(names)) != len(names):
            raise ContractError(f"'{key}' repeats a name: {list(names)}")
        for variable in names:
            if name == "forward" and variable not in contract.variables:
                raise ContractError(f"'{key}' has '{variable}', which 'variables' lacks")
            contract.variable_of(variable)
