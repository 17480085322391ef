"""What a probe comparison found: a row a kind of features, differences, label efficiency, and a map of the rows."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from torchcpc.contracts import counted
from torchcpc.results import Array, Interval, Real, SavedResult, flat
from torchcpc.text_table import TextTable

# Macro-F1 is shown beyond this ratio of the commonest class to the rarest, where chance explains it less often than that.
_UNEQUAL, _BY_CHANCE = 1.5, 0.01


@dataclass(frozen=True, slots=True)
class Split:
    """How rows were divided into training, validation and test. kind: "random" (by source), "column" (the data's own split column),
    "test_on" (the sources whose `column` is `value`; every value in turn without a value), "within" (the first `share` of every
    source trains), "folds" (cross-validation), "column_folds" (the data's own test part, penalties by cross-validation of the rest);
    inner_folds: the fewest and the most that select a penalty; repeated: sources that repeat others, and with "column_folds" are left
    out; data: names of the data, where these were given; test_data: of those of them that are the test part; units: what the intervals take
    for independent draws, and how many of each there are ({"speaker": 11}; of a single one there is no interval; empty: not known)."""

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
    test_data: tuple[str, ...] = ()
    units: Mapping[str, int] = field(default_factory=dict)

    def text(self) -> str:
        """The split in words."""
        inner = " to ".join(map(str, sorted(set(self.inner_folds))))
        tested_on = f"{self.column}={self.value}" if self.value else f"each {self.column} in turn"
        given = f"the test is {', '.join(self.test_data)}" if self.test_data else "the split column of the data"
        parts = {
            "random": ["by source: a fifth at random for the test"],
            "column": [f"by source: {given}"],
            "test_on": [f"by source: {tested_on} only in the test"],
            "within": [f"within recordings, in time: the first {self.share:.0%} of each for training"],
            "folds": [
                f"{self.folds}-fold cross-validation{f', by {self.grouped_by}' if self.grouped_by else ''}, repeated sources on one side "
                f"({self.repeated})",
                f"penalties by {inner}-fold cross-validation inside each training part",
            ],
            "column_folds": [
                given,
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

    def units_text(self, *, seeds: bool = False) -> str:
        """What the intervals take for independent draws, in words; "" where it is not known. seeds: whether some rows have several."""
        if not self.units:
            return ""
        if sum(self.units.values()) == 1:
            return f"one test {next(iter(self.units))}: no interval"
        units = " and ".join(counted(number, name) for name, number in self.units.items())
        return f"95 % intervals over {units}{' and, where a row has several, over its seeds' if seeds else ''}"


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
class GapClosed:
    """How much of the way from the untrained network to the same network trained on the labels CPC features go, under one linear probe:
    (CPC - untrained) / (supervised - untrained), in accuracy. share: None where the supervised row is not shown to be above the
    untrained one, for then there is no gap."""

    features: str
    untrained: str
    supervised: str
    share: Interval | None

    def text(self) -> str:
        ends = f"the gap from {self.untrained} to {self.supervised}"
        if self.share is None:
            return f"{self.features}: {ends} is not shown to be above zero, so no share of it is closed."
        return f"{self.features} closes {self.share.text(0, scale=100)} % of {ends}."


@dataclass(frozen=True, slots=True)
class EfficiencyPoint:
    """Accuracy of the linear probe from so many labels of each class; None: from all."""

    features: str
    role: str
    labels_per_class: int | None
    accuracy: Interval


@dataclass(frozen=True, slots=True)
class EmbeddingMap:
    """Test rows in two dimensions: points [n, 2], the class of each, and what it is called (none in files of older versions)."""

    label: str
    points: Array
    labels: tuple[str, ...]
    keys: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.points.shape != (len(self.labels), 2) or len(self.keys) not in (0, len(self.labels)):
            raise ValueError(f"points of shape {self.points.shape} for {len(self.labels)} labels and {len(self.keys)} keys")


@dataclass(frozen=True, slots=True)
class ProbeTable(SavedResult):
    """One question about the representations. chance: accuracy of always answering the commonest class; train, validation, test: rows;
    unit: what a row is ("recording", "frame", "sentence"); test_counts: class -> test rows (empty in files of older versions); select_by:
    what penalties were selected by, "accuracy" or "macro-F1"."""

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
    gap: GapClosed | None = None
    test_counts: Mapping[str, int] = field(default_factory=dict)
    select_by: str = "accuracy"

    def records(self) -> Sequence[Mapping[str, object]]:
        return [{"label": self.label, **dict(flat(row))} for row in self.rows]

    def tables(self) -> Sequence[TextTable]:
        """Accuracies, best row first, in percent; with the difference to the CPC row, always signed. The same in macro-F1 where the classes
        of the test are unequal (see `are_unequal`) or not known, and where penalties were selected by it."""
        # The first of two with one row is the one with the CPC row; the other is told below the table.
        gaps = {(gap.against, gap.probe): gap for gap in reversed(self.differences)}
        added = [gap for gap in self.differences if gap is not gaps[gap.against, gap.probe]]
        parts = f"train {self.train}" if self.validation is None else f"train {self.train}, validation {self.validation}"
        seeds = any(len(row.accuracies) > 1 for row in self.rows)
        first = (
            f"{self.label}: {self.test} test {self.unit}s ({parts}), {self.classes} classes, always the commonest "
            f"{100 * self.chance:.1f} %; {self.split.text()}\n{self.split.units_text(seeds=seeds)}"
        )
        judges = [("accuracy", "accuracy %", first)]
        if self.select_by == "macro-F1" or not self.test_counts or are_unequal(self.test_counts.values()):
            judges.append(("macro_f1", "macro-F1 %", "The same in macro-F1, the mean of F1 over the classes:"))
        tables = []
        for name, shown, caption in judges:
            rows = []
            for row in sorted(self.rows, key=lambda row: -row.accuracy.mean):
                if share := getattr(row, name):
                    dim, less = "-" if row.dim is None else str(row.dim), gaps.get((row.features, row.probe))
                    both = f"{100 * share.mean:.1f}", _ends(share)
                    rows.append((row.features, row.probe, dim, *both, str(len(row.accuracies)), _signed(less, name)))
            if rows or not tables:
                notes = [
                    f"{gap.features} less {gap.against}, {gap.probe}: {told}" for gap in added if (told := _signed(gap, name))
                ]
                notes += [self.gap.text()] if self.gap and name == "accuracy" else []
                head = ("features", "probe", "columns", shown, "95 % interval", "seeds", "CPC less this")
                tables.append(TextTable(head, rows, caption, notes))
        return tables


def _ends(share: Interval) -> str:
    return f"{100 * share.low:.1f} to {100 * share.high:.1f}" if math.isfinite(share.low + share.high) else "-"


def _signed(gap: Difference | None, name: str) -> str:
    found: Interval | None = gap and getattr(gap, name)
    return found.text(1, scale=100, sign="+") if found else ""


def are_unequal(counts: Collection[int]) -> bool:
    """Whether accuracy hides rare classes: the commonest has more than 1.5 times the rows of the rarest, and by a chi-square test at 1 %
    that is no chance. counts: test rows of each class; a class without one does not count, as in macro-F1."""
    met = [count for count in counts if count > 0]
    if len(met) < 2 or max(met) <= _UNEQUAL * min(met):
        return False
    from scipy.special import chdtrc

    expected = sum(met) / len(met)
    return bool(chdtrc(len(met) - 1, sum((count - expected) ** 2 / expected for count in met)) < _BY_CHANCE)
