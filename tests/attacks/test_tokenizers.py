"""tokenizer.json from elsewhere: parts as fast as a text is long are accepted, all others refused in one line before they are built."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from torchcpc.contracts import CPCError
from torchcpc.data.text.tokenizer_files import load_tokenizer, save_tokenizer
from torchcpc.data.text.tokens import encode, learn

Content = dict[str, Any]
SENTENCES = ["a dark night", "it was a night", "dark it was"]


@pytest.fixture(params=["words", "bpe"])
def content(request: pytest.FixtureRequest) -> Content:
    return json.loads(learn(lambda: SENTENCES, kind=request.param, size=31).to_str())


def part(place: str, value: object) -> Callable[[Content], object]:
    return lambda content: content.__setitem__(place, value)


def model(name: str, value: object) -> Callable[[Content], object]:
    return lambda content: content["model"].__setitem__(name, value)


def vocabulary(change: Callable[[dict[str, object]], object]) -> Callable[[Content], object]:
    return lambda content: change(content["model"]["vocab"])


SPLIT = {"type": "Split", "pattern": {"Regex": "(a+)+$"}, "behavior": "Isolated", "invert": False}
REPLACE = {"type": "Replace", "pattern": {"String": "a"}, "content": "a" * 1000}
FAULTS: dict[str, tuple[Callable[[Content], object], str]] = {
    "a regular expression": (part("pre_tokenizer", SPLIT), "its pre_tokenizer is 'Split', and only Whitespace"),
    "one in a sequence": (
        part("pre_tokenizer", {"type": "Sequence", "pretokenizers": [{"type": "Whitespace"}, SPLIT]}),
        "'Split'",
    ),
    "one in a sequence of sequences": (
        part("normalizer", {"type": "Sequence", "normalizers": [{"type": "Sequence", "normalizers": [REPLACE]}]}),
        "its normalizer is 'Replace'",
    ),
    "a replacement that grows": (part("normalizer", REPLACE), "its normalizer is 'Replace'"),
    "a thousand passes": (
        part("normalizer", {"type": "Sequence", "normalizers": [{"type": "NFKC"}] * 1000}),
        "1,001 parts, and at most 16 are accepted",
    ),
    "another model": (part("model", {"type": "Unigram", "vocab": [["[PAD]", 0.0]]}), "its model is 'Unigram'"),
    "no model": (lambda content: content.pop("model"), "is not a tokenizer.json: Model missing"),
    "a part of another type": (part("normalizer", ["NFKC"]), "its normalizer is "),
    "a decoder": (part("decoder", {"type": "BPEDecoder", "suffix": "x"}), "it has a decoder"),
    "truncation": (part("truncation", {"max_length": 3}), "it has a truncation"),
    "tokens at random": (model("dropout", 0.5), "its dropout is 0.5"),
    "a gap in the numbers": (vocabulary(lambda known: known.__setitem__("new", 10**9)), "0, 1, 2, ... without a gap"),
    "one number twice": (vocabulary(lambda known: known.__setitem__("new", 3)), "without a gap"),
    "numbers that are none": (vocabulary(lambda known: known.__setitem__("new", "x")), "without a gap"),
    "special tokens elsewhere": (
        vocabulary(lambda known: known.update({"[PAD]": 1, "[UNK]": 0})),
        "must have [0, 1]: train it so",
    ),
    "more tokens": (
        lambda content: content["added_tokens"].append({"id": 99, "content": "x"}),
        "it adds tokens",
    ),
    "added tokens of another type": (part("added_tokens", 5), "it adds tokens"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_other_parts_are_refused_in_one_line(tmp_path: Path, content: Content, name: str) -> None:
    change, said = FAULTS[name]
    change(content)
    (tmp_path / "t.json").write_text(json.dumps(content))
    start = time.perf_counter()
    with pytest.raises(CPCError) as error:
        load_tokenizer(tmp_path / "t.json")
    assert said in str(error.value) and "\n" not in str(error.value) and "t.json" in str(error.value)
    assert time.perf_counter() - start < 1


def test_words_need_a_number_for_the_unknown(tmp_path: Path) -> None:
    content = json.loads(learn(lambda: SENTENCES, kind="words", size=31).to_str())
    content["model"]["unk_token"] = "nowhere"
    (tmp_path / "t.json").write_text(json.dumps(content))
    with pytest.raises(CPCError, match="is not a tokenizer.json: .*[Mm]issing"):
        load_tokenizer(tmp_path / "t.json")


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", "null", "5", "[" * 100_000, '{"model": ' * 900, "\ud800".encode("utf8", "surrogatepass").decode("latin1")],
)
def test_what_is_no_tokenizer_is_refused_in_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "t.json").write_text(text)
    with pytest.raises(CPCError, match="is not a tokenizer.json") as error:
        load_tokenizer(tmp_path / "t.json")
    assert "\n" not in str(error.value)


def test_own_tokenizers_are_read_as_they_were_written(tmp_path: Path, content: Content) -> None:
    own = Tokenizer.from_str(json.dumps(content))
    save_tokenizer(own, tmp_path / "t.json")
    np.testing.assert_array_equal(encode(load_tokenizer(tmp_path / "t.json"), SENTENCES, 7), encode(own, SENTENCES, 7))


def test_tokenizers_of_others_with_like_parts_are_read(tmp_path: Path) -> None:
    """Normalizers and pre-tokenizers of published vocabularies, which take as long as the text is."""
    own = Tokenizer(models.WordLevel({"[PAD]": 0, "[UNK]": 1, "a": 2, "1": 3}, unk_token="[UNK]"))
    own.normalizer = normalizers.Sequence([normalizers.NFD(), normalizers.StripAccents(), normalizers.BertNormalizer()])  # type: ignore[assignment]
    own.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Digits(individual_digits=True)]
    )  # type: ignore[assignment]
    save_tokenizer(own, tmp_path / "t.json")
    assert encode(load_tokenizer(tmp_path / "t.json"), ["á b1 a"], 5).tolist() == [[2, 1, 3, 2, 0]]


def test_pieces_with_a_prefix_are_refused(tmp_path: Path) -> None:
    tokenizer = learn(lambda: iter(["kilo gelo koro", "gelo kilo"]), kind="bpe", size=30)
    content = json.loads(tokenizer.to_str())
    content["model"]["continuing_subword_prefix"] = "audio"
    (tmp_path / "tokenizer.json").write_text(json.dumps(content))
    with pytest.raises(CPCError, match="continuing_subword_prefix, which is not accepted"):
        load_tokenizer(tmp_path / "tokenizer.json")
