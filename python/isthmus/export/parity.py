# SPDX-License-Identifier: MIT
"""Reopen a model file through the bridge and compare it with PyTorch, derivatives included.

This is what Fortran will get: the same library reads the same file.
"""

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from ..contract import Contract, Method, read_contract
from ..errors import ExportError, IsthmusError
from .derivatives import Linearisation, Tensors
from .reasons import first_line
from .signature import Extents, Signature, torch_dtype

ROUNDING: Final = 256
"""Default tolerance in units of the dtype's epsilon, relative to the largest value: sums
over some hundred products, in another order. A wrong graph is wrong by far more."""

HALF_ROUNDING: Final = 8
"""The same of half precision, whose products are summed in float32."""

SIZES: Final = (1, 2, 5, 16, 33)
FEWEST_SIZES: Final = 3

Arrays = Mapping[str, np.ndarray[Any, Any]]


@dataclass(frozen=True)
class Difference:
    """The largest difference between the bridge and PyTorch in one output of a method."""

    method: str
    variable: str
    absolute: float
    relative: float
    """Relative to the largest expected value over all sizes."""
    tolerance: float
    """What `relative` may be at most."""


@dataclass(frozen=True)
class Parity:
    """The outcome of a comparison that passed."""

    differences: tuple[Difference, ...]
    dot_product: float | None
    """Largest relative defect of `<y_ad, F x_tl> = <F^T y_ad, x_tl>` in the bridge."""
    extents: tuple[Extents, ...]
    """The sizes compared."""


class _Worst:
    """Running maxima of error and scale for each output of each method."""

    def __init__(self, allowed: float) -> None:
        self.allowed = allowed
        self.error: dict[tuple[str, str], float] = {}
        self.scale: dict[tuple[str, str], float] = {}
        self.exact: set[tuple[str, str]] = set()

    def add(
        self, key: tuple[str, str], found: np.ndarray[Any, Any], expected: Tensor
    ) -> None:
        reference = as_array(expected.detach())
        if found.shape != reference.shape or found.dtype != reference.dtype:
            raise ExportError(
                f"{key[0]}: the bridge returns '{key[1]}' as {found.dtype}"
                f" {list(found.shape)}, PyTorch {reference.dtype} {list(reference.shape)}"
            )
        if not expected.is_floating_point():
            self.exact.add(key)
        one, other = found.astype(np.float64), reference.astype(np.float64)
        # NaN compares false with everything: count it as infinitely wrong, below.
        error = np.max(np.abs(one - other), initial=0.0)
        self.error[key] = float(np.maximum(self.error.get(key, 0.0), error))
        self.scale[key] = max(
            self.scale.get(key, 0.0), float(np.max(np.abs(other), initial=0))
        )

    def differences(self, tolerance: float | None) -> tuple[Difference, ...]:
        return tuple(self._difference(key, tolerance) for key in self.error)

    def _difference(self, key: tuple[str, str], tolerance: float | None) -> Difference:
        error, scale = self.error[key], self.scale[key]
        allowed = self.allowed if tolerance is None else tolerance
        allowed = 0.0 if key in self.exact else allowed
        relative = error / scale if scale > 0.0 else (0.0 if error == 0.0 else np.inf)
        difference = Difference(*key, error, float(relative), allowed)
        if not relative <= allowed:
            raise ExportError(
                f"{key[0]}: '{key[1]}' differs from PyTorch by {error:.3g}, which is"
                f" {relative:.3g} of its largest value; the tolerance is {allowed:.3g}"
            )
        return difference


