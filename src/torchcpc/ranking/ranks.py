"""Where the true future ranks among others, for every method on the same questions.

A question is a context, the step k ahead of it and N - 1 other steps, drawn once with a seed; a method gives a score to each.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch

from torchcpc.contracts import CPCError
from torchcpc.information.scoring import Steps
from torchcpc.statistics.intervals import Hits, Interval, percentiles

# Where the other candidates come from.
OWN = "same source"
POOLS = {"any source": "all the sources ranked", OWN: "the source of the context"}
# Steps just read are no candidates: to tell that one of them does not come again is no understanding.
RECENT = 5
# Scores [contexts, N, D] that are multiplied at once.
_BLOCK = 1 << 24


class Questions(NamedTuple):
    """A questions of N candidates. Steps are numbered through, source after source: context_A, the last step read; candidate_AN, the
    true future first; source_A, the number of the source; begin_A, the number of its first step."""

    source_A: np.ndarray
    begin_A: np.ndarray
    context_A: np.ndarray
    candidate_AN: np.ndarray


class Ranks(NamedTuple):
    """[A]: how many of the N - 1 others score above the true future, and how many level with it."""

    above_A: np.ndarray
    tied_A: np.ndarray
    candidates: int


def ask(
    lengths: Sequence[int], *, k: int, candidates: int = 100, contexts: int = 200, pool: str = "any source", seed: int = 0
) -> Questions:
    """At most `contexts` questions a source, at places drawn without replacement among those with a step k ahead.

    The others are drawn without replacement from the pool, without the true future and the `RECENT` steps up to the context. From the
    pool "same source" those `too_short` are left out. Raises CPCError for an unknown pool, one that is too small, and sources that are
    all too short.
    """
    if pool not in POOLS:
        raise CPCError(f"pool = {pool!r} is unknown. Choose one of {', '.join(POOLS)}.")
    if candidates < 2 or contexts < 1:
        raise CPCError(f"candidates = {candidates}, contexts = {contexts}: at least 2 and at least 1.")
    begin_S = np.cumsum([0, *lengths[:-1]])
    total = int(sum(lengths))
    rows: list[tuple[int, int, int, np.ndarray]] = []
    left = set(too_short(lengths, k=k, candidates=candidates)) if pool == OWN else set()
    for source, (begin, length) in enumerate(zip(begin_S.tolist(), lengths, strict=True)):
        if source in left:
            continue
        # A source's questions do not depend on which others are there, but for the pool.
        rng = np.random.default_rng([seed, source, length])
        first, size = (begin, length) if pool == OWN else (0, total)
        for t in sorted(rng.permutation(max(length - k, 0))[:contexts].tolist()):
            context, true = begin + t, begin + t + k
            drawn_P = first + rng.choice(size, min(size, candidates + RECENT), replace=False)
            recent_P = (drawn_P <= context) & (drawn_P > context - RECENT) & (drawn_P >= begin)
            others_P = drawn_P[(drawn_P != true) & ~recent_P][: candidates - 1]
            if len(others_P) < candidates - 1:
                raise _too_few(size, pool, candidates)
            rows.append((source, begin, context, np.concatenate([[true], others_P])))
    if not rows and left:
        raise _too_few(max(lengths[source] for source in left), pool, candidates)
    if not rows:
        raise CPCError(f"no source is longer than k = {k} steps: there is nothing to rank. Name longer sources.")
    source_A, begin_A, context_A, candidate_AN = (np.array(column) for column in zip(*rows, strict=True))
    return Questions(source_A, begin_A, context_A, candidate_AN)


def too_short(lengths: Sequence[int], *, k: int, candidates: int) -> list[int]:
    """The sources that have a step k ahead but cannot give, at every place with one, the other candidates of it by themselves."""
    return [s for s, length in enumerate(lengths) if length > k and length - min(RECENT, length - k) < candidates]


def _too_few(steps: int, pool: str, candidates: int) -> CPCError:
    return CPCError(
        f"{steps} steps of {POOLS[pool]} cannot give {candidates - 1} other candidates. Ask for fewer with --candidates, choose another "
        "--pool, or name longer sources."
    )


def rank(score_AN: np.ndarray, level_A: np.ndarray | float = 0.0) -> Ranks:
    """Ranks of the first column; scores within `level_A` of it are level with it."""
    true_A1, level_A1 = score_AN[:, :1], np.broadcast_to(level_A, len(score_AN))[:, None]
    above_AN, below_AN = score_AN[:, 1:] > true_A1 + level_A1, score_AN[:, 1:] < true_A1 - level_A1
    above_A = above_AN.sum(axis=1)
    return Ranks(above_A, score_AN.shape[1] - 1 - above_A - below_AN.sum(axis=1), score_AN.shape[1])


def chance(questions: Questions) -> Ranks:
    """Every candidate alike."""
    return rank(np.zeros(questions.candidate_AN.shape))


# What ties cost is the mean over the orders that a fair draw among them gives.
def top1(ranks: Ranks) -> np.ndarray:
    """[A] probability that the true future comes first."""
    return np.where(ranks.above_A == 0, 1 / (1 + ranks.tied_A), 0.0)


def reciprocal(ranks: Ranks) -> np.ndarray:
    """[A] mean of 1 / rank."""
    sums_N = np.concatenate([[0.0], np.cumsum(1 / np.arange(1, ranks.candidates + 1))])
    return (sums_N[ranks.above_A + ranks.tied_A + 1] - sums_N[ranks.above_A]) / (ranks.tied_A + 1)


def mean_rank(ranks: Ranks) -> np.ndarray:
    """[A] mean rank, from 1."""
    return 1 + ranks.above_A + ranks.tied_A / 2


MEASURES = {"top-1": top1, "reciprocal": reciprocal, "rank": mean_rank}


@torch.inference_mode()
def model_scores(model: Any, steps: Sequence[Steps], questions: Questions, *, index: int) -> tuple[np.ndarray, np.ndarray]:
    """score_AN of the model at horizon `index`, and the rounding level_A of equal vectors. log Z is the same for all candidates of a
    context, so that ranks need none. steps: the sources in the order of their numbers, one sequence each."""
    z_PD, c_PC = (torch.cat([getattr(each, name) for each in steps]) for name in ("z_TD", "c_TC"))
    device = next(model.parameters()).device
    scores, levels = [], []
    rows = max(1, _BLOCK // (questions.candidate_AN.shape[1] * z_PD.shape[1]))
    for first in range(0, len(questions.context_A), rows):
        part = slice(first, first + rows)
        c_1aC = c_PC[torch.from_numpy(questions.context_A[part])].unsqueeze(0).to(device)
        p_aD = model.predictor(c_1aC)[0, :, index]
        z_aND = z_PD[torch.from_numpy(questions.candidate_AN[part])].to(device)
        scores.append((z_aND @ p_aD.unsqueeze(-1)).squeeze(-1).cpu().numpy())
        levels.append((1e-6 * p_aD.norm(dim=1) * z_aND[:, 0].norm(dim=1)).cpu().numpy())
    return np.concatenate(scores), np.concatenate(levels)


def likeness_scores(steps: Sequence[Steps], questions: Questions, *, last: int) -> np.ndarray:
    """score_AN: cosine of standardised z of the candidate with the mean of the `last` steps read. No prediction, likeness alone."""
    z_PD = torch.cat([each.z_TD for each in steps])
    z_PD = (z_PD - z_PD.mean(dim=0)) / z_PD.std(dim=0).clamp(min=1e-6)
    sums_PD = torch.cat([z_PD.new_zeros(1, z_PD.shape[1]), z_PD.cumsum(dim=0, dtype=torch.float64)])
    unit_PD = torch.nn.functional.normalize(z_PD, dim=1)
    low_A = np.maximum(questions.context_A - last + 1, questions.begin_A)
    seen_AD = sums_PD[torch.from_numpy(questions.context_A + 1)] - sums_PD[torch.from_numpy(low_A)]
    seen_AD = torch.nn.functional.normalize(seen_AD, dim=1).float()
    found = [unit_PD[torch.from_numpy(n)] @ seen_D for n, seen_D in zip(questions.candidate_AN, seen_AD, strict=True)]
    return torch.stack(found).numpy()


def measured(value_RA: np.ndarray, source_A: np.ndarray, *, resamples: int = 2000, level: float = 0.95) -> Interval:
    """The mean of a measure over questions and replicates (seeds) R, with its interval over both and the sources. With one source
    and one replicate the interval is NaN."""
    hits = Hits.of(value_RA, source_A)
    if hits.hits_RS.size == 1:
        return Interval(hits.mean, float("nan"), float("nan"))
    return Interval(hits.mean, *percentiles(hits.resampled(resamples=resamples, level=level, seed=0), level))
