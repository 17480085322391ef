"""Pictures of a Hugging Face `datasets` collection: one on the Hub by name, or folders that `save_to_disk` left."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from torchcpc.contracts import CPCError
from torchcpc.data.files.find import prefixes
from torchcpc.data.files.found import Skipped, left_out
from torchcpc.data.pictures.decode import DECODING_ERRORS, bombs_refused, plain, refusal
from torchcpc.data.pictures.images import Images, Picture, split_label


def hub_images(
    roots: Sequence[str | Path],
    cache: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
    *,
    size: int,
    margin: int = 0,
    grey: bool = False,
    flip: bool = False,
    dataset: str = "",
    image: str = "image",
    label: str = "label",
) -> Images:
    """Every usable picture of `roots` (folders) or of `dataset` (a name on the Hub); see `images.Images` for the settings.

    image, label: the columns that hold the picture and its class; the label column `split` is the collection's own, `val` for a part
    that it calls val, valid or validation. Keys are split/row; with several folders each begins with what tells its folder from the
    others. Every picture is decoded once. Raises CPCError where `datasets` is not installed, a column is missing, or nothing can be used.
    """
    items: list[Picture] = []
    folders, skipped = _once([str(root) for root in roots])
    parts = list(_parts(folders, dataset))
    total, done = sum(len(rows) for _, _, rows in parts), 0
    for prefix, split, rows in parts:
        names = _names(rows, label, needed=(image,))
        for number in range(len(rows)):
            key = f"{prefix}{split}/{number:07d}"
            opener = _Opener(rows, number, image)
            if fault := _fault(opener):
                skipped.append(left_out(key, fault))
            else:
                labels = {"class": names(rows[number][label])} if names else {}
                items.append(Picture(key, {"split": split_label(split), **labels}, opener))
            done += 1
            if progress:
                progress(done, total)
    if not items:
        raise CPCError(f"none of {total} rows holds a picture that can be used in column {image!r}. Check data.image.")
    return Images(items, size=size, margin=margin, grey=grey, flip=flip, skipped=skipped)


@dataclass(frozen=True, slots=True)
class _Opener:
    rows: Any
    number: int
    column: str

    def __call__(self) -> Image.Image:
        return self.rows[self.number][self.column]


def _once(roots: list[str]) -> tuple[list[str], list[Skipped]]:
    """The folders without those that were named before."""
    first: dict[str, str] = {}
    skipped: list[Skipped] = []
    for root in roots:
        real = os.path.realpath(root)
        if real in first:
            skipped.append(left_out(root, f"the same folder as {first[real]}, listed twice"))
        first.setdefault(real, root)
    return list(first.values()), skipped


def _parts(roots: list[str], dataset: str) -> Iterator[tuple[str, str, Any]]:
    """(what its keys begin with, split, rows) of everything that was named."""
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
        found = [datasets.load_dataset(dataset)] if dataset else [datasets.load_from_disk(root) for root in roots]
    except Exception as error:  # the library raises its own errors and those of half a dozen others
        raise CPCError(
            f"{dataset or ', '.join(roots)} cannot be opened: {' '.join(str(error).split())}. Check the name."
        ) from None
    begun = prefixes([Path(root) for root in roots]) if roots else [""]
    for prefix, each in zip(begun, found, strict=True):
        # A collection without splits is one part, named as the library names it.
        parts = each.items() if isinstance(each, dict) else [(str(each.split or "all"), each)]
        yield from ((prefix, split, rows) for split, rows in parts)


def _names(rows: Any, label: str, needed: tuple[str, ...]) -> Callable[[Any], str] | None:
    """How a value of the label column reads; None without such a column."""
    if missing := [column for column in needed if column not in rows.features]:
        raise CPCError(f"column {missing[0]!r} is not there; the columns are {', '.join(rows.features)}. Set data.image.")
    if label not in rows.features:
        return None
    read = getattr(rows.features[label], "int2str", str)
    # Collections mark rows that were never labelled with nothing or with -1.
    return lambda value: "" if value is None or value == -1 else read(value)


def _fault(opener: _Opener) -> str:
    try:
        with bombs_refused():
            image = opener()
            if not isinstance(image, Image.Image):
                return f"column {opener.column!r} holds no picture"
            if fault := refusal(image):
                return fault
            plain(image, grey=False)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        return f"refused as a decompression bomb: {error}"
    except DECODING_ERRORS as error:
        return f"unreadable: {error}"
    return ""
