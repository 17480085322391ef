"""The vocabulary of text: learned once from the training documents, kept in the run, and read by every model through its own."""

from pathlib import Path

import numpy as np
import pytest

from tests.data.books import write_book
from torchcpc.contracts import CPCError, Item, silent
from torchcpc.data.arrays import Arrays
from torchcpc.data.text.texts import scan_texts
from torchcpc.data.text.tokenizer_files import load_tokenizer
from torchcpc.domains.text import TEXT

SETTINGS = {"data": {"name": "text", "tokens": "words", "vocabulary": 43, "width": 7, "tokenizer": ""}, "encoder": {}}


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    for number in range(3):
        write_book(tmp_path / "shelf" / f"{number}.txt", 17 + number, seed=number)
    return tmp_path / "shelf"


def test_it_is_learned_once_from_the_training_documents(shelf: Path, tmp_path: Path) -> None:
    heard: list[tuple[int, int]] = []
    train = scan_texts([shelf], width=7).select([0, 2])
    learned = TEXT.learn(SETTINGS, train, tmp_path, lambda done, total, note="": heard.append((done, total)))
    assert heard == [(0, 2), (1, 2)]
    assert learned["data"]["tokenizer"] == "tokenizer.json" and learned["encoder"] == {"vocabulary": 43, "width": 7}
    assert load_tokenizer(tmp_path / "tokenizer.json").get_vocab_size() == 43
    # A resumed run finds it there.
    assert TEXT.learn(learned, train, tmp_path, lambda done, total, note="": heard.append((done, total))) == learned
    assert len(heard) == 2


def test_one_that_the_settings_name_is_taken_over(shelf: Path, tmp_path: Path) -> None:
    train = scan_texts([shelf], width=7)
    (tmp_path / "a").mkdir()
    TEXT.learn(SETTINGS, train.select([0]), tmp_path / "a", silent)
    given = SETTINGS | {"data": SETTINGS["data"] | {"tokenizer": str(tmp_path / "a/tokenizer.json")}}
    TEXT.learn(given, train, tmp_path / "b", silent)
    assert (tmp_path / "b/tokenizer.json").read_bytes() == (tmp_path / "a/tokenizer.json").read_bytes()


def test_documents_are_read_through_the_vocabulary_of_the_model(shelf: Path, tmp_path: Path) -> None:
    texts = scan_texts([shelf], width=7)
    TEXT.learn(SETTINGS, texts, tmp_path, silent)
    own = {"name": "text", "tokenizer": str(tmp_path / "tokenizer.json")}
    assert TEXT.as_read(own, texts).read(0, 0, 3).shape == (3, 7)
    assert TEXT.as_read({"name": "text", "tokenizer": ""}, texts) is texts
    with pytest.raises(CPCError, match="sentences through its vocabulary"):
        TEXT.as_read(own, Arrays([np.zeros((3, 7))], [Item("a", "a")]))
