"""Every file is decoded once, before anything is trained on it, and what was found is remembered."""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from torchcpc.atomic import write_text
from torchcpc.contracts import CPCError, Progress, Skipped, silent
from torchcpc.data.files.found import FoundFile, skip

# Of the cache file, and of the rules behind its verdicts: a change of either makes the next scan decode again.
FORMAT = 3


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
    remembered = _load(cache, count)
    stamps = [stamp_of(file.path) for file in files]
    facts = {number: remembered[stamp] for number, stamp in enumerate(stamps) if stamp in remembered}
    todo = [number for number in range(len(files)) if number not in facts]
    progress(len(facts), len(files))
    try:
        # Decoders work outside the interpreter's lock, so threads share the work.
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for number, fact in zip(todo, pool.map(lambda n: inspect(files[n].path), todo), strict=True):
                facts[number] = fact
                progress(len(facts), len(files))
    finally:
        # Also when it is interrupted: the next scan goes on from there.
        if cache and any(number in facts for number in todo):
            lasting = {stamps[number]: fact for number, fact in facts.items() if stamps[number] and fact.lasting}
            _store(cache, remembered | lasting)
    faults = [facts[number].fault or fault(*facts[number].numbers) for number in range(len(files))]
    usable = [(file, facts[number].numbers) for number, file in enumerate(files) if not faults[number]]
    return usable, [skip(file.path, why) for file, why in zip(files, faults, strict=True) if why]


def stamp_of(path: Path) -> str:
    """What changes when a file does; nothing where there is none."""
    try:
        status = path.stat()
    except OSError:
        return ""
    return f"{os.path.realpath(path)}|{status.st_size}|{status.st_mtime_ns}"


def _load(cache: Path | None, count: int) -> dict[str, Facts]:
    """The remembered facts; a cache that is missing, damaged or of another version is as good as none."""
    try:
        content = json.loads(cache.read_text(encoding="utf8")) if cache else {}
        return {stamp: _facts(row, count) for stamp, row in content["facts"].items()} if content["format"] == FORMAT else {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}


def _facts(row: Sequence[object], count: int) -> Facts:
    *numbers, fault = row
    whole = [number for number in numbers if type(number) is int and number >= 0]
    if len(whole) < len(numbers) or not isinstance(fault, str) or not (fault or (all(whole) and len(whole) == count)):
        raise ValueError(f"not facts of a file: {row}")
    return Facts(tuple(whole), fault)


def _store(cache: Path, facts: Mapping[str, Facts]) -> None:
    rows = {stamp: [*fact.numbers, fact.fault] for stamp, fact in facts.items()}
    try:
        write_text(cache, json.dumps({"format": FORMAT, "facts": rows}))
    except CPCError:
        pass  # the cache only saves time; a read-only home must not stop the work
