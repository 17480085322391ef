"""Rows and curves as a table: the structure of probe.json, and text for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from torchcpc.probes.label_efficiency import Point
from torchcpc.probes.nested_cv import Crossed
from torchcpc.probes.probe_result import Row
from torchcpc.probes.task import Task
from torchcpc.statistics.intervals import accuracy_interval, difference_interval
from torchcpc.statistics.macro_f1 import Confusions, macro_f1_difference, macro_f1_interval


def table(task: Task | Crossed, rows: Sequence[Row], points: Sequence[Point] = ()) -> dict[str, Any]:
    """One entry of probe.json's "tables". Accuracies are shares; low and high bound the 95 % interval over seeds and test
    sources.

    "macro_f1" is that of each row, with its interval, and the F1 of each class that the test has ("f1"): `evaluation.macro_f1`.
    "differences" compares every row with the first CPC row (the first whose features are named "CPC ...") of the same probe, or
    of any probe where none has the same: that row less the other, paired; a row "CPC ... + X" is compared with X, too. A table without
    CPC rows has none.
    """
    return {
        "label": task.label,
        "unit": task.unit,
        "classes": task.classes,
        "chance": task.chance,
        **task.sizes,
        "split": task.split,
        "rows": [_row(row, task) for row in rows],
        "differences": _differences(rows, task),
        "efficiency": [
            {"features": p.features, "labels_per_class": p.labels_per_class or "all", **asdict(accuracy_interval(p.hits))}
            for p in points
        ],
    }


def text(entry: Mapping[str, Any]) -> str:
    """The table for a terminal, best row first, in percent; a plus or minus before the difference to the CPC row."""
    # The first of two with one row is the one with the CPC row; the other is told below the table.
    gaps = {(gap["against"], gap["probe"]): gap for gap in reversed(entry["differences"])}
    added = [gap for gap in entry["differences"] if gap is not gaps[gap["against"], gap["probe"]]]
    head = (
        "features",
        "probe",
        "columns",
        "accuracy %",
        "95 % interval",
        "seeds",
        "CPC less this",
        "macro-F1 %",
        "95 % interval",
    )
    lines: list[tuple[str, ...]] = [(*head, "CPC less this")]
    for row in sorted(entry["rows"], key=lambda row: -row["mean"]):
        gap = gaps.get((row["features"], row["probe"]))
        lines.append(
            (
                row["features"],
                row["probe"],
                "-" if row["dim"] is None else str(row["dim"]),
                f"{100 * row['mean']:.1f}",
                f"{100 * row['low']:.1f} to {100 * row['high']:.1f}",
                str(len(row["accuracies"])),
                _signed(gap),
                f"{100 * row['macro_f1']['mean']:.1f}" if row["macro_f1"] else "-",
                f"{100 * row['macro_f1']['low']:.1f} to {100 * row['macro_f1']['high']:.1f}" if row["macro_f1"] else "-",
                _signed(gap and gap["macro_f1"]),
            )
        )
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    head = (
        f"{entry['label']}: {entry['test']} test {entry['unit']}s, {entry['classes']} classes, "
        f"always the commonest {100 * entry['chance']:.1f} %; {entry['split']}"
    )
    body = ("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines)
    return "\n".join(
        [head, *body, *(f"{gap['features']} less {gap['against']}, {gap['probe']}: {_signed(gap)}" for gap in added)]
    )


def _signed(gap: Mapping[str, Any] | None) -> str:
    return f"{100 * gap['mean']:+.1f} ({100 * gap['low']:+.1f} to {100 * gap['high']:+.1f})" if gap else ""


def _confusions(row: Row, task: Task | Crossed) -> Confusions | None:
    return None if row.predicted_RM is None else Confusions.of(row.predicted_RM, task.test.y_M, row.source_M)


def _row(row: Row, task: Task | Crossed) -> dict[str, Any]:
    found = _confusions(row, task)
    present = np.unique(task.test.y_M)
    # One number stands for the row only where all seeds chose the same penalty; the list has them all.
    return {
        "features": row.features,
        "probe": row.probe,
        "dim": row.dim,
        "accuracies": list(row.accuracies),
        **asdict(accuracy_interval(row.hits)),
        "penalty": row.penalties[0] if len(set(row.penalties)) == 1 else None,
        "penalties": list(row.penalties),
        "macro_f1": asdict(macro_f1_interval(found)) if found else None,
        "f1": dict(zip((task.names[n] for n in present), found.per_class.tolist(), strict=True)) if found else None,
    }


def _differences(rows: Sequence[Row], task: Task | Crossed) -> list[dict[str, Any]]:
    candidates = [row for row in rows if row.features.startswith("CPC")]
    pairs = []
    for row in rows if candidates else ():
        ours = next((each for each in candidates if each.probe == row.probe), candidates[0])
        if ours is not row:
            pairs.append((ours, row))
    for ours in candidates:
        added = ours.features.partition(" + ")[2]
        pairs += [(ours, row) for row in rows if added and (row.features, row.probe) == (added, ours.probe)]
    return [_difference(ours, row, task) for ours, row in pairs]


def _difference(ours: Row, row: Row, task: Task | Crossed) -> dict[str, Any]:
    gap = difference_interval(ours.hits, row.hits)
    one, other = _confusions(ours, task), _confusions(row, task)
    macro = asdict(macro_f1_difference(one, other)) if one and other else None
    pair = {"features": ours.features, "against": row.features, "probe": row.probe}
    return {**pair, **asdict(gap), "macro_f1": macro}
