# SPDX-License-Identifier: MIT
"""What stands in a time loop: networks with guard, fallback, modes, memory and restart.

The same library, files and bits as in Fortran: a step that fails changes nothing, a flagged
sample takes the physics' values bit for bit. A *sample* is one index of the dimension that
the contract calls `separable`.
"""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np

from isthmus._bridge import ffi, lib

from .bridge import (
    _DTYPES,
    Array,
    _bytes,
    _described,
    _path_bytes,
    _text,
    check,
    check_torch,
)
from .errors import BindingError

Path = os.PathLike[str] | str
Mode = Literal["physics", "emulator", "shadow", "blend"]
Policy = Literal["fallback", "count", "fail"]
Answer = Literal["mean", "member"]

_MODES: Final = ("physics", "emulator", "shadow", "blend")
_POLICIES: Final = ("fallback", "count", "fail")
_ANSWERS: Final = ("mean", "member")
_NAMES: Final[Mapping[int, str]] = {code: name for name, code in _DTYPES.items()}
_MAX_RANK: Final = 15

REASONS: Final[Mapping[str, int]] = {
    "input_range": lib.ISTHMUS_REASON_INPUT_RANGE,
    "input_not_finite": lib.ISTHMUS_REASON_INPUT_NOT_FINITE,
    "input_distance": lib.ISTHMUS_REASON_INPUT_DISTANCE,
    "output_range": lib.ISTHMUS_REASON_OUTPUT_RANGE,
    "output_not_finite": lib.ISTHMUS_REASON_OUTPUT_NOT_FINITE,
    "spread": lib.ISTHMUS_REASON_SPREAD,
    "not_ready": lib.ISTHMUS_REASON_NOT_READY,
}
"""Bits of the array given to `bind_flags`."""


@dataclass(frozen=True)
class Difference:
    """Network minus physics over all steps in mode `"shadow"`."""

    n: int
    """Number of values, flagged samples not among them."""
    mean: float
    rms: float
    largest: float


