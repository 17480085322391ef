"""How well the boundaries of every curve match known ones."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torchcpc.probes.result import Split
from torchcpc.results import Interval, SavedResult, flat
from torchcpc.text_table import TextTable

WITH_LABELS = "validation labels"
_HEADER = ("curve", "threshold", "P", "R", "F1", "OS", "R-value")


@dataclass(frozen=True, slots=True)
class SegmentQuality:
    """Shares: precision, recall, f1; over_segmentation: boundaries found too many, as a share of the true ones; r_value, 1 at best."""

    precision: float
    recall: float
    f1: Interval
    over_segmentation: float
    r_value: Interval

    def cells(self) -> tuple[str, ...]:
        """In percent, in the order of the columns of the table."""
        precision, recall, over = (100 * share for share in (self.precision, self.recall, self.over_segmentation))
        return f"{precision:.1f}", f"{recall:.1f}", self.f1.text(1, scale=100), f"{over:+.1f}", self.r_value.text(1, scale=100)


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

    tolerance_s: float
    k: int
    lag: int
    validation: int
    test: int
    boundaries: int
    split: Split
    rows: tuple[SegmentRow, ...]

    def prominence(self, curve: str) -> float | None:
        """The prominence that labels of validation sources chose for a curve, of the first seed; None for a curve without a row."""
        chosen = (row.thresholds[0] for row in self.rows if (row.curve, row.threshold) == (curve, WITH_LABELS))
        return next(chosen, None)

    def records(self) -> Sequence[Mapping[str, object]]:
        nested = ("one_to_one", "lenient", "thresholds")
        return [{**flat(row, without=nested), **flat(row.one_to_one), **flat(row.lenient, "lenient_")} for row in self.rows]

    def tables(self) -> Sequence[TextTable]:
        """In percent, best one-to-one R-value first."""
        seeds = max((row.seeds for row in self.rows), default=0)
        caption = (
            f"{self.boundaries} boundaries in {self.test} test sources, tolerance {1000 * self.tolerance_s:g} ms, surprise at k = "
            f"{self.k}, others at lag {self.lag}; learned curves of {seeds} seed{'s' if seeds > 1 else ''}; thresholds from "
            f"{self.validation} validation sources; {self.split.text()}"
        )
        rows = sorted(self.rows, key=lambda row: -row.one_to_one.r_value.mean)
        one_to_one = [(row.curve, row.threshold, *row.one_to_one.cells()) for row in rows]
        lenient = [(row.curve, row.threshold, *row.lenient.cells()) for row in rows]
        note = "Lenient: two marks beside one boundary are both right."
        return [TextTable(_HEADER, one_to_one, caption), TextTable(_HEADER, lenient, note)]
