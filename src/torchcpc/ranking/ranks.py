"""Ranks of the true future among the other candidates, and the measures made of them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from torchcpc.results import Interval
from torchcpc.statistics.intervals import Hits, interval


class Ranks(NamedTuple):
    """[A]: how many of the N - 1 others score above the true future, and how many level with it."""

    above_A: np.ndarray
    tied_A: np.ndarray
    candidates: int


def rank(score_AN: np.ndarray, level_A: np.ndarray | float = 0.0) -> Ranks:
    """Ranks of the first column; scores within `level_A` of it are level with it."""
    true_A1, level_A1 = score_AN[:, :1], np.broadcast_to(level_A, len(score_AN))[:, None]
    above_AN, below_AN = score_AN[:, 1:] > true_A1 + level_A1, score_AN[:, 1:] < true_A1 - level_A1
    above_A = above_AN.sum(axis=1)
    return Ranks(above_A, score_AN.shape[1] - 1 - above_A - below_AN.sum(axis=1), score_AN.shape[1])


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


def measured(value_RA: np.ndarray, source_A: np.ndarray, least: float, most: float) -> Interval:
    """The mean of a measure over questions and replicates (seeds) R, with its interval over both and the sources.

    least, most: what the measure can be. With one source and one replicate the interval is NaN.
    """
    hits = Hits.of(value_RA, source_A)
    if hits.hits_RS.size == 1:
        return Interval(hits.mean, float("nan"), float("nan"))
    return interval(hits, least=least, most=most)
