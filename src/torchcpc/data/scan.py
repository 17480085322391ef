"""Every recording is decoded once, before anything is trained on it, and the verdict remembered."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile as sf

from torchcpc.data.manifest import Listed, Skipped

FORMAT = 1
# Softer than any 16-bit recording of anything: half a least significant bit would be 1.5e-5.
SILENCE = 1e-4
RATES = (1_000, 768_000)
_BLOCK = 1 << 18


@dataclass(frozen=True, slots=True)
class Facts:
    """What decoding a file told: its shape, or the reason to leave it out."""

    rate: int
    channels: int
    frames: int
    fault: str = ""


def inspect(path: Path) -> Facts:
    """Decodes the file block by block. A fault is told, not raised."""
    try:
        with sf.SoundFile(str(path)) as file:
            rate, channels, promised = file.samplerate, file.channels, file.frames
            frames, peak, finite = 0, 0.0, True
            while len(block := file.read(_BLOCK, dtype="float32", always_2d=True)):
                frames += len(block)
                finite = finite and bool(np.isfinite(block).all())
                peak = max(peak, float(np.abs(block).max()))
    except (sf.LibsndfileError, OSError, RuntimeError, ValueError) as error:
        return Facts(0, 0, 0, f"unreadable: {str(error).splitlines()[0]}")
    return Facts(rate, channels, frames, _fault(rate, frames, promised, peak, finite))


def _fault(rate: int, frames: int, promised: int, peak: float, finite: bool) -> str:
    if not RATES[0] <= rate <= RATES[1]:
        return f"sample rate {rate} Hz is outside {RATES[0]} to {RATES[1]} Hz"
    if frames == 0:
        return "zero length"
    if frames < promised:
        return f"truncated: {frames} of {promised} frames can be decoded"
    if not finite:
        return "holds NaN or infinite samples"
    if peak < SILENCE:
        return f"silent: no sample above {SILENCE:g}"
    return ""


def inspect_all(
    listed: Sequence[Listed], *, cache: Path | None = None, progress: Callable[[int, int], None] | None = None
) -> list[Facts]:
    """Facts of every file, in order, remembered in `cache` by path, size and time of change."""
    remembered = _load(cache)
    facts: dict[int, Facts] = {}
    stamps = [_stamp(entry.path) for entry in listed]
    for number, stamp in enumerate(stamps):
        if stamp in remembered:
            facts[number] = remembered[stamp]
    todo = [number for number in range(len(listed)) if number not in facts]
    # libsndfile decodes outside the interpreter's lock, so threads share the work.
    with ThreadPoolExecutor() as pool:
        for done, (number, fact) in enumerate(zip(todo, pool.map(lambda n: inspect(listed[n].path), todo), strict=True)):
            facts[number] = fact
            if progress:
                progress(len(listed) - len(todo) + done + 1, len(listed))
    if cache and todo:
        _store(cache, remembered | {stamp: facts[number] for number, stamp in enumerate(stamps) if stamp})
    return [facts[number] for number in range(len(listed))]


def sift(listed: Sequence[Listed], facts: Sequence[Facts], minimum_seconds: float) -> tuple[list[int], list[Skipped]]:
    """Positions of the files that can be used, and the others with the reason."""
    good, skipped = [], []
    for number, (entry, fact) in enumerate(zip(listed, facts, strict=True)):
        if fact.fault:
            skipped.append(Skipped(str(entry.path), fact.fault))
        elif fact.frames < minimum_seconds * fact.rate:
            skipped.append(
                Skipped(str(entry.path), f"too short: {fact.frames / fact.rate:.3f} s of at least {minimum_seconds:g} s")
            )
        else:
            good.append(number)
    return good, skipped


def _stamp(path: Path) -> str:
    try:
        status = path.stat()
    except OSError:
        return ""
    return f"{path.resolve()}|{status.st_size}|{status.st_mtime_ns}"


def _load(cache: Path | None) -> dict[str, Facts]:
    """The remembered facts; a cache that is missing, damaged or of another version is as good as none."""
    try:
        content: Any = json.loads(cache.read_text(encoding="utf8")) if cache else {}
        return {stamp: Facts(*fact) for stamp, fact in content["facts"].items()} if content.get("format") == FORMAT else {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _store(cache: Path, facts: dict[str, Facts]) -> None:
    partial = cache.with_name(cache.name + ".part")
    try:
        cache.parent.mkdir(parents=True, exist_ok=True)
        rows = {stamp: [f.rate, f.channels, f.frames, f.fault] for stamp, f in facts.items()}
        partial.write_text(json.dumps({"format": FORMAT, "facts": rows}), encoding="utf8")
        partial.replace(cache)
    except OSError:
        # The cache only saves time; a read-only home must not stop the work.
        partial.unlink(missing_ok=True)
