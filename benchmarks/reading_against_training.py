"""Is reading recordings ever the bottleneck? Compares seconds of audio read per second with those trained per second.

It reads random windows from FLAC files, at the stored rate and resampled. The files hold noise with the spectrum of speech, the worst
case for a lossless codec. A whole training step of the sizes of `speech-waveform` is timed in turn with it.
"""

import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np
import soundfile as sf
import torch

from torchcpc.data import scan
from torchcpc.data.windows import RandomWindows
from torchcpc.objectives import Contrast
from torchcpc.runs.build import build, schema
from torchcpc.scores import Shared
from torchcpc.settings import load_recipe, resolve

BATCH, LENGTH, RATE = 16, 10_240, 16_000


def record(folder: Path, rate: int) -> None:
    rng = np.random.default_rng(rate)
    for number in range(12):
        noise = rng.normal(size=20 * rate).cumsum()
        sound = noise - np.convolve(noise, np.ones(64) / 64, mode="same")
        sf.write(folder / f"{number}.flac", 0.3 * sound / np.abs(sound).max(), rate)


def main() -> None:
    model = build(resolve(load_recipe("speech-waveform"), schema()))
    contrast, optimiser = Contrast(Shared(count=512)), torch.optim.Adam(model.parameters(), fused=True)
    with tempfile.TemporaryDirectory() as place:
        readers = {}
        for rate in (16_000, 44_100):
            folder = Path(place) / str(rate)
            folder.mkdir()
            record(folder, rate)
            readers[f"reading {rate} Hz"] = RandomWindows(scan([folder]), 160, 0, length=LENGTH, batch=BATCH)

        def train(step: int) -> None:
            window = readers["reading 16000 Hz"].draw(0)
            with torch.autocast("cpu", torch.bfloat16):
                value, _ = contrast(model, window, torch.Generator().manual_seed(step))
            optimiser.zero_grad()
            value.backward()
            optimiser.step()

        jobs = {**{name: reader.draw for name, reader in readers.items()}, "training": train}
        seconds: dict[str, list[float]] = {name: [] for name in jobs}
        for step in range(25):
            for name, job in jobs.items():
                begun = perf_counter()
                job(step)
                seconds[name].append(perf_counter() - begun)
    audio = BATCH * LENGTH / RATE
    for name, times in seconds.items():
        print(f"{name:<18} {audio / median(times[5:]):8.0f} s of audio per second")


if __name__ == "__main__":
    main()
