# SPDX-License-Identifier: MIT
"""The terms of a contract: what a network is called with, and what it must be.

`docs/contract.md` specifies `isthmus.json`; these dataclasses are its typed form and refuse
to exist in a state that contradicts itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ..errors import ContractError
from .guards import Guard

FORMAT: Final = "isthmus"
FORMAT_VERSION: Final = 1
DTYPES: Final = ("bool", "int8", "int16", "int32", "int64", "float32", "float64")
HALF_DTYPES: Final = ("float16", "bfloat16")
"""Of networks; no Fortran kind: the host binds real32 or real64 and asks for conversion."""
ENGINES: Final = ("torchscript", "inductor")
METHODS: Final = ("forward", "jvp", "vjp")
"""The methods with a fixed meaning; others are whatever the module calls so."""
APPLIERS: Final = ("network", "bridge")
TANGENT: Final = "_tl"
ADJOINT: Final = "_ad"

Extent = int | str
"""One entry of a shape: a fixed extent, or the symbol of an extent that may vary."""


@dataclass(frozen=True)
class Normalization:
    """Mean and standard deviation the trainer used, in the units of the variable."""

    mean: float | tuple[float, ...]
    sd: float | tuple[float, ...]
    dim: str | None = None
    """The dimension that lists run along; its extent is fixed."""
    applied_by: str = "network"
    """`"network"`: for information; `"bridge"`: the host binds physical values and the
    bridge applies `(x - mean)/sd` to inputs and `y*sd + mean` to outputs."""


@dataclass(frozen=True)
class Variable:
    """One input or output of `forward` or of a method of the module's own."""

    dtype: str
    """One of `DTYPES` or `HALF_DTYPES`."""
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
        return self.dtype.startswith(("float", "bfloat"))

    @property
    def host_dtype(self) -> str:
        """The type of arrays that hold every value: float32 for half precision."""
        return "float32" if self.dtype in HALF_DTYPES else self.dtype


@dataclass(frozen=True)
class Method:
    """The names a method reads and fills, in the order the engine takes them."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


@dataclass(frozen=True)
class Variant:
    """A compiled model for one extent of the separable symbol."""

    model: str
    """Its name in the package."""
    extent: int


@dataclass(frozen=True)
class SelfTest:
    """One evaluation of `forward` by PyTorch, stored at export.

    The values are those the host binds: physical ones where the bridge normalizes.
    """

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
    version: str | None = None
    """Of the weights."""
    guard: Guard | None = None
    memory: Mapping[str, str] = field(default_factory=dict)
    """Recurrent input: the output of the previous call that it takes."""
    variants: Mapping[str, tuple[Variant, ...]] = field(default_factory=dict)
    """By method: compiled models for one extent, taken when the bound extent fits."""

    def __post_init__(self) -> None:
        """Refuse terms that contradict each other."""
        from .consistency import check_consistency

        check_consistency(self)

    def variable_of(self, name: str) -> Variable:
        """Return the variable behind a name; `x_tl` and `x_ad` are looked up as `x`.

        Raises
        ------
        ContractError
            If no variable of the contract stands behind the name.
        """
        if name in self.variables:
            return self.variables[name]
        base = base_of(name)
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


def base_of(name: str) -> str:
    """Return `x` for `x_tl` and `x_ad`."""
    for suffix in (TANGENT, ADJOINT):
        if name.endswith(suffix):
            return name.removesuffix(suffix)
    return name
