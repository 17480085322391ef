"""Rows of steps and of sources, in memory and on disk, against the frames they are made of."""

from __future__ import annotations

import csv
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
from torchcpc.representations.rows import NOTHING, clock, embed, embedding_rows
from torchcpc.representations.write import write_rows
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
    for name in ("e.parquet", "e.npz", "E.CSV"):
        assert write_embedding(tmp_path / name, model, sources()) == sum(LENGTHS)
    table = pq.read_table(tmp_path / "e.parquet").to_pydict()
    with (tmp_path / "E.CSV").open(encoding="utf8", newline="") as file:
        lines = list(csv.DictReader(file))
    written = {name: [line[name] for line in lines] for name in lines[0]}
    written |= {part: [[line[f"{part}_{n}"] for n in range(dim)] for line in lines] for part, dim in (("z", 5), ("c", 4))}
    with np.load(tmp_path / "e.npz", allow_pickle=False) as archive:
        for columns in (table, archive, written):
            for part in ("z", "c"):
                np.testing.assert_array_equal(np.array(columns[part], np.float32), getattr(found, part))
            np.testing.assert_array_equal(np.array(columns["time_s"], float), found.time_s)
            assert tuple(columns["source"]) == found.keys and tuple(columns["word"]) == found.labels["word"]
            assert set(columns["group"]) == {"g"} and set(columns["split"]) == {""}


def test_a_label_of_any_name_is_kept_beside_the_columns_of_ours(model: CPCModel, tmp_path: Path) -> None:
    names = ["source", "z", "c_3", "file", "allow_pickle", "a/b", "label_z", ""]
    own = Arrays([np.zeros((3, 3), np.float32)], [Item("s", "g", {name: f"<{name}>" for name in names})])
    found, shown = embed(model, own), {name: name for name in names}
    shown |= {"source": "label_source", "z": "label_label_z", "c_3": "label_c_3"}
    assert {name: set(found.labels[name]) for name in names} == {name: {f"<{name}>"} for name in names}
    for name in ("e.parquet", "e.npz", "e.csv"):
        write_embedding(tmp_path / name, model, own)
    frame, table = found.to_pandas(), pq.read_table(tmp_path / "e.parquet").to_pydict()
    with (tmp_path / "e.csv").open(encoding="utf8", newline="") as file, np.load(tmp_path / "e.npz") as archive:
        line = next(csv.DictReader(file))
        for name, column in shown.items():
            assert {frame[column][0], table[column][0], str(archive[column][0]), line[column]} == {f"<{name}>"}
        assert archive["z"].shape == (3, 5) and list(archive["source"]) == ["s"] * 3


def test_a_step_has_the_label_of_its_row(model: CPCModel) -> None:
    rows = {"state": np.array(["a", "b", "c"]), "alarm": np.array([0.0, 1.0, np.nan])}

    class Labelled(Arrays):
        def row_label_columns(self) -> list[str]:
            return [*rows]

        def row_labels(self, index: int, column: str) -> np.ndarray | None:
            return rows[column] if index == 0 else None

    items = [Item(f"s{n}", "g", {"state": "of all"}) for n in range(2)]
    own = Labelled([np.ones((3, 3), np.float32)] * 2, items)
    found = embed(model, own)
    first = np.array(found.keys) == "s0"
    assert np.array(found.labels["state"])[first].tolist() == ["a", "b", "c"]
    assert np.array(found.labels["alarm"])[first].tolist() == ["0", "1", ""]
    assert set(np.array(found.labels["alarm"])[~first]) == {""}
    assert embed(model, own, per="source").labels["state"] == ("of all",) * 2


def test_letters_that_are_no_text_are_written_as_escapes(model: CPCModel, tmp_path: Path) -> None:
    own = Arrays([np.ones((3, 3), np.float32)], [Item("caf\udce9", "g")])
    for name in ("e.parquet", "e.csv"):
        write_embedding(tmp_path / name, model, own)
    assert pq.read_table(tmp_path / "e.parquet")["source"][0].as_py() == "caf\\udce9"
    assert "caf\\udce9" in (tmp_path / "e.csv").read_text(encoding="utf8")


def test_nothing_is_written_where_there_is_nothing(model: CPCModel, tmp_path: Path) -> None:
    with pytest.raises(CPCError, match="nothing was embedded"):
        write_embedding(tmp_path / "e.npz", model, sources([]))
    with pytest.raises(CPCError, match="nothing was embedded"):
        embed(model, sources([]))
    with pytest.raises(CPCError, match=r"e.xlsx: cannot tell the format from '.xlsx'. End it in .csv, .parquet or .npz.$"):
        write_embedding(tmp_path / "e.xlsx", model, sources())
    with pytest.raises(CPCError, match=r"embedding: the name has no suffix. End it in .csv, .parquet or .npz.$"):
        write_embedding(tmp_path / "embedding", model, sources())
    with pytest.raises(CPCError, match="per = 'word' is unknown"):
        write_embedding(tmp_path / "e.npz", model, sources(), per="word")
    assert not list(tmp_path.iterdir())
    assert write_rows(tmp_path / "r.csv", [{"source": ["a"], "step": np.array([3])}], nothing="") == 1
    assert (tmp_path / "r.csv").read_text().splitlines() == ['"source","step"', '"a",3']
