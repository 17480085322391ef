"""The share of the gap between an untrained and a supervised network that CPC features close."""

from collections.abc import Sequence

from torchcpc.probes.result import GapClosed
from torchcpc.probes.table import ProbeRow
from torchcpc.results import Interval
from torchcpc.statistics.intervals import difference_interval


def gap_closed(rows: Sequence[ProbeRow]) -> GapClosed | None:
    """Return the share of the gap that the first CPC row closes.

    The lower end is the untrained row of the same representation with the same probe, and the upper end is the
    supervised row. The interval is that of a ratio of paired differences.

    Args:
        rows: The rows of a table.

    Returns:
        The share, or None if one of the three rows is missing.
    """
    ours = next((row for row in rows if row.role == "cpc"), None)
    best = next((row for row in rows if row.role == "supervised"), None)
    which = ours.features.rpartition(" ")[2] if ours else ""
    alike = (row for row in rows if ours and row.role == "untrained" and row.probe == ours.probe)
    low = next((row for row in alike if row.features.rpartition(" ")[2] == which), None)
    if not ours or not best or not low:
        return None
    names = (ours.features, low.features, best.features)
    gap = difference_interval(best.hits, low.hits)
    single = len(best.hits.rows_S) == 1  # one unit has no interval
    if not (gap.mean if single else gap.low) > 0:
        return GapClosed(*names, None)
    mean = (ours.hits.mean - low.hits.mean) / gap.mean
    # Near the estimate, the ratio is linear in the three rows.
    parts = ((ours, 1.0), (low, 1 - mean), (best, mean))
    one, *others = (row.hits.spread().scaled(weight / gap.mean) for row, weight in parts)
    error = one.less(others[0]).less(others[1]).error()
    return GapClosed(*names, Interval(mean, mean - error, mean + error))
