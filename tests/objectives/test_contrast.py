"""The objective on batches with overlaps, gaps and segments, every strategy and every pool, against loops over plain numbers."""

import math
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from torchcpc.contexts import NoContext, RecurrentContext
from torchcpc.contracts import Steps, Window
from torchcpc.encoders import VectorEncoder, WaveformEncoder
from torchcpc.model import CPCModel
from torchcpc.objectives import Contrast, anchors, contrast_pool
from torchcpc.scores import CANDIDATES, STRATEGIES, Bilinear, Full, Sampled, Shared

B, T, D, HORIZONS = 5, 11, 7, (1, 3)
POOLS = {"full": {}, "shared": {"count": 37}, "sampled": {"count": 5}}


def metadata() -> Steps:
    """Rows 0 and 1 overlap in time; row 2 holds two segments; row 3 skips a moment; row 4 is cut short; 0, 1 and 3 share a speaker."""
    time = torch.arange(T) + torch.tensor([[10], [14], [0], [0], [0]])
    time[3, 6:] += 1
    segment = torch.zeros(B, T, dtype=torch.int64)
    segment[2, 5:] = 1
    time[2, 5:] -= 5  # a segment may count its own time: the same number is then another event
    valid = torch.ones(B, T, dtype=torch.bool)
    valid[4, 8:] = False
    column = lambda values: torch.tensor(values)[:, None].expand(B, T)  # noqa: E731
    return Steps(column([3, 3, 5, 8, 9]), column([0, 0, 1, 0, 1]), segment, time, valid, torch.zeros_like(time))


class Planted:
    """A model whose z and p are given, with metadata of our choice."""

    def __init__(self, steps: Steps, scale: float = 1.0, dtype: torch.dtype = torch.float32) -> None:
        generator = torch.Generator().manual_seed(3)
        self.z = torch.randn(B, T, D, generator=generator).to(dtype).requires_grad_()
        self.p = (scale * torch.randn(B, T, len(HORIZONS), D, generator=generator)).to(dtype).requires_grad_()
        self.encoder = SimpleNamespace(steps=lambda window: steps)
        self.predictor = SimpleNamespace(horizons=HORIZONS)

    def __call__(self, x):
        return self.z, self.z, self.p


WINDOW = Window(torch.zeros(B, T), *(torch.zeros(B, dtype=torch.int64) for _ in range(4)))


def events(steps: Steps) -> list[tuple]:
    flat = steps.flat()
    return list(zip(*(c.tolist() for c in (flat.source, flat.segment, flat.time, flat.group, flat.valid)), strict=True))


def slow_pairs(steps: Steps, k: int) -> list[tuple[int, int]]:
    event, found = events(steps), []
    for b in range(B):
        for t in range(T):
            for u in range(T):
                (s, g, at, _, ok), (s2, g2, at2, _, ok2) = event[b * T + t], event[b * T + u]
                if u - t == k and ok and ok2 and (s, g) == (s2, g2) and at2 - at == k:
                    found.append((b * T + t, b * T + u))
    return found


def test_pairs_cross_no_segment_no_gap_and_no_padding():
    steps = metadata()
    found = anchors(steps, HORIZONS)
    for index, k in enumerate(HORIZONS):
        mine = found.horizon_M == index
        pairs = list(zip(found.anchor_M[mine].tolist(), found.target_M[mine].tolist(), strict=True))
        assert pairs == slow_pairs(steps, k)
    # By hand, k = 1: 10 and 10 in the overlap, 4 + 5 in two segments, 5 + 4 around the gap, 7 before the padding.
    assert torch.bincount(found.horizon_M).tolist() == [10 + 10 + 9 + 9 + 7, 8 + 8 + (2 + 3) + (3 + 2) + 5]


