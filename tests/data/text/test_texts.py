"""Documents and tables of text as sources: sentences in order, tokens against a dictionary by hand, one vocabulary for everything."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from tests.data.books import sentences, write_book
from torchcpc.contracts import CPCError
from torchcpc.data.text.texts import scan_texts
from torchcpc.data.text.tokenizer_files import load_tokenizer, save_tokenizer
from torchcpc.data.text.tokens import encode, learn, thinned
from torchcpc.settings import resolve


@pytest.fixture
def shelf(tmp_path: Path) -> tuple[Path, dict[str, list[str]]]:
    books = {
        f"{author}/{n}.txt": write_book(tmp_path / "shelf" / author / f"{n}.txt", 17 + n, seed=n)
        for n, author in enumerate("aab")
    }
    return tmp_path / "shelf", books


def test_documents_are_sentences_in_order(shelf: tuple[Path, dict[str, list[str]]]) -> None:
    root, books = shelf
    texts = scan_texts([root])
    assert [item.key for item in texts.items] == list(books) and [texts.group(i) for i in range(3)] == [0, 1, 2]
    for index, book in enumerate(books.values()):
        assert texts.text(index) == book and texts.length(index) == len(book)
        assert (
            texts.text(index, 3, 5) == book[3:8]
            and texts.text(index, len(book) - 2, 9) == book[-2:]
            and texts.text(index, 99, 2) == []
        )
    heard: list[tuple[int, int]] = []
    every = texts.every_sentence(lambda done, total: heard.append((done, total)))
    assert list(every) == [sentence for book in books.values() for sentence in book]
    assert heard == [(0, 3), (1, 3), (2, 3)]
    assert texts.select([2]).text(0) == books["b/2.txt"] and texts.select([2]).group(0) == 2


def test_a_vocabulary_is_learned_from_documents_that_are_told(shelf: tuple[Path, dict[str, list[str]]]) -> None:
    heard: list[tuple[int, int]] = []
    texts = scan_texts([shelf[0]], width=7).select([0, 2])
    learn(lambda: texts.every_sentence(lambda done, total: heard.append((done, total))), kind="words", size=43)
    assert heard == [(0, 2), (1, 2)]


def test_the_settings_of_the_reader_are_checked_like_those_of_any_other() -> None:
    section = resolve({"data": {"name": "text", "width": 9}}, {"data": {"text": scan_texts}})["data"]
    assert (section["width"], section["splitting"], section["vocabulary"]) == (9, "prose", 20_000)
    for name, value, words in (
        ("widht", 9, "widht is not a setting. Did you mean 'width'"),
        ("width", "wide", "width = 'wide'"),
    ):
        with pytest.raises(CPCError, match=words):
            resolve({"data": {"name": "text", name: value}}, {"data": {"text": scan_texts}})


def test_tokens_are_the_numbers_of_the_most_frequent_words(shelf: tuple[Path, dict[str, list[str]]], tmp_path: Path) -> None:
    root, books = shelf
    every = [sentence for book in books.values() for sentence in book]
    save_tokenizer(learn(lambda: every, kind="words", size=43), tmp_path / "tokenizer.json")
    texts = scan_texts([root], width=7, tokenizer=str(tmp_path / "tokenizer.json"))
    count = Counter(word for sentence in every for word in sentence.lower().replace(".", " .").split())
    kept = sorted(count, key=lambda word: (-count[word], word))[:41]
    number = {word: n for n, word in enumerate(kept, start=2)}
    x = texts.read(1, 2, 3)
    assert x.shape == (3, 7) and x.dtype == np.float32
    for row, sentence in zip(x, books["a/1.txt"][2:5], strict=True):
        words = sentence.lower().replace(".", " .").split()
        assert row.tolist() == [number.get(word, 1) for word in words] + [0.0] * (7 - len(words))


def test_a_sentence_is_cut_at_the_width_and_never_empty() -> None:
    tokenizer = learn(lambda: ["one two three"], kind="words", size=5)
    assert encode(tokenizer, ["three two one one", "", "four"], 2).tolist() == [[
        tokenizer.token_to_id("three"), tokenizer.token_to_id("two")], [1, 0], [1, 0]]  # fmt: skip


def test_common_words_are_left_out_by_their_rank_and_the_rarest_stays() -> None:
    rng = np.random.default_rng(0)
    x = np.tile(np.array([1, 2, 5, 26, 101, 900, 0, 0], dtype=np.float32), (20_000, 1))
    made = thinned(x, 100, rng)
    for number, rank in ((1, 1), (2, 1), (5, 4), (26, 25), (101, 100), (900, 899)):
        expected = min(1.0, (rank / 100) ** 0.5)
        assert abs((made == number).any(axis=1).mean() - expected) < 4 * (expected * (1 - expected) / 20_000) ** 0.5 + 1e-9
    # Order kept, moved up, zeros behind.
    real = made != 0
    assert (np.diff(real.astype(int), axis=1) <= 0).all() and (np.diff(made, axis=1)[real[:, 1:]] > 0).all()
    long = thinned(np.tile(np.arange(1, 72, dtype=np.float32), (31, 1)), 100, rng)
    assert all((np.diff(row[row != 0]) > 0).all() and 20 < (row != 0).sum() < 65 for row in long)
    lonely = thinned(np.array([[2, 3, 2, 0]] * 500, dtype=np.float32), 100, rng)
    assert ((lonely == 3).sum(axis=1) == 1).all() and (lonely == 2).sum() < 200


def test_only_training_thins_words_out(shelf: tuple[Path, dict[str, list[str]]], tmp_path: Path) -> None:
    root, books = shelf
    save_tokenizer(
        learn(lambda: [s for book in books.values() for s in book], kind="words", size=43), tmp_path / "tokenizer.json"
    )
    plain, thin = (scan_texts([root], width=7, tokenizer=str(tmp_path / "tokenizer.json"), thin=n) for n in (0, 40))
    whole, rng = plain.read(1, 2, 11), np.random.default_rng
    assert np.array_equal(thin.read(1, 2, 11), whole) and np.array_equal(plain.read(1, 2, 11, rng(3)), whole)
    for chosen in (thin, thin.select([0, 1, 2]), thin.with_tokenizer(thin.tokenizer)):
        made = chosen.read(1, 2, 11, rng(3))
        assert np.array_equal(made, thinned(whole, 40, rng(3))) and not np.array_equal(made, whole)
    with pytest.raises(CPCError, match=r"data.thin = -1: how many of the commonest words"):
        scan_texts([root], thin=-1)


def test_pieces_of_words_cover_words_that_were_never_seen() -> None:
    words = learn(lambda: ["low lower newest widest"] * 9, kind="words", size=99)
    pieces = learn(lambda: ["low lower newest widest"] * 9, kind="bpe", size=60)
    assert words.encode("lowest").ids == [1]
    assert 1 not in pieces.encode("lowest").ids and "".join(pieces.encode("lowest").tokens) == "lowest"


@pytest.mark.parametrize("kind", ["words", "bpe"])
def test_the_number_of_a_token_is_its_rank_by_frequency(kind: str) -> None:
    text = ["aab ab ab", "ab cab abab ba", "aab ab."] * 401  # more sentences than are counted at once
    tokenizer = learn(lambda: text, kind=kind, size=13)
    count = Counter(token for sentence in text for token in tokenizer.encode(sentence).tokens)
    by_rank = [count[tokenizer.id_to_token(number)] for number in range(2, tokenizer.get_vocab_size())]
    assert by_rank == sorted(by_rank, reverse=True) and by_rank[0] > by_rank[-1]
    assert [tokenizer.id_to_token(number) for number in (0, 1)] == ["[PAD]", "[UNK]"]
    assert sorted(tokenizer.get_vocab().values()) == [*range(tokenizer.get_vocab_size())]
    assert "".join(tokenizer.encode("ab cab aab").tokens) == "abcabaab"


def test_a_table_is_documents_of_one_sentence_with_labels(tmp_path: Path) -> None:
    rows = ["label\ttext\tfold", '1\tthe "best film\t3', "0\t \t1", "0\ta\u2028b's\t2"]
    (tmp_path / "mr.tsv").write_text("\n".join(rows) + "\n", encoding="utf8")
    texts = scan_texts([tmp_path / "mr.tsv"])
    assert [texts.text(i) for i in range(len(texts))] == [['the "best film'], ["a b's"]]
    assert texts.labels("label") == ["1", "0"] and texts.labels("fold") == ["3", "2"] and texts.labels("none") == ["", ""]
    assert [(item.key, item.group) for item in texts.items] == [("mr#1", "mr#1"), ("mr#3", "mr#3")]
    assert [(s.path.endswith("mr.tsv, line 3"), s.reason) for s in texts.skipped] == [(True, "empty text")]
    (tmp_path / "b.csv").write_text('sentence,group\n"One, two.",g\n', encoding="utf8")
    both = scan_texts([tmp_path / "mr.tsv", tmp_path / "b.csv"])
    assert len(both) == 3 and both.text(2) == ["One, two."] and both.items[2].group == "g"


def test_tables_of_one_name_are_told_apart_by_their_folders_or_endings(tmp_path: Path) -> None:
    for folder in ("aa", "bb"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "s.tsv").write_text(f"text\nof {folder}\n", encoding="utf8")
    two = [tmp_path / "aa" / "s.tsv", tmp_path / "bb" / "s.tsv"]
    texts = scan_texts(two)
    assert [(item.key, item.group) for item in texts.items] == [("aa/s#1", "aa/s#1"), ("bb/s#1", "bb/s#1")]
    assert [texts.text(i) for i in range(2)] == [["of aa"], ["of bb"]] and len(texts.groups) == 2
    (tmp_path / "aa" / "s.csv").write_text("text\ncommas\n", encoding="utf8")
    both = scan_texts([two[0], tmp_path / "aa" / "s.csv"])
    assert [item.key for item in both.items] == ["s.tsv#1", "s.csv#1"]
    (tmp_path / "other.tsv").symlink_to(two[0])
    once = scan_texts([two[0], two[0], tmp_path / "other.tsv"])
    assert [item.key for item in once.items] == ["s#1"]
    assert [skip.reason for skip in once.skipped] == [f"the same table as {two[0]}, named twice"] * 2


def test_a_table_beside_a_manifest_in_either_form(shelf: tuple[Path, dict[str, list[str]]], tmp_path: Path) -> None:
    root, books = shelf
    (tmp_path / "index.tsv").write_text("shelf\n" + "\n".join(f"{key}\t0" for key in books), encoding="utf8")
    (tmp_path / "s.tsv").write_text("text\nrow\n", encoding="utf8")
    assert [item.key for item in scan_texts([tmp_path / "index.tsv", tmp_path / "s.tsv"]).items] == ["s#1", *books]


def test_a_manifest_names_documents_their_labels_and_their_group(shelf: tuple[Path, dict[str, list[str]]]) -> None:
    root, books = shelf
    (root / "index.csv").write_text(
        "path,author,title\n" + "\n".join(f"{key},x{key[0]},t{n}" for n, key in enumerate(books)), encoding="utf8"
    )
    texts = scan_texts([root / "index.csv"], group="title")
    assert texts.groups == ["t0", "t1", "t2"] and texts.labels("author") == ["xa", "xa", "xb"]
    with pytest.raises(CPCError, match=r"data\.group = 'titel': .* no such label \(labels: author, title\)"):
        scan_texts([root / "index.csv"], group="titel")


def test_without_a_vocabulary_nothing_is_read(shelf: tuple[Path, dict[str, list[str]]]) -> None:
    texts = scan_texts([shelf[0]])
    with pytest.raises(CPCError, match=r"no vocabulary yet.*data\.tokenizer"):
        texts.read(0, 0, 1)
    tokenizer = learn(lambda: sentences(5), kind="words", size=9)
    assert texts.with_tokenizer(tokenizer).select([1]).read(0, 0, 2).shape == (2, 32) and texts.tokenizer is None


def test_a_tokenizer_is_kept_whole(tmp_path: Path) -> None:
    tokenizer = learn(lambda: sentences(19), kind="bpe", size=50)
    save_tokenizer(tokenizer, tmp_path / "t.json")
    assert load_tokenizer(tmp_path / "t.json").to_str() == tokenizer.to_str() and [p.name for p in tmp_path.iterdir()] == [
        "t.json"
    ]
