"""Open data with the reader that the settings name, and report what was skipped or is doubtful.

The scan of the files is cached in the user's cache folder.
"""

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
"""Data that a caller names or hands over: a folder or manifest, several of them, or open sources."""


def are_open(data: Data | None) -> TypeGuard[Sources]:
    """Return whether `data` are open sources and not names."""
    return data is not None and not isinstance(data, str | Path | Sequence)


def named_roots(data: object) -> list[str]:
    """Return the folders and manifests that `data` names, as absolute paths. Open sources give none.

    Raises:
        CPCError: For names that cannot be paths.
    """
    named = [data] if isinstance(data, str | Path) else data if isinstance(data, Sequence) else []
    try:
        return [str(Path(root).resolve()) for root in named]
    except (ValueError, OSError, RuntimeError) as error:  # a NUL character, half a character, or links in a circle
        raise CPCError(
            f"{shown(list(map(str, named)))} cannot be the names of data: {one_line(error)}. Correct them."
        ) from None


def open_sources(
    data: DataSettings, roots: Sequence[str | Path] = (), listener: Listener = QUIET, given: set[str] | None = None
) -> Sources:
    """Return the sources of a resolved [data] section.

    Args:
        data: Settings of the section.
        roots: Folders and manifests to read.
        listener: Shows the progress of the scan and the notes.
        given: Notes that were given before, see `tell`.

    Raises:
        CPCError: If the reader needs roots and there are none.
    """
    domain, places = DOMAINS[data["name"]], named_roots(roots)
    if not places and domain.needs_data:
        raise CPCError("no data was named: give one or more folders or manifests.")
    # The cache of the scan lies in the user's cache folder, so that nothing is written next to the data.
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    name = blake2b("\0".join(places).encode(), digest_size=8).hexdigest()
    with listener.stage("scanning") as progress:
        sources = construct({domain.name: domain.reader}, data, places, base / "torchcpc" / f"scan-{name}.json", progress)
    tell(listener, sources, given)
    return sources


def open_with_test(
    data: DataSettings, roots: Sequence[str | Path], test_roots: Sequence[str | Path], listener: Listener = QUIET
) -> Sources:
    """Return the sources in `roots` and in `test_roots`. Their label `split` marks all sources in `test_roots` as the test part.

    Sources in `roots` that already have the split "test" are neither trained nor tested on. A file that is in both is tested on, and
    not trained on.

    Args:
        data: Settings of the section [data].
        roots: Folders and manifests to train on.
        test_roots: Folders and manifests to test on.
        listener: Shows the progress of the scan and the notes.

    Raises:
        CPCError: For a root that is named twice, and if nothing can be read in either.
    """
    training, testing = named_roots(roots), named_roots(test_roots)
    if both := set(training) & set(testing):
        raise CPCError(f"{min(both)} is named as both DATA and test data: name different files to train on and to test on.")
    # If both hold a file, the first one is kept, so the test data come first.
    sources = open_sources(data, [*testing, *training], listener)
    tested = [item.root in testing for item in sources.items]
    if len(set(tested)) < 2:
        raise CPCError(
            f"no source of {'DATA' if any(tested) else 'the test data'} can be read: name other files, or see what was skipped."
        )
    own = sources.labels(SPLIT)
    parts = [TEST if test else TRAIN if part_of(label) != TEST else "" for test, label in zip(tested, own, strict=True)]
    if left := parts.count(""):
        listener.note(f"note: not used for training or testing: {counted(left, 'source')} of DATA that the split marks as test")
    return sources.relabelled(SPLIT, parts)


def tell(listener: Listener, sources: Sources, given: set[str] | None = None) -> None:
    """Note what was skipped or is doubtful in these sources, one line for each kind of fact.

    Args:
        listener: Receives the notes.
        sources: The opened sources.
        given: Notes that were given before. They are not repeated, and new ones are added.
    """
    known = set[str]() if given is None else given
    # The note on skipped files begins with their number, so it is given as a whole.
    for text in ("\n".join(skip_lines(sources.skipped, len(sources))), *note_lines(sources.notes)):
        if text and text not in known:
            known.add(text)
            for line in text.split("\n"):
                listener.note(line)
