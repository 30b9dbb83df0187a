# SPDX-License-Identifier: MIT
"""Choose between the two engines of a network that is in both, `x.pt` and `x.pt2`."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from ..bridge import Model, set_allocator, set_threads
from ..errors import ContractError
from .tuning import (
    DEFAULT_EXTENTS,
    Tuning,
    bind_samples,
    samples,
    sum_of,
    times_in_turns,
    tune_file,
    write_choice,
)

SUFFIXES: Final = (".pt", ".pt2")
TOLERANCE: Final = 1e-3
"""Of the largest value: half precision rounds by half of it, other weights differ more."""
_N_SAMPLES: Final = 8


@dataclass(frozen=True)
class PairTuning:
    """What was measured of a pair, and which file was chosen."""

    stem: Path
    """Both files without their suffix."""
    files: dict[str, Tuning]
    """Of each file by itself."""
    times: dict[int, dict[str, float]]
    """Microseconds per call by extent and suffix, each file tuned."""
    suffix: str
    """Of the file that is loaded from now on."""

    def write(self) -> Path:
        """Store the choice beside the files, where a load of `stem` finds it."""
        return write_choice(
            self.stem,
            "isthmus-tune-pair",
            {f"sha256{s}": sum_of(file_of(self.stem, s)) for s in SUFFIXES},
            choice={"file": self.suffix},
            measurements=[{"extent": n, "us": times} for n, times in self.times.items()],
        )


def file_of(stem: Path, suffix: str) -> Path:
    """Return one file of a pair; dots in its name are no suffix."""
    return stem.with_name(stem.name + suffix)


def is_pair(stem: Path) -> bool:
    """Whether a path that is no file stands for two."""
    return not stem.is_file() and all(file_of(stem, s).is_file() for s in SUFFIXES)


def tune_pair(
    stem: Path,
    extents: Sequence[int] = DEFAULT_EXTENTS,
    *,
    threads: Sequence[int] = (1,),
    advanced: Callable[[float], None] = lambda share: None,
) -> PairTuning:
    """Tune both files of a pair, store what is best for each, and choose one of them.

    The chosen one has the least product of times over the extents.

    Parameters
    ----------
    stem, extents, threads, advanced
        As in `tune_file`; `stem` is what the two paths have in common.

    Raises
    ------
    ContractError
        If a file has no contract, or the two are not the same network.
    """
    _check_alike(stem)
    found = {}
    for i, suffix in enumerate(SUFFIXES):
        found[suffix] = tune_file(
            file_of(stem, suffix),
            extents,
            threads=threads,
            advanced=_part_of(advanced, i, len(SUFFIXES) + 1),
        )
        found[suffix].write()
    n = len(SUFFIXES)
    times = _times(stem, found, sorted(extents), _part_of(advanced, n, n + 1))
    cost = {s: math.fsum(math.log(t[s]) for t in times.values()) for s in SUFFIXES}
    return PairTuning(stem, found, times, min(SUFFIXES, key=cost.__getitem__))


def _part_of(
    advanced: Callable[[float], None], index: int, n_parts: int
) -> Callable[[float], None]:
    return lambda share: advanced((index + share) / n_parts)


def _check_alike(stem: Path) -> None:
    """Refuse two files that do not take and give the same."""
    models = {s: Model(file_of(stem, s), convert=True) for s in SUFFIXES}
    contracts = {s: _contract(stem, s, model) for s, model in models.items()}
    parts = [(c["dt"], c["methods"]["forward"], _variables(c)) for c in contracts.values()]
    if parts[0] != parts[1]:
        raise ContractError(
            f"'{stem}.pt' and '{stem}.pt2' differ in their variables or dt: export "
            "the same network to both"
        )
    results = []
    for suffix, model in models.items():
        results.append(model(**samples(contracts[suffix], model.names()[0], _N_SAMPLES)))
    for name, first in results[0].items():
        difference = np.abs(first - results[1][name]).max(initial=0.0)
        if not difference <= TOLERANCE * np.abs(first).max(initial=0.0):
            raise ContractError(
                f"'{stem}.pt' and '{stem}.pt2' differ by {difference:.3g} in '{name}': "
                "export the same network to both"
            )


def _contract(stem: Path, suffix: str, model: Model) -> dict[str, Any]:
    if model.contract is None:
        raise ContractError(f"'{stem}{suffix}' has no contract: its shapes are not known")
    return model.contract


def _variables(contract: dict[str, Any]) -> list[Any]:
    """Return what the host must know of the variables of `forward`."""
    forward = contract["methods"]["forward"]
    names = [*forward["inputs"], *forward["outputs"]]
    variables = contract["variables"]
    return [[variables[n].get(key) for key in ("shape", "dtype", "units")] for n in names]


def _times(
    stem: Path,
    found: dict[str, Tuning],
    extents: Sequence[int],
    advanced: Callable[[float], None],
) -> dict[int, dict[str, float]]:
    """Measure both files in turns, each as it was tuned."""
    set_threads(1)
    try:
        models = {s: Model(file_of(stem, s), convert=True) for s in SUFFIXES}
        times = {}
        for i, extent in enumerate(extents):
            for suffix, model in models.items():
                bind_samples(model, _contract(stem, suffix, model), extent)
            times[extent] = times_in_turns(
                models, time.thread_time, lambda s: set_allocator(found[s].way.allocator)
            )
            advanced((i + 1) / len(extents))
        return times
    finally:
        set_allocator("default")
        set_threads(0)
