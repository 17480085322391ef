"""Opening data: the reader that the settings name, with a cache in the user's folder, and a word on what was skipped or is doubtful."""

import os
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import TypeGuard

from torchcpc.contracts import QUIET, CPCError, Listener, Sources, counted, note_lines, one_line, shown, skip_lines
from torchcpc.data.names import SPLIT, TEST, TRAIN, part_of
from torchcpc.domains import DOMAINS, DataSettings
from torchcpc.settings import construct

Data = str | Path | Sequence[str | Path] | Sources
"""Data as they are named or handed over: a folder or manifest, several, or sources that are open already."""


def are_open(data: Data | None) -> TypeGuard[Sources]:
    """Whether `data` is handed over, not named."""
    return data is not None and not isinstance(data, str | Path | Sequence)


def named_roots(data: object) -> list[str]:
    """The folders and manifests that `data` names, as absolute paths; none where it is open already."""
    named = [data] if isinstance(data, str | Path) else data if isinstance(data, Sequence) else []
    try:
        return [str(Path(root).resolve()) for root in named]
    except (ValueError, OSError, RuntimeError) as error:  # NUL, half a character, links in a circle
        raise CPCError(
            f"{shown(list(map(str, named)))} cannot be the names of data: {one_line(error)}. Correct them."
        ) from None


def open_sources(
    data: DataSettings, roots: Sequence[str | Path] = (), listener: Listener = QUIET, told: set[str] | None = None
) -> Sources:
    """The sources of a resolved [data] section, found in `roots`. told: see `tell`. Raises CPCError where the reader needs roots and there
    are none."""
    domain, places = DOMAINS[data["name"]], named_roots(roots)
    if not places and domain.needs_data:
        raise CPCError("no data was named: give one or more folders or manifests.")
    # The scan is remembered outside the data, in the user's cache folder.
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    name = blake2b("\0".join(places).encode(), digest_size=8).hexdigest()
    with listener.stage("scanning") as progress:
        sources = construct({domain.name: domain.reader}, data, places, base / "torchcpc" / f"scan-{name}.json", progress)
    tell(listener, sources, told)
    return sources


def open_with_test(
    data: DataSettings, roots: Sequence[str | Path], test_roots: Sequence[str | Path], listener: Listener = QUIET
) -> Sources:
    """The sources in `roots` and in `test_roots`, whose label `split` says that those of `test_roots` are the test part, all of them. Of
    the others those that are a test part of their own take no part. A file in both is tested on, and not trained on.

    Raises:
        CPCError: For a root that is named as both, and where either holds nothing that can be read.
    """
    training, testing = named_roots(roots), named_roots(test_roots)
    if both := set(training) & set(testing):
        raise CPCError(
            f"{min(both)} is named as both DATA and test data: name what is trained on, and apart from it what is tested on."
        )
    # Of a file that both hold the first is kept.
    sources = open_sources(data, [*testing, *training], listener)
    tested = [item.root in testing for item in sources.items]
    if len(set(tested)) < 2:
        raise CPCError(
            f"no source of {'DATA' if any(tested) else 'the test data'} can be read: name other files, or see what was skipped."
        )
    own = sources.labels(SPLIT)
    parts = [TEST if test else TRAIN if part_of(label) != TEST else "" for test, label in zip(tested, own, strict=True)]
    if left := parts.count(""):
        listener.note(
            f"note: {counted(left, 'source')} of DATA whose split is a test part of its own: neither trained nor tested on."
        )
    return sources.relabelled(SPLIT, parts)


def tell(listener: Listener, sources: Sources, told: set[str] | None = None) -> None:
    """What reading these sources brought to light, each kind of fact in one line. told: what was said before and is not said again."""
    known = set[str]() if told is None else told
    # What was skipped is said under one number, so as a whole.
    for text in ("\n".join(skip_lines(sources.skipped, len(sources))), *note_lines(sources.notes)):
        if text and text not in known:
            known.add(text)
            for line in text.split("\n"):
                listener.note(line)
