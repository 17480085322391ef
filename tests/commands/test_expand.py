"""`cpc expand`: more words for a model of a world of known bigrams, from planted vectors."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.commands import bigrams
from torchcpc.cli import main
from torchcpc.contracts import CPCError
from torchcpc.data.text.texts import from_strings
from torchcpc.data.text.tokenizer_files import load_tokenizer
from torchcpc.data.text.tokens import encode
from torchcpc.runs.saved import from_pretrained


def vectors_of(walker: Path, path: Path, new: dict[str, np.ndarray], extra: str = "") -> tuple[dict[str, int], torch.Tensor]:
    """A file of vectors from which an affine map gives exactly the learned embedding, and `new` for other words."""
    vocabulary = json.loads((walker / "tokenizer.json").read_text())["model"]["vocab"]
    weight_VE = from_pretrained(walker)[0].encoder.embedding.weight.detach().double()
    rng = np.random.default_rng(0)
    inverse, shift = np.linalg.inv(rng.normal(size=(16, 16))), rng.normal(size=16)
    rows = {word: weight_VE[number].numpy() for word, number in vocabulary.items() if number > 1} | new
    lines = [f"{word} {' '.join(repr(float(x)) for x in (y - shift) @ inverse)}\n" for word, y in rows.items()]
    path.write_text(f"{len(lines)} 16\n" + "".join(lines) + extra, encoding="utf8")
    return vocabulary, weight_VE


def test_a_planted_map_gives_new_words_their_vectors(
    walker: Path, walks: Path, tmp_path: Path, refused, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(1)
    new = {word: rng.normal(size=16) for word in ("novelty", "Paris", "paris", "Rome", "naïve", "two_parts", "it's")}
    known, weight_VE = vectors_of(walker, tmp_path / "v.txt", new, extra="broken 1 two\nnovelty" + " 9" * 16 + "\n")
    out = tmp_path / "larger"
    assert main(["expand", str(walker), str(tmp_path / "v.txt"), "-o", str(out)]) == 0
    said = capsys.readouterr()
    assert "R2 1.000 (mean vector 0), cosine 1.000" in said.out and "5 new words; 155" in said.out
    # An underscore is a letter to the tokenizer; an apostrophe is not.
    assert "skipped: 1 malformed lines, 1 repeated words, 1 words that the tokenizer never produces" in said.err
    model, config = from_pretrained(out)
    old, own = from_pretrained(walker)
    vocabulary = json.loads((out / "tokenizer.json").read_text())["model"]["vocab"]
    weight = model.encoder.embedding.weight.detach()
    assert len(weight) == len(known) + 5 == config["encoder"]["vocabulary"] and known.items() <= vocabulary.items()
    assert torch.equal(weight[: len(known)], old.encoder.embedding.weight.detach()), "trained words keep their vectors"
    for word, row in (
        ("novelty", "novelty"),
        ("paris", "paris"),
        ("rome", "Rome"),
        ("naïve", "naïve"),
        ("two_parts", "two_parts"),
    ):
        np.testing.assert_allclose(weight[vocabulary[word]].numpy(), new[row], atol=1e-3)
    # A sentence of new words was two unknown ones; now each has its own.
    sentences = [["Novelty paris"], ["paris Rome"], ["absent words"]]
    with pytest.raises(CPCError, match="'Novelty paris': the model knows no word of it"):
        from_strings(own["data"], sentences)
    tokenizers = [load_tokenizer(Path(c["data"]["tokenizer"])) for c in (own, config)]
    width = own["data"]["width"]
    x_before, x_after = (torch.from_numpy(np.stack([encode(t, [*each], width) for each in sentences])) for t in tokenizers)
    assert x_before[:, 0, :2].tolist() == [[1, 1]] * 3
    assert x_after[:, 0, :2].tolist() == [
        [vocabulary["novelty"], vocabulary["paris"]],
        [vocabulary["paris"], vocabulary["rome"]],
        [1, 1],
    ]
    with torch.inference_mode():
        # Not to the bit: words are worked out once each, and products of other numbers of rows may sum in another order.
        np.testing.assert_allclose(model.encoder(x_after)[2], old.encoder(x_before)[2], rtol=1e-5, atol=1e-6)
        assert not torch.allclose(model.encoder(x_after)[0], model.encoder(x_after)[1])
    # The larger model is a run like the one it came from, but for training.
    few = ["--contexts", "7", "--candidates", "11", "--pool", "any source"]
    assert main(["rank", str(walker), *few]) == 0 and main(["rank", str(out), *few]) == 0
    assert bigrams.rows_of(out, "any source", 1) == bigrams.rows_of(walker, "any source", 1)
    assert "which has nothing to resume" in refused("train", "--resume", out)
    assert "exists and is not empty" in refused("expand", walker, tmp_path / "v.txt", "-o", out)


def test_what_cannot_be_expanded(walker: Path, tmp_path: Path, refused) -> None:
    path, out = tmp_path / "v.txt", tmp_path / "larger"
    vectors_of(walker, path, {})
    assert "has no word that the model lacks" in refused("expand", walker, path, "-o", out)
    assert "--most 0: at least 1 word" in refused("expand", walker, path, "-o", out, "--most", "0")
    path.write_text("alpha 1 2 3\nbeta 1 2 3\n")
    assert "0 words have a vector on both sides" in refused("expand", walker, path, "-o", out)
    vectors_of(walker, path, {}, extra="beta 1 2\n")
    assert "line 157: 'beta' has 2 numbers, the file has 16" in refused("expand", walker, path, "-o", out)
    assert "cannot be read" in refused("expand", walker, tmp_path / "none", "-o", out)
    assert not out.exists()


def test_only_the_first_words_of_a_file_are_taken(walker: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    new = {f"new{chr(97 + n)}": np.full(16, float(n)) for n in range(7)}
    vectors_of(walker, tmp_path / "v.txt", new)
    assert main(["expand", str(walker), str(tmp_path / "v.txt"), "-o", str(tmp_path / "larger"), "--most", "3"]) == 0
    assert "3 new words" in capsys.readouterr().out
    vocabulary = json.loads((tmp_path / "larger" / "tokenizer.json").read_text())["model"]["vocab"]
    assert [word for word in vocabulary if word.startswith("new")] == ["newa", "newb", "newc"]


def test_pieces_of_words_need_no_expansion(walks: Path, tmp_path: Path, refused) -> None:
    run = tmp_path / "bpe"
    assert (
        bigrams.train(run, walks, "data.tokens=bpe", "data.vocabulary=97", "training.steps=2", "training.validate_every=2") == 0
    )
    (tmp_path / "v.txt").write_text("alpha 1 2 3\n")
    assert "cuts words into pieces (BPE)" in refused("expand", run, tmp_path / "v.txt", "-o", tmp_path / "larger")
