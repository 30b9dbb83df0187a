# SPDX-License-Identifier: MIT
"""The guard of a contract: where a network may be believed, and what is put right after it.

A *sample* is what remains of a variable when the separable dimension is taken away: one
column, one ring. Lists run over its elements, flattened in C order.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

Limit = float | tuple[float | None, ...] | None
"""One number for all elements, one per element, or no limit."""


@dataclass(frozen=True)
class Limits:
    """The range a variable may have, in its units; `None` is no limit."""

    low: Limit = None
    high: Limit = None


@dataclass(frozen=True)
class Mahalanobis:
    """Distance of a sample from the training data: `d2 = |W (f - mean)|^2`.

    `f` is the sample's listed inputs, flattened and concatenated.
    """

    inputs: tuple[str, ...]
    mean: tuple[float, ...]
    whitening: tuple[tuple[float, ...], ...]
    """`W` as rows; each as long as `mean`."""
    threshold: float
    """Samples with a larger `d2` are flagged."""


@dataclass(frozen=True)
class Bounds:
    """Fixer: clip an output."""

    kind: ClassVar[str] = "bounds"
    output: str
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Conserve:
    """Fixer: the smallest change after which sum(weights * outputs) = total."""

    kind: ClassVar[str] = "conserve"
    weights: Mapping[str, tuple[float, ...]]
    """For each output taking part, a weight per element of a sample."""
    total: float = 0.0


@dataclass(frozen=True)
class PositiveState:
    """Fixer: limit a tendency so that `state + dt * tendency` is not negative."""

    kind: ClassVar[str] = "positive_state"
    tendency: str
    state: str


Fixer = Bounds | Conserve | PositiveState


@dataclass(frozen=True)
class Guard:
    """Which samples are flagged, and which fixers the unflagged ones pass through."""

    inputs: Mapping[str, Limits] = field(default_factory=dict)
    outputs: Mapping[str, Limits] = field(default_factory=dict)
    quantiles: tuple[float, float] | None = None
    """The quantiles of the training data that the limits of the inputs were taken from."""
    mahalanobis: Mahalanobis | None = None
    fixers: tuple[Fixer, ...] = ()
