"""The share of the gap between an untrained and a supervised network that CPC features close."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from torchcpc.probes.gap.result import GapClosed
from torchcpc.probes.table import Point, ProbeRow
from torchcpc.results import Interval
from torchcpc.statistics.intervals import Hits, difference_interval, share_interval

# The labels per class at which the gap is measured, besides all labels.
FEW = (1, 5, 10)


class Rivals(NamedTuple):
    """The features that take part.

    Attributes:
        ours: The CPC features.
        low: The untrained features.
        best: The supervised network.
        handmade: The handmade features with the same probe.
    """

    ours: str
    low: str
    best: str
    handmade: Sequence[str]


def gaps_closed(rows: Sequence[ProbeRow], points: Sequence[Point] = ()) -> tuple[GapClosed, ...]:
    """Return the share of the gap that the first CPC row closes, with all labels and with few.

    The lower end is the untrained row of the same representation with the same probe, and the upper end is the
    supervised row. Beside it is CPC minus the best handmade row with the same probe.

    Args:
        rows: The rows of a table.
        points: The points of the label-efficiency curves. A number of labels counts if the CPC and the untrained
            features have it.

    Returns:
        One entry for all labels, and one for each number of `FEW`. Empty if one of the three rows is missing.
    """
    ours = next((row for row in rows if row.role == "cpc"), None)
    best = next((row for row in rows if row.role == "supervised"), None)
    which = ours.features.rpartition(" ")[2] if ours else ""
    alike = [row for row in rows if ours and row.probe == ours.probe]
    low = next((row for row in alike if row.role == "untrained" and row.features.rpartition(" ")[2] == which), None)
    if not ours or not best or not low:
        return ()
    handmade = [row for row in alike if row.role == "handmade"]
    rivals = Rivals(ours.features, low.features, best.features, [row.features for row in handmade])
    all_labels = {row.features: row.hits for row in (ours, low, best, *handmade)}
    few = {number: {point.features: point.hits for point in points if point.labels_per_class == number} for number in FEW}
    if ours.probe != "linear":  # the curves are of linear probes
        few = {}
    met = {number: hits for number, hits in few.items() if {ours.features, low.features} <= hits.keys()}
    return tuple(_closed(rivals, number, hits) for number, hits in ({None: all_labels} | met).items())


def _closed(rivals: Rivals, number: int | None, hits: Mapping[str, Hits]) -> GapClosed:
    ours, low, best = hits[rivals.ours], hits[rivals.low], hits.get(rivals.best)
    name = max((own for own in rivals.handmade if own in hits), key=lambda own: hits[own].mean, default="")
    return GapClosed(
        *(rivals.ours, rivals.low, rivals.best, number),
        cpc_accuracy=share_interval(ours),
        untrained_accuracy=share_interval(low),
        supervised_accuracy=best and share_interval(best),
        gap=best and difference_interval(best, low),
        share=best and share_closed(ours, low, best),
        handmade=name,
        handmade_accuracy=share_interval(hits[name]) if name else None,
        above_handmade=difference_interval(ours, hits[name]) if name else None,
    )


def share_closed(ours: Hits, low: Hits, best: Hits) -> Interval | None:
    """Return (ours - low) / (best - low) with its interval, that of a ratio of paired differences.

    Near the estimate, the ratio is linear in the three rows. So its jackknife values are those of this linear function.

    Args:
        ours: The answers of the CPC features.
        low: The answers of the untrained features.
        best: The answers of the supervised network.

    Returns:
        The share, or None if `best` is not shown to be above `low`. With one unit there is no interval, and the means
        decide.
    """
    gap = difference_interval(best, low)
    single = len(best.rows_S) == 1
    if not (gap.mean if single else gap.low) > 0:
        return None
    mean = (ours.mean - low.mean) / gap.mean
    one, *others = (row.spread().scaled(weight / gap.mean) for row, weight in ((ours, 1.0), (low, 1 - mean), (best, mean)))
    error = one.less(others[0]).less(others[1]).error()
    return Interval(mean, mean - error, mean + error)
