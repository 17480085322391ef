import pytest
import torch

from torchcpc.training.health import effective_rank, warnings

GOOD = {"bound": 1.0, "ceiling_per_k": [5.0, 5.0], "rank_z": 30.0, "rank_c": 20.0}


def test_effective_rank_of_known_spectra():
    orthogonal, _ = torch.linalg.qr(torch.randn(101, 7, generator=torch.Generator().manual_seed(1), dtype=torch.float64))
    orthogonal = torch.linalg.qr(orthogonal - orthogonal.mean(0))[0]
    assert effective_rank(orthogonal) == pytest.approx(7.0)
    assert effective_rank(orthogonal[:, :3] @ torch.eye(3, 7, dtype=torch.float64)) == pytest.approx(3.0)
    # Singular values 3 and 1: shares 3/4 and 1/4.
    assert effective_rank(orthogonal[:, :2] * torch.tensor([3.0, 1.0])) == pytest.approx(4 / 3**0.75)
    assert effective_rank(torch.ones(11, 5)) == 1.0


def test_healthy_runs_are_not_warned_about():
    assert warnings([GOOD] * 5) == []


@pytest.mark.parametrize(
    ("history", "reason"),
    [
        ([{**GOOD, "bound": 0.01}] * 3, "chance-level plateau.*0.010 nats.*learning_rate"),
        ([GOOD, {**GOOD, "rank_c": 1.3}], "collapse.*rank of c is 1.30"),
        ([{**GOOD, "rank_z": 1.1}], "collapse.*rank of z is 1.10"),
        ([{**GOOD, "bound": 4.9}], "saturation.*4.90 nats.*log N = 5.00.*more candidates"),
    ],
)
def test_sick_runs_are(history, reason):
    (text,) = warnings(history)
    import re

    assert re.search(reason, text, re.DOTALL)


def test_a_plateau_needs_three_validations():
    assert warnings([{**GOOD, "bound": 0.01}] * 2) == []
