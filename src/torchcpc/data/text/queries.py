"""Sentences that a user gives as strings, as sources that a model of text can read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torchcpc.contracts import CPCError
from torchcpc.data.text.documents import folded
from torchcpc.data.text.sentences import SPLITTINGS
from torchcpc.data.text.texts import Document, Texts, any_known
from torchcpc.data.text.tokens import load_tokenizer

TextSettings = Mapping[str, Any]
"""The resolved [data] section of a model."""


def from_strings(settings: TextSettings, documents: Sequence[Sequence[str]]) -> Texts:
    """Documents of sentences, tokenised as the model of these settings tokenises; keys are "typed-0" and so on.

    Raises CPCError for a model that reads no text, for a document without sentences, and for one without any word that the model
    knows: to the model all such documents are the same.
    """
    require_text(settings)
    if any(not sentences for sentences in documents):
        raise CPCError("a text without any sentence: give at least one.")
    tokenizer = load_tokenizer(Path(settings["tokenizer"]))
    for sentences in documents:
        if not any_known(tokenizer, sentences):
            more = f" (and {len(sentences) - 1} more after it)" if len(sentences) > 1 else ""
            raise CPCError(
                f"{sentences[0][:80]!r}{more}: the model knows no word of it. Write it in words of the training documents."
            )
    items = [Document(f"typed-{n}", "typed", sentences=[folded(text) for text in texts]) for n, texts in enumerate(documents)]
    return Texts(items, width=settings["width"], tokenizer=tokenizer)


def split_sentences(settings: TextSettings, text: str) -> list[str]:
    """The sentences of a text, by the rules that the model's own documents were split by."""
    require_text(settings)
    pieces = SPLITTINGS[settings["splitting"]](text, settings["language"])
    return [" ".join(piece.split()) for piece in pieces if piece.strip()]


def read_lines(path: Path) -> list[str]:
    """The lines of a UTF-8 file that hold anything. Raises CPCError where there is none."""
    return [" ".join(line.split()) for line in read_text(path).split("\n") if line.strip()]


def read_text(path: Path) -> str:
    """A UTF-8 file that holds any text. Raises CPCError for all others."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise CPCError(f"{path} cannot be read as UTF-8 text: {error}. Name a text file.") from None
    if not text.strip():
        raise CPCError(f"{path} holds no text. Write at least one sentence into it.")
    return text


def require_text(settings: TextSettings) -> None:
    """Raises CPCError unless these are the settings of a reader of text, which alone split documents."""
    if "splitting" not in settings:
        raise CPCError(f"this model reads {settings['name']}, not text: name a run that was trained on documents.")
