"""A world in which each sentence settles what the next is about, in words that the two never share."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from torchcpc.cli import main

STATES, WORDS = 31, 5
# A few seconds of training; half of the documents are held out.
SMALL = [
    *(
        "data.splitting=lines",
        "data.tokens=words",
        "encoder.embedding=16",
        "encoder.dim=32",
        "encoder.kernel=1",
        "context.dim=32",
    ),
    *("windows.length=8", "windows.batch=16", "windows.windows_per_group=1", "training.steps=300", "training.warmup=10"),
    *("training.learning_rate=5e-3", "training.log_every=100", "training.validate_every=300", "split.validation=0.5"),
]


def word(state: int, number: int) -> str:
    """Letters only, so that no tokenizer cuts it."""
    return "".join(chr(97 + digit) for digit in (state // 6, state % 6, number, 25))


def sentence(state: int, rng: np.random.Generator) -> str:
    """Three of the five words of a state, in any order."""
    return " ".join(word(state, n) for n in rng.permutation(WORDS)[:3])


def write(folder: Path, documents: int = 16, length: int = 67, seed: int = 0) -> Path:
    """Documents of one sentence a line that walk the states in one fixed order, each from a start of its own."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(STATES)
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(documents):
        start = rng.integers(STATES)
        lines = [sentence(order[(start + t) % STATES], rng) for t in range(length)]
        (folder / f"walk{number:02d}.txt").write_text("\n".join(lines) + "\n", encoding="utf8")
    return folder


def train(folder: Path, documents: Path, *more: str) -> int:
    place = ["--data", str(documents), "-o", str(folder), "--precision", "32-true", "--accelerator", "cpu"]
    return main(["train", "text", *SMALL, *more, *place])


def rows_of(folder: Path, pool: str, k: int) -> dict[str, dict]:
    content = json.loads((folder / "ranking.json").read_text())
    (block,) = [block for block in content["blocks"] if (block["pool"], block["k"]) == (pool, k)]
    return {row["name"]: row for row in block["rows"]}
