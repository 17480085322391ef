"""One trained run asked about its sources: the ranks of every method, for each pool of candidates and each k."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np

from torchcpc.contracts import CPCError, Listener, Sources, Written, provides
from torchcpc.ranking.methods import Ranked, Text, rank_all, tf_idf
from torchcpc.ranking.questions import SAME_SOURCE, Questions, RankSpec, draw_questions, too_short
from torchcpc.ranking.result import CANDIDATE_POOLS
from torchcpc.representations.embed import steps_of
from torchcpc.runs.run import TrainedRun

# Numbers of z and c that are held: sources beyond them are not ranked.
_HELD = 1 << 29
Asked = tuple[Questions, Mapping[str, Ranked]]


class Answers(NamedTuple):
    """One run's answers: keys of its sources; for each (pool, k) the questions and the ranks by method; notes to the reader."""

    keys: tuple[str, ...]
    asked: Mapping[tuple[str, int], Asked]
    notes: Sequence[str] = ()


def answer(run: TrainedRun, sources: Sources, train: Sources | None, spec: RankSpec, listener: Listener) -> Answers:
    """One run's ranks in `sources`. train: documents whose words TF-IDF counts beside theirs.

    Where not all steps fit into 2 GiB, some of the sources are drawn.
    """
    model = run.model
    horizons = model.predictor.horizons
    if model.encoder.layout.sequences > 1:
        raise CPCError(
            "a picture is many sequences, whose steps cannot be ranked as one. Name a run of recordings, series or text."
        )
    indices = {horizons[index]: index for index in (run.horizon_index(k) for k in spec.ks or [None])}
    order = np.random.default_rng(spec.seed).permutation(len(sources)).tolist()
    width = model.encoder.dim + model.context.dim
    size = np.cumsum([sources.length(i) // model.encoder.stride * width for i in order])
    sources = sources.select(sorted(order[: max(1, int((size <= _HELD).sum()))]))
    with listener.stage("ranking") as progress:
        steps = sorted(steps_of(model, sources, device=run.device, progress=progress), key=lambda each: each.source)
    # A source shorter than a step has none, and there is nothing to ask about it.
    sources = sources.select([each.source for each in steps])
    lengths, text = [len(each.z_TD) for each in steps], _text_of(sources, train)
    asked, notes = {}, []
    for pool, k in ((pool, k) for pool in spec.pools or CANDIDATE_POOLS for k in indices):
        short = too_short(lengths, k=k, candidates=spec.candidates) if pool == SAME_SOURCE else []
        notes += _note_on_short(lengths, short, k, spec)
        # A pool that was asked for by name is refused where no source can fill it. The table of the others is none the worse.
        if not spec.pools and short and len(short) == sum(length > k for length in lengths):
            continue
        questions = draw_questions(lengths, spec, k=k, pool=pool)
        asked[pool, k] = questions, rank_all(model, steps, questions, index=indices[k], text=text)
    return Answers(tuple(item.key for item in sources.items), asked, notes)


def _text_of(sources: Sources, train: Sources | None) -> Text | None:
    if train is None or not provides(train, Written) or not provides(sources, Written):
        return None
    sentences = list(sources.every_sentence())
    # Counting needs no labels. The words of these documents count too: their names are in no other, and overlap would not know them.
    return Text(tf_idf(chain(train.every_sentence(), sentences)), sentences)


def _note_on_short(lengths: Sequence[int], short: Sequence[int], k: int, spec: RankSpec) -> list[str]:
    """A line on the sources that their own pool does without, if any."""
    if not short:
        return []
    asked, longest = sum(length > k for length in lengths), max(lengths[source] for source in short)
    left = f"leaves out {len(short)} of {asked} sources" if len(short) < asked else f"is left out, with all {asked} sources"
    return [
        f"k = {k}: the pool {SAME_SOURCE!r} {left}, whose own steps ({longest} at most) cannot give {spec.candidates - 1} other "
        "candidates. Ask for fewer with --candidates to have them in it."
    ]
