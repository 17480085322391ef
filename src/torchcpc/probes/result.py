"""What a probe comparison found: a row a kind of features, differences, label efficiency, and a map of the rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from torchcpc.results import Array, Interval, Real, SavedResult, flat
from torchcpc.text_table import TextTable


@dataclass(frozen=True, slots=True)
class Split:
    """How rows were divided into training, validation and test.

    kind: "random" (by source), "column" (the data's own split column), "test_on" (the sources whose `column` is `value`; every value in
    turn without a value), "within" (the first `share` of every source trains), "folds" (cross-validation), "column_folds" (the data's own
    test part, penalties by cross-validation of the rest); inner_folds: the fewest and the most that select a penalty; repeated: sources
    that repeat others, and with "column_folds" are left out; data: names of the data, where these were given.
    """

    kind: str
    column: str = ""
    value: str = ""
    share: float = 0.0
    folds: int = 0
    inner_folds: tuple[int, int] = (0, 0)
    grouped_by: str = ""
    repeated: int = 0
    validate_across: str = ""
    event_seconds: float = 0.0
    event_delay_s: float = 0.0
    events_skipped: int = 0
    standardised_by: str = ""
    data: tuple[str, ...] = ()

    def text(self) -> str:
        """The split in words."""
        inner = " to ".join(map(str, sorted(set(self.inner_folds))))
        tested_on = f"{self.column}={self.value}" if self.value else f"each {self.column} in turn"
        parts = {
            "random": ["by source: a fifth at random for the test"],
            "column": ["by source: the split column of the data"],
            "test_on": [f"by source: {tested_on} only in the test"],
            "within": [f"within recordings, in time: the first {self.share:.0%} of each for training"],
            "folds": [
                f"{self.folds}-fold cross-validation{f', by {self.grouped_by}' if self.grouped_by else ''}, repeated sources on one side "
                f"({self.repeated})",
                f"penalties by {inner}-fold cross-validation inside each training part",
            ],
            "column_folds": [
                "the split column of the data",
                f"penalties by {inner}-fold cross-validation of the training part",
                *([f"{self.repeated} training sources that the test repeats left out"] if self.repeated else []),
            ],
        }[self.kind]
        if self.validate_across:
            parts.append(f"penalties selected across {self.validate_across}")
        if self.event_seconds:
            skipped = f" ({self.events_skipped} left out)" if self.events_skipped else ""
            parts.append(f"{self.event_seconds:g} s for each event, to {self.event_delay_s:g} s after it{skipped}")
        if self.standardised_by:
            parts.append(f"frames standardised by {self.standardised_by}")
        if self.data:
            parts.append(f"of {', '.join(self.data)}")
        return "; ".join(parts)


@dataclass(frozen=True, slots=True)
class RowSummary:
    """One kind of features under one probe. role: "cpc", "untrained", "handmade" or "supervised"; added_to: the features beside which
    these CPC features stand in the row ("TF-IDF"); accuracies and penalties: one a seed (penalties: a fold, too)."""

    features: str
    role: str
    probe: str
    dim: int | None
    accuracies: tuple[float, ...]
    accuracy: Interval
    penalties: tuple[float | None, ...]
    macro_f1: Interval | None = None
    f1: Mapping[str, float] | None = None
    added_to: str = ""


@dataclass(frozen=True, slots=True)
class Difference:
    """The accuracy of `features` less that of `against` on the same test rows, paired; `probe` is that of `against`."""

    features: str
    against: str
    probe: str
    accuracy: Interval
    macro_f1: Interval | None = None


@dataclass(frozen=True, slots=True)
class EfficiencyPoint:
    """Accuracy of the linear probe from so many labels of each class; None: from all."""

    features: str
    role: str
    labels_per_class: int | None
    accuracy: Interval


@dataclass(frozen=True, slots=True)
class EmbeddingMap:
    """Test rows in two dimensions: points [n, 2], and the class of each."""

    label: str
    points: Array
    labels: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.points.shape != (len(self.labels), 2):
            raise ValueError(f"points of shape {self.points.shape} for {len(self.labels)} labels")


@dataclass(frozen=True, slots=True)
class ProbeTable(SavedResult):
    """One question about the representations. chance: accuracy of always answering the commonest class; train, validation, test: rows;
    unit: what a row is ("recording", "frame", "sentence")."""

    FORMAT: ClassVar[int] = 2

    label: str
    unit: str
    classes: int
    chance: Real
    train: int
    validation: int | None
    test: int
    split: Split
    rows: tuple[RowSummary, ...]
    differences: tuple[Difference, ...] = ()
    efficiency: tuple[EfficiencyPoint, ...] = ()
    map: EmbeddingMap | None = None

    def records(self) -> Sequence[Mapping[str, object]]:
        return [{"label": self.label, **dict(flat(row))} for row in self.rows]

    def tables(self) -> Sequence[TextTable]:
        """Accuracies, then macro-F1, best row first, in percent; with the difference to the CPC row, always signed."""
        # The first of two with one row is the one with the CPC row; the other is told below the table.
        gaps = {(gap.against, gap.probe): gap for gap in reversed(self.differences)}
        added = [gap for gap in self.differences if gap is not gaps[gap.against, gap.probe]]
        accuracies, scores = [], []
        for row in sorted(self.rows, key=lambda row: -row.accuracy.mean):
            gap = gaps.get((row.features, row.probe))
            dim = "-" if row.dim is None else str(row.dim)
            less = _signed(gap and gap.accuracy)
            accuracies.append((row.features, row.probe, dim, *_percent(row.accuracy), str(len(row.accuracies)), less))
            if row.macro_f1:
                scores.append((row.features, row.probe, *_percent(row.macro_f1), _signed(gap and gap.macro_f1)))
        caption = (
            f"{self.label}: {self.test} test {self.unit}s, {self.classes} classes, always the commonest {100 * self.chance:.1f} %; "
            f"{self.split.text()}"
        )
        notes = [f"{gap.features} less {gap.against}, {gap.probe}: {_signed(gap.accuracy)}" for gap in added]
        head = ("features", "probe", "columns", "accuracy %", "95 % interval", "seeds", "CPC less this")
        tables = [TextTable(head, accuracies, caption, notes)]
        if scores:
            notes = [
                f"{gap.features} less {gap.against}, {gap.probe}: {_signed(gap.macro_f1)}" for gap in added if gap.macro_f1
            ]
            head = ("features", "probe", "macro-F1 %", "95 % interval", "CPC less this")
            tables.append(TextTable(head, scores, "The same in macro-F1, the mean of F1 over the classes:", notes))
        return tables


def _percent(share: Interval) -> tuple[str, str]:
    return f"{100 * share.mean:.1f}", f"{100 * share.low:.1f} to {100 * share.high:.1f}"


def _signed(gap: Interval | None) -> str:
    return f"{100 * gap.mean:+.1f} ({100 * gap.low:+.1f} to {100 * gap.high:+.1f})" if gap else ""
