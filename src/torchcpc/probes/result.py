"""The result of a probe comparison: accuracies, differences, label efficiency and a map of the rows."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from torchcpc.contracts import counted
from torchcpc.probes.gap.result import Effort, GapClosed, gap_table
from torchcpc.results import Array, Interval, Real, SavedResult, flat
from torchcpc.text_table import TextTable

# Macro-F1 is shown if the ratio of the most to the least frequent class is above the first number.
# The second is the significance level of a test that chance does not explain the ratio.
_UNEQUAL, _BY_CHANCE = 1.5, 0.01


@dataclass(frozen=True, slots=True)
class Split:
    """How rows are divided into training, validation and test.

    The kind is one of these:

    - "random": by source
    - "column": by the split column of the data
    - "test_on": the test sources have `value` in `column`; without a value, each value is tested in turn
    - "within": the first `share` of every source is for training
    - "folds": cross-validation
    - "column_folds": the data have a test part, and cross-validation of the rest selects the penalty

    Attributes:
        kind: The kind of the split.
        column: The column that names the test sources.
        value: The value that is tested.
        share: The share of every source for training.
        folds: The number of folds.
        inner_folds: The smallest and the largest number of inner folds that select a penalty.
        grouped_by: The column whose values share a fold.
        repeated: The sources that repeat others. With "column_folds" these are left out.
        validate_across: The column whose values are left out to select the penalty.
        event_seconds: The length of the clip of an event, in seconds. 0: clips do not follow events.
        event_delay_s: How long after its event a clip ends, in seconds.
        events_skipped: The events without enough data for a clip.
        standardised_by: The column within whose values frames are normalised.
        data: The names of the data, if several were given.
        test_data: Those of them that are the test part.
        units: The number of independent units of the intervals by kind, for example {"speaker": 11}. Empty: not
            known. A single unit has no interval.
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
    test_data: tuple[str, ...] = ()
    units: Mapping[str, int] = field(default_factory=dict)

    def text(self) -> str:
        """Return the split in words."""
        inner = " to ".join(map(str, sorted(set(self.inner_folds))))
        tested_on = f"{self.column}={self.value}" if self.value else f"each {self.column} in turn"
        given = f": the test part is {', '.join(self.test_data)}" if self.test_data else ", from the split column of the data"
        parts = {
            "random": ["split by source: a random fifth is the test part"],
            "column": [f"split by source{given}"],
            "test_on": [f"split by source: the test part is {tested_on}"],
            "within": [f"split in time: the first {self.share:.0%} of each recording is for training"],
            "folds": [
                f"{self.folds}-fold cross-validation{f' by {self.grouped_by}' if self.grouped_by else ''}",
                f"repeated sources share a fold ({self.repeated})",
                f"an inner {inner}-fold cross-validation selects each penalty",
            ],
            "column_folds": [
                f"split by source{given}",
                f"a {inner}-fold cross-validation of the training part selects the penalty",
                *([f"without {self.repeated} training sources that the test part repeats"] if self.repeated else []),
            ],
        }[self.kind]
        if self.validate_across:
            parts.append(f"penalties selected on held-out values of {self.validate_across}")
        if self.event_seconds:
            skipped = f" ({self.events_skipped} skipped)" if self.events_skipped else ""
            parts.append(f"clips of {self.event_seconds:g} s that end {self.event_delay_s:g} s after an event{skipped}")
        if self.standardised_by:
            parts.append(f"frames normalised per {self.standardised_by}")
        if self.data:
            parts.append(f"data: {', '.join(self.data)}")
        return "; ".join(parts)

    def units_text(self, *, seeds: bool = False) -> str:
        """Return the independent units of the intervals in words, or "" if they are not known.

        Args:
            seeds: Whether some rows have several seeds.
        """
        if not self.units:
            return ""
        if sum(self.units.values()) == 1:
            return f"one test {next(iter(self.units))}: no interval"
        units = " and ".join(counted(number, name) for name, number in self.units.items())
        return f"95 % intervals over {units}{', and over seeds if a row has several' if seeds else ''}"


@dataclass(frozen=True, slots=True)
class RowSummary:
    """One kind of features with one probe, as a row of a table.

    Attributes:
        features: The name of the features.
        role: "cpc", "untrained", "handmade" or "supervised".
        probe: The name of the probe.
        dim: The number of columns of the features. None: not fixed.
        accuracies: The test accuracy of each seed, from 0 to 1.
        accuracy: The mean accuracy with its interval.
        penalties: The selected penalty of each seed, and with several folds of each fold.
        macro_f1: The mean of F1 over the classes, with its interval.
        f1: F1 by class.
        added_to: The features to which these CPC features are added in this row, for example "TF-IDF".
    """

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
    """The accuracy of some features minus that of others, paired on the same test rows.

    Attributes:
        features: The features.
        against: The features whose accuracy is subtracted.
        probe: The probe of `against`.
        accuracy: The difference in accuracy, with its interval.
        macro_f1: The difference in macro-F1, with its interval.
    """

    features: str
    against: str
    probe: str
    accuracy: Interval
    macro_f1: Interval | None = None


@dataclass(frozen=True, slots=True)
class EfficiencyPoint:
    """One point of a label-efficiency curve of the linear probe.

    Attributes:
        features: The name of the features.
        role: "cpc", "untrained", "handmade" or "supervised".
        labels_per_class: The training labels of each class. None: all.
        accuracy: The test accuracy with its interval.
    """

    features: str
    role: str
    labels_per_class: int | None
    accuracy: Interval


