"""Read documents of text in order, sentence by sentence, as rows of token numbers.

The text stays on disk.
"""

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
# Sentences from which it is decided whether a document is in the language of a vocabulary.
_SAMPLE = 200
# A sentence that exceeds `width` by this factor is a table, a list, or text without full stops. It is worth a note.
_LONG = 20
TextSettings = Mapping[str, Any]
"""The resolved data settings of a model."""


@final
class Texts(SourceList[Document]):
    """Sources that are documents; a position is a sentence.

    Implements `contracts.Sources`. Reads give float32 [sentences, width] token numbers, 0 after the end of a sentence.

    Args:
        items: Usable documents.
        width: Tokens that are read of a sentence.
        thin: Number of the commonest words that training thins out (`tokens.thinned`), 0 for none.
        tokenizer: The vocabulary. None until there is one; until then nothing can be read.
        skipped: Files that are not among the items, each with its reason.
        notes: Remarks about parts of the items that are not read.
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
        """Return the sentences of document `index`."""
        return len(self.items[index].sentences)

    def with_tokenizer(self, tokenizer: Tokenizer) -> Self:
        """Return the same documents with another vocabulary.

        Args:
            tokenizer: The vocabulary.
        """
        chosen = copy(self)
        chosen.tokenizer = tokenizer
        return chosen

    def text(self, index: int, start: int = 0, count: int | None = None) -> list[str]:
        """Return sentences start .. start+count of a document as they are written, each on one line.

        Args:
            index: Number of the document.
            start: First sentence.
            count: Number of sentences. None for all from `start` on.
        """
        stop = self.length(index) if count is None else start + max(0, count)
        return list(self.items[index].sentences[start:stop])

    def every_sentence(self, progress: Progress = silent) -> Iterator[str]:
        """Yield all sentences of all documents.

        At most a thousand sentences are in memory at a time.

        Args:
            progress: Called with the number of documents read and of all documents.
        """
        for index in range(len(self)):
            progress(index, len(self))
            for start in range(0, self.length(index), 1_000):
                yield from self.text(index, start, 1_000)

    def read(self, index: int, start: int, count: int, rng: np.random.Generator | None = None) -> np.ndarray:
        """Read sentences start .. start+count as token numbers.

        Args:
            index: Number of the document.
            start: First sentence.
            count: Number of sentences.
            rng: Source of randomness for a training window, which is then thinned out.

        Raises:
            CPCError: If there is no vocabulary yet, or the file is gone or has changed since the scan.
        """
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
    """Settings of `scan_texts`, where their meaning is documented."""

    splitting: Annotated[str, OneOf(SPLITTINGS)] = "prose"
    language: str = "en"
    tokens: Annotated[str, OneOf(KINDS)] = "words"
    vocabulary: Annotated[int, Ge(len(SPECIAL) + 1), Le(1 << 24)] = 20_000
    width: Size = 32
    thin: Whole = 0
    tokenizer: str = ""
    group: str = ""


def scan_texts(roots: Sequence[str | Path], cache: Path | None = None, progress: Progress = silent, **settings: Any) -> Texts:
    """Find all usable documents.

    Files that cannot be used are listed in `.skipped`, each with its reason. A table with a column `text` or `sentence` is
    a table of sentences: each row is a document of one sentence.

    Args:
        roots: Folders of .txt files, single files, manifests of files, and tables of sentences.
        cache: File that stores the results of splitting, so that each file is split once.
        progress: Called as files are split.
        splitting: How a text becomes sentences. "prose" goes by rules, "lines" takes each line, "phrases" each stretch
            between marks.
        language: Code of the language, for the rules of "prose", for instance en or de.
        tokens: Kind of the vocabulary that is learned: whole words, or pieces of words (byte-pair encoding).
        vocabulary: Tokens of the vocabulary that is learned.
        width: Tokens that are read of a sentence. Longer sentences are cut.
        thin: Number of the commonest words of which training leaves out most, 0 for none.
        tokenizer: A tokenizer.json to use. Empty to learn a vocabulary from the training documents.
        group: Label column that names the group (author) of a document. Empty makes each document a group.

    Returns:
        The usable documents.

    Raises:
        CPCError: If a root cannot be used, or no document can.
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
        return "it has only one sentence, so there is none to predict" if sentences < 2 else ""

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


# help() and the check of recipes see the settings as keyword-only parameters.
_given = list(signature(scan_texts).parameters.values())[:3]
scan_texts.__signature__ = Signature([*_given, *signature(TextReader).parameters.values()])
scan_texts.__annotations__ |= TextReader.__annotations__


def any_known(tokenizer: Tokenizer, sentences: Sequence[str]) -> bool:
    """Return whether a vocabulary knows any token of these sentences, apart from signs."""
    encodings = tokenizer.encode_batch(list(sentences), add_special_tokens=False)
    pairs = (pair for encoding in encodings for pair in zip(encoding.ids, encoding.tokens, strict=True))
    return any(number != UNKNOWN and any(map(str.isalnum, token)) for number, token in pairs)


def from_strings(settings: TextSettings, documents: Sequence[Sequence[str]]) -> Texts:
    """Return documents from strings, with the tokens that a model reads.

    Their keys are "typed-0" and so on.

    Args:
        settings: Data settings of the model.
        documents: Sentences of each document.

    Raises:
        CPCError: If the model reads no text, or a document has no sentence or no known word. To the model, all documents
            without known words are the same.
    """
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
    """Return the sentences of a text, by the rules that split the model's own documents.

    Args:
        settings: Data settings of the model.
        text: The text.
    """
    require_text(settings)
    return [" ".join(piece.split()) for piece in SPLITTINGS[settings["splitting"]](text, settings["language"]) if piece.strip()]


def read_lines(path: Path) -> list[str]:
    """Return the lines of a UTF-8 file that are not blank. Raises CPCError if there is none."""
    return [" ".join(line.split()) for line in read_text(path).split("\n") if line.strip()]


def read_text(path: Path) -> str:
    """Return the text of a UTF-8 file. Raises CPCError if it is not UTF-8 or holds no text."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise CPCError(f"{path} cannot be read as UTF-8 text: {error}. Name a text file.") from None
    if not text.strip():
        raise CPCError(f"{path} holds no text. Write at least one sentence into it.")
    return text


def require_text(settings: TextSettings) -> None:
    """Check that these are the settings of a model that reads text.

    Args:
        settings: Data settings of the model.

    Raises:
        CPCError: If they are not.
    """
    if "splitting" not in settings:
        raise CPCError(f"this model reads {settings['name']}, not text: name a run that was trained on documents.")
