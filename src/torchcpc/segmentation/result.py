"""How well the boundaries of every curve match known ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from torchcpc.probes.result import Split
from torchcpc.results import Interval, SavedResult
from torchcpc.text_table import TextTable


@dataclass(frozen=True, slots=True)
class SegmentQuality:
    """Shares: precision, recall, f1; over_segmentation: boundaries found too many, as a share of the true ones; r_value, 1 at best."""

    precision: float
    recall: float
    f1: Interval
    over_segmentation: float
    r_value: Interval


@dataclass(frozen=True, slots=True)
class SegmentRow:
    """One curve under one way to choose its threshold. role: "cpc" or "handmade"; thresholds: one a seed."""

    curve: str
    role: str
    threshold: str
    seeds: int
    one_to_one: SegmentQuality
    lenient: SegmentQuality
    thresholds: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class SegmentTable(SavedResult):
    """k: of the surprise; lag: of the other curves; validation, test: sources; boundaries: true ones in the test sources."""

    FORMAT: ClassVar[int] = 1

    tolerance_s: float
    k: int
    lag: int
    validation: int
    test: int
    boundaries: int
    split: Split
    rows: tuple[SegmentRow, ...]

    def records(self) -> Sequence[Mapping[str, object]]:
        raise AssertionError("not written yet")

    def tables(self) -> Sequence[TextTable]:
        raise AssertionError("not written yet")
