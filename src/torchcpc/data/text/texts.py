"""Documents of text in their order, read sentence by sentence as rows of token numbers, without holding the text in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from inspect import Signature, signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self, final

import numpy as np
from annotated_types import Ge, Le

from torchcpc.contracts import CPCError, OneOf, Progress, Size, Skipped, Whole, silent
from torchcpc.data.files.find import find, parts_of_roots
from torchcpc.data.files.found import FileKind, FoundFile, group_of, skip
from torchcpc.data.files.inspection import inspect_all
from torchcpc.data.labels import label_notes
from torchcpc.data.sources import SourceList, nothing_usable, positive
from torchcpc.data.text.documents import RULES, Document, FileSentences, SentenceIndex, folded
from torchcpc.data.text.sentence_tables import read_tables
from torchcpc.data.text.sentences import SPLITTINGS
from torchcpc.data.text.tokenizer_files import load_tokenizer
from torchcpc.data.text.tokens import KINDS, SPECIAL, UNKNOWN, check_vocabulary, encode, thinned

if TYPE_CHECKING:
    from tokenizers import Tokenizer

TEXT_FILES = FileKind(
    "text document", (".txt", ".text"), (".pdf", ".docx", ".doc", ".odt", ".rtf", ".epub", ".html", ".htm"), group_columns=()
)
# Sentences looked at to tell whether a document is in the language of a vocabulary at all.
_SAMPLE = 200
# What is so many times longer than a sentence may be is none: a table, a list, or text without full stops. Worth a word.
_LONG = 20
TextSettings = Mapping[str, Any]
"""The resolved [data] section of a model."""


@final
class Texts(SourceList[Document]):
    """Sources that are documents; implements `contracts.Sources`.

    A position is a sentence: float32 [sentences, width] token numbers, 0 after the end of the sentence. width: tokens that are read of a
    sentence; thin: see `tokens.thinned`, 0 reads training windows as they are; tokenizer: None until there is a vocabulary, before which
    nothing can be read; skipped: files that are not among the items; notes: what is not read of those that are.
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
    """How documents are found and read: the settings of `scan_texts`, which says what they mean."""

    splitting: Annotated[str, OneOf(SPLITTINGS)] = "prose"
    language: str = "en"
    tokens: Annotated[str, OneOf(KINDS)] = "words"
    vocabulary: Annotated[int, Ge(len(SPECIAL) + 1), Le(1 << 24)] = 20_000
    width: Size = 32
    thin: Whole = 0
    tokenizer: str = ""
    group: str = ""


def scan_texts(roots: Sequence[str | Path], cache: Path | None = None, progress: Progress = silent, **settings: Any) -> Texts:
    """All usable documents of `roots`; the others are in `.skipped`, each with its reason.

    Args:
        roots: Folders of .txt files, single files, manifests of files, and tables of sentences: with a column `text` or `sentence`, their
            rows are documents of one sentence.
        cache: Files are split once, and what was found is remembered beside it.
        splitting: How a text becomes sentences. "prose" goes by rules, "lines" takes each line, "phrases" each stretch between marks.
        language: Code of the language, for the rules of "prose", for instance en or de.
        tokens: Kind of the vocabulary that is learned: whole words, or pieces of words (byte-pair encoding).
        vocabulary: Tokens of the vocabulary that is learned.
        width: Tokens that are read of a sentence. Longer sentences are cut.
        thin: Number of the commonest words of which training leaves out most, 0 for none.
        tokenizer: A tokenizer.json to use. Empty to learn a vocabulary from the training documents.
        group: Label column that names the group (author) of a document. Empty for each document by itself.

    Raises:
        CPCError: For a root that cannot be used, and when nothing can be.
    """
    asked = TextReader(**settings)
    check_vocabulary(asked.tokens, asked.vocabulary)
    tokenizer = load_tokenizer(Path(asked.tokenizer)) if asked.tokenizer else None
    files: list[FoundFile] = []
    parts = parts_of_roots([Path(root) for root in roots])
    items, skipped, notes, others = read_tables([Path(root) for root in roots], parts)
    if others or not roots:
        kind = replace(TEXT_FILES, group_columns=(asked.group,)) if asked.group else TEXT_FILES
        files, faulty, doubts = find(others, kind, parts)
        skipped, notes = skipped + faulty, notes + doubts
    index = SentenceIndex(cache.with_suffix("") if cache else None, asked.splitting, asked.language)
    remembered = cache.with_name(f"{cache.stem}-{asked.splitting}-{asked.language}-{RULES}.json") if cache else None

    def too_short(sentences: int, size: int, longest: int) -> str:
        return "one sentence only, and none after it to predict" if sentences < 2 else ""

    usable, faulty = inspect_all(files, index.inspect, count=3, fault=too_short, cache=remembered, progress=progress)
    skipped += faulty
    for file, (_, _, longest) in usable:
        group = group_of(file, asked.group) if asked.group else file.key
        sentences = FileSentences(file.path, index.starts(file.path))
        if tokenizer and not any_known(tokenizer, sentences[:_SAMPLE]):
            skipped.append(skip(file.path, f"no word of its first {_SAMPLE} sentences is in the vocabulary"))
            continue
        items.append(Document(file.key, group, file.labels, file.path, root=file.root, sentences=sentences))
        if longest > _LONG * asked.width:
            notes.append(skip(file.path, f"of a sentence of {longest} words only the first {asked.width} tokens are read"))
    if not items:
        raise nothing_usable(skipped, "documents", "text files")
    return Texts(
        items, width=asked.width, thin=asked.thin, tokenizer=tokenizer, skipped=skipped, notes=notes + label_notes(items)
    )


# The settings are its keyword-only parameters: to help(), and to the check of recipes.
_given = list(signature(scan_texts).parameters.values())[:3]
scan_texts.__signature__ = Signature([*_given, *signature(TextReader).parameters.values()])
scan_texts.__annotations__ |= TextReader.__annotations__


def any_known(tokenizer: Tokenizer, sentences: Sequence[str]) -> bool:
    """Whether any token of these sentences is in the vocabulary, signs apart."""
    encodings = tokenizer.encode_batch(list(sentences), add_special_tokens=False)
    pairs = (pair for encoding in encodings for pair in zip(encoding.ids, encoding.tokens, strict=True))
    return any(number != UNKNOWN and any(map(str.isalnum, token)) for number, token in pairs)


def from_strings(settings: TextSettings, documents: Sequence[Sequence[str]]) -> Texts:
    """Documents of sentences, tokenised as the model of these settings tokenises; keys are "typed-0" and so on. Raises CPCError for a model
    that reads no text, for a document without sentences, and for one without any word that the model knows: to the model all such documents
    are the same."""
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
    return [" ".join(piece.split()) for piece in SPLITTINGS[settings["splitting"]](text, settings["language"]) if piece.strip()]


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
