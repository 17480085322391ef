"""One measured number, and what calibrated numbers estimate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Result:
    """One measured number: never without its unit, its sample size and, where there is one, its 95 % interval."""

    name: str
    value: float
    unit: str
    n: int
    low: float | None = None
    high: float | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Estimand:
    """What calibrated numbers mean: I(x; c) or I(x; c | group), under which proposal, from how many samples of how many sources,
    with which correction of the logarithm."""

    name: str
    proposal: str
    samples: int
    sources: int
    correction: str
