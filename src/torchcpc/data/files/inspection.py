"""Decode every file once before training, and store what was found."""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from time import process_time
from typing import TypeGuard

from torchcpc.atomic import write_text
from torchcpc.contracts import CPCError, Progress, Skipped, silent
from torchcpc.data.files.found import FoundFile, skip, without_collecting

# Version of the cache file and of the rules of the inspection. A change of either makes the next scan decode again.
FORMAT = 4
# Bytes of a cache of one or two million files. A larger file is not ours and could fill the memory.
_LARGEST_CACHE = 1 << 27
# After each block of this many files, it is decided anew whether threads share the work. They do for files of more bytes or
# seconds of computing than these. For smaller files the lock of the interpreter makes two threads slower than one.
_BLOCK, _LARGE, _SLOW_S = 256, 1 << 16, 5e-4

Stamp = tuple[int, int]
Rows = dict[str, dict[str, list[object]]]
"""Stored results: real folder -> file name -> bytes, time of change in ns, numbers, fault."""


@dataclass(frozen=True, slots=True)
class Facts:
    """Result of decoding a file.

    Attributes:
        numbers: Properties of a usable file, each above 0. The reader knows their meaning.
        fault: Why the file cannot be used, or "".
        lasting: Whether the result holds until the file changes. A file that cannot be opened may be readable later.
    """

    numbers: tuple[int, ...] = ()
    fault: str = ""
    lasting: bool = True


def inspect_all(
    files: Sequence[FoundFile],
    inspect: Callable[[Path], Facts],
    *,
    count: int,
    fault: Callable[..., str] = lambda *numbers: "",
    cache: Path | None = None,
    progress: Progress = silent,
) -> tuple[list[tuple[FoundFile, tuple[int, ...]]], list[Skipped]]:
    """Inspect files, and separate the usable ones from the others.

    Args:
        files: Files to inspect.
        inspect: Function that decodes one file.
        count: Numbers that `inspect` returns for a usable file.
        fault: Maps these numbers to the reason why a decoded file cannot be used, or "".
        cache: File that stores results by path, size and time of change.
        progress: Called as files are inspected.

    Returns:
        The usable files with their numbers, and the skipped files with their reasons.
    """
    with without_collecting():
        rows = _load(cache)
        stamps = [file.stamp or _stamp(file.path) for file in files]
        facts: list[Facts | None] = [_remembered(rows, file, stamp, count) for file, stamp in zip(files, stamps, strict=True)]
    todo = [number for number, known in enumerate(facts) if known is None]
    progress(done := len(files) - len(todo), len(files))
    try:
        for number, fact in zip(todo, _inspected(files, stamps, todo, inspect), strict=True):
            facts[number] = fact
            progress(done := done + 1, len(files))
    finally:
        # Results are stored after an interruption too: the next scan goes on from there.
        if cache and _remember(rows, [(files[n], stamps[n], facts[n]) for n in todo]):
            _store(cache, rows)
    usable: list[tuple[FoundFile, tuple[int, ...]]] = []
    skipped: list[Skipped] = []
    for file, known in zip(files, facts, strict=True):
        assert known is not None
        if why := known.fault or fault(*known.numbers):
            skipped.append(skip(file.path, why))
        else:
            usable.append((file, known.numbers))
    return usable, skipped


def _inspected(
    files: Sequence[FoundFile], stamps: Sequence[Stamp | None], todo: Sequence[int], inspect: Callable[[Path], Facts]
) -> Iterator[Facts]:
    """Yield the facts of the files numbered `todo`, in that order.

    Threads share large or slow files, since decoders release the lock.
    """
    seconds, threads = 0.0, os.cpu_count() or 1
    with ThreadPoolExecutor(threads) as pool:
        for begin in range(0, len(todo), _BLOCK):
            block = [files[number].path for number in todo[begin : begin + _BLOCK]]
            size = sum((stamps[number] or (0, 0))[0] for number in todo[begin : begin + _BLOCK]) / len(block)
            shared = size > _LARGE or seconds > _SLOW_S
            begun = process_time()
            yield from pool.map(inspect, block) if shared else map(inspect, block)
            seconds = (process_time() - begun) / len(block)


def stamp_of(path: Path) -> str:
    """Return a text that changes when a file changes.

    Args:
        path: Path of the file.

    Returns:
        The real path, size and time of change; "" if there is no file.
    """
    stamp = _stamp(path)
    return f"{os.path.realpath(path)}|{stamp[0]}|{stamp[1]}" if stamp else ""


def _stamp(path: Path) -> Stamp | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns


def _load(cache: Path | None) -> Rows:
    """Return the stored rows; none if the cache is missing, damaged or of another version."""
    try:
        if not cache or cache.stat().st_size > _LARGEST_CACHE:
            return {}
        content = json.loads(cache.read_bytes())
        if content["format"] != FORMAT:
            return {}
        return {folder: rows for folder, rows in content["folders"].items() if isinstance(rows, dict)}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, MemoryError):
        return {}


def _remembered(rows: Rows, file: FoundFile, stamp: Stamp | None, count: int) -> Facts | None:
    """Return the stored facts of a file, or None if the file has changed or the stored row is malformed."""
    folder, _, name = file.real.rpartition(os.sep)
    row = rows.get(folder, {}).get(name)
    if not isinstance(row, list) or stamp is None or len(row) < 3 or (row[0], row[1]) != stamp:
        return None
    *numbers, fault = row[2:]
    if not isinstance(fault, str) or not _are_whole(numbers):
        return None
    return Facts(tuple(numbers), fault) if fault or (len(numbers) == count and all(numbers)) else None


def _are_whole(numbers: list[object]) -> TypeGuard[list[int]]:
    return all(type(number) is int and 0 <= number < 1 << 63 for number in numbers)


def _remember(rows: Rows, found: Sequence[tuple[FoundFile, Stamp | None, Facts | None]]) -> bool:
    """Add facts that will last to the rows; return whether there were any."""
    added = False
    for file, stamp, fact in found:
        if stamp and fact and fact.lasting:
            folder, _, name = file.real.rpartition(os.sep)
            rows.setdefault(folder, {})[name] = [*stamp, *fact.numbers, fact.fault]
            added = True
    return added


def _store(cache: Path, rows: Rows) -> None:
    try:
        write_text(cache, json.dumps({"format": FORMAT, "folders": rows}, ensure_ascii=False, separators=(",", ":")))
    except CPCError:
        pass  # the cache only saves time, so a read-only home must not stop the work
