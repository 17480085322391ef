"""InfoNCE with the exact density ratio as its score must give the known values: closed forms, simulation, and a trained model."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from tests.scores.competitors import competitors
from torchcpc.contexts import NoContext
from torchcpc.contracts import Layout, Window
from torchcpc.encoders.strided import strided_steps
from torchcpc.model import CPCModel
from torchcpc.objectives import Contrast, contrast_pool, infonce
from torchcpc.scores import Bilinear, Full
from torchcpc.scores.candidates import Codes
from torchcpc.training.loop import fit

RHO = 0.9
INFORMATION = -0.5 * math.log(1 - RHO**2)
# Values of the optimal critic, E[log r(x+, c) - log mean_j r(x_j, c)], by simulation with standard errors below 0.011.
ORACLE = {2: 0.337, 8: 0.682, 32: 0.785, 128: 0.813}


def features(x, c):
    """The log density ratio of a Gaussian pair as a bilinear form: query(c) . candidate(x)."""
    s = 1 - RHO**2
    query = torch.stack(
        [-0.5 * math.log(s) - RHO**2 * c**2 / (2 * s), RHO * c / s, -(RHO**2) * torch.ones_like(c) / (2 * s)], -1
    )
    return query, torch.stack([torch.ones_like(x), x, x**2], -1)


@pytest.mark.parametrize("n", ORACLE)
def test_the_exact_ratio_reaches_the_oracle(n):
    rng = np.random.default_rng(n)
    count = 200_000 // n
    c = torch.from_numpy(rng.normal(size=count))
    x = RHO * c + math.sqrt(1 - RHO**2) * torch.from_numpy(rng.normal(size=count))
    others = torch.from_numpy(rng.normal(size=(count, n - 1)))
    query, candidates = features(torch.cat([x[:, None], others], 1), c[:, None].expand(count, n))
    values = math.log(n) - infonce((query * candidates).sum(-1))
    assert values.mean() == pytest.approx(ORACLE[n], abs=3 * values.std().item() / count**0.5 + 0.011)
    assert values.mean() < min(math.log(n), INFORMATION + 3 * values.std() / count**0.5)


def test_the_streamed_objective_reaches_it_too():
    rng = np.random.default_rng(3)
    c = torch.from_numpy(rng.normal(size=4096))
    x = RHO * c + math.sqrt(1 - RHO**2) * torch.from_numpy(rng.normal(size=4096))
    query, candidate = features(x, c)
    # Blocks of 32 pairs in which each pair's competitors are the others' targets.
    block = torch.arange(4096) // 32

    def multiplicity(rows, columns):
        same = block[rows, None] == block[columns]
        same &= torch.arange(4096)[rows, None] != torch.arange(4096)[columns]
        return same.float()

    out = contrast_pool(query, candidate, candidate, multiplicity, torch.full((4096,), 1 / 4096))
    assert math.log(32) - out.loss.item() == pytest.approx(ORACLE[32], abs=0.05)


def test_the_marginal_decides_the_estimand():
    """4 speakers, each with its own 4 states of a sticky chain: negatives of the same speaker divide speaker identity out."""
    speakers, states, eps = 4, 4, 0.3
    stay = np.full((states, states), eps / (states - 1))
    np.fill_diagonal(stay, 1 - eps)
    conditional = math.log(states) + (1 - eps) * math.log(1 - eps) + eps * math.log(eps / (states - 1))
    assert conditional == pytest.approx(0.446, abs=0.001)  # I(x; c | speaker)
    assert conditional + math.log(speakers) == pytest.approx(1.832, abs=0.001)  # I(x; c)
    rng = np.random.default_rng(0)
    count = 2048
    speaker = rng.integers(speakers, size=count)
    now = rng.integers(states, size=count)
    then = np.array([rng.choice(states, p=stay[s]) for s in now])
    each = torch.arange(count, dtype=torch.int32)
    codes = Codes(each, each, each, torch.from_numpy(speaker).int(), torch.zeros_like(each))
    same = torch.from_numpy(speaker[:, None] == speaker[None, :])
    log_p = torch.from_numpy(np.log(stay))[torch.from_numpy(now)][:, torch.from_numpy(then)]
    for strategy, information, score in (
        ("mixed", conditional + math.log(speakers), torch.where(same, log_p, -50.0)),
        ("same_group", conditional, log_p),
    ):
        times = competitors(strategy, codes).double()
        scores = torch.cat([score.diagonal()[:, None], score], 1)
        values = (times.sum(1) + 1).log() - infonce(scores, torch.cat([torch.ones(count, 1), times], 1))
        assert values.mean() == pytest.approx(information, abs=4 * values.std().item() / count**0.5 + 0.02), strategy


class Quadratic(nn.Module):
    """x -> (1, x, x^2, and a small network of x): what a bilinear score needs to be optimal for a Gaussian."""

    dim, stride, receptive_field, layout = 3, 1, 1, Layout()

    def forward(self, x_BS1):
        return torch.cat([torch.ones_like(x_BS1), x_BS1, x_BS1**2], dim=-1)

    def steps(self, window):
        return strided_steps(window, 1)


def ar1(step, rank=0, batch=128, length=2):
    """Independent sequences of two steps each, correlation RHO."""
    rng = np.random.default_rng((7, step))
    x = rng.normal(size=(batch, length, 1))
    for t in range(1, length):
        x[:, t] = RHO * x[:, t - 1] + math.sqrt(1 - RHO**2) * x[:, t]
    index = torch.arange(batch)
    zero = torch.zeros(batch, dtype=torch.int64)
    return Window(torch.from_numpy(x).float(), index, index, zero, torch.full((batch,), length))


class Blocks:
    """Every window competes with the next seven of the batch, at the target's own time: N = 8 independent candidates."""

    def draw(self, steps, target_M, generator):
        from torchcpc.contracts import Draw

        window = target_M // 2

        def multiplicity(rows, columns):
            distance = (torch.arange(128)[columns] - window[rows, None]) % 128
            return ((distance >= 1) & (distance <= 7)).float()

        return Draw(torch.arange(1, 256, 2), multiplicity)


