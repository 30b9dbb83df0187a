# SPDX-License-Identifier: MIT
"""Find the fastest way to evaluate a network on this machine, and keep the choice."""

import hashlib
import json
import math
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np

from ..bridge import Model, set_allocator, set_threads, torch_version
from ..contract import HALF_DTYPES
from ..errors import BindingError, ContractError, InferenceError

Key = TypeVar("Key")

DEFAULT_EXTENTS: Final = (1, 8, 64, 512, 4096, 32768)
CHUNKS: Final = (256, 1024, 4096)
ALLOCATORS: Final = ("default", "caching")
SECONDS_PER_MEASUREMENT: Final = 0.2
_ROUNDS: Final = 7
_GAIN: Final = 0.95
"""What replaces the default must be faster by more than two measurements differ."""


@dataclass(frozen=True)
class Way:
    """One way to evaluate `forward`."""

    allocator: str = "default"
    chunk: int = 0
    """Samples evaluated at a time; 0: all."""


@dataclass(frozen=True)
class Measurement:
    """Microseconds per call at one extent of the batch, medians."""

    extent: int
    engine: float
    """As it is: all samples at once, torch's own memory, one thread."""
    loops: float | None
    """`None` if the network is no chain of layers."""
    ways: dict[str, float]
    """By allocator and chunk, such as `caching 1024`."""
    threads: dict[str, float]
    """Of the chosen way by number of threads, on the wall clock."""


@dataclass(frozen=True)
class Tuning:
    """What was measured and chosen."""

    path: Path
    measurements: tuple[Measurement, ...]
    loops: int
    """Largest number of samples that own loops evaluate; 0: none."""
    reason: str
    """Why own loops cannot be used, if they cannot."""
    way: Way

    def write(self) -> Path:
        """Store the choice beside the model file, where a load finds it."""
        return write_choice(
            self.path,
            "isthmus-tune",
            {"model_sha256": sum_of(self.path)},
            choice={"loops": self.loops, **asdict(self.way)},
            measurements=[asdict(m) for m in self.measurements],
        )


def write_choice(
    path: Path, kind: str, sums: dict[str, str], *, choice: object, measurements: object
) -> Path:
    """Write `path`.tune.json for this machine, all or nothing; return where it is."""
    target = path.with_name(path.name + ".tune.json")
    document = {
        "format": kind,
        "format_version": 1,
        **sums,
        "cpu": processor_name(),
        "torch": torch_version(),
        "choice": choice,
        "measurements": measurements,
    }
    draft = target.with_name(target.name + ".part")
    draft.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    draft.replace(target)
    return target


def sum_of(path: Path) -> str:
    """Return the SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def tune_file(
    path: Path | str,
    extents: Sequence[int] = DEFAULT_EXTENTS,
    *,
    threads: Sequence[int] = (1,),
    advanced: Callable[[float], None] = lambda share: None,
) -> Tuning:
    """Measure a model file on this machine for several extents of its batch.

    All ways take turns, round after round; the time that counts is that of the thread, so
    that other processes disturb little. More `threads` are measured by the wall clock, and
    only told: how many there are is the host's affair.

    Parameters
    ----------
    path
        A `.pt` or `.pt2` with a contract.
    extents
        Values of the symbol along which samples are independent, rising.
    threads
        Numbers of threads to measure the chosen way with.
    advanced
        Called with the share that is done, 0 to 1.

    Raises
    ------
    ContractError
        If the file has no contract that tells its shapes.
    """
    models = _Models(Path(path), max(extents))
    measured = []
    try:
        for i, extent in enumerate(sorted(extents)):
            measured.append((extent, models.measure(extent)))
            advanced((i + 1) / len(extents))
        way = _best_way([times for _, times in measured])
        by_threads = {
            extent: models.by_threads(extent, way, threads)
            for extent in (extents if len(threads) > 1 else ())
        }
    finally:
        set_allocator("default")
        set_threads(0)
    measurements = tuple(
        Measurement(
            extent,
            times[Way()],
            times.get(None),
            {f"{w.allocator} {w.chunk}": t for w, t in times.items() if w is not None},
            by_threads.get(extent, {}),
        )
        for extent, times in measured
    )
    loops = 0
    for found, (_, times) in zip(measurements, measured, strict=True):
        if found.loops is None or found.loops > _GAIN * _time_of(times, way):
            break
        loops = found.extent
    return Tuning(Path(path), measurements, loops, models.reason, way)


def processor_name() -> str:
    """Return the processor as Linux names it, empty elsewhere."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    return next((s.partition(": ")[2] for s in lines if s.startswith("model name")), "")


_Times = dict[Way | None, float]
"""Microseconds by way; `None` stands for own loops."""


