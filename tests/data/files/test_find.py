"""Which files are found, under which names and in which groups, whatever the file system's order and spelling."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from torchcpc.contracts import CPCError
from torchcpc.data.audio.recordings import SOUND
from torchcpc.data.files.find import find


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(name.encode())


def keys(roots: list[Path]) -> list[str]:
    return [entry.key for entry in find(roots, SOUND)[0]]


def test_any_depth_and_case_of_suffix_but_nothing_hidden(tmp_path: Path) -> None:
    touch(tmp_path, "a.wav", "s1/b.FLAC", "s1/deep/er/c.Ogg", "s2/d.mp3", "notes.txt", ".e.wav", ".git/f.wav", "s1/.g.flac")
    listed, skipped, _ = find([tmp_path], SOUND)
    assert [(e.key, e.group) for e in listed] == [
        ("a.wav", "."),
        ("s1/b.FLAC", "s1"),
        ("s1/deep/er/c.Ogg", "s1"),
        ("s2/d.mp3", "s2"),
    ]
    assert skipped == []


class Entries(list[os.DirEntry]):
    """A listing of a folder in an order of its own."""

    def __init__(self, entries: Iterator[os.DirEntry], backwards: bool) -> None:
        super().__init__(sorted(entries, key=lambda entry: entry.name, reverse=backwards))

    def __enter__(self) -> Entries:
        return self

    def __exit__(self, *failure: object) -> None:
        pass


def test_the_order_is_not_the_file_systems(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path, "b/2.wav", "a/3.wav", "a/1.wav", "a-b/1.wav")
    real = os.scandir
    orders = []
    for backwards in (False, True):
        monkeypatch.setattr(os, "scandir", lambda folder, b=backwards: Entries(real(folder), b))
        orders.append(keys([tmp_path]))
    assert orders[0] == orders[1] == ["a/1.wav", "a/3.wav", "a-b/1.wav", "b/2.wav"]


def test_labels_csv_gives_labels_and_speakers(tmp_path: Path) -> None:
    touch(tmp_path, "x/1.wav", "x/2.wav", "x/3.wav")
    # A byte order mark, a path that begins with ./, a value with a comma, and a recording without a row.
    (tmp_path / "labels.csv").write_text('speaker,path,text\nann,./x/1.wav,"so, so"\n,x/2.wav,\n', encoding="utf-8-sig")
    listed, skipped, _ = find([tmp_path], SOUND)
    assert [(e.group, dict(e.labels)) for e in listed] == [
        ("ann", {"speaker": "ann", "text": "so, so"}),
        ("x", {"speaker": "", "text": ""}),
        ("x", {}),
    ]
    assert skipped == []


def test_accents_may_be_composed_differently_in_the_labels(tmp_path: Path) -> None:
    name = unicodedata.normalize("NFD", "é/ñandú 你好.wav")
    touch(tmp_path, name)
    (tmp_path / "labels.csv").write_text(f"path,speaker\n{unicodedata.normalize('NFC', name)},bo\n", encoding="utf8")
    listed, skipped, _ = find([tmp_path], SOUND)
    assert [(e.key, e.group) for e in listed] == [(name, "bo")] and skipped == []


def test_manifests_list_what_they_name_in_their_order(tmp_path: Path) -> None:
    touch(tmp_path, "audio/s1/b.wav", "audio/s1/a.wav", "audio/s2/c.wav", "elsewhere/d.wav")
    outside = tmp_path / "elsewhere" / "d.wav"
    rows = ["s1/b.wav", "s2/c.wav", str(outside), "s1/gone.wav"]
    (tmp_path / "audio/m.csv").write_text("path,digit\n" + "".join(f"{row},7\n" for row in rows), encoding="utf8")
    pq.write_table(pa.table({"path": rows, "digit": [7] * 4}), tmp_path / "audio/m.parquet")
    for manifest, line in (("m.csv", 5), ("m.parquet", 4)):  # of a parquet file, the row
        listed, skipped, _ = find([tmp_path / "audio" / manifest], SOUND)
        assert [(e.key, e.group, dict(e.labels)) for e in listed] == [
            ("s1/b.wav", "s1", {"digit": "7"}),
            ("s2/c.wav", "s2", {"digit": "7"}),
            (str(outside), "elsewhere", {"digit": "7"}),
        ]
        assert [(Path(s.path).name, s.reason) for s in skipped] == [
            (f"{manifest}, line {line}", "it names 's1/gone.wav', but there is no such file")
        ]


def test_a_speaker_column_of_a_manifest_is_the_group(tmp_path: Path) -> None:
    touch(tmp_path, "s1/a.wav", "s1/b.wav")
    (tmp_path / "m.CSV").write_text("path,speaker\ns1/a.wav,ann\ns1/b.wav,\n", encoding="utf8")
    assert [e.group for e in find([tmp_path / "m.CSV"], SOUND)[0]] == ["ann", "s1"]


def test_fairseq_manifest(tmp_path: Path) -> None:
    touch(tmp_path, "audio/s1/b c.wav", "audio/s2/\u2028.wav")
    text = f"{tmp_path / 'audio'}\ns1/b c.wav\t16000\ns2/\u2028.wav\t320\ns3/gone.wav\t1\n"
    (tmp_path / "train.tsv").write_text(text, encoding="utf8")
    listed, skipped, _ = find([tmp_path / "train.tsv"], SOUND)
    assert [(e.key, e.group) for e in listed] == [("s1/b c.wav", "s1"), ("s2/\u2028.wav", "s2")]
    assert all(e.path.is_file() for e in listed)
    assert len(skipped) == 1 and "no such file" in skipped[0].reason


def test_several_roots_have_unique_keys_and_share_groups(tmp_path: Path) -> None:
    touch(tmp_path, "one/train/s1/a.wav", "two/train/s1/a.wav", "two/test/s1/a.wav")
    assert keys([tmp_path / "two/train", tmp_path / "two/test"]) == ["train/s1/a.wav", "test/s1/a.wav"]
    listed, _, _ = find([tmp_path / "one/train", tmp_path / "two/train"], SOUND)
    assert [e.key for e in listed] == ["one/train/s1/a.wav", "two/train/s1/a.wav"]
    assert {e.group for e in listed} == {"s1"}


def test_a_file_counts_once_however_often_it_is_named(tmp_path: Path) -> None:
    touch(tmp_path, "s1/a.wav", "s1/b.wav")
    (tmp_path / "s1/copy.wav").symlink_to(tmp_path / "s1/a.wav")
    listed, skipped, _ = find([tmp_path, tmp_path / "s1", tmp_path], SOUND)
    assert [e.path.name for e in listed] == ["a.wav", "b.wav"]
    assert len(skipped) == 3 and all("listed twice" in s.reason and "a.wav" in s.path + s.reason for s in skipped[:2])


def test_a_single_file_is_a_root_too(tmp_path: Path) -> None:
    touch(tmp_path, "s1/a.wav", "s2/a.wav")
    assert keys([tmp_path / "s1/a.wav"]) == ["a.wav"]
    assert keys([tmp_path / "s1/a.wav", tmp_path / "s2/a.wav"]) == ["s1/a.wav", "s2/a.wav"]
    assert keys([tmp_path / "s1", tmp_path / "s2/a.wav"]) == ["s1/a.wav", "a.wav"]


def test_linked_folders_are_followed_but_not_round_and_round(tmp_path: Path) -> None:
    touch(tmp_path, "store/a.wav", "root/s0/b.wav")
    (tmp_path / "root/s1").symlink_to(tmp_path / "store", target_is_directory=True)
    (tmp_path / "root/s0/up").symlink_to(tmp_path / "root", target_is_directory=True)
    listed, skipped, _ = find([tmp_path / "root"], SOUND)
    assert [(e.key, e.group) for e in listed] == [("s0/b.wav", "s0"), ("s1/a.wav", "s1")]
    assert [(Path(s.path).name, s.reason) for s in skipped] == [("up", "a link to a folder that contains it")]


@pytest.mark.parametrize(
    ("make", "root", "words"),
    [
        ({}, "nowhere", "does not exist"),
        ({"notes.txt": b""}, ".", "holds no recording at any depth"),
        ({"a.md": b""}, "a.md", "neither a folder, a recording nor a manifest"),
        ({"m.csv": b"file,speaker\na.wav,x\n"}, "m.csv", r"no column 'path' \(columns: file, speaker\)"),
        ({"m.csv": b""}, "m.csv", r"no column 'path' \(columns: none\)"),
        ({"m.csv": b"path\n\xff\xfe\n"}, "m.csv", "not a readable UTF-8 table"),
        ({"m.csv": b"path,digit\na.wav,1,2\n"}, "m.csv", "line 2: more fields than the header's 2"),
        ({"m.csv": b"digit,path\n1\n"}, "m.csv", "line 2: its path is empty"),
        ({"m.csv": b"path\ngone.wav\n"}, "m.csv", "names no file that exists"),
        ({"m.parquet": b"PAR1"}, "m.parquet", "not a readable parquet table"),
        ({"m.tsv": b"a.wav\t100\n"}, "m.tsv", "first line must be the root folder"),
        ({"m.tsv": b""}, "m.tsv", "first line must be the root folder"),
        ({"m.tsv": b"\xff"}, "m.tsv", "not a readable UTF-8 text"),
        ({"a.wav": b"", "labels.csv": b"name\na.wav\n"}, ".", "labels.csv has no column 'path'"),
        ({"a.wav": b"", "labels.csv": b"path,d\na.wav,1\na.wav,2\n"}, ".", "labels a.wav twice, differently"),
    ],
)
def test_a_root_that_cannot_be_used_is_one_clear_error(tmp_path: Path, make: dict, root: str, words: str) -> None:
    for name, content in make.items():
        (tmp_path / name).write_bytes(content)
    with pytest.raises(CPCError, match=words):
        find([tmp_path / root], SOUND)


def test_roots_are_a_list(tmp_path: Path) -> None:
    for roots in ([], str(tmp_path)):
        with pytest.raises(CPCError, match="give a list of one or more folders"):
            find(roots, SOUND)
