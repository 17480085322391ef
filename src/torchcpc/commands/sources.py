"""Opening the data of a command: the reader that the settings name, with a bar, a cache and a list of what was left out."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

from torchcpc.commands.progress import bar, console
from torchcpc.contracts import CPCError
from torchcpc.settings import construct


def cache_file(roots: Sequence[str]) -> Path:
    """Where the scan of these roots is remembered: outside the data, in the user's cache folder."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    name = blake2b("\0".join(roots).encode(), digest_size=8).hexdigest()
    return base / "torchcpc" / f"scan-{name}.json"


def open_sources(section: Mapping[str, Any], data: Sequence[str]) -> Any:
    """The sources of a resolved [data] section, found in `data` (a reader of `WITHOUT_ROOTS` needs none)."""
    from torchcpc.data import READERS, WITHOUT_ROOTS

    roots = [str(Path(root).resolve()) for root in data]
    if not roots and section["name"] not in WITHOUT_ROOTS:
        raise CPCError("no data was named: give one or more folders or manifests.")
    with bar("scanning") as show:
        sources = construct(READERS, section, roots, cache_file(roots), show)
    if sources.skipped:
        console.print(f"skipped {len(sources.skipped)} of {len(sources.skipped) + len(sources)} files, for instance:")
        for skipped in sources.skipped[:5]:
            console.print(f"  {skipped.path}: {skipped.reason}")
    for note in getattr(sources, "notes", [])[:5]:
        console.print(f"note: {note.path}: {note.reason}")
    return sources


def roots_of(run: str) -> list[str]:
    """The data that a run was trained on; none for a saved model that is no run."""
    from torchcpc.runs.pretrain import read_run

    return read_run(Path(run))["roots"] if (Path(run) / "settings.json").is_file() else []


def as_read_by(sources: Any, config: Mapping[str, Any]) -> Any:
    """The sources as the model of `config` takes them: text through its own vocabulary, all else as it is."""
    if not config["data"].get("tokenizer"):
        return sources
    from torchcpc.data.text.tokens import load_tokenizer

    return sources.with_tokenizer(load_tokenizer(Path(config["data"]["tokenizer"])))
