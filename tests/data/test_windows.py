"""Cutting windows: a pure function of (seed, step, rank), in proportion to the material, and exactly what was to be cut."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import torch

from tests.data.noise import Ramps
from torchcpc.contracts import CPCError, Window
from torchcpc.data.windows import RandomWindows, cut, sequential, whole


def same(one: Window, other: Window) -> bool:
    return all(torch.equal(getattr(one, n), getattr(other, n)) for n in ("x", "source", "group", "start", "length"))


def assert_true_to_its_sources(window: Window, ramps: Ramps) -> None:
    """Slow witness: every sample is 1000 source + position + 1 where the source lasts, and zero after."""
    for row in range(len(window.source)):
        source, start, length = (int(v[row]) for v in (window.source, window.start, window.length))
        assert int(window.group[row]) == ramps.group(source)
        assert length == min(window.x.shape[1], ramps.length(source) - start)
        expected = [1000.0 * source + start + s + 1 if s < length else 0.0 for s in range(window.x.shape[1])]
        assert window.x[row].tolist() == expected


def test_a_batch_is_a_function_of_seed_step_and_rank_alone() -> None:
    ramps = Ramps([101, 53, 211], [0, 1, 0])
    windows = RandomWindows(ramps, 3, 5, length=17, batch=7)
    forwards = [windows.draw(step, rank) for step in range(4) for rank in range(2)]
    fresh = RandomWindows(ramps, 3, 5, length=17, batch=7)
    backwards = [fresh.draw(step, rank) for step in reversed(range(4)) for rank in (1, 0)]
    assert all(same(a, b) for a, b in zip(forwards, reversed(backwards), strict=True))
    assert not any(same(a, b) for i, a in enumerate(forwards) for b in forwards[:i])
    assert not same(RandomWindows(ramps, 3, 6, length=17, batch=7).draw(0), forwards[0])
    for window in forwards:
        assert window.x.shape == (7, 17) and window.x.dtype == torch.float32
        assert window.source.dtype == window.group.dtype == window.start.dtype == window.length.dtype == torch.int64
        assert_true_to_its_sources(window, ramps)


def test_sources_are_drawn_in_proportion_to_their_length_and_starts_evenly() -> None:
    lengths = [31, 97, 13, 0]  # the third is shorter than a window, the last has nothing to give
    windows = RandomWindows(Ramps(lengths), 5, length=17, batch=97)
    drawn = [windows.draw(step) for step in range(100)]
    sources = Counter(torch.cat([w.source for w in drawn]).tolist())
    total = 97 * 100
    for source, length in enumerate(lengths):
        share = length / sum(lengths)
        assert abs(sources[source] - share * total) <= 5 * (share * (1 - share) * total) ** 0.5
    for source, allowed in [(0, [0, 5, 10]), (1, list(range(0, 81, 5))), (2, [0])]:
        starts = Counter(torch.cat([w.start[w.source == source] for w in drawn]).tolist())
        assert sorted(starts) == allowed
        share = 1 / len(allowed)
        for count in starts.values():
            assert abs(count - share * sources[source]) <= 5 * (share * (1 - share) * sources[source]) ** 0.5
    short = next(w for w in drawn if 2 in w.source)
    row = short.source.tolist().index(2)
    assert int(short.length[row]) == 13 and short.x[row, 13:].eq(0).all() and short.x[row, :13].ne(0).all()


def test_a_batch_is_never_all_of_one_source_where_there_are_two() -> None:
    """One source has 99 % of the material: its batches get one window of another, all other batches are drawn as ever."""
    ramps, mended = Ramps([9973, 53, 47, 0], [0, 0, 0, 0]), 0
    share = np.array([9973, 53, 47, 0]) / 10073
    windows = RandomWindows(ramps, 1, 5, length=17, batch=5)
    for step in range(101):
        plain = np.random.default_rng((5, step, 0)).choice(4, 5, p=share)
        chosen = windows.draw(step).source.numpy()
        alone = len(set(plain)) == 1
        mended += alone
        assert len(set(chosen)) > 1 and (chosen[:-1] == plain[:-1]).all() and (alone or chosen[-1] == plain[-1])
        assert 3 not in chosen, "an empty source has no window"
    assert mended > 50
    assert RandomWindows(Ramps([101], [0]), 1, 5, length=17, batch=5).draw(0).source.tolist() == [0] * 5


def test_groups_of_a_batch_differ_and_windows_of_one_source_are_not_all_neighbours() -> None:
    """Or a batch could be one stretch, in which nobody may compete."""
    for ramps in (Ramps([53, 53], [0, 1]), Ramps([9973, 53, 47], [0, 1, 2])):
        windows = RandomWindows(ramps, 1, 5, length=17, batch=10, windows_per_group=2)
        assert all(len(set(windows.draw(step).source.tolist())) > 1 for step in range(401))
    one = RandomWindows(Ramps([101], [0]), 1, 5, length=17, batch=4, windows_per_group=2)
    gaps = [np.diff(np.sort(one.draw(step).start.numpy())).max() > 17 for step in range(401)]
    plain = [np.diff(np.sort(np.random.default_rng((5, s, 1)).integers(85, size=4))).max() > 17 for s in range(401)]
    assert all(gaps) and not all(plain), "without redrawing some would have been"
    # Too short for two places that do not touch: drawn all the same.
    assert RandomWindows(Ramps([35], [0]), 1, 5, length=17, batch=4).draw(0).start.max() <= 18


def test_several_windows_of_each_group_come_from_different_sources() -> None:
    # Group 0 has four sources and one without a position, group 1 two and one, group 2 one.
    lengths, groups = [23, 29, 31, 37, 0, 41, 43, 400, 0], [0, 0, 0, 0, 0, 1, 1, 2, 1]
    windows = RandomWindows(Ramps(lengths, groups), length=11, batch=6, windows_per_group=3)
    seen = Counter()
    for step in range(200):
        window = windows.draw(step)
        group, source = window.group.reshape(2, 3), window.source.reshape(2, 3)
        assert (group == group[:, :1]).all() and group[0, 0] != group[1, 0]
        for row in range(2):
            drawn = set(source[row].tolist())
            seen[int(group[row, 0]), len(drawn)] += 1
            assert not drawn & {4, 8}
    assert {n for g, n in seen if g == 0} == {3} and {n for g, n in seen if g == 2} == {1}
    assert {n for g, n in seen if g == 1} <= {1, 2}
    # Group 2 holds most of the material, so it is drawn most.
    assert seen[2, 1] > max(seen[0, 3], seen[1, 1] + seen[1, 2])


def test_groups_are_drawn_in_proportion_to_their_material() -> None:
    windows = RandomWindows(Ramps([30, 30, 90, 50], [0, 0, 1, 2]), length=7, batch=2, windows_per_group=2)
    drawn = Counter(int(windows.draw(step).group[0]) for step in range(3000))
    for group, share in enumerate([0.3, 0.45, 0.25]):
        assert abs(drawn[group] - 3000 * share) <= 5 * (3000 * share * (1 - share)) ** 0.5


def test_more_groups_wanted_than_there_are() -> None:
    window = RandomWindows(Ramps([50, 60, 70], [4, 4, 4]), length=7, batch=6, windows_per_group=2).draw(0)
    assert set(window.group.tolist()) == {4} and all(a != b for a, b in window.source.reshape(3, 2).tolist())


@pytest.mark.parametrize(
    ("lengths", "sizes", "words"),
    [
        ([50], {"length": 0, "batch": 2}, "windows.length = 0: shorter than one step of 5"),
        ([50], {"length": 4, "batch": 2}, "windows.length = 4: shorter than one step of 5"),
        ([50], {"length": 9, "batch": 0}, "windows.batch = 0, .* must be at least 1"),
        ([50], {"length": 9, "batch": 4, "windows_per_group": 0}, "windows.windows_per_group = 0: both must be at least 1"),
        ([50], {"length": 9, "batch": 7, "windows_per_group": 3}, "windows.batch = 7 cannot be split into groups"),
        ([50], {"length": 9, "batch": 7, "seed": -1}, "a seed cannot be negative"),
        ([], {"length": 9, "batch": 2}, "there is no source to train on"),
        ([4, 3], {"length": 9, "batch": 2}, "the longest of 2 sources has 4 positions, less than one step of 5"),
        ([0, 0], {"length": 9, "batch": 2}, "the longest of 2 sources has 0 positions"),
    ],
)
def test_impossible_sizes_are_refused(lengths: list[int], sizes: dict, words: str) -> None:
    with pytest.raises(CPCError, match=words):
        RandomWindows(Ramps(lengths), 5, **sizes)


def test_sources_of_several_features_keep_their_axes() -> None:
    class Rows(Ramps):
        def read(self, index: int, start: int, count: int, rng: object = None) -> np.ndarray:
            return np.stack([super().read(index, start, count)] * 3, axis=1)

    assert cut(Rows([7, 5]), [1, 0], [2, 0], 11).x.shape == (2, 11, 3)


def test_sequential_windows_cover_the_sources_without_overlap() -> None:
    lengths = [50, 7, 10, 0, 23, 5]
    ramps = Ramps(lengths)
    batches = sequential(ramps, length=10, batch=4)
    found = sorted((int(s), int(b)) for w in batches for s, b in zip(w.source, w.start, strict=True))
    # By hand: 23 ends in a tail of 3, at most half a window; 7 and 5 are sources of their own.
    assert found == [(0, 0), (0, 10), (0, 20), (0, 30), (0, 40), (1, 0), (2, 0), (4, 0), (4, 10), (5, 0)]
    assert [len(w.source) for w in batches] == [4, 3, 3]
    for window in batches:
        assert_true_to_its_sources(window, ramps)
    aligned = sequential(ramps, length=10, batch=4, align=4)
    assert {int(b) for w in aligned for b in w.start} == {0, 8, 16, 24, 32, 40}
    again = sequential(ramps, length=10, batch=4)
    assert all(same(a, b) for a, b in zip(batches, again, strict=True))


def test_a_tail_of_more_than_half_a_window_is_kept() -> None:
    assert [w.start.tolist() for w in sequential(Ramps([15]), length=10, batch=2)] == [[0]]
    (window,) = sequential(Ramps([16]), length=10, batch=2)
    assert window.start.tolist() == [0, 10] and window.length.tolist() == [10, 6]


def test_a_limit_spreads_over_all_sources() -> None:
    batches = sequential(Ramps([40] * 25), length=10, batch=3, limit=10)
    sources = sorted(int(s) for w in batches for s in w.source)
    assert sources == [0, 2, 5, 7, 10, 12, 15, 17, 20, 22]
    assert sum(len(w.source) for w in sequential(Ramps([40]), length=10, batch=3, limit=100)) == 4
    assert sequential(Ramps([]), length=10, batch=3) == []
    for sizes in ({"length": 0, "batch": 3}, {"length": 10, "batch": 0}, {"length": 10, "batch": 3, "limit": 0}):
        with pytest.raises(CPCError, match="each must be at least 1"):
            sequential(Ramps([40]), **sizes)


def test_whole_sources_come_once_each_and_within_the_budget() -> None:
    lengths = [31, 7, 83, 29, 7, 101, 30, 1]
    ramps = Ramps(lengths)
    seen = []
    for indices, window in whole(ramps, positions_per_batch=100):
        assert indices == window.source.tolist() and window.x.shape[0] * window.x.shape[1] <= 100
        assert window.start.eq(0).all() and window.length.tolist() == [lengths[i] for i in indices]
        assert_true_to_its_sources(window, ramps)
        seen.append(sorted(indices))
    # By hand, longest first: 83 | 31 30 29 | 7 7 1; 101 is for reading in pieces.
    assert seen == [[2], [0, 3, 6], [1, 4, 7]]


def test_short_sources_share_smaller_batches_and_long_ones_have_their_own() -> None:
    lengths = [31, 7, 83, 29, 7, 101, 30, 1]
    ramps = Ramps(lengths)
    seen = []
    for indices, window in whole(ramps, positions_per_batch=100, short=40):
        assert_true_to_its_sources(window, ramps)
        seen.append(sorted(indices))
    # By hand, longest first: 83 | 31 | 30 | 29 | 7 7 1.
    assert seen == [[2], [0], [6], [3], [1, 4, 7]]
    assert next(iter(whole(ramps, positions_per_batch=5, short=40)))[0] == [7]
