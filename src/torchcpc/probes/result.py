"""What a probe comparison found: a row a kind of features, differences, label efficiency, and a map of the rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from torchcpc.results import Array, Interval, Real, SavedResult
from torchcpc.text_table import TextTable


@dataclass(frozen=True, slots=True)
class Split:
    """How rows were divided into training, validation and test.

    kind: "random" (by source), "column" (the data's own split column), "test_on" (the sources whose `column` is `value`; every value in
    turn without a value), "within" (the first `share` of every source trains), "folds" (cross-validation), "column_folds" (the data's own
    test part, penalties by cross-validation of the rest).
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
        raise AssertionError("not written yet")


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
    """The accuracy of `features` less that of `against` on the same test rows, paired; of both the probe is `probe`."""

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
        raise AssertionError("not written yet")

    def tables(self) -> Sequence[TextTable]:
        raise AssertionError("not written yet")
