"""How long do scans and embeddings of many short files take? Cold, from the cache, and 5,000 files embedded; with the CPU time of each.

Run it on two versions in turn (PYTHONPATH) for a comparison on one machine: python benchmarks/scan_many_files.py --files 50000
"""

import argparse
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter, process_time

import numpy as np
import soundfile as sf
from PIL import Image

from torchcpc.data import scan, scan_images
from torchcpc.representations.embed import embed_all
from torchcpc.runs.build import build, schema
from torchcpc.settings import load_recipe, resolve

RATE, PER_FOLDER = 8_000, 500


def recordings(root: Path, count: int, suffix: str) -> Path:
    """Spoken-digit sizes: 0.3 to 0.6 s of noise at 8 kHz, 500 files a folder."""
    rng = np.random.default_rng(0)
    noise = (0.1 * rng.standard_normal(RATE)).clip(-0.9, 0.9).astype(np.float32)
    for number in range(count):
        if number % PER_FOLDER == 0:
            (folder := root / f"speaker{number // PER_FOLDER:03d}").mkdir(parents=True)
        begin, length = rng.integers(0, 3200), rng.integers(2400, 4800)
        sf.write(str(folder / f"{number:06d}{suffix}"), noise[begin : begin + length], RATE)
    return root


def pictures(root: Path, count: int) -> Path:
    rng = np.random.default_rng(0)
    for number in range(count):
        if number % PER_FOLDER == 0:
            (folder := root / f"class{number // PER_FOLDER:03d}").mkdir(parents=True)
        Image.fromarray(rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)).save(folder / f"{number:06d}.png")
    return root


def timed(name: str, work: Callable[[], object]) -> None:
    begun, used = perf_counter(), process_time()
    work()
    print(f"{name:<34} {perf_counter() - begun:8.2f} s   {process_time() - used:8.2f} s of CPU", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=50_000)
    parser.add_argument("--embedded", type=int, default=5_000)
    parser.add_argument("--suffix", default=".wav", choices=(".wav", ".flac", ".ogg", ".mp3"))
    parser.add_argument("--folder", type=Path, help="holds the files of an earlier run, or is filled and kept")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        root = asked.folder or Path(place)
        sound, images, few = root / f"sound{asked.suffix}", root / "images", root / f"few{asked.suffix}"
        for folder, make in (
            (sound, lambda: recordings(sound, asked.files, asked.suffix)),
            (images, lambda: pictures(images, asked.files)),
            (few, lambda: recordings(few, asked.embedded, asked.suffix)),
        ):
            if not folder.exists():
                timed(f"making {folder.name}", make)
        print(f"{asked.files} files, {os.cpu_count()} cores")
        for name, folder, reader in (
            ("recordings", sound, lambda cache: scan([sound], cache)),
            ("pictures", images, lambda cache: scan_images([images], cache, size=32)),
        ):
            cache = Path(place) / f"{folder.name}.json"
            timed(f"scan {asked.files} {name}, cold", lambda read=reader, cache=cache: read(cache))
            timed(f"scan {asked.files} {name}, from cache", lambda read=reader, cache=cache: read(cache))
        sources = scan([few])
        model = build(resolve(load_recipe("speech-waveform"), schema())).eval()
        timed(f"embed {len(sources)} recordings", lambda: sum(1 for _ in embed_all(model, sources)))


if __name__ == "__main__":
    main()
