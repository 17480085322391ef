"""A comparison by one split into training, validation and test, or by several, each of which tests on another group."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from torchcpc.contracts import CPCError, Sources, check_choice
from torchcpc.probes.classifier import mlp_probe
from torchcpc.probes.columns import column_values
from torchcpc.probes.linear import efficiency, linear_probe
from torchcpc.probes.question import ProbeRows, ProbeSpec
from torchcpc.probes.row_keys import row_keys
from torchcpc.probes.rows import ClipFeatures, ClipFrames, Rows, each_test, gather, label_rows, split_clips
from torchcpc.probes.seed_features import SeedFeatures
from torchcpc.probes.stored import RowStore, key_of
from torchcpc.probes.supervised import supervised_points, supervised_row
from torchcpc.probes.table import Point, ProbeRow, joined_points, joined_row
from torchcpc.probes.task import Answers, Features, Labels, Task
from torchcpc.probes.units import source_noun
from torchcpc.settings import Settings

PROBES: dict[str, Callable[[Features, Task], Answers]] = {"linear": linear_probe, "MLP": mlp_probe}


def probe(features: Sequence[Features], task: Task, *, kind: str = "linear", role: str = "cpc") -> ProbeRow:
    """Fits, selects and answers with each of `features`: one kind of features from models of different seeds (handmade: one entry).
    Raises CPCError for an unknown `kind`, features of different names or sizes, and features that do not fit the task."""
    check_choice("probe", kind, PROBES)
    if len({(own.name, own.dim) for own in features}) != 1:
        found = ", ".join(f"{own.name!r} of {own.dim} columns" for own in features) or "none"
        raise CPCError(f"a row is one kind of features from several seeds, but these are {found}; make a row for each kind.")
    return ProbeRow.of([PROBES[kind](own, task) for own in features], features[0].name, role, kind, features[0].dim, task.test)


class SingleSplit:
    """Rows of clips, under every probe of `rows` and with its efficiency curve. A design says how clips are divided and features of
    them judged. order: the representations, first the one that others are compared with; unit: what a row is; names: the classes by
    number; word_features: names of the features that only text has; training, validation: rows. Rows are kept in a store, and fitted
    where it lacks them."""

    order = ("c", "z")
    word_features = ()

    def __init__(self, sources: Sources, spec: ProbeSpec, rows: ProbeRows, stride: int, *, noun: str = "recording") -> None:
        splits = [split_clips(sources, own) for own in each_test(sources, spec)]
        # Testing on a value or another moves clips between the parts, and changes none of them.
        self.clips = splits[0].clips
        steps = [self.clips.length(i) // stride for i in range(len(self.clips))]
        self._asked = [label_rows(split, spec, steps, stride / sources.rate) for split in splits]
        self._pool, self._rows, self._curve, self._stride = spec.pool, rows, rows.curve or (), stride
        self._groups = column_values(self.clips, spec.standardise_by, "standardise by") if spec.standardise_by else None
        first, split, noun = self._asked[0].task, splits[0].split, source_noun(sources, noun)
        if len(splits) > 1:
            self.split = replace(split, value="", units={split.column: len(splits)})
        else:
            self.split = replace(split, units=splits[0].units.count(first.test.independent_M, noun))
        # A clip for each event has one row, its last step.
        self.unit = "clip" if spec.per_event or (spec.clip_seconds and not spec.by_frame) else first.unit
        self.unit, self.names = noun if self.unit == "recording" else self.unit, first.names
        self.training, self.validation = len(first.train.y_M), len(first.validation.y_M)
        for kind in self.probes:
            check_choice("probes", kind, PROBES)

    def gather(self, clips: ClipFrames) -> tuple[ClipFeatures, ...]:
        """The rows of several features that come side by side, as (number of the clip, their frames [T, D])."""
        steps = {clip: own for rows in self._asked for clip, own in rows.steps.items()}
        return gather(steps, clips, pool=self._pool, groups=self._groups)

    @property
    def pooling(self) -> object:
        """What makes rows of the frames of clips, beside the clips and labels."""
        return (
            self._pool,
            self._groups,
            [[(own.clip, own.steps) for part in rows.clips.values() for own in part] for rows in self._asked],
        )

    @property
    def probes(self) -> Sequence[str]:
        return self._rows.probes or tuple(PROBES)

    def answer(self, kind: str, own: SeedFeatures, store: RowStore) -> ProbeRow:
        """The row of one kind of features, of one seed."""
        return joined_row(self._answered(kind, own, store))

    def _answered(self, kind: str, own: SeedFeatures, store: RowStore) -> list[ProbeRow]:
        """That row in each of the splits."""

        def fitted(rows: Rows) -> ProbeRow:
            return probe([rows.features(own.name, own.make())], rows.task, kind=kind, role=own.role)

        return [store.row(key_of(kind, own.key, rows.task), partial(fitted, rows)) for rows in self._asked]

    def curve(self, own: SeedFeatures, store: RowStore) -> list[Point]:
        """Its label-efficiency curve under the linear probe, of one seed."""

        def fitted(rows: Rows, row: ProbeRow, point: int) -> list[Point]:
            features, facts = [rows.features(own.name, own.make())], {"points": [point], "draws": self._rows.draws}
            return efficiency(features, rows.task, all_labels=row, **facts)[:-1]

        key = partial(key_of, "curve", own.key, self._rows.draws)
        return self._curves(self._answered("linear", own, store), key, fitted, store)

    def _curves(
        self,
        answered: Sequence[ProbeRow],
        key: Callable[[object, int], str],
        fitted: Callable[[Rows, ProbeRow, int], Sequence[Point]],
        store: RowStore,
    ) -> list[Point]:
        """The points of all splits, and at their end what was answered from all labels. key: of a task and a point."""
        curves = []
        for rows, row in zip(self._asked, answered, strict=True):
            points = [store.points(key(rows.task, point), partial(fitted, rows, row, point)) for point in self._curve]
            curves.append([*(point for own in points for point in own), Point(row.features, row.role, None, row.hits)])
        return joined_points(curves)

    def answer_from_words(self, wanted: Sequence[str], seeds: Sequence[SeedFeatures], store: RowStore) -> Iterator[ProbeRow]:
        """The rows of those `word_features` that are fitted anew in each training part."""
        yield from ()

    def answer_supervised(self, config: Settings, identity: str, steps: int, seed: int, store: RowStore) -> ProbeRow:
        """The row of the same network trained on the labels, from one seed. identity: the key of its settings and of the clips."""
        return joined_row(self._supervised(config, identity, steps, seed, store))

    def _supervised(self, config: Settings, identity: str, steps: int, seed: int, store: RowStore) -> list[ProbeRow]:
        def fitted(rows: Rows) -> ProbeRow:
            return supervised_row(config, self.clips, rows, steps=steps, seed=seed)

        key = partial(key_of, "supervised", identity, steps, seed)
        return [store.row(key(rows.task), partial(fitted, rows)) for rows in self._asked]

    def supervised_curve(self, config: Settings, identity: str, steps: int, seed: int, store: RowStore) -> list[Point]:
        """The curve of that network, of one seed."""

        def fitted(rows: Rows, row: ProbeRow, point: int) -> list[Point]:
            return supervised_points(config, self.clips, rows, all_labels=row, points=[point], steps=steps, seed=seed)[:-1]

        key = partial(key_of, "supervised curve", identity, steps, seed)
        return self._curves(self._supervised(config, identity, steps, seed, store), key, fitted, store)

    def tested(self, made: ClipFeatures) -> tuple[np.ndarray, Labels]:
        """Test rows of some features, for a map."""
        return self._asked[0].features("", made).test, self._asked[0].task.test

    def tested_keys(self) -> list[str]:
        """What those rows are called."""
        return row_keys(self.clips, self._asked[0].clips["test"], self._stride)

    def chance(self, test: Labels) -> float:
        """Accuracy of always answering the commonest training class."""
        return float(np.mean(test.y_M == np.bincount(self._asked[0].task.train.y_M).argmax()))
