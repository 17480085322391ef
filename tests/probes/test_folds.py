import numpy as np
import pytest

from torchcpc.contracts import CPCError
from torchcpc.probes.single_split import probe
from torchcpc.probes.table import Point, joined_points, joined_row
from torchcpc.representations.pool import standardise_by_group
from torchcpc.statistics.intervals import Hits

from .worlds import gaussian_classes


def test_folds_stand_side_by_side_and_are_the_units():
    worlds = [gaussian_classes(seed=seed) for seed in range(3)]
    rows = [probe([features], task) for task, features in worlds]
    row = joined_row(rows)
    assert row.accuracies[0] == pytest.approx(np.mean([own.accuracies[0] for own in rows]))
    assert row.test.source_M.tolist() == [0] * 211 + [1] * 211 + [2] * 211
    assert row.penalties == sum((own.penalties for own in rows), ())
    np.testing.assert_array_equal(row.test.y_M, np.concatenate([task.test.y_M for task, _ in worlds]))
    answers = np.concatenate([own.predicted_RM[0] for own in rows])
    recall = np.mean(answers[row.test.y_M == 1] == 1)
    assert recall == pytest.approx(np.mean(row.correct_RM[0, row.test.y_M == 1]))
    # Three units give a wider interval than 633 independent rows would.
    found = row.summary("abc").accuracy
    assert found.high - found.low > 4 * np.sqrt(0.25 * np.var(row.correct_RM) / 633)
    assert joined_row(rows[:1]) is rows[0]


def test_rows_that_are_not_the_same_are_refused():
    (task, features), other = gaussian_classes(), gaussian_classes(dim=5)
    with pytest.raises(CPCError, match="different rows"):
        joined_row([probe([features], task), probe([other[1]], other[0])])


def test_points_of_a_curve_count_rows_of_every_fold():
    hits = [Hits(np.array([[3.0, 1.0], [2.0, 2.0]]), np.array([5.0, 2.0])), Hits(np.array([[4.0], [1.0]]), np.array([11.0]))]
    curves = [[Point("a", "cpc", 1, hit), Point("a", "cpc", None, hit)] for hit in hits]
    joined = joined_points([curves[0], curves[1][:1]])
    assert [point.labels_per_class for point in joined] == [1]
    np.testing.assert_array_equal(joined[0].hits.hits_RS, [[4, 4], [4, 1]])
    np.testing.assert_array_equal(joined[0].hits.rows_S, [7, 11])


def test_standardised_frames_have_no_group_left_in_mean_and_deviation():
    generator = np.random.default_rng(0)
    lengths, groups = (7, 11, 13, 5), ["a", "b", "a", "b"]
    frames = [
        generator.normal(3 if g == "a" else -5, 2, size=(n, 3)).astype(np.float32) for n, g in zip(lengths, groups, strict=True)
    ]
    for each in frames:
        each[:, 2] = 0.1  # a dead column
    made = standardise_by_group(frames, groups)
    for name in "ab":
        own = np.concatenate([x for x, g in zip(made, groups, strict=True) if g == name])
        np.testing.assert_allclose(own[:, :2].mean(axis=0), 0, atol=1e-6)
        np.testing.assert_allclose(own[:, :2].std(axis=0), 1, atol=1e-6)
        assert not own[:, 2].any()
    # The order of clips is kept, and differences within a group only scaled.
    scale = np.concatenate([frames[0], frames[2]])[:, 0].std()
    np.testing.assert_allclose((frames[2] - frames[0][0])[:, 0] / scale, (made[2] - made[0][0])[:, 0], atol=1e-5)
