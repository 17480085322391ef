"""Read pictures of any size and mode as squares of one size, pixel row by pixel row."""

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
"""Margin in pixels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture(Item):
    """One usable picture, which is a group by itself.

    Attributes:
        open: Opens the picture.
    """

    open: Callable[[], Image.Image] = field(compare=False)


@final
class Images(SourceList[Picture]):
    """Sources that are pictures; a position is a row of pixels.

    Implements `contracts.Sources`. Reads give float32 [rows, size, colours] in [-1, 1]. The middle square of a picture is
    resized to size + margin pixels. A training window shows a square of `size` at a random place of it; otherwise the
    middle is shown.

    Args:
        items: Usable pictures.
        size: Pixels of the square that is read, each way.
        margin: Pixels by which pictures are resized larger.
        grey: Whether pictures are read in one colour; otherwise in three.
        flip: Whether training mirrors half of the windows.
        skipped: Files that are skipped, each with its reason.
        notes: Remarks about the pictures that are read.
    """

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
        """Return the rows of a picture, `size` for each."""
        return self.size

    def read(self, index: int, start: int, count: int, rng: np.random.Generator | None = None) -> np.ndarray:
        """Read pixel rows start .. start+count of a picture.

        Args:
            index: Number of the picture.
            start: First row.
            count: Number of rows.
            rng: Source of randomness for a training window.

        Returns:
            Pixels in [-1, 1] as float32 [count, size, colours].

        Raises:
            CPCError: If the picture is gone or has changed since the scan.
        """
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
    """Find all usable pictures.

    Files that cannot be used are listed in `.skipped`, each with its reason.

    Folders give two label columns. `class` is the folder of a picture below its root. `split` comes from folders named
    train, training, test, testing, unlabeled, val, valid, validation or dev, in any case. The last four give `val`. Such
    folders are above the folders of classes, or are the roots. No neighbouring folder of pictures may have another name.
    Columns of a manifest or of a table of labels take precedence over both.

    Args:
        roots: Folders, manifests or single files.
        cache: File that stores the results of decoding, so that each file is decoded once.
        progress: Called as pictures are decoded.
        size: Side of the square that is read, in pixels.
        margin: Pixels by which pictures are read larger. Training windows show a random part of them.
        grey: Whether pictures are read in one colour.
        flip: Whether training mirrors half of the windows.

    Returns:
        The usable pictures.

    Raises:
        CPCError: If a root is missing or empty, or no picture can be used.
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
    """Return the labels of a table that are not empty: an empty one must not hide the label of the folder."""
    return {column: label for column, label in labels.items() if label}


def split_label(name: str) -> str:
    """Return the label `split` for the name of a folder or of a part of a collection.

    Args:
        name: Name of the folder or part.
    """
    part = part_of(name) if is_plain_part(name) else name
    return "val" if part == VALIDATION else part


class _Folders:
    """Labels from folders, decided for all pictures together.

    A folder named train may be a class among other classes.
    """

    def __init__(self, roots: Sequence[str | Path], files: Sequence[FoundFile]) -> None:
        # With several roots, keys begin with the folders that distinguish the roots. Those folders are not classes.
        self._roots = {tuple(prefix.split("/")[:-1]) for prefix in prefixes([Path(root) for root in roots])}
        self._depths = sorted({len(root) for root in self._roots}, reverse=True)
        self._known: dict[str, dict[str, str]] = {}
        self._inside: dict[tuple[str, ...], set[str]] = {}
        for *folders, _ in {tuple(f"{posixpath.dirname(file.key)}/".lstrip("/").split("/")) for file in files}:
            for depth, name in enumerate(folders):
                self._inside.setdefault(tuple(folders[:depth]), set()).add(name)

    def labels(self, file: FoundFile) -> dict[str, str]:
        """Return the labels `split` and `class` of the folders above a picture, as far as there are any.

        Args:
            file: File of the picture.
        """
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
    """Return whether neighbouring folders of pictures are parts of the data and not classes."""
    return all(map(is_plain_part, names))


def _without_pictures(roots: Sequence[Path], files: Sequence[FoundFile]) -> list[Skipped]:
    """Return skips for folders in the place of classes that hold no picture, since a class would be missing."""
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
