"""What the product does with a file of each kind, from the reader that a command would use to the numbers that it would go on with."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from torchcpc.contracts import CPCError, Sources, Timed, provides, silent
from torchcpc.data.text.texts import Texts
from torchcpc.domains import DOMAINS
from torchcpc.settings import load_recipe, override, resolve

# Of the runs that are reported, one in so many is drawn.
FIGURES = int(os.environ.get("FUZZ_FIGURES", "16"))
Reader = Callable[[Path], None]


def read_everything(sources: Sources) -> None:
    """The first and last sources, at their beginning and in the middle, with all that describes them."""
    repr(sources)
    for index in {0, len(sources) - 1}:
        length = sources.length(index)
        if isinstance(sources, Texts) and sources.tokenizer is None:
            sources.text(index)
            continue
        sources.read(index, 0, min(length, 997))
        sources.read(index, length // 2, min(length - length // 2, 97))
        if provides(sources, Timed):
            sources.times(index)
    for column in {column for item in sources.items[:3] for column in item.labels}:
        sources.labels(column)
    [(item.key, item.group, item.seconds) for item in sources.items]
    [f"{each.path}: {each.reason}" for each in (*sources.skipped, *sources.notes)]


def opened(domain: str, name: str = "", **settings: object) -> Reader:
    """Reads a folder, or the file `name` in it, as data of a domain."""

    def read(folder: Path) -> None:
        cache = folder / "cache" / "scan.json"
        for _ in range(2 if cache.exists() else 1):
            read_everything(DOMAINS[domain].reader([str(folder / name)], cache, silent, **settings))

    return read


def array(name: str) -> Reader:
    def read(folder: Path) -> None:
        from torchcpc.mutual import read_array
        from torchcpc.mutual.samples import samples

        values = read_array(folder / name).values
        samples(values, values, most=997, seed=0)

    return read


def alignment(name: str) -> Reader:
    def read(folder: Path) -> None:
        from torchcpc.data.alignment import read_alignment

        found = read_alignment(folder / name, column="phone", rate=16_000)
        for recording in list(found.spans)[:3]:
            found.frames(recording, 31)

    return read


def lines(folder: Path) -> None:
    from torchcpc.data.text.texts import read_lines

    read_lines(folder / "context.txt")


def tokenizer(folder: Path) -> None:
    from torchcpc.data.text.tokenizer_files import load_tokenizer
    from torchcpc.data.text.tokens import encode

    found = load_tokenizer(folder / "tokenizer.json")
    encode(found, ["aaaa bad nite ...", "a" * 3000 + "!", "Ⅳ ﬁ  \u0301 "], 7)


def vectors(name: str) -> Reader:
    def read(folder: Path) -> None:
        from torchcpc.data.text.word_vectors import open_vectors

        for _ in open_vectors(folder / name).words():
            pass

    return read


def recipe(folder: Path) -> None:
    from torchcpc.runs.build import build, schema

    tables = override(load_recipe(str(folder / "recipe.toml")), ["training.steps=2"])
    build(resolve(tables, schema()))


def resumed(folder: Path) -> None:
    """`cpc train --resume RUN --accept-changed-data` of a finished run: all that a resumed one reads."""
    from torchcpc.api import resume
    from torchcpc.runs.devices import Devices

    resume(folder, accept_changed_data=True, devices=Devices(accelerator="cpu"))


def used(folder: Path) -> None:
    """`cpc embed` of a run on its own data, and the files that name them."""
    from torchcpc.api import load

    run = load(folder)
    run.trained.require_record()
    sources = run.open()
    run.embed(sources.select([0]))


def loaded(folder: Path) -> None:
    """A saved model, asked for the representations of zeros and of noise."""
    from torchcpc.runs.saved import from_pretrained

    model, _ = from_pretrained(folder)
    encoder = model.encoder
    shape = (1, 3 * encoder.stride, *encoder.row_shape)
    if np.prod(shape, dtype=float) > 1e8:
        raise CPCError(f"an input of {shape} is no test.")
    with torch.no_grad():
        z_BTD = encoder(torch.ones(shape))
        model.context(z_BTD)


def reported(folder: Path) -> None:
    """`cpc report`: one case in `FIGURES` with its figures, which take a second."""
    from torchcpc.report import build_report
    from torchcpc.report.results import read_folder
    from torchcpc.report.summary import sentences, tiles, warning_lines

    if sum(path.stat().st_size for path in folder.iterdir()) % FIGURES == 0:
        build_report(folder)
        return
    run = read_folder(folder)
    tiles(run), sentences(run), warning_lines(run)
    for result in (*run.probes, run.ranking, run.information, run.timeline, run.segments, run.anomalies):
        if result is not None:
            result.text(), result._repr_html_(), result.records(), json.dumps(result.to_json())
