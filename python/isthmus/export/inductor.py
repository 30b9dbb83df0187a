# SPDX-License-Identifier: MIT
"""Compile a module and its derivatives into one AOTInductor package.

The package holds a shared library per method. Nothing in it needs Python at run time, but
it is bound to an instruction set, which the contract records.
"""

import atexit
import functools
import inspect
import io
import json
import os
import platform
import shutil
import tempfile
import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, Literal

import torch
from torch import nn
from torch.export import Dim, ExportedProgram
from torch.fx.experimental.proxy_tensor import make_fx

from ..contract import Variable
from ..errors import ExportError
from .derivatives import Linearisation, Tensors
from .reasons import reason_of

Isa = Literal["native", "portable"]
DynamicShapes = tuple[dict[int, Any], ...]

MAX_EXTENT: Final = 1 << 30
_MARCH: Final = {"AVX512": "x86-64-v4", "AVX2": "x86-64-v3"}


def compile_methods(
    linear: Linearisation,
    samples: Mapping[str, Tensors],
    variables: Mapping[str, tuple[Variable, ...]],
    *,
    isa: Isa,
    threads: int,
    started: Callable[[str], None],
    exported: Callable[[str, ExportedProgram], None] | None = None,
    own: Mapping[str, nn.Module] | None = None,
) -> dict[str, list[Any]]:
    """Compile each method in `samples`; return the files of each.

    `samples` and `variables` hold the arguments of a method and what they are; `started`
    is called with the name of each method before its compilation, `exported` with the
    program of each; `own` holds the module's own methods. All methods are exported before
    the first is compiled: what fails, fails soon.
    """
    symbols = {
        e for vs in variables.values() for v in vs for e in v.shape if type(e) is str
    }
    # One Dim object per symbol: equal symbols are equal extents in all arguments.
    dims = {symbol: Dim(symbol, min=1, max=MAX_EXTENT) for symbol in sorted(symbols)}
    programs = {}
    for method, sample in samples.items():
        shapes = tuple(
            {axis: dims[e] for axis, e in enumerate(variable.shape) if isinstance(e, str)}
            for variable in variables[method]
        )
        module = (own or {}).get(method)
        programs[method] = _export(linear, method, sample, shapes, module)
    options = compiler_options(isa, threads)
    files = {}
    for method, program in programs.items():
        started(method)
        if exported is not None:
            exported(method, program)
        files[method] = compile_program(program, method, samples[method], options)
    return files


def compile_variant(
    linear: Linearisation,
    sample: Tensors,
    variables: tuple[Variable, ...],
    *,
    symbol: str,
    isa: Isa,
    threads: int,
) -> list[Any]:
    """Compile `forward` with one symbol fixed at its extent in the sample, and tune it.

    Tuning is between the library's matrix products and C++ kernels made for the shape.
    """
    others = {e for v in variables for e in v.shape if isinstance(e, str) and e != symbol}
    dims = {other: Dim(other, min=1, max=MAX_EXTENT) for other in sorted(others)}
    shapes = tuple(
        {
            axis: dims[e]
            for axis, e in enumerate(v.shape)
            if isinstance(e, str) and e in dims
        }
        for v in variables
    )
    options = compiler_options(isa, threads) | {
        "max_autotune": True,
        "max_autotune_gemm_backends": "CPP,ATEN",
        "freezing": True,
    }
    program = _export(linear, "forward", sample, shapes)
    return compile_program(program, "forward", sample, options)


def write_package(path: Path, files: Mapping[str, list[Any]]) -> str:
    """Write the package and return the instruction set it needs."""
    from torch._inductor.package.package import package_aoti

    # Into memory first: torch's own file writer ends the process if the disk is full.
    memory = io.BytesIO()
    package_aoti(memory, dict(files))
    path.write_bytes(memory.getbuffer())
    return _isa_of(path)


def compiler_options(isa: Isa, threads: int) -> dict[str, Any]:
    """Return the settings of AOTInductor.

    `native` is the highest x86-64 level of this machine, `portable` the third (AVX2).
    `-march=native` is avoided: it may use more than any recorded instruction set says.

    Raises
    ------
    ExportError
        If this machine could not run what `isa` asks for.
    """
    options: dict[str, Any] = {
        "aot_inductor.package": True,
        # Constants in assembly make the library ask for an executable stack, which
        # glibc 2.41 and later refuse to load.
        "aot_inductor.use_consts_asm_build": False,
        # Line tables hold paths of the machine that compiled.
        "aot_inductor.enable_line_tables": False,
        # torch names precompiled headers by a sum that it asks openssl for.
        "aot_inductor.precompile_headers": shutil.which("openssl") is not None,
        "cpp.threads": threads,
        # One method has one kernel file: a pool of workers has nothing to share.
        "compile_threads": 1,
    }
    if threads > 1:
        # The compiler judges the work by the few members it traces with: do as asked.
        options["cpp.min_chunk_size"] = 1
    found = _vector_isa()
    if isa == "portable":
        if found not in _MARCH:
            raise ExportError("isa 'portable' is AVX2, which this machine cannot check")
        options["cpp.simdlen"] = 256
        found = "AVX2"
    if platform.machine() in ("x86_64", "AMD64"):
        options["cpp.march"] = _MARCH.get(found, "x86-64")
    return options


