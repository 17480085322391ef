"""N counts competitors: a bound must not grow because the same few are counted again and again."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from torchcpc.contexts import NoContext
from torchcpc.contracts import Window
from torchcpc.encoders.strided import strided_steps
from torchcpc.model import CPC
from torchcpc.objectives import Contrast
from torchcpc.scores import CANDIDATES, Bilinear

PHI = 0.9
INFORMATION = -0.5 * math.log(1 - PHI**2)


class Quadratic(nn.Module):
    """x -> (1, x, x^2), in which the exact log ratio of a Gaussian pair is a bilinear form."""

    dim, stride, receptive_field = 3, 1, 1

    def forward(self, x):
        return torch.cat([torch.ones_like(x), x, x**2], dim=-1)

    def steps(self, window):
        return strided_steps(window, 1)


def exact_model() -> CPC:
    predictor, scale = Bilinear(3, 3, count=1), 1 / (2 * (1 - PHI**2))
    with torch.no_grad():
        predictor.weight.zero_()  # [k, candidate, context], each (1, x, x^2)
        predictor.weight[0, 0, 0], predictor.weight[0, 0, 2] = -0.5 * math.log(1 - PHI**2), -(PHI**2) * scale
        predictor.weight[0, 1, 1], predictor.weight[0, 2, 0] = 2 * PHI * scale, -(PHI**2) * scale
    return CPC(Quadratic(), NoContext(3), predictor)


def pairs(seed: int, sources: int) -> Window:
    x = np.random.default_rng(seed).normal(size=(sources, 2, 1)).astype(np.float32)
    x[:, 1] = PHI * x[:, 0] + math.sqrt(1 - PHI**2) * x[:, 1]
    zero = torch.zeros(sources, dtype=torch.int64)
    return Window(torch.from_numpy(x), torch.arange(sources), zero, zero, zero + 2)


@pytest.mark.parametrize("name", CANDIDATES)
def test_few_sources_do_not_raise_the_bound_above_the_information(name):
    """Nine sources, one of them the anchor's own, and a sampler set to the usual 127 competitors."""
    settings = {"full": {}, "shared": {"count": 127}, "sampled": {"count": 127}}[name]
    contrast, model = Contrast(CANDIDATES[name](strategy="mixed_excluding", **settings)), exact_model()
    with torch.no_grad():
        values = torch.stack(
            [contrast(model, pairs(n, 9), torch.Generator().manual_seed(n))[1]["bound_per_k"][0] for n in range(400)]
        )
    assert values.mean().item() < INFORMATION + 3 * values.std().item() / 400**0.5
