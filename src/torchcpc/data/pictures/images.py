"""Pictures of any size and mode, read as squares of one size, pixel row by pixel row; folders a class, or a `datasets` collection."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import numpy as np
from PIL import Image, features

from torchcpc.contracts import CPCError
from torchcpc.data.files.find import find, prefixes
from torchcpc.data.files.found import Kind, Listed, Skipped, left_out
from torchcpc.data.files.inspection import inspect_all
from torchcpc.data.pictures.decode import DECODING_ERRORS, PictureFacts, bombs_refused, inspect_picture, plain, square

# Names of folders that say which part their pictures are for, as data sets are laid out, and the label that each gives: one for
# validation, so that the rule split=val leaves out all of it.
SPLITS = {"train": "train", "test": "test", "val": "val", "valid": "val", "validation": "val"}
SPLITS |= {"unlabeled": "unlabeled", "unlabelled": "unlabeled"}


def pictures() -> Kind:
    """The kinds of file that this Pillow reads, and those that it does not: .avif came with 11.3, and not in every build."""
    avif = (".avif",) if "avif" in features.modules and features.check("avif") else ()
    return Kind(
        "picture",
        (".jpg", ".jpeg", ".jfif", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm", *avif),
        (".heic", ".heif", *(() if avif else (".avif",)), ".svg", ".psd", ".cr2", ".nef", ".dng"),
    )


PICTURE = pictures()


@dataclass(frozen=True, slots=True)
class Picture:
    """One usable picture: what names it, its labels by column, and how to open it. Each is a group of its own."""

    key: str
    labels: Mapping[str, str]
    open: Callable[[], Image.Image] = field(compare=False)

    @property
    def group(self) -> str:
        return self.key


class Images:
    """Sources that are pictures; implements `contracts.Sources` in rows of `size` pixels: float32 [rows, size, colours] in [-1, 1].

    The middle square of a picture is brought to size + margin pixels. Of these a training window shows a square of `size` at a
    random place, mirrored half of the time with `flip`; otherwise the middle is shown. colours: 1 with `grey`, else 3.
    """

    rate: float = 1.0  # rows have no clock of their own
    hours: float = 0.0

    def __init__(
        self,
        items: Sequence[Picture],
        *,
        size: int,
        margin: int = 0,
        grey: bool = False,
        flip: bool = False,
        skipped: Sequence[Skipped] = (),
    ) -> None:
        if size < 1 or margin < 0:
            raise CPCError(
                f"data.size = {size}, data.margin = {margin}: pictures have at least 1 pixel, and no negative margin."
            )
        self.items, self.skipped = list(items), list(skipped)
        self.size, self.margin, self.grey, self.flip = size, margin, grey, flip
        self.groups = sorted({item.group for item in items})
        self._number = {name: number for number, name in enumerate(self.groups)}

    def __len__(self) -> int:
        return len(self.items)

    def length(self, index: int) -> int:
        return self.size

    def group(self, index: int) -> int:
        return self._number[self.items[index].group]

    def labels(self, column: str) -> list[str]:
        """One label per picture; an empty string where it has none."""
        return [item.group if column == "group" else str(item.labels.get(column, "")) for item in self.items]

    def select(self, indices: Sequence[int]) -> Self:
        """The pictures at `indices`, in that order; groups keep their numbers."""
        kept = {"size": self.size, "margin": self.margin, "grey": self.grey, "flip": self.flip, "skipped": self.skipped}
        chosen = type(self)([self.items[i] for i in indices], **kept)
        chosen.groups, chosen._number = self.groups, self._number
        return chosen

    def read(self, index: int, start: int, count: int, rng: np.random.Generator | None = None) -> np.ndarray:
        """Pixel rows start .. start+count. Raises CPCError if the picture has gone or changed since the scan."""
        item = self.items[index]
        if start < 0:
            raise CPCError(f"start = {start} in {item.key}: positions count from 0.")
        try:
            with item.open() as image:
                whole = square(plain(image, grey=self.grey), self.size + self.margin)
        except (*DECODING_ERRORS, Image.DecompressionBombError) as error:
            raise CPCError(
                f"{item.key} could be read when it was scanned, but not now: {error}. Restore it, or scan again."
            ) from None
        left, top = (self.margin // 2,) * 2 if rng is None else rng.integers(self.margin + 1, size=2).tolist()
        x_SWc = np.asarray(whole).reshape(self.size + self.margin, self.size + self.margin, -1)
        x_SWc = x_SWc[top : top + self.size, left : left + self.size]
        if rng is not None and self.flip and rng.random() < 0.5:
            x_SWc = x_SWc[:, ::-1]
        return x_SWc[start : start + max(0, count)].astype(np.float32) / 127.5 - 1


def scan_images(
    roots: Sequence[str | Path],
    cache: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
    *,
    size: int,
    margin: int = 0,
    grey: bool = False,
    flip: bool = False,
) -> Images:
    """All usable pictures that `roots` (folders or manifests) name; the others are in `.skipped`, each with its reason.

    Label columns: `class`, the folder a picture is in below a root; `split`, where folders named train, test, unlabeled, val, valid or
    validation (the last three are `val`) stand above those, or are the roots, and no folder of pictures beside them has another
    name; a manifest's or labels.csv's own columns go before both. Every file is decoded once, unless `cache` remembers it. Raises
    CPCError for a root that is missing or empty, and when nothing at all can be used.
    """
    listed, skipped = find(roots, PICTURE)
    with bombs_refused():
        facts = inspect_all(listed, inspect_picture, PictureFacts, cache=cache, progress=progress)
    places = _Places(roots, listed)
    items = []
    for entry, fact in zip(listed, facts, strict=True):
        if fact.fault:
            skipped.append(left_out(entry.path, fact.fault))
        else:
            items.append(Picture(entry.key, {**places.labels(entry), **entry.labels}, _Opener(entry.path)))
    if not items:
        reasons = "; ".join(f"{s.path}: {s.reason}" for s in skipped[:3])
        raise CPCError(f"none of {len(skipped)} files can be used, for instance {reasons}. Name a folder of pictures.")
    skipped += _without_pictures([Path(root) for root in roots], {Path(entry.path) for entry in listed})
    return Images(items, size=size, margin=margin, grey=grey, flip=flip, skipped=skipped)


@dataclass(frozen=True, slots=True)
class _Opener:
    path: Path

    def __call__(self) -> Image.Image:
        return Image.open(self.path)


def split_label(name: str) -> str:
    """The value of the label column `split` for a folder, or a part of a collection, of this name."""
    return SPLITS.get(name.lower(), name)


class _Places:
    """The columns that folders give, of all the pictures together: a folder called train may be a class beside other classes."""

    def __init__(self, roots: Sequence[str | Path], listed: Sequence[Listed]) -> None:
        # With several roots keys begin with the folders that tell these apart, and those are no classes.
        self._roots = {tuple(prefix.split("/")[:-1]) for prefix in prefixes([Path(root) for root in roots])}
        self._depths = sorted({len(root) for root in self._roots}, reverse=True)
        self._inside: dict[tuple[str, ...], set[str]] = {}
        for entry in listed:
            *folders, _ = entry.key.split("/")
            for depth, name in enumerate(folders):
                self._inside.setdefault(tuple(folders[:depth]), set()).add(name)

    def labels(self, entry: Listed) -> dict[str, str]:
        """What the folders above a picture say of it: `split` and `class`, as far as they do."""
        *folders, name = entry.key.split("/")
        root = next(depth for depth in self._depths if (*folders, name)[:depth] in self._roots)
        split = next((d for d in range(len(folders)) if _are_splits(self._inside[tuple(folders[:d])])), None)
        if split is None:
            return {"class": entry.group} if folders[root:] and entry.group != "." else {}
        below = folders[max(root, split + 1) :]
        return {"split": split_label(folders[split]), **({"class": below[0]} if below else {})}


def _are_splits(names: Iterable[str]) -> bool:
    """Whether folders beside each other, those that hold pictures, are parts of the data rather than classes."""
    return all(name.lower() in SPLITS for name in names)


def _without_pictures(roots: Sequence[Path], files: set[Path]) -> list[Skipped]:
    """Folders that stand where classes do and hold no picture at all: told, since a class would be missed."""
    full = {folder for file in files for folder in file.parents}
    empty = []
    for root in (root for root in roots if root.is_dir()):
        folders = sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))
        parts = _are_splits(path.name for path in folders if path in full)
        for folder in folders:
            below = sorted(folder.iterdir()) if parts and folder.name.lower() in SPLITS else []
            places = [path for path in below if path.is_dir()] if below else [folder]
            empty += [left_out(place, "a folder without a picture") for place in places if place not in full]
    return empty
