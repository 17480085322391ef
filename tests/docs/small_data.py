"""Small data under the names that the README uses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile
from PIL import Image

from tests.commands import bigrams

SPEAKERS, WORDS, TAKES = ("anna", "ben", "cleo"), ("yes", "no"), 4
RATE = 16_000


def recordings(root: Path) -> None:
    """Tones with noise: a pitch for each speaker, a second tone for each word."""
    rng = np.random.default_rng(0)
    rows = ["path,speaker,word"]
    for speaker, pitch in zip(SPEAKERS, (110, 170, 230), strict=True):
        (root / "recordings" / speaker).mkdir(parents=True)
        for number in range(len(WORDS) * TAKES):
            t = np.arange(rng.integers(60_000, 64_000)) / RATE
            word = number % len(WORDS)
            sound = np.sin(2 * np.pi * pitch * t) + np.sin(2 * np.pi * (900 + 800 * word) * t) + rng.normal(size=len(t))
            soundfile.write(root / "recordings" / speaker / f"{number + 1}.wav", 0.1 * sound, RATE)
            rows.append(f"{speaker}/{number + 1}.wav,{speaker},{WORDS[word]}")
    (root / "recordings" / "labels.csv").write_text("\n".join(rows) + "\n")


def manifests(root: Path) -> None:
    """train.csv and test.csv: the same recordings, one speaker for the test."""
    head, *rows = (root / "recordings" / "labels.csv").read_text().splitlines()
    for name, tested in (("train.csv", False), ("test.csv", True)):
        some = [f"recordings/{row}" for row in rows if row.startswith(SPEAKERS[-1]) == tested]
        (root / name).write_text("\n".join([head, *some]) + "\n")


def phones(root: Path) -> None:
    rows = ["recording,start,end,phone"]
    for speaker in SPEAKERS:
        for number in range(len(WORDS) * TAKES):
            rows += [f"{speaker}/{number + 1}.wav,{0.3 * n:.1f},{0.3 * n + 0.3:.1f},{'ab'[n % 2]}" for n in range(4)]
    (root / "phones.csv").write_text("\n".join(rows) + "\n")


def librispeech(root: Path) -> None:
    rng = np.random.default_rng(0)
    for number in range(8):
        path = root / "LibriSpeech/train-clean-100" / f"{number % 4 + 1}" / "1" / f"{number % 4 + 1}-1-{number:04d}.flac"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, 0.1 * rng.normal(size=24_000), RATE)


def photos(root: Path) -> None:
    rng = np.random.default_rng(0)
    for name, base in (("cat", 60), ("dog", 130)):
        (root / "photos" / name).mkdir(parents=True)
        for number in range(12):
            pixels = base + rng.integers(0, 60, (37, 41, 3), dtype=np.uint8)
            Image.fromarray(pixels.astype(np.uint8)).save(root / "photos" / name / f"{number}.png")


def series(root: Path) -> None:
    """list.csv: eight series of training and four of test, the latter with anomalous rows."""
    rng = np.random.default_rng(0)
    (root / "series").mkdir()
    table = ["path,split"]
    for number in range(12):
        rows = np.sin(np.arange(200)[:, None] / 3 + rng.uniform(0, 6)) + 0.1 * rng.normal(size=(200, 3))
        odd = (np.arange(200) // 20 == 7) & (number > 7)
        lines = [",".join(f"{v:.3f}" for v in row) + f",{int(o)}" for row, o in zip(rows + 2 * odd[:, None], odd, strict=True)]
        (root / "series" / f"{number}.csv").write_text("a,b,c,anomaly\n" + "\n".join(lines) + "\n")
        table.append(f"series/{number}.csv,{'test' if number > 7 else 'train'}")
    (root / "list.csv").write_text("\n".join(table) + "\n")


def heartbeats(root: Path) -> None:
    """records.csv with two leads at 360 Hz, and beats.csv with a beat each second."""
    rng = np.random.default_rng(0)
    (root / "ecg").mkdir()
    table, beats = ["path,record,split"], ["record,sample,aami"]
    for record in range(8):
        rows = 0.05 * rng.normal(size=(360 * 30, 2))
        for n, beat in enumerate(range(200, len(rows) - 200, 360)):
            rows[beat - 20 : beat + 20, 0] += np.hanning(40) * (1 + n % 2)
            beats.append(f"{record},{beat},{'NV'[n % 2]}")
        np.savez(root / "ecg" / f"{record}.npz", x=rows.astype(np.float32), fs=360)
        table.append(f"ecg/{record}.npz,{record},{'test' if record > 5 else 'train'}")
    (root / "records.csv").write_text("\n".join(table) + "\n")
    (root / "beats.csv").write_text("\n".join(beats) + "\n")


def books(root: Path) -> None:
    bigrams.write(root / "books", documents=8, length=67)
    lines = (root / "books" / "walk00.txt").read_text().splitlines()
    labelled = [f"{('up', 'down')[n % 2]}\t{line}" for n, line in enumerate(lines)]
    (root / "sentences.tsv").write_text("\n".join(["label\ttext", *labelled]) + "\n")
    (root / "paragraph.txt").write_text("\n".join(lines[:5]) + "\n")
    (root / "candidates.txt").write_text("\n".join(lines[5:9]) + "\n")
    words = sorted({bigrams.word(state, n) for state in range(bigrams.STATES) for n in range(bigrams.WORDS)})
    vectors = [f"{word} {n % 7} {n % 11}" for n, word in enumerate([*words, "novelty"])]
    (root / "glove.txt").write_text("\n".join(vectors) + "\n")


def arrays(root: Path) -> None:
    x = np.random.default_rng(0).normal(size=(300, 2))
    np.save(root / "x.npy", x)
    np.save(root / "y.npy", x + np.random.default_rng(1).normal(size=(300, 2)))


BUILDERS: tuple[Callable[[Path], None], ...]
BUILDERS = (recordings, manifests, phones, librispeech, photos, series, heartbeats, books, arrays)


def build(root: Path) -> None:
    for builder in BUILDERS:
        builder(root)
