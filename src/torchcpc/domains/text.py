"""The domain of text. A source is a document and a step is a sentence. The vocabulary is learned from the training
documents.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from torchcpc.contracts import Progress, Skipped, Sources, provides, require
from torchcpc.data.text.texts import scan_texts
from torchcpc.data.text.tokenizer_files import load_tokenizer, save_tokenizer
from torchcpc.data.text.tokens import learn
from torchcpc.data.text.unknown import ReadDocuments, unknown_words
from torchcpc.domains.record import DataSettings, Domain, Unit
from torchcpc.settings import Settings

if TYPE_CHECKING:
    from tokenizers import Tokenizer

TOKENIZER = "tokenizer.json"


@runtime_checkable
class Documents(Protocol):
    """Sources of sentences that are read through a vocabulary."""

    def every_sentence(self, progress: Callable[[int, int], None]) -> Iterator[str]:
        """Iterate over all sentences."""
        ...

    def with_tokenizer(self, tokenizer: Tokenizer) -> Sources:
        """Return the documents with another vocabulary."""
        ...


def learn_vocabulary(settings: Settings, train: Sources, folder: Path, progress: Progress) -> Settings:
    """Return the settings with a vocabulary, saved as a file of `folder`.

    It is the vocabulary that the settings name. If they name none, it is learned from the training documents.
    """
    data, path = settings["data"], folder / TOKENIZER

    def sentences() -> Iterator[str]:
        documents = require(train, Documents, "a vocabulary is learned from sentences")
        return documents.every_sentence(lambda done, total: progress(done, total, "documents read for the vocabulary"))

    if not path.exists():
        given = load_tokenizer(Path(data["tokenizer"])) if data["tokenizer"] else None
        save_tokenizer(given or learn(sentences, kind=data["tokens"], size=data["vocabulary"]), path)
    encoder = {**settings["encoder"], "vocabulary": load_tokenizer(path).get_vocab_size(), "width": data["width"]}
    return {**settings, "encoder": encoder, "data": {**data, "tokenizer": TOKENIZER}}


def through_vocabulary(data: DataSettings, sources: Sources) -> Sources:
    """Return the documents, read through the vocabulary that the settings name, if any."""
    if not data["tokenizer"]:
        return sources
    documents = require(sources, Documents, "this model reads sentences through its vocabulary")
    return documents.with_tokenizer(load_tokenizer(Path(data["tokenizer"])))


def unknown_in(settings: Settings, sources: Sources) -> list[Skipped]:
    """Return notes on documents with many unknown words."""
    return unknown_words(sources) if provides(sources, ReadDocuments) else []


TEXT = Domain(
    name="text",
    reader=scan_texts,
    source="document",
    step="sentence",
    files={"tokenizer": TOKENIZER},
    learn=learn_vocabulary,
    as_read=through_vocabulary,
    doubts=unknown_in,
    unit=lambda settings, sources: Unit("sentences", 1.0),
)
