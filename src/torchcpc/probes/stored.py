"""Storage of probe rows in the run folder.

A row is saved as soon as it is done, so an interrupt loses no finished row. Its key covers the weights, the content
of the clips, the labels, their split, and the way of fitting. So a later question reuses equal rows, whichever
options named them.

A file is in safetensors format. It holds arrays, a line of JSON, and a digest of both. A damaged row is computed
again.
"""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from torchcpc.atomic import replacing
from torchcpc.contracts import QUIET, CPCError, Listener, one_line
from torchcpc.probes.result import EmbeddingMap
from torchcpc.probes.table import Point, ProbeRow
from torchcpc.probes.task import Labels
from torchcpc.statistics.intervals import Hits

FOLDER = "probe-rows"
# Raise this number if a row with the same key gets another meaning.
FORMAT = 1

T = TypeVar("T")
Arrays = dict[str, np.ndarray]
Kept = tuple[Arrays, Any]
"""Arrays by name, and the other facts as JSON."""


def key_of(*parts: object) -> str:
    """Return a digest of numbers, texts, arrays, dataclasses, and of sequences and mappings of these."""
    found = blake2b(digest_size=20)

    def add(part: object) -> None:
        if isinstance(part, np.ndarray):
            found.update(f"{part.dtype.str}{part.shape}".encode() + np.ascontiguousarray(part).tobytes())
        elif isinstance(part, Mapping):
            add([*map(list, sorted(part.items()))])
        elif is_dataclass(part):
            add([type(part).__name__, *(getattr(part, field.name) for field in fields(part))])
        elif isinstance(part, Sequence) and not isinstance(part, str | bytes):
            found.update(f"[{len(part)}".encode())
            for each in part:
                add(each)
        else:
            found.update(f"{part!r};".encode("utf8", "backslashreplace"))

    add(parts)
    return found.hexdigest()


class RowStore:
    """Rows, points of curves and maps by key.

    Args:
        folder: The folder of the run. None: rows are kept in memory only.
        listener: Hears of damaged files.

    Attributes:
        read: The rows and points that came from files.
        made: The rows and points that were computed.
    """

    def __init__(self, folder: Path | None, listener: Listener = QUIET) -> None:
        self._folder, self._listener = folder and folder / FOLDER, listener
        self._held: dict[str, object] = {}
        self.read = self.made = 0

    @property
    def folder(self) -> Path | None:
        """Where rows are saved, or None."""
        return self._folder

    def row(self, key: str, make: Callable[[], ProbeRow]) -> ProbeRow:
        """Return the row with this key, computed by `make` if it is missing."""
        return self._kept(key, make, _of_row, _to_row)

    def points(self, key: str, make: Callable[[], Sequence[Point]]) -> Sequence[Point]:
        """Return the points with this key, computed by `make` if they are missing."""
        return self._kept(key, make, _of_points, _to_points)

    def map(self, key: str, make: Callable[[], EmbeddingMap | None]) -> EmbeddingMap | None:
        """Return the map with this key, computed by `make` if it is missing."""
        return self._kept(key, make, _of_map, _to_map, counts=False)

    def number(self, key: str, make: Callable[[], int]) -> int:
        """Return the number with this key, computed by `make` if it is missing."""
        return self._kept(key, make, lambda number: ({}, number), lambda arrays, facts: int(facts), counts=False)

    def _kept(
        self,
        key: str,
        make: Callable[[], T],
        take: Callable[[T], Kept],
        put: Callable[[Arrays, Any], T],
        *,
        counts: bool = True,
    ) -> T:
        if key not in self._held:
            path = self._folder and self._folder / f"{key}.safetensors"
            if path and (found := self._load(path, key)) and (value := self._shaped(path, found, put)) is not None:
                self._held[key] = value[0]
                self.read += counts
            else:
                self._held[key] = value = make()
                self.made += counts
                self._save(key, take(value))
        return self._held[key]  # pyright: ignore[reportReturnType]

    def _load(self, path: Path, key: str) -> Kept | None:
        if not os.path.isfile(path):
            return None
        from safetensors import SafetensorError
        from safetensors.numpy import load

        try:
            arrays = load(path.read_bytes())
            facts, digest = arrays.pop("facts").tobytes(), arrays.pop("digest").tobytes()
            if digest != _digest(key, arrays, facts):
                raise ValueError("its digest is another")
            return arrays, json.loads(facts)
        except (SafetensorError, OSError, ValueError, KeyError, TypeError, RecursionError, MemoryError) as error:
            return self._damaged(path, error)

    def _shaped(self, path: Path, found: Kept, put: Callable[[Arrays, Any], T]) -> tuple[T] | None:
        try:
            return (put(*found),)
        except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
            return self._damaged(path, error)

    def _damaged(self, path: Path, error: Exception) -> None:
        self._listener.note(f"note: {path} is damaged ({one_line(error)[:99]}), so its row is computed again.")

    def _save(self, key: str, kept: Kept) -> None:
        if self._folder is None:
            return
        from safetensors.numpy import save

        arrays, facts = {name: np.ascontiguousarray(own) for name, own in kept[0].items()}, json.dumps(kept[1]).encode()
        more = {"facts": np.frombuffer(facts, np.uint8), "digest": np.frombuffer(_digest(key, arrays, facts), np.uint8)}
        try:
            with replacing(self._folder / f"{key}.safetensors") as partial:
                partial.write_bytes(save({**arrays, **more}))
        except CPCError as error:
            self._folder = None  # the disk may be full, or the run may belong to another user
            self._listener.note(f"note: rows are not kept: {error}")