class Emulator:
    """One network, or several of equal contracts, in a time loop. Use one per thread.

    Parameters
    ----------
    paths
        A model file, or those of an ensemble.
    device
        `"cpu"`, `"cuda"`, `"cuda:1"`, ...

    Raises
    ------
    ModelFileError
        If a file is absent, unreadable or of another format.
    ContractError
        If a file breaks its own contract, or members have different ones.
    """

    def __init__(self, paths: Path | Sequence[Path], device: str = "cpu") -> None:
        check_torch()
        handle = ffi.new("isthmus_emulator **")
        addresses, keep = _paths(paths)
        check(
            lib.isthmus_emulator_load(addresses, len(keep), _bytes(device), handle),
        )
        self._emulator = ffi.gc(handle[0], lib.isthmus_emulator_free)
        self._bound: dict[tuple[str, str], Array] = {}  # keeps their memory alive

    # Arrays

    def bind_input(self, name: str, array: Array) -> None:
        """Let the networks read an input from an array at each step."""
        self._bind("input", name, array)

    def bind_output(self, name: str, array: Array) -> None:
        """Say where an output goes at the end of each step."""
        self._bind("output", name, _writeable(name, array))

    def bind_fallback(self, output: str, physics: Array) -> None:
        """Say where the physics' values of an output are, before `run` or `wait`."""
        self._bind("fallback", output, physics)

    def bind_spread(self, output: str, spread: Array) -> None:
        """Say where the ensemble's standard deviation of an output goes."""
        self._bind("spread", output, _writeable(output, spread))

    def bind_flags(self, flags: Array) -> None:
        """Say where the reason bits of each sample go, int32 `[sample]`; see `REASONS`."""
        described, keep = _described("flags", _writeable("flags", flags))
        check(lib.isthmus_emulator_bind_flags(self._emulator, described))
        del keep
        self._bound["flags", ""] = flags

    def bind_alpha(self, alpha: Array) -> None:
        """Say where the weight of the network in each sample is, float64 `[sample]`."""
        described, keep = _described("alpha", alpha)
        check(lib.isthmus_emulator_bind_alpha(self._emulator, described))
        del keep
        self._bound["alpha", ""] = alpha

    # Steps

    def run(self) -> None:
        """Evaluate the networks on the inputs, fill the outputs.

        Raises
        ------
        BindingError
            If something is not bound, or shapes do not fit together.
        InferenceError
            If the engine fails, or samples are flagged and nothing stands in for them.
        """
        check(lib.isthmus_emulator_run(self._emulator))

    def submit(self) -> None:
        """Begin a step on a thread of the emulator's own; the inputs are copied first."""
        check(lib.isthmus_emulator_submit(self._emulator))

    def wait(self) -> None:
        """End the step that `submit` began; what failed is raised here."""
        check(lib.isthmus_emulator_wait(self._emulator))

    # Settings

    def set_mode(self, mode: Mode) -> None:
        """Say whose values the outputs get, from the next step on."""
        check(lib.isthmus_emulator_set_mode(self._emulator, _code("mode", mode, _MODES)))

    def set_blend(self, alpha: float, *, ramp_start: int = 0, ramp_steps: int = 0) -> None:
        """Set the weight of the network: `alpha` after a linear ramp from 0."""
        check(lib.isthmus_emulator_set_blend(self._emulator, alpha, ramp_start, ramp_steps))

    def set_policy(self, policy: Policy) -> None:
        """Say what happens to flagged samples."""
        code = _code("policy", policy, _POLICIES)
        check(lib.isthmus_emulator_set_policy(self._emulator, code))

    def set_record(self, path: Path | None) -> None:
        """Append the differences of mode `"shadow"` to a CSV file; `None` closes it."""
        encoded = b"" if path is None else _path_bytes(path)
        check(lib.isthmus_emulator_set_record(self._emulator, encoded))

    def set_guard(self, guard: Mapping[str, Any] | None) -> None:
        """Replace the contract's guard; `None` leaves the check for NaN and infinity."""
        text = "" if guard is None else json.dumps(guard)
        check(lib.isthmus_emulator_set_guard(self._emulator, _bytes(text)))

    def set_limits(self, name: str, low: float = -np.inf, high: float = np.inf) -> None:
        """Set limits of an input or output, for all its elements."""
        check(lib.isthmus_emulator_set_limits(self._emulator, _bytes(name), low, high))

    def set_spread_limit(self, output: str, limit: float) -> None:
        """Flag samples where the ensemble's standard deviation is above a limit."""
        check(lib.isthmus_emulator_set_spread_limit(self._emulator, _bytes(output), limit))

    def set_answer(self, answer: Answer) -> None:
        """Say what an ensemble answers: its mean, or one member drawn at each step."""
        code = _code("answer", answer, _ANSWERS)
        check(lib.isthmus_emulator_set_answer(self._emulator, code))

    def set_seed(self, seed: int) -> None:
        """Seed the member drawn and random numbers in the networks; negative for none."""
        check(lib.isthmus_emulator_set_seed(self._emulator, seed))

    def set_lag(self, n_steps: int) -> None:
        """Deliver what was evaluated some steps before; set before the first step."""
        check(lib.isthmus_emulator_set_lag(self._emulator, n_steps))

    def share_inputs(self, is_promised: bool) -> None:
        """Promise not to change inputs while they are evaluated: they are not copied."""
        check(lib.isthmus_emulator_share_inputs(self._emulator, int(is_promised)))

    def set_threads(self, n_threads: int) -> None:
        """Set the OpenMP threads of the networks on the emulator's thread."""
        check(lib.isthmus_emulator_set_threads(self._emulator, n_threads))

    def swap_at(
        self, step: int, paths: Path | Sequence[Path], *, in_background: bool = False
    ) -> None:
        """Use other weights from a step on.

        Raises
        ------
        ContractError
            If their contract differs in more than weights, guard and version.
        """
        addresses, keep = _paths(paths)
        check(
            lib.isthmus_emulator_swap_at(
                self._emulator, step, addresses, len(keep), int(in_background)
            )
        )

    # What it is and what it did

    @property
    def step(self) -> int:
        """Number of the next step, from 0."""
        out = ffi.new("int64_t *")
        check(lib.isthmus_emulator_step(self._emulator, out))
        return int(out[0])

    @property
    def n_flagged(self) -> int:
        """Number of samples that the last step flagged."""
        out = ffi.new("int64_t *")
        check(lib.isthmus_emulator_n_flagged(self._emulator, out))
        return int(out[0])

    @property
    def versions(self) -> tuple[str, ...]:
        """Versions of the weights, `""` where a contract says none."""
        return tuple(self.report()["versions"])

    def report(self) -> dict[str, Any]:
        """Return steps, samples, flags by reason and by variable, and differences."""
        report: dict[str, Any] = json.loads(self._report("json"))
        return report

    def __str__(self) -> str:
        """Return the report as a person reads it."""
        return self._report("text")

    def difference(self, output: str) -> Difference:
        """Return the differences of an output over all steps in mode `"shadow"`."""
        n, stats = ffi.new("int64_t *"), ffi.new("double[3]")
        check(lib.isthmus_emulator_difference(self._emulator, _bytes(output), n, stats))
        return Difference(int(n[0]), *(float(value) for value in stats))

    # Restart

    def state(self) -> dict[str, Array]:
        """Return all that a restart must keep, as arrays by name.

        Bind the arrays first: they tell the sizes.
        """
        count = ffi.new("int32_t *")
        check(lib.isthmus_emulator_state_count(self._emulator, count))
        arrays = {}
        for index in range(count[0]):
            name, array = self._state_array(index)
            described, keep = _described(name, array)
            check(lib.isthmus_emulator_get_state(self._emulator, _bytes(name), described))
            del keep
            arrays[name] = array
        return arrays

    def restore(self, state: Mapping[str, Array]) -> None:
        """Take arrays of a state; those not given stay as they are.

        Raises
        ------
        BindingError
            If a name is unknown, or an array not of the type and shape it must have.
        """
        for name, array in state.items():
            described, keep = _described(name, array)
            check(lib.isthmus_emulator_put_state(self._emulator, _bytes(name), described))
            del keep

    # Helpers

    def _bind(self, role: str, name: str, array: Array) -> None:
        described, keep = _described(name, array)
        function = getattr(lib, f"isthmus_emulator_bind_{role}")
        check(function(self._emulator, _bytes(name), described))
        del keep
        self._bound[role, name] = array

    def _report(self, form: str) -> str:
        out = ffi.new("char **")
        pointer = ffi.cast("const char **", out)
        check(lib.isthmus_emulator_report(self._emulator, _bytes(form), pointer))
        return _text(out[0])

    def _state_array(self, index: int) -> tuple[str, Array]:
        """Return the name of a state array, and room for it."""
        name, dtype = ffi.new("char **"), ffi.new("isthmus_dtype *")
        rank, shape = ffi.new("int32_t *"), ffi.new("int64_t[]", _MAX_RANK)
        pointer = ffi.cast("const char **", name)
        check(
            lib.isthmus_emulator_state_array(
                self._emulator, index, pointer, dtype, rank, shape
            )
        )
        extents = [int(extent) for extent in shape[0 : rank[0]]]
        return _text(name[0]), np.zeros(extents, _NAMES[int(dtype[0])])


def _paths(paths: Path | Sequence[Path]) -> tuple[Any, list[Any]]:
    """Return C strings, and what must outlive them."""
    listed = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    keep = [ffi.new("char[]", _path_bytes(path)) for path in listed]
    return ffi.new("const char *[]", keep), keep


def _code(what: str, word: str, words: Sequence[str]) -> int:
    if word not in words:
        raise BindingError(f"no {what} '{word}': expected {', '.join(words)}")
    return words.index(word)


def _writeable(name: str, array: Array) -> Array:
    if isinstance(array, np.ndarray) and not array.flags.writeable:
        raise BindingError(f"'{name}' is read-only, an output needs memory to write to")
    return array
