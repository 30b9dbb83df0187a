# SPDX-License-Identifier: MIT
"""Networks through `libisthmus`: the same library, files and checks that Fortran uses.

No torch here: the library brings its own libtorch, which must be of the version that the
process has imported as `torch`, if it has.
"""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from isthmus._bridge import ffi, lib

from .errors import (
    BindingError,
    ContractError,
    DeviceError,
    InferenceError,
    IsthmusError,
    ModelFileError,
)

Array = npt.NDArray[Any]
_Bound = tuple[Array, bool, Sequence[int] | None]
"""An array with how it is bound: converted, and in which order."""

_EXCEPTIONS: Final[Mapping[int, type[IsthmusError]]] = {
    lib.ISTHMUS_ERR_ARGUMENT: BindingError,
    lib.ISTHMUS_ERR_FILE: ModelFileError,
    lib.ISTHMUS_ERR_SHAPE: BindingError,
    lib.ISTHMUS_ERR_DEVICE: DeviceError,
    lib.ISTHMUS_ERR_RUNTIME: InferenceError,
    lib.ISTHMUS_ERR_CONTRACT: ContractError,
}
_DTYPES: Final[Mapping[str, int]] = {
    "bool": lib.ISTHMUS_BOOL,
    "int8": lib.ISTHMUS_INT8,
    "int16": lib.ISTHMUS_INT16,
    "int32": lib.ISTHMUS_INT32,
    "int64": lib.ISTHMUS_INT64,
    "float32": lib.ISTHMUS_FLOAT32,
    "float64": lib.ISTHMUS_FLOAT64,
}


def version() -> str:
    """Return the version of `libisthmus`."""
    return _text(lib.isthmus_version())


def torch_version() -> str:
    """Return the version of the libtorch that `libisthmus` was built with."""
    return _text(lib.isthmus_torch_version())


def set_allocator(name: str) -> None:
    """Choose where torch's tensors come from in this process: `"caching"`, `"default"`.

    Raises
    ------
    BindingError
        If there is no such allocator.
    """
    check(lib.isthmus_set_allocator(_bytes(name)))


def set_threads(n_threads: int) -> None:
    """Set the threads inside one call of a network; 0 for as many as OpenMP would take.

    Raises
    ------
    BindingError
        If the number is below 0.
    """
    check(lib.isthmus_set_threads(n_threads))


