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


def test_progress_counts_steps_and_tells_of_pieces_of_a_long_source(model: CPCModel) -> None:
    seen: list[tuple[int, int, str]] = []
    for _ in embed_all(
        model, sources([7, 401, 2]), positions_per_batch=150, progress=lambda *report: seen.append((*report[:3],))
    ):
        pass
    assert seen == [
        (0, 410, "0 of 3 sources"),
        *((done, 410, "2 of 3 sources") for done in (9, 159, 309, 410)),
        (410, 410, "3 of 3 sources"),
    ]
