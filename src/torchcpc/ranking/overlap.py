"""The baseline of ranking text: how many telling words a candidate shares with what was just read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer

from torchcpc.contracts import CPCError
from torchcpc.ranking.ranks import Questions

# As the words of a model are cut: every run of letters and digits, and every run of other signs, which tell dialogue and author.
_WORD = r"\w+|[^\w\s]+"


def tf_idf(counted: Iterable[str]) -> Any:
    """A vectoriser that knows the words of these sentences, and how many hold each. Raises CPCError where they have no word."""
    try:
        return TfidfVectorizer(token_pattern=_WORD, sublinear_tf=True).fit(counted)
    except ValueError as error:
        raise CPCError(f"the sentences have no words to count ({error}). Name sources of text.") from None


def overlap_scores(words: Any, sentences: Sequence[str], questions: Questions, *, last: int) -> np.ndarray:
    """score_AN: cosine of the TF-IDF vectors of a candidate and of the `last` sentences of the context taken together.

    words: from `tf_idf`; sentences: of all sources, numbered as in the questions.
    """
    low_A = np.maximum(questions.context_A - last + 1, questions.begin_A)
    read = [" ".join(sentences[low : high + 1]) for low, high in zip(low_A, questions.context_A, strict=True)]
    seen_AV, sentence_PV = words.transform(read), words.transform(sentences)
    return np.stack(
        [(sentence_PV[candidate_N] @ seen_AV[a].T).toarray().ravel() for a, candidate_N in enumerate(questions.candidate_AN)]
    )
