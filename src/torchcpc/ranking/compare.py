"""From trained runs to a table of ranks: CPC, similarity of z, overlap of words and chance on the same questions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from torchcpc.contracts import CPCError, Listener, Sources, Written, provides
from torchcpc.ranking.answers import Answers, answer
from torchcpc.ranking.methods import Ranked
from torchcpc.ranking.questions import RankSpec
from torchcpc.ranking.ranks import mean_rank, measured, reciprocal, top1
from torchcpc.ranking.result import RankBlock, RankRow, RankTable
from torchcpc.results import Interval
from torchcpc.runs.open_sources import Data
from torchcpc.runs.run import TrainedRun


def compare(runs: Sequence[TrainedRun], data: Data | None, spec: RankSpec, listener: Listener) -> RankTable:
    """Ranks of the true future in `data`, or in what each run held out. runs: seeds of one recipe, averaged into the table.

    Raises CPCError for runs of pictures, whose steps are many sequences, and for runs that predict other steps ahead.
    """
    ranked, origins = [], []
    for run in runs:
        evaluated = run.evaluated(data)
        sources = evaluated.sources.select(evaluated.indices)
        train, notes = _training_documents(run, sources)
        answers = answer(run, sources, train, spec, listener)
        ranked.append(answers._replace(notes=(*notes, *answers.notes)))
        origins.append(evaluated.origin)
    if len({tuple(dict.fromkeys(k for _, k in answers.asked)) for answers in ranked}) > 1:
        raise CPCError("the other runs predict other steps ahead than the first. Name runs of one recipe, or give --k.")
    return table(ranked, origins[0])


def _training_documents(run: TrainedRun, sources: Sources) -> tuple[Sources | None, list[str]]:
    """The documents that a run of text was trained on, whose words TF-IDF counts; None, with a note for text, where there are none."""
    if not provides(sources, Written):
        return None, []
    try:
        if run.record is not None:
            return run.open().select(run.parts().train), []
    except CPCError:
        pass  # the data have been moved: the other rows need none of it
    return None, ["no training documents to count words in, so there is no row of TF-IDF."]


def table(runs: Sequence[Answers], origin: str) -> RankTable:
    """For each pool and k a row a method; a pool or method that some run lacks is left out.

    Runs (seeds) that answered the same questions are crossed with the sources. Where each held out others, a source of a run counts as
    one draw.
    """
    first = runs[0]
    shared = [name for name in first.asked if all(name in run.asked for run in runs)]
    same = all(
        run.keys == first.keys
        and all(np.array_equal(run.asked[name][0].candidate_AN, first.asked[name][0].candidate_AN) for name in shared)
        for run in runs
    )
    blocks = []
    for pool, k in shared:
        asked = [run.asked[pool, k] for run in runs]
        source_A = asked[0][0].source_A if same else _numbered(runs, [questions.source_A for questions, _ in asked])
        candidates = asked[0][0].candidate_AN.shape[1]
        rows = _rows([methods for _, methods in asked], source_A, candidates, same)
        blocks.append(RankBlock(pool, k, candidates, len(source_A), len(np.unique(source_A)), rows))
    notes = dict.fromkeys(note for run in runs for note in run.notes)
    return RankTable(origin, len(runs), same, tuple(blocks), tuple(notes))


def _rows(runs: Sequence[Mapping[str, Ranked]], source_A: np.ndarray, candidates: int, same: bool) -> tuple[RankRow, ...]:
    def interval(values: Sequence[np.ndarray], low: float, high: float) -> Interval:
        return measured(np.stack(values) if same else np.concatenate(values)[None], source_A, low, high)

    rows = []
    for name, (role, _) in runs[0].items():
        if any(name not in methods for methods in runs):
            continue
        ranks = [methods[name].ranks for methods in runs]
        gaps = [top1(methods["CPC"].ranks) - top1(methods[name].ranks) for methods in runs]
        rows.append(
            RankRow(
                name,
                role,
                top1=interval([top1(own) for own in ranks], 0, 1),
                reciprocal=interval([reciprocal(own) for own in ranks], 0, 1),
                rank=interval([mean_rank(own) for own in ranks], 1, candidates),
                gap=None if role == "cpc" else interval(gaps, -1, 1),
            )
        )
    return tuple(rows)


def _numbered(runs: Sequence[Answers], source_RA: Sequence[np.ndarray]) -> np.ndarray:
    """Sources of all runs in one numbering: the same key is the same source, whichever run answered."""
    number = {key: n for n, key in enumerate(dict.fromkeys(key for run in runs for key in run.keys))}
    return np.concatenate([[number[run.keys[s]] for s in source_A] for run, source_A in zip(runs, source_RA, strict=True)])
