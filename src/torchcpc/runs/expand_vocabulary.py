"""A text model with more words than it was trained on: their vectors come from other word vectors by a linear map.

Kiros et al., "Skip-Thought Vectors" (arXiv:1506.06726, section 2.2), as the CPC paper does it for its text model.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from torchcpc.contracts import CPCError
from torchcpc.data.text.tokens import SPECIAL, load_tokenizer, save_tokenizer
from torchcpc.data.text.queries import require_text
from torchcpc.data.text.word_vectors import WordVectors
from torchcpc.runs.linear_map import Check, check, fit
from torchcpc.runs.saved import TOKENIZER, build, from_pretrained, save_pretrained
from torchcpc.runs.pretrain import write_json

# What a run tells of itself besides its weights, which probes and reports of the enlarged model need too.
_RECORDS = ("metrics.jsonl", "skipped.json")
_BLOCK = 10_000


class Expanded(NamedTuple):
    """What came of it: words that both sides had, words added, lines whose word the tokenizer never makes; the check of the map."""

    shared: int
    added: int
    unreachable: int
    check: Check


def expand(
    run: Path,
    vectors: WordVectors,
    out: Path,
    *,
    most: int = 100_000,
    seed: int = 0,
    progress: Callable[[str, int], None] = lambda stage, lines: None,
) -> Expanded:
    """Writes `out`, the model of `run` with the first `most` words of the file that it lacks; its own words keep their vectors.

    The map is fitted on all words of both sides, the check on nine tenths of them. A word counts in the form that the model's
    tokenizer gives it: of several forms (Paris, paris) the one that is that form already, else the first. Raises CPCError for a model
    that is not of words, a folder in use, too few words in common and none to add.
    """
    model, config = from_pretrained(run)
    require_text(config["data"])
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise CPCError(f"{out} exists and is not empty. Choose another folder with -o.")
    if most < 1:
        raise CPCError(f"--most {most}: at least 1 word.")
    tokenizer = load_tokenizer(Path(config["data"]["tokenizer"]))
    content = json.loads(tokenizer.to_str())
    if content["model"]["type"] != "WordLevel":
        raise CPCError(
            f"{run} cuts words into pieces ({content['model']['type']}), so that it knows every word. Only a vocabulary of whole words "
            "(data.tokens = words) can be expanded."
        )
    known = content["model"]["vocab"]
    forms = _Forms(tokenizer)
    old_VE = model.encoder.embedding.weight.detach().numpy()  # pyright: ignore[reportAttributeAccessIssue]
    shared = forms.collect(
        vectors, lambda form: form in known and form not in SPECIAL, progress=lambda n: progress("shared words", n)
    )
    x_ND = np.stack(list(shared.values())) if shared else np.zeros((0, vectors.dim), np.float32)
    y_NE = old_VE[[known[form] for form in shared]]
    checked, mapped = check(x_ND, y_NE, seed=seed), fit(x_ND, y_NE)
    new = forms.collect(
        vectors, lambda form: form not in known and forms.whole(form), most=most, progress=lambda n: progress("new words", n)
    )
    if not new:
        raise CPCError(f"{vectors.path} has no word that the model lacks. There is nothing to expand.")
    rows = list(new.values())
    new_NE = np.concatenate([mapped(np.stack(rows[first : first + _BLOCK])) for first in range(0, len(rows), _BLOCK)])
    weight_VE = torch.from_numpy(np.concatenate([old_VE, new_NE]))
    content["model"]["vocab"] = {**known, **{word: len(old_VE) + n for n, word in enumerate(new)}}
    _write(model, config, weight_VE, content, run, out, vectors.path)
    return Expanded(len(shared), len(new), forms.unreachable, checked)


class _Forms:
    """Words as the tokenizer makes them. unreachable: lines of the latest file whose word is never one token."""

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer, self.unreachable = tokenizer, 0

    def form(self, word: str) -> str:
        normalizer = self.tokenizer.normalizer
        return normalizer.normalize_str(word) if normalizer else word

    def whole(self, form: str) -> bool:
        """Whether the tokenizer leaves the word in one piece."""
        cutter = self.tokenizer.pre_tokenizer
        reached = bool(form) and (not cutter or [piece for piece, _ in cutter.pre_tokenize_str(form)] == [form])
        self.unreachable += not reached
        return reached

    def collect(
        self, vectors: WordVectors, wanted: Callable[[str], bool], *, most: int | None = None, progress: Callable[[int], None]
    ) -> dict[str, np.ndarray]:
        """Form -> vector of at most `most` forms that are wanted."""
        self.unreachable = 0
        found: dict[str, np.ndarray] = {}
        exact: set[str] = set()
        for word, vector_D in vectors.words(lambda word: wanted(self.form(word))):
            form = self.form(word)
            if form not in found and most is not None and len(found) == most:
                break
            if form not in found or (word == form and form not in exact):
                found[form] = vector_D
            if word == form:
                exact.add(form)
            if len(found) % 1000 == 0:
                progress(vectors.read)
        return found


def _write(
    model: Any,
    config: Mapping[str, Any],
    weight_VE: torch.Tensor,
    content: Mapping[str, Any],
    run: Path,
    out: Path,
    source: Path,
) -> None:
    """The folder of the enlarged model, with the records of the run it came from where it came from one."""
    from tokenizers import Tokenizer

    encoder = {**config["encoder"], "vocabulary": len(weight_VE)}
    settings = {**config, "encoder": encoder, "data": {**config["data"], "tokenizer": TOKENIZER}}
    larger = build(settings)
    larger.load_state_dict({**model.state_dict(), "encoder.embedding.weight": weight_VE})
    out.mkdir(parents=True, exist_ok=True)
    save_tokenizer(Tokenizer.from_str(json.dumps(content)), out / TOKENIZER)
    save_pretrained(larger, settings, out)
    if not (run / "settings.json").is_file():
        return
    described = json.loads((run / "settings.json").read_text(encoding="utf8"))
    described["settings"] = {**described["settings"], "encoder": encoder}
    write_json(out / "settings.json", {**described, "expanded": {"run": str(run), "vectors": str(source)}})
    for name in _RECORDS:
        if (run / name).is_file():
            shutil.copyfile(run / name, out / name)
