"""Candidates for the future of one context, against a loop over every step."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.information.trained import trained
from torchcpc.contexts import RecurrentContext
from torchcpc.contracts import CPCError
from torchcpc.data.arrays import Arrays, Item
from torchcpc.encoders import VectorEncoder
from torchcpc.encoders.pictures import PictureEncoder
from torchcpc.information.candidates import rank_candidates
from torchcpc.information.one_source import find_source
from torchcpc.information.scoring import SampleSpec, marginal, score_rows
from torchcpc.model import CPCModel
from torchcpc.scores import Bilinear

LENGTHS = (13, 5, 17, 7)


@pytest.fixture
def model() -> CPCModel:
    torch.manual_seed(1)
    return CPCModel(VectorEncoder(features=2, dim=5, hidden=7), RecurrentContext(5, dim=3), Bilinear(3, 5, count=2)).eval()


@pytest.fixture
def sources() -> Arrays:
    rng = np.random.default_rng(2)
    arrays = [rng.normal(size=(length, 2)).astype(np.float32) for length in LENGTHS]
    return Arrays(arrays, [Item(f"s:{i}", "g") for i in range(len(LENGTHS))])


def test_every_step_is_a_candidate_and_the_true_one_is_marked(model: CPCModel, sources: Arrays) -> None:
    scored = [2, 0, 3]
    sample = marginal(model, sources, range(4), SampleSpec(37))
    found = rank_candidates(trained(model), sources, scored, sample, "s:0:4", k=2, top=6)
    with torch.inference_mode():
        answers = [model(torch.from_numpy(item.values)[None]) for item in sources.items]
        z, c = [z[0] for z, _, _ in answers], [c[0] for _, c, _ in answers]
        p = model.predictor(c[0][None, 4:5])[:, 0]
        log_z = float(sample(p[:, 1:2], torch.tensor([0]), torch.tensor([0])))
        slow = sorted(
            ((float(p[0, 1] @ z[i][t]) - log_z, f"s:{i}", t) for i in scored for t in range(LENGTHS[i])), reverse=True
        )
    assert [(row.source, row.step, row.time_s, row.rank) for row in found.rows] == [
        (key, t, float(t), rank) for rank, (_, key, t) in enumerate(slow[:6], start=1)
    ]
    assert [row.pmi for row in found.rows] == pytest.approx([pmi for pmi, *_ in slow[:6]], abs=1e-5)
    place = [(key, t) for _, key, t in slow].index(("s:0", 6)) + 1
    assert (found.source, found.step, found.k, found.true_rank, found.total) == ("s:0", 4, 2, place, 13 + 17 + 7)
    assert [row.true for row in found.rows] == [rank == place for rank in range(1, 7)]
    everything = rank_candidates(trained(model), sources, scored, sample, "s:0:4", k=2, top=99)
    assert sum(row.true for row in everything.rows) == 1 and everything.rows[place - 1].true
    assert type(found).from_json(found.to_json()) == found and f"rank {place} of 37" in found.text()
    (row,) = (rows for rows in score_rows(trained(model), sources, [0], sample) if rows["k"][0] == 2)
    assert float(np.asarray(row["pmi"])[4]) == pytest.approx(everything.rows[place - 1].pmi, abs=1e-5)


@pytest.mark.parametrize(
    ("step", "k", "word"),
    [
        ("s:0", 1, "expected SOURCE:STEP"),
        ("s:0:-1", 1, "expected SOURCE:STEP"),
        ("s:1:0", 1, "expected SOURCE:STEP"),
        ("s:0:11", 2, "last context for k = 2 is 10"),
        ("s:0:0", 3, "k = 3"),
    ],
)
def test_a_context_that_is_not_there_is_refused(model: CPCModel, sources: Arrays, step: str, k: int, word: str) -> None:
    sample = marginal(model, sources, range(4), SampleSpec(37))
    with pytest.raises(CPCError, match=word):
        rank_candidates(trained(model), sources, [0, 2], sample, step, k=k)


def test_a_picture_of_several_sequences_is_refused_in_one_line() -> None:
    """By what asks about the steps of one sequence: a step of three columns would be ambiguous."""
    sizes = {"blocks": (1, 1), "channels": (5, 7), "inner": (3, 5)}
    encoder = PictureEncoder(patch=6, stride=3, columns=3, stem="small", width=5, margin=0, **sizes)
    run = trained(CPCModel(encoder, RecurrentContext(encoder.dim, dim=3), Bilinear(3, encoder.dim, first=2, count=1)))
    pixels = np.random.default_rng(0).normal(size=(5, 12, 12, 1)).astype(np.float32)
    pictures = Pixels(list(pixels.reshape(5, 12, -1)), [Item(f"p{i}", "g") for i in range(5)])
    sample = marginal(run.model, pictures, [0, 1, 2], SampleSpec(17))
    with pytest.raises(CPCError, match="picture of 3 sequences"):
        rank_candidates(run, pictures, [3, 4], sample, "p3:1")
    with pytest.raises(CPCError, match="3 sequences"):
        find_source(run, pictures, SampleSpec(17))


class Pixels(Arrays):
    """Rows of 12 grey pixels."""

    def read(self, index: int, start: int, count: int, rng: np.random.Generator | None = None) -> np.ndarray:
        return super().read(index, start, count).reshape(-1, 12, 1)
