"""The bilinear score against its equation written out, and what `identity_scale` expects before anything is learned."""

from __future__ import annotations

import pytest
import torch

from torchcpc.contracts import CPCError
from torchcpc.scores import Bilinear


def test_scores_are_those_of_the_equation() -> None:
    torch.manual_seed(0)
    predictor = Bilinear(11, 7, first=2, count=3)
    c_BTC, z_ND = torch.randn(2, 5, 11), torch.randn(13, 7)
    scores = predictor(c_BTC) @ z_ND.t()
    assert predictor.horizons == (2, 3, 4) and scores.shape == (2, 5, 3, 13)
    for b, t, k, n in [(0, 0, 0, 0), (1, 4, 2, 12), (0, 3, 1, 5)]:
        W_DC, by_hand = predictor.weight[k], 0.0
        for d in range(7):
            for i in range(11):
                by_hand += z_ND[n, d].item() * W_DC[d, i].item() * c_BTC[b, t, i].item()
        assert scores[b, t, k, n].item() == pytest.approx(by_hand, abs=1e-5)


def test_identity_scale_expects_the_end_of_the_context_to_come_again() -> None:
    """The same random weights and, on the last 7 of 11 numbers, 3 times the identity: each score is 3 <z, end of c> higher."""
    torch.manual_seed(1)
    plain = Bilinear(11, 7, count=2)
    torch.manual_seed(1)
    expecting = Bilinear(11, 7, count=2, identity_scale=3.0)
    c_BTC, z_ND = torch.randn(2, 5, 11), torch.randn(13, 7)
    higher = (expecting(c_BTC) - plain(c_BTC)) @ z_ND.t()
    expected = 3 * c_BTC[..., -7:] @ z_ND.t()
    torch.testing.assert_close(higher, expected.unsqueeze(2).expand(-1, -1, 2, -1))


def test_impossible_settings_are_refused() -> None:
    with pytest.raises(CPCError, match="first = 0, count = 3: predictions start at least 1 step ahead"):
        Bilinear(5, 7, first=0, count=3)
    with pytest.raises(CPCError, match="identity_scale = 1.0: a context of 5 numbers does not end with a mean of steps of 7"):
        Bilinear(5, 7, identity_scale=1.0)
