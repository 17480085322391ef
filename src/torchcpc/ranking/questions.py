"""What a ranking asks: contexts, the step k ahead of each, and other steps drawn once with a seed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from torchcpc.contracts import CPCError, check_choice, check_rules
from torchcpc.ranking.result import CANDIDATE_POOLS

SAME_SOURCE = "same source"
# Steps just read are no candidates: to tell that one of them does not come again is no understanding.
RECENT = 5


@dataclass(frozen=True, slots=True)
class RankSpec:
    """What is ranked. ks: steps ahead; none for the first whose target shares no input with the context. candidates: of each question, the
    true future included. contexts: drawn of each source at most. pools: of CANDIDATE_POOLS; none for all that the sources can fill."""

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
    """A questions of N candidates. Steps are numbered through, source after source. source_A: the number of the source. begin_A: its first
    step. context_A: the last step read. candidate_AN: the true future first."""

    source_A: np.ndarray
    begin_A: np.ndarray
    context_A: np.ndarray
    candidate_AN: np.ndarray


def draw_questions(lengths: Sequence[int], spec: RankSpec, *, k: int, pool: str = "any source") -> Questions:
    """At most `spec.contexts` questions a source, at places drawn without replacement among those with a step k ahead. The other
    candidates are drawn without replacement from the pool, less the true future and the RECENT steps up to the context. Sources
    `too_short` for their own pool are left out of it. Raises CPCError where the pool or every source is too small."""
    rows: list[tuple[int, int, int, np.ndarray]] = []
    short = set(too_short(lengths, k=k, candidates=spec.candidates)) if pool == SAME_SOURCE else set()
    *begins, total = np.cumsum([0, *lengths]).tolist()
    for source, (begin, length) in enumerate(zip(begins, lengths, strict=True)):
        if source in short:
            continue
        # A source's questions do not depend on which others are there, but for the pool.
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
    """The sources with a step k ahead whose own steps cannot give the other candidates at every place."""
    return [s for s, length in enumerate(lengths) if length > k and length - min(RECENT, length - k) < candidates]


def _too_few(steps: int, pool: str, spec: RankSpec) -> CPCError:
    return CPCError(
        f"{steps} steps of {CANDIDATE_POOLS[pool]} cannot give {spec.candidates - 1} other candidates. Ask for fewer with --candidates, "
        "choose another --pool, or name longer sources."
    )
