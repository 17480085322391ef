"""The same network trained on the labels of a probe's task, on all of them and on as few as the points of the efficiency curve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from torchcpc.data.clips import Clips
from torchcpc.probes.label_efficiency import Point, label_draws
from torchcpc.probes.labelled import LabelledSources
from torchcpc.probes.probe_result import Row, Score
from torchcpc.probes.rows import Rows
from torchcpc.probes.supervised import supervised
from torchcpc.probes.task import PARTS
from torchcpc.runs.saved import build
from torchcpc.statistics.intervals import Hits

NAME = "same network"


def supervised_row(config: Mapping[str, Any], clips: Clips, rows: Rows, *, steps: int, seeds: int) -> Row:
    """The same network trained on the labels from end to end, from as many seeds as the untrained rows."""
    scores = [_trained(config, clips, rows, seed=seed, steps=steps) for seed in range(seeds)]
    return Row.of(scores, features=NAME, probe="supervised", dim=None, source_M=rows.task.test.source_M)


def supervised_points(
    config: Mapping[str, Any], clips: Clips, rows: Rows, *, all_labels: Row, points: Sequence[int], steps: int, seeds: int
) -> list[Point]:
    """Its efficiency curve: at each number of labels per class, each seed learns from the draw of that number, the first `seeds`
    draws that the other rows of the curve use. The weights kept are those best on the whole validation part, whose labels are not
    counted: the curve leans towards this row. Labels of whole sources only."""
    task = rows.task
    commonest = int(np.bincount(task.train.y_M).max())
    curve = []
    for per_class in (point for point in points if point < commonest):
        sets = label_draws(task.train, per_class=per_class, draws=seeds)
        scores = [_trained(config, clips, rows, seed=seed, steps=steps, kept=kept) for seed, kept in enumerate(sets)]
        curve.append(Point(NAME, per_class, Hits.of(np.stack([score.correct_M for score in scores]), task.test.source_M)))
    return [*curve, Point(NAME, None, all_labels.hits)]


def _trained(
    config: Mapping[str, Any], clips: Clips, rows: Rows, *, seed: int, steps: int, kept: np.ndarray | None = None
) -> Score:
    """One network; kept: positions of the training sources that it may learn from (None: all)."""
    model, task = build(dict(config), seed=20_000 + seed), rows.task
    places: dict[str, list[int]] = {name: list(range(len(rows.chosen[name]))) for name in PARTS}
    if kept is not None:
        places["train"] = kept.tolist()
    used = {
        name: LabelledSources(
            clips,
            model.encoder,
            [rows.chosen[name][place][0] for place in places[name]],
            [rows.chosen[name][place][1] for place in places[name]],
            [rows.y[name][place] for place in places[name]],
            seed=seed,
        )
        for name in PARTS
    }
    parts = (used["train"].draw, used["validation"].batches(), used["test"].batches())
    y_M = np.concatenate([rows.y["train"][place] for place in places["train"]])
    settings = {"choose_by": task.choose_by, "weight_K": task.weight_K(y_M)}
    return supervised(model, *parts, unit=task.unit, classes=task.classes, steps=steps, seed=seed, **settings)
