"""A comparison by cross-validation: whole sources, each tested once, every penalty selected inside the training part."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from torchcpc.baselines.words import Tfidf
from torchcpc.contracts import CPCError, Sources, Written, provides
from torchcpc.data.clips import Clip, Clips
from torchcpc.probes.folded_task import folded_task
from torchcpc.probes.nested_cv import Beside, Columns, FoldFeatures, beside, cross_validated, grid
from torchcpc.probes.probe_result import Answers, Point, ProbeRow
from torchcpc.probes.question import ProbeSpec
from torchcpc.probes.result import Split
from torchcpc.probes.rows import ClipFeatures, ClipRows, Rows, gather
from torchcpc.probes.supervised_rows import NAME, supervised_row
from torchcpc.probes.task import PARTS, Labels, Task
from torchcpc.settings import Settings

WORD_MEAN, TFIDF = "mean of word embeddings", "TF-IDF"


class CrossValidation:
    """Rows of whole sources under the linear probe: a `compare.Design`. Sources that are text have rows of their words, too."""

    order: tuple[str, str] = ("z", "c")
    validation: int | None = None

    def __init__(self, sources: Sources, spec: ProbeSpec, stride: int) -> None:
        self._task, rows, repeated = folded_task(sources, spec)
        self.clips = Clips(sources, [Clip.of(sources, i, 0, sources.length(i)) for i in rows])
        lengths = [clip.length for clip in self.clips.clips]
        if short := [i for i, length in zip(rows, lengths, strict=True) if length < stride]:
            raise CPCError(
                f"{len(short)} sources are shorter than one step, {sources.items[short[0]].key} for instance: leave them out."
            )
        # A source of one step has no deviation.
        self._pool = "mean" if all(length < 2 * stride for length in lengths) else spec.pool
        self._texts = [" ".join(sources.text(i)) for i in rows] if provides(sources, Written) else None
        self._answered: dict[str, list[tuple[Columns, Answers]]] = {}
        inner = [self._task.inner_count(fold) for fold in self._task.folds]
        kind = "folds" if (self._task.fold_M >= 0).all() else "column_folds"
        self.split = Split(
            kind,
            folds=len(inner) if kind == "folds" else 0,
            inner_folds=(min(inner), max(inner)),
            grouped_by=spec.fold_by if kind == "folds" else "",
            repeated=repeated,
        )
        self.unit, self.names = "recording" if self._texts is None else "sentence", self._task.names
        self.training, self.points = self._task.smallest_training_part, list[Point]()

    @property
    def word_features(self) -> tuple[str, ...]:
        return (WORD_MEAN, TFIDF) if self._texts is not None else ()

    def gather(self, clips: Iterable[tuple[int, Sequence[np.ndarray]]]) -> tuple[ClipFeatures, ...]:
        return gather(dict.fromkeys(range(len(self.clips))), clips, pool=self._pool)

    def answer(self, name: str, role: str, seeds: Sequence[ClipFeatures]) -> list[ProbeRow]:
        features = [Columns(self._matrix(made)) for made in seeds]
        answers = [cross_validated(own, self._task, grid) for own in features]
        self._answered[name] = list(zip(features, answers, strict=True))
        return [self._row(name, role, answers, features[0].dim)]

    def answer_from_words(self, wanted: Sequence[str]) -> list[ProbeRow]:
        """The rows of features that are fitted inside each fold: TF-IDF, and CPC z beside it."""
        if self._texts is None or TFIDF not in wanted:
            return []
        words: FoldFeatures = Tfidf(self._texts)
        alone = cross_validated(words, self._task, grid)
        both = [
            cross_validated(Beside([own, words]), self._task, beside(answers, alone))
            for own, answers in self._answered["CPC z"]
        ]
        rows = self._row(TFIDF, "handmade", [alone], None), self._row(f"CPC z + {TFIDF}", "cpc", both, None, added_to=TFIDF)
        return list(rows)

    def answer_supervised(self, config: Settings, steps: int, seeds: int) -> ProbeRow:
        """The network trained on the labels of each training part, less an inner fold that says when to stop."""
        task, predicted_RM = self._task, np.full((seeds, len(self._task.y_M)), -1)
        for fold in task.folds:
            train, test = task.parts(fold)
            inner_M = task.inner_folds(fold)
            parts = dict(zip(PARTS, (train[inner_M > 0], train[inner_M == 0], test), strict=True))
            labels = [Labels(task.y_M[own], task.source_M[own]) for own in parts.values()]  # in the order of PARTS
            asked = Task(task.label, "recording", task.names, *labels, select_by=task.select_by)
            clips = {part: [ClipRows(int(i), None, task.y_M[[i]]) for i in own] for part, own in parts.items()}
            predicted_RM[:, test] = supervised_row(
                config, self.clips, Rows(asked, clips), steps=steps, seeds=seeds
            ).predicted_RM
        tested_RM = predicted_RM[:, task.fold_M >= 0]
        return ProbeRow(**NAME, probe="supervised", dim=None, predicted_RM=tested_RM, test=task.test, penalties=(None,) * seeds)

    def tested(self, made: ClipFeatures) -> tuple[np.ndarray, Labels]:
        return self._matrix(made)[self._task.fold_M >= 0], self._task.test

    def chance(self, test: Labels) -> float:
        return self._task.chance

    def _matrix(self, made: ClipFeatures) -> np.ndarray:
        return np.concatenate([made[clip] for clip in range(len(self.clips))])

    def _row(self, name: str, role: str, answers: Sequence[Answers], dim: int | None, *, added_to: str = "") -> ProbeRow:
        return ProbeRow.of(answers, features=name, role=role, probe="linear", dim=dim, test=self._task.test, added_to=added_to)
