"""Measure which share of a text a vocabulary does not know.

In text without blanks, such as Chinese or Thai, a "word" may be a whole sentence.
"""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from torchcpc.contracts import Item, Skipped
from torchcpc.data.text.tokens import UNKNOWN

if TYPE_CHECKING:
    from tokenizers import Tokenizer

# Share of unknown words above which a document gets a note.
MUCH = 0.2
# Number of documents in the sample, spread over all, and of sentences from the middle of each: a second of work.
_DOCUMENTS, _SENTENCES = 100, 100


@runtime_checkable
class ReadDocuments(Protocol):
    """Documents that are read through a vocabulary, as soon as there is one."""

    tokenizer: "Tokenizer | None"

    @property
    def items(self) -> Sequence[Item]: ...
    def __len__(self) -> int: ...
    def length(self, index: int) -> int: ...
    def text(self, index: int, start: int = 0, count: int | None = None) -> list[str]: ...


def unknown_words(texts: ReadDocuments) -> list[Skipped]:
    """Return a note about each document with many words that the vocabulary does not know.

    The limit is a fifth of the words. There are no notes without a vocabulary.

    Args:
        texts: The documents.
    """
    if texts.tokenizer is None:
        return []
    in_pieces = json.loads(texts.tokenizer.to_str())["model"]["type"] == "BPE"
    step = "learn it from text of this kind" if in_pieces else "with data.tokens=bpe a model reads words in pieces"
    notes = []
    for index in range(0, len(texts), -(-len(texts) // _DOCUMENTS)):
        start = max(0, (texts.length(index) - _SENTENCES) // 2)
        share = unknown_share(texts.tokenizer, texts.text(index, start, _SENTENCES))
        if share > MUCH:
            item = texts.items[index]
            reason = f"{share:.0%} of its words are unknown to the vocabulary: {step}"
            notes.append(Skipped(str(item.path or item.key), reason))
    return notes


def unknown_share(tokenizer: "Tokenizer", sentences: list[str]) -> float:
    """Return the share of unknown words, apart from signs; 0 if there is no word.

    Args:
        tokenizer: The vocabulary.
        sentences: The sentences.
    """
    known = unknown = 0
    for sentence, encoded in zip(sentences, tokenizer.encode_batch(sentences, add_special_tokens=False), strict=True):
        for number, token, (begin, end) in zip(encoded.ids, encoded.tokens, encoded.offsets, strict=True):
            word = any(map(str.isalnum, sentence[begin:end] if number == UNKNOWN else token))
            unknown += word and number == UNKNOWN
            known += word and number != UNKNOWN
    return unknown / max(known + unknown, 1)
