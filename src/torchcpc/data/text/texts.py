"""Documents of text in their order, read sentence by sentence as rows of token numbers, without holding the text in memory."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import dataclass
from inspect import Signature, signature
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, final

import numpy as np

from torchcpc.contracts import CPCError, Item, Progress, Skipped, silent
from torchcpc.data.files.find import find, shortest_tails
from torchcpc.data.files.found import FileKind, FoundFile, group_of, skip
from torchcpc.data.files.inspection import inspect_all
from torchcpc.data.files.table import SUFFIXES
from torchcpc.data.sources import SourceList, nothing_usable, positive
from torchcpc.data.text.documents import FileSentences, Sentences, folded
from torchcpc.data.text.sentence_index import RULES, SentenceIndex
from torchcpc.data.text.tables import SentenceTable, read_sentences
from torchcpc.data.text.tokens import UNKNOWN, check_vocabulary, encode, load_tokenizer, thinned

if TYPE_CHECKING:
    from tokenizers import Tokenizer

TEXT = FileKind("text document", (".txt", ".text"), (".pdf", ".docx", ".doc", ".odt", ".rtf", ".epub", ".html", ".htm"))
# Sentences looked at to tell whether a document is in the language of a vocabulary at all.
_SAMPLE = 200
# What is so many times longer than a sentence may be is none: a table, a list, or text without full stops. Worth a word.
_LONG = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Document(Item):
    """One text with its sentences."""

    sentences: Sentences


@final
class Texts(SourceList[Document]):
    """Sources that are documents; implements `contracts.Sources`.

    A position is a sentence: float32 [sentences, width] token numbers, 0 after the end of the sentence.

    Args:
        items: the documents.
        width: tokens that are read of a sentence.
        thin: see `tokens.thinned`; 0 reads training windows as they are.
        tokenizer: None until there is a vocabulary. Nothing can be read before.
        skipped: files that are not among the items.
        notes: what is not read of those that are.
    """

    noun = "documents"

    def __init__(
        self,
        items: Sequence[Document],
        *,
        width: int,
        thin: int = 0,
        tokenizer: Tokenizer | None = None,
        skipped: Sequence[Skipped] = (),
        notes: Sequence[Skipped] = (),
    ) -> None:
        if width < 1:
            raise CPCError(f"data.width = {width}: a sentence has at least 1 token. The paper's sentences have up to 32.")
        if thin < 0:
            raise CPCError(f"data.thin = {thin}: how many of the commonest words are thinned out, 0 for none.")
        super().__init__(items, skipped=skipped, notes=notes)
        self.width, self.thin, self.tokenizer = width, thin, tokenizer

    def length(self, index: int) -> int:
        return len(self.items[index].sentences)

    def with_tokenizer(self, tokenizer: Tokenizer) -> Self:
        """The same documents, read through another vocabulary."""
        chosen = copy(self)
        chosen.tokenizer = tokenizer
        return chosen

    def text(self, index: int, start: int = 0, count: int | None = None) -> list[str]:
        """Sentences start .. start+count of document `index` as they are written, each on one line; all of them by default."""
        stop = self.length(index) if count is None else start + max(0, count)
        return list(self.items[index].sentences[start:stop])

    def every_sentence(self, progress: Progress = silent) -> Iterator[str]:
        """All sentences of all documents, a thousand of one document in memory at a time. progress: (documents read, documents)."""
        for index in range(len(self)):
            progress(index, len(self))
            for start in range(0, self.length(index), 1_000):
                yield from self.text(index, start, 1_000)

    def read(self, index: int, start: int, count: int, rng: np.random.Generator | None = None) -> np.ndarray:
        """Sentences start .. start+count as tokens, thinned out where there is an rng. Raises CPCError if the file has gone or
        changed since the scan."""
        positive(start, self.items[index])
        if self.tokenizer is None:
            raise CPCError(
                "these documents have no vocabulary yet: `cpc train` learns one from the training documents, or name a "
                "tokenizer.json with data.tokenizer."
            )
        x_nL = encode(self.tokenizer, self.text(index, start, count), self.width)
        return thinned(x_nL, self.thin, rng) if self.thin and rng else x_nL


@dataclass(frozen=True, slots=True, kw_only=True)
class TextReader:
    """How documents are found and read: the settings of `scan_texts`.

    Args:
        splitting, language: how a text is split into sentences, see `sentences`.
        tokens, vocabulary: the kind ("words" or "bpe") and size of the vocabulary that `cpc train` learns without a `tokenizer`.
        width: tokens that are read of a sentence (paper: 32). Longer ones are cut.
        thin: number of the commonest words that are thinned out in training, see `tokens.thinned`.
        tokenizer: a tokenizer.json.
        group: the label column that names the group of a document (author). Default: each is its own.
    """

    splitting: str = "prose"
    language: str = "en"
    tokens: str = "words"
    vocabulary: int = 20_000
    width: int = 32
    thin: int = 0
    tokenizer: str = ""
    group: str = ""

    def __call__(self, roots: Sequence[str | Path], cache: Path | None, progress: Progress) -> Texts:
        check_vocabulary(self.tokens, self.vocabulary)
        tokenizer = load_tokenizer(Path(self.tokenizer)) if self.tokenizer else None
        files: list[FoundFile] = []
        items, skipped, others = _tables([Path(root) for root in roots])
        if others or not roots:
            files, faulty = find(others, TEXT)
            skipped += faulty
        index = SentenceIndex(cache.with_suffix("") if cache else None, self.splitting, self.language)
        remembered = cache.with_name(f"{cache.stem}-{self.splitting}-{self.language}-{RULES}.json") if cache else None

        def too_short(sentences: int, size: int, longest: int) -> str:
            return "one sentence only, and none after it to predict" if sentences < 2 else ""

        usable, faulty = inspect_all(files, index.inspect, count=3, fault=too_short, cache=remembered, progress=progress)
        skipped += faulty
        notes: list[Skipped] = []
        for file, (_, _, longest) in usable:
            group = group_of(file, self.group) if self.group else file.key
            sentences = FileSentences(file.path, index.starts(file.path))
            if tokenizer and not any_known(tokenizer, sentences[:_SAMPLE]):
                skipped.append(skip(file.path, f"no word of its first {_SAMPLE} sentences is in the vocabulary"))
                continue
            items.append(Document(file.key, group, file.labels, file.path, sentences=sentences))
            if longest > _LONG * self.width:
                notes.append(skip(file.path, f"of a sentence of {longest} words only the first {self.width} tokens are read"))
        if not items:
            raise nothing_usable(skipped, "documents", "text files")
        return Texts(items, width=self.width, thin=self.thin, tokenizer=tokenizer, skipped=skipped, notes=notes)


def scan_texts(roots: Sequence[str | Path], cache: Path | None = None, progress: Progress = silent, **settings: Any) -> Texts:
    """All usable documents of `roots`; the others are in `.skipped`, each with its reason.

    Files are split once, and what was found is remembered beside `cache`.

    Args:
        roots: folders of .txt files, single files, manifests of files, and tables of sentences. A table has a column `text` or
            `sentence`, and its rows are documents of one sentence.
        cache: file that remembers what was found in files.
        progress: hears of the files as they are split.
        settings: by keyword, see `TextReader`.

    Raises CPCError for a root that cannot be used, and when nothing can be.
    """
    return TextReader(**settings)(roots, cache, progress)


# The settings are its keyword-only parameters: to help(), and to the check of recipes.
scan_texts.__signature__ = Signature(
    [
        *list(signature(scan_texts).parameters.values())[:3],
        *signature(TextReader).parameters.values(),
    ]
)
scan_texts.__annotations__ |= TextReader.__annotations__


def any_known(tokenizer: Tokenizer, sentences: Sequence[str]) -> bool:
    """Whether any token of these sentences is in the vocabulary, signs apart."""
    encodings = tokenizer.encode_batch(list(sentences), add_special_tokens=False)
    pairs = (pair for encoding in encodings for pair in zip(encoding.ids, encoding.tokens, strict=True))
    return any(number != UNKNOWN and any(map(str.isalnum, token)) for number, token in pairs)


def _tables(roots: Sequence[Path]) -> tuple[list[Document], list[Skipped], list[Path]]:
    """The rows of those roots that are tables of sentences, what is wrong with some, and the other roots."""
    tables: dict[Path, SentenceTable] = {}
    first: dict[str, Path] = {}
    items: list[Document] = []
    skipped: list[Skipped] = []
    others = []
    for root in roots:
        table = read_sentences(root) if root.is_file() and root.suffix.lower() in SUFFIXES else None
        if table is None:
            others.append(root)
        elif (same := first.setdefault(os.path.realpath(root), root)) in tables:
            skipped.append(skip(root, f"the same table as {same}, named twice"))
        else:
            tables[root] = table
    for (path, table), name in zip(tables.items(), _names(list(tables)), strict=True):
        for number, (text, labels) in enumerate(zip(table.texts, table.labels, strict=True), start=1):
            key = f"{name}#{number}"
            if text.strip():
                items.append(Document(key, labels.get("group") or key, labels, path, sentences=[folded(text)]))
            else:
                skipped.append(skip(f"{path} row {number}", "empty text"))
    return items, skipped, others


def _names(tables: Sequence[Path]) -> list[str]:
    """A name for each table: its own without the ending, and with as many of its parent folders as tell the tables apart."""
    paths = [Path(os.path.abspath(table)) for table in tables]
    bare = [path.with_suffix("").parts for path in paths]
    # Of one folder, s.csv and s.tsv are told apart by their endings alone.
    tails = shortest_tails(bare if len(set(bare)) == len(paths) else [path.parts for path in paths])
    return [tail.lstrip("/") for tail in tails]
