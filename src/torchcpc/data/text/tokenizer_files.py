"""tokenizer.json as it is kept beside a model, and as it comes from elsewhere.

The library `tokenizers` builds whatever such a file describes: regular expressions that take hours on a line of text, and replacements that
make gigabytes of it. So only parts are accepted that are as fast as the text is long: those that this package writes, and their like.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torchcpc.atomic import write_text
from torchcpc.contracts import CPCError, one_line, shown
from torchcpc.data.text.tokens import PADDING, SPECIAL, UNKNOWN
from torchcpc.results import read_json

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_ACCEPTED = {
    "normalizer": ("NFC", "NFD", "NFKC", "NFKD", "Lowercase", "Strip", "StripAccents", "BertNormalizer", "Sequence"),
    "pre_tokenizer": ("Whitespace", "WhitespaceSplit", "BertPreTokenizer", "Punctuation", "Digits", "Sequence"),
    "model": ("WordLevel", "BPE"),
}
_ELSEWHERE = ("post_processor", "decoder", "truncation", "padding")
# Parts in a sequence; each is a pass over the text.
_MOST_PARTS = 16
# A vocabulary: the largest that is published has a quarter of a million pieces.
_LARGEST = 1 << 22


def load_tokenizer(path: Path) -> Tokenizer:
    """A tokenizer.json of accepted parts, with [PAD] as number 0 and [UNK] as number 1. No code is run. Raises CPCError for others."""
    from tokenizers import Tokenizer

    if not os.path.isfile(path):
        raise CPCError(f"{path}: no tokenizer can be read there. Check data.tokenizer.")
    try:
        content = read_json(path)
        _check(content)
        tokenizer = Tokenizer.from_str(json.dumps(content))
        # Words that the vocabulary lacks are looked for only now.
        tokenizer.encode("a \N{REPLACEMENT CHARACTER}")
    except CPCError as error:
        raise CPCError(f"{path} is not a tokenizer.json for this package: {error}") from None
    except Exception as error:  # the library raises plain Exception
        raise CPCError(f"{path} is not a tokenizer.json: {one_line(error)}. Write it with the library tokenizers.") from None
    return tokenizer


def save_tokenizer(tokenizer: Tokenizer, path: Path) -> None:
    """Written whole or not at all."""
    write_text(path, tokenizer.to_str())


def _check(content: Any) -> None:
    """Raises CPCError for a file of other parts, and for numbers of tokens that are not those of the rows of a table."""
    content = content if isinstance(content, dict) else {}
    for place, accepted in _ACCEPTED.items():
        parts = list(_parts(content.get(place)))
        for part in parts:
            kind = part.get("type") if isinstance(part, dict) else part
            if kind not in accepted:
                raise CPCError(f"its {place} is {shown(kind)}, and of others only {', '.join(accepted)} are accepted.")
        if len(parts) > _MOST_PARTS:
            raise CPCError(f"its {place} has {len(parts):,} parts, of at most {_MOST_PARTS}.")
    if odd := [name for name in _ELSEWHERE if content.get(name) is not None]:
        raise CPCError(f"it has a {odd[0]}, which sentences are read without: set it to null.")
    model = content.get("model")
    model = model if isinstance(model, dict) else {}
    vocabulary = model.get("vocab")
    if model.get("continuing_subword_prefix"):
        # The library ends in a panic where a piece of a merge is shorter than the prefix.
        raise CPCError("its pieces have a continuing_subword_prefix, which is not accepted: train it without one.")
    if model.get("dropout"):
        raise CPCError(
            f"its dropout is {shown(model['dropout'])}: one sentence must always have the same tokens. Set it to null."
        )
    numbers = list(vocabulary.values()) if isinstance(vocabulary, dict) else []
    if (
        len(numbers) > _LARGEST
        or any(type(number) is not int for number in numbers)
        or sorted(numbers) != list(range(len(numbers)))
    ):
        raise CPCError(f"the numbers of its tokens must be 0, 1, 2, ... without a gap, and at most {_LARGEST:,}.")
    if isinstance(vocabulary, dict) and [vocabulary.get(token) for token in SPECIAL] != [PADDING, UNKNOWN]:
        found = [vocabulary.get(token) for token in SPECIAL]
        raise CPCError(f"{', '.join(SPECIAL)} have the numbers {found}, and must have {[PADDING, UNKNOWN]}: train it so.")
    added = content.get("added_tokens") or []
    names = (
        [token.get("content") if isinstance(token, dict) else None for token in added] if isinstance(added, list) else [None]
    )
    if any(name not in SPECIAL for name in names):
        raise CPCError(f"it adds tokens beside its vocabulary: only {', '.join(SPECIAL)} may be added.")


def _parts(part: Any) -> Iterator[Any]:
    """A part and, of a sequence, those in it."""
    waiting = [part] if part is not None else []
    while waiting:
        part = waiting.pop()
        yield part
        for name in ("normalizers", "pretokenizers"):
            inner = part.get(name) if isinstance(part, dict) else None
            waiting += inner if isinstance(inner, list) else []