def slow(model: Planted, draw, steps: Steps) -> dict[str, list[float]]:
    """Every metric from scores made one by one."""
    z, p = model.z.detach().double().reshape(-1, D), model.p.detach().double().reshape(-1, len(HORIZONS), D)
    times = draw.multiplicity(slice(None), slice(None)).tolist()
    table: dict[str, list[float]] = {
        name: [] for name in ("loss", "bound", "ceiling", "accuracy", "pairwise", "chance", "pairs")
    }
    row = 0
    for index, k in enumerate(HORIZONS):
        values: dict[str, list[float]] = {name: [] for name in table}
        for now, then in slow_pairs(steps, k):
            own = float(p[now, index] @ z[then])
            others = [
                float(p[now, index] @ z[member])
                for member, count in zip(draw.pool_N.tolist(), times[row], strict=True)
                for _ in range(int(count))
            ]
            n = len(others) + 1
            loss = math.log(math.exp(own) + sum(math.exp(other) for other in others)) - own
            # The same event in two windows has two encodings here, so nothing ties but repeats, which never include the positive.
            values["loss"].append(loss)
            values["bound"].append(math.log(n) - loss)
            values["ceiling"].append(math.log(n))
            values["accuracy"].append(float(own > max(others)))
            values["pairwise"].append(sum(own > other for other in others) / (n - 1))
            values["chance"].append(1 / n)
            row += 1
        for name in table:
            table[name].append(len(values["loss"]) if name == "pairs" else sum(values[name]) / len(values[name]))
    return table


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("pool", CANDIDATES)
def test_every_metric_is_a_slow_loop(pool, strategy):
    steps = metadata()
    model = Planted(steps)
    candidates = CANDIDATES[pool](strategy=strategy, **POOLS[pool])
    loss, metrics = Contrast(candidates)(model, WINDOW, torch.Generator().manual_seed(5))
    draw = candidates.draw(steps, anchors(steps, HORIZONS).target_M, torch.Generator().manual_seed(5))
    expected = slow(model, draw, steps)
    assert set(metrics) == {f"{name}_per_k" for name in expected}
    for name, values in expected.items():
        torch.testing.assert_close(metrics[f"{name}_per_k"], torch.tensor(values, dtype=torch.float32), rtol=1e-5, atol=1e-5)
    assert loss.item() == pytest.approx(sum(expected["loss"]) / len(HORIZONS), rel=1e-5)
    assert not any(value.requires_grad for value in metrics.values())


def test_the_gradient_is_that_of_a_slow_loop():
    steps = metadata()
    model = Planted(steps, dtype=torch.float64)
    generator = torch.Generator().manual_seed(5)
    candidates = Sampled(count=5)
    loss, _ = Contrast(candidates)(model, WINDOW, generator)
    loss.backward()
    draw = candidates.draw(steps, anchors(steps, HORIZONS).target_M, torch.Generator().manual_seed(5))
    times = draw.multiplicity(slice(None), slice(None)).double()
    z, p = (x.detach().clone().requires_grad_() for x in (model.z, model.p))
    flat_z, flat_p, means, row = z.reshape(-1, D), p.reshape(-1, len(HORIZONS), D), [], 0
    for index, k in enumerate(HORIZONS):
        losses = []
        for now, then in slow_pairs(steps, k):
            own = flat_p[now, index] @ flat_z[then]
            others = flat_z[draw.pool_N] @ flat_p[now, index]
            losses.append((own.exp() + (times[row] * others.exp()).sum()).log() - own)
            row += 1
        means.append(torch.stack(losses).mean())
    torch.stack(means).mean().backward()
    torch.testing.assert_close(model.z.grad, z.grad, rtol=1e-6, atol=1e-8)
    torch.testing.assert_close(model.p.grad, p.grad, rtol=1e-6, atol=1e-8)


