"""InfoNCE: as printed against a slow loop, streamed against as printed, and the traps that public implementations fall into."""

import math

import pytest
import torch

from torchcpc.contexts import RecurrentContext
from torchcpc.contracts import CPCError, Window
from torchcpc.encoders import VectorEncoder
from torchcpc.model import CPCModel
from torchcpc.objectives import Contrast, anchors, contrast_pool, infonce
from torchcpc.objectives.contrast import pairwise, top1
from torchcpc.scores import CANDIDATES, Bilinear, Full, Sampled, Shared

M, N, D = 13, 11, 7


def random(*shape, seed=0, dtype=torch.float64):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def test_infonce_is_a_slow_loop():
    score = random(M, N)
    for m, loss in enumerate(infonce(score).tolist()):
        total = sum(math.exp(score[m, n]) for n in range(N))
        assert loss == pytest.approx(-math.log(math.exp(score[m, 0]) / total), rel=1e-12)


def test_constant_scores_are_chance():
    assert torch.allclose(infonce(torch.full((M, N), 3.7)), torch.tensor(math.log(N)))


def test_the_softmax_runs_over_targets_of_one_context():
    """Eq. 4: what depends on the context alone cancels, what depends on the candidate alone does not (spec 10.1)."""
    score, of_context, of_candidate = random(M, N), random(M, 1, seed=1), random(1, N, seed=2)
    torch.testing.assert_close(infonce(score + of_context), infonce(score))
    assert (infonce(score + of_candidate) - infonce(score)).abs().max() > 0.1


def test_huge_and_half_precision_scores():
    assert torch.isfinite(infonce(1e4 * random(M, N, dtype=torch.float32))).all()
    assert infonce(random(M, N).bfloat16()).dtype == torch.float32


def test_an_anchor_without_competitors_is_an_error():
    multiplicity = torch.ones(M, N)
    multiplicity[5, 1:] = 0
    with pytest.raises(CPCError, match=r"1 of 13 anchors have no candidate.*windows_per_group"):
        infonce(random(M, N), multiplicity)


def pool_case(dtype):
    leaves = [random(M, D, seed=1, dtype=dtype), random(M, D, seed=2, dtype=dtype), random(N, D, seed=3, dtype=dtype)]
    times = torch.randint(0, 3, (M, N), generator=torch.Generator().manual_seed(4)).to(torch.float32)
    times[:, 0] = 1
    return [leaf.requires_grad_() for leaf in leaves], times, random(M, seed=5, dtype=dtype).abs()


def dense(query, positive, pool, times, weight):
    scores = torch.cat([(query * positive).sum(1, keepdim=True), query @ pool.t()], dim=1)
    return (weight * infonce(scores, torch.cat([torch.ones(len(times), 1), times], dim=1).to(scores.dtype))).sum()


TILES = [{}, {"rows": 3, "columns": 5}, {"rows": 13, "columns": 11}, {"rows": 1, "columns": 1}]


@pytest.mark.parametrize("tiles", TILES)
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.float64, 1e-10)])
def test_streamed_equals_dense(tiles, dtype, tolerance):
    leaves, times, weight = pool_case(dtype)
    expected = torch.autograd.grad(dense(*leaves, times, weight), leaves)
    out = contrast_pool(*leaves, lambda r, c: times[r, c], weight, **tiles)
    torch.testing.assert_close(out.loss, dense(*leaves, times, weight), rtol=tolerance, atol=tolerance)
    for ours, theirs in zip(torch.autograd.grad(out.loss, leaves), expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=tolerance, atol=tolerance)
    with torch.no_grad():
        torch.testing.assert_close(contrast_pool(*leaves, lambda r, c: times[r, c], weight, **tiles).loss, out.loss)


