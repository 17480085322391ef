"""The same network trained on the labels of a probe's task, on all of them and on as few as the points of the efficiency curve."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from torchcpc.data.clips import Clips
from torchcpc.probes.classifier import Updates
from torchcpc.probes.label_efficiency import label_draws
from torchcpc.probes.labelled import LabelledClips
from torchcpc.probes.probe_result import Answers, Point, ProbeRow
from torchcpc.probes.rows import ClipRows, Rows
from torchcpc.probes.supervised import supervised
from torchcpc.runs.build import build
from torchcpc.settings import Settings
from torchcpc.statistics.intervals import Hits

NAME = {"features": "same network", "role": "supervised"}


def supervised_row(config: Settings, clips: Clips, rows: Rows, *, steps: int, seeds: int) -> ProbeRow:
    """The same network trained on the labels from end to end, from as many seeds as the untrained rows."""
    answers = [_trained(config, clips, rows, rows.clips["train"], seed=seed, steps=steps) for seed in range(seeds)]
    return ProbeRow.of(answers, **NAME, probe="supervised", dim=None, test=rows.task.test)


def supervised_points(
    config: Settings, clips: Clips, rows: Rows, *, all_labels: ProbeRow, points: Sequence[int], steps: int, seeds: int
) -> list[Point]:
    """Its efficiency curve: at each number of labels per class, each seed learns from the draw of that number, the first `seeds`
    draws that the other rows of the curve use. The weights kept are those best on the whole validation part, whose labels are not
    counted: the curve leans towards this row. Labels of whole sources only."""
    task, curve = rows.task, []
    for per_class in (point for point in points if point < int(np.bincount(task.train.y_M).max())):
        correct = []
        for seed, drawn in enumerate(label_draws(task.train, per_class=per_class, draws=seeds)):
            train = [rows.clips["train"][place] for place in drawn]
            correct.append(_trained(config, clips, rows, train, seed=seed, steps=steps).correct_M)
        curve.append(Point(**NAME, labels_per_class=per_class, hits=Hits.of(np.stack(correct), task.test.source_M)))
    return [*curve, Point(**NAME, labels_per_class=None, hits=all_labels.hits)]


def _trained(config: Settings, clips: Clips, rows: Rows, train: Sequence[ClipRows], *, seed: int, steps: int) -> Answers:
    """One network that learns from the clips of `train`."""
    model, task = build(config, seed=20_000 + seed), rows.task
    learned, validation, test = (
        LabelledClips(clips, model.encoder, own, seed) for own in (train, rows.clips["validation"], rows.clips["test"])
    )
    return supervised(
        model,
        learned.draw,
        validation.batches(),
        test.batches(),
        unit=task.unit,
        classes=task.classes,
        # Recurrent contexts that are trained from labels alone now and then take a step too far: hence the clip.
        updates=Updates(steps, clip=1.0, warmup=50),
        judge=task.judge,
        weight_K=task.weight_K(np.concatenate([own.y for own in train])),
        seed=seed,
    )
