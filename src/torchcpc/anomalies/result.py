"""Alarms of every method, and how they agree with labels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from torchcpc.results import Array, Interval, SavedResult, flat
from torchcpc.text_table import TextTable


@dataclass(frozen=True, slots=True)
class Detection:
    """How alarms agree with labels, row by row (no point adjustment), all shares: intervals by source. false_alarms: alarms among
    normal rows; auroc, auprc: of the score itself, whatever the threshold."""

    f1: Interval
    precision: Interval
    recall: Interval
    false_alarms: Interval
    auroc: Interval
    auprc: Interval
    rows: int
    anomalous: int


@dataclass(frozen=True, slots=True)
class AnomalyRow:
    """One score. role: "cpc" or "handmade"; alarms: share of rows above the threshold; detection: None without labels."""

    score: str
    role: str
    threshold: float
    alarms: float
    detection: Detection | None = None


@dataclass(frozen=True, slots=True)
class SeriesTrace:
    """One scored source in B bins of `every` rows, for a picture.

    Args:
        time_s: [B], of the first row of a bin, in seconds.
        channels_left_out: How many of its channels are not here.
        low, high: [F, B], the range of each channel.
        surprise: [B], the highest score.
        alarms: [B], the rows with an alarm.
        known: [B], 1 where a row is labelled as anomalous; empty without labels.
    """

    source: str
    every: int
    rows: int
    time_s: Array
    channels: tuple[str, ...]
    channels_left_out: int
    low: Array
    high: Array
    surprise: Array
    alarms: Array
    known: Array

    def __post_init__(self) -> None:
        bins, channels = len(self.time_s), len(self.channels)
        whole = (channels, bins), (channels, bins), (bins,), (bins,)
        found = self.low.shape, self.high.shape, self.surprise.shape, self.alarms.shape
        if found != whole or len(self.known) not in (0, bins) or not bins:
            raise ValueError(f"a trace of {bins} bins and {channels} channels with parts of the shapes {found}")
        arrays = self.time_s, self.low, self.high, self.surprise, self.alarms, self.known
        if any(array.dtype.kind not in "biuf" for array in arrays) or not np.isfinite(self.time_s).all():
            raise ValueError("a trace that is not made of numbers")


@dataclass(frozen=True, slots=True)
class AnomalyTable(SavedResult):
    """quantile: of the scores that set the threshold; label: the column of row labels ("" for none); validation: sources that set the
    thresholds; sources: sources scored; traces: those with the most alarms, for pictures (none in files of older versions)."""

    FORMAT: ClassVar[int] = 2

    quantile: float
    label: str
    validation: int
    sources: int
    rows: tuple[AnomalyRow, ...]
    traces: tuple[SeriesTrace, ...] = ()

    def records(self) -> Sequence[Mapping[str, object]]:
        return [{**flat(row, without=("detection",)), **flat(row.detection)} for row in self.rows]

    def tables(self) -> Sequence[TextTable]:
        caption = (
            f"threshold: the {self.quantile:g} quantile of {self.validation} validation sources, which were not trained on; {self.sources} "
            "sources scored"
        )
        rows = [(row.score, f"{row.threshold:.3f}", f"{100 * row.alarms:.1f}") for row in self.rows]
        made = [TextTable(("score", "threshold", "alarms %"), rows, caption)]
        detected = [
            (row.score, *(value.text(1, scale=100) for value in (found.f1, found.false_alarms, found.auroc, found.auprc)))
            for row in self.rows
            if (found := row.detection)
        ]
        if detected:
            said = f"Beside the label {self.label!r}, row by row, in percent; 95 % intervals by source:"
            made.append(TextTable(("score", "F1", "false alarms", "AUROC", "AUPRC"), detected, said))
        return made
