"""A text model with more words than it was trained on: their vectors come from other word vectors by a linear map.

Kiros et al., "Skip-Thought Vectors" (arXiv:1506.06726, section 2.2), as the CPC paper does it for its text model.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from torchcpc.contracts import CPCError, Progress
from torchcpc.data.text.queries import require_text
from torchcpc.data.text.tokens import SPECIAL, load_tokenizer, save_tokenizer
from torchcpc.data.text.word_vectors import WordVectors, open_vectors
from torchcpc.domains.text import TOKENIZER
from torchcpc.runs.build import build
from torchcpc.runs.linear_map import MapCheck, check_map, fit_map
from torchcpc.runs.run import TrainedRun
from torchcpc.runs.saved import save_pretrained

if TYPE_CHECKING:
    from tokenizers import Tokenizer

# What a run keeps of its training, which probes and reports of the enlarged model need too.
_FILES = ("metrics.jsonl", "skipped.json")
_WORDS_AT_ONCE = 10_000
_EMBEDDING = "encoder.embedding.weight"


@dataclass(frozen=True, slots=True)
class Expanded:
    """What came of it. shared: words that both sides had; added: new words, at most `most`; unreachable: lines whose word the tokenizer
    never makes."""

    shared: int
    added: int
    most: int
    unreachable: int
    check: MapCheck
    vectors: WordVectors

    def notes(self) -> list[str]:
        """What was not used of the file."""
        vectors, lines = self.vectors, []
        if vectors.malformed or vectors.repeated or self.unreachable:
            lines.append(
                f"left out: {vectors.malformed} malformed lines, {vectors.repeated} repeated words, {self.unreachable} that the "
                "tokenizer never makes a word of"
            )
        read = vectors.read + vectors.malformed
        if vectors.announced is not None and self.added < self.most and read < vectors.announced:
            lines.append(f"note: the file announces {vectors.announced} words and holds {vectors.read}; it may be cut off")
        return lines

    def text(self) -> str:
        """How good the map is, and how many words came in."""
        check = self.check
        return (
            f"map from {self.vectors.dim} numbers, on {check.held_out} words not fitted (fit: {check.fitted}): R2 {check.r2:.3f} "
            f"(mean vector 0), cosine {check.cosine:.3f} (mean vector {check.mean_cosine:.3f})\n"
            f"{self.added} new words beside those trained, {self.shared} of which the file has too"
        )


def expand(run: TrainedRun, vectors: Path, out: Path, *, most: int = 100_000, seed: int = 0) -> Expanded:
    """Writes `out`, the model of `run` with the first `most` words of the file that it lacks; its own words keep their vectors.

    The map is fitted on all words of both sides, the check on nine tenths of them. A word counts in the form that the model's
    tokenizer gives it: of several forms (Paris, paris) the one that is that form already, else the first. Raises CPCError for a model
    that is not of words, a folder in use, too few words in common and none to add.
    """
    require_text(run.config["data"])
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise CPCError(f"{out} exists and is not empty. Choose another folder with -o.")
    if most < 1:
        raise CPCError(f"--most {most}: at least 1 word.")
    tokenizer, file = load_tokenizer(Path(run.config["data"]["tokenizer"])), open_vectors(vectors)
    content = json.loads(tokenizer.to_str())
    if content["model"]["type"] != "WordLevel":
        raise CPCError(
            f"{run.folder} cuts words into pieces ({content['model']['type']}), so that it knows every word. Only a vocabulary of whole "
            "words (data.tokens = words) can be expanded."
        )
    known: dict[str, int] = content["model"]["vocab"]
    old_VE = run.model.get_parameter(_EMBEDDING).detach().cpu().numpy()
    unreachable = 0

    def is_new(form: str) -> bool:
        nonlocal unreachable
        if form in known:
            return False
        unreachable += not (whole := _is_one_token(tokenizer, form))
        return whole

    with run.listener.stage("shared words") as progress:
        shared = _collect(file, tokenizer, lambda form: form in known and form not in SPECIAL, progress)
    x_ND = np.stack(list(shared.values())) if shared else np.zeros((0, file.dim), np.float32)
    y_NE = old_VE[[known[form] for form in shared]]
    checked, mapped = check_map(x_ND, y_NE, seed=seed), fit_map(x_ND, y_NE)
    with run.listener.stage("new words") as progress:
        new = _collect(file, tokenizer, is_new, progress, most=most)
    if not new:
        raise CPCError(f"{vectors} has no word that the model lacks. There is nothing to expand.")
    rows = list(new.values())
    blocks = [mapped(np.stack(rows[first : first + _WORDS_AT_ONCE])) for first in range(0, len(rows), _WORDS_AT_ONCE)]
    content["model"]["vocab"] = {**known, **{word: len(old_VE) + n for n, word in enumerate(new)}}
    _write(run, torch.from_numpy(np.concatenate([old_VE, *blocks])), content, out, vectors)
    return Expanded(len(shared), len(new), most, unreachable, checked, file)


def _form(tokenizer: Tokenizer, word: str) -> str:
    """The word as the tokenizer writes it."""
    return tokenizer.normalizer.normalize_str(word) if tokenizer.normalizer else word


def _is_one_token(tokenizer: Tokenizer, form: str) -> bool:
    """Whether the tokenizer leaves the word in one piece."""
    cutter = tokenizer.pre_tokenizer
    return bool(form) and (not cutter or [piece for piece, _ in cutter.pre_tokenize_str(form)] == [form])


def _collect(
    vectors: WordVectors,
    tokenizer: Tokenizer,
    wanted: Callable[[str], bool],
    progress: Progress,
    *,
    most: int | None = None,
) -> dict[str, np.ndarray]:
    """Form -> vector of at most `most` forms that are wanted."""
    found: dict[str, np.ndarray] = {}
    exact: set[str] = set()
    for word, vector_D in vectors.words(lambda word: wanted(_form(tokenizer, word))):
        form = _form(tokenizer, word)
        if form not in found and most is not None and len(found) == most:
            break
        if form not in found or (word == form and form not in exact):
            found[form] = vector_D
        if word == form:
            exact.add(form)
        if len(found) % 1000 == 0:
            progress(vectors.read, vectors.announced or 0)
    return found


def _write(run: TrainedRun, weight_VE: torch.Tensor, content: Mapping[str, object], out: Path, vectors: Path) -> None:
    """The folder of the enlarged model, with the records of the run it came from where it came from one."""
    from tokenizers import Tokenizer

    encoder = {**run.config["encoder"], "vocabulary": len(weight_VE)}
    settings = {**run.config, "encoder": encoder, "data": {**run.config["data"], "tokenizer": TOKENIZER}}
    larger = build(settings)
    larger.load_state_dict({**run.model.state_dict(), _EMBEDDING: weight_VE})
    save_tokenizer(Tokenizer.from_str(json.dumps(content)), out / TOKENIZER)
    save_pretrained(larger, settings, out)
    if run.record is None:
        return
    origin = {"run": str(run.folder), "vectors": str(vectors)}
    replace(run.record, settings={**run.record.settings, "encoder": encoder}, expanded=origin).write(out)
    for name in _FILES:
        if (run.folder / name).is_file():
            shutil.copyfile(run.folder / name, out / name)
