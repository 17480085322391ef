"""Load and save tokenizer.json files, both our own and those from elsewhere.

The library `tokenizers` builds whatever such a file describes. That may be a regular expression that takes hours for a line
of text, or a replacement that turns it into gigabytes. Only parts whose cost is proportional to the text are accepted:
those that this package writes, and similar ones.
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
# Largest number of parts in a sequence. Each part is a pass over the text.
_MOST_PARTS = 16
# Largest vocabulary. The largest published one has a quarter of a million pieces.
_LARGEST = 1 << 22


def load_tokenizer(path: Path) -> Tokenizer:
    """Load a tokenizer.json of accepted parts.

    [PAD] has the number 0 and [UNK] the number 1. No code in the file is run.

    Args:
        path: The file.

    Raises:
        CPCError: If the file is no such tokenizer.
    """
    from tokenizers import Tokenizer

    if not os.path.isfile(path):
        raise CPCError(f"{path}: no tokenizer can be read there. Check data.tokenizer.")
    try:
        content = read_json(path)
        _check(content)
        tokenizer = Tokenizer.from_str(json.dumps(content))
        # The library misses absent special tokens only when it encodes.
        tokenizer.encode("a \N{REPLACEMENT CHARACTER}")
    except CPCError as error:
        raise CPCError(f"{path} is not a tokenizer.json for this package: {error}") from None
    except Exception as error:  # the library raises plain Exception
        raise CPCError(f"{path} is not a tokenizer.json: {one_line(error)}. Write it with the library tokenizers.") from None
    return tokenizer


def save_tokenizer(tokenizer: Tokenizer, path: Path) -> None:
    """Write a tokenizer to a file, whole or not at all.

    Args:
        tokenizer: The tokenizer.
        path: The file.
    """
    write_text(path, tokenizer.to_str())


def _check(content: Any) -> None:
    """Check that all parts are accepted, and that the tokens are numbered without a gap."""
    content = content if isinstance(content, dict) else {}
    for place, accepted in _ACCEPTED.items():
        parts = list(_parts(content.get(place)))
        for part in parts:
            kind = part.get("type") if isinstance(part, dict) else part
            if kind not in accepted:
                raise CPCError(f"its {place} is {shown(kind)}, and only {', '.join(accepted)} are accepted.")
        if len(parts) > _MOST_PARTS:
            raise CPCError(f"its {place} has {len(parts):,} parts, and at most {_MOST_PARTS} are accepted.")
    if odd := [name for name in _ELSEWHERE if content.get(name) is not None]:
        raise CPCError(f"it has a {odd[0]}, which is not supported: set it to null.")
    model = content.get("model")
    model = model if isinstance(model, dict) else {}
    vocabulary = model.get("vocab")
    if model.get("continuing_subword_prefix"):
        # The library panics if a piece of a merge is shorter than the prefix.
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
        raise CPCError(f"it adds tokens outside its vocabulary: only {', '.join(SPECIAL)} may be added.")


def _parts(part: Any) -> Iterator[Any]:
    """Yield a part and, for a sequence, its members."""
    waiting = [part] if part is not None else []
    while waiting:
        part = waiting.pop()
        yield part
        for name in ("normalizers", "pretokenizers"):
            inner = part.get(name) if isinstance(part, dict) else None
            waiting += inner if isinstance(inner, list) else []
