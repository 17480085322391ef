import numpy as np
import pytest
from scipy import special, stats

from torchcpc.contracts import CPCError
from torchcpc.statistics.intervals import MOST_BLOCKS, Hits, difference_interval, share_interval, statistic_interval, sum_blocks


def test_a_statistic_of_sums_is_resampled_like_an_accuracy() -> None:
    rng = np.random.default_rng(0)
    rows_S = rng.integers(20, 40, 31).astype(float)
    hits_RS = np.floor(rng.uniform(0.2, 0.9, (3, 31)) * rows_S)
    sums_RSF = np.stack([hits_RS, np.broadcast_to(rows_S, hits_RS.shape)], axis=2)
    found = statistic_interval(sums_RSF, lambda sums_F: float(sums_F[0] / sums_F[1]), least=0.0, most=1.0)
    expected = share_interval(Hits(hits_RS, rows_S))
    assert (found.mean, found.low, found.high) == pytest.approx((expected.mean, expected.low, expected.high), abs=1e-9)


def test_hits_are_counted_by_source_in_every_replicate():
    correct = np.array([[[1, 0, 1, 1, 0]], [[0, 0, 1, 1, 1]]], bool)  # 2 seeds, 1 draw, 5 rows
    hits = Hits.of(correct, np.array([7, 3, 7, 3, 7]))
    np.testing.assert_array_equal(hits.hits_RS, [[[1, 2]], [[1, 2]]])
    np.testing.assert_array_equal(hits.rows_S, [2, 3])
    assert hits.mean == pytest.approx(0.6)


def test_hits_need_an_answer_for_every_row():
    with pytest.raises(CPCError, match=r"answers \(2, 4\) for 5 test rows"):
        Hits.of(np.zeros((2, 4), bool), np.arange(5))


def test_one_seed_and_a_row_a_source_is_the_binomial_interval():
    correct = np.zeros((1, 400), bool)
    correct[0, :260] = True
    found = share_interval(Hits.of(correct, np.arange(400)))
    reach = 1.96 * np.sqrt(0.65 * 0.35 / 400)
    assert (found.mean, found.low, found.high) == pytest.approx((0.65, 0.65 - reach, 0.65 + reach), abs=0.004)


def test_seeds_on_one_source_have_no_interval():
    accuracy = np.array([0.50, 0.53, 0.58, 0.51, 0.56, 0.59, 0.54])
    one = Hits(1000 * accuracy[:, None], np.array([1000.0]))
    for found in (share_interval(one), difference_interval(one, one)):
        assert np.isnan([found.low, found.high]).all() and found.text(1) == f"{found.mean:.1f}"


def test_sources_of_unequal_size_count_by_their_rows():
    generator = np.random.default_rng(5)
    rows = generator.integers(5, 90, size=211).astype(float)
    hits = generator.binomial(rows.astype(int), np.clip(generator.normal(0.6, 0.15, size=211), 0, 1)).astype(float)
    found = share_interval(Hits(hits[None], rows))
    # The ratio estimator's standard error by linearisation.
    mean = hits.sum() / rows.sum()
    error = np.sqrt(np.sum((hits - mean * rows) ** 2)) / rows.sum()
    assert found.mean == pytest.approx(mean)
    assert (found.high - found.low) / 2 == pytest.approx(1.97 * error, rel=0.05)


@pytest.mark.parametrize("units", [2, 3, 5, 11, 23])
@pytest.mark.parametrize("seeds", [1, 3])
def test_intervals_cover_the_truth_however_few_the_units_are(seeds: int, units: int) -> None:
    """Units and seeds both shift the accuracy. A plain percentile bootstrap holds the truth in half of the worlds with two units."""
    generator, covered, worlds = np.random.default_rng(1), 0, 400
    odds = 1.2 + 0.7 * generator.normal(size=100_000) + 0.2 * generator.normal(size=100_000) * (seeds > 1)
    truth = float(special.expit(odds).mean())
    for _ in range(worlds):
        odds_RS = 1.2 + 0.7 * generator.normal(size=units) + 0.2 * generator.normal(size=(seeds, 1)) * (seeds > 1)
        rows_S = generator.integers(20, 80, units).astype(float)
        found = share_interval(Hits(generator.binomial(rows_S.astype(int), special.expit(odds_RS)).astype(float), rows_S))
        covered += found.low <= truth <= found.high
    assert 0.91 < covered / worlds < 0.995


