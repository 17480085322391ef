"""The questions of a ranking: contexts, the step k ahead of each, and other steps as candidates, drawn with a seed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from torchcpc.contracts import CPCError, check_choice, check_rules
from torchcpc.ranking.result import CANDIDATE_POOLS

SAME_SOURCE = "same source"
# The latest steps are no candidates. To reject them needs no understanding.
RECENT = 5


@dataclass(frozen=True, slots=True)
class RankSpec:
    """What is ranked.

    Attributes:
        ks: Steps ahead. Default: the first horizon whose target shares no input with its context.
        candidates: The number of candidates of each question, with the true future. Default: 100.
        contexts: The largest number of contexts per source. Default: 500.
        pools: Where the other candidates come from, names of CANDIDATE_POOLS. Default: all that the sources can fill.
        seed: Seed of contexts and candidates.
    """

    ks: tuple[int, ...] = ()
    candidates: int = 100
    contexts: int = 500
    pools: tuple[str, ...] = ()
    seed: int = 0

    def __post_init__(self) -> None:
        for pool in self.pools:
            check_choice("pool", pool, CANDIDATE_POOLS)
        check_rules(
            self,
            candidates=(self.candidates >= 2, "at least 2, the true future and another"),
            contexts=(self.contexts >= 1, "at least 1"),
            seed=(self.seed >= 0, "a seed cannot be negative"),
        )


class Questions(NamedTuple):
    """A questions with N candidates each. Steps are numbered consecutively over all sources.

    Attributes:
        source_A: The number of the source.
        begin_A: The first step of the source.
        context_A: The last step read.
        candidate_AN: The candidates, with the true future first.
    """

    source_A: np.ndarray
    begin_A: np.ndarray
    context_A: np.ndarray
    candidate_AN: np.ndarray


def draw_questions(lengths: Sequence[int], spec: RankSpec, *, k: int, pool: str = "any source") -> Questions:
    """Draw contexts and candidates.

    Contexts are drawn without replacement from the steps with a step k ahead. The other candidates are drawn without
    replacement from the pool. The true future and the RECENT steps up to the context are not among them. Sources that
    are `too_short` for their own pool are left out.

    Args:
        lengths: The number of steps of each source.
        spec: The numbers to draw, and the seed.
        k: Steps ahead.
        pool: Where the other candidates come from.

    Raises:
        CPCError: If the pool or every source is too small.
    """
    rows: list[tuple[int, int, int, np.ndarray]] = []
    short = set(too_short(lengths, k=k, candidates=spec.candidates)) if pool == SAME_SOURCE else set()
    *begins, total = np.cumsum([0, *lengths]).tolist()
    for source, (begin, length) in enumerate(zip(begins, lengths, strict=True)):
        if source in short:
            continue
        # Apart from the pool, the questions of a source do not depend on the other sources.
        rng = np.random.default_rng([spec.seed, source, length])
        first, size = (begin, length) if pool == SAME_SOURCE else (0, total)
        for t in sorted(rng.permutation(max(length - k, 0))[: spec.contexts].tolist()):
            context, true = begin + t, begin + t + k
            drawn_P = first + rng.choice(size, min(size, spec.candidates + RECENT), replace=False)
            recent_P = (drawn_P <= context) & (drawn_P > context - RECENT) & (drawn_P >= begin)
            others_P = drawn_P[(drawn_P != true) & ~recent_P][: spec.candidates - 1]
            if len(others_P) < spec.candidates - 1:
                raise _too_few(size, pool, spec)
            rows.append((source, begin, context, np.concatenate([[true], others_P])))
    if not rows and short:
        raise _too_few(max(lengths[source] for source in short), pool, spec)
    if not rows:
        raise CPCError(f"no source is longer than k = {k} steps: there is nothing to rank. Name longer sources.")
    return Questions(*(np.array(column) for column in zip(*rows, strict=True)))


def too_short(lengths: Sequence[int], *, k: int, candidates: int) -> list[int]:
    """Return the sources whose steps are too few for the other candidates at every place. Each has a step k ahead."""
    return [s for s, length in enumerate(lengths) if length > k and length - min(RECENT, length - k) < candidates]


def _too_few(steps: int, pool: str, spec: RankSpec) -> CPCError:
    """Return the error for a pool that is too small."""
    return CPCError(
        f"{steps} steps of {CANDIDATE_POOLS[pool]} cannot give {spec.candidates - 1} other candidates. Lower --candidates, "
        "choose another --pool, or name longer sources."
    )
