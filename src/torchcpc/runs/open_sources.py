"""Opening data: the reader that the settings name, with a cache in the user's folder, and a word on what was skipped or is doubtful."""

import os
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import TypeGuard

from torchcpc.contracts import QUIET, CPCError, Listener, Sources, note_lines, skip_lines
from torchcpc.domains import DOMAINS, DataSettings
from torchcpc.settings import construct

Data = str | Path | Sequence[str | Path] | Sources
"""Data as they are named or handed over: a folder or manifest, several, or sources that are open already."""


def are_open(data: Data | None) -> TypeGuard[Sources]:
    """Whether `data` is handed over, not named."""
    return data is not None and not isinstance(data, str | Path | Sequence)


def named_roots(data: Data | None) -> list[str]:
    """The folders and manifests that `data` names, as absolute paths; none where it is open already."""
    named = [data] if isinstance(data, str | Path) else data if isinstance(data, Sequence) else []
    return [str(Path(root).resolve()) for root in named]


def open_sources(data: DataSettings, roots: Sequence[str | Path] = (), listener: Listener = QUIET) -> Sources:
    """The sources of a resolved [data] section, found in `roots`. Raises CPCError where the reader needs roots and there are none."""
    domain, places = DOMAINS[data["name"]], named_roots(roots)
    if not places and domain.needs_data:
        raise CPCError("no data was named: give one or more folders or manifests.")
    # The scan is remembered outside the data, in the user's cache folder.
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    name = blake2b("\0".join(places).encode(), digest_size=8).hexdigest()
    with listener.stage("scanning") as progress:
        sources = construct({domain.name: domain.reader}, data, places, base / "torchcpc" / f"scan-{name}.json", progress)
    tell(listener, sources)
    return sources


def tell(listener: Listener, sources: Sources) -> None:
    """What reading these sources brought to light, each kind of fact in one line."""
    for line in (*skip_lines(sources.skipped, len(sources)), *note_lines(sources.notes)):
        listener.note(line)
