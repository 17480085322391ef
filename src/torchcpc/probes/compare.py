"""Comparison of features by probes, as one table.

Every row gets the same sources, the same labels and the same probe. The rows that are asked for most often come
first. These are the linear probes, and among them those of CPC. Other probes, curves and the supervised row follow.
Each row is reported and saved as soon as it is done.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch

from torchcpc.contracts import QUIET, CPCError, Listener, Sources, counted, note_lines
from torchcpc.probes.columns import listed
from torchcpc.probes.cross_validation import WORD_MEAN, CrossValidation
from torchcpc.probes.features import Clipped, Handmade, learned, settings_key, untrained
from torchcpc.probes.gap.closed import gaps_closed
from torchcpc.probes.gap.result import Effort
from torchcpc.probes.question import SUPERVISED_STEPS, ProbeRows, ProbeSpec, settled
from torchcpc.probes.result import EmbeddingMap, ProbeTable, RowSummary
from torchcpc.probes.seed_features import SeedFeatures
from torchcpc.probes.single_split import SingleSplit
from torchcpc.probes.stored import RowStore, key_of
from torchcpc.probes.table import Point, ProbeRow, differences, embedding_map, stacked, stacked_points
from torchcpc.runs.run import TrainedRun
from torchcpc.runs.training_time import training_time
from torchcpc.settings import Settings

Design = SingleSplit | CrossValidation
# A note tells how long the supervised networks take, if it is longer than this.
_LONG_SECONDS = 60.0


class Kind(NamedTuple):
    """One kind of features in the table.

    Attributes:
        name: Its name.
        seeds: The features of each seed.
    """

    name: str
    seeds: Sequence[SeedFeatures]


def compare(
    runs: Sequence[TrainedRun], sources: Sources, spec: ProbeSpec, rows: ProbeRows, listener: Listener = QUIET
) -> ProbeTable:
    """Compare features of trained runs by probes.

    The rows are CPC c and z, the same network untrained, and the handmade features of the domain, all with the linear
    probe. On request there are also MLP probes, label-efficiency curves and the same network trained on the labels.

    A cross-validation has linear probes only, and no curve. For text it adds the mean of the trained word embeddings,
    TF-IDF, and CPC z together with TF-IDF. Finished rows are saved in the folder of the first run.

    Args:
        runs: The same network, trained with several seeds.
        sources: The labelled data.
        spec: The question.
        rows: The rows of the table.
        listener: Hears of progress and of each row.

    Raises:
        CPCError: If the question has no answer, for example because the labels are not classes.
    """
    run = runs[0]
    if any(_sizes(other.config) != _sizes(run.config) for other in runs):
        raise CPCError(
            "the runs of --seed-runs differ from the first in size: a row is one network trained with several seeds."
        )
    if spec.by_frame and run.model.encoder.layout.sequences > 1:
        raise CPCError("a picture has a label as a whole: leave --alignment and --unit frame out.")
    read = [own.open(sources) for own in runs]
    spec, rows = settled(spec, rows, read[0])
    spec = _matched(spec, read[0], listener)
    stride = run.model.encoder.stride
    said = {"noun": run.domain.source}
    design = CrossValidation(read[0], spec, stride, **said) if spec.folds else SingleSplit(read[0], spec, rows, stride, **said)
    wanted = _wanted(run, design, spec, rows, listener)
    clipped = Clipped(read[0], design)
    ours = [learned(clipped, own, as_read) for own, as_read in zip(runs, read, strict=True)]
    fresh = [untrained(clipped, run, read[0], seed) for seed in range(rows.seeds)]
    # The frames of several kinds together may not fit into memory.
    handmade = Handmade(clipped, run, wanted.of_clips, together=not spec.by_frame and not spec.standardise_by)
    kinds = [
        *(Kind(f"CPC {which}", [own.seed(f"CPC {which}", "cpc", which) for own in ours]) for which in design.order),
        *(
            Kind(f"random init {which}", [own.seed(f"random init {which}", "untrained", which) for own in fresh])
            for which in design.order
        ),
        *(Kind(name, [handmade.seed(name)]) for name in wanted.of_clips),
        *(Kind(name, [own.seed(name, "handmade", WORD_MEAN) for own in ours]) for name in wanted.of_words if name == WORD_MEAN),
    ]
    table = Tabled(design, RowStore(run.folder if run.record else None, listener), listener)
    identity = key_of(clipped.key, settings_key(run), torch.__version__)
    with table.reporting():
        table.fit([kind for kind in kinds if kind.seeds], wanted.of_words)
        table.draw_curves([kind for kind in kinds if kind.seeds], rows)
        table.train_supervised(run, identity, rows)
        found = table.map(kinds[0].seeds[0], spec.label)
    return _table(runs, spec, design, table, found)


class Tabled:
    """The rows of a table while they are computed.

    Args:
        design: The comparison.
        store: The rows that were saved earlier.
        listener: Hears of progress and of each row.
    """

    def __init__(self, design: Design, store: RowStore, listener: Listener) -> None:
        self._design, self._store, self._listener = design, store, listener
        self.rows: list[ProbeRow] = []
        self.summaries: list[RowSummary] = []
        self.points: list[Point] = []

    def fit(self, kinds: Sequence[Kind], words: Sequence[str]) -> None:
        """Fit the rows of all kinds of features with each probe, the linear one first."""
        design, store = self._design, self._store
        for probe in design.probes:
            with self._listener.stage(f"{probe} probes") as progress:
                for done, kind in enumerate(kinds):
                    progress(done, len(kinds), kind.name)
                    made = store.made
                    self._add(stacked([design.answer(probe, own, store) for own in kind.seeds]), new=store.made > made)
                progress(len(kinds), len(kinds), "")
        with self._listener.stage("probes of words"):
            made = store.made
            for row in design.answer_from_words(words, kinds[0].seeds, store):
                self._add(row, new=store.made > made)
                made = store.made

    def draw_curves(self, kinds: Sequence[Kind], rows: ProbeRows) -> None:
        """Compute the label-efficiency curves of the linear probe."""
        drawn = kinds if rows.curve and "linear" in self._design.probes else ()
        with self._listener.stage("label efficiency") as progress:
            for done, kind in enumerate(drawn):
                progress(done, len(drawn), kind.name)
                self.points += stacked_points([self._design.curve(own, self._store) for own in kind.seeds])
            progress(len(drawn), len(drawn), "")

    def train_supervised(self, run: TrainedRun, identity: str, rows: ProbeRows) -> None:
        """Train the same network on the labels, and compute its curve.

        Args:
            run: The run. It has the settings, and the time that each network may take if no number of updates is given.
            identity: The key of its settings and of the clips.
            rows: How many seeds and updates.
        """
        if rows.supervised_steps == 0:
            return
        design, store, answered, curves, made = self._design, self._store, [], [], self._store.made
        config, steps = run.config, rows.supervised_steps
        if steps is None:
            time = training_time(run.folder)
            steps = design.supervised_updates(config, identity, time and time.seconds, store)
            if time and steps != SUPERVISED_STEPS and time.seconds * rows.seeds > _LONG_SECONDS:
                minutes = f"{time.seconds / 60:.0f} minutes" if time.seconds > 90 else f"{time.seconds:.0f} s"
                self._listener.note(
                    f"note: {rows.seeds} supervised networks train for up to {minutes} each, as CPC did (at most {steps:,} updates); "
                    "--supervised-steps N changes it."
                )
        with self._listener.stage("supervised") as progress:
            for seed in range(rows.seeds):
                progress(seed, rows.seeds, f"seed {seed}")
                answered.append(design.answer_supervised(config, identity, steps, seed, store))
            self._add(stacked(answered), new=store.made > made)
            for seed in range(rows.seeds if rows.supervised_curve else 0):
                progress(seed, rows.seeds, f"curve of seed {seed}")
                curves.append(design.supervised_curve(config, identity, steps, seed, store))
            progress(rows.seeds, rows.seeds, "")
        self.points += stacked_points(curves) if curves else []

    def map(self, own: SeedFeatures, label: str) -> EmbeddingMap | None:
        """Return test rows of some features in two dimensions."""
        design = self._design

        def drawn() -> EmbeddingMap | None:
            x_MD, shown = design.tested(own.make())
            return embedding_map(x_MD, shown.y_M, label, design.names, design.tested_keys())

        return self._store.map(key_of("map", own.key, label, design.names, self.rows[0].test), drawn)

    @contextmanager
    def reporting(self) -> Iterator[None]:
        """Report at the end, and after an interrupt, which rows were saved."""
        try:
            yield
        except (KeyboardInterrupt, SystemExit):
            if self._store.folder and self._store.made:
                kept = counted(self._store.made, "result")
                self._listener.note(f"note: {kept} kept in {self._store.folder}; the same command continues from there.")
            raise
        if self._store.read:
            whole = f"{self._store.read} of {counted(self._store.read + self._store.made, 'result')}"
            self._listener.note(f"note: {whole} read from {self._store.folder}, with the same weights, data and question.")

    def _add(self, row: ProbeRow, *, new: bool) -> None:
        self.rows.append(row)
        self.summaries.append(summary := row.summary(self._design.names))
        if new:
            self._listener.note(f"{row.features}, {row.probe}: accuracy {summary.accuracy.text(1, scale=100)} %")


def _efforts(runs: Sequence[TrainedRun], rows: Sequence[ProbeRow]) -> tuple[Effort, ...]:
    """Return how long CPC and the supervised networks were trained. Without a supervised row there is no such comparison."""
    training = np.array([own for row in rows for own in row.training])
    if not len(training):
        return ()
    known = [found for own in runs if (found := training_time(own.folder))]
    updates, best, seconds = training.mean(axis=0).tolist()
    others = (Effort("supervised", len(training), updates, seconds / 60, best),)
    if not known:
        return others
    updates, seconds = np.array(known).mean(axis=0).tolist()
    return (Effort("CPC", len(known), updates, seconds / 60), *others)


def _table(
    runs: Sequence[TrainedRun], spec: ProbeSpec, design: Design, table: Tabled, found: EmbeddingMap | None
) -> ProbeTable:
    test = table.rows[0].test
    return ProbeTable(
        label=spec.label,
        unit=design.unit,
        classes=len(design.names),
        chance=design.chance(test),
        train=design.training,
        validation=design.validation,
        test=len(test.y_M),
        split=design.split,
        rows=tuple(table.summaries),
        differences=differences(table.rows),
        efficiency=tuple(point.summary() for point in table.points),
        map=found,
        gaps=gaps_closed(table.rows, table.points),
        efforts=_efforts(runs, table.rows),
        test_counts=dict(zip(design.names, np.bincount(test.y_M, minlength=len(design.names)).tolist(), strict=True)),
        select_by=spec.select_by,
    )


class Wanted(NamedTuple):
    """The names of the baselines to compute.

    Attributes:
        of_clips: Features of clips.
        of_words: Features of words.
    """

    of_clips: list[str]
    of_words: list[str]


def _wanted(run: TrainedRun, design: Design, spec: ProbeSpec, rows: ProbeRows, listener: Listener) -> Wanted:
    """Return the baselines that were asked for.

    Raises:
        CPCError: If one is unknown.
    """
    offered = [*run.domain.handmade, *design.word_features]
    wanted = offered if rows.baselines is None else list(rows.baselines)
    if unknown := [name for name in wanted if name not in offered]:
        raise CPCError(f"baseline {unknown[0]!r} is unknown. Choose among: {listed(unknown[0], offered)}")
    of_clips = [name for name in wanted if name in run.domain.handmade]
    whole = [name for name in of_clips if spec.by_frame and not _by_step(name, run, design)]
    if whole:
        listener.note(f"note: {', '.join(whole)} describe a whole source, so the table of frames leaves them out.")
    return Wanted([name for name in of_clips if name not in whole], [name for name in wanted if name in design.word_features])


def _matched(spec: ProbeSpec, sources: Sources, listener: Listener) -> ProbeSpec:
    """Return the specification with its frame labels matched to the keys of the sources."""
    if spec.alignment is None:
        return spec
    for line in note_lines(spec.alignment.notes):
        listener.note(line)
    return replace(spec, alignment=spec.alignment.matched(sources))


def _by_step(name: str, run: TrainedRun, design: Design) -> bool:
    """Return whether handmade features have a row for every step of the encoder."""
    length, stride = design.clips.length(0), run.model.encoder.stride
    return len(run.domain.handmade[name](design.clips.read(0, 0, length), stride)) == length // stride


def _sizes(config: Settings) -> Settings:
    """Return the settings that runs of different seeds share.

    The scale of the channels and the vocabulary are left out, because each run took them from its own training
    sources.
    """
    own = ("mean", "scale", "tokenizer")
    parts = {part: config[part] for part in ("encoder", "context", "predictor", "data")}
    return {part: {key: value for key, value in section.items() if key not in own} for part, section in parts.items()}
