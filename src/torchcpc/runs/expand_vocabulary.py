"""Add words to a trained text model. A linear map gives their vectors, from other word vectors.

The method is that of Kiros et al., "Skip-Thought Vectors" (arXiv:1506.06726, section 2.2). The CPC paper uses it for its text model.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from torchcpc.atomic import copy_file
from torchcpc.contracts import CPCError, Progress
from torchcpc.data.text.texts import require_text
from torchcpc.data.text.tokenizer_files import load_tokenizer, save_tokenizer
from torchcpc.data.text.tokens import SPECIAL
from torchcpc.data.text.word_vectors import WordVectors, open_vectors
from torchcpc.domains.text import TOKENIZER
from torchcpc.runs.build import build
from torchcpc.runs.run import TrainedRun
from torchcpc.runs.saved import save_pretrained

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_WORDS_AT_ONCE = 10_000
_EMBEDDING = "encoder.embedding.weight"


@dataclass(frozen=True, slots=True)
class MapCheck:
    """How well the map predicts pairs of vectors that it was not fitted on.

    Attributes:
        fitted: Number of pairs that the map was fitted on.
        held_out: Number of pairs that it was checked on.
        r2: Coefficient of determination. The mean of the fitted vectors has 0.
        cosine: Mean cosine of the predicted and the true vectors.
        mean_cosine: Mean cosine of the mean of the fitted vectors and the true vectors, as the baseline.
    """

    fitted: int
    held_out: int
    r2: float
    cosine: float
    mean_cosine: float


def fit_map(x_ND: np.ndarray, y_NE: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Fit a linear map with an intercept, by ordinary least squares in float64.

    Args:
        x_ND: N vectors of the file.
        y_NE: N vectors of the model.

    Returns:
        The map, a function [N, D] -> [N, E], float32.

    Raises:
        CPCError: If there are too few pairs for D dimensions.
    """
    from sklearn.linear_model import LinearRegression

    N, D = x_ND.shape
    if N <= D + 1:
        raise CPCError(
            f"{N} words have a vector on both sides, a map from {D} dimensions needs more than {D + 1}. "
            "Use vectors of fewer dimensions, or ones of the same language and spelling."
        )
    fitted = LinearRegression().fit(x_ND.astype(np.float64), y_NE.astype(np.float64))
    return lambda x_ND: fitted.predict(x_ND.astype(np.float64)).astype(np.float32)


def check_map(x_ND: np.ndarray, y_NE: np.ndarray, *, share: float = 0.1, seed: int = 0) -> MapCheck:
    """Fit the map on a part of the pairs, and measure it on the rest.

    Args:
        x_ND: N vectors of the file.
        y_NE: N vectors of the model.
        share: Share of the pairs that is held out, at least one pair.
        seed: Seed of the choice of pairs.
    """
    order = np.random.default_rng(seed).permutation(len(x_ND))
    count = max(1, round(share * len(x_ND)))
    test, train = order[:count], order[count:]
    predicted_NE = fit_map(x_ND[train], y_NE[train])(x_ND[test]).astype(np.float64)
    true_NE, mean_E = y_NE[test].astype(np.float64), y_NE[train].mean(axis=0, dtype=np.float64)
    missed, spread = np.square(true_NE - predicted_NE).sum(), np.square(true_NE - mean_E).sum()
    r2 = float(1 - missed / spread) if spread else float("nan")
    return MapCheck(len(train), len(test), r2, _mean_cosine(predicted_NE, true_NE), _mean_cosine(mean_E, true_NE))


def _mean_cosine(a_NE: np.ndarray, b_NE: np.ndarray) -> float:
    """Return the mean cosine of paired vectors. The cosine of a zero vector counts as 0."""
    length_N = np.linalg.norm(a_NE, axis=-1) * np.linalg.norm(b_NE, axis=-1)
    return float(((a_NE * b_NE).sum(axis=-1) / np.where(length_N > 0, length_N, 1)).mean())


