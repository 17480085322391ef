"""Tables of files: whatever the case and the blanks of their columns, files are met by path, and what is not used is reported."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from torchcpc.contracts import CPCError
from torchcpc.data.audio.recordings import SOUND
from torchcpc.data.files.find import find
from torchcpc.data.files.found import Found
from torchcpc.data.pictures.formats import pictures

TIMIT = ("timit/fcjf0/sa1.wav", "timit/fcjf0/sx2.wav", "timit/mdab0/sa1.wav")


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(name.encode())


def listing(root: Path, text: str, name: str = "m.csv", kind: object = SOUND) -> Found:
    (root / name).write_text(text, encoding="utf8")
    return find([root / name], SOUND if kind is SOUND else pictures())


def labelling(root: Path, text: str, name: str = "labels.csv") -> Found:
    (root / name).write_text(text, encoding="utf8")
    return find([root], SOUND)


def told(found: Found) -> list[tuple[str, str]]:
    return [(Path(note.path).name, note.reason) for note in found.notes]


@pytest.mark.parametrize(
    "header", ["path,speaker,split", " Path , SPEAKER,\tSplit", "PATH,Speaker,split ", "file_name,speaker,split"]
)
@pytest.mark.parametrize("name", ["m.csv", "m.tsv", "labels.csv", "labels.tsv", "metadata.csv"])
def test_known_columns_are_known_whatever_their_case_and_blanks(tmp_path: Path, header: str, name: str) -> None:
    touch(tmp_path, "a.wav", "b.wav")
    text = f"{header}\n a.wav , ann ,TEST \nb.wav,bo,train\n"
    (tmp_path / name).write_text(text.replace("\t", "").replace(",", "\t") if name.endswith(".tsv") else text, encoding="utf8")
    found = find([tmp_path if name.startswith(("labels", "meta")) else tmp_path / name], SOUND)
    assert [(file.key, file.group, file.labels["split"]) for file in found.files] == [
        ("a.wav", "ann", "TEST"),
        ("b.wav", "bo", "train"),
    ]
    assert all(set(file.labels) == {"speaker", "split"} for file in found.files) and found.skipped == []
    differing = [name.strip() for name in header.split(",") if name.strip() != name.strip().lower()]
    assert [path.rpartition(", ")[2] for path, _ in told(found)] == [f"column {name!r}" for name in differing]


def test_a_column_beside_a_known_one_keeps_its_name(tmp_path: Path) -> None:
    touch(tmp_path, "a.wav")
    assert listing(tmp_path, "path,split,Split\na.wav,train,test\n").files[0].labels == {"split": "train", "Split": "test"}


def test_labels_meet_files_by_path_and_by_name_only_where_it_is_unique(tmp_path: Path) -> None:
    touch(tmp_path, *TIMIT)
    rows = ["sx2,1", "fcjf0/sa1,2", str(tmp_path / "timit/mdab0/sa1.wav") + ",3"]
    found = labelling(tmp_path / "timit", "path,n\n" + "\n".join(rows) + "\n")
    assert {file.key: file.labels["n"] for file in found.files} == {
        "fcjf0/sa1.wav": "2",
        "fcjf0/sx2.wav": "1",
        "mdab0/sa1.wav": "3",
    }
    assert found.skipped == []
    found = labelling(tmp_path / "timit", "path,n\nsa1,1\n\nsx2.wav,2\nnone,3\n")
    assert [dict(file.labels) for file in found.files] == [{}, {"n": "2"}, {}]
    assert [(Path(s.path).name, s.reason[:40]) for s in found.skipped] == [
        ("labels.csv, line 2", "'sa1' may be any of 2 (fcjf0/sa1.wav, md"),
        ("labels.csv, line 5", "it labels 'none', but there is no such f"),
    ]
    with pytest.raises(CPCError, match=r"labels fcjf0/sx2.wav twice, differently \(lines 2 and 3\)"):
        labelling(tmp_path / "timit", "path,n\nsx2,1\nfcjf0/sx2.wav,2\n")


def test_manifests_meet_files_with_and_without_suffix_and_by_absolute_paths(tmp_path: Path) -> None:
    touch(tmp_path, *TIMIT, "both.wav", "both.flac")
    rows = [str(tmp_path / TIMIT[0]), "timit/fcjf0/sx2", "timit\\mdab0\\sa1.wav", "both", "", "./timit/../timit/fcjf0/sa1.wav"]
    found = listing(tmp_path, "path\n" + "\n".join(f'"{row}"' for row in rows) + "\n")
    assert [(file.key, file.group) for file in found.files] == [(name, "timit") for name in TIMIT]
    assert [(Path(s.path).name, s.reason[:44]) for s in found.skipped[:2]] == [
        ("m.csv, line 5", "'both' may be any of both.flac, both.wav; wr"),
        ("m.csv, line 6", "its path is empty"),
    ]
    assert "listed twice" in found.skipped[2].reason and len(found.skipped) == 3


def test_start_and_end_select_parts_of_a_file(tmp_path: Path) -> None:
    touch(tmp_path, "a.wav", "b.wav")
    rows = ["a.wav,0,1.5,x", "a.wav,1.5,,y", "b.wav,,,z", "a.wav,0,1.50,again", "a.wav,2,1,w", "a.wav,zero,1,w", "b.wav,-1,3,w"]
    found = listing(tmp_path, "path,Start,end,word\n" + "\n".join(rows) + "\n")
    inf = float("inf")
    assert [(file.key, file.part, file.part_of, file.labels["word"]) for file in found.files] == [
        ("a.wav@0-1.5", (0.0, 1.5), "a.wav", "x"),
        ("a.wav@1.5-", (1.5, inf), "a.wav", "y"),
        ("b.wav", None, "", "z"),
    ]
    assert [s.path.rpartition("/")[2] for s in found.skipped] == ["m.csv, line 6", "m.csv, line 7", "m.csv, line 8", "a.wav"]
    assert "'zero' and end '1' are not both numbers" in found.skipped[1].reason and set(found.files[0].labels) == {"word"}
    touch(tmp_path, "a.png")
    with pytest.raises(CPCError, match=r"m.csv, line 2: start and end select a part of a file, and a picture is read whole"):
        listing(tmp_path, "path,start,end\na.png,0,1\n", kind=pictures())
    # Of labels they are labels.
    found = labelling(tmp_path, "path,start,end\na.wav,0,1\n")
    assert dict(found.files[0].labels) == {"start": "0", "end": "1"} and "column 'start'" in told(found)[0][0]


def test_columns_that_are_not_used_as_elsewhere_are_reported(tmp_path: Path) -> None:
    touch(tmp_path, "a.wav", "a.png")
    found = listing(tmp_path, "path,group\na.wav,x\n")
    assert told(found) == [
        (
            "m.csv, column 'group'",
            "it is only a label and does not name the group of a recording; call it 'speaker' if it should",
        )
    ]
    assert found.files[0].group == "."
    assert told(listing(tmp_path, "path,speaker\na.png,x\n", kind=pictures())) == [
        ("m.csv, column 'speaker'", "it is only a label and does not name the group of a picture")
    ]
    found = find([tmp_path / "m.csv"], replace(SOUND, suffixes=(".png",), group_columns=("group",)))
    assert "call it 'group' if it should" in told(found)[0][1]


def test_tables_of_labels_of_other_names_and_places(tmp_path: Path) -> None:
    touch(tmp_path, "train/x/a.wav", "test/x/a.wav")
    (tmp_path / "train/metadata.csv").write_text("file_name,word\nx/a.wav,yes\n", encoding="utf8")
    pq.write_table(pa.table({"path": ["a"], "word": ["no"]}), tmp_path / "test/labels.parquet")
    found = find([tmp_path], SOUND)
    assert {file.key: dict(file.labels) for file in found.files} == {
        "train/x/a.wav": {"word": "yes"},
        "test/x/a.wav": {"word": "no"},
    }
    # One at the top speaks for all, and one that names no files is none.
    (tmp_path / "metadata.csv").write_text("licence,author\nfree,me\n", encoding="utf8")
    assert find([tmp_path], SOUND).files == found.files
    labelled = labelling(tmp_path, "path,word\ntrain/x/a.wav,maybe\n")
    assert [dict(file.labels) for file in labelled.files] == [{}, {"word": "maybe"}]


def test_names_of_roots_say_which_part_they_are(tmp_path: Path) -> None:
    touch(tmp_path, "digits_Train/a.wav", "digits_test/a.wav", "digits_test/b.wav", "other/a.wav", "latest/a.wav")
    (tmp_path / "digits_test/labels.csv").write_text("path,split\nb.wav,val\n", encoding="utf8")
    train, test = tmp_path / "digits_Train", tmp_path / "digits_test"
    found = find([train, test], SOUND)
    assert [(file.key, file.labels["split"], Path(file.root).name) for file in found.files] == [
        ("digits_Train/a.wav", "train", "digits_Train"),
        ("digits_test/a.wav", "test", "digits_test"),
        ("digits_test/b.wav", "val", "digits_test"),
    ]
    assert [note.reason[:31] for note in found.notes] == ["its sources are the train part,", "its sources are the test part, "]
    # Nothing is told from one name alone, nor where another says nothing.
    for roots in ([test], [test, tmp_path / "other"], [train, tmp_path / "latest"]):
        assert all(
            "split" not in file.labels or file.key == "b.wav" or file.key.endswith("/b.wav")
            for file in find(roots, SOUND).files
        )


def test_a_fault_below_two_roots_is_reported_once(tmp_path: Path) -> None:
    touch(tmp_path, "s/a.wav", "s/b.m4a")
    assert [s.path for s in find([tmp_path, tmp_path / "s"], SOUND).skipped if "m4a" in s.path] == [str(tmp_path / "s/b.m4a")]


@pytest.mark.parametrize("name", ["m.csv", "m.tsv", "m.parquet", "a.wav", "x"])
def test_a_pipe_is_refused_and_not_waited_on(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / name)
    with pytest.raises(CPCError, match="neither a folder nor a file, but a pipe"):
        find([tmp_path / name], SOUND)


@pytest.mark.parametrize(
    "content", [b"", b"PAR1", b"\xff\xfe\x00", b"\0\0", b"path" * 9, b"path\n" * 3, b'"path', b"path,path\na,b\n"]
)
@pytest.mark.parametrize("name", ["m.csv", "m.tsv", "m.parquet", "labels.csv", "labels.tsv", "metadata.parquet"])
def test_damaged_tables_are_one_clear_error_or_skipped(tmp_path: Path, name: str, content: bytes) -> None:
    touch(tmp_path, "a.wav")
    (tmp_path / name).write_bytes(content)
    try:
        found = find([tmp_path / name if name.startswith("m.") else tmp_path], SOUND)
        assert [file.key for file in found.files] == ["a.wav"]
    except CPCError as error:
        assert name in str(error)
