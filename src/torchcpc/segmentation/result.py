"""The result of a comparison of boundaries."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torchcpc.probes.result import Split
from torchcpc.results import Interval, SavedResult, flat
from torchcpc.text_table import TextTable

WITH_LABELS = "validation labels"
_HEADER = ("curve", "threshold", "P", "R", "F1", "OS", "R-value")


@dataclass(frozen=True, slots=True)
class SegmentQuality:
    """Measures of a segmentation, as shares.

    Attributes:
        precision: The share of found boundaries that are right.
        recall: The share of true boundaries that are hit.
        f1: Their harmonic mean.
        over_segmentation: Surplus boundaries as a share of the true ones.
        r_value: 1 at best.
    """

    precision: float
    recall: float
    f1: Interval
    over_segmentation: float
    r_value: Interval

    def cells(self) -> tuple[str, ...]:
        """Return the cells of the table, in percent."""
        precision, recall, over = (100 * share for share in (self.precision, self.recall, self.over_segmentation))
        return f"{precision:.1f}", f"{recall:.1f}", self.f1.text(1, scale=100), f"{over:+.1f}", self.r_value.text(1, scale=100)


@dataclass(frozen=True, slots=True)
class SegmentRow:
    """One curve with one way to choose its threshold.

    Attributes:
        curve: The curve.
        role: "cpc" or "handmade".
        threshold: How the threshold was chosen.
        seeds: The number of seeds.
        one_to_one: The measures, counted one-to-one.
        lenient: The measures, counted leniently.
        thresholds: The threshold of each seed.
    """

    curve: str
    role: str
    threshold: str
    seeds: int
    one_to_one: SegmentQuality
    lenient: SegmentQuality
    thresholds: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class SegmentTable(SavedResult):
    """How well the boundaries of every curve match known ones.

    Attributes:
        tolerance_s: The tolerance in seconds.
        k: Steps ahead of the surprise.
        lag: The lag of the other curves.
        validation: The number of validation sources.
        test: The number of test sources.
        boundaries: The number of true boundaries in the test sources.
        split: The split of the sources.
        rows: One row per curve and threshold.
    """

    tolerance_s: float
    k: int
    lag: int
    validation: int
    test: int
    boundaries: int
    split: Split
    rows: tuple[SegmentRow, ...]

    def prominence(self, curve: str) -> float | None:
        """Return the prominence that validation labels chose for a curve in the first seed. None if the curve has no row."""
        chosen = (row.thresholds[0] for row in self.rows if (row.curve, row.threshold) == (curve, WITH_LABELS))
        return next(chosen, None)

    def records(self) -> Sequence[Mapping[str, object]]:
        """Return one record per row, with the measures of both ways to count."""
        nested = ("one_to_one", "lenient", "thresholds")
        return [{**flat(row, without=nested), **flat(row.one_to_one), **flat(row.lenient, "lenient_")} for row in self.rows]

    def tables(self) -> Sequence[TextTable]:
        """Return two tables in percent, one-to-one and lenient. The best one-to-one R-value comes first."""
        seeds = max((row.seeds for row in self.rows), default=0)
        caption = (
            f"{self.boundaries} boundaries in {self.test} test sources, tolerance {1000 * self.tolerance_s:g} ms, surprise at k = "
            f"{self.k}, others at lag {self.lag}; learned curves of {seeds} seed{'s' if seeds > 1 else ''}; thresholds from "
            f"{self.validation} validation sources; {self.split.text()}"
        )
        rows = sorted(self.rows, key=lambda row: -row.one_to_one.r_value.mean)
        one_to_one = [(row.curve, row.threshold, *row.one_to_one.cells()) for row in rows]
        lenient = [(row.curve, row.threshold, *row.lenient.cells()) for row in rows]
        note = "Lenient: two marks near one boundary are both right."
        return [TextTable(_HEADER, one_to_one, caption), TextTable(_HEADER, lenient, note)]
