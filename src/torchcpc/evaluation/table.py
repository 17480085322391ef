"""Rows and curves as a table: the structure of probe.json, and text for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from torchcpc.evaluation.efficiency import Point
from torchcpc.evaluation.intervals import accuracy_interval, difference_interval
from torchcpc.evaluation.score import Row
from torchcpc.evaluation.task import Task


def table(task: Task, rows: Sequence[Row], points: Sequence[Point] = ()) -> dict[str, Any]:
    """One entry of probe.json's "tables". Accuracies are shares; low and high bound the 95 % interval over seeds and test
    sources.

    "differences" compares every row with the first CPC row (the first whose features are named "CPC ...") of the same probe, or
    of any probe where none has the same: that row less the other, paired. A table without CPC rows has none.
    """
    return {
        "label": task.label,
        "unit": task.unit,
        "classes": task.classes,
        "chance": task.chance,
        "train": len(task.train.y_M),
        "validation": len(task.validation.y_M),
        "test": len(task.test.y_M),
        "split": task.split,
        "rows": [_row(row) for row in rows],
        "differences": _differences(rows),
        "efficiency": [
            {"features": p.features, "labels_per_class": p.labels_per_class or "all", **asdict(accuracy_interval(p.hits))}
            for p in points
        ],
    }


def text(entry: Mapping[str, Any]) -> str:
    """The table for a terminal, best row first, in percent; a plus or minus before the difference to the CPC row."""
    gaps = {(gap["against"], gap["probe"]): gap for gap in entry["differences"]}
    lines = [("features", "probe", "columns", "accuracy %", "95 % interval", "seeds", "CPC less this")]
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
                f"{100 * gap['mean']:+.1f} ({100 * gap['low']:+.1f} to {100 * gap['high']:+.1f})" if gap else "",
            )
        )
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    head = (
        f"{entry['label']}: {entry['test']} test {entry['unit']}s, {entry['classes']} classes, "
        f"always the commonest {100 * entry['chance']:.1f} %; {entry['split']}"
    )
    body = ("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines)
    return "\n".join([head, *body])


def _row(row: Row) -> dict[str, Any]:
    # One number stands for the row only where all seeds chose the same penalty; the list has them all.
    return {
        "features": row.features,
        "probe": row.probe,
        "dim": row.dim,
        "accuracies": list(row.accuracies),
        **asdict(accuracy_interval(row.hits)),
        "penalty": row.penalties[0] if len(set(row.penalties)) == 1 else None,
        "penalties": list(row.penalties),
    }


def _differences(rows: Sequence[Row]) -> list[dict[str, Any]]:
    candidates = [row for row in rows if row.features.startswith("CPC")]
    differences = []
    for row in rows if candidates else ():
        ours = next((each for each in candidates if each.probe == row.probe), candidates[0])
        if ours is not row:
            gap = difference_interval(ours.hits, row.hits)
            differences.append({"features": ours.features, "against": row.features, "probe": row.probe, **asdict(gap)})
    return differences
