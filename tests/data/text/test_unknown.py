"""Text without blanks, whose words are whole sentences to a vocabulary of words, is told; text of known words is not."""

from pathlib import Path

import numpy as np
import pytest

from tests.data.books import write_book
from torchcpc.cli import main
from torchcpc.data.text.sentences import prose
from torchcpc.data.text.texts import Texts, scan_texts
from torchcpc.data.text.tokens import learn
from torchcpc.data.text.unknown import unknown_share, unknown_words

SCRIPTS = {
    "Chinese": ("今天 天气 喜欢 苹果 学校 我们 他们 明天 不来 很好", "。！？"),
    "Japanese": ("今日は 元気 ですか 学校 です 彼は 行く とても", "。！？"),
}


def write(path: Path, script: str, seed: int) -> Path:
    words, ends = SCRIPTS[script][0].split(), SCRIPTS[script][1]
    rng = np.random.default_rng(seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join("".join(rng.choice(words, 5)) + rng.choice([*ends]) for _ in range(60)), encoding="utf8")
    return path


def read(path: Path, train: list[int], kind: str) -> Texts:
    texts = scan_texts([path])
    learned = texts.select(train)
    return texts.with_tokenizer(learn(lambda: learned.every_sentence(), kind=kind, size=331))


@pytest.mark.parametrize("script", SCRIPTS)
def test_words_of_text_without_blanks_are_unknown_and_its_pieces_are_not(tmp_path: Path, script: str) -> None:
    for number in range(3):
        write(tmp_path / f"{number}.txt", script, number)
    texts = read(tmp_path, [0, 1], "words")
    assert texts.length(0) == 60, "a sentence ends at its sign"
    (note,) = unknown_words(texts)
    assert note.path.endswith("2.txt") and note.reason.endswith("data.tokens=bpe a model reads words in pieces")
    assert unknown_words(read(tmp_path, [0, 1], "bpe")) == [] == unknown_words(scan_texts([tmp_path]))


def test_known_words_raise_no_doubt(tmp_path: Path) -> None:
    for number in range(3):
        write_book(tmp_path / f"{number}.txt", 31, seed=number)
    assert unknown_words(read(tmp_path, [0, 1], "words")) == []


def test_the_share_counts_words_and_not_signs() -> None:
    tokenizer = learn(lambda: ["one two three"], kind="words", size=11)
    assert unknown_share(tokenizer, ["one, two! (four) – …", "?!"]) == pytest.approx(1 / 3)
    assert unknown_share(tokenizer, ["…"]) == 0


@pytest.mark.parametrize("language", ["en", "zh", "ja"])
def test_sentences_end_at_full_width_signs(language: str) -> None:
    assert [*prose("今天很好。你好吗？我很好！他不来", language)] == ["今天很好。", "你好吗？", "我很好！", "他不来"]


def test_training_and_verbs_report_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(6):
        write(tmp_path / f"data/{number}.txt", "Chinese", number)
    small = ["training.steps=2", "training.warmup=0", "windows.batch=4", "windows.length=7", "split.validation=0.4"]
    small += ["data.tokens=words", "encoder.dim=5", "encoder.embedding=11", "context.dim=3"]
    assert main(["train", "text", "--data", str(tmp_path / "data"), "-o", str(tmp_path / "run"), *small]) == 0
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("note: ")]
    assert len([line for line in said if "of its words are unknown to the vocabulary" in line]) == 1
    assert "unknown to the vocabulary" in (tmp_path / "run/report.html").read_text(encoding="utf8")
    known = "".join((tmp_path / f"data/{number}.txt").read_text("utf8") for number in range(6))
    other = write(tmp_path / "other/a.txt", "Chinese", 99)
    other.write_text(known + 10 * other.read_text("utf8"), encoding="utf8")
    assert main(["embed", str(tmp_path / "run"), str(tmp_path / "other"), "-o", str(tmp_path / "e.npz")]) == 0
    assert "unknown to the vocabulary" in capsys.readouterr().err