def check_parity(
    path: Path,
    linear: Linearisation,
    signature: Signature,
    *,
    seed: int,
    tolerance: float | None,
    own: Mapping[str, tuple[nn.Module, Signature]] | None = None,
    also: Mapping[str, Sequence[int]] | None = None,
    advanced: Callable[[], None] = lambda: None,
) -> Parity:
    """Compare every method of the file with PyTorch on several sizes.

    `own` holds the module's own methods, as modules; `also` more extents of a symbol, such
    as those that have a compiled model of their own.

    Raises
    ------
    ExportError
        If they differ, or if something cannot be compared.
    """
    model, contract = _open(path), read_contract(path)
    methods = contract.methods
    worst, defects = _Worst(rounding_of(linear.module, signature)), [0.0]
    generator = torch.Generator().manual_seed(seed)
    runs = []
    for extents in sizes_to_check(signature, also or {}):
        x = signature.sample(extents, generator)
        if not _is_in_domain(model, contract, linear, x, extents):
            continue
        runs.append(extents)
        x_tl = signature.tangents(extents, generator)
        y_ad = signature.cotangents(extents, generator)
        seeds = {"forward": (), "jvp": x_tl, "vjp": y_ad}
        found = {
            name: _compare(model, name, method, linear, (*x, *seeds[name]), worst)
            for name, method in methods.items()
            if name in seeds
        }
        for name, (module, of_method) in (own or {}).items():
            arguments = of_method.sample(_also(extents, of_method), generator)
            alone = of_method.linearised(module)
            _compare(model, name, methods[name], alone, arguments, worst)
        if "vjp" in found:
            defects.append(_dot_product_defect(found, methods, linear, x_tl, y_ad))
        advanced()
    if len(runs) < FEWEST_SIZES:
        raise ExportError(
            f"forward works for {len(runs)} of the sizes {SIZES}: too few to check"
        )
    differences = worst.differences(tolerance)
    dot_product = max(defects) if "vjp" in methods else None
    _check_dot_product(dot_product, differences)
    return Parity(differences, dot_product, tuple(runs))


def rounding_of(module: nn.Module, signature: Signature) -> float:
    """Return the error allowed to the coarsest floating-point type that takes part.

    A float32 network may sit behind float64 inputs and outputs.
    """
    dtypes = {t.dtype for t in (*module.parameters(), *module.buffers())}
    dtypes |= {
        torch_dtype(v) for v in (*signature.inputs.values(), *signature.outputs.values())
    }
    return max((allowed_error(d) for d in dtypes if d.is_floating_point), default=0.0)


def allowed_error(dtype: torch.dtype) -> float:
    """Return the error, relative to the largest value, that rounding may explain."""
    n_units = HALF_ROUNDING if dtype.itemsize == 2 else ROUNDING
    return n_units * torch.finfo(dtype).eps


def as_array(tensor: Tensor) -> np.ndarray[Any, Any]:
    """Return a tensor as what the bridge can bind: half precision as float32, exactly."""
    array: np.ndarray[Any, Any] = (
        tensor.float() if tensor.is_floating_point() and tensor.itemsize == 2 else tensor
    ).numpy()
    return array


def sizes_to_check(
    signature: Signature, also: Mapping[str, Sequence[int]]
) -> tuple[Extents, ...]:
    """Return several values for each symbol, 1 included, unlike each other if above 1."""
    usual = tuple(
        {s: size if size == 1 else size + i for i, s in enumerate(signature.symbols)}
        for size in SIZES
    )
    more = ({**usual[1], s: n} for s, extents in also.items() for n in extents)
    return (*usual, *more)


def reference(linear: Linearisation, method: str, arguments: Tensors) -> Tensors:
    """Evaluate a method with PyTorch alone."""
    if method == "vjp":
        return linear.vjp(*arguments)
    if method != "jvp":
        return linear.forward(*arguments)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of torch about itself
            return linear.jvp(*arguments)
    except Exception:  # an operation without a forward-mode formula
        return linear.jvp_by_autograd(*arguments)


def run_self_test(path: Path | str) -> float:
    """Evaluate the test stored in a model file through the bridge; return its error.

    The error is relative to the largest expected value of each output.

    Raises
    ------
    ContractError
        If the file has no contract, or a damaged one.
    ExportError
        If there is no test, or the error exceeds the tolerance stored with it.
    """
    contract = read_contract(path)
    test = contract.self_test
    if test is None:
        raise ExportError(f"'{path}' holds no self-test")
    x = {n: np.array(v, contract.variables[n].host_dtype) for n, v in test.inputs.items()}
    found = _open(Path(path))(**x)
    worst = 0.0
    for name, values in test.outputs.items():
        expected = np.array(values, np.float64)
        error = np.max(np.abs(found[name].astype(np.float64) - expected), initial=0.0)
        scale = float(np.max(np.abs(expected), initial=0.0)) or 1.0
        worst = float(np.maximum(worst, error / scale))
    if not worst <= test.tolerance:
        raise ExportError(
            f"'{path}' fails its self-test: error {worst:.3g}, allowed {test.tolerance:.3g}"
        )
    return worst


