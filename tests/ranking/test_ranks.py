"""Ranks against a slow loop, the draw of candidates against its rules, TF-IDF against its formula."""

import math
from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy.stats import chisquare

from torchcpc.contracts import CPCError
from torchcpc.ranking import methods
from torchcpc.ranking.methods import Text, overlap_scores, similarity_scores, tf_idf
from torchcpc.ranking.questions import RECENT, Questions, RankSpec, draw_questions, too_short
from torchcpc.representations.embed import SourceSteps
from torchcpc.scores.bilinear import Bilinear

LENGTHS = [41, 7, 2, 83]


@pytest.mark.parametrize("pool", ["any source", "same source"])
def test_questions_keep_their_rules(pool: str) -> None:
    k, lengths = 3, [41, 29, 3, 83]
    asked = draw_questions(lengths, RankSpec(candidates=17, contexts=11), k=k, pool=pool)
    begins = np.cumsum([0, *lengths])
    assert Counter(asked.source_A.tolist()) == {0: 11, 1: 11, 3: 11}, "a source of k steps has no question"
    for source, begin, context, candidates in zip(*asked, strict=True):
        assert begin == begins[source] and begin <= context and context + k < begins[source + 1]
        assert candidates[0] == context + k and len(set(candidates.tolist())) == len(candidates) == 17
        low, high = (begins[source], begins[source + 1]) if pool == "same source" else (0, begins[-1])
        assert (candidates >= low).all() and (candidates < high).all()
        assert not any(max(begin, context - RECENT + 1) <= c <= context for c in candidates)
    again = draw_questions(lengths, RankSpec(candidates=17, contexts=11), k=k, pool=pool)
    np.testing.assert_array_equal(asked.candidate_AN, again.candidate_AN)
    other = draw_questions(lengths, RankSpec(candidates=17, contexts=11, seed=1), k=k, pool=pool)
    assert not np.array_equal(asked.candidate_AN, other.candidate_AN)


def test_candidates_are_drawn_evenly() -> None:
    asked = draw_questions([13, 13], RankSpec(candidates=2, contexts=1, seed=0), k=1)
    counts = Counter()
    for seed in range(3000):
        drawn = draw_questions([13, 13], RankSpec(candidates=2, contexts=1, seed=seed), k=1)
        counts.update(
            int(c - drawn.context_A[0]) for c in drawn.candidate_AN[:1, 1] if drawn.context_A[0] == asked.context_A[0]
        )
    assert len(counts) == 26 - 1 - min(RECENT, asked.context_A[0] + 1)
    assert chisquare(list(counts.values())).pvalue > 0.001


def test_what_cannot_be_asked() -> None:
    with pytest.raises(CPCError, match="pool = 'none' is unknown"):
        RankSpec(pools=("none",))
    with pytest.raises(CPCError, match=r"83 steps .* cannot give 99 other candidates.*--candidates.*--pool"):
        draw_questions([41, 83], RankSpec(), k=1, pool="same source")
    with pytest.raises(CPCError, match=r"94 steps of all the sources ranked cannot give 99 other.*--candidates.*--pool"):
        draw_questions([11, 83], RankSpec(), k=1)
    with pytest.raises(CPCError, match="no source is longer than k = 90"):
        draw_questions(LENGTHS, RankSpec(candidates=5), k=90)
    with pytest.raises(CPCError, match="candidates = 1"):
        RankSpec(candidates=1)
    with pytest.raises(CPCError, match="seed = -1"):
        RankSpec(seed=-1)


def test_ranks_and_measures_against_a_loop_over_all_orders_of_ties() -> None:
    """A fair draw among ties, written out: the mean over every place that the true one may take among its equals."""
    score_AN = np.random.default_rng(0).integers(0, 4, size=(53, 7)).astype(float)
    found = methods.rank(score_AN)
    for a, score_N in enumerate(score_AN):
        above, level = sum(score_N[1:] > score_N[0]), sum(score_N[1:] == score_N[0])
        places = [above + 1 + tie for tie in range(level + 1)]
        assert methods.top1(found)[a] == pytest.approx(np.mean([place == 1 for place in places]))
        assert methods.reciprocal(found)[a] == pytest.approx(np.mean([1 / place for place in places]))
        assert methods.mean_rank(found)[a] == pytest.approx(np.mean(places))
    near = methods.rank(np.array([[1.0, 1.0 + 1e-9, 1.0 - 1e-9, 2.0]]), 1e-8)
    assert (near.above_A[0], near.tied_A[0]) == (1, 2)


def test_chance_is_chance() -> None:
    found = methods.rank(np.zeros((7, 100)))
    assert methods.top1(found) == pytest.approx(0.01)
    assert methods.reciprocal(found) == pytest.approx(sum(1 / r for r in range(1, 101)) / 100)
    assert methods.mean_rank(found) == pytest.approx(50.5)


def steps(lengths: list[int], width: int = 5, seed: int = 0) -> list[SourceSteps]:
    generator = torch.Generator().manual_seed(seed)
    return [
        SourceSteps(i, 0, torch.randn(n, width, generator=generator), torch.randn(n, 3, generator=generator))
        for i, n in enumerate(lengths)
    ]


