"""Embedding many short sources at once changes nothing but the rounding of float32."""

from __future__ import annotations

import numpy as np
import pytest

from tests.representations.test_rows import model, sources
from torchcpc.model import CPCModel
from torchcpc.representations import embed
from torchcpc.representations.embed import embed_all, frames

__all__ = ["model"]


def test_batches_of_any_size_give_the_same(model: CPCModel, monkeypatch: pytest.MonkeyPatch) -> None:
    own = sources([7, 13, 2, 13, 5, 101, 1, 7])
    whole = frames(model, own)
    sizes = []
    real = embed.embed_batches
    monkeypatch.setattr(embed, "embed_batches", lambda m, b, **k: sizes.append([len(i) for i, _ in b]) or real(m, b, **k))
    for short, expected in ((1, [1] * 8), (60, [1, 1, 1, 2, 3]), (1 << 17, [8])):
        monkeypatch.setattr(embed, "_SHORT_ON_CPU", short)
        sizes.clear()
        for one, other in zip(whole, frames(model, own), strict=True):
            for a_TD, b_TD in zip(one, other, strict=True):
                np.testing.assert_allclose(a_TD, b_TD, rtol=0, atol=1e-6)
        assert [size for batch in sizes for size in batch] == expected


def test_progress_counts_sources(model: CPCModel) -> None:
    seen: list[tuple[int, int]] = []
    list(
        embed_all(model, sources([7, 101, 2]), positions_per_batch=150, progress=lambda done, total: seen.append((done, total)))
    )
    assert seen[-1] == (3, 3)
