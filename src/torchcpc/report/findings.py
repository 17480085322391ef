"""A sentence or two for each saved result: scores, ranks, boundaries and alarms."""

import math

from torchcpc.anomalies.result import AnomalyTable
from torchcpc.information.result import InformationTable, Timeline
from torchcpc.ranking.result import RankTable
from torchcpc.report import format
from torchcpc.report.verdict import compared
from torchcpc.results import Interval
from torchcpc.segmentation.result import SegmentRow, SegmentTable


def information(table: InformationTable) -> list[str]:
    """Return the calibrated mean PMI at the nearest and the farthest horizon."""
    if not table.rows:
        return ["No horizon was measured."]
    ends = dict.fromkeys((0, len(table.rows) - 1))
    said = [f"{_nats(table.rows[i].pmi)} about step k = {table.rows[i].k}" for i in ends]
    name = format.printable(table.estimand.name)
    return [
        f"On {format.printable(table.origin)}, a context gives {' and '.join(said)}.",
        f"This is the calibrated mean PMI, an estimate of {name}.",
    ]


def timeline(result: Timeline) -> list[str]:
    """Return the mean PMI along the source, and the cost of shuffling a part of it."""
    if not result.horizons:
        return []
    k, mean = result.horizons[0], result.mean[0]
    said = [f"Mean PMI at k = {k} is {format.nats(mean)} nats along {format.printable(result.source)}."]
    if (mixed := result.shuffled) is not None:
        cost, error = mixed.ordered_mean[0] - mixed.shuffled_mean[0], 1.96 * mixed.error[0]
        interval = Interval(cost, cost - error, cost + error)
        said.append(f"Shuffling steps {mixed.first} to {mixed.last} costs {_nats(interval)} at k = {k}.")
    return said


def ranking(table: RankTable) -> list[str]:
    """Return a comparison of CPC with the best other method, for each block of questions."""
    said = []
    for block in table.blocks:
        own = next((row for row in block.rows if row.role == "cpc"), None)
        others = [row for row in block.rows if row.role not in ("cpc", "chance") and row.gap is not None]
        if own is None:
            continue
        found = f"{_share(own.top1)} of true futures come first among {block.candidates} at k = {block.k}"
        best = max(others, key=lambda row: row.top1.mean, default=None)
        versus = f"; CPC is {compared(best.gap, format.printable(best.name))}" if best and best.gap else ""
        said.append(f"{format.printable(block.pool).capitalize()}: {found}{versus}.")
    return said


def segments(table: SegmentTable) -> list[str]:
    """Return the best curve of CPC and the best other one."""
    said = []
    for name, roles in (("Best CPC curve", ("cpc",)), ("Best other", ("handmade",))):
        rows = [row for row in table.rows if row.role in roles]
        if rows:
            best: SegmentRow = max(rows, key=lambda row: row.one_to_one.r_value.mean)
            quality = best.one_to_one
            said.append(
                f"{name}: {format.printable(f'{best.curve}, {best.threshold}')} with an R-value of {_share(quality.r_value)} and an F1 of "
                f"{_share(quality.f1)}."
            )
    return said


def anomalies(table: AnomalyTable) -> list[str]:
    """Return the share of alarms of each score, and how well it separates labelled rows."""
    said = []
    for row in table.rows:
        found = row.detection
        apart = f"; AUROC {_share(found.auroc)} and F1 {_share(found.f1)} on rows labelled {table.label!r}" if found else ""
        said.append(
            f"{format.printable(row.score).capitalize()}: alarms in {format.percent(row.alarms)} of rows{format.printable(apart)}."
        )
    return said


def _nats(value: Interval) -> str:
    if not (math.isfinite(value.low) and math.isfinite(value.high)):
        return f"{format.nats(value.mean)} nats (no interval)"
    shown = "" if value.low > 0 or value.high < 0 else ", not shown to differ from 0"
    return f"{format.nats(value.mean)} nats ({format.nats(value.low)} to {format.nats(value.high)}{shown})"


def _share(value: Interval) -> str:
    if not (math.isfinite(value.low) and math.isfinite(value.high)):
        return format.percent(value.mean)
    return f"{format.percent(value.mean)} ({format.percent(value.low)} to {format.percent(value.high)})"
