"""Methods that score the candidates of a question: the model, similarity of z, words in common, and chance. Also ranks
and measures.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from torchcpc.contracts import CPCError, Model
from torchcpc.ranking.questions import Questions
from torchcpc.representations.embed import SourceSteps
from torchcpc.results import Interval
from torchcpc.statistics.intervals import Hits, interval

if TYPE_CHECKING:
    from sklearn.feature_extraction.text import TfidfVectorizer

# The numbers of last steps that similarity and overlap compare with.
WINDOWS = (1, 5)
# The size of products [contexts, N, D] that are computed at once.
_BLOCK = 1 << 24
# Words are cut as for a model: runs of letters and digits, and runs of other signs. The latter reveal dialogue and author.
_WORD = r"\w+|[^\w\s]+"


class Text(NamedTuple):
    """What the overlap of words needs.

    Attributes:
        words: A vectoriser from `tf_idf`.
        sentences: The sentences of all sources, numbered as in the questions.
    """

    words: TfidfVectorizer
    sentences: Sequence[str]


def rank_all(
    model: Model, steps: Sequence[SourceSteps], questions: Questions, *, index: int, text: Text | None
) -> dict[str, Ranks]:
    """Return the ranks of every method, by name.

    Args:
        model: The model.
        steps: One sequence per source, in the order of their numbers.
        questions: The questions.
        index: The index of the horizon.
        text: What the overlap of words needs. None leaves it out.
    """
    ranked = {"CPC": rank(*model_scores(model, steps, questions, index=index), role="cpc")}
    ranked |= {f"similarity of z, last {n}": rank(similarity_scores(steps, questions, last=n), 1e-6) for n in WINDOWS}
    if text:
        ranked |= {f"TF-IDF overlap, last {n}": rank(overlap_scores(text, questions, last=n), 1e-9) for n in WINDOWS}
    return ranked | {"chance": rank(np.zeros(questions.candidate_AN.shape), role="chance")}


@torch.inference_mode()
def model_scores(model: Model, steps: Sequence[SourceSteps], questions: Questions, index: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the scores [A, N] of the model, and the rounding error [A] of equal vectors.

    Ranks need no log Z, because it is the same for all candidates of a context.

    Args:
        model: The model.
        steps: One sequence per source, in the order of their numbers.
        questions: The questions.
        index: The index of the horizon.
    """
    z_PD, c_PC = torch.cat([each.z_TD for each in steps]), torch.cat([each.c_TC for each in steps])
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


def similarity_scores(steps: Sequence[SourceSteps], questions: Questions, *, last: int) -> np.ndarray:
    """Return the cosine of each candidate's standardised z with the mean of the `last` steps read, [A, N]. It predicts
    nothing.
    """
    z_PD = torch.cat([each.z_TD for each in steps])
    z_PD = (z_PD - z_PD.mean(dim=0)) / z_PD.std(dim=0).clamp(min=1e-6)
    sums_PD = torch.cat([z_PD.new_zeros(1, z_PD.shape[1]), z_PD.cumsum(dim=0, dtype=torch.float64)])
    unit_PD = torch.nn.functional.normalize(z_PD, dim=1)
    low_A = _first_read(questions, last)
    seen_AD = sums_PD[torch.from_numpy(questions.context_A + 1)] - sums_PD[torch.from_numpy(low_A)]
    seen_AD = torch.nn.functional.normalize(seen_AD, dim=1).float()
    pairs = zip(questions.candidate_AN, seen_AD, strict=True)
    return torch.stack([unit_PD[torch.from_numpy(candidate_N)] @ seen_D for candidate_N, seen_D in pairs]).numpy()


def tf_idf(counted: Iterable[str]) -> TfidfVectorizer:
    """Return a vectoriser fitted to these sentences.

    Raises:
        CPCError: If they have no words.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    try:
        return TfidfVectorizer(token_pattern=_WORD, sublinear_tf=True).fit(counted)
    except ValueError as error:
        raise CPCError(f"the sentences have no words to count ({error}). Name sources of text.") from None


def overlap_scores(text: Text, questions: Questions, *, last: int) -> np.ndarray:
    """Return the cosine of the TF-IDF vectors of each candidate and of the `last` sentences of the context together, [A, N]."""
    from scipy.sparse import csr_matrix

    low_A = _first_read(questions, last)
    read = [" ".join(text.sentences[low : high + 1]) for low, high in zip(low_A, questions.context_A, strict=True)]
    seen_AV, sentence_PV = (csr_matrix(text.words.transform(texts)) for texts in (read, text.sentences))
    pairs = enumerate(questions.candidate_AN)
    return np.stack([(sentence_PV[candidate_N] @ seen_AV[a].T).toarray().ravel() for a, candidate_N in pairs])


def _first_read(questions: Questions, last: int) -> np.ndarray:
    """Return the first of the `last` steps up to each context, within its source, [A]."""
    return np.maximum(questions.context_A - last + 1, questions.begin_A)


class Ranks(NamedTuple):
    """The ranks of the true futures of A questions.

    Attributes:
        above_A: The number of other candidates that score above the true future.
        tied_A: The number of other candidates that tie with it.
        candidates: The number N of candidates.
        role: The role of the method, as in `RankRow`.
    """

    above_A: np.ndarray
    tied_A: np.ndarray
    candidates: int
    role: str


def rank(score_AN: np.ndarray, level_A: np.ndarray | float = 0.0, *, role: str = "handmade") -> Ranks:
    """Return the ranks of the first column. Scores within `level_A` of it tie with it."""
    true_A1, level_A1 = score_AN[:, :1], np.broadcast_to(level_A, len(score_AN))[:, None]
    above_A, below_A = (score_AN[:, 1:] > true_A1 + level_A1).sum(axis=1), (score_AN[:, 1:] < true_A1 - level_A1).sum(axis=1)
    return Ranks(above_A, score_AN.shape[1] - 1 - above_A - below_A, score_AN.shape[1], role)


# Ties count as the mean over all orders of the tied candidates.
def top1(ranks: Ranks) -> np.ndarray:
    """Return the probability that the true future comes first, [A]."""
    return np.where(ranks.above_A == 0, 1 / (1 + ranks.tied_A), 0.0)


def reciprocal(ranks: Ranks) -> np.ndarray:
    """Return the mean of 1 / rank, [A]."""
    sums_N = np.concatenate([[0.0], np.cumsum(1 / np.arange(1, ranks.candidates + 1))])
    return (sums_N[ranks.above_A + ranks.tied_A + 1] - sums_N[ranks.above_A]) / (ranks.tied_A + 1)


def mean_rank(ranks: Ranks) -> np.ndarray:
    """Return the mean rank, from 1, [A]."""
    return 1 + ranks.above_A + ranks.tied_A / 2


def measured(value_RA: np.ndarray, source_A: np.ndarray, least: float, most: float) -> Interval:
    """Return the mean of a measure with its interval over seeds and sources. With one source the interval is NaN.

    Args:
        value_RA: The measure of each question in each replicate (seed).
        source_A: The source of each question.
        least: The lower bound of the measure.
        most: The upper bound of the measure.
    """
    return interval(Hits.of(value_RA, source_A), least=least, most=most)
