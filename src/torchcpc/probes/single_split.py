"""A comparison by one split into training, validation and test, or by several, each of which tests on another group."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from torchcpc.contracts import Sources
from torchcpc.probes.folds import joined_points, joined_row
from torchcpc.probes.label_efficiency import efficiency
from torchcpc.probes.probe import PROBES, probe
from torchcpc.probes.probe_result import Point, ProbeRow
from torchcpc.probes.question import ProbeRows, ProbeSpec
from torchcpc.probes.rows import ClipFeatures, gather, label_rows
from torchcpc.probes.split_clips import each_test, split_clips
from torchcpc.probes.supervised_rows import supervised_points, supervised_row
from torchcpc.probes.task import Labels
from torchcpc.settings import Settings


class SingleSplit:
    """Rows of clips, under every probe of `rows` and with its efficiency curve: a `compare.Design`.

    points: those of the curves of all features answered so far.
    """

    order: tuple[str, str] = ("c", "z")
    word_features: tuple[str, ...] = ()

    def __init__(self, sources: Sources, spec: ProbeSpec, rows: ProbeRows, stride: int) -> None:
        splits = [split_clips(sources, own) for own in each_test(sources, spec)]
        # Testing on a value or another moves clips between the parts, and changes none of them.
        self.clips = splits[0].clips
        steps = [self.clips.length(i) // stride for i in range(len(self.clips))]
        self._asked = [label_rows(split, spec, steps, stride / sources.rate) for split in splits]
        self._spec, self._rows = spec, rows
        self._curve = rows.curve or ()
        column = sources.labels(spec.standardise_by) if spec.standardise_by else None
        self._groups = column and [column[clip.source] for clip in self.clips.clips]
        self.split = replace(splits[0].split, value="") if len(splits) > 1 else splits[0].split
        first = self._asked[0].task
        self.unit, self.names = first.unit, first.names
        self.training = len(first.train.y_M)
        self.validation: int | None = len(first.validation.y_M)
        self._commonest = int(np.bincount(first.train.y_M).argmax())
        self.points: list[Point] = []

    def gather(self, clips: Iterable[tuple[int, Sequence[np.ndarray]]]) -> tuple[ClipFeatures, ...]:
        steps = {clip: own for rows in self._asked for clip, own in rows.steps.items()}
        return gather(steps, clips, pool=self._spec.pool, groups=self._groups)

    def answer(self, name: str, role: str, seeds: Sequence[ClipFeatures]) -> list[ProbeRow]:
        found = []
        folds = [([rows.features(name, made) for made in seeds], rows.task) for rows in self._asked]
        for kind in self._rows.probes or tuple(PROBES):
            answered = [probe(features, task, kind=kind, role=role) for features, task in folds]
            found.append(joined_row(answered))
            if self._curve and kind == "linear":
                curves = [
                    efficiency(features, task, all_labels=row, points=self._curve, draws=self._rows.draws)
                    for (features, task), row in zip(folds, answered, strict=True)
                ]
                self.points += joined_points(curves)
        return found

    def answer_from_words(self, wanted: Sequence[str]) -> list[ProbeRow]:
        return []

    def answer_supervised(self, config: Settings, steps: int, seeds: int) -> ProbeRow:
        answered = [supervised_row(config, self.clips, rows, steps=steps, seeds=seeds) for rows in self._asked]
        if self._rows.supervised_curve:
            curves = [
                supervised_points(config, self.clips, rows, all_labels=row, points=self._curve, steps=steps, seeds=seeds)
                for rows, row in zip(self._asked, answered, strict=True)
            ]
            self.points += joined_points(curves)
        return joined_row(answered)

    def tested(self, made: ClipFeatures) -> tuple[np.ndarray, Labels]:
        return self._asked[0].features("", made).test, self._asked[0].task.test

    def chance(self, test: Labels) -> float:
        return float(np.mean(test.y_M == self._commonest))