# Helpers


def _open(path: Path) -> Any:  # noqa: ANN401 (isthmus.bridge.Model, imported late)
    try:
        from ..bridge import Model
    except ImportError as error:
        raise ExportError(
            f"the file cannot be checked: the bridge is not built ({first_line(error)})"
        ) from error
    try:
        return Model(path, convert=True)
    except IsthmusError as error:
        raise ExportError(f"the bridge refuses the file: {error}") from error


def _is_in_domain(
    model: Any,  # noqa: ANN401 (isthmus.bridge.Model)
    contract: Contract,
    linear: Linearisation,
    x: Tensors,
    extents: Extents,
) -> bool:
    """Whether PyTorch evaluates this size; where it refuses, the bridge must refuse too."""
    try:
        linear.forward(*x)
        return True
    except Exception as error:
        if contract.engine == "inductor":  # compiled code checks no extents
            raise ExportError(
                f"forward fails for {dict(extents)}: {first_line(error)}. A compiled"
                " network must work from extent 1 on: fix that extent, or write .pt"
            ) from error
    try:
        names = contract.methods["forward"].inputs
        model(**{n: as_array(t) for n, t in zip(names, x, strict=True)})
    except IsthmusError:
        return False
    raise ExportError(
        f"forward fails for {dict(extents)} in PyTorch, but not in the bridge"
    )


def _also(extents: Extents, of_method: Signature) -> Extents:
    """Return these extents, and some for symbols that only a method has."""
    more = {s: 3 + i for i, s in enumerate(of_method.symbols)}
    return {**more, **extents}


def _compare(
    model: Any,  # noqa: ANN401 (isthmus.bridge.Model)
    name: str,
    method: Method,
    linear: Linearisation,
    arguments: Tensors,
    worst: _Worst,
) -> Arrays:
    """Run one method both ways, note the differences, return what the bridge gave."""
    arrays = {n: as_array(t) for n, t in zip(method.inputs, arguments, strict=True)}
    try:
        found: Arrays = model.evaluate(name, arrays)
    except IsthmusError as error:
        shapes = ", ".join(f"{n} {list(a.shape)}" for n, a in arrays.items())
        raise ExportError(
            f"{name} fails through the bridge for {shapes}: {error}"
        ) from error
    try:
        expected = reference(linear, name, arguments)
    except Exception as error:
        raise ExportError(
            f"{name} fails in PyTorch, nothing to compare with: {first_line(error)}; with"
            " derivatives=False the file has none"
        ) from error
    for output, tensor in zip(method.outputs, expected, strict=True):
        worst.add((name, output), found[output], tensor)
    return found


def _dot_product_defect(
    found: Mapping[str, Arrays],
    methods: Mapping[str, Method],
    linear: Linearisation,
    x_tl: Sequence[Tensor],
    y_ad: Sequence[Tensor],
) -> float:
    """Return the defect of the adjoint identity, relative to the sizes of its terms."""
    n_outputs = len(methods["forward"].outputs)
    y_tl = [found["jvp"][name] for name in methods["jvp"].outputs[n_outputs:]]
    x_ad = [found["vjp"][name] for name in methods["vjp"].outputs]
    left = [_products(as_array(a), b) for a, b in zip(y_ad, y_tl, strict=True)]
    right = [_products(a, as_array(b)) for a, b in zip(x_ad, x_tl, strict=True)]
    size = sum(np.abs(p).sum() for p in (*left, *right))
    defect = abs(sum(p.sum() for p in left) - sum(p.sum() for p in right))
    return float(defect / size) if size > 0.0 else 0.0


def _products(a: np.ndarray[Any, Any], b: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    products: np.ndarray[Any, Any] = a.astype(np.float64) * b.astype(np.float64)
    return products


def _check_dot_product(defect: float | None, differences: Sequence[Difference]) -> None:
    allowed = max((d.tolerance for d in differences), default=0.0)
    if defect is not None and not defect <= allowed:
        raise ExportError(
            f"jvp and vjp are not adjoint: defect {defect:.3g}, tolerance {allowed:.3g}"
        )
