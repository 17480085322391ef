"""N counts competitors: a bound must not grow because the same few are counted again and again."""

import math

import numpy as np
import pytest
import torch

from tests.truth.gaussian import exact_model, information
from torchcpc.contracts import Window
from torchcpc.objectives import Contrast
from torchcpc.scores import CANDIDATES

PHI = 0.9


def pairs(seed: int, sources: int) -> Window:
    x = np.random.default_rng(seed).normal(size=(sources, 2, 1)).astype(np.float32)
    x[:, 1] = PHI * x[:, 0] + math.sqrt(1 - PHI**2) * x[:, 1]
    zero = torch.zeros(sources, dtype=torch.int64)
    return Window(torch.from_numpy(x), torch.arange(sources), zero, zero, zero + 2)


@pytest.mark.parametrize("name", CANDIDATES)
def test_few_sources_do_not_raise_the_bound_above_the_information(name):
    """Nine sources, one of them the anchor's own, and a sampler set to the usual 127 competitors."""
    settings = {"full": {}, "shared": {"count": 127}, "sampled": {"count": 127}}[name]
    contrast, model = Contrast(CANDIDATES[name](strategy="mixed_excluding", **settings)), exact_model(PHI, horizons=1)
    with torch.no_grad():
        values = torch.stack(
            [contrast(model, pairs(n, 9), torch.Generator().manual_seed(n))[1]["bound_per_k"][0] for n in range(400)]
        )
    assert values.mean().item() < information(PHI, 1) + 3 * values.std().item() / 400**0.5
