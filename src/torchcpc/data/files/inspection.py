"""Every file is decoded once, before anything is trained on it, and the verdict remembered."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from pathlib import Path
from typing import Any, Protocol, TypeVar

from torchcpc.data.files.found import Listed

# Of the cache file, and of the rules behind its verdicts: a change of either makes the next scan decode again.
FORMAT = 3


class Verdict(Protocol):
    """A dataclass of what decoding a file told: whole numbers, each above 0 unless there is a fault, then these two."""

    @property
    def fault(self) -> str: ...

    @property
    def lasting(self) -> bool: ...


V = TypeVar("V", bound=Verdict)


def inspect_all(
    listed: Sequence[Listed],
    inspect: Callable[[Path], V],
    facts_of: Callable[..., V],
    *,
    cache: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[V]:
    """What `inspect` tells of every file, in order, remembered in `cache` by path, size and time of change.

    facts_of(*numbers, fault): makes what `inspect` returns from what was remembered.
    """
    remembered = _load(cache, facts_of)
    stamps = [_stamp(entry.path) for entry in listed]
    facts = {number: remembered[stamp] for number, stamp in enumerate(stamps) if stamp in remembered}
    todo = [number for number in range(len(listed)) if number not in facts]
    known = len(facts)
    if progress:
        progress(known, len(listed))
    try:
        # Decoders work outside the interpreter's lock, so threads share the work.
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for number, fact in zip(todo, pool.map(lambda n: inspect(listed[n].path), todo), strict=True):
                facts[number] = fact
                if progress:
                    progress(len(facts), len(listed))
    finally:
        # Also when it is interrupted: the next scan goes on from there.
        if cache and len(facts) > known:
            lasting = {stamps[number]: fact for number, fact in facts.items() if stamps[number] and fact.lasting}
            _store(cache, remembered | lasting)
    return [facts[number] for number in range(len(listed))]


def _stamp(path: Path) -> str:
    try:
        status = path.stat()
    except OSError:
        return ""
    return f"{os.path.realpath(path)}|{status.st_size}|{status.st_mtime_ns}"


def _load(cache: Path | None, facts_of: Callable[..., V]) -> dict[str, V]:
    """The remembered facts; a cache that is missing, damaged or of another version is as good as none."""
    try:
        content: Any = json.loads(cache.read_text(encoding="utf8")) if cache else {}
        return {stamp: _fact(row, facts_of) for stamp, row in content["facts"].items()} if content["format"] == FORMAT else {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}


def _fact(row: list[Any], facts_of: Callable[..., V]) -> V:
    *numbers, fault = row
    whole = all(type(number) is int and number >= 0 for number in numbers)
    if not whole or not isinstance(fault, str) or not (fault or all(numbers)):
        raise ValueError(f"not facts of a file: {row}")
    return facts_of(*numbers, fault)


def _store(cache: Path, facts: dict[str, Any]) -> None:
    rows = {stamp: [getattr(f, field.name) for field in fields(f) if field.name != "lasting"] for stamp, f in facts.items()}
    partial = None
    try:
        cache.parent.mkdir(parents=True, exist_ok=True)
        # A name of its own: two commands may scan the same data at once.
        with tempfile.NamedTemporaryFile("w", dir=cache.parent, prefix=cache.name, encoding="utf8", delete=False) as file:
            partial = Path(file.name)
            json.dump({"format": FORMAT, "facts": rows}, file)
        partial.replace(cache)
    except OSError:
        # The cache only saves time; a read-only home must not stop the work.
        if partial:
            partial.unlink(missing_ok=True)
