"""The result of a search for anomalies: alarms of every method, and how they agree with labels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from torchcpc.results import Array, Interval, SavedResult, flat
from torchcpc.text_table import TextTable


@dataclass(frozen=True, slots=True)
class Detection:
    """How alarms agree with labels, row by row, as shares with intervals by source. There is no point adjustment.

    Attributes:
        f1: F1 of the alarms.
        precision: The share of alarms that are right.
        recall: The share of anomalous rows with an alarm.
        false_alarms: The share of normal rows with an alarm.
        auroc: The area under the ROC curve of the score, for any threshold.
        auprc: The area under the precision-recall curve of the score, for any threshold.
        rows: The number of labelled rows.
        anomalous: The number of anomalous rows.
    """

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
    """One method.

    Attributes:
        score: The name of the score.
        role: "cpc" or "handmade".
        threshold: The threshold.
        alarms: The share of rows above the threshold.
        detection: How alarms agree with labels. None without labels.
    """

    score: str
    role: str
    threshold: float
    alarms: float
    detection: Detection | None = None


@dataclass(frozen=True, slots=True)
class SeriesTrace:
    """One scored source in B bins, for a picture.

    Attributes:
        source: The key of the source.
        every: The number of rows per bin.
        rows: The number of rows.
        time_s: The time of the first row of each bin, in seconds, [B].
        channels: The names of the channels.
        channels_left_out: The number of channels that are not shown.
        low: The smallest value of each channel, [F, B].
        high: The largest value of each channel, [F, B].
        surprise: The highest score, [B].
        alarms: The number of rows with an alarm, [B].
        known: 1 where a row is labelled as anomalous, [B]. Empty without labels.
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
    """Alarms of every method on sensor series.

    Attributes:
        quantile: The quantile of the scores that set the threshold.
        label: The column of row labels. "" for none.
        validation: The number of sources that set the thresholds.
        sources: The number of scored sources.
        rows: One row per method.
        traces: The sources with the most alarms, for pictures. Files of older versions have none.
    """

    FORMAT: ClassVar[int] = 2

    quantile: float
    label: str
    validation: int
    sources: int
    rows: tuple[AnomalyRow, ...]
    traces: tuple[SeriesTrace, ...] = ()

    def records(self) -> Sequence[Mapping[str, object]]:
        """Return one record per method."""
        return [{**flat(row, without=("detection",)), **flat(row.detection)} for row in self.rows]

    def tables(self) -> Sequence[TextTable]:
        """Return the alarms, and with labels how they agree with these."""
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
            said = f"Compared with the label {self.label!r}, row by row, in percent; 95 % intervals by source:"
            made.append(TextTable(("score", "F1", "false alarms", "AUROC", "AUPRC"), detected, said))
        return made
