"""From trained runs to a table of ranks: CPC, similarity of z, overlap of words and chance on the same questions."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, product
from typing import NamedTuple

import numpy as np

from torchcpc.contracts import CPCError, Sources, Written, provides
from torchcpc.ranking.methods import Ranks, Text, mean_rank, measured, rank_all, reciprocal, tf_idf, top1
from torchcpc.ranking.questions import SAME_SOURCE, Questions, RankSpec, draw_questions, too_short
from torchcpc.ranking.result import CANDIDATE_POOLS, RankBlock, RankRow, RankTable
from torchcpc.representations.embed import steps_of
from torchcpc.representations.rows import refuse_pictures
from torchcpc.results import Interval
from torchcpc.runs.open_sources import Data
from torchcpc.runs.run import TrainedRun

# Numbers of z and c that are held: sources beyond them are not ranked.
_HELD = 1 << 29


class RunRanks(NamedTuple):
    """One run's answers: which sources it ranked, in words, and their keys; for each (pool, k) the questions and the ranks by method;
    notes to the reader."""

    origin: str
    keys: tuple[str, ...]
    asked: Mapping[tuple[str, int], tuple[Questions, Mapping[str, Ranks]]]
    notes: Sequence[str] = ()


def compare(runs: Sequence[TrainedRun], data: Data | None, spec: RankSpec) -> RankTable:
    """Ranks of the true future in `data`, or in what each run held out. runs: seeds of one recipe, averaged into the table. Raises
    CPCError for runs of pictures, whose steps are many sequences, and for runs that predict other steps ahead."""
    answers = [answer(run, data, spec) for run in runs]
    if len({tuple(dict.fromkeys(k for _, k in own.asked)) for own in answers}) > 1:
        raise CPCError("the other runs predict other steps ahead than the first. Name runs of one recipe, or give --k.")
    return table(answers)


def answer(run: TrainedRun, data: Data | None, spec: RankSpec) -> RunRanks:
    """One run's ranks. Where not all steps fit into 2 GiB, some of the sources are drawn."""
    model, evaluated = run.model, run.evaluated(data)
    sources = evaluated.sources.select(evaluated.indices)
    refuse_pictures(model, "cannot be ranked as one")
    indices = {model.predictor.horizons[index]: index for index in (run.horizon_index(k) for k in spec.ks or [None])}
    order = np.random.default_rng(spec.seed).permutation(len(sources)).tolist()
    width = model.encoder.dim + model.context.dim
    size = np.cumsum([sources.length(i) // model.encoder.stride * width for i in order])
    sources = sources.select(sorted(order[: max(1, int((size <= _HELD).sum()))]))
    with run.listener.stage("ranking") as progress:
        steps = sorted(steps_of(model, sources, device=run.device, progress=progress), key=lambda each: each.source)
    # A source shorter than a step has none, and there is nothing to ask about it.
    sources = sources.select([each.source for each in steps])
    lengths, asked = [len(each.z_TD) for each in steps], {}
    text, notes = _text_of(run, sources)
    for pool, k in product(spec.pools or CANDIDATE_POOLS, indices):
        short = too_short(lengths, k=k, candidates=spec.candidates) if pool == SAME_SOURCE else []
        long = sum(length > k for length in lengths)
        if short:
            left = f"leaves out {len(short)} of" if len(short) < long else "is left out, with all"
            notes.append(
                f"k = {k}: the pool {pool!r} {left} {long} sources, whose own steps ({max(lengths[source] for source in short)} at most) "
                f"cannot give {spec.candidates - 1} other candidates. Ask for fewer with --candidates to have them in it."
            )
        # A pool that was asked for by name is refused where no source can fill it. The table of the others is none the worse.
        if spec.pools or not short or len(short) < long:
            questions = draw_questions(lengths, spec, k=k, pool=pool)
            asked[pool, k] = questions, rank_all(model, steps, questions, index=indices[k], text=text)
    return RunRanks(evaluated.origin, tuple(item.key for item in sources.items), asked, notes)


def _text_of(run: TrainedRun, sources: Sources) -> tuple[Text | None, list[str]]:
    """What the overlap of words needs, where the sources are text and the documents of the training are there; else a note."""
    if not provides(sources, Written):
        return None, []
    try:
        train = run.open().select(run.parts().train) if run.record else None
    except CPCError:
        train = None  # the data have been moved: the other rows need none of it
    if train is None or not provides(train, Written):
        return None, ["no training documents to count words in, so there is no row of TF-IDF."]
    sentences = list(sources.every_sentence())
    # Counting needs no labels. The words of these documents count too: their names are in no other, and overlap would not know them.
    return Text(tf_idf(chain(train.every_sentence(), sentences)), sentences), []


def table(runs: Sequence[RunRanks]) -> RankTable:
    """For each pool and k a row a method; a pool or method that some run lacks is left out. Runs (seeds) that answered the same questions
    are crossed with the sources. Where each held out others, a source of a run counts as one draw."""
    first = runs[0]
    shared = [name for name in first.asked if all(name in run.asked for run in runs)]
    same = all(
        run.keys == first.keys
        and all(np.array_equal(run.asked[name][0].candidate_AN, first.asked[name][0].candidate_AN) for name in shared)
        for run in runs
    )
    # The same key is the same source, whichever run answered.
    number, blocks = {key: n for n, key in enumerate(dict.fromkeys(key for run in runs for key in run.keys))}, []
    for pool, k in shared:
        asked = [run.asked[pool, k][0] for run in runs]
        sources = [[number[run.keys[s]] for s in own.source_A] for run, own in zip(runs, asked, strict=True)]
        source_A, candidates = np.concatenate(sources[:1] if same else sources), asked[0].candidate_AN.shape[1]
        rows = tuple(_rows([run.asked[pool, k][1] for run in runs], source_A, candidates, same))
        blocks.append(RankBlock(pool, k, candidates, len(source_A), len(np.unique(source_A)), rows))
    notes = dict.fromkeys(note for run in runs for note in run.notes)
    return RankTable(first.origin, len(runs), same, tuple(blocks), tuple(notes))


def _rows(runs: Sequence[Mapping[str, Ranks]], source_A: np.ndarray, candidates: int, same: bool) -> Iterator[RankRow]:
    def interval(values: Sequence[np.ndarray], least: float, most: float) -> Interval:
        return measured(np.stack(values) if same else np.concatenate(values)[None], source_A, least, most)

    for name, ranks in runs[0].items():
        if all(name in methods for methods in runs):
            own, cpc = [methods[name] for methods in runs], [methods["CPC"] for methods in runs]
            first, inverse = interval([*map(top1, own)], 0, 1), interval([*map(reciprocal, own)], 0, 1)
            place = interval([*map(mean_rank, own)], 1, candidates)
            gaps = [top1(one) - top1(other) for one, other in zip(cpc, own, strict=True)]
            yield RankRow(name, ranks.role, first, inverse, place, None if ranks.role == "cpc" else interval(gaps, -1, 1))