class _Models:
    """A model for each way to evaluate a file."""

    def __init__(self, path: Path, n_samples: int) -> None:
        set_threads(1)
        self._contract = Model(path).contract
        if self._contract is None:
            raise ContractError("the file has no contract, so its shapes are not known")
        chunks = (0, *CHUNKS) if self._can_be_cut() else (0,)
        self._engine = {chunk: Model(path) for chunk in chunks}
        for chunk, model in self._engine.items():
            model.use_loops(0)  # an earlier choice may have been applied: measure afresh
            model.set_chunk(chunk)
        self._own, self.reason = Model(path, convert=True), ""
        self._own.set_chunk(0)
        try:
            self._own.use_loops(n_samples)
        except (BindingError, InferenceError) as error:
            self.reason = str(error)

    def measure(self, extent: int) -> _Times:
        """Return the median time of each way, taken in turns."""
        ways: dict[Way | None, Model] = {
            Way(allocator, chunk): model
            for allocator in ALLOCATORS
            for chunk, model in self._engine.items()
            if chunk < extent
        }
        if not self.reason:
            ways[None] = self._own
        for model in dict.fromkeys(ways.values()):
            self._bind(model, extent)
        return _ways_in_turns(ways, time.thread_time)

    def by_threads(self, extent: int, way: Way, threads: Sequence[int]) -> dict[str, float]:
        """Return the median time of a way by the number of threads."""
        model = self._engine[way.chunk]
        self._bind(model, extent)
        found = {}
        for n in threads:
            set_threads(n)
            found[str(n)] = _ways_in_turns({way: model}, time.perf_counter)[way]
        set_threads(1)
        return found

    def _can_be_cut(self) -> bool:
        assert self._contract is not None
        symbol, forward = self._contract["separable"], self._contract["methods"]["forward"]
        variables = self._contract["variables"]
        return symbol is not None and all(
            symbol in variables[n]["shape"] for n in forward["outputs"]
        )

    def _bind(self, model: Model, extent: int) -> None:
        assert self._contract is not None
        bind_samples(model, self._contract, extent)


def samples(
    contract: dict[str, Any], names: Sequence[str], extent: int
) -> dict[str, np.ndarray[Any, Any]]:
    """Return values of variables whose symbols have this extent, the same every time."""
    generator = np.random.default_rng(0)
    return {n: _array(contract["variables"][n], extent, generator) for n in names}


def bind_samples(model: Model, contract: dict[str, Any], extent: int) -> None:
    """Bind arrays to all inputs and outputs of `forward`."""
    binders = (model.bind_input, model.bind_output)
    for names, bind in zip(model.names(), binders, strict=True):
        for name, array in samples(contract, names, extent).items():
            bind(name, array, convert=True)


def times_in_turns(
    models: dict[Key, Model],
    clock: Callable[[], float],
    prepare: Callable[[Key], None] = lambda key: None,
) -> dict[Key, float]:
    """Return microseconds per call of each model, medians of some rounds in turns.

    Parameters
    ----------
    models
        With their arrays bound.
    clock
        Seconds.
    prepare
        Called before a model's turn.
    """
    times: dict[Key, list[float]] = {key: [] for key in models}
    first = next(iter(models.values()))
    first.run()
    start = clock()
    first.run()
    once = max(clock() - start, 1e-6)
    n_calls = max(1, int(SECONDS_PER_MEASUREMENT / _ROUNDS / once))
    for turn in range(_ROUNDS + 1):
        for key, model in models.items():
            prepare(key)
            model.run()  # with what was prepared, before the clock runs
            start = clock()
            for _ in range(n_calls):
                model.run()
            if turn > 0:  # the first one warms up
                times[key].append((clock() - start) / n_calls)
    return {key: 1e6 * statistics.median(seconds) for key, seconds in times.items()}


def _ways_in_turns(ways: dict[Way | None, Model], clock: Callable[[], float]) -> _Times:
    return times_in_turns(
        ways, clock, lambda way: set_allocator(way.allocator if way else "default")
    )


def _time_of(times: _Times, way: Way) -> float:
    """Return the time of a way; below its chunk it is that without one."""
    return times.get(way, times[Way(way.allocator)])


def _best_way(measured: Sequence[_Times]) -> Way:
    """Return the way of the least product of times, so that every extent counts alike."""
    ways = dict.fromkeys(way for times in measured for way in times if way is not None)

    def cost(way: Way) -> float:
        return math.fsum(math.log(_time_of(times, way)) for times in measured)

    best = Way()
    # From the plainest to the least plain: each must gain at some extent.
    for way in sorted(ways, key=lambda w: (w.chunk > 0, w.allocator != "default", w.chunk)):
        gains = any(_time_of(t, way) < _GAIN * _time_of(t, best) for t in measured)
        if gains and cost(way) < cost(best):
            best = way
    return best


def _array(
    variable: dict[str, Any], extent: int, generator: np.random.Generator
) -> np.ndarray[Any, Any]:
    """Return values in the network's precision, float32 for half."""
    shape = [e if isinstance(e, int) else extent for e in variable["shape"]]
    low, high = variable.get("training_range") or (-1.0, 1.0)
    values: np.ndarray[Any, Any] = generator.uniform(low, high, shape)
    is_half = variable["dtype"] in HALF_DTYPES
    return values.astype("float32" if is_half else variable["dtype"])
