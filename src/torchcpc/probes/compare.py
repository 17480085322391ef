"""From trained runs and labelled data to a probe table: every row gets the same sources, the same labels, the same probe."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple, Protocol, cast

import numpy as np
from torch import nn

from torchcpc.baselines.words import mean_embedding
from torchcpc.contracts import QUIET, CPCError, Listener, Sources
from torchcpc.data.clips import Clips
from torchcpc.domains import Features
from torchcpc.probes.cross_validation import WORD_MEAN, CrossValidation
from torchcpc.probes.embedding_map import embedding_map
from torchcpc.probes.probe_result import Point, ProbeRow
from torchcpc.probes.question import ALL_ROWS, ProbeRows, ProbeSpec, settled
from torchcpc.probes.result import ProbeTable, Split
from torchcpc.probes.rows import ClipFeatures
from torchcpc.probes.single_split import SingleSplit
from torchcpc.probes.table import differences, point_summary, summary
from torchcpc.probes.task import Labels
from torchcpc.representations.embed import embedded_sources
from torchcpc.runs.build import build
from torchcpc.runs.run import TrainedRun
from torchcpc.settings import Settings


class Design(Protocol):
    """How clips are divided, and how features of them are judged by it: a single split or a cross-validation.

    order: the representations, first the one that others are compared with; unit: what a row is; names: the classes by number;
    training, validation: rows; word_features: names of the features that only text has; points: of efficiency curves; gather: the rows
    of several features that come side by side, as (number of the clip, their frames [T, D]); answer: the rows of the table for one kind
    of features, of one or several seeds; answer_from_words: those of `word_features` that are fitted anew in each training part; tested:
    test rows of some features, for a map; chance: accuracy of always answering the commonest training class.
    """

    order: tuple[str, str]
    clips: Clips
    unit: str
    names: tuple[str, ...]
    split: Split
    training: int
    validation: int | None
    points: list[Point]

    @property
    def word_features(self) -> tuple[str, ...]: ...
    def gather(self, clips: Iterable[tuple[int, Sequence[np.ndarray]]]) -> tuple[ClipFeatures, ...]: ...
    def answer(self, name: str, role: str, seeds: Sequence[ClipFeatures]) -> list[ProbeRow]: ...
    def answer_from_words(self, wanted: Sequence[str]) -> list[ProbeRow]: ...
    def answer_supervised(self, config: Settings, steps: int, seeds: int) -> ProbeRow: ...
    def tested(self, made: ClipFeatures) -> tuple[np.ndarray, Labels]: ...
    def chance(self, test: Labels) -> float: ...


class _Embeds(Protocol):
    """An encoder of sentences."""

    embedding: nn.Embedding


class Plan(NamedTuple):
    """One kind of features, made when it is its turn: of every clip, for each seed."""

    name: str
    role: str
    make: Callable[[], Sequence[ClipFeatures]]


def compare(
    runs: Sequence[TrainedRun], sources: Sources, spec: ProbeSpec, rows: ProbeRows = ALL_ROWS, listener: Listener = QUIET
) -> ProbeTable:
    """The table of one question about `runs`, which are one network under several seeds.

    Rows: CPC c and z, the same network untrained, and the handmade features of the domain, each under every probe, the linear one with
    its label-efficiency curve; and the same network trained on the labels. With folds: under the linear probe without a curve; of text
    also the mean of the trained word embeddings, TF-IDF, and CPC z beside TF-IDF. Raises CPCError for what cannot be asked.
    """
    run = runs[0]
    if any(_sizes(other.config) != _sizes(run.config) for other in runs):
        raise CPCError(
            "the runs named with --seed-runs are of other sizes than the first: a row is one network under several seeds."
        )
    if spec.by_frame and run.model.encoder.layout.sequences > 1:
        raise CPCError("a picture has a label as a whole: leave --alignment and --unit frame out.")
    read = [own.as_read(sources) for own in runs]
    spec, rows = settled(spec, rows, read[0])
    stride = run.model.encoder.stride
    design: Design = CrossValidation(read[0], spec, stride) if spec.folds else SingleSplit(read[0], spec, rows, stride)
    wanted = _baselines([*run.domain.handmade, *design.word_features], rows.baselines)
    with listener.stage("probing") as progress:
        learned = [_represented(own, design, sources) for own, sources in zip(runs, read, strict=True)]
        plans = _plans(runs, read, design, rows, learned, wanted)
        answered: list[ProbeRow] = []
        for done, (name, role, make) in enumerate(plans):
            progress(done, len(plans), name)
            answered += design.answer(name, role, make())
        answered += design.answer_from_words(wanted)
        if rows.supervised_steps:
            progress(len(plans), len(plans), "supervised")
            answered.append(design.answer_supervised(run.config, rows.supervised_steps, rows.seeds))
        progress(len(plans), len(plans), "map")
        x_MD, shown = design.tested(learned[0][design.order[0]])
        points = embedding_map(x_MD, shown.y_M, spec.label, design.names)
    test = answered[0].test
    return ProbeTable(
        label=spec.label,
        unit=design.unit,
        classes=len(design.names),
        chance=design.chance(test),
        train=design.training,
        validation=design.validation,
        test=len(test.y_M),
        split=design.split,
        rows=tuple(summary(row, design.names) for row in answered),
        differences=differences(answered),
        efficiency=tuple(map(point_summary, design.points)),
        map=points,
    )


def _plans(
    runs: Sequence[TrainedRun],
    read: Sequence[Sources],
    design: Design,
    rows: ProbeRows,
    learned: Sequence[Mapping[str, ClipFeatures]],
    wanted: Sequence[str],
) -> list[Plan]:
    """The kinds of features in their order. `learned`: z and c of each run."""
    run, clips = runs[0], design.clips
    # Seeds that no run trained from, so that the rows are independent of the learned ones.
    fresh = [replace(run, model=build(run.config, seed=10_000 + seed).eval().to(run.device)) for seed in range(rows.seeds)]
    random = [_represented(own, design, read[0]) for own in fresh]
    plans = []
    for prefix, role, seeds in (("CPC", "cpc", learned), ("random init", "untrained", random)):
        for which in design.order if seeds else ():
            plans.append(Plan(f"{prefix} {which}", role, lambda seeds=seeds, which=which: [own[which] for own in seeds]))

    def handmade(function: Features) -> list[ClipFeatures]:
        made = ((i, (function(clips.read(i, 0, clips.length(i)), run.model.encoder.stride),)) for i in range(len(clips)))
        return list(design.gather(made))

    for name in wanted:
        if function := run.domain.handmade.get(name):
            plans.append(Plan(name, "handmade", lambda function=function: handmade(function)))
        elif name == WORD_MEAN:
            plans.append(Plan(name, "handmade", lambda: [_word_means(*own, clips) for own in zip(runs, read, strict=True)]))
    return plans


def _represented(run: TrainedRun, design: Design, sources: Sources) -> dict[str, ClipFeatures]:
    """z and c of every clip as this run reads them."""
    clips = Clips(sources, design.clips.clips)
    z, c = design.gather((i, (z, c)) for i, z, c in embedded_sources(run.model, clips, device=run.device))
    return {"z": z, "c": c}


def _word_means(run: TrainedRun, sources: Sources, clips: Clips) -> ClipFeatures:
    """The mean of the trained word embeddings of every clip."""
    table_VE = cast(_Embeds, run.model.encoder).embedding.weight.detach().cpu().numpy()
    own = Clips(sources, clips.clips)
    return {i: mean_embedding(own.read(i, 0, own.length(i)), table_VE)[None] for i in range(len(own))}


def _baselines(offered: Sequence[str], chosen: Sequence[str] | None) -> Sequence[str]:
    """The handmade features that are chosen. Raises CPCError for an unknown one."""
    if unknown := [name for name in chosen or () if name not in offered]:
        raise CPCError(f"baseline {unknown[0]!r} is unknown. Choose among: {', '.join(offered)}.")
    return offered if chosen is None else chosen


def _sizes(config: Settings) -> Settings:
    """What runs of other seeds have in common: all but the scale of the channels and the vocabulary, which each took from its own
    training sources."""
    own = ("mean", "scale", "tokenizer")
    parts = {part: config[part] for part in ("encoder", "context", "predictor", "data")}
    return {part: {key: value for key, value in section.items() if key not in own} for part, section in parts.items()}
