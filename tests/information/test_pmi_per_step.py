"""PMI by step: against a loop over pairs, and against the stream."""

import numpy as np
import pytest
import torch

from torchcpc.contexts import RecurrentContext
from torchcpc.data.arrays import Arrays, Item
from torchcpc.encoders import VectorEncoder
from torchcpc.information import scoring
from torchcpc.information.scoring import SampleSpec, marginal
from torchcpc.model import CPCModel
from torchcpc.scores import Bilinear


@pytest.mark.parametrize("contexts", [4096, 3])
def test_pmi_by_step_equals_a_loop_and_the_stream(monkeypatch, contexts):
    monkeypatch.setattr(scoring, "_CONTEXTS", contexts)
    torch.manual_seed(3)
    encoder = VectorEncoder(features=2, dim=5, hidden=11)
    model = CPCModel(encoder, RecurrentContext(5, dim=7), Bilinear(7, 5, first=2, count=3)).eval()
    rng = np.random.default_rng(5)
    arrays = [rng.normal(size=(steps, 2)).astype(np.float32) for steps in (13, 1, 17, 3)]
    sources = Arrays(arrays, [Item(str(i), "g") for i in range(4)])
    sample = marginal(model, sources, [0, 2], SampleSpec(19))
    found = scoring.pmi_by_step(model, sources, sample, positions_per_batch=15)
    for x, values in zip(arrays, found, strict=True):
        with torch.inference_mode():
            z, c, p = (each[0] for each in model(torch.from_numpy(x)[None]))
            log_z = sample(p)
            streamed = model.stream(sample).push(torch.from_numpy(x)).pmi_BTK[0].nanmean(dim=1)
        slow = [
            np.mean([float(p[t - k, i] @ z[t] - log_z[t - k, i]) for i, k in enumerate((2, 3, 4)) if t >= k] or [np.nan])
            for t in range(len(x))
        ]
        np.testing.assert_allclose(values, slow, atol=1e-5)
        np.testing.assert_allclose(values, streamed.numpy(), atol=1e-5)
