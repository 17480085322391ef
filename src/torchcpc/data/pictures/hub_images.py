"""Read pictures of a Hugging Face `datasets` collection.

The collection has a name on the Hub, or consists of folders that `save_to_disk` wrote.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from torchcpc.contracts import CPCError, Progress, Skipped, one_line, silent
from torchcpc.data.files.find import prefixes
from torchcpc.data.files.found import skip
from torchcpc.data.pictures.check import inspect_picture, remarks
from torchcpc.data.pictures.decode import bombs_refused
from torchcpc.data.pictures.images import Images, Margin, Picture, Side, split_label

if TYPE_CHECKING:
    from datasets import Dataset  # pyright: ignore[reportMissingImports]


def hub_images(
    roots: Sequence[str | Path],
    cache: Path | None = None,
    progress: Progress = silent,
    *,
    size: Side,
    margin: Margin = 0,
    grey: bool = False,
    flip: bool = False,
    dataset: str = "",
    image: str = "image",
    label: str = "label",
) -> Images:
    """Find every usable picture of saved folders or of a collection on the Hub.

    Labels are `class` and `split`, and keys are split/row. `split` is the split of the collection, except that valid and
    validation become `val`. With several folders, each key begins with the parts of the path that distinguish the folders.
    Every picture is decoded once.

    Args:
        roots: Folders that `save_to_disk` left.
        cache: Not used.
        progress: Called as pictures are decoded.
        size: Side of the square that is read, in pixels.
        margin: Pixels by which pictures are read larger. Training windows show a random part of them.
        grey: Whether pictures are read in one colour.
        flip: Whether training mirrors half of the windows.
        dataset: Name of a collection on the Hub, where no folder is given.
        image: Column of the picture.
        label: Column of its class.

    Returns:
        The usable pictures.

    Raises:
        CPCError: If `datasets` is not installed, a column is missing, or no picture can be used.
    """
    items: list[Picture] = []
    notes: list[Skipped] = []
    folders, skipped = _once([str(root) for root in roots])
    parts = list(_parts(folders, dataset))
    total, done = sum(len(rows) for _, _, rows in parts), 0
    for prefix, split, rows in parts:
        class_of = _class_names(rows, image, label)
        for number in range(len(rows)):
            key = f"{prefix}{split}/{number:07d}"
            opener = partial(_picture, rows, number, image)
            with bombs_refused():
                facts = inspect_picture(opener)
            if facts.fault:
                skipped.append(skip(key, facts.fault))
            else:
                labels = {"class": class_of(rows[number][label])} if class_of else {}
                items.append(Picture(key, key, {"split": split_label(split), **labels}, open=opener))
                notes += [skip(key, remark) for remark in remarks(facts.numbers, side=size + margin, grey=grey)]
            done += 1
            progress(done, total)
    if not items:
        raise CPCError(f"none of {total} rows holds a picture that can be used in column {image!r}. Check data.image.")
    return Images(items, size=size, margin=margin, grey=grey, flip=flip, skipped=skipped, notes=notes)


def _picture(rows: Dataset, number: int, column: str) -> Image.Image:
    image = rows[number][column]
    if not isinstance(image, Image.Image):
        raise CPCError(f"column {column!r} holds no picture")
    return image


def _once(roots: list[str]) -> tuple[list[str], list[Skipped]]:
    """Return the folders without repetitions, and the skipped repetitions."""
    first: dict[str, str] = {}
    skipped: list[Skipped] = []
    for root in roots:
        real = os.path.realpath(root)
        if real in first:
            skipped.append(skip(root, f"the same folder as {first[real]}, listed twice"))
        first.setdefault(real, root)
    return list(first.values()), skipped


def _parts(roots: list[str], dataset: str) -> Iterator[tuple[str, str, Dataset]]:
    """Yield (prefix of the keys, split, rows) of every collection."""
    try:
        import datasets  # pyright: ignore[reportMissingImports]
    except ImportError:
        raise CPCError(
            "data.name = 'hub_images' needs the package `datasets`: pip install 'torchcpc[datasets]', or use a folder of pictures."
        ) from None
    if bool(roots) == bool(dataset):
        raise CPCError(
            f"data.dataset = {dataset!r} with {len(roots)} folders: name either a collection on the Hub, or folders of saved ones."
        )
    try:
        collections = [datasets.load_dataset(dataset)] if dataset else [datasets.load_from_disk(root) for root in roots]
    except Exception as error:  # the library raises its own errors and those of several others
        raise CPCError(f"{dataset or ', '.join(roots)} cannot be opened: {one_line(error)}. Check the name.") from None
    beginnings = prefixes([Path(root) for root in roots]) if roots else [""]
    for prefix, collection in zip(beginnings, collections, strict=True):
        # A collection without splits is one part, named as the library names it.
        parts = collection.items() if isinstance(collection, dict) else [(str(collection.split or "all"), collection)]
        yield from ((prefix, split, rows) for split, rows in parts)


def _class_names(rows: Dataset, image: str, label: str) -> Callable[[object], str] | None:
    """Return a function from values of the label column to names, or None without such a column."""
    if image not in rows.features:
        raise CPCError(f"column {image!r} is not there; the columns are {', '.join(rows.features)}. Set data.image.")
    if label not in rows.features:
        return None
    name_of = getattr(rows.features[label], "int2str", str)  # only columns of classes name their numbers
    # Collections mark unlabelled rows with None or -1.
    return lambda value: "" if value is None or value == -1 else name_of(value)
