"""The nearest steps against one product over everything at once."""

import numpy as np
import pytest
import torch

from tests.representations.test_rows import sources
from torchcpc.contexts.recurrent import RecurrentContext
from torchcpc.contracts import CPCError
from torchcpc.encoders.vectors import VectorEncoder
from torchcpc.model import CPCModel
from torchcpc.representations.embed import frames
from torchcpc.representations.nearest import NearestSpec, Vectors, best_steps, scale_of
from torchcpc.representations.nearest import nearest as find_nearest
from torchcpc.scores.bilinear import Bilinear

RNG = np.random.default_rng(0)
LENGTHS = [13, 1, 29, 7]
Z = [(5 + 3 * RNG.normal(size=(n, 11))).astype(np.float32) for n in LENGTHS]
C = [RNG.normal(size=(n, 5)).astype(np.float32) for n in LENGTHS]


def pieces(x: list[np.ndarray] = Z) -> list[Vectors]:
    whole = [(i, 0, x[i]) for i in range(4)]
    return [*whole[:2], (2, 0, x[2][:17]), (2, 17, x[2][17:]), whole[3]]


@pytest.mark.parametrize("x", [Z, C])
def test_against_one_matrix(x: list[np.ndarray]) -> None:
    everything = np.concatenate(x)
    scale = scale_of(pieces(x))
    unit = (everything - everything.mean(axis=0)) / everything.std(axis=0)
    np.testing.assert_allclose(scale(everything), unit, atol=1e-5)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    query = everything[[3, 31]] + 0.1
    wanted = (query - everything.mean(axis=0)) / everything.std(axis=0)
    cosine = wanted / np.linalg.norm(wanted, axis=1, keepdims=True) @ unit.T
    places = [(source, step) for source, n in enumerate(LENGTHS) for step in range(n)]
    for found, row in zip(best_steps(pieces(x), query, scale, top=9), cosine, strict=True):
        order = np.argsort(-row)[:9]
        assert [(near.source, near.step) for near in found] == [places[i] for i in order]
        np.testing.assert_allclose([near.cosine for near in found], row[order], atol=1e-5)


def test_more_than_there_is_and_nothing_at_all() -> None:
    scale = scale_of(pieces())
    assert len(best_steps(pieces(), Z[0][:1], scale, top=1000)[0]) == sum(LENGTHS)
    with pytest.raises(CPCError, match="there is no step to compare with"):
        scale_of([])


@pytest.mark.parametrize(
    ("wrong", "rule"),
    [
        ({}, "nothing to find"),
        ({"by": "p"}, "by = 'p' is unknown"),
        ({"top": 0}, "top = 0"),
        ({"sentences": (" ",)}, "empty"),
    ],
)
def test_a_search_outside_its_rules_is_refused(wrong: dict, rule: str) -> None:
    with pytest.raises(CPCError, match=rule):
        NearestSpec(**({"steps": ("a:0",)} if wrong else {}) | wrong)


def test_a_step_is_not_nearest_to_itself() -> None:
    own = sources([13, 7])
    torch.manual_seed(0)
    model = CPCModel(VectorEncoder(features=3, dim=5, hidden=7), RecurrentContext(5, dim=4), Bilinear(4, 5, count=2)).eval()
    found = find_nearest(model, own, NearestSpec(steps=("s0:5", "s1:0"), by="c", top=4), {"name": "arrays"})
    (_, c) = frames(model, own)
    x = np.concatenate(c)
    unit = (x - x.mean(axis=0)) / x.std(axis=0)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    places = [(f"s{source}", step) for source, n in enumerate((13, 7)) for step in range(n)]
    for query, row in zip(found.queries, (5, 13), strict=True):
        cosine = unit @ unit[row]
        order = [i for i in np.argsort(-cosine) if i != row][:4]
        assert [(near.source, near.step) for near in query.rows] == [places[i] for i in order]
        np.testing.assert_allclose([near.cosine for near in query.rows], cosine[order], atol=1e-5)
    assert type(found).from_json(found.to_json()) == found and "nearest to: s0:5" in found.text()
    for wrong, rule in (("s0:13", "has 13 steps, so its last is 12"), ("s9:0", "for instance s0:0"), ("s0", "SOURCE:STEP")):
        with pytest.raises(CPCError, match=rule):
            find_nearest(model, own, NearestSpec(steps=(wrong,)), {"name": "arrays"})
    with pytest.raises(CPCError, match="arrays, not text"):
        find_nearest(model, own, NearestSpec(sentences=("a",)), {"name": "arrays"})
