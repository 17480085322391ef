"""Sentences that somebody typed, as sources that a model of text can read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torchcpc.contracts import CPCError
from torchcpc.data.text.documents import InTable
from torchcpc.data.text.sentences import SPLITTINGS
from torchcpc.data.text.texts import Document, Texts, any_known
from torchcpc.data.text.tokens import load_tokenizer


def typed(section: Mapping[str, Any], documents: Sequence[Sequence[str]]) -> Texts:
    """Documents of sentences, tokenised as the resolved [data] section of a model says; keys are "typed-0" and so on.

    Raises CPCError for data that are no text, and for a document without sentences or without any word that the model knows, which
    would be as good as any other such document to it.
    """
    require_text(section)
    if any(not sentences for sentences in documents):
        raise CPCError("a text without any sentence: give at least one.")
    tokenizer = load_tokenizer(Path(section["tokenizer"]))
    for sentences in documents:
        if not any_known(tokenizer, sentences):
            more = f" (and {len(sentences) - 1} more after it)" if len(sentences) > 1 else ""
            raise CPCError(
                f"{sentences[0][:80]!r}{more}: the model knows no word of it. Write it in words of the training documents."
            )
    items = [Document(f"typed-{n}", Path(), "typed", {}, InTable(list(own))) for n, own in enumerate(documents)]
    return Texts(items, width=section["width"], tokenizer=tokenizer)


def split(section: Mapping[str, Any], text: str) -> list[str]:
    """The sentences of a text, by the rules that the model's own documents were split by."""
    require_text(section)
    pieces = SPLITTINGS[section["splitting"]](text, section["language"])
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


def require_text(section: Mapping[str, Any]) -> None:
    """Raises CPCError unless the [data] section is one of text."""
    if section["name"] != "text":
        raise CPCError(f"this model reads {section['name']}, not text: name a run that was trained on documents.")
