"""The nearest steps against one product over everything at once."""

import numpy as np
import pytest

from torchcpc.contracts import CPCError
from torchcpc.representations.embed import Embedded
from torchcpc.representations.nearest import nearest, scale_of

RNG = np.random.default_rng(0)
LENGTHS = [13, 1, 29, 7]
Z = [(5 + 3 * RNG.normal(size=(n, 11))).astype(np.float32) for n in LENGTHS]
C = [RNG.normal(size=(n, 5)).astype(np.float32) for n in LENGTHS]


def pieces() -> list[Embedded]:
    whole = [Embedded(i, Z[i], C[i]) for i in range(4)]
    return [*whole[:2], Embedded(2, Z[2][:17], C[2][:17]), Embedded(2, Z[2][17:], C[2][17:], first_step=17), whole[3]]


@pytest.mark.parametrize("kind", ["z", "c"])
def test_against_one_matrix(kind: str) -> None:
    everything = np.concatenate(Z if kind == "z" else C)
    scale = scale_of(pieces(), kind=kind)
    np.testing.assert_allclose(scale.mean_D, everything.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(scale.deviation_D, everything.std(axis=0), rtol=1e-5)
    unit = (everything - everything.mean(axis=0)) / everything.std(axis=0)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    query = everything[[3, 31]] + 0.1
    wanted = (query - everything.mean(axis=0)) / everything.std(axis=0)
    cosine = wanted / np.linalg.norm(wanted, axis=1, keepdims=True) @ unit.T
    places = [(source, step) for source, n in enumerate(LENGTHS) for step in range(n)]
    for found, row in zip(nearest(pieces(), query, scale, top=9, kind=kind), cosine, strict=True):
        order = np.argsort(-row)[:9]
        assert [(near.source, near.step) for near in found] == [places[i] for i in order]
        np.testing.assert_allclose([near.cosine for near in found], row[order], atol=1e-5)


def test_more_than_there_is_and_nothing_at_all() -> None:
    scale = scale_of(pieces())
    assert len(nearest(pieces(), Z[0][:1], scale, top=1000)[0]) == sum(LENGTHS)
    with pytest.raises(CPCError, match="there is no step to compare with"):
        scale_of([])
    with pytest.raises(CPCError, match="top = 0"):
        nearest(pieces(), Z[0][:1], scale, top=0)
    with pytest.raises(CPCError, match="'p' is no kind of vector"):
        scale_of(pieces(), kind="p")
