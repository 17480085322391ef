"""Boundaries matched and judged: against scipy's maximum matching, a slow loop, and cases worked out by hand."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching

from torchcpc.contracts import CPCError
from torchcpc.data.alignment import Alignment
from torchcpc.segmentation.matching import Counts, Quality, count, one_to_one, truth_of


def alignment(*spans: tuple[float, float]) -> Alignment:
    start_s, end_s = (np.array(column) for column in zip(*spans, strict=True))
    return Alignment(("a",), {"r": (start_s, end_s, np.zeros(len(start_s), np.int64))})


@pytest.mark.parametrize("seed", range(5))
def test_no_matching_has_more_pairs(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for _ in range(60):
        found, true = (np.sort(rng.uniform(0, 0.3, rng.integers(0, 13))) for _ in range(2))
        near = np.abs(found[:, None] - true) <= 0.02
        most = (maximum_bipartite_matching(csr_array(near)) >= 0).sum() if near.size else 0
        assert one_to_one(found, true, 0.02) == most


def test_exactly_the_tolerance_is_a_hit_however_it_rounds() -> None:
    for true in np.arange(0, 7, 0.01):
        assert one_to_one(np.array([true + 0.02]), np.array([true]), 0.02) == 1
        assert one_to_one(np.array([true + 0.021]), np.array([true]), 0.02) == 0


def test_counts_against_a_loop() -> None:
    rng = np.random.default_rng(0)
    edges = np.cumsum(rng.uniform(0.03, 0.12, 41))
    truth = truth_of(alignment(*pairwise(edges)), "r")
    found = np.sort(rng.uniform(0, edges[-1] + 0.5, 53))
    inside = [f for f in found if edges[0] < f < edges[-1]]
    assert list(truth.true_s) == list(edges[1:-1]) and truth.seconds == pytest.approx(edges[-1] - edges[0])
    near = sum(any(abs(f - t) <= 0.02 for t in edges[1:-1]) for f in inside)
    hit = sum(any(abs(f - t) <= 0.02 for f in inside) for t in edges[1:-1])
    assert count(found, truth) == (len(inside), 39, one_to_one(np.array(inside), edges[1:-1]), near, hit)


def test_unlabelled_time_is_not_judged() -> None:
    """0 to 0.5 s, the gap from 1.1 to 1.5 s and all after 2 s hold neither boundaries nor false alarms; nor do the ends count."""
    truth = truth_of(alignment((0.5, 0.8), (0.8, 1.1), (1.5, 1.7), (1.7, 2.0)), "r")
    assert truth.true_s.tolist() == [0.8, 1.7]
    found = np.array([0.1, 0.5, 0.81, 0.9, 1.1, 1.3, 1.5, 1.71, 2.0, 2.5])
    assert count(found, truth) == Counts(3, 2, 2, 2, 2)
    with pytest.raises(CPCError, match="has no labels"):
        truth_of(alignment((0, 1)), "s")


def test_two_marks_beside_one_boundary() -> None:
    """Lenient calls both right; one-to-one calls one of them needless."""
    truth = truth_of(alignment((0, 1), (1, 2)), "r")
    counts = count(np.array([0.99, 1.01]), truth)
    harsh, lenient = Quality.of(counts), Quality.of(counts, lenient=True)
    assert (harsh.precision, harsh.recall, harsh.over_segmentation) == (0.5, 1, 1)
    assert (lenient.precision, lenient.recall, lenient.f1, lenient.r_value) == (1, 1, 1, 1)
    # HR = 1, OS = 1: r1 = 1, r2 = -1 / sqrt 2.
    assert harsh.r_value == pytest.approx(1 - (1 + 1 / math.sqrt(2)) / 2)


def test_quality_by_hand() -> None:
    """50 found, 40 true, 30 pairs: HR = 0.75, OS = 0.25, so r1 = 0.25 sqrt 2 and r2 = -0.5 / sqrt 2 = -r1."""
    quality = Quality.of(Counts(50, 40, 30, 30, 30))
    assert (quality.precision, quality.recall) == (0.6, 0.75)
    assert quality.over_segmentation == pytest.approx(0.25)
    assert quality.f1 == pytest.approx(2 / 3)
    assert quality.r_value == pytest.approx(1 - 0.25 * math.sqrt(2))


def test_nothing_found_and_nothing_to_find() -> None:
    # HR = 0, OS = -1: r1 = sqrt 2, r2 = 0.
    nothing = Quality.of(Counts(0, 7, 0, 0, 0))
    assert (nothing.f1, nothing.over_segmentation) == (0, -1) and nothing.r_value == pytest.approx(1 - math.sqrt(2) / 2)
    with pytest.raises(CPCError, match="no boundary to be found"):
        Quality.of(Counts(3, 0, 0, 0, 0))
