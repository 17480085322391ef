"""Text as it is found in the wild: every bad document is a listed skip with its reason, every bad setting one clear error."""

from __future__ import annotations

import csv
import os
import re
from pathlib import Path

import pytest

from tests.data.books import sentences, write_book
from torchcpc.contracts import CPCError
from torchcpc.data.text.texts import scan_texts
from torchcpc.data.text.tokenizer_files import load_tokenizer, save_tokenizer
from torchcpc.data.text.tokens import learn

FAULTS: dict[str, tuple[bytes, str]] = {
    "empty.txt": (b"", "the file is empty"),
    "blank.txt": (b" \n\n\t\n", "it holds no text"),
    "mark.txt": (b"\xef\xbb\xbf\n", "it holds no text"),
    "latin1.txt": ("Ein Stück. Noch eines.".encode("latin1"), r"not UTF-8 text \(byte 0xfc\): save it as UTF-8"),
    "utf16.txt": ("One. Two.".encode("utf16"), r"not UTF-8 text \(byte 0x00\)"),
    "binary.txt": (b"One. Two.\0\0", r"not UTF-8 text \(byte 0x00\)"),
    "torn.txt": ("One. Two ü".encode()[:-1], r"not UTF-8 text \(byte 0xc3\)"),
    "single.txt": (b"One sentence only.", "it has only one sentence"),
    "book.epub": (b"PK", r"\.epub files cannot be decoded; convert them, for instance to \.txt"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_bad_document_is_skipped_with_its_reason(tmp_path: Path, name: str) -> None:
    write_book(tmp_path / "good.txt", 7)
    (tmp_path / name).write_bytes(FAULTS[name][0])
    for _ in range(2):  # the second time from what was remembered
        texts = scan_texts([tmp_path], tmp_path / "cache" / "scan.json")
        assert [item.key for item in texts.items] == ["good.txt"]
        ((skip),) = texts.skipped
        assert skip.path.endswith(name)
        assert re.search(FAULTS[name][1], skip.reason), skip.reason


def test_nothing_but_bad_documents_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_bytes(b"")
    with pytest.raises(CPCError, match="none of 1 documents can be used: .*the file is empty"):
        scan_texts([tmp_path])


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_document_is_skipped(tmp_path: Path) -> None:
    write_book(tmp_path / "good.txt", 7)
    write_book(tmp_path / "locked.txt", 7)
    (tmp_path / "locked.txt").chmod(0)
    assert "unreadable" in scan_texts([tmp_path]).skipped[0].reason


def test_a_sentence_of_thousands_of_words_is_cut_and_told(tmp_path: Path) -> None:
    (tmp_path / "long.txt").write_text("One. " + "word " * 3001 + "end.\n", encoding="utf8")
    texts = scan_texts([tmp_path], width=11).with_tokenizer(learn(lambda: ["one word end ."], kind="words", size=9))
    assert texts.read(0, 0, 2).shape == (2, 11) and (texts.read(0, 1, 1) > 1).all()
    assert [note.reason for note in texts.select([0]).notes] == [
        "of a sentence of 3002 words only the first 11 tokens are read"
    ]
    assert texts.skipped == [], "the file is read, and no file is missing"


def test_a_document_without_a_known_word_is_skipped_and_a_row_of_a_table_is_not(tmp_path: Path) -> None:
    write_book(tmp_path / "books" / "good.txt", 7)
    (tmp_path / "books" / "foreign.txt").write_text("Жил был кот. Он спал.\n", encoding="utf8")
    save_tokenizer(learn(lambda: sentences(31), kind="words", size=99), tmp_path / "tokenizer.json")
    texts = scan_texts([tmp_path / "books"], tokenizer=str(tmp_path / "tokenizer.json"))
    assert [item.key for item in texts.items] == ["good.txt"]
    assert texts.skipped[0].reason == "no word of its first 200 sentences is in the vocabulary"
    (tmp_path / "rows.tsv").write_text("text\tlabel\nкот\t1\n", encoding="utf8")
    assert scan_texts([tmp_path / "rows.tsv"], tokenizer=str(tmp_path / "tokenizer.json")).read(0, 0, 1)[0, :2].tolist() == [
        1,
        0,
    ]


def test_a_document_that_changes_after_the_scan_is_an_error(tmp_path: Path) -> None:
    write_book(tmp_path / "a.txt", 7)
    texts = scan_texts([tmp_path])
    write_book(tmp_path / "a.txt", 8)
    with pytest.raises(CPCError, match="has changed since it was scanned.*Scan again"):
        texts.text(0)
    (tmp_path / "a.txt").unlink()
    with pytest.raises(CPCError, match="could be read when it was scanned, but not now"):
        texts.text(0)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.tsv", b"label\ttext\n1\ta\tb\n", "line 2: more fields than the header's 2"),
        ("t.csv", b"label,text\n1,a,b\n", "line 2: more fields than the header's 2"),
        ("t.csv", b"label,text\n1,\xff\n", "not a readable UTF-8 table"),
        ("t.parquet", b"PAR1", "not a readable parquet table"),
        (
            "t.csv",
            b"label,words\n1,a\n",
            r"no column 'text' or 'sentence' \(columns: label, words\).*no manifest.*column 'path'",
        ),
        (
            "t.tsv",
            b"label\twords\n1\ta\n",
            r"no column 'text' or 'sentence' \(columns: label, words\).*no manifest.*first line",
        ),
        ("t.tsv", b"words\nno folder\n", r"no column 'text' or 'sentence' \(columns: words\)"),
        ("t.csv", b"", r"no column 'text' or 'sentence' \(columns: none\)"),
        ("t.tsv", b"text\n", "none of 0 documents can be used"),
    ],
)
def test_a_table_that_cannot_be_used_is_one_clear_error(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CPCError, match=message):
        scan_texts([tmp_path / name])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"splitting": "words"}, r"data\.splitting = 'words' is unknown. Choose one of prose, lines"),
        ({"tokens": "letters"}, r"data\.tokens = 'letters' is unknown. Choose one of words, bpe"),
        ({"vocabulary": 2}, r"data\.vocabulary = 2: it must hold more than"),
        ({"width": 0}, r"data\.width = 0: a sentence has at least 1 token"),
        ({"tokenizer": "nowhere.json"}, r"no tokenizer can be read there.*data\.tokenizer"),
    ],
)
def test_a_bad_setting_is_one_clear_error(tmp_path: Path, settings: dict, message: str) -> None:
    write_book(tmp_path / "a.txt", 7)
    with pytest.raises(CPCError, match=message):
        scan_texts([tmp_path], **settings)


def test_a_tokenizer_that_is_none_of_ours_is_refused(tmp_path: Path) -> None:
    from tokenizers import Tokenizer, models

    path = tmp_path / "tokenizer.json"
    path.write_text("{}", encoding="utf8")
    with pytest.raises(CPCError, match="is not a tokenizer.json"):
        load_tokenizer(path)
    Tokenizer(models.WordLevel({"[UNK]": 0, "[PAD]": 1}, unk_token="[UNK]")).save(str(path))
    with pytest.raises(CPCError, match=r"have the numbers \[1, 0\], and must have \[0, 1\]"):
        load_tokenizer(path)


def test_text_without_words_has_no_vocabulary() -> None:
    with pytest.raises(CPCError, match="hold no word"):
        learn(lambda: [" "], kind="words", size=9)


def test_a_field_longer_than_the_csv_module_takes_by_itself_is_read(tmp_path: Path) -> None:
    novel, usual = "word " * 30_011, csv.field_size_limit()
    (tmp_path / "t.csv").write_text(f"label,text\n1,{novel}\n", encoding="utf8")
    assert scan_texts([tmp_path / "t.csv"]).text(0) == [novel.strip()] and csv.field_size_limit() == usual
