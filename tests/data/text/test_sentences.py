"""Splitting into sentences: nothing is lost, paragraphs end sentences, quotations do not hide them, layouts are told apart."""

from __future__ import annotations

import random
import tracemalloc
from itertools import product
from pathlib import Path

import pytest

from torchcpc.data.text.documents import SentenceIndex, blocks
from torchcpc.data.text.sentences import SPLITTINGS, lines, phrases, prose, wrapped

PROSE = 'Mr. Smith left. "Why? Now?" she asked.\nCHAPTER I\nIt cost 3.50 pounds. He “paid. Twice.”'


def said(text: str) -> list[str]:
    return [piece.strip() for piece in prose(text, "en") if piece.strip()]


def test_sentences_of_prose_by_hand() -> None:
    assert said(PROSE) == [
        "Mr. Smith left.", '"Why?', 'Now?"', "she asked.", "CHAPTER I", "It cost 3.50 pounds.", "He “paid.", "Twice.”",
    ]  # fmt: skip


def test_a_page_wrapped_to_a_width_is_joined_and_a_list_is_not() -> None:
    page = (
        "It was a day on which nothing happened, as\nis the way of days. And so it went on until\n"
        "the evening came and with it all of the\nothers who had been away.\n\nThen they ate."
    )
    listed = "I came home\nIt rained all of the night and on the next day too\nNobody was there\nWe waited for them\n"
    assert wrapped(page) and not wrapped(listed)
    assert [" ".join(each.split()) for each in said(page)] == [
        "It was a day on which nothing happened, as is the way of days.",
        "And so it went on until the evening came and with it all of the others who had been away.",
        "Then they ate.",
    ]
    assert said(listed) == listed.strip().split("\n")


@pytest.mark.parametrize("name", SPLITTINGS)
def test_pieces_joined_are_the_text(name: str) -> None:
    dice = random.Random(3)
    for _ in range(200):
        text = "".join(
            dice.choice(["a", "Bc", ".", "! ", " ", "\n", "\n\n", "\r\n", '"', "“", "é", "Dr. ", "\u2028"]) for _ in range(40)
        )
        assert "".join(SPLITTINGS[name](text, "en")) == text


def test_lines_are_sentences_whatever_is_in_them() -> None:
    assert [piece.strip() for piece in lines("a. b. c\n\nd\u2028e\n", "en")] == ["a. b. c", "", "d\u2028e"]


def test_phrases_end_at_marks_and_not_within_words_or_numbers() -> None:
    text = (
        'It cost 3.50 pounds, or 1,000; "why," she said—now -- (so they say) don\'t: ready-made e.g. this…\n\nNew\nline、末。'
    )
    assert [" ".join(piece.split()) for piece in phrases(text, "en")] == [
        "It cost 3.50 pounds,", 'or 1,000;', '"why,"', "she said—", "now --", "(so they say)", "don't:", "ready-made e.g.", "this…",
        "New line、", "末。",
    ]  # fmt: skip


def test_blocks_make_the_file_and_end_where_a_paragraph_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torchcpc.data.text.documents._BLOCK", 53)
    text = "\n\n".join(f"Sätze {n} über etwas. Und noch einer." for n in range(41))
    (tmp_path / "a.txt").write_text(text, encoding="utf8")
    found = list(blocks(tmp_path / "a.txt"))
    assert "".join(found) == text and len(found) > 20 and all(block.endswith("\n\n") for block in found[:-1])


def test_a_line_without_an_end_is_cut_at_a_blank(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torchcpc.data.text.documents._BLOCK", 53)
    monkeypatch.setattr("torchcpc.data.text.documents._LONGEST_LINE", 211)
    text = "ünd " * 400
    (tmp_path / "a.txt").write_text(text, encoding="utf8")
    found = list(blocks(tmp_path / "a.txt"))
    assert "".join(found) == text and max(len(block.encode()) for block in found) < 211 + 2 * 53 and len(found) > 5


def test_a_line_without_a_blank_is_cut_between_characters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torchcpc.data.text.documents._BLOCK", 53)
    monkeypatch.setattr("torchcpc.data.text.documents._LONGEST_LINE", 211)
    for shift, sign in product(range(4), ("ü", "末", "🜁", "x")):
        text = "x" * shift + sign * 397
        (tmp_path / "a.txt").write_text(text, encoding="utf8")
        found = list(blocks(tmp_path / "a.txt"))
        assert "".join(found) == text and max(len(block.encode()) for block in found) < 211 + 2 * 53
    (tmp_path / "a.txt").write_bytes(b"\x80" * 397)
    with pytest.raises(UnicodeDecodeError):
        list(blocks(tmp_path / "a.txt"))


def test_a_file_is_split_in_few_bytes_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torchcpc.data.text.documents._BLOCK", 1 << 12)  # small beside what is held for each sentence
    (tmp_path / "a.txt").write_text("".join(f"{n}\n" for n in range(20_011)), encoding="utf8")
    splitter = SentenceIndex(None, "lines", "en")
    splitter.inspect(tmp_path / "a.txt")  # what is loaded on first use
    tracemalloc.start()
    try:
        facts = splitter.inspect(tmp_path / "a.txt")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert facts.numbers[::2] == (20_011, 1) and peak < 40 * 20_011


def test_what_is_found_is_remembered_until_the_file_changes(tmp_path: Path) -> None:
    book = tmp_path / "a.txt"
    book.write_text("One. Two.\n", encoding="utf8")
    first = SentenceIndex(tmp_path / "kept", "prose", "en")
    assert first.inspect(book).numbers == (2, 10, 2 - 1)
    again = SentenceIndex(tmp_path / "kept", "prose", "en")
    again.inspect = None  # type: ignore[method-assign]  # must not be needed
    assert again.starts(book).tolist() == first.starts(book).tolist() == [0, 5, 10]
    book.write_text("One. Two. Three.\n", encoding="utf8")
    assert SentenceIndex(tmp_path / "kept", "prose", "en").starts(book).tolist() == [0, 5, 10, 17]
    for file in (tmp_path / "kept").iterdir():
        file.write_bytes(b"torn")
    assert SentenceIndex(tmp_path / "kept", "prose", "en").starts(book).tolist() == [0, 5, 10, 17]
