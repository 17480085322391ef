"""Mutual information by nearest neighbours (Kraskov, Stogbauer, Grassberger 2004, estimator 1; arXiv:cond-mat/0305641).

It needs no training and sees edges and ridges that a smooth score rounds off, but only in few dimensions: beyond about five its
bias is larger than any other error here.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial import KDTree
from scipy.special import digamma

MOST_DIMENSIONS = 5
# Few neighbours: little bias at an edge, some more variance. WIDER shows how much bias there still is.
NEIGHBOURS, WIDER = 3, 10


def neighbours_information(x_ND: np.ndarray, y_NE: np.ndarray, *, k: int = NEIGHBOURS, seed: int = 0) -> np.ndarray:
    """Per-sample terms in nats whose mean is the estimate: [N]. x and y on like scales, for instance normal scores."""
    rng = np.random.default_rng([seed, 1])
    # Equal values have no nearest neighbour; a jitter far below any distance breaks the ties (the authors' advice).
    x, y = (a + 1e-9 * rng.standard_normal(a.shape) for a in (x_ND, y_NE))
    joint = np.hstack([x, y])
    radius = np.nextafter(KDTree(joint).query(joint, k + 1, p=np.inf)[0][:, -1], 0)
    # Strictly nearer than the k-th neighbour, the point itself counted: the n_x + 1 of the paper's eq. 8.
    within_x, within_y = (KDTree(a).query_ball_point(a, radius, p=np.inf, return_length=True) for a in (x, y))
    return digamma(k) + digamma(len(x)) - digamma(within_x) - digamma(within_y)
