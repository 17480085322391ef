"""`cpc embed`: the same rows in every format, whatever the padding and the pieces."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.commands.tiny import LENGTHS
from torchcpc.cli import main
from torchcpc.data import scan
from torchcpc.representations.embed import embed_all, embed_batches, embed_long, frames
from torchcpc.runs.saved import from_pretrained


def test_parquet_npz_and_csv_hold_the_same_rows(tmp_path: Path, trained: Path, recordings: Path) -> None:
    for name in ("e.parquet", "e.npz", "e.csv"):
        assert main(["embed", str(trained), str(recordings), "-o", str(tmp_path / name)]) == 0
    table = pq.read_table(tmp_path / "e.parquet").to_pydict()
    with np.load(tmp_path / "e.npz", allow_pickle=False) as archive:
        assert set(archive.files) == set(table) == {"source", "sequence", "step", "time_s", "group", "z", "c"}
        for column in archive.files:
            np.testing.assert_array_equal(archive[column], np.array(table[column], dtype=archive[column].dtype))
    assert table["group"] == [Path(key).parent.name for key in table["source"]]
    lines = (tmp_path / "e.csv").read_text(encoding="utf8").splitlines()
    assert len(lines) == 1 + len(table["source"]) and lines[0].endswith('"c_7"')
    assert [line.partition(",")[0].strip('"') for line in lines[1:]] == table["source"]
    counts = {key: table["source"].count(key) for key in set(table["source"])}
    assert counts == {f"speaker{n % 2}/{n}.wav": length // 160 for n, length in enumerate(LENGTHS)}
    assert np.array(table["z"]).shape == np.array(table["c"]).shape == (sum(counts.values()), 8)
    np.testing.assert_allclose(table["time_s"], np.array(table["step"]) * 0.01)


def test_one_row_per_source_is_the_mean_over_its_steps(tmp_path: Path, trained: Path, recordings: Path) -> None:
    assert main(["embed", str(trained), str(recordings), "-o", str(tmp_path / "s.npz"), "--per", "source"]) == 0
    model, _ = from_pretrained(trained)
    sources = scan([recordings])
    z, c = frames(model, sources)
    with np.load(tmp_path / "s.npz") as archive:
        assert sorted(archive["source"]) == [item.key for item in sources.items] and set(archive["step"]) == {-1}
        assert set(archive["sequence"]) == {-1}
        for row, key in enumerate(archive["source"]):
            index = [item.key for item in sources.items].index(key)
            np.testing.assert_allclose(archive["z"][row], z[index].mean(axis=0), atol=1e-6)
            np.testing.assert_allclose(archive["c"][row], c[index].mean(axis=0), atol=1e-6)


def test_a_long_source_is_one_row_too(tmp_path: Path, trained: Path, recordings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sources beyond a batch are embedded in pieces; that is no reason for several rows."""

    def in_pieces(model, sequences, **settings):
        return embed_all(model, sequences, positions_per_batch=4999, **settings)

    command = ["embed", str(trained), str(recordings), "--per", "source", "-o"]
    assert main([*command, str(tmp_path / "whole.npz")]) == 0
    monkeypatch.setattr("torchcpc.representations.rows.embed_all", in_pieces)
    assert main([*command, str(tmp_path / "pieces.npz")]) == 0
    with np.load(tmp_path / "whole.npz") as whole, np.load(tmp_path / "pieces.npz") as pieces:
        assert sorted(pieces["source"]) == sorted(whole["source"])
        for part in "zc":
            for key in whole["source"]:
                one, other = whole[part][whole["source"] == key], pieces[part][pieces["source"] == key]
                np.testing.assert_allclose(one, other, atol=1e-5)


def test_without_data_the_runs_own_is_embedded(tmp_path: Path, trained: Path) -> None:
    assert main(["embed", str(trained), "-o", str(tmp_path / "e.npz"), "--per", "source"]) == 0
    with np.load(tmp_path / "e.npz") as archive:
        assert len(archive["source"]) == len(LENGTHS)


def test_neither_padding_nor_pieces_change_an_embedding(trained: Path, recordings: Path) -> None:
    model, _ = from_pretrained(trained)
    sources = scan([recordings])
    z, c = frames(model, sources)  # all six in one padded batch
    for index in range(len(sources)):
        (alone,) = embed_batches(model, [([index], next(iter_alone(sources, index)))])
        pieces = list(embed_long(model, sources, index, positions=1117))
        assert len(pieces) > 2 and [piece.first_step for piece in pieces[:3]] == [0, 6, 12]
        np.testing.assert_allclose(alone.z_TD, z[index], atol=1e-5)
        np.testing.assert_allclose(alone.c_TC, c[index], atol=1e-5)
        np.testing.assert_allclose(np.concatenate([piece.z_TD for piece in pieces]), z[index], atol=1e-5)
        np.testing.assert_allclose(np.concatenate([piece.c_TC for piece in pieces]), c[index], atol=1e-5)
    assert np.std(np.concatenate(c), axis=0).min() > 1e-4  # the numbers compared are no constants


def iter_alone(sources, index: int) -> Iterator:
    from torchcpc.data.windows import cut

    yield cut(sources, [index], [0], sources.length(index))


@pytest.mark.parametrize(
    ("command", "name", "suffixes"),
    [
        ("embed", "e.xlsx", ".csv, .parquet or .npz"),
        ("score", "s.txt", ".csv, .parquet or .npz"),
        ("anomalies", "scores", ".csv, .parquet or .npz"),
        ("segment", "b.json", ".csv, .parquet or .npz"),
        ("export", "m.pt", ".onnx"),
    ],
)
def test_a_suffix_is_checked_before_anything_is_read(command: str, name: str, suffixes: str, tmp_path: Path, refused) -> None:
    """The run that is named is none, and nobody finds out."""
    (tmp_path / "run").mkdir()
    said = refused(command, tmp_path / "run", "-o", tmp_path / name)
    assert said.endswith(f"End it in {suffixes}.\n") and name in said and os.listdir(tmp_path) == ["run"]