@dataclass(frozen=True, slots=True)
class EmbeddingMap:
    """Test rows in two dimensions.

    Attributes:
        label: The label that colours the rows.
        points: The coordinates, [n, 2].
        labels: The class of each row.
        keys: The name of each row. It is empty in files of older versions.
    """

    label: str
    points: Array
    labels: tuple[str, ...]
    keys: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.points.shape != (len(self.labels), 2) or len(self.keys) not in (0, len(self.labels)):
            raise ValueError(f"points of shape {self.points.shape} for {len(self.labels)} labels and {len(self.keys)} keys")


@dataclass(frozen=True, slots=True)
class ProbeTable(SavedResult):
    """The answer to one question about the representations.

    Attributes:
        label: The label that is predicted.
        unit: What a row is, for example "recording", "frame" or "sentence".
        classes: The number of classes.
        chance: The accuracy of always answering the most frequent class, from 0 to 1.
        train: The number of training rows.
        validation: The number of validation rows. None: there is no validation part.
        test: The number of test rows.
        split: How rows are divided.
        rows: One row for each kind of features and probe.
        differences: The CPC row minus the other rows, paired.
        efficiency: The points of the label-efficiency curves.
        map: Test rows in two dimensions.
        gaps: The share of the gap to a supervised network that CPC closes, with all labels and with few.
        efforts: How long CPC and the supervised networks were trained.
        test_counts: The number of test rows by class. It is empty in files of older versions.
        select_by: What selected the penalties, "accuracy" or "macro-F1".
    """

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
    gaps: tuple[GapClosed, ...] = ()
    efforts: tuple[Effort, ...] = ()
    test_counts: Mapping[str, int] = field(default_factory=dict)
    select_by: str = "accuracy"

    def records(self) -> Sequence[Mapping[str, object]]:
        """Return one record for each row, each point of the curves, and each gap. The column "table" tells them apart."""
        found = [{"table": "accuracy", "label": self.label, **flat(row)} for row in self.rows]
        points = [point for point in self.efficiency if point.labels_per_class is not None]  # all labels are rows
        for point in points:
            probe = "supervised" if point.role == "supervised" else "linear"
            found.append({"table": "label efficiency", "label": self.label, **flat(point), "probe": probe})
        return found + [{"table": "gap closed", "label": self.label, **flat(gap)} for gap in self.gaps]

    def tables(self) -> Sequence[TextTable]:
        """Return the accuracies, the label-efficiency curve and the gap closed, as far as there are any."""
        return [*self.accuracy_tables(), *self.curve_tables(), *self.gap_tables()]

    def curve_tables(self) -> Sequence[TextTable]:
        """Return the label-efficiency curve as a table, the row that is best with the most labels first, or nothing."""
        if not self.efficiency:
            return []
        points = {(point.features, point.labels_per_class): point.accuracy for point in self.efficiency}
        numbers = sorted({number for _, number in points if number is not None})
        places: list[int | None] = [*numbers, *([None] if any(number is None for _, number in points) else [])]
        names = dict.fromkeys(point.features for point in self.efficiency)
        best = sorted(names, key=lambda name: -max(points[name, at].mean for at in places[-1:] if (name, at) in points))
        rows = [
            (name, *(points[name, at].text(1, scale=100) if (name, at) in points else "-" for at in places)) for name in best
        ]
        head = ("features", *("all" if at is None else f"{at:,}" for at in places))
        return [
            TextTable(head, rows, "Label efficiency: accuracy % of the linear probe by labels per class, with 95 % intervals")
        ]

    def gap_tables(self) -> Sequence[TextTable]:
        """Return the gap closed as a table, or nothing."""
        return [gap_table(self.gaps, self.efforts)] if self.gaps else []

    def accuracy_tables(self) -> Sequence[TextTable]:
        """Return the accuracies in percent, the best row first.

        The last column is the difference to the CPC row, with its sign. A second table has macro-F1 if the test
        classes are unequal (see `are_unequal`) or not known, or if it selected the penalties.
        """
        # A row may have two differences. The first is that of the main CPC row, and the other goes below the table.
        gaps = {(gap.against, gap.probe): gap for gap in reversed(self.differences)}
        added = [gap for gap in self.differences if gap is not gaps[gap.against, gap.probe]]
        parts = f"train {self.train}" if self.validation is None else f"train {self.train}, validation {self.validation}"
        seeds = any(len(row.accuracies) > 1 for row in self.rows)
        first = (
            f"{self.label}: {self.test} test {self.unit}s ({parts}), {self.classes} classes, chance "
            f"{100 * self.chance:.1f} % (majority class)\n{self.split.text()}\n{self.split.units_text(seeds=seeds)}"
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
                    f"{gap.features} minus {gap.against}, {gap.probe}: {text}" for gap in added if (text := _signed(gap, name))
                ]
                head = ("features", "probe", "columns", shown, "95 % interval", "seeds", "CPC minus this")
                tables.append(TextTable(head, rows, caption, notes))
        return tables


def _ends(share: Interval) -> str:
    return f"{100 * share.low:.1f} to {100 * share.high:.1f}" if math.isfinite(share.low + share.high) else "-"


def _signed(gap: Difference | None, name: str) -> str:
    found: Interval | None = gap and getattr(gap, name)
    return found.text(1, scale=100, sign="+") if found else ""


def are_unequal(counts: Collection[int]) -> bool:
    """Return whether accuracy hides rare classes.

    That is so if the most frequent class has more than 1.5 times the rows of the rarest. In addition, a chi-square
    test at 1 % must exclude chance.

    Args:
        counts: The test rows of each class. A class without a row does not count, as in macro-F1.
    """
    met = [count for count in counts if count > 0]
    if len(met) < 2 or max(met) <= _UNEQUAL * min(met):
        return False
    from scipy.special import chdtrc

    expected = sum(met) / len(met)
    return bool(chdtrc(len(met) - 1, sum((count - expected) ** 2 / expected for count in met)) < _BY_CHANCE)
