# SPDX-License-Identifier: MIT
"""Find the fastest way to evaluate a network on this machine, and keep the choice."""

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from ..bridge import Model, torch_version
from ..errors import BindingError, ContractError, InferenceError

DEFAULT_EXTENTS: Final = (1, 8, 64, 512, 4096)
SECONDS_PER_MEASUREMENT: Final = 0.2
_ROUNDS: Final = 7
_GAIN: Final = 0.95
"""Own loops round differently from torch: they must be faster by more than noise."""


@dataclass(frozen=True)
class Measurement:
    """Microseconds per call at one extent of the batch."""

    extent: int
    engine: float
    loops: float | None
    """`None` if the network is no chain of layers."""


@dataclass(frozen=True)
class Tuning:
    """What was measured and chosen."""

    path: Path
    measurements: tuple[Measurement, ...]
    loops: int
    """Largest number of samples that own loops evaluate; 0: none."""
    reason: str
    """Why own loops cannot be used, if they cannot."""

    def write(self) -> Path:
        """Store the choice beside the model file, where a load finds it."""
        target = self.path.with_name(self.path.name + ".tune.json")
        document = {
            "format": "isthmus-tune",
            "format_version": 1,
            "model_sha256": hashlib.sha256(self.path.read_bytes()).hexdigest(),
            "cpu": processor_name(),
            "torch": torch_version(),
            "choice": {"loops": self.loops},
            "measurements": [asdict(m) for m in self.measurements],
        }
        draft = target.with_name(target.name + ".part")
        draft.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
        draft.replace(target)
        return target


def tune_file(
    path: Path | str,
    extents: Sequence[int] = DEFAULT_EXTENTS,
    *,
    advanced: Callable[[float], None] = lambda share: None,
) -> Tuning:
    """Measure a model file on this machine for several extents of its batch.

    Parameters
    ----------
    path
        A `.pt` or `.pt2` with a contract.
    extents
        Values of the symbol along which samples are independent, rising.
    advanced
        Called with the share that is done, 0 to 1.

    Raises
    ------
    ContractError
        If the file has no contract that tells its shapes.
    """
    plain, own = Model(path), Model(path)
    plain.use_loops(0)  # an earlier choice may have been applied: measure the engine
    reason = _turn_on(own, max(extents))
    measurements = []
    for i, extent in enumerate(sorted(extents)):
        models = [plain] if reason else [plain, own]
        times = _measure(models, extent)
        measurements.append(Measurement(extent, times[0], None if reason else times[1]))
        advanced((i + 1) / len(extents))
    loops = 0
    for found in measurements:
        if found.loops is None or found.loops > _GAIN * found.engine:
            break
        loops = found.extent
    return Tuning(Path(path), tuple(measurements), loops, reason)


def processor_name() -> str:
    """Return the processor as Linux names it, empty elsewhere."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    return next((s.partition(": ")[2] for s in lines if s.startswith("model name")), "")


def _turn_on(model: Model, n_samples: int) -> str:
    """Let own loops evaluate; return why they cannot."""
    try:
        model.use_loops(n_samples)
    except (BindingError, InferenceError) as error:
        return str(error)
    return ""


def _measure(models: Sequence[Model], extent: int) -> list[float]:
    """Return the fastest microseconds per call of each, in turns."""
    for model in models:
        _bind(model, extent)
        model.run()
    start = time.perf_counter()
    models[0].run()
    once = max(time.perf_counter() - start, 1e-6)
    n_calls = max(1, int(SECONDS_PER_MEASUREMENT / _ROUNDS / once))
    best = [float("inf")] * len(models)
    for _ in range(_ROUNDS):
        for i, model in enumerate(models):
            start = time.perf_counter()
            for _ in range(n_calls):
                model.run()
            best[i] = min(best[i], (time.perf_counter() - start) / n_calls)
    return [1e6 * seconds for seconds in best]


def _bind(model: Model, extent: int) -> None:
    """Bind arrays whose symbols have this extent."""
    contract = model.contract
    if contract is None:
        raise ContractError("the file has no contract, so its shapes are not known")
    generator = np.random.default_rng(0)
    for names, bind in zip(
        model.names(), (model.bind_input, model.bind_output), strict=True
    ):
        for name in names:
            bind(name, _array(contract["variables"][name], extent, generator))


def _array(
    variable: dict[str, Any], extent: int, generator: np.random.Generator
) -> np.ndarray[Any, Any]:
    if variable["dtype"] == "bfloat16":
        raise ContractError("bfloat16 cannot be bound from NumPy: such files are not tuned")
    shape = [e if isinstance(e, int) else extent for e in variable["shape"]]
    low, high = variable.get("training_range") or (-1.0, 1.0)
    values: np.ndarray[Any, Any] = generator.uniform(low, high, shape)
    return values.astype(variable["dtype"])
