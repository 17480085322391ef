"""What scores the candidates of a question: the model, similarity of z, words in common, and chance."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from torchcpc.contracts import CPCError, Model
from torchcpc.ranking.questions import Questions
from torchcpc.ranking.ranks import Ranks, rank
from torchcpc.representations.embed import SourceSteps

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix
    from sklearn.feature_extraction.text import TfidfVectorizer

# Steps of the context that similarity and overlap compare with.
WINDOWS = (1, 5)
# Scores [contexts, N, D] that are multiplied at once.
_BLOCK = 1 << 24
# As the words of a model are cut: every run of letters and digits, and every run of other signs, which tell dialogue and author.
_WORD = r"\w+|[^\w\s]+"


class Ranked(NamedTuple):
    """One method's ranks of the questions of one run. role: as in RankRow."""

    role: str
    ranks: Ranks


class Text(NamedTuple):
    """What the overlap of words needs: a vectoriser from `tf_idf`, and the sentences of all sources, numbered as in the questions."""

    words: TfidfVectorizer
    sentences: Sequence[str]


def rank_all(
    model: Model, steps: Sequence[SourceSteps], questions: Questions, *, index: int, text: Text | None
) -> dict[str, Ranked]:
    """The ranks of every method, by name. index: of the horizon; text: for the overlap of words."""
    ranked = {"CPC": Ranked("cpc", rank(*model_scores(model, steps, questions, index=index)))}
    for last in WINDOWS:
        similarity_AN = similarity_scores(steps, questions, last=last)
        ranked[f"similarity of z, last {last}"] = Ranked("handmade", rank(similarity_AN, 1e-6))
    if text:
        for last in WINDOWS:
            overlap_AN = overlap_scores(text, questions, last=last)
            ranked[f"TF-IDF overlap, last {last}"] = Ranked("handmade", rank(overlap_AN, 1e-9))
    return ranked | {"chance": Ranked("chance", rank(np.zeros(questions.candidate_AN.shape)))}


@torch.inference_mode()
def model_scores(
    model: Model, steps: Sequence[SourceSteps], questions: Questions, *, index: int
) -> tuple[np.ndarray, np.ndarray]:
    """score_AN of the model at horizon `index`, and the rounding level_A of equal vectors.

    Ranks need no log Z: it is the same for all candidates of a context. steps: one sequence a source, in the order of their numbers.
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
    """score_AN: cosine of the candidate's standardised z with the mean of the `last` steps read. It predicts nothing."""
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
    """A vectoriser that knows the words of these sentences, and how many hold each. Raises CPCError where they have no word."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    try:
        return TfidfVectorizer(token_pattern=_WORD, sublinear_tf=True).fit(counted)
    except ValueError as error:
        raise CPCError(f"the sentences have no words to count ({error}). Name sources of text.") from None


def overlap_scores(text: Text, questions: Questions, *, last: int) -> np.ndarray:
    """score_AN: cosine of the TF-IDF vectors of the candidate and of the `last` sentences of the context, taken together."""
    low_A = _first_read(questions, last)
    read = [" ".join(text.sentences[low : high + 1]) for low, high in zip(low_A, questions.context_A, strict=True)]
    seen_AV: csr_matrix
    sentence_PV: csr_matrix
    seen_AV, sentence_PV = text.words.transform(read), text.words.transform(text.sentences)
    return np.stack(
        [(sentence_PV[candidate_N] @ seen_AV[a].T).toarray().ravel() for a, candidate_N in enumerate(questions.candidate_AN)]
    )


def _first_read(questions: Questions, last: int) -> np.ndarray:
    """[A] the first of the `last` steps up to the context, within its source."""
    return np.maximum(questions.context_A - last + 1, questions.begin_A)
