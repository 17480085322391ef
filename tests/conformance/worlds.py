"""A tiny run of every reader: data made on the spot, settings under which training takes a second."""

from __future__ import annotations

import types
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from tests.commands import bigrams, tiny
from tests.data.noise import write
from torchcpc.cli import main


@dataclass(frozen=True)
class World:
    """A run, its data as named on the command line, a label column of its sources, one step of a source that is scored, and the length of
    the intervals of an alignment that suits its clock."""

    run: Path
    data: list[str]
    label: str
    step: str
    interval_s: float = 0.05


PICTURES = [
    *('encoder.directions=["down"]', "encoder.width=5", "encoder.blocks=[1]", "encoder.channels=[5]", "encoder.inner=[3]"),
    *("context.dim=5", "context.hidden=3", "context.blocks=1", "windows.batch=3", "candidates.count=13"),
    *("split.validation=0.4", "training.steps=2", "training.warmup=0"),
]
ROWS = ["encoder.dim=5", "context.dim=5", "training.steps=2", "training.warmup=0", "split.validation=0.4"]


def trained(root: Path, recipe: str, *words: str) -> Path:
    run = root / "run"
    assert main(["train", recipe, *words, "-o", str(run), "--precision", "32-true", "--accelerator", "cpu"]) == 0
    return run


def audio(root: Path) -> World:
    data = str(root / "data")
    for number in range(12):
        write(root / "data" / f"speaker{number % 2}" / f"{number}.wav", 4001 + 100 * number, seed=number)
    return World(
        trained(root, "speech-waveform", *tiny.SMALL, "split.validation=0.67", "--data", data),
        [data],
        "speaker",
        "speaker0/0.wav:3",
    )


def digits(root: Path) -> World:
    return World(trained(root, "digits", *ROWS), [], "digit", "digit-1438:3")


def synthetic(root: Path) -> World:
    run = trained(
        root,
        "synthetic-ar1",
        "data.sources=29",
        "windows.batch=5",
        "candidates.count=11",
        "encoder.hidden=7",
        *(word for word in ROWS if not word.startswith("context")),
    )
    return World(run, [], "split", "ar1-000024:3")


def picture_files(root: Path) -> Path:
    rng = np.random.default_rng(0)
    for name in ("cat", "dog"):
        (root / name).mkdir(parents=True)
        for number in range(11):
            Image.fromarray(rng.integers(0, 256, (37, 41, 3), dtype=np.uint8)).save(root / name / f"{number}.png")
    return root


def images(root: Path) -> World:
    data = str(picture_files(root / "data"))
    return World(trained(root, "pictures", *PICTURES, "--data", data), [data], "class", "cat/0.png:1")


class Collection:
    """What is used of a `datasets` collection of two classes."""

    split = "train"

    class Names:
        @staticmethod
        def int2str(value: int) -> str:
            return ("cat", "dog")[value]

    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        pixels = rng.integers(0, 256, (22, 37, 41, 3), dtype=np.uint8)
        self.rows = [{"image": Image.fromarray(x), "label": n % 2} for n, x in enumerate(pixels)]
        self.features = {"image": None, "label": self.Names()}

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, number: int) -> dict:
        return self.rows[number]


def library() -> types.ModuleType:
    """Stands in for the package `datasets`, whose collections are elsewhere."""
    made = types.ModuleType("datasets")
    made.load_dataset = lambda name: {"train": Collection()}  # pyright: ignore[reportAttributeAccessIssue]
    return made


def hub_images(root: Path) -> World:
    words = ["data.name=hub_images", "data.dataset=someone/pictures"]
    return World(trained(root, "pictures", *words, *PICTURES), [], "class", "train/0000004:1")


def series(root: Path) -> World:
    rng = np.random.default_rng(0)
    (root / "data").mkdir(parents=True)
    table = ["path,split,kind"]
    for number in range(13):
        rows = rng.normal(size=(41 + number, 3))
        lines = [",".join(f"{v:.4f}" for v in row) for row in rows]
        (root / "data" / f"{number}.csv").write_text(
            "time,a,b,c,anomaly\n" + "".join(f"{n},{line},{int(n > 30)}\n" for n, line in enumerate(lines))
        )
        table.append(f"{number}.csv,{'test' if number > 8 else 'train'},{'xy'[number % 2]}")
    (root / "data" / "list.csv").write_text("\n".join(table) + "\n")
    data = str(root / "data" / "list.csv")
    words = ["encoder.dim=8", "predictor.count=2", "candidates.count=32", "windows.length=32", "windows.batch=4", *ROWS]
    return World(trained(root, "series", *words, "--data", data), [data], "kind", "0.csv:3", 5.0)


def text(root: Path) -> World:
    data = str(bigrams.write(root / "data", length=41))
    run = trained(root, "text", *bigrams.SMALL, "training.steps=2", "training.validate_every=2", "--data", data)
    table = root / "sentences.tsv"
    lines = [(("up", "down")[n % 2], line) for n, line in enumerate((root / "data" / "walk00.txt").read_text().splitlines())]
    table.write_text("label\ttext\n" + "".join(f"{label}\t{line}\n" for label, line in lines))
    return World(run, [data], "label", "walk00.txt:3")


WORLDS: dict[str, Callable[[Path], World]] = {
    "audio": audio,
    "digits": digits,
    "hub_images": hub_images,
    "images": images,
    "series": series,
    "synthetic": synthetic,
    "text": text,
}
