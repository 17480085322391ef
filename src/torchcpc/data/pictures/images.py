"""Pictures of any size and mode, read as squares of one size, pixel row by pixel row; folders a class, or a `datasets` collection."""

import os
import posixpath
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Annotated, final

import numpy as np
from annotated_types import Ge, Le
from PIL import Image

from torchcpc.contracts import CPCError, Item, Progress, Skipped, silent
from torchcpc.data.files.find import find, prefixes
from torchcpc.data.files.found import FoundFile, no_longer_readable, skip
from torchcpc.data.files.inspection import inspect_all
from torchcpc.data.labels import label_notes
from torchcpc.data.names import VALIDATION, is_plain_part, part_of
from torchcpc.data.pictures.check import inspect_file, remarks
from torchcpc.data.pictures.decode import DECODING_ERRORS, bombs_refused, plain, square
from torchcpc.data.pictures.formats import open_picture, pictures
from torchcpc.data.sources import SourceList, nothing_usable, positive

Side = Annotated[int, Ge(1), Le(1 << 14)]
Margin = Annotated[int, Ge(0), Le(1 << 14)]
"""In pixels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture(Item):
    """One usable picture, a group of its own, and how to open it."""

    open: Callable[[], Image.Image] = field(compare=False)


@final
class Images(SourceList[Picture]):
    """Sources that are pictures; implements `contracts.Sources` in rows of `size` pixels: float32 [rows, size, colours] in [-1, 1]. The
    middle square of a picture is brought to size + margin pixels. Of these a training window shows a square of `size` at a random place,
    mirrored half of the time with `flip`; otherwise the middle is shown. colours: 1 with `grey`, else 3."""

    noun = "pictures"

    def __init__(
        self,
        items: Sequence[Picture],
        *,
        size: int,
        margin: int = 0,
        grey: bool = False,
        flip: bool = False,
        skipped: Sequence[Skipped] = (),
        notes: Sequence[Skipped] = (),
    ) -> None:
        if size < 1 or margin < 0:
            raise CPCError(
                f"data.size = {size}, data.margin = {margin}: pictures have at least 1 pixel, and no negative margin."
            )
        super().__init__(items, skipped=skipped, notes=notes)
        self.size, self.margin, self.grey, self.flip = size, margin, grey, flip

    def length(self, index: int) -> int:
        return self.size

    def read(self, index: int, start: int, count: int, rng: np.random.Generator | None = None) -> np.ndarray:
        """Pixel rows start .. start+count. Raises CPCError if the picture has gone or changed since the scan."""
        item = self.items[index]
        positive(start, item)
        try:
            with item.open() as image:
                whole = square(plain(image, grey=self.grey), self.size + self.margin)
        except DECODING_ERRORS as error:
            raise no_longer_readable(item.key, error) from None
        left, top = (self.margin // 2,) * 2 if rng is None else rng.integers(self.margin + 1, size=2).tolist()
        x_SWc = np.asarray(whole).reshape(self.size + self.margin, self.size + self.margin, -1)
        x_SWc = x_SWc[top : top + self.size, left : left + self.size]
        if rng is not None and self.flip and rng.random() < 0.5:
            x_SWc = x_SWc[:, ::-1]
        return x_SWc[start : start + max(0, count)].astype(np.float32) / 127.5 - 1


def scan_images(
    roots: Sequence[str | Path],
    cache: Path | None = None,
    progress: Progress = silent,
    *,
    size: Side,
    margin: Margin = 0,
    grey: bool = False,
    flip: bool = False,
) -> Images:
    """All usable pictures of `roots` (folders or manifests); the others are in `.skipped`, each with its reason.

    There are two label columns. `class` is the folder of a picture below its root. `split` comes from folders named train, training, test,
    testing, unlabeled, val, valid, validation or dev, in any case (the last four give `val`). Such folders stand above those of classes, or
    are the roots, and no folder of pictures beside them has another name. Columns of a manifest or of a table of labels go before both.

    Args:
        roots: Folders, manifests or single files.
        cache: File that remembers what was decoded, each file once.
        size: Side of the square that is read, in pixels.
        margin: Pixels by which pictures are read larger. Training windows show a random part of them.
        grey: Whether pictures are read in one colour.
        flip: Whether training mirrors half of the windows.

    Raises:
        CPCError: For a root that is missing or empty, and when nothing at all can be used.
    """
    files, skipped, notes = find(roots, pictures())
    with bombs_refused():
        usable, faulty = inspect_all(files, inspect_file, count=3, cache=cache, progress=progress)
    folders = _Folders(roots, files)
    items: list[Picture] = []
    for file, numbers in usable:
        labels = {**file.labels, **folders.labels(file), **_filled(file.labels)}
        opener = partial(open_picture, file.path)
        items.append(Picture(file.key, file.key, labels, file.path, root=file.root, open=opener))
        notes += [skip(file.path, remark) for remark in remarks(numbers, side=size + margin, grey=grey)]
    if not items:
        raise nothing_usable([*skipped, *faulty], "files", "pictures")
    skipped += faulty + _without_pictures([Path(root) for root in roots], files)
    return Images(items, size=size, margin=margin, grey=grey, flip=flip, skipped=skipped, notes=notes + label_notes(items))


def _filled(labels: Mapping[str, str]) -> dict[str, str]:
    """The labels of a table that are there: an empty one does not hide what the folder says."""
    return {column: label for column, label in labels.items() if label}


def split_label(name: str) -> str:
    """The value of the label column `split` for a folder, or a part of a collection, of this name."""
    part = part_of(name) if is_plain_part(name) else name
    return "val" if part == VALIDATION else part


class _Folders:
    """The label columns that folders give, of all pictures together: a folder called train may be a class beside other classes."""

    def __init__(self, roots: Sequence[str | Path], files: Sequence[FoundFile]) -> None:
        # With several roots keys begin with the folders that tell these apart, and those are no classes.
        self._roots = {tuple(prefix.split("/")[:-1]) for prefix in prefixes([Path(root) for root in roots])}
        self._depths = sorted({len(root) for root in self._roots}, reverse=True)
        self._known: dict[str, dict[str, str]] = {}
        self._inside: dict[tuple[str, ...], set[str]] = {}
        for *folders, _ in {tuple(f"{posixpath.dirname(file.key)}/".lstrip("/").split("/")) for file in files}:
            for depth, name in enumerate(folders):
                self._inside.setdefault(tuple(folders[:depth]), set()).add(name)

    def labels(self, file: FoundFile) -> dict[str, str]:
        """The labels that the folders above a picture give: `split` and `class`, or fewer."""
        above = posixpath.dirname(file.key)
        if above not in self._known:
            self._known[above] = self._labels(file)
        return self._known[above]

    def _labels(self, file: FoundFile) -> dict[str, str]:
        *folders, name = file.key.split("/")
        root = next(depth for depth in self._depths if (*folders, name)[:depth] in self._roots)
        split = next((d for d in range(len(folders)) if _are_splits(self._inside[tuple(folders[:d])])), None)
        if split is None:
            return {"class": file.group} if folders[root:] and file.group != "." else {}
        below = folders[max(root, split + 1) :]
        return {"split": split_label(folders[split]), **({"class": below[0]} if below else {})}


def _are_splits(names: Iterable[str]) -> bool:
    """Whether folders beside each other, those that hold pictures, are parts of the data rather than classes."""
    return all(map(is_plain_part, names))


def _without_pictures(roots: Sequence[Path], files: Sequence[FoundFile]) -> list[Skipped]:
    """Folders that stand where classes do and hold no picture at all: skips, since a class would be missed."""
    inner = {os.path.dirname(file.path) for file in files}
    full = {above for folder in inner for above in (Path(folder), *Path(folder).parents)}
    empty = []
    for root in (root for root in roots if root.is_dir()):
        folders = sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))
        parts = _are_splits(path.name for path in folders if path in full)
        for folder in folders:
            below = sorted(folder.iterdir()) if parts and is_plain_part(folder.name) else []
            classes = [path for path in below if path.is_dir()] if below else [folder]
            empty += [skip(path, "a folder without a picture") for path in classes if path not in full]
    return empty