@contextmanager
def compile_cache() -> Iterator[None]:
    """Keep what the compiler writes in a temporary folder, unless the user named one.

    The user names it in `TORCHINDUCTOR_CACHE_DIR`; torch also sets that variable itself, to
    its default.
    """
    from torch._inductor.runtime.cache_dir_utils import default_cache_dir
    from torch._inductor.utils import clear_caches

    named = os.environ.get("TORCHINDUCTOR_CACHE_DIR", default_cache_dir())
    _place_headers(named if named != default_cache_dir() else None)
    with warnings.catch_warnings():
        for category in (FutureWarning, DeprecationWarning):  # of torch about itself
            warnings.simplefilter("ignore", category)
        if named != default_cache_dir():
            yield
            return
        # torch's own fresh_cache keeps the folder after an error.
        with tempfile.TemporaryDirectory(prefix="isthmus-compile-") as folder:
            os.environ["TORCHINDUCTOR_CACHE_DIR"] = folder
            clear_caches()
            try:
                yield
            finally:
                os.environ["TORCHINDUCTOR_CACHE_DIR"] = named
                clear_caches()


def _place_headers(cache: str | None) -> None:
    """Keep the precompiled headers (100 MB) in a named cache, else until the process ends.

    torch keeps them for good beside its default cache, whatever cache is named.
    """
    from torch._inductor import codecache

    place = _headers_until_exit() if cache is None else Path(cache) / "precompiled_headers"
    vars(codecache).update(_HEADER_DIR=str(place), _HEADER_LOCK_DIR=str(place / "locks"))


@functools.cache
def _headers_until_exit() -> Path:
    folder = tempfile.TemporaryDirectory(prefix="isthmus-headers-")
    atexit.register(folder.cleanup)
    return Path(folder.name)


def _vector_isa() -> str:
    """Return the vector instructions torch would use, as `_MARCH` calls them."""
    from torch._inductor.cpu_vec_isa import pick_vec_isa

    return str(pick_vec_isa()).upper().partition(" ")[0]


def _export(
    linear: Linearisation,
    method: str,
    sample: Tensors,
    shapes: DynamicShapes,
    own: nn.Module | None = None,
) -> ExportedProgram:
    traced = {"vjp": linear.vjp_by_autograd, "jvp": linear.jvp_by_autograd}
    try:
        if own is not None:
            return _export_traced(own, sample, shapes)
        if method == "forward":
            counted = _by_argument(linear.module, shapes)
            return torch.export.export(linear.module, sample, dynamic_shapes=counted)
        return _export_traced(traced[method], sample, shapes)
    except Exception as error:
        if method == "jvp":
            # An operation without second derivative: forward mode may know its formula.
            with suppress(Exception):
                return _export_traced(linear.jvp, sample, shapes)
        raise ExportError(f"'{method}' cannot be exported: {reason_of(error)}") from error


def _by_argument(module: nn.Module, shapes: DynamicShapes) -> tuple[Any, ...]:
    """Return the shapes as torch.export counts arguments: all that `*x` takes is one."""
    parameters = list(inspect.signature(module.forward).parameters.values())
    for i, parameter in enumerate(parameters):
        if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
            return (*shapes[:i], shapes[i:])
    return shapes


def _export_traced(
    function: Callable[..., Tensors], sample: Tensors, shapes: DynamicShapes
) -> ExportedProgram:
    """Export a function that is more than a forward: flatten it first."""
    graph = make_fx(function, tracing_mode="symbolic", _allow_non_fake_inputs=True)(*sample)
    return torch.export.export(graph, sample, dynamic_shapes=shapes)


def compile_program(
    program: ExportedProgram, method: str, sample: Tensors, options: Mapping[str, Any]
) -> list[Any]:
    """Compile one exported program; return its files."""
    try:
        files: Any = torch._inductor.aot_compile(
            program.module(), sample, options=dict(options)
        )
    except Exception as error:
        raise ExportError(f"'{method}' cannot be compiled: {reason_of(error)}") from error
    return list(files)


def _isa_of(path: Path) -> str:
    """Read the instruction set from the package's own metadata."""
    with zipfile.ZipFile(path) as archive:
        names = [n for n in archive.namelist() if n.endswith("wrapper_metadata.json")]
        found = {json.loads(archive.read(name)).get("AOTI_CPU_ISA") for name in names}
    if len(found) != 1 or None in found:
        raise ExportError(f"the package states the instruction sets {found}, expected one")
    isa = str(found.pop()).lower()
    return "baseline" if isa in ("", "invalid_vec_isa") else isa
