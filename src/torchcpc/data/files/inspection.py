"""Every file is decoded once, before anything is trained on it, and what was found is remembered."""

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

# Of the cache file, and of the rules behind its verdicts: a change of either makes the next scan decode again.
FORMAT = 4
# Bytes of a cache of a million files or two. What is larger was not written by us, and would fill the memory.
_LARGEST_CACHE = 1 << 27
# Files that are inspected in a row before it is decided anew whether threads share the work. They do for files of so many bytes or
# seconds of computing: for smaller ones the interpreter's lock makes two threads slower than one.
_BLOCK, _LARGE, _SLOW_S = 256, 1 << 16, 5e-4

Stamp = tuple[int, int]
Rows = dict[str, dict[str, list[object]]]
"""What is remembered: real folder -> name -> bytes, time of change in ns, numbers, fault."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What decoding a file told. numbers: the properties of a file that can be used, each above 0, of which the reader knows the meaning;
    fault: why it cannot be used; lasting: whether this holds until the file changes, as for a file that cannot be opened it does not:
    rights and mounts come and go."""

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
    """The usable files with the `count` numbers that `inspect` found, and the others with the reason. fault: (*numbers) -> why a file that
    was decoded cannot be used, or nothing; cache: the file that remembers what was found, by path, size and time of change."""
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
        # Also when it is interrupted: the next scan goes on from there.
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
    """The facts of the files numbered `todo`, in that order; threads share what is large or slow, since decoders release the lock."""
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
    """What changes when a file does; nothing where there is none."""
    stamp = _stamp(path)
    return f"{os.path.realpath(path)}|{stamp[0]}|{stamp[1]}" if stamp else ""


def _stamp(path: Path) -> Stamp | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns


def _load(cache: Path | None) -> Rows:
    """The remembered rows; a cache that is missing, damaged or of another version is as good as none."""
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
    """What is known of a file, unless it has changed, or what is remembered is not what facts look like."""
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
    """Adds what was found and will last; whether there is any."""
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
        pass  # the cache only saves time; a read-only home must not stop the work
