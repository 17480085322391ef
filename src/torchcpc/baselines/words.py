"""Baselines for representations of sentences: the mean of word embeddings, and TF-IDF of words and word pairs."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

from torchcpc.contracts import CPCError
from torchcpc.statistics.batched_logistic import Block, Matrix


def mean_embedding(ids_SL: np.ndarray, table_VE: np.ndarray) -> np.ndarray:
    """Return the mean embedding of all tokens of a document.

    Args:
        ids_SL: Token numbers, [sentences, tokens]. 0 means no token.
        table_VE: The embedding of each token, [V, E].

    Returns:
        The mean, [E]. It is zero for a document without tokens.
    """
    words_W = ids_SL[ids_SL > 0].astype(np.int64)
    return table_VE[words_W].mean(axis=0) if len(words_W) else np.zeros(table_VE.shape[1], table_VE.dtype)


class Tfidf:
    """TF-IDF of words and of pairs of neighbouring words, as `probes.nested_cv.FoldFeatures`.

    Rows have length 1. A word is a run of letters and digits, or a single sign. The vocabulary and the weights come
    from the training rows of a fold alone. The result of each fold is kept.

    Args:
        texts: The text of each row.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = np.array(texts, dtype=object)
        self._kept: dict[bytes, tuple[Block, Matrix]] = {}

    def __call__(self, train: np.ndarray, test: np.ndarray) -> tuple[Block, Matrix]:
        from sklearn.feature_extraction.text import TfidfVectorizer

        key = train.tobytes()
        if key not in self._kept:
            kind: Any = np.float32
            vectors = TfidfVectorizer(token_pattern=r"\w+|[^\w\s]", ngram_range=(1, 2), sublinear_tf=True, dtype=kind)
            try:
                known = vectors.fit_transform(self._texts[train])
            except ValueError as error:
                raise CPCError(f"TF-IDF of {len(train)} texts: {error}. Name texts that hold words.") from None
            self._kept[key] = Block.sparse(known), csr_matrix(vectors.transform(self._texts[test]))
        return self._kept[key]


def normalised(text: str) -> str:
    """Return a text without case and extra blanks. Two texts count as the same if these are equal."""
    return " ".join(text.casefold().split())
