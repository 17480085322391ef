"""The model, whole: what it computes, part by part, and what it owns."""

import pytest
import torch

from torchcpc.contexts import CONTEXTS, NoContext, RecurrentContext
from torchcpc.encoders import VectorEncoder, WaveformEncoder
from torchcpc.model import CPCModel
from torchcpc.scores import Bilinear


def small() -> CPCModel:
    torch.manual_seed(0)
    return CPCModel(WaveformEncoder(channels=7), RecurrentContext(7, dim=5), Bilinear(5, 7, first=3, count=2))


def test_shapes_and_the_score_of_equation_3():
    model = small()
    z_BTD, c_BTC, p_BTKD = model(torch.randn(3, 11 * 160 + 59))
    assert (z_BTD.shape, c_BTC.shape, p_BTKD.shape) == ((3, 11, 7), (3, 11, 5), (3, 11, 2, 7))
    for b, t, k, u in ((0, 0, 0, 3), (2, 6, 1, 10), (1, 10, 0, 4)):
        by_hand = sum(z_BTD[b, u, i] * model.predictor.weight[k, i, j] * c_BTC[b, t, j] for i in range(7) for j in range(5))
        torch.testing.assert_close(p_BTKD[b, t, k] @ z_BTD[b, u], by_hand)


def test_its_parts_are_modules_with_their_own_names():
    names = {name.partition(".")[0] for name in small().state_dict()}
    assert names == {"encoder", "context", "predictor"}
    assert sum(p.numel() for p in small().parameters()) == (
        (10 + 1) * 7 + (8 * 7 + 1) * 7 + 3 * (4 * 7 + 1) * 7 + 5 * 2 * 7 + 3 * 5 * (7 + 5 + 2) + 2 * 7 * 5
    )


def test_weights_travel():
    model, other = small(), small()
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.add_(1)
    other.load_state_dict(model.state_dict())
    x = torch.randn(2, 5 * 160)
    assert all(torch.equal(a, b) for a, b in zip(model(x), other(x), strict=True))


@pytest.mark.parametrize("mode", [True, False])
def test_training_and_evaluation_mode_compute_the_same(mode):
    model, x = small(), torch.randn(2, 5 * 160)
    assert all(torch.equal(a, b) for a, b in zip(model.train(mode)(x), small()(x), strict=True))


def test_one_window_alone_is_what_it_is_in_a_batch():
    """No statistics are shared, and a batch of one keeps its axes."""
    model, x = small(), torch.randn(3, 5 * 160)
    for whole, alone in zip(model(x), model(x[1:2]), strict=True):
        torch.testing.assert_close(whole[1:2], alone)


def test_in_bfloat16_latents_predictions_and_context_stay_close():
    model, x = small(), torch.randn(3, 11 * 160)
    exact = model(x)
    with torch.autocast("cpu", torch.bfloat16):
        rough = model(x)
    for ours, theirs in zip(rough, exact, strict=True):
        assert (ours.float() - theirs).norm() < 0.03 * theirs.norm()


def test_rows_of_numbers_take_the_same_road():
    assert CONTEXTS["none"] is NoContext
    model = CPCModel(VectorEncoder(features=3, dim=7), NoContext(7), Bilinear(7, 7, count=2))
    z_BTD, c_BTC, p_BTKD = model(torch.randn(2, 13, 3))
    assert z_BTD is c_BTC and p_BTKD.shape == (2, 13, 2, 7)