def test_units_that_agree_are_no_surer_than_independent_rows():
    found = share_interval(Hits(np.full((1, 3), 18.0), np.full(3, 20.0)))
    assert found.low < 0.9 - 1.96 * np.sqrt(0.09 / 60) and found.high > 0.9
    gap = difference_interval(Hits(np.full((1, 3), 18.0), np.full(3, 20.0)), Hits(np.full((1, 3), 15.0), np.full(3, 20.0)))
    assert gap.low < gap.mean < gap.high


def test_many_units_are_taken_in_blocks():
    sums = np.arange(2 * 907.0).reshape(907, 2)
    blocks = sum_blocks(sums, axis=0)
    assert blocks.shape == (MOST_BLOCKS, 2) and blocks.sum() == sums.sum()
    np.testing.assert_array_equal(sum_blocks(sums[:7], axis=0), sums[:7])


def test_a_difference_is_paired_by_source():
    generator = np.random.default_rng(3)
    hard = generator.normal(0.6, 0.2, size=101).clip(0, 1)
    one = np.rint(40 * (hard + generator.normal(0.05, 0.06, size=101)).clip(0, 1))[None]
    other = np.rint(40 * hard)[None]
    rows = np.full(101, 40.0)
    found = difference_interval(Hits(one, rows), Hits(other, rows))
    gap = (one - other)[0] / 40
    reach = 1.984 * gap.std(ddof=1) / np.sqrt(101)
    assert (found.mean, found.low, found.high) == pytest.approx((gap.mean(), gap.mean() - reach, gap.mean() + reach), abs=0.002)
    alone = share_interval(Hits(one, rows))
    assert found.high - found.low < (alone.high - alone.low) / 3


def test_seeds_are_paired_where_there_are_equally_many_and_one_seed_stays_fixed():
    accuracy, rows = np.array([0.5, 0.6, 0.75]), np.full(2, 100.0)
    three, shifted = (Hits(np.tile(100 * accuracy[:, None] - less, (1, 2)), rows) for less in (0, 10))
    assert difference_interval(three, shifted).mean == pytest.approx(0.1)
    fixed = difference_interval(three, Hits(np.array([[40.0, 40.0]]), rows))
    paired = difference_interval(three, shifted)
    assert fixed.high - fixed.low > paired.high - paired.low


@pytest.mark.parametrize("right, witness", [(True, (0.05 / 2) ** (1 / 29)), (False, 1 - (0.05 / 2) ** (1 / 29))])
def test_nothing_but_right_or_wrong_answers_gives_the_exact_binomial_bound(right, witness):
    found = share_interval(Hits.of(np.full((3, 29), right), np.arange(29)))
    exact = stats.binomtest(29 * right, 29).proportion_ci(0.95, method="exact")
    assert (found.low, found.high) == pytest.approx((exact.low, exact.high))
    assert (found.low if right else found.high) == pytest.approx(witness)


def test_a_difference_needs_the_same_test_rows():
    with pytest.raises(CPCError, match="2 units with 7 rows against 3 with 9"):
        difference_interval(Hits(np.ones((1, 2)), np.array([3.0, 4.0])), Hits(np.ones((1, 3)), np.full(3, 3.0)))


def test_a_statistic_that_one_source_alone_gives_has_no_interval():
    def share(sums_F: np.ndarray) -> float:
        if not sums_F[1]:
            raise CPCError("nothing to find")
        return float(sums_F[0] / sums_F[1])

    for sums in ([[[3, 5]]], [[[3, 5], [0, 0]]]):
        found = statistic_interval(np.array(sums), share, least=0.0, most=1.0)
        assert found.mean == pytest.approx(0.6) and np.isnan([found.low, found.high]).all()
