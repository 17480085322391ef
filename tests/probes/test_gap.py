"""The share of the gap between untrained and supervised that is closed, by loops over resamples and over units left out."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from torchcpc.probes.gap.closed import gaps_closed
from torchcpc.probes.gap.result import Effort, gap_table
from torchcpc.probes.table import Point, ProbeRow
from torchcpc.probes.task import Labels
from torchcpc.statistics.intervals import Hits

ROWS, SOURCES = 211, 53


def row(features: str, role: str, right: float, *, seeds: int = 1, probe: str = "linear", sources: int = SOURCES) -> ProbeRow:
    generator = np.random.default_rng([seeds, round(100 * right)])
    y = np.arange(ROWS) % 3
    predicted = np.where(generator.random((seeds, ROWS)) < right, y, (y + 1) % 3)
    return ProbeRow(features, role, probe, 7, predicted, Labels(y, np.arange(ROWS) % sources), (None,))


def table(best: float = 0.9, sources: int = SOURCES) -> list[ProbeRow]:
    return [
        row("CPC c", "cpc", 0.7, sources=sources),
        row("CPC z", "cpc", 0.6, sources=sources),
        row("random init z", "untrained", 0.2, seeds=3, sources=sources),
        row("random init c", "untrained", 0.4, seeds=3, sources=sources),
        row("MFCC", "handmade", 0.5, sources=sources),
        row("log-mel", "handmade", 0.55, sources=sources),
        row("MFCC", "handmade", 0.99, probe="MLP", sources=sources),
        row("same network", "supervised", best, seeds=3, probe="supervised", sources=sources),
    ]


def answers(features: str, role: str, number: int, right: float, shape: tuple[int, ...]) -> tuple[Point, np.ndarray]:
    """A point of a curve, and which test rows are right, [seeds, draws, rows] or [seeds, rows]."""
    correct = np.random.default_rng([number, round(100 * right)]).random((*shape, ROWS)) < right
    return Point(features, role, number, Hits.of(correct, np.arange(ROWS) % SOURCES)), correct


def few(number: int = 5, *, supervised: float = 0.75) -> tuple[list[Point], list[np.ndarray]]:
    made = [
        answers("CPC c", "cpc", number, 0.6, (1, 5)),
        answers("random init c", "untrained", number, 0.35, (3, 5)),
        answers("same network", "supervised", number, supervised, (3,)),
        answers("MFCC", "handmade", number, 0.45, (1, 5)),
        answers("log-mel", "handmade", number, 0.3, (1, 5)),
    ]
    return [point for point, _ in made], [correct for _, correct in made]


def test_the_share_is_of_the_same_representation_and_its_interval_of_paired_resamples() -> None:
    rows = table()
    (found,) = gaps_closed(rows)
    assert found.share and (found.features, found.untrained, found.labels_per_class) == ("CPC c", "random init c", None)
    ours, low, best = (each.correct_RM.mean() for each in (rows[0], rows[3], rows[-1]))
    assert found.share.mean == pytest.approx((ours - low) / (best - low))
    generator, shares = np.random.default_rng(0), []
    of_source = [np.flatnonzero(rows[0].test.source_M == source) for source in range(SOURCES)]
    for _ in range(2000):
        kept = np.concatenate([of_source[s] for s in generator.integers(SOURCES, size=SOURCES)])
        seeds = generator.integers(3, size=3)
        a = rows[0].correct_RM[:, kept].mean()
        b, c = (each.correct_RM[seeds][:, kept].mean() for each in (rows[3], rows[-1]))
        shares.append((a - b) / (c - b))
    # The interval here allows for three seeds only, and is wider than that of the plain loop.
    low_end, high_end = np.quantile(shares, [0.025, 0.975])
    assert found.share.low < low_end + 0.05 and found.share.high > high_end - 0.05
    assert high_end - low_end < found.share.high - found.share.low < 3 * (high_end - low_end)
    assert "closes" in found.text()


def test_the_interval_at_few_labels_is_that_of_a_loop_over_units_seeds_and_draws_left_out() -> None:
    """A witness leaves one thing out at a time: a source of all rows, then a seed or a draw of a single row."""
    points, (ours, low, best, *_) = few()
    found = gaps_closed(table(), points)[1]
    unit_M = np.arange(ROWS) % SOURCES
    a, b, c = (one.mean() for one in (ours, low, best))
    share = (a - b) / (c - b)

    def slope(ours: np.ndarray, low: np.ndarray, best: np.ndarray) -> float:
        """The ratio to first order around the estimate: its derivatives by the three means times their changes."""
        changes = (ours.mean() - a, low.mean() - b, best.mean() - c)
        return (changes[0] - (1 - share) * changes[1] - share * changes[2]) / (c - b)

    axes = [[slope(*(one[..., unit_M != unit] for one in (ours, low, best))) for unit in range(SOURCES)]]
    for place, axis in ((0, 1), (1, 0), (1, 1), (2, 0)):  # draws of CPC; seeds and draws untrained; seeds supervised
        parts = [ours, low, best]
        without = []
        for n in range(parts[place].shape[axis]):
            one = np.delete(parts[place], n, axis=axis)
            without.append(slope(*(one if p == place else parts[p] for p in range(3))))
        axes.append(without)
    variances = np.array([(len(axis) - 1) * np.var(axis) for axis in axes])
    freedom = variances.sum() ** 2 / (variances**2 / [len(axis) - 1 for axis in axes]).sum()
    error = stats.t.ppf(0.975, freedom) * math.sqrt(variances.sum())
    assert found.labels_per_class == 5 and found.share
    assert (found.share.mean, found.share.low, found.share.high) == pytest.approx((share, share - error, share + error))


def test_the_second_figure_is_against_the_best_handmade_row_of_the_same_probe_at_the_same_labels() -> None:
    points, (ours, _, _, mfcc, _) = few()
    everything, five = gaps_closed(table(), points)
    assert (everything.handmade, five.handmade) == ("log-mel", "MFCC")
    assert five.above_handmade and five.above_handmade.mean == pytest.approx(ours.mean() - mfcc.mean())
    differences = [  # paired: the same source or the same draw is left out on both sides
        [np.delete(one, n, axis=axis).mean() for n in range(one.shape[axis])] for one in (ours, mfcc) for axis in (1,)
    ]
    unit_M = np.arange(ROWS) % SOURCES
    units = [ours[..., unit_M != u].mean() - mfcc[..., unit_M != u].mean() for u in range(SOURCES)]
    axes = [units, np.subtract(*differences).tolist()]
    variances = np.array([(len(axis) - 1) * np.var(axis) for axis in axes])
    freedom = variances.sum() ** 2 / (variances**2 / [len(axis) - 1 for axis in axes]).sum()
    reach = stats.t.ppf(0.975, freedom) * math.sqrt(variances.sum()) / 2
    middle = (1 + ours.mean() - mfcc.mean()) / 2  # the interval is symmetric on the scale of log odds from -1 to 1
    low, high = (1 / (1 + math.exp(-math.log(middle / (1 - middle)) - s * reach / (middle * (1 - middle)))) for s in (-1, 1))
    assert (five.above_handmade.low, five.above_handmade.high) == pytest.approx((2 * low - 1, 2 * high - 1), abs=1e-9)
    alone = gaps_closed([each for each in table() if each.role != "handmade"])[0]
    assert (alone.handmade, alone.handmade_accuracy, alone.above_handmade) == ("", None, None)


@pytest.mark.parametrize(("best", "said"), [(0.45, "not shown above"), (0.2, "supervised below untrained")])
def test_without_a_gap_the_cell_says_so_and_the_second_figure_stands_alone(best: float, said: str) -> None:
    (found,) = gaps_closed(table(best=best))
    assert found.share is None and said in found.cell() and found.above_handmade and "no meaning" in found.text()
    line = " ".join(gap_table([found], []).text().split())
    assert said.split()[0] in line and found.above_handmade.text(1, scale=100, sign="+") in line


def test_rows_are_all_labels_and_one_five_and_ten_where_cpc_and_untrained_have_them() -> None:
    points = [point for number in (1, 2, 5, 10, 20) for point in few(number)[0]]
    assert [gap.labels_per_class for gap in gaps_closed(table(), points)] == [None, 1, 5, 10]
    some = [point for point in points if (point.features, point.labels_per_class) != ("random init c", 5)]
    assert [gap.labels_per_class for gap in gaps_closed(table(), some)] == [None, 1, 10]
    unlearned = gaps_closed(table(), [point for point in points if point.role != "supervised"])
    assert [gap.supervised_accuracy is None for gap in unlearned] == [False, True, True, True]
    assert {gap.cell() for gap in unlearned[1:]} == {"-"} and all(gap.above_handmade for gap in unlearned)
    efforts = [Effort("CPC", 1, 400, 0.1488), Effort("supervised", 3, 2551.3, 12.34, 1224)]
    text = gap_table(unlearned, efforts).text()
    assert all(len(line) <= 100 for line in text.splitlines()) and "--supervised-curve" in text
    assert "CPC: 400 updates in 0.15 minutes." in text
    said = "supervised: 2,551 updates in 12.3 minutes, for each of 3 networks; best validation after 1,224"
    assert said in " ".join(text.split())


@pytest.mark.parametrize("missing", ["cpc", "supervised", "untrained"])
def test_all_three_rows_are_needed(missing: str) -> None:
    assert gaps_closed([each for each in table() if each.role != missing]) == ()
    assert gaps_closed([]) == ()