def test_training_reaches_the_oracle_and_does_not_pass_it():
    torch.manual_seed(0)
    encoder = Quadratic()
    model = CPCModel(encoder, NoContext(3), Bilinear(3, 3, count=1))
    contrast = Contrast(Blocks())
    fit(model, lambda m, w, g: contrast(m, w, g), ar1, steps=1500, learning_rate=0.02, schedule="cosine")
    with torch.no_grad():
        values = torch.stack([contrast(model, ar1(10_000 + n), torch.Generator())[1]["bound_per_k"][0] for n in range(200)])
    error = values.std().item() / 200**0.5
    assert values.mean().item() == pytest.approx(ORACLE[8], abs=3 * error + 0.03)
    assert values.mean().item() < INFORMATION


def test_shuffled_targets_carry_no_information():
    """The control: windows whose two steps are of unrelated sequences leave nothing to learn."""

    def shuffled(step, rank=0):
        window = ar1(step)
        x = window.x.clone()
        x[:, 1] = x[:, 1].roll(40, dims=0)
        return Window(x, window.source, window.group, window.start, window.length)

    torch.manual_seed(0)
    model = CPCModel(Quadratic(), NoContext(3), Bilinear(3, 3, count=1))
    contrast = Contrast(Full())
    fit(model, lambda m, w, g: contrast(m, w, g), shuffled, steps=300, learning_rate=0.02, schedule="cosine")
    with torch.no_grad():
        values = torch.stack(
            [contrast(model, shuffled(10_000 + n), torch.Generator())[1]["bound_per_k"][0] for n in range(100)]
        )
    assert values.mean().item() < 3 * values.std().item() / 10