def _digest(key: str, arrays: Arrays, facts: bytes) -> bytes:
    return bytes.fromhex(key_of(FORMAT, key, arrays, facts))


def _small(number_M: np.ndarray) -> np.ndarray:
    """Return whole numbers in the smallest type that holds them."""
    least = int(number_M.min(initial=0))
    return number_M if least < 0 else number_M.astype(np.min_scalar_type(int(number_M.max(initial=0))))


def _of_row(row: ProbeRow) -> Kept:
    arrays = {"predicted_RM": _small(row.predicted_RM)}
    arrays |= {
        f"test.{field.name}": _small(own) for field in fields(Labels) if (own := getattr(row.test, field.name)) is not None
    }
    return arrays, {field.name: getattr(row, field.name) for field in fields(row) if field.name not in ("predicted_RM", "test")}


def _to_row(arrays: Arrays, facts: Any) -> ProbeRow:
    whole = {name: own.astype(np.int64) for name, own in arrays.items()}
    test = Labels(**{name.removeprefix("test."): own for name, own in whole.items() if name.startswith("test.")})
    lists = {"penalties": tuple(facts["penalties"]), "training": tuple(map(tuple, facts.get("training", ())))}
    return ProbeRow(**{**facts, **lists}, predicted_RM=whole["predicted_RM"], test=test)


def _of_points(points: Sequence[Point]) -> Kept:
    arrays = {f"{n}.{name}": getattr(point.hits, name) for n, point in enumerate(points) for name in ("hits_RS", "rows_S")}
    return arrays, [[point.features, point.role, point.labels_per_class] for point in points]


def _to_points(arrays: Arrays, facts: Any) -> list[Point]:
    hits = [Hits(arrays[f"{n}.hits_RS"], arrays[f"{n}.rows_S"]) for n in range(len(facts))]
    return [Point(features, role, number, own) for (features, role, number), own in zip(facts, hits, strict=True)]


def _of_map(found: EmbeddingMap | None) -> Kept:
    return ({}, None) if found is None else ({"points": found.points}, [found.label, found.labels, found.keys])


def _to_map(arrays: Arrays, facts: Any) -> EmbeddingMap | None:
    if facts is None:
        return None
    label, labels, keys = facts
    return EmbeddingMap(label, arrays["points"], tuple(labels), tuple(keys))
