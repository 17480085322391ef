"""Turn sentences into rows of token numbers.

The library `tokenizers` learns the vocabulary, which is kept as its tokenizer.json.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from torchcpc.contracts import CPCError, check_choice

if TYPE_CHECKING:
    from tokenizers import Tokenizer

# These numbers are part of the format of tokenizer.json in this package.
PADDING, UNKNOWN = 0, 1
SPECIAL = ["[PAD]", "[UNK]"]
KINDS = ("words", "bpe")
# Sentences whose tokens are counted at a time.
_COUNTED = 1_000


def learn(sentences: Callable[[], Iterable[str]], *, kind: str, size: int) -> Tokenizer:
    """Learn a lower-case vocabulary from sentences.

    A word is a run of letters and digits, or a run of other signs. The number of a token is its rank by frequency, after
    [PAD] and [UNK].

    Args:
        sentences: Called for each pass over the text: one for words, two for pieces.
        kind: "words" for the most frequent words, "bpe" for pieces of words, which include all single letters.
        size: Number of words, or about the number of pieces.

    Returns:
        The tokenizer.

    Raises:
        CPCError: If the kind is unknown, or the text holds no words.
    """
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

    check_vocabulary(kind, size)
    unknown, words = SPECIAL[UNKNOWN], kind == "words"
    tokenizer = Tokenizer(models.WordLevel(unk_token=unknown) if words else models.BPE(unk_token=unknown))
    train = trainers.WordLevelTrainer if words else trainers.BpeTrainer
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])  # pyright: ignore[reportAttributeAccessIssue]
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()  # pyright: ignore[reportAttributeAccessIssue]
    tokenizer.train_from_iterator(sentences(), train(vocab_size=size, special_tokens=SPECIAL, show_progress=False))
    if tokenizer.get_vocab_size() <= len(SPECIAL):
        raise CPCError("the training documents hold no word. Name documents of text.")
    # Words come in this order. Pieces come in the order of their merging, which says little about how often a piece is
    # used.
    return tokenizer if words else _by_frequency(tokenizer, sentences())


def _by_frequency(tokenizer: Tokenizer, sentences: Iterable[str]) -> Tokenizer:
    count_V = np.zeros(tokenizer.get_vocab_size(), dtype=np.int64)
    remaining = iter(sentences)
    while batch := list(islice(remaining, _COUNTED)):
        for encoded in tokenizer.encode_batch_fast(batch, add_special_tokens=False):
            np.add.at(count_V, encoded.ids, 1)
    content = json.loads(tokenizer.to_str())
    number = content["model"]["vocab"]
    others = sorted(set(number) - set(SPECIAL), key=lambda token: (-count_V[number[token]], number[token]))
    content["model"]["vocab"] = {token: rank for rank, token in enumerate([*SPECIAL, *others])}
    return tokenizer.from_str(json.dumps(content))


def check_vocabulary(kind: str, size: int) -> None:
    """Check the kind and the size of a vocabulary.

    Args:
        kind: One of `KINDS`.
        size: Number of tokens.

    Raises:
        CPCError: If `learn` cannot learn it.
    """
    check_choice("data.tokens", kind, KINDS)
    if size <= len(SPECIAL):
        raise CPCError(f"data.vocabulary = {size}: it must hold more than {', '.join(SPECIAL)}. The paper's is 20000.")


def encode(tokenizer: Tokenizer, sentences: Sequence[str], width: int) -> np.ndarray:
    """Return the token numbers of sentences, from the left, with 0 after the last.

    Longer sentences are cut. No row is empty: a sentence without any token becomes one unknown token.

    Args:
        tokenizer: The vocabulary.
        sentences: n sentences.
        width: Tokens of a row.

    Returns:
        Token numbers as float32 [n, width].
    """
    x_nL = np.zeros((len(sentences), width), dtype=np.float32)
    for row, encoded in zip(x_nL, tokenizer.encode_batch_fast(list(sentences), add_special_tokens=False), strict=True):
        numbers = encoded.ids[:width] or [UNKNOWN]
        row[: len(numbers)] = numbers
    return x_nL


def thinned(x_nL: np.ndarray, common: int, rng: np.random.Generator) -> np.ndarray:
    """Leave out most of the commonest words at random, and move up the rest.

    The rarest word of a row always stays. If numbers are ranks by frequency, as `learn` gives them, the r-th word is kept
    with probability sqrt(r / common). Mikolov et al. 2013 (arXiv:1310.4546, eq. 5) keep a word of frequency f with
    probability sqrt(t / f), and by Zipf's law f falls as 1 / r.

    Args:
        x_nL: Rows of token numbers.
        common: Number of words that are thinned out.
        rng: Source of randomness.
    """
    rank_nL = np.maximum(x_nL - UNKNOWN, 1)
    keep_nL = (x_nL != PADDING) & (rng.random(x_nL.shape) < np.sqrt(rank_nL / common))
    keep_nL[np.arange(len(x_nL)), x_nL.argmax(axis=1)] = True
    order_nL = np.argsort(~keep_nL, axis=1, kind="stable")
    return np.take_along_axis(np.where(keep_nL, x_nL, np.float32(PADDING)), order_nL, axis=1)