@dataclass(frozen=True, slots=True)
class Expanded:
    """The result of an expansion.

    Attributes:
        shared: Number of words that the model and the file have in common.
        added: Number of new words, at most `most`.
        most: Largest number of new words.
        unreachable: Number of lines whose word the tokenizer never produces.
        check: How good the map is.
        vectors: The file of word vectors.
    """

    shared: int
    added: int
    most: int
    unreachable: int
    check: MapCheck
    vectors: WordVectors

    def notes(self) -> list[str]:
        """Return notes on the parts of the file that were not used."""
        file, lines = self.vectors, []
        if file.malformed or file.repeated or self.unreachable:
            skipped = f"{file.malformed} malformed lines, {file.repeated} repeated words"
            lines.append(f"skipped: {skipped}, {self.unreachable} words that the tokenizer never produces")
        if file.announced is not None and self.added < self.most and file.read + file.malformed < file.announced:
            lines.append(f"note: the file announces {file.announced} words and holds {file.read}; it may be cut off")
        return lines

    def text(self) -> str:
        """Return how good the map is, and how many words are new."""
        check = self.check
        return (
            f"map from {self.vectors.dim} dimensions, fitted on {check.fitted} words and checked on {check.held_out} others: "
            f"R2 {check.r2:.3f} (mean vector 0), cosine {check.cosine:.3f} (mean vector {check.mean_cosine:.3f})\n"
            f"{self.added} new words; {self.shared} words of the model are also in the file"
        )


def expand(run: TrainedRun, vectors: Path, out: Path, *, most: int = 100_000, seed: int = 0) -> Expanded:
    """Write a model with more words to the folder `out`. Words that the model already has keep their vectors.

    The map is fitted on all words that the model and the file have in common. Its check is fitted on nine tenths of them. A word
    counts in the form that the model's tokenizer gives it. If the file has several words of one form (Paris, paris), the word that
    equals the form is used, else the first.

    Args:
        run: A run whose text model has whole words.
        vectors: File of word vectors.
        out: Folder of the new model, which must be new or empty.
        most: Largest number of new words. The first of the file are taken.
        seed: Seed of the choice of words that check the map.

    Raises:
        CPCError: If the model has no whole words, the folder is in use, too few words are common, or no word is new.
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
    cutter, unreachable = tokenizer.pre_tokenizer, 0

    def is_new(form: str) -> bool:
        """Return whether the model lacks this word and the tokenizer leaves it in one piece."""
        nonlocal unreachable
        if form in known:
            return False
        whole = bool(form) and (not cutter or [piece for piece, _ in cutter.pre_tokenize_str(form)] == [form])
        unreachable += not whole
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


def _collect(
    vectors: WordVectors, tokenizer: Tokenizer, wanted: Callable[[str], bool], progress: Progress, most: float = math.inf
) -> dict[str, np.ndarray]:
    """Return form -> vector, for at most `most` wanted forms."""
    found: dict[str, np.ndarray] = {}
    exact: set[str] = set()
    form_of = tokenizer.normalizer.normalize_str if tokenizer.normalizer else str
    for word, vector_D in vectors.words(lambda word: wanted(form_of(word))):
        form = form_of(word)
        if form not in found and len(found) == most:
            break
        if form not in found or (word == form and form not in exact):
            found[form] = vector_D
        if word == form:
            exact.add(form)
        if len(found) % 1000 == 0:
            progress(vectors.read, vectors.announced or 0)
    return found


def _write(run: TrainedRun, weight_VE: torch.Tensor, content: Mapping[str, object], out: Path, vectors: Path) -> None:
    """Write the folder of the enlarged model. If it comes from a run, copy the records of that run too."""
    from tokenizers import Tokenizer

    encoder = {**run.config["encoder"], "vocabulary": len(weight_VE)}
    settings = {**run.config, "encoder": encoder, "data": {**run.config["data"], "tokenizer": TOKENIZER}}
    larger = build(settings)
    larger.load_state_dict({**run.model.state_dict(), _EMBEDDING: weight_VE})
    save_tokenizer(Tokenizer.from_str(json.dumps(content)), out / TOKENIZER)
    save_pretrained(larger, settings, out)
    if run.record is not None:
        origin = {"run": str(run.folder), "vectors": str(vectors)}
        replace(run.record, settings={**run.record.settings, "encoder": encoder}, expanded=origin).write(out)
        for name in ("metrics.jsonl", "skipped.json", "notes.json"):  # probes and reports of the enlarged model need them
            if (run.folder / name).is_file():
                copy_file(run.folder / name, out / name)
