"""Comparison of features by cross-validation.

The rows are whole sources, and each is tested once. Every penalty is selected inside the training part.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from hashlib import blake2b

import numpy as np

from torchcpc.baselines.words import Tfidf, normalised
from torchcpc.contracts import CPCError, Sources, Written, provides
from torchcpc.data.clips import Clip, Clips
from torchcpc.data.names import TEST
from torchcpc.data.splits import given_parts
from torchcpc.probes.columns import check_suited, column_values, test_roots
from torchcpc.probes.nested_cv import FoldedTask, columns, cross_validated, grouped_folds, joint_penalties, together
from torchcpc.probes.question import SUPERVISED_STEPS, ProbeSpec
from torchcpc.probes.result import Split
from torchcpc.probes.rows import ClipFeatures, ClipFrames, ClipRows, Rows, gather
from torchcpc.probes.seed_features import SeedFeatures
from torchcpc.probes.stored import RowStore, key_of
from torchcpc.probes.supervised import NAME, ROLE, SUPERVISED, supervised_row
from torchcpc.probes.table import Point, ProbeRow, stacked
from torchcpc.probes.task import SPLIT_PARTS, Labels, Task, check_classes
from torchcpc.probes.units import independent_units, source_noun
from torchcpc.settings import Settings

WORD_MEAN, TFIDF = "mean of word embeddings", "TF-IDF"


class CrossValidation:
    """A comparison of whole sources by cross-validation with the linear probe.

    It has the same methods as `SingleSplit`. For text, there are also rows of word features.

    Args:
        sources: The labelled sources.
        spec: The question.
        stride: The positions of one step.
        noun: The word for a source.

    Attributes:
        order: The representations. Others are compared with the first.
        probes: The names of the probes.
        validation: None, because there is no validation part.
        clips: The sources with a label, each as one clip.
        split: How the sources are divided.
        unit: What a row is.
        names: The classes by number.
        word_features: The names of features that only text has.
        training: The rows of the smallest training part.
    """

    order, probes = ("z", "c"), ("linear",)
    validation: int | None = None

    def __init__(self, sources: Sources, spec: ProbeSpec, stride: int, *, noun: str = "recording") -> None:
        self._task, rows, repeated = folded_task(sources, spec)
        self.clips = Clips(sources, [Clip.of(sources, i, 0, sources.length(i)) for i in rows])
        lengths = [clip.length for clip in self.clips.items]
        if short := [i for i, length in zip(rows, lengths, strict=True) if length < stride]:
            raise CPCError(
                f"{len(short)} sources are shorter than one step, {sources.items[short[0]].key} for instance: leave them out."
            )
        # The deviation of a single step is not defined.
        self._pool = "mean" if all(length < 2 * stride for length in lengths) else spec.pool
        self._texts = [" ".join(sources.text(i)) for i in rows] if provides(sources, Written) else None
        inner = [self._task.inner_count(fold) for fold in self._task.folds]
        span = (min(inner), max(inner))
        noun = source_noun(self.clips.sources, noun)
        if (self._task.fold_M >= 0).all():
            units = {spec.fold_by or noun: len(np.unique(self._task.source_M))}
            given = {"grouped_by": spec.fold_by, "units": units}
            self.split = Split("folds", folds=len(inner), inner_folds=span, repeated=repeated, **given)
        else:
            tested, others = (
                [i for i, fold in zip(rows, self._task.fold_M, strict=True) if (fold >= 0) == side] for side in (True, False)
            )
            given = test_roots(self.clips.sources, tested, others)
            units = independent_units(self.clips.sources, tested, others, named=spec.fold_by)
            # Identical test sources count as one unit, and so does each new group.
            self._task = replace(self._task, unit_M=together(self._task.source_M.tolist(), units.number_S[rows].tolist()))
            _, first = np.unique(self._task.test.independent_M, return_index=True)
            of_test = units.count(units.number_S[np.array(tested)[first]], noun)
            self.split = Split("column_folds", inner_folds=span, repeated=repeated, test_data=given, units=of_test)
        self.unit, self.names = noun, self._task.names
        self.word_features = () if self._texts is None else (WORD_MEAN, TFIDF)
        # The smallest training part, which includes the validation part.
        self.training = min(len(self._task.parts(fold)[0]) for fold in self._task.folds)

    def gather(self, clips: ClipFrames) -> tuple[ClipFeatures, ...]:
        """Return the rows of several features, whose frames come clip by clip."""
        return gather(dict.fromkeys(range(len(self.clips))), clips, pool=self._pool)

    @property
    def pooling(self) -> object:
        """How the frames of a source become one row."""
        return self._pool

    def answer(self, kind: str, own: SeedFeatures, store: RowStore) -> ProbeRow:
        """Return the row of one kind of features of one seed.

        Args:
            kind: The probe, one of `probes`.
            own: The features.
            store: Where rows are saved.
        """

        def fitted() -> ProbeRow:
            matrix_MD = self._matrix(own.make())
            answers = cross_validated([columns(matrix_MD)], self._task)
            return ProbeRow.of([answers], own.name, own.role, kind, matrix_MD.shape[1], self._task.test)

        return store.row(key_of(kind, own.key, self._task), fitted)

    def curve(self, own: SeedFeatures, store: RowStore) -> list[Point]:
        """Return no points, because only a single split has a curve."""
        return []

    def answer_from_words(self, wanted: Sequence[str], seeds: Sequence[SeedFeatures], store: RowStore) -> Iterator[ProbeRow]:
        """Yield the rows of features that are fitted inside each fold.

        These are TF-IDF, and CPC z together with TF-IDF.

        Args:
            wanted: The names of the wanted features.
            seeds: CPC z of each seed.
            store: Where rows are saved.
        """
        if self._texts is None or TFIDF not in wanted:
            return
        words, task = Tfidf(self._texts), self._task

        def alone() -> ProbeRow:
            return ProbeRow.of([cross_validated([words], task)], TFIDF, "handmade", "linear", None, task.test)

        yield (first := store.row(key_of(TFIDF, self._texts, task), alone))

        def both(own: SeedFeatures) -> ProbeRow:
            single = self.answer("linear", own, store)
            features = [columns(self._matrix(own.make())), words]
            answers = cross_validated(features, task, joint_penalties(single.answers(0), first.answers(0)))
            return ProbeRow.of([answers], f"{own.name} + {TFIDF}", "cpc", "linear", None, task.test, added_to=TFIDF)

        yield stacked([store.row(key_of(TFIDF, self._texts, own.key, task), partial(both, own)) for own in seeds])

    def supervised_updates(self, config: Settings, identity: str, seconds: float | None, store: RowStore) -> int:
        """Return a fixed number of updates, because the time of the run for each fold would be too much."""
        return SUPERVISED_STEPS

    def answer_supervised(self, config: Settings, identity: str, steps: int, seed: int, store: RowStore) -> ProbeRow:
        """Return the row of the network trained on the labels, of one seed.

        One inner fold of each training part is held out. It decides when to stop.

        Args:
            config: The settings of the run.
            identity: The key of its settings and of the clips.
            steps: The number of updates.
            seed: The seed.
            store: Where rows are saved.
        """
        task, predicted_M, training = self._task, np.full(len(self._task.y_M), -1), []

        def fitted(fold: int) -> ProbeRow:
            train, test = task.parts(fold)
            inner_M = task.inner_folds(fold)
            parts = dict(zip(SPLIT_PARTS, (train[inner_M > 0], train[inner_M == 0], test), strict=True))
            labels = [Labels(task.y_M[own], task.source_M[own]) for own in parts.values()]  # in the order of PARTS
            clips = {part: [ClipRows(int(i), None, task.y_M[[i]]) for i in own] for part, own in parts.items()}
            rows = Rows(Task(task.label, "recording", task.names, *labels, select_by=task.select_by), clips)
            return supervised_row(config, self.clips, rows, steps=steps, seed=seed)

        for fold in task.folds:
            row = store.row(key_of(SUPERVISED, identity, steps, seed, task, fold), partial(fitted, fold))
            predicted_M[task.parts(fold)[1]] = row.predicted_RM[0]
            training += row.training
        predicted_RM = predicted_M[None, task.fold_M >= 0]
        return ProbeRow(NAME, ROLE, "supervised", None, predicted_RM, task.test, (None,), training=tuple(training))

    def supervised_curve(self, config: Settings, identity: str, steps: int, seed: int, store: RowStore) -> list[Point]:
        """Return no points, as for other features."""
        return []

    def tested(self, made: ClipFeatures) -> tuple[np.ndarray, Labels]:
        """Return the tested rows of some features with their labels."""
        return self._matrix(made)[self._task.fold_M >= 0], self._task.test

    def tested_keys(self) -> list[str]:
        """Return the keys of the tested sources."""
        return [self.clips.items[row].key for row in np.flatnonzero(self._task.fold_M >= 0)]

    def chance(self, test: Labels) -> float:
        """Return the accuracy of always answering the most frequent training class."""
        return self._task.chance

    def _matrix(self, made: ClipFeatures) -> np.ndarray:
        return np.concatenate([made[clip] for clip in range(len(self.clips))])


def folded_task(sources: Sources, spec: ProbeSpec) -> tuple[FoldedTask, list[int], int]:
    """Make the task of a cross-validation.

    Identical sources share a fold. Texts count as identical if they differ in case and blanks only. Sources with the
    same value of `fold_by` share a fold, too.

    If the data have a test part (column split), that is the only fold. Training sources that it repeats are left out,
    and these are counted as repeated.

    Args:
        sources: The sources.
        spec: The question.

    Returns:
        The task, the sources that are its rows, and the number of repeated sources.

    Raises:
        CPCError: If the labels are not classes, or if a class has too few sources.
    """
    label, values = spec.label, column_values(sources, spec.label, "label")
    names = tuple(sorted(set(values) - {""}))
    check_classes(label, names, len(sources))
    check_suited(label, sources)
    parts, repeated = given_parts(sources), 0
    part = parts if parts and TEST in parts else []
    rows = [i for i, value in enumerate(values) if value and (not part or part[i])]
    content = {i: _content(sources, i) for i in rows}
    if part:
        tested = {content[i] for i in rows if part[i] == TEST}
        kept = [i for i in rows if part[i] == TEST or content[i] not in tested]
        rows, repeated = kept, len(rows) - len(kept)
    group_by = [[content[i] for i in rows]]
    if spec.fold_by:
        column = column_values(sources, spec.fold_by, "fold by")
        if missing := [i for i in rows if not column[i]]:
            raise CPCError(
                f"fold by {spec.fold_by!r}: {len(missing)} of {len(rows)} labelled sources have no value. Fill the column in."
            )
        group_by.append([column[i] for i in rows])
    group_M = together(*group_by)
    y_M = np.array([names.index(values[i]) for i in rows])
    if part:
        fold_M = np.array([0 if part[i] == TEST else -1 for i in rows])
        _check_given(label, names, y_M[fold_M < 0], y_M[fold_M == 0])
    else:
        assert spec.folds  # a cross-validation was asked for
        fold_M = grouped_folds(y_M, group_M, folds=spec.folds, names=names)
        repeated = len(y_M) - len(np.unique(group_M))
    return FoldedTask(label, names, y_M, group_M, fold_M, select_by=spec.select_by), rows, repeated


def _check_given(label: str, names: Sequence[str], train_M: np.ndarray, test_M: np.ndarray) -> None:
    """Check that the given training part has two classes and every class of the test part.

    Raises:
        CPCError: If it does not.
    """
    trained = np.unique(train_M)
    if len(trained) < 2:
        raise CPCError(
            f"label {label!r}: the training part (column split) has {len(trained)} classes among {len(train_M)} sources; a probe needs at "
            "least 2. Move sources from test to train, or leave the column out."
        )
    if missing := [names[k] for k in np.setdiff1d(test_M, trained)]:
        raise CPCError(
            f"label {label!r}: class {missing[0]!r} ({len(missing)} such) is in the test part (column split) and not in the training part. "
            "Move some of its sources to train, or leave that class out."
        )


def _content(sources: Sources, index: int) -> str:
    """Return a text that is equal for two sources if their content is the same to a probe."""
    if provides(sources, Written):
        return normalised(" ".join(sources.text(index)))
    return blake2b(sources.read(index, 0, sources.length(index)).tobytes(), digest_size=16).hexdigest()
