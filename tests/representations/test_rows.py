"""Rows of steps and of sources, in memory and on disk, against the frames they are made of."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from torchcpc.contexts.recurrent import RecurrentContext
from torchcpc.contracts import CPCError
from torchcpc.data.arrays import Arrays
from torchcpc.data.sources import Item
from torchcpc.encoders.vectors import VectorEncoder
from torchcpc.model import CPCModel
from torchcpc.representations.embed import frames, steps_of
from torchcpc.representations.rows import NOTHING, TABLES, clock, embed, embedding_rows, write_rows
from torchcpc.scores.bilinear import Bilinear

LENGTHS = [7, 13, 2]


@pytest.fixture(scope="module")
def model() -> CPCModel:
    torch.manual_seed(0)
    return CPCModel(VectorEncoder(features=3, dim=5, hidden=7), RecurrentContext(5, dim=4), Bilinear(4, 5, count=2)).eval()


def sources(lengths: list[int] = LENGTHS) -> Arrays:
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=(n, 3)).astype(np.float32) for n in lengths]
    return Arrays(arrays, [Item(f"s{i}", "g", {"word": "ab"[i % 2], "split": ""}) for i in range(len(lengths))])


def write_embedding(path: Path, model: CPCModel, own: Arrays, per: str = "step") -> int:
    return write_rows(path, embedding_rows(model, own, per=per), nothing=NOTHING)


class Stamped(Arrays):
    def times(self, index: int) -> np.ndarray:
        return 1000.0 * index + np.arange(self.length(index)) ** 2


@pytest.mark.parametrize("per", ["step", "source"])
def test_an_embedding_has_the_rows_of_its_frames(model: CPCModel, per: str) -> None:
    found, (z, c) = embed(model, sources(), per=per), frames(model, sources())
    for index in range(len(LENGTHS)):
        own = np.array(found.keys) == f"s{index}"
        assert own.sum() == (LENGTHS[index] if per == "step" else 1)
        for part, x_TD in ((found.z, z[index]), (found.c, c[index])):
            np.testing.assert_allclose(part[own], x_TD if per == "step" else x_TD.mean(axis=0, keepdims=True), atol=1e-6)
        assert found.step[own].tolist() == (list(range(LENGTHS[index])) if per == "step" else [-1])
        assert set(found.sequence[own]) == {0 if per == "step" else -1}
    assert found.labels["word"] == tuple("ab"[int(key[1]) % 2] for key in found.keys)
    again = type(found).from_json(found.to_json())
    np.testing.assert_array_equal(again.z, found.z.astype(np.float64))
    assert again.text() == found.text() and max(map(len, found.text().splitlines())) <= 100
    assert list(found.to_pandas()["source"]) == list(found.keys)


def test_pieces_are_joined(model: CPCModel) -> None:
    for whole, pieces in zip(
        steps_of(model, sources([13])), steps_of(model, sources([13]), positions_per_batch=4), strict=True
    ):
        assert pieces.z_TD.shape == (13, 5)
        np.testing.assert_allclose(pieces.z_TD, whole.z_TD, atol=1e-6)
        np.testing.assert_allclose(pieces.c_TC, whole.c_TC, atol=1e-6)


def test_a_step_begins_when_its_rows_are_stamped() -> None:
    own = sources()
    stamped, steps = Stamped([item.values for item in own.items], own.items), np.array([0, 2, 3])
    np.testing.assert_array_equal(clock(stamped, 3)(1, steps), 1000 + np.array([0.0, 36.0, 81.0]))
    own.rate = 50.0
    np.testing.assert_allclose(clock(own, 3)(1, steps), steps * 0.06)


def test_files_hold_the_embedding_in_memory(model: CPCModel, tmp_path: Path) -> None:
    found = embed(model, sources())
    for name in ("e.parquet", "e.npz"):
        assert write_embedding(tmp_path / name, model, sources()) == sum(LENGTHS)
    table = pq.read_table(tmp_path / "e.parquet").to_pydict()
    with np.load(tmp_path / "e.npz", allow_pickle=False) as archive:
        for columns in (table, archive):
            np.testing.assert_array_equal(np.array(columns["z"], np.float32), found.z)
            np.testing.assert_array_equal(np.array(columns["time_s"]), found.time_s)
            assert tuple(columns["source"]) == found.keys


def test_nothing_is_written_where_there_is_nothing(model: CPCModel, tmp_path: Path) -> None:
    with pytest.raises(CPCError, match="nothing was embedded"):
        write_embedding(tmp_path / "e.npz", model, sources([]))
    with pytest.raises(CPCError, match="nothing was embedded"):
        embed(model, sources([]))
    with pytest.raises(CPCError, match=r"from '.csv'. End the name in .parquet or .npz"):
        write_embedding(tmp_path / "e.csv", model, sources())
    with pytest.raises(CPCError, match="per = 'word' is unknown"):
        write_embedding(tmp_path / "e.npz", model, sources(), per="word")
    assert not list(tmp_path.iterdir())
    assert write_rows(tmp_path / "r.csv", [{"source": ["a"], "step": np.array([3])}], nothing="", writers=TABLES) == 1
    assert (tmp_path / "r.csv").read_text().splitlines() == ['"source","step"', '"a",3']