def test_scores_of_a_model_and_of_similarity_against_a_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(methods, "_BLOCK", 5 * 13 * 4)  # several blocks
    torch.manual_seed(0)
    predictor = Bilinear(3, 5, count=2)
    model = SimpleNamespace(predictor=predictor, parameters=predictor.parameters)
    own = steps(LENGTHS)
    asked = draw_questions(LENGTHS, RankSpec(candidates=13, contexts=6), k=2)
    z = [row for each in own for row in each.z_TD]
    c = [row for each in own for row in each.c_TC]
    found, level_A = methods.model_scores(model, own, asked, index=1)
    similarity = similarity_scores(own, asked, last=3)
    z_all = torch.stack(z)
    unit = (z_all - z_all.mean(0)) / z_all.std(0)
    for a, (begin, context) in enumerate(zip(asked.begin_A, asked.context_A, strict=True)):
        seen = unit[max(begin, context - 2) : context + 1].sum(0)
        for n, candidate in enumerate(asked.candidate_AN[a]):
            expected = (z[candidate] @ predictor.weight[1] @ c[context]).item()
            assert found[a, n] == pytest.approx(expected, abs=1e-5)
            cosine = torch.cosine_similarity(unit[candidate], seen, dim=0).item()
            assert similarity[a, n] == pytest.approx(cosine, abs=1e-5)
    assert (level_A < 1e-4).all() and found.shape == (len(asked.context_A), 13)


def test_tf_idf_against_its_formula() -> None:
    train = ["the cat sat", "the dog sat down", "a cat and a dog", "rain"]
    words = tf_idf(train)
    sentences = ["The cat.", "the dog", "rain, rain", "a dog sat", "nobody knows"]
    asked = Questions(np.array([0, 0]), np.array([0, 0]), np.array([0, 1]), np.array([[1, 2, 4, 3], [3, 2, 4, 0]]))
    vocabulary = {word for line in train for word in line.split()}
    idf = {w: math.log((1 + 4) / (1 + sum(w in line.split() for line in train))) + 1 for w in vocabulary}

    def vector(text: str) -> dict[str, float]:
        counts = Counter(w for w in text.lower().replace(".", "").replace(",", "").split() if w in vocabulary)
        return {w: (1 + math.log(n)) * idf[w] for w, n in counts.items()}

    def cosine(a: str, b: str) -> float:
        one, two = vector(a), vector(b)
        size = math.hypot(*one.values()) * math.hypot(*two.values())
        return sum(one[w] * two.get(w, 0) for w in one) / size if size else 0.0

    for last in (1, 2):
        found = overlap_scores(Text(words, sentences), asked, last=last)
        for a, context in enumerate(asked.context_A):
            read = " ".join(sentences[max(0, context - last + 1) : context + 1])
            expected = [cosine(read, sentences[n]) for n in asked.candidate_AN[a]]
            np.testing.assert_allclose(found[a], expected, atol=1e-6)
    with pytest.raises(CPCError, match="have no words to count"):
        tf_idf(["", " "])


def test_intervals_are_over_sources_and_seeds() -> None:
    rng = np.random.default_rng(0)
    source_A = np.repeat(np.arange(12), 50)
    between, within = rng.normal(size=12) * 5, rng.normal(size=600)
    value_A, free = between[source_A] + within, (-np.inf, np.inf)
    found = methods.measured(value_A[None], source_A, *free)
    half = 2.2 * between.std(ddof=1) / np.sqrt(12)  # Student's t of 11 degrees of freedom
    assert found.mean == pytest.approx(value_A.mean(), abs=1e-5)
    assert (found.high - found.low) / 2 == pytest.approx(half, rel=0.15)
    assert np.isnan(methods.measured(value_A[:1, None].T[:, :1], np.zeros(1), *free).low)
    seeds = methods.measured(np.stack([value_A, value_A + 10]), source_A, *free)
    assert seeds.high - seeds.low > found.high - found.low


def test_a_source_too_short_for_its_own_pool_is_left_out_of_it_and_others_keep_their_questions() -> None:
    lengths, spec = [107, 61, 2, 211, 103], RankSpec(candidates=101, contexts=211)
    assert too_short(lengths, k=2, candidates=101) == [1, 4]
    asked = draw_questions(lengths, spec, k=2, pool="same source")
    assert Counter(asked.source_A.tolist()) == {0: 105, 3: 209}
    alone = draw_questions([107], spec, k=2, pool="same source")
    np.testing.assert_array_equal(asked.candidate_AN[:105], alone.candidate_AN)
    assert set(draw_questions(lengths, spec, k=2).source_A.tolist()) == {0, 1, 3, 4}


def test_the_shortest_source_of_its_own_pool_can_be_asked_at_every_place() -> None:
    assert too_short([22, 21], k=3, candidates=17) == [1]
    assert len(draw_questions([22], RankSpec(candidates=17), k=3, pool="same source").context_A) == 22 - 3
    # Few steps have been read before the last place that has a step so far ahead.
    assert too_short([20, 19], k=19, candidates=17) == []
    assert len(draw_questions([20], RankSpec(candidates=17), k=19, pool="same source").context_A) == 1