def test_a_copy_of_the_positive_in_another_window_is_not_a_negative():
    """Rows 0 and 1 overlap: were the copy a negative, its enormous score would ruin the loss of its own twin."""
    steps = metadata()
    model = Planted(steps)
    found, old = Contrast(Full()).rows(model, WINDOW, torch.Generator())
    # Time 17 of source 3 is step 7 of row 0 and step 3 of row 1.
    twin, copy = 0 * T + 7, 1 * T + 3
    assert events(steps)[twin] == events(steps)[copy]
    with torch.no_grad():
        model.z[1, 3] = 50.0
    _, new = Contrast(Full()).rows(model, WINDOW, torch.Generator())
    on_twin = found.target_M == twin
    assert on_twin.sum() == len(HORIZONS)
    torch.testing.assert_close(new.loss_M[on_twin], old.loss_M[on_twin])
    change_M = (new.loss_M - old.loss_M)[(found.target_M != twin) & (found.target_M != copy)].abs()
    assert (change_M > 0).all() and change_M.max() > 10


def test_n_is_counted_row_by_row():
    """Anchors whose positive has a copy have one competitor less; log N is theirs, not the batch's."""
    steps = metadata()
    found, rows = Contrast(Full()).rows(Planted(steps), WINDOW, torch.Generator())
    event = events(steps)
    valid = [e for e in event if e[-1]]
    for target, n in zip(found.target_M.tolist(), rows.candidates_M.tolist(), strict=True):
        assert n == 1 + sum(e != event[target] for e in valid)
    assert len(set(rows.candidates_M.tolist())) == 2
    _, metrics = Contrast(Full())(Planted(steps, scale=0.0), WINDOW, torch.Generator())
    torch.testing.assert_close(metrics["bound_per_k"], torch.zeros(2), rtol=0, atol=1e-6)


def test_more_padding_changes_nothing():
    """A mean over all positions instead of those that count would shrink with every step of padding."""
    torch.manual_seed(0)
    model = CPCModel(VectorEncoder(features=3, dim=D), RecurrentContext(D, dim=5), Bilinear(5, D, count=3))
    x = torch.randn(3, 13, 3)
    index, length = torch.arange(3), torch.tensor([13, 11, 7])
    window = Window(x, index, index % 2, index * 0, length)
    padded = replace(window, x=torch.cat([x, torch.zeros(3, 17, 3)], dim=1))
    for candidates in (Full(), Sampled(count=5), Shared(count=19)):
        (one, first), (other, second) = (
            Contrast(candidates)(model, w, torch.Generator().manual_seed(5)) for w in (window, padded)
        )
        torch.testing.assert_close(one, other)
        for name in first:
            torch.testing.assert_close(first[name], second[name])


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("constant", [0.0, 1.7])
def test_a_collapsed_encoder_reads_as_chance(constant, precision):
    """All z alike, whatever the contexts say: the ranking must not be settled by rounding."""
    steps = metadata()
    model = Planted(steps, scale=3.0)
    with torch.no_grad():
        model.z.copy_(constant * torch.randn(D, generator=torch.Generator().manual_seed(1)).expand(B, T, D))
    with torch.autocast("cpu", torch.bfloat16, enabled=precision == torch.bfloat16):
        _, metrics = Contrast(Full())(model, WINDOW, torch.Generator())
    torch.testing.assert_close(metrics["accuracy_per_k"], metrics["chance_per_k"])
    torch.testing.assert_close(metrics["pairwise_per_k"], torch.full((2,), 0.5))
    # Bfloat16 rounds a score of s to within s / 256; scores here reach 25.
    tolerance = 1e-5 if precision == torch.float32 else 0.1
    torch.testing.assert_close(metrics["bound_per_k"], torch.zeros(2), rtol=0, atol=tolerance)


def test_small_but_real_differences_are_not_ties():
    """A margin for rounding must not swallow a difference that float32 resolves."""
    query = torch.ones(2, 1)
    pool = torch.tensor([[1 - 1e-4], [1 + 1e-4], [1.0]])
    out = contrast_pool(query, torch.ones(2, 1), pool, lambda r, c: torch.ones(2, 3)[r, c], torch.ones(2))
    assert out.above_M.tolist() == [1, 1] and out.tied_M.tolist() == [1, 1]


