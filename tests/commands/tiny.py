"""A tiny run: six recordings of noise and settings under which an update takes milliseconds."""

from __future__ import annotations

from pathlib import Path

from tests.data.noise import write
from torchcpc.cli import main

LENGTHS = [8009, 4001, 6007, 5003, 3203, 7001]
# 20 steps a window, 8 numbers a step: an update takes milliseconds.
SMALL = [
    *("encoder.channels=8", "context.dim=8", "predictor.count=2", "candidates.count=32"),
    *("windows.length=3200", "windows.batch=4", "training.steps=6", "training.warmup=0", "training.log_every=1"),
]


def make_recordings(root: Path) -> Path:
    for number, length in enumerate(LENGTHS):
        write(root / f"speaker{number % 2}" / f"{number}.wav", length, seed=number)
    return root


def train(folder: Path, recordings: Path, *more: str) -> int:
    place = ["--data", str(recordings), "-o", str(folder)]
    return main(["train", "speech-waveform", *SMALL, *more, "--precision", "32-true", "--accelerator", "cpu", *place])
