"""How much of a text a vocabulary does not know. Of text without blanks, such as Chinese or Thai, a "word" may be a whole sentence."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from torchcpc.contracts import Item, Skipped
from torchcpc.data.text.tokens import UNKNOWN

if TYPE_CHECKING:
    from tokenizers import Tokenizer

# Share of unknown words above which documents are noted.
MUCH = 0.2
# Documents that are looked at, spread over all, and the sentences from the middle of each: a second of work.
_DOCUMENTS, _SENTENCES = 100, 100


@runtime_checkable
class ReadDocuments(Protocol):
    """Documents that are read through a vocabulary, once there is one."""

    tokenizer: "Tokenizer | None"

    @property
    def items(self) -> Sequence[Item]: ...
    def __len__(self) -> int: ...
    def length(self, index: int) -> int: ...
    def text(self, index: int, start: int = 0, count: int | None = None) -> list[str]: ...


def unknown_words(texts: ReadDocuments) -> list[Skipped]:
    """A note for each document of which the vocabulary does not know a fifth of the words, or more; none where there is no vocabulary."""
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
    """Share of the words, signs apart, that are unknown; 0 where there is no word."""
    known = unknown = 0
    for sentence, encoded in zip(sentences, tokenizer.encode_batch(sentences, add_special_tokens=False), strict=True):
        for number, token, (begin, end) in zip(encoded.ids, encoded.tokens, encoded.offsets, strict=True):
            word = any(map(str.isalnum, sentence[begin:end] if number == UNKNOWN else token))
            unknown += word and number == UNKNOWN
            known += word and number != UNKNOWN
    return unknown / max(known + unknown, 1)