def test_each_matrix_learns_from_its_own_horizon_only():
    torch.manual_seed(0)
    model = CPCModel(VectorEncoder(features=3, dim=D), NoContext(D), Bilinear(D, D, count=3))
    index = torch.arange(3)
    window = Window(torch.randn(3, 2, 3), index, index, index * 0, index * 0 + 2)  # two steps: k = 1 alone has pairs
    loss, metrics = Contrast(Full())(model, window, torch.Generator())
    loss.backward()
    assert model.predictor.weight.grad.flatten(1).any(dim=1).tolist() == [True, False, False]
    assert metrics["pairs_per_k"].tolist() == [3, 0, 0]
    assert [math.isnan(v) for v in metrics["accuracy_per_k"]] == [False, True, True]


def test_scores_that_overflow_a_naive_softmax():
    steps = metadata()
    model = Planted(steps, scale=3e3)
    loss, metrics = Contrast(Full())(model, WINDOW, torch.Generator())
    loss.backward()
    assert loss.isfinite() and model.z.grad.isfinite().all() and model.p.grad.isfinite().all()
    assert (metrics["bound_per_k"] <= metrics["ceiling_per_k"] + 1e-6).all()


def test_bfloat16_training_has_a_float32_loss_close_to_the_exact_one():
    torch.manual_seed(0)
    model = CPCModel(WaveformEncoder(channels=31), RecurrentContext(31, dim=17), Bilinear(17, 31, count=3))
    index = torch.arange(5)
    window = Window(torch.randn(5, 13 * 160), index, index % 2, index * 0, index * 0 + 13 * 160)
    exact, _ = Contrast(Full())(model, window, torch.Generator())
    with torch.autocast("cpu", torch.bfloat16):
        rough, metrics = Contrast(Full())(model, window, torch.Generator())
    assert rough.dtype == torch.float32 and all(value.dtype == torch.float32 for value in metrics.values())
    assert rough.item() == pytest.approx(exact.item(), rel=0.02)
    rough.backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())


def test_a_forbidden_candidate_has_no_say_and_no_gradient():
    query, positive = torch.randn(3, D), torch.randn(3, D)
    times = torch.ones(3, 5)
    times[:, 2] = 0
    pool = torch.randn(5, D)
    results = []
    for forbidden in (0.0, 1e3):
        leaf = pool.clone()
        leaf[2] = forbidden
        leaf.requires_grad_()
        out = contrast_pool(query, positive, leaf, lambda r, c: times[r, c], torch.ones(3), rows=2, columns=2)
        out.loss.backward()
        results.append((out.loss.item(), out.candidates_M.tolist(), leaf.grad))
        assert not leaf.grad[2].any() and leaf.grad[3].any()
    assert results[0][:2] == results[1][:2] and results[0][1] == [5, 5, 5]


def test_repeats_compete_as_often_as_they_were_drawn():
    query, positive, pool = torch.randn(2, D), torch.randn(2, D), torch.randn(3, D)
    times = torch.tensor([[2.0, 0, 3], [1, 1, 1]])
    repeated = torch.cat([pool[[0, 0, 2, 2, 2]]])
    once = contrast_pool(query[:1], positive[:1], repeated, lambda r, c: torch.ones(1, 5)[r, c], torch.ones(1))
    both = contrast_pool(query, positive, pool, lambda r, c: times[r, c], torch.ones(2))
    torch.testing.assert_close(both.loss_M[0], once.loss_M[0])
    assert both.candidates_M.tolist() == [6, 4]


def test_the_pool_does_not_change_what_it_was_given():
    times = torch.ones(3, 5)
    leaves = [torch.randn(3, D), torch.randn(3, D), torch.randn(5, D)]
    copies = [leaf.clone() for leaf in leaves]
    contrast_pool(*leaves, lambda r, c: times[r, c], torch.ones(3))
    assert torch.equal(times, torch.ones(3, 5))
    assert all(torch.equal(leaf, copy) for leaf, copy in zip(leaves, copies, strict=True))