@pytest.mark.parametrize("tiles", TILES)
@pytest.mark.parametrize("scale", [3.0, 300.0])
def test_odds_beyond_the_range_of_floats(tiles, scale):
    """In one batch, anchors far more likely than all competitors and anchors with a loss of many hundred nats."""
    leaves, times, weight = pool_case(torch.float32)
    leaves = [(scale**0.5 * leaf).detach().requires_grad_() for leaf in leaves]
    exact = [leaf.detach().double().requires_grad_() for leaf in leaves]
    out = contrast_pool(*leaves, lambda r, c: times[r, c], weight, **tiles)
    expected = dense(*exact, times, weight)
    assert (out.loss_M.min() < 1e-3) and (out.loss_M.max() > 10 * scale / 3)
    torch.testing.assert_close(out.loss.double(), expected, rtol=1e-6, atol=0)
    for ours, theirs in zip(torch.autograd.grad(out.loss, leaves), torch.autograd.grad(expected, exact), strict=True):
        torch.testing.assert_close(ours.double(), theirs, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("tiles", TILES[:2])
def test_gradcheck(tiles):
    leaves, times, weight = pool_case(torch.float64)
    assert torch.autograd.gradcheck(lambda *xs: contrast_pool(*xs, lambda r, c: times[r, c], weight, **tiles).loss, leaves)


def test_counts_and_ranks_are_a_slow_loop():
    leaves, times, weight = pool_case(torch.float64)
    out = contrast_pool(*leaves, lambda r, c: times[r, c], weight, rows=3, columns=5)
    query, positive, pool = (leaf.detach() for leaf in leaves)
    for m in range(M):
        own = query[m] @ positive[m]
        above = sum(float(times[m, n]) for n in range(N) if query[m] @ pool[n] > own)
        assert out.above_M[m] == above
        assert out.candidates_M[m] == 1 + times[m].sum()


def test_bfloat16_products_keep_a_float32_loss():
    leaves, times, weight = pool_case(torch.float32)
    exact = contrast_pool(*leaves, lambda r, c: times[r, c], weight).loss
    with torch.autocast("cpu", torch.bfloat16):
        rough = contrast_pool(*leaves, lambda r, c: times[r, c], weight).loss
    assert rough.dtype == torch.float32
    assert abs(rough - exact) < 0.02 * exact
    assert all(torch.isfinite(g).all() for g in torch.autograd.grad(rough, leaves))


def tiny(horizons=3):
    torch.manual_seed(0)
    encoder = VectorEncoder(features=2, dim=D, hidden=5)
    context = RecurrentContext(D, dim=5)
    return CPCModel(encoder, context, Bilinear(5, D, count=horizons))


def batch(lengths=(9, 9, 6, 2), S=9):
    B = len(lengths)
    x = random(B, S, 2, dtype=torch.float32)
    return Window(x, torch.arange(B), torch.arange(B) % 2, torch.zeros(B, dtype=torch.int64), torch.tensor(lengths))


def test_contrast_is_a_slow_loop_over_pairs():
    model, window = tiny(), batch()
    with torch.no_grad():
        model.predictor.weight.mul_(50)  # fresh scores differ by rounding errors only, which would decide their order
    loss, metrics = Contrast(Full(strategy="mixed"))(model, window, torch.Generator())
    z, _, p = model(window.x)
    valid = [(b, t) for b in range(4) for t in range(int(window.length[b]))]
    for h, k in enumerate(model.predictor.horizons):
        losses, ns, first, pairs = [], [], [], []
        for b, t in valid:
            if (b, t + k) not in valid:
                continue
            own = (p[b, t, h] @ z[b, t + k]).item()
            others = [(p[b, t, h] @ z[c, u]).item() for c, u in valid if (c, u) != (b, t + k)]
            losses.append(math.log(math.exp(own) + sum(map(math.exp, others))) - own)
            ns.append(len(others) + 1)
            # Steps at which every hidden unit is off have equal z, so there are true ties: a fair draw.
            level = sum(abs(own - o) < 1e-5 for o in others)
            first.append((max(others) < own + 1e-5) / (1 + level))
            pairs.append((sum(own > o + 1e-5 for o in others) + level / 2) / len(others))
        count = len(losses)
        assert metrics["pairs_per_k"][h] == count
        assert metrics["loss_per_k"][h].item() == pytest.approx(sum(losses) / count, rel=1e-5)
        assert metrics["ceiling_per_k"][h].item() == pytest.approx(sum(map(math.log, ns)) / count, rel=1e-5)
        assert metrics["bound_per_k"][h].item() == pytest.approx((sum(map(math.log, ns)) - sum(losses)) / count, abs=1e-5)
        assert metrics["accuracy_per_k"][h].item() == pytest.approx(sum(first) / count)
        assert metrics["pairwise_per_k"][h].item() == pytest.approx(sum(pairs) / count, rel=1e-5)
    assert loss.item() == pytest.approx(metrics["loss_per_k"].mean().item(), rel=1e-5)


@pytest.mark.parametrize("candidates", [Full(), Shared(count=17), Sampled(count=19)])
def test_a_model_that_says_nothing_is_at_chance_exactly(candidates):
    model, window = tiny(), batch()
    torch.nn.init.zeros_(model.predictor.weight)
    loss, metrics = Contrast(candidates)(model, window, torch.Generator().manual_seed(1))
    torch.testing.assert_close(metrics["bound_per_k"], torch.zeros(3), atol=1e-6, rtol=0)
    torch.testing.assert_close(metrics["accuracy_per_k"], metrics["chance_per_k"])
    torch.testing.assert_close(metrics["pairwise_per_k"], torch.full((3,), 0.5))


@pytest.mark.parametrize("name", CANDIDATES)
def test_the_bound_never_passes_its_ceiling(name):
    model, window = tiny(), batch()
    with torch.no_grad():
        model.predictor.weight.mul_(1000)
    _, metrics = Contrast(CANDIDATES[name]())(model, window, torch.Generator().manual_seed(1))
    assert (metrics["bound_per_k"] <= metrics["ceiling_per_k"] + 1e-5).all()


def test_padding_is_neither_anchor_nor_candidate():
    model, window = tiny(), batch(lengths=(9, 9, 6, 2))
    louder = Window(window.x.clone(), window.source, window.group, window.start, window.length)
    louder.x[2, 6:] = 99.0
    louder.x[3, 2:] = -99.0
    one, other = (Contrast(Full())(model, w, torch.Generator())[0] for w in (window, louder))
    assert torch.equal(one, other)


def test_a_horizon_without_pairs_is_left_out_and_none_at_all_is_an_error():
    model = tiny(horizons=7)
    loss, metrics = Contrast(Full())(model, batch(lengths=(5, 4, 5, 3), S=5), torch.Generator())
    assert metrics["loss_per_k"].isnan().tolist() == [False] * 4 + [True] * 3
    assert loss.item() == pytest.approx(metrics["loss_per_k"].nanmean().item(), rel=1e-5)
    with pytest.raises(CPCError, match=r"no pair.*longest sequence has 1 steps, and at least 2 are needed"):
        Contrast(Full())(model, batch(lengths=(1, 1, 1, 1), S=5), torch.Generator())


def test_ties_are_a_fair_draw():
    out = contrast_pool(
        torch.ones(1, 1), torch.ones(1, 1), torch.ones(4, 1), lambda r, c: torch.ones(1, 4)[:, c], torch.ones(1)
    )
    assert top1(out).tolist() == pytest.approx([0.2]) and pairwise(out).tolist() == [0.5]


@pytest.mark.parametrize("autocast", [False, True])
def test_a_collapsed_encoder_is_at_chance_not_at_the_mercy_of_rounding(autocast):
    query, z = random(M, D, dtype=torch.float32), random(1, D, seed=1, dtype=torch.float32)
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        out = contrast_pool(query, z.expand(M, D), z.expand(N, D), lambda r, c: torch.ones(M, N)[r, c], torch.ones(M))
    assert torch.equal(top1(out), torch.full((M,), 1 / (N + 1))) and torch.equal(pairwise(out), torch.full((M,), 0.5))


def test_anchors_with_horizons_beyond_the_window():
    assert len(anchors(tiny().encoder.steps(batch()), (20,)).anchor_M) == 0
