"""Who competes: every strategy and every pool against a slow loop over metadata."""

from dataclasses import replace

import pytest
import torch

from torchcpc.contracts import CPCError, Steps
from torchcpc.objectives import anchors
from torchcpc.scores import CANDIDATES, STRATEGIES, Bilinear

# Two windows of source 3 overlap in time: the same event stands in two rows of the batch.
# A third is of another place of it, which ends at the time at which source 5 begins; three of source 8 touch, one after the other.
SOURCE = torch.tensor([3, 3, 5, 8, 9, 3, 8, 8])
GROUP = torch.tensor([0, 0, 0, 1, 1, 0, 1, 1])
START = torch.tensor([10, 13, 38, 0, 2, 31, 14, 7])
VALID = torch.tensor([7, 7, 4, 7, 2, 7, 5, 7])
B, T, HORIZONS = 8, 7, (1, 3)


@pytest.fixture
def steps() -> Steps:
    t = torch.arange(T)
    return Steps(
        source=SOURCE[:, None].expand(B, T),
        group=GROUP[:, None].expand(B, T),
        segment=torch.zeros(B, T, dtype=torch.int64),
        time=START[:, None] + t,
        valid=t < VALID[:, None],
        view=torch.zeros(B, T, dtype=torch.int64),
    )


def stretch_of(row: int) -> set[int]:
    """The rows that touch this one, those that touch them, and so on."""
    found, new = set(), {row}
    while new:
        found |= new
        new = {b for a in new for b in range(B) if SOURCE[a] == SOURCE[b] and abs(START[a] - START[b]) <= T} - found
    return found


SLOW = {
    "mixed": lambda a, b: True,
    "same_group": lambda a, b: GROUP[a] == GROUP[b],
    "mixed_excluding": lambda a, b: SOURCE[a] != SOURCE[b],
    "mixed_excluding_stretch": lambda a, b: b not in stretch_of(a),
    "same_group_excluding": lambda a, b: GROUP[a] == GROUP[b] and SOURCE[a] != SOURCE[b],
    "current_only": lambda a, b: SOURCE[a] == SOURCE[b],
}


def slow_anchors() -> list[tuple[int, int, int]]:
    return [
        (h, b * T + t, b * T + t + k)
        for h, k in enumerate(HORIZONS)
        for b in range(B)
        for t in range(T - k)
        if t + k < VALID[b]
    ]


def slow_allowed(strategy: str, target: int) -> list[int]:
    b, t = divmod(target, T)
    return [
        c * T + u
        for c in range(B)
        for u in range(T)
        if u < VALID[c] and SLOW[strategy](b, c) and not (SOURCE[b] == SOURCE[c] and START[b] + t == START[c] + u)
    ]


def test_every_strategy_is_tested():
    assert SLOW.keys() == STRATEGIES.keys()


def test_anchors_are_the_pairs_of_a_slow_loop(steps):
    found = anchors(steps, HORIZONS)
    assert list(zip(*(column.tolist() for column in found), strict=True)) == slow_anchors()


def test_a_pair_does_not_cross_segments_or_gaps_in_time(steps):
    segment = torch.zeros(B, T, dtype=torch.int64)
    segment[:, 3:] = 1
    crossed = replace(steps, segment=segment)
    assert all((a % T < 3) == (t % T < 3) for a, t in zip(*(c.tolist() for c in anchors(crossed, HORIZONS)[1:]), strict=True))
    gapped = replace(steps, time=steps.time * 2)
    assert len(anchors(gapped, (1, 3)).anchor_M) == 0


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_full_pool(steps, strategy):
    target_M = anchors(steps, HORIZONS).target_M
    draw = CANDIDATES["full"](strategy=strategy).draw(steps, target_M, torch.Generator())
    times = draw.multiplicity(slice(None), slice(None))
    for row, target in enumerate(target_M.tolist()):
        competing = sorted(draw.pool_N[times[row] > 0].tolist())
        assert competing == slow_allowed(strategy, target)
        assert times[row].max() <= 1
    blocks = torch.cat([draw.multiplicity(slice(s, s + 3), slice(2, 11)) for s in range(0, len(target_M), 3)])
    assert torch.equal(blocks, times[:, 2:11])


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_shared_pool(steps, strategy):
    target_M = anchors(steps, HORIZONS).target_M
    draw = CANDIDATES["shared"](count=11, strategy=strategy).draw(steps, target_M, torch.Generator().manual_seed(2))
    assert len(draw.pool_N.unique()) == 11
    assert steps.valid.reshape(-1)[draw.pool_N].all()
    times = draw.multiplicity(slice(None), slice(None))
    for row, target in enumerate(target_M.tolist()):
        allowed = set(slow_allowed(strategy, target))
        assert [bool(n) for n in times[row]] == [p in allowed for p in draw.pool_N.tolist()]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_sampled_is_uniform_over_exactly_what_is_allowed(steps, strategy):
    target_M = anchors(steps, HORIZONS).target_M
    repeats, count = 400, 3
    drawn = torch.zeros(len(target_M), int(steps.valid.sum()))
    for seed in range(repeats):
        draw = CANDIDATES["sampled"](count=count, strategy=strategy).draw(steps, target_M, torch.Generator().manual_seed(seed))
        times = draw.multiplicity(slice(None), slice(None)).float()
        assert times.max() <= 1 and times.sum(1).max() <= count
        drawn += times
    for row, target in enumerate(target_M.tolist()):
        allowed = slow_allowed(strategy, target)
        found = dict(zip(draw.pool_N.tolist(), drawn[row].tolist(), strict=True))
        assert all(found[p] == 0 for p in found if p not in allowed)
        if allowed:
            # A member is missed by `count` draws of A with probability (1 - 1/A)^count.
            share = 1 - (1 - 1 / len(allowed)) ** count
            error = (share * (1 - share) / repeats) ** 0.5
            assert all(abs(found[p] / repeats - share) <= 5 * error for p in allowed)


@pytest.mark.parametrize("name", CANDIDATES)
def test_draws_are_a_function_of_the_generator(steps, name):
    target_M = anchors(steps, HORIZONS).target_M
    one, other = (CANDIDATES[name]().draw(steps, target_M, torch.Generator().manual_seed(4)) for _ in range(2))
    assert torch.equal(one.pool_N, other.pool_N)
    assert torch.equal(one.multiplicity(slice(None), slice(None)), other.multiplicity(slice(None), slice(None)))


def test_wrong_settings():
    with pytest.raises(CPCError, match="'same_speaker' is unknown. Choose one of mixed, same_group"):
        CANDIDATES["full"](strategy="same_speaker")
    with pytest.raises(CPCError, match="count = 0"):
        CANDIDATES["sampled"](count=0)


def test_bilinear_is_three_loops():
    torch.manual_seed(1)
    predictor = Bilinear(5, 7, first=2, count=3)
    c = torch.randn(2, 11, 5)
    p = predictor(c)
    assert predictor.horizons == (2, 3, 4) and p.shape == (2, 11, 3, 7)
    for k in range(3):
        for d in range(7):
            expected = sum(predictor.weight[k, d, i] * c[1, 4, i] for i in range(5))
            torch.testing.assert_close(p[1, 4, k, d], expected)


def test_bilinear_starts_near_zero():
    torch.manual_seed(1)
    z, c = torch.randn(503, 64), torch.randn(503, 32)
    scores = torch.einsum("md,mkd->mk", z, Bilinear(32, 64)(c[:, None]).squeeze(1))
    assert 0.5 < scores.std() < 1.5
