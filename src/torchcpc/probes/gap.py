"""The share of the gap between an untrained and a supervised network that CPC features close."""

from collections.abc import Sequence

from torchcpc.probes.result import GapClosed
from torchcpc.probes.table import ProbeRow
from torchcpc.results import Interval
from torchcpc.statistics.intervals import difference_interval, percentiles

_RESAMPLES = 2000


def gap_closed(rows: Sequence[ProbeRow]) -> GapClosed | None:
    """Of the first CPC row, by the untrained row of the same representation under the same probe and the supervised row. None where one of
    these is missing. The interval is of the ratio over the same resamples of seeds and test sources in all three rows."""
    ours = next((row for row in rows if row.role == "cpc"), None)
    best = next((row for row in rows if row.role == "supervised"), None)
    which = ours.features.rpartition(" ")[2] if ours else ""
    alike = (row for row in rows if ours and row.role == "untrained" and row.probe == ours.probe)
    low = next((row for row in alike if row.features.rpartition(" ")[2] == which), None)
    if not ours or not best or not low:
        return None
    names = (ours.features, low.features, best.features)
    gap = difference_interval(best.hits, low.hits)
    single = len(best.hits.rows_S) == 1  # of one unit there is no interval
    if not (gap.mean if single else gap.low) > 0:
        return GapClosed(*names, None)
    mean = (ours.hits.mean - low.hits.mean) / gap.mean
    if single:
        return GapClosed(*names, Interval(mean, float("nan"), float("nan")))
    ours_Q, low_Q, best_Q = (row.hits.resampled(resamples=_RESAMPLES, seed=0) for row in (ours, low, best))
    return GapClosed(*names, Interval(mean, *percentiles((ours_Q - low_Q) / (best_Q - low_Q))))
