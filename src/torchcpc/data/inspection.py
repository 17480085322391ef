"""Every recording is decoded once, before anything is trained on it, and the verdict remembered."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from torchcpc.data.listed import Listed, Skipped, left_out
from torchcpc.data.verdict import Facts, inspect

# Of the cache file, and of the rules behind its verdicts: a change of either makes the next scan decode again.
FORMAT = 2


def inspect_all(
    listed: Sequence[Listed], *, cache: Path | None = None, progress: Callable[[int, int], None] | None = None
) -> list[Facts]:
    """Facts of every file, in order, remembered in `cache` by path, size and time of change."""
    remembered = _load(cache)
    stamps = [_stamp(entry.path) for entry in listed]
    facts = {number: remembered[stamp] for number, stamp in enumerate(stamps) if stamp in remembered}
    todo = [number for number in range(len(listed)) if number not in facts]
    known = len(facts)
    if progress:
        progress(known, len(listed))
    try:
        # libsndfile decodes outside the interpreter's lock, so threads share the work.
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


def sift(listed: Sequence[Listed], facts: Sequence[Facts], minimum_seconds: float) -> tuple[list[int], list[Skipped]]:
    """Positions of the files that can be used, and the others with the reason."""
    good, skipped = [], []
    for number, (entry, fact) in enumerate(zip(listed, facts, strict=True)):
        if fact.fault:
            skipped.append(left_out(entry.path, fact.fault))
        elif fact.frames < minimum_seconds * fact.rate:
            seconds = fact.frames / fact.rate
            skipped.append(left_out(entry.path, f"too short: {seconds:.3f} s of at least {minimum_seconds:g} s"))
        else:
            good.append(number)
    return good, skipped


def _stamp(path: Path) -> str:
    try:
        status = path.stat()
    except OSError:
        return ""
    return f"{os.path.realpath(path)}|{status.st_size}|{status.st_mtime_ns}"


def _load(cache: Path | None) -> dict[str, Facts]:
    """The remembered facts; a cache that is missing, damaged or of another version is as good as none."""
    try:
        content: Any = json.loads(cache.read_text(encoding="utf8")) if cache else {}
        return {stamp: _fact(row) for stamp, row in content["facts"].items()} if content["format"] == FORMAT else {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}


def _fact(row: list[Any]) -> Facts:
    rate, channels, frames, fault = row
    numbers = all(type(number) is int and number >= 0 for number in (rate, channels, frames))
    if not numbers or not isinstance(fault, str) or not (fault or (rate and channels and frames)):
        raise ValueError(f"not facts of a file: {row}")
    return Facts(rate, channels, frames, fault)


def _store(cache: Path, facts: dict[str, Facts]) -> None:
    rows = {stamp: [f.rate, f.channels, f.frames, f.fault] for stamp, f in facts.items()}
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
