"""Test rows in two dimensions, for the eye."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from torchcpc.probes.result import EmbeddingMap

# More points would hide each other.
_MOST = 1500


def embedding_map(x_MD: np.ndarray, y_M: np.ndarray, label: str, names: Sequence[str]) -> EmbeddingMap | None:
    """At most 1500 of the rows by t-SNE, after standardisation, with the class of each; None where there are too few for a map."""
    if len(x_MD) < 3 or x_MD.shape[1] < 2:
        return None
    from sklearn.manifold import TSNE

    kept = np.sort(np.random.default_rng(0).permutation(len(x_MD))[:_MOST])
    x_MD = (x_MD[kept] - x_MD[kept].mean(axis=0)) / (x_MD[kept].std(axis=0) + 1e-6)
    perplexity = min(30.0, (len(kept) - 1) / 3)
    points = TSNE(perplexity=perplexity, init="pca", random_state=0).fit_transform(x_MD)
    return EmbeddingMap(label, points.round(3), tuple(names[int(y)] for y in y_M[kept]))
