"""Does a stream keep up, and does it stay small? Latency and throughput of `CPC.stream()`, and its memory after half an hour.

The models are speech models on noise at 16 kHz, of the paper's size and small, and the model of electrocardiograms on two channels at
360 Hz. Recipes may be named instead. PMI is included, with log Z from 1,024 samples and by the regression for streams.
A chunk is answered when `push` returns, so the latency comes on top of the wait for its samples. Latencies are by the clock.
"Times real time" is by the processor's time on one core, so that other work on the machine does not count. Memory is the resident
size of the process.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter, process_time

import numpy as np
import torch

from torchcpc.model import CPCModel
from torchcpc.runs.build import build, schema
from torchcpc.scores import Amortised, Sample
from torchcpc.settings import load_recipe, override, resolve

# Recipe -> positions a second, shape of one, and settings that training would have found.
MODELS = {
    "speech-paper": (16_000, (), []),
    "speech-waveform": (16_000, (), []),
    "series-ecg": (360, (2,), ["encoder.mean=[0, 0]", "encoder.scale=[1, 1]"]),
}
CHUNKS = {"10 ms": 0.01, "100 ms": 0.1, "1 s": 1.0}


def resident() -> float:
    """MB of this process in memory (Linux)."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6


def noise(count: int, row: tuple[int, ...]) -> Iterator[torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    while True:
        yield 0.1 * torch.randn(count, *row, generator=generator)


def model_of(recipe: str) -> CPCModel:
    return build(resolve(override(load_recipe(recipe), MODELS[recipe][2]), schema())).eval()


def partitions(model: CPCModel) -> dict[str, Sample | Amortised]:
    with torch.inference_mode():
        z, _, p = model(0.1 * torch.randn(16, 128 * model.encoder.stride, *model.encoder.row_shape))
        z_MD, p_AKD = z.flatten(0, 1)[:1024], p.flatten(0, 1)
        sample = Sample(z_MD, torch.arange(len(z_MD)) // 128, torch.zeros(len(z_MD), dtype=torch.int64))
        return {"sample": sample, "regression": Amortised(p_AKD, sample(p_AKD))}


def main() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    print(f"{'model':<13}{'log Z':<12}{'chunk':<8}{'median ms':>10}{'99 % ms':>9}{'worst ms':>9}{'times real time':>16}")
    recipes = sys.argv[1:] or list(MODELS)
    for recipe in recipes:
        rate, row, _ = MODELS[recipe]
        model = model_of(recipe)
        for name, log_partition in partitions(model).items():
            for label, seconds in CHUNKS.items():
                count = round(seconds * rate)
                stream, source = model.stream(log_partition), noise(count, row)
                milliseconds, busy = [], 0.0
                for _ in range(max(20, min(500, 20 * rate // count))):
                    chunk = next(source)
                    begun, begun_busy = perf_counter(), process_time()
                    stream.push(chunk)
                    busy += process_time() - begun_busy
                    milliseconds.append(1000 * (perf_counter() - begun))
                times = np.array(milliseconds[10:])
                print(
                    f"{recipe:<13}{name:<12}{label:<8}{np.median(times):>10.2f}{np.quantile(times, 0.99):>9.2f}{times.max():>9.2f}"
                    f"{len(milliseconds) * count / rate / busy:>16.1f}"
                )
    if "speech-waveform" not in recipes:
        return
    model = model_of("speech-waveform")
    stream, source = model.stream(partitions(model)["regression"]), noise(16_000, ())
    for second in range(1, 1801):
        stream.push(next(source))
        if second in (60, 600, 1800):
            print(f"resident after {second:>5} s of audio in chunks of 1 s: {resident():.1f} MB")


if __name__ == "__main__":
    main()
