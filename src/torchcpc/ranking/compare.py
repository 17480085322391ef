"""The table of ranks of trained runs: CPC, similarity of z, overlap of words and chance on the same questions."""

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

# The most numbers of z and c that are held in memory. Sources beyond them are not ranked.
_HELD = 1 << 29


class RunRanks(NamedTuple):
    """The answers of one run.

    Attributes:
        origin: Which sources it ranked, in words.
        keys: The keys of these sources.
        asked: For each (pool, k) the questions, and the ranks by method.
        notes: Notes to the reader.
    """

    origin: str
    keys: tuple[str, ...]
    asked: Mapping[tuple[str, int], tuple[Questions, Mapping[str, Ranks]]]
    notes: Sequence[str] = ()


def compare(runs: Sequence[TrainedRun], data: Data | None, spec: RankSpec) -> RankTable:
    """Rank the true future among other candidates with every method.

    Args:
        runs: Seeds of one recipe. The table shows averages.
        data: The data to rank in. Default: what each run held out.
        spec: What is ranked.

    Raises:
        CPCError: If the runs are of pictures, or predict different steps ahead.
    """
    answers = [answer(run, data, spec) for run in runs]
    if len({tuple(dict.fromkeys(k for _, k in own.asked)) for own in answers}) > 1:
        raise CPCError("the other runs predict other steps ahead than the first. Name runs of one recipe, or give --k.")
    return table(answers)


def answer(run: TrainedRun, data: Data | None, spec: RankSpec) -> RunRanks:
    """Return the ranks of one run. If the steps need more than 2 GiB, some of the sources are drawn."""
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
    # A source shorter than a step has no steps to rank.
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
                f"cannot give {spec.candidates - 1} other candidates. Lower --candidates to include them."
            )
        # If no source can fill a pool, a pool chosen by name is an error. A default pool is left out.
        if spec.pools or not short or len(short) < long:
            questions = draw_questions(lengths, spec, k=k, pool=pool)
            asked[pool, k] = questions, rank_all(model, steps, questions, index=indices[k], text=text)
    return RunRanks(evaluated.origin, tuple(item.key for item in sources.items), asked, notes)


def _text_of(run: TrainedRun, sources: Sources) -> tuple[Text | None, list[str]]:
    """Return what the overlap of words needs, or a note.

    It needs sources of text, and the training documents of the run.
    """
    if not provides(sources, Written):
        return None, []
    try:
        train = run.open().select(run.parts().train) if run.record else None
    except CPCError:
        train = None  # the data have been moved, but the other rows do not need them
    if train is None or not provides(train, Written):
        return None, ["no training documents to count words in, so there is no row of TF-IDF."]
    sentences = list(sources.every_sentence())
    # Counting needs no labels, so the words of these documents count, too. Their names occur in no other document.
    return Text(tf_idf(chain(train.every_sentence(), sentences)), sentences), []


def table(runs: Sequence[RunRanks]) -> RankTable:
    """Return the table of ranks, with one row per method for each pool and k.

    A pool or a method that some run lacks is left out. If the runs (seeds) answered the same questions, intervals are
    over seeds and sources. If each held out other sources, a source of a run counts as one draw.
    """
    first = runs[0]
    shared = [name for name in first.asked if all(name in run.asked for run in runs)]
    same = all(
        run.keys == first.keys
        and all(np.array_equal(run.asked[name][0].candidate_AN, first.asked[name][0].candidate_AN) for name in shared)
        for run in runs
    )
    # The same key is the same source in every run.
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
    """Return the rows of one pool and horizon."""

    def interval(values: Sequence[np.ndarray], least: float, most: float) -> Interval:
        return measured(np.stack(values) if same else np.concatenate(values)[None], source_A, least, most)

    for name, ranks in runs[0].items():
        if all(name in methods for methods in runs):
            own, cpc = [methods[name] for methods in runs], [methods["CPC"] for methods in runs]
            first, inverse = interval([*map(top1, own)], 0, 1), interval([*map(reciprocal, own)], 0, 1)
            place = interval([*map(mean_rank, own)], 1, candidates)
            gaps = [top1(one) - top1(other) for one, other in zip(cpc, own, strict=True)]
            yield RankRow(name, ranks.role, first, inverse, place, None if ranks.role == "cpc" else interval(gaps, -1, 1))
