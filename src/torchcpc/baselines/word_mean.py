"""The mean of word embeddings: what a sentence encoder has to beat that only looks words up."""

from __future__ import annotations

import numpy as np


def mean_embedding(ids_SL: np.ndarray, table_VE: np.ndarray) -> np.ndarray:
    """Token numbers [sentences, tokens], 0 where there is none -> the mean embedding of all tokens of the document: [E]."""
    words_W = ids_SL[ids_SL > 0].astype(np.int64)
    return table_VE[words_W].mean(axis=0) if len(words_W) else np.zeros(table_VE.shape[1], table_VE.dtype)
