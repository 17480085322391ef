"""Comparison of features by one split into training, validation and test, or by several splits that test on one group
each.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from torchcpc.contracts import CPCError, Sources, check_choice
from torchcpc.probes.classifier import mlp_probe
from torchcpc.probes.columns import column_values
from torchcpc.probes.linear import efficiency, linear_probe
from torchcpc.probes.question import SUPERVISED_STEPS, ProbeRows, ProbeSpec
from torchcpc.probes.row_keys import row_keys
from torchcpc.probes.rows import ClipFeatures, ClipFrames, Rows, each_test, gather, label_rows, split_clips
from torchcpc.probes.seed_features import SeedFeatures
from torchcpc.probes.stored import RowStore, key_of
from torchcpc.probes.supervised import SUPERVISED, supervised_points, supervised_row, updates_within
from torchcpc.probes.table import Point, ProbeRow, joined_points, joined_row
from torchcpc.probes.task import Answers, Features, Labels, Task
from torchcpc.probes.units import source_noun
from torchcpc.settings import Settings

PROBES: dict[str, Callable[[Features, Task], Answers]] = {"linear": linear_probe, "MLP": mlp_probe}


def probe(features: Sequence[Features], task: Task, *, kind: str = "linear", role: str = "cpc") -> ProbeRow:
    """Fit a probe on each seed of one kind of features.

    Args:
        features: The features of each seed. Handmade features have one entry.
        task: The classification.
        kind: The probe, "linear" or "MLP".
        role: The role of the features in the table.

    Returns:
        The row of a table.

    Raises:
        CPCError: If the probe is unknown, if names or sizes differ, or if the features do not fit the task.
    """
    check_choice("probe", kind, PROBES)
    if len({(own.name, own.dim) for own in features}) != 1:
        found = ", ".join(f"{own.name!r} of {own.dim} columns" for own in features) or "none"
        raise CPCError(f"a row is one kind of features from several seeds, but these are {found}; make a row for each kind.")
    return ProbeRow.of([PROBES[kind](own, task) for own in features], features[0].name, role, kind, features[0].dim, task.test)


class SingleSplit:
    """A comparison by a single split.

    A design divides the clips and judges features of them. Rows are saved in a store, and only missing rows are
    fitted.

    Args:
        sources: The labelled sources.
        spec: The question.
        rows: The rows of the table.
        stride: The positions of one step.
        noun: The word for a source.

    Attributes:
        order: The representations. Others are compared with the first.
        word_features: The names of features that only text has.
        clips: The clips.
        split: How they are divided.
        unit: What a row is.
        names: The classes by number.
        training: The number of training rows.
        validation: The number of validation rows.
    """

    order = ("c", "z")
    word_features = ()

    def __init__(self, sources: Sources, spec: ProbeSpec, rows: ProbeRows, stride: int, *, noun: str = "recording") -> None:
        splits = [split_clips(sources, own) for own in each_test(sources, spec)]
        # All splits have the same clips and differ only in their parts.
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
        # The clip of an event has one row, its last step.
        self.unit = "clip" if spec.per_event or (spec.clip_seconds and not spec.by_frame) else first.unit
        self.unit, self.names = noun if self.unit == "recording" else self.unit, first.names
        self.training, self.validation = len(first.train.y_M), len(first.validation.y_M)
        for kind in self.probes:
            check_choice("probes", kind, PROBES)

    def gather(self, clips: ClipFrames) -> tuple[ClipFeatures, ...]:
        """Return the rows of several features, whose frames come clip by clip."""
        steps = {clip: own for rows in self._asked for clip, own in rows.steps.items()}
        return gather(steps, clips, pool=self._pool, groups=self._groups)

    @property
    def pooling(self) -> object:
        """How frames become rows, as part of a key. Clips and labels are not included."""
        return (
            self._pool,
            self._groups,
            [[(own.clip, own.steps) for part in rows.clips.values() for own in part] for rows in self._asked],
        )

    @property
    def probes(self) -> Sequence[str]:
        """The names of the probes."""
        return self._rows.probes or tuple(PROBES)

    def answer(self, kind: str, own: SeedFeatures, store: RowStore) -> ProbeRow:
        """Return the row of one kind of features of one seed.

        Args:
            kind: The probe.
            own: The features.
            store: Where rows are saved.
        """
        return joined_row(self._answered(kind, own, store))

    def _answered(self, kind: str, own: SeedFeatures, store: RowStore) -> list[ProbeRow]:
        """Return that row in each of the splits."""

        def fitted(rows: Rows) -> ProbeRow:
            return probe([rows.features(own.name, own.make())], rows.task, kind=kind, role=own.role)

        return [store.row(key_of(kind, own.key, rows.task), partial(fitted, rows)) for rows in self._asked]

    def curve(self, own: SeedFeatures, store: RowStore) -> list[Point]:
        """Return the label-efficiency curve of the linear probe for one seed."""

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
        """Return the points of all splits, followed by the row from all labels."""
        curves = []
        for rows, row in zip(self._asked, answered, strict=True):
            points = [store.points(key(rows.task, point), partial(fitted, rows, row, point)) for point in self._curve]
            curves.append([*(point for own in points for point in own), Point(row.features, row.role, None, row.hits)])
        return joined_points(curves)

    def answer_from_words(self, wanted: Sequence[str], seeds: Sequence[SeedFeatures], store: RowStore) -> Iterator[ProbeRow]:
        """Yield nothing, because no features are fitted anew in each training part."""
        yield from ()

    def supervised_updates(self, config: Settings, identity: str, seconds: float | None, store: RowStore) -> int:
        """Return the updates of the supervised network that the time of the run allows.

        If several groups are tested in turn, each has its own networks. Then the number is fixed, because the time of the
        run for each of them would be too much.

        Args:
            config: The settings of the run.
            identity: The key of its settings and of the clips.
            seconds: The training time of the run. None: not known, which gives a fixed number, too.
            store: Where the number is saved, so that the same question finds its rows.
        """
        if seconds is None or len(self._asked) > 1:
            return SUPERVISED_STEPS
        key, rows = key_of("supervised updates", identity, round(seconds, 3), self._asked[0].task), self._asked[0]
        return store.number(key, partial(updates_within, seconds, config, self.clips, rows))

    def answer_supervised(self, config: Settings, identity: str, steps: int, seed: int, store: RowStore) -> ProbeRow:
        """Return the row of the network trained on the labels, of one seed.

        Args:
            config: The settings of the run.
            identity: The key of its settings and of the clips.
            steps: The number of updates.
            seed: The seed.
            store: Where rows are saved.
        """
        return joined_row(self._supervised(config, identity, steps, seed, store))

    def _supervised(self, config: Settings, identity: str, steps: int, seed: int, store: RowStore) -> list[ProbeRow]:
        def fitted(rows: Rows) -> ProbeRow:
            return supervised_row(config, self.clips, rows, steps=steps, seed=seed)

        key = partial(key_of, SUPERVISED, identity, steps, seed)
        return [store.row(key(rows.task), partial(fitted, rows)) for rows in self._asked]

    def supervised_curve(self, config: Settings, identity: str, steps: int, seed: int, store: RowStore) -> list[Point]:
        """Return the curve of that network for one seed."""

        def fitted(rows: Rows, row: ProbeRow, point: int) -> list[Point]:
            return supervised_points(config, self.clips, rows, all_labels=row, points=[point], steps=steps, seed=seed)[:-1]

        key = partial(key_of, f"{SUPERVISED}, curve", identity, steps, seed)
        return self._curves(self._supervised(config, identity, steps, seed, store), key, fitted, store)

    def tested(self, made: ClipFeatures) -> tuple[np.ndarray, Labels]:
        """Return the test rows of some features with their labels."""
        return self._asked[0].features("", made).test, self._asked[0].task.test

    def tested_keys(self) -> list[str]:
        """Return the names of the test rows."""
        return row_keys(self.clips, self._asked[0].clips["test"], self._stride)

    def chance(self, test: Labels) -> float:
        """Return the accuracy of always answering the most frequent training class."""
        return float(np.mean(test.y_M == np.bincount(self._asked[0].task.train.y_M).argmax()))
