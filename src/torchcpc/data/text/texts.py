"""Documents of text in their order, read sentence by sentence as rows of token numbers, without holding the text in memory."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np

from torchcpc.contracts import CPCError
from torchcpc.data.files.find import find
from torchcpc.data.files.found import Kind, Listed, Skipped, group_of, left_out
from torchcpc.data.files.inspection import inspect_all
from torchcpc.data.text.documents import InFile, InTable, Sentences
from torchcpc.data.text.sentence_index import RULES, Splitter, TextFacts
from torchcpc.data.text.tables import TEXT_TABLES, read_text_table
from torchcpc.data.text.tokens import UNKNOWN, check_vocabulary, encode, load_tokenizer, thinned

if TYPE_CHECKING:
    from tokenizers import Tokenizer

TEXT = Kind("text document", (".txt", ".text"), (".pdf", ".docx", ".doc", ".odt", ".rtf", ".epub", ".html", ".htm"))
# Sentences looked at to tell whether a document is in the language of a vocabulary at all.
_SAMPLE = 200
# What is so many times longer than a sentence may be is none: a table, a list, or text without full stops. Worth a word.
_LONG = 20


@dataclass(frozen=True, slots=True)
class Document:
    """One source: a unique key, its file, the name of its group, its labels by column, and its sentences."""

    key: str
    path: Path
    group: str
    labels: Mapping[str, str]
    sentences: Sentences


class Texts:
    """Sources that are documents; implements `contracts.Sources`: a position is a sentence, float32 [sentences, width] token numbers
    with 0 after the end of the sentence. `tokenizer` is None until there is a vocabulary, and nothing can be read before. skipped: files
    that are not among the items, notes: what is not read of those that are, each with its reason.
    """

    rate: float = 1.0  # sentences have no clock
    hours: float = 0.0

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
        self.items, self.width, self.thin, self.tokenizer = list(items), width, thin, tokenizer
        self.skipped, self.notes = list(skipped), list(notes)
        self.groups = sorted({item.group for item in items})
        self._number = {name: number for number, name in enumerate(self.groups)}

    def __len__(self) -> int:
        return len(self.items)

    def length(self, index: int) -> int:
        return len(self.items[index].sentences)

    def group(self, index: int) -> int:
        return self._number[self.items[index].group]

    def labels(self, column: str) -> list[str]:
        """One label per document; an empty string where it has none."""
        return [item.labels.get(column) or (item.group if column == "group" else "") for item in self.items]

    def select(self, indices: Sequence[int]) -> Self:
        """The documents at `indices`, in that order; groups keep their numbers."""
        own = {"width": self.width, "thin": self.thin, "tokenizer": self.tokenizer}
        chosen = type(self)([self.items[i] for i in indices], **own, skipped=self.skipped, notes=self.notes)
        chosen.groups, chosen._number = self.groups, self._number
        return chosen

    def with_tokenizer(self, tokenizer: Tokenizer) -> Self:
        """The same documents, read through another vocabulary."""
        chosen = self.select(range(len(self)))
        chosen.tokenizer = tokenizer
        return chosen

    def text(self, index: int, start: int = 0, count: int | None = None) -> list[str]:
        """Sentences start .. start+count of document `index` as they are written, each on one line; all of them by default."""
        stop = self.length(index) if count is None else start + max(0, count)
        return self.items[index].sentences.take(start, stop)

    def every_sentence(self, progress: Callable[[int, int], None] = lambda done, total: None) -> Iterator[str]:
        """All sentences of all documents, a thousand of one document in memory at a time. progress: (documents read, documents)."""
        for index in range(len(self)):
            progress(index, len(self))
            for start in range(0, self.length(index), 1_000):
                yield from self.text(index, start, 1_000)

    def read(self, index: int, start: int, count: int, rng: np.random.Generator | None = None) -> np.ndarray:
        """Sentences start .. start+count as tokens, thinned out where there is an rng. Raises CPCError if the file has gone or
        changed since the scan."""
        if start < 0:
            raise CPCError(f"start = {start} in {self.items[index].key}: positions count from 0.")
        if self.tokenizer is None:
            raise CPCError(
                "these documents have no vocabulary yet: `cpc train` learns one from the training documents, or name a "
                "tokenizer.json with data.tokenizer."
            )
        x_nL = encode(self.tokenizer, self.text(index, start, count), self.width)
        return thinned(x_nL, self.thin, rng) if self.thin and rng else x_nL


def scan_texts(
    roots: Sequence[str | Path],
    cache: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
    *,
    splitting: str = "prose",
    language: str = "en",
    tokens: str = "words",
    vocabulary: int = 20_000,
    width: int = 32,
    thin: int = 0,
    tokenizer: str = "",
    group: str = "",
) -> Texts:
    """All usable documents that `roots` name: folders of .txt files, single files, manifests of files, and tables of sentences (a
    column `text` or `sentence`), whose rows are documents of one sentence. The others are in `.skipped`, each with its reason.

    splitting, language: see `sentences`; tokens, vocabulary: "words" or "bpe", and how many, of what `cpc train` learns where
    `tokenizer` names no tokenizer.json; width: tokens of a sentence that are read (paper: 32), longer ones are cut; thin: of so many of the
    commonest words most are left out in training, see `tokens.thinned`; group: the label
    column that names the group of a document (author), by default each is its own. Files are split once, and what was found is remembered
    beside `cache`. Raises CPCError for a root that cannot be used, and when nothing can be.
    """
    check_vocabulary(tokens, vocabulary)
    known = load_tokenizer(Path(tokenizer)) if tokenizer else None
    listed: list[Listed] = []
    items, skipped, files = _tables([Path(root) for root in roots])
    if files or not roots:
        listed, faulty = find(files, TEXT)
        skipped += faulty
    splitter = Splitter(cache.with_suffix("") if cache else None, splitting, language)
    remembered = cache.with_name(f"{cache.stem}-{splitting}-{language}-{RULES}.json") if cache else None
    notes: list[Skipped] = []
    facts = inspect_all(listed, splitter.inspect, TextFacts, cache=remembered, progress=progress)
    for entry, fact in zip(listed, facts, strict=True):
        if fault := fact.fault or ("one sentence only, and none after it to predict" if fact.sentences < 2 else ""):
            skipped.append(left_out(entry.path, fault))
            continue
        own = group_of(entry, group) if group else entry.key
        document = Document(entry.key, entry.path, own, entry.labels, InFile(entry.path, splitter.starts(entry.path)))
        if known and not any_known(known, document.sentences.take(0, _SAMPLE)):
            skipped.append(left_out(entry.path, f"no word of its first {_SAMPLE} sentences is in the vocabulary"))
            continue
        items.append(document)
        if fact.longest > _LONG * width:
            notes.append(left_out(entry.path, f"of a sentence of {fact.longest} words only the first {width} tokens are read"))
    if not items:
        reasons = "; ".join(f"{s.path}: {s.reason}" for s in skipped[:3])
        raise CPCError(f"none of {len(skipped)} documents can be used, for instance {reasons}. Name a folder of text files.")
    return Texts(items, width=width, thin=thin, tokenizer=known, skipped=skipped, notes=notes)


def any_known(tokenizer: Tokenizer, sentences: Sequence[str]) -> bool:
    """Whether any token of these sentences is in the vocabulary, signs apart."""
    found = tokenizer.encode_batch(list(sentences), add_special_tokens=False)
    pairs = (pair for encoded in found for pair in zip(encoded.ids, encoded.tokens, strict=True))
    return any(number != UNKNOWN and any(map(str.isalnum, token)) for number, token in pairs)


def _tables(places: Sequence[Path]) -> tuple[list[Document], list[Skipped], list[Path]]:
    """The rows of those places that are tables of sentences, what is wrong with some, and the other places."""
    tables: dict[Path, tuple[list[str], list[dict[str, str]]]] = {}
    real: dict[str, Path] = {}
    items: list[Document] = []
    skipped: list[Skipped] = []
    files = []
    for place in places:
        table = read_text_table(place) if place.is_file() and place.suffix.lower() in TEXT_TABLES else None
        if table is None:
            files.append(place)
        elif (first := real.setdefault(os.path.realpath(place), place)) in tables:
            skipped.append(left_out(place, f"the same table as {first}, named twice"))
        else:
            tables[place] = table
    for (place, table), name in zip(tables.items(), _names(list(tables)), strict=True):
        rows, faulty = _rows(place, name, *table)
        items += rows
        skipped += faulty
    return items, skipped, files


def _names(tables: Sequence[Path]) -> list[str]:
    """A name for each table: its own without the ending, and with as many of its parent folders as tell the tables apart."""
    places = [Path(os.path.abspath(table)) for table in tables]
    bare = [place.with_suffix("").parts for place in places]
    # Of one folder, s.csv and s.tsv are told apart by their endings alone.
    parts = bare if len(set(bare)) == len(places) else [place.parts for place in places]
    deepest = max(map(len, parts), default=1)
    depth = next(d for d in range(1, deepest + 1) if len({own[-d:] for own in parts}) == len(places))
    return ["/".join(own[-depth:]).lstrip("/") for own in parts]


def _rows(table: Path, name: str, texts: list[str], labels: list[dict[str, str]]) -> tuple[list[Document], list[Skipped]]:
    items, skipped = [], []
    for number, (text, own) in enumerate(zip(texts, labels, strict=True), start=1):
        key = f"{name}#{number}"
        if text.strip():
            items.append(Document(key, table, own.get("group") or key, own, InTable([text])))
        else:
            skipped.append(left_out(f"{table} row {number}", "empty text"))
    return items, skipped