class Model:
    """A network loaded from `.pt` or `.pt2`. Use one per thread.

    For a loop, bind arrays once and call `run`; for a single evaluation, call the model
    with its inputs by name. Both read and write the caller's memory: nothing is converted.

    Parameters
    ----------
    path
        The model file.
    device
        `"cpu"`, `"cuda"`, `"cuda:1"`, ...
    convert
        Let calls take floating-point arrays of any precision. Outputs in half precision are
        then given as float32, which holds each of their values.

    Raises
    ------
    ModelFileError
        If the file is absent, unreadable or of another format.
    ContractError
        If the file breaks its own contract: checksum, instruction set, format.
    DeviceError
        If the device is unknown or not present.
    """

    def __init__(
        self,
        path: os.PathLike[str] | str,
        device: str = "cpu",
        *,
        convert: bool = False,
    ) -> None:
        check_torch()
        handle = ffi.new("isthmus_model **")
        check(lib.isthmus_model_load(_path_bytes(path), _bytes(device), handle))
        self._model = ffi.gc(handle[0], lib.isthmus_model_free)
        self._path = Path(path)
        self._convert = convert
        self._bound: dict[tuple[str, str], _Bound] = {}  # keeps their memory alive
        self._temporary: set[tuple[str, str]] = set()  # bound by a call, for it alone

    def __repr__(self) -> str:
        """Return the file and the engine."""
        return f"Model({str(self._path)!r}, engine={self.engine!r})"

    @property
    def engine(self) -> str:
        """`"torchscript"` or `"inductor"`."""
        out = ffi.new("char **")
        check(lib.isthmus_model_engine(self._model, ffi.cast("const char **", out)))
        return _text(out[0])

    @property
    def contract(self) -> dict[str, Any] | None:
        """The contract in the file, `None` if it has none."""
        out = ffi.new("char **")
        check(lib.isthmus_model_contract(self._model, ffi.cast("const char **", out)))
        text = _text(out[0])
        return json.loads(text) if text else None

    @property
    def dt(self) -> float | None:
        """Time step the network was trained for, `None` if the file does not say."""
        out = ffi.new("double *")
        check(lib.isthmus_model_time_step(self._model, out))
        return out[0] or None

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the inputs of `forward`."""
        return self.names()[0]

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the outputs of `forward`."""
        return self.names()[1]

    def names(self, method: str = "forward") -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the names of the inputs and outputs of a method.

        Raises
        ------
        BindingError
            If the network has no such method.
        """
        n_in, n_out = ffi.new("int32_t *"), ffi.new("int32_t *")
        check(lib.isthmus_model_count(self._model, _bytes(method), n_in, n_out))
        return (
            tuple(
                self._name(lib.isthmus_model_input_name, method, i) for i in range(n_in[0])
            ),
            tuple(
                self._name(lib.isthmus_model_output_name, method, i)
                for i in range(n_out[0])
            ),
        )

    def bind_input(
        self,
        name: str,
        array: Array,
        *,
        convert: bool = False,
        order: Sequence[int] | None = None,
    ) -> None:
        """Let the network read an input straight from an array, any strides.

        Parameters
        ----------
        name
            Of the input.
        array
            Stays in use until another is bound.
        convert
            Convert another floating-point type at every run; else that is refused.
        order
            Which dimension of the array is the network's i-th; as they are by default.

        Raises
        ------
        BindingError
            If the name is unknown or the array is not what the network takes.
        """
        self._bind("input", name, array, convert, order)

    def bind_output(
        self,
        name: str,
        array: Array,
        *,
        convert: bool = False,
        order: Sequence[int] | None = None,
    ) -> None:
        """Let the network write an output straight into an array; else as `bind_input`.

        Raises
        ------
        BindingError
            If the name is unknown, or the array read-only or not what the network gives.
        """
        self._bind("output", name, array, convert, order)

    def set_tile(self, n_samples: int) -> None:
        """Evaluate the separable dimension in tiles of a power of two; 0 for none.

        A sample's bits then depend neither on the number of samples nor on their order.

        Raises
        ------
        BindingError
            If it is no power of two.
        """
        check(lib.isthmus_model_set_tile(self._model, n_samples))

    def set_chunk(self, n_samples: int) -> None:
        """Evaluate the separable dimension in even chunks of at most so many; 0 for none.

        Raises
        ------
        BindingError
            If it is below 0.
        """
        check(lib.isthmus_model_set_chunk(self._model, n_samples))

    @property
    def tuning(self) -> str:
        """What became of the choice of `isthmus tune`; empty if there is none."""
        out = ffi.new("char **")
        check(lib.isthmus_model_tuning(self._model, ffi.cast("const char **", out)))
        return _text(out[0])

    def use_loops(self, n_samples: int) -> None:
        """Evaluate `forward` by Isthmus' own loops for up to `n_samples` samples.

        Raises
        ------
        BindingError
            If the network is no chain of layers that they know, or not TorchScript.
        InferenceError
            If they give something else than torch.
        """
        check(lib.isthmus_model_use_loops(self._model, n_samples))

    def run(self, method: str = "forward") -> None:
        """Evaluate a method on the bound arrays.

        Raises
        ------
        BindingError
            If something is not bound, or shapes do not fit together.
        InferenceError
            If the engine fails.
        """
        if self._temporary:
            self._check_bound(method)
        check(lib.isthmus_model_run_method(self._model, _bytes(method)))

    def require_input(
        self,
        name: str,
        *,
        units: str | None = None,
        dims: Sequence[str] | None = None,
        shape: Sequence[int] | None = None,
        dtype: npt.DTypeLike | None = None,
    ) -> None:
        """Hold an input against what will be passed; what is left out is not checked.

        Parameters
        ----------
        name
            Of the input.
        units
            As in the contract, letter by letter.
        dims
            Names of the dimensions, slowest first.
        shape
            Extents, slowest first; -1 for one that may vary.
        dtype
            Element type.

        Raises
        ------
        BindingError
            If the name, shape or type is not the network's.
        ContractError
            If the units or dimensions are not, or the contract does not tell.
        """
        self._require("input", name, units, dims, shape, dtype)

    def require_output(
        self,
        name: str,
        *,
        units: str | None = None,
        dims: Sequence[str] | None = None,
        shape: Sequence[int] | None = None,
        dtype: npt.DTypeLike | None = None,
    ) -> None:
        """Hold an output against what will be taken; see `require_input`."""
        self._require("output", name, units, dims, shape, dtype)

    def require_time_step(self, dt: float) -> None:
        """Refuse a network that was trained for another time step.

        Raises
        ------
        ContractError
            If the contract has another time step, or none.
        """
        check(lib.isthmus_model_require_time_step(self._model, dt))

    def self_test(self) -> float:
        """Evaluate the vectors stored at export; return the largest relative error.

        Raises
        ------
        ContractError
            If the error is above the contract's tolerance, or there are no vectors.
        """
        error = ffi.new("double *")
        check(lib.isthmus_model_self_test(self._model, error))
        return float(error[0])

    def check_derivatives(self, seed: int = 1) -> tuple[float, float]:
        """Try `jvp` and `vjp` at the point bound for `forward`, in random directions.

        Returns
        -------
        dot_error
            `|<F x_tl, y_ad> - <x_tl, F^T y_ad>|` relative to the norms: some roundings.
        taylor_error
            Smallest `|f(x + h x_tl) - f(x) - h F x_tl| / |h F x_tl|` over steps h: about
            the square root of a rounding, near 1 for a wrong derivative.

        Raises
        ------
        BindingError
            If an input or output of `forward` is not bound, or `jvp` or `vjp` is missing.
        """
        errors = ffi.new("double[2]")
        check(lib.isthmus_model_check_derivatives(self._model, seed, errors, errors + 1))
        return float(errors[0]), float(errors[1])

    def __call__(self, **inputs: Array) -> dict[str, Array]:
        """Evaluate `forward` once; outputs are allocated as the contract says.

        Raises
        ------
        BindingError
            If an input is missing, unknown or unfit, or the file has no contract.
        InferenceError
            If the engine fails.
        """
        return self.evaluate("forward", inputs)

    def jvp(self, **inputs: Array) -> dict[str, Array]:
        """Evaluate the tangent-linear once: `x` and `x_tl` give `y` and `y_tl`."""
        return self.evaluate("jvp", inputs)

    def vjp(self, **inputs: Array) -> dict[str, Array]:
        """Evaluate the adjoint once: `x` and `y_ad` give `x_ad`."""
        return self.evaluate("vjp", inputs)

    def evaluate(self, method: str, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Evaluate any method of the network once, as calling the model does `forward`.

        Raises
        ------
        BindingError
            If there is no such method, or an input is missing, unknown or unfit.
        InferenceError
            If the engine fails.
        """
        names, _ = self.names(method)
        for name in inputs:
            if name not in names:
                raise BindingError(f"no input '{name}': {method} has {_listed(names)}")
        for name in names:
            if name not in inputs:
                raise BindingError(
                    f"input '{name}' is missing: {method} has {_listed(names)}"
                )
        outputs = self._allocate(method, inputs)
        before = dict(self._bound)
        try:
            for name, array in inputs.items():
                self._bind("input", name, array, self._convert)
            for name, array in outputs.items():
                self._bind("output", name, array, self._convert)
            check(lib.isthmus_model_run_method(self._model, _bytes(method)))
        finally:
            self._restore(before)
        return outputs

    # Helpers

    def _name(self, function: Any, method: str, index: int) -> str:  # noqa: ANN401 (cffi)
        out = ffi.new("char **")
        check(function(self._model, _bytes(method), index, ffi.cast("const char **", out)))
        return _text(out[0])

    def _bind(
        self,
        role: str,
        name: str,
        array: Array,
        convert: bool = False,
        order: Sequence[int] | None = None,
    ) -> None:
        if role == "output" and isinstance(array, np.ndarray) and not array.flags.writeable:
            raise BindingError(f"'{name}' is read-only, an output needs memory to write to")
        function = getattr(lib, f"isthmus_model_bind_{role}_as")
        described, keep = _described(name, array)
        binding = ffi.new("isthmus_binding *", {"convert": convert})
        if order is not None:
            if len(order) != array.ndim:
                raise BindingError(
                    f"'{name}' has {array.ndim} dimensions, its order {len(order)}"
                )
            numbers = ffi.new("int32_t[]", list(order))
            binding.order = numbers
        check(function(self._model, _bytes(name), described, binding))
        del keep
        self._bound[role, name] = (array, convert, order)
        self._temporary.discard((role, name))

    def _require(
        self,
        role: str,
        name: str,
        units: str | None,
        dims: Sequence[str] | None,
        shape: Sequence[int] | None,
        dtype: npt.DTypeLike | None,
    ) -> None:
        said = ffi.new("isthmus_requirement *")
        if dims is not None and shape is not None and len(dims) != len(shape):
            raise BindingError(
                f"'{name}' is declared with {len(dims)} names of dimensions"
                f" and {len(shape)} extents"
            )
        keep: list[Any] = []
        if units is not None:
            keep.append(ffi.new("char[]", _bytes(units)))
            said.units = keep[-1]
        if shape is not None:
            keep.append(ffi.new("int64_t[]", list(shape)))
            said.rank, said.shape = len(shape), keep[-1]
        if dims is not None:
            keep.extend(ffi.new("char[]", _bytes(each)) for each in dims)
            names = ffi.new("char *[]", keep[len(keep) - len(dims) :])
            keep.append(names)
            said.rank, said.dims = len(dims), ffi.cast("char **", names)
        if dtype is not None:
            if np.dtype(dtype).name not in _DTYPES:
                raise BindingError(
                    f"'{name}' is declared as {np.dtype(dtype).name},"
                    f" expected one of {', '.join(_DTYPES)}"
                )
            keep.append(ffi.new("isthmus_dtype *", _DTYPES[np.dtype(dtype).name]))
            said.dtype = keep[-1]
        function = getattr(lib, f"isthmus_model_require_{role}")
        check(function(self._model, _bytes(name), said))

    def _check_bound(self, method: str) -> None:
        for role, names in zip(("input", "output"), self.names(method), strict=True):
            for name in names:
                if (role, name) in self._temporary:
                    raise BindingError(f"{role} '{name}' is not bound")

    def _restore(self, before: Mapping[tuple[str, str], _Bound]) -> None:
        """Bind again what a call has replaced; what was not bound counts as unbound."""
        for key, bound in list(self._bound.items()):
            if key not in before or key in self._temporary:
                self._temporary.add(key)
            elif before[key] is not bound:
                array, convert, order = before[key]
                self._bind(*key, array, convert, order)

    def _dtype_of(self, name: str, dtype: str) -> str:
        """Return the type of the array for an output."""
        if dtype in _DTYPES:
            return dtype
        if self._convert:
            return "float32"
        raise BindingError(
            f"output '{name}' is {dtype}: open the model with convert=True to get float32"
        )

    def _allocate(self, method: str, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Return arrays for the outputs, extents from the inputs that share a symbol."""
        contract = self.contract
        if contract is None:
            raise BindingError(
                f"'{self._path}' has no contract that tells the shapes of its outputs:"
                " bind arrays and call run()"
            )
        variables = contract["variables"]
        symbols: dict[str, int] = {}
        for name, array in inputs.items():
            shape = _variable(variables, name)["shape"]
            for extent, found in zip(shape, np.shape(array), strict=False):
                symbols.setdefault(str(extent), found)
        arrays = {}
        for name in self.names(method)[1]:
            variable = _variable(variables, name)
            shape = [e if isinstance(e, int) else symbols.get(e) for e in variable["shape"]]
            if None in shape:
                raise BindingError(
                    f"output '{name}' has shape {variable['shape']}, which the inputs do"
                    " not tell: bind an array and call run()"
                )
            arrays[name] = np.zeros(shape, self._dtype_of(name, variable["dtype"]))
        return arrays


def check(status: int) -> None:
    """Raise the exception of a status; every call of the library passes here.

    Raises
    ------
    IsthmusError
        One of its kinds, with the library's text, unless the status is success.
    """
    if status != lib.ISTHMUS_OK:
        kind = _EXCEPTIONS.get(status, IsthmusError)
        raise kind(_text(lib.isthmus_error_message()))


def check_torch() -> None:
    """Refuse to work beside another libtorch: two versions in a process corrupt each other.

    Raises
    ------
    ImportError
        If the process has imported another version of torch.
    """
    torch = sys.modules.get("torch")
    found = str(getattr(torch, "__version__", torch_version())).partition("+")[0]
    if found != torch_version():
        raise ImportError(
            f"torch {found} is imported, but libisthmus was built with torch"
            f" {torch_version()}: build isthmus again in this environment"
        )


def _described(name: str, array: Array) -> tuple[Any, Any]:
    """Return an `isthmus_array *` and what must outlive it."""
    if not isinstance(array, np.ndarray):
        raise BindingError(f"'{name}' is a {type(array).__name__}, expected a NumPy array")
    if array.dtype.name not in _DTYPES or not array.dtype.isnative:
        raise BindingError(
            f"'{name}' is {array.dtype.name or array.dtype}{array.dtype.byteorder:.1}"
            f", expected one of {', '.join(_DTYPES)} in the byte order of the machine"
        )
    shape = ffi.new("int64_t[]", array.shape)
    strides = ffi.new("int64_t[]", array.strides)
    described = ffi.new("isthmus_array *")
    described.data = ffi.cast("void *", array.ctypes.data)
    described.dtype = _DTYPES[array.dtype.name]
    described.rank = array.ndim
    described.shape = shape
    described.strides = strides
    return described, (shape, strides)


def _variable(variables: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    base = name.removesuffix("_tl").removesuffix("_ad")
    found: Mapping[str, Any] = variables[name] if name in variables else variables[base]
    return found


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(f"'{name}'" for name in names)


def _path_bytes(path: os.PathLike[str] | str) -> bytes:
    encoded = os.fsencode(path)
    if b"\0" in encoded:
        raise ModelFileError(f"{path!r} is no path: it holds a null character")
    return encoded


def _bytes(text: str) -> bytes:
    if "\0" in text:
        raise BindingError(f"{text!r} is no name: it holds a null character")
    return text.encode()


def _text(pointer: Any) -> str:  # noqa: ANN401 (a cffi pointer)
    text: bytes = ffi.string(pointer)
    return text.decode(errors="replace")


check_torch()
