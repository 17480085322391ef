"""The verdict of a probe in words: CPC against the untrained network, handmade features, and the same network trained on
labels.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from torchcpc.probes.result import Difference, ProbeTable, RowSummary
from torchcpc.report import format
from torchcpc.results import Interval


class Rival(NamedTuple):
    """Features that CPC is compared with.

    Attributes:
        role: The role of their row.
        name: Their name in a sentence.
        missing: The sentence if there is no such row.
    """

    role: str
    name: str
    missing: str


RIVALS = (
    Rival("untrained", "the untrained network", "No untrained network was probed, so the gain by training is not known"),
    Rival("handmade", "the best handmade features", "No handmade features were probed"),
    Rival("supervised", "the same network trained on the labels", ""),
)


def headline(table: ProbeTable) -> RowSummary | None:
    """Return the CPC row that represents a table.

    It is the row that differences are paired with. If there are several, it is the one of the linear probe.
    """
    paired = {gap.features for gap in table.differences}
    candidates = [row for row in table.rows if row.role == "cpc"]
    return next((row for row in candidates if row.features in paired), candidates[0] if candidates else None)


def verdicts(table: ProbeTable) -> list[str]:
    """Return one sentence for the row that represents the table, then one for each rival."""
    own = headline(table)
    if own is None:
        return ["No CPC row was probed."]
    value = own.accuracy
    known = math.isfinite(value.low) and math.isfinite(value.high)
    within = f" (95 % interval {format.percent(value.low)} to {format.percent(value.high)})" if known else " (no interval)"
    chance = f"; chance is {format.percent(table.chance)}" if math.isfinite(table.chance) else ""
    found = [f"{named(own.features, own.probe)} reaches {format.percent(value.mean)}{within}{chance}."]
    for rival in RIVALS:
        gap = _against(table, own, rival.role)
        if gap is not None:
            row = "" if rival.role == "supervised" else named(gap.against, gap.probe)
            found.append(f"It is {compared(gap.accuracy, rival.name, row)}.")
        elif rival.missing and all(row.role != rival.role for row in table.rows):
            found.append(f"{rival.missing}.")
    return [*found, *(format.printable(gap.text()) for gap in table.gaps[:1])]


def short_verdict(table: ProbeTable) -> str:
    """Return the verdict in one sentence.

    An example is '93.9 % from CPC c, linear; better than the untrained network (+5.1 points, +3.1 to +7.2).'
    """
    own = headline(table)
    if own is None:
        return "no CPC row was probed."
    gaps = [(rival, _against(table, own, rival.role)) for rival in RIVALS[:2]]
    said = [compared(gap.accuracy, rival.name) for rival, gap in gaps if gap is not None]
    return "; ".join([f"{format.percent(own.accuracy.mean)} from {named(own.features, own.probe)}", *said]) + "."


def compared(gap: Interval, rival: str, row: str = "") -> str:
    """Return a paired difference in words.

    An example is 'not shown to differ from the untrained network (+0.4 points, -1.2 to +2.0)'.

    Args:
        gap: The difference with its interval.
        rival: The name of the rival in a sentence.
        row: The name of its row in the table.
    """
    size = f"{format.points(gap.mean)} points"
    whom = f"{rival}, {row}" if row else rival
    if not (math.isfinite(gap.low) and math.isfinite(gap.high)):
        side = "above" if gap.mean > 0 else "below" if gap.mean < 0 else "level with"
        return f"{side} {whom} on these test data ({size}); without an interval, no difference is shown"
    ends = f"({size}, {format.points(gap.low)} to {format.points(gap.high)})"
    if gap.low > 0:
        return f"better than {whom} {ends}"
    if gap.high < 0:
        return f"worse than {whom} {ends}"
    return f"not shown to differ from {whom} {ends}"


def row_name(row: RowSummary) -> str:
    """Return features and probe of a row, for example 'CPC c, linear'."""
    return format.printable(f"{row.features}, {row.probe}" if row.probe else row.features)


def named(features: str, probe: str) -> str:
    """Return features and probe for a sentence, for example 'CPC c (linear)'."""
    return format.printable(f"{features} ({probe})" if probe and probe != "supervised" else features)


def difference(table: ProbeTable, role: str) -> Difference | None:
    """Return how much the row that speaks for the table differs from its rival of this role; None without such a pair."""
    own = headline(table)
    return _against(table, own, role) if own else None


def _against(table: ProbeTable, own: RowSummary, role: str) -> Difference | None:
    """Return the paired difference to the row of this role that is closest to `own`.

    An untrained row is of the same part of the network. Of other rows, the most accurate one is taken.
    """
    rows = {(row.features, row.probe): row for row in table.rows if row.role == role}
    gaps = [(gap, rows[gap.against, gap.probe]) for gap in table.differences if (gap.against, gap.probe) in rows]
    gaps = [(gap, row) for gap, row in gaps if gap.features == own.features] or gaps
    alike = [(gap, row) for gap, row in gaps if row.probe == own.probe] or gaps
    part = own.features.rpartition(" ")[2]
    if role == "untrained":
        alike = [(gap, row) for gap, row in alike if row.features.rpartition(" ")[2] == part] or alike
    return max(alike, key=lambda pair: pair[1].accuracy.mean)[0] if alike else None
