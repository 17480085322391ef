"""One part of a recipe changed at a time: every variant trained from the same seeds and read by the same probe, differences paired.

Runs stay in the folder OUT, one a variant and seed, and what is there already is not trained again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from lightning_fabric import Fabric

from torchcpc.commands.sources import open_sources
from torchcpc.probes.probe import probe
from torchcpc.probes.probe_result import Row
from torchcpc.probes.question import Question, ask, part
from torchcpc.probes.rows import gather
from torchcpc.representations.embed import embedded_sources
from torchcpc.runs.pretrain import SCHEMA, create_run, pretrain
from torchcpc.runs.saved import from_pretrained
from torchcpc.settings import load_recipe, override, resolve
from torchcpc.statistics.intervals import Interval, accuracy_interval, difference_interval


def compare(
    recipe: str,
    variants: Mapping[str, Sequence[str]],
    data: str,
    question: Question,
    *,
    seeds: int,
    changes: Sequence[str],
    out: Path,
) -> None:
    """Prints the accuracy of every variant, and what it gains over the first, by the linear probe of `cpc probe` on z and c."""
    print(f"{'variant':<28} {'features':<8} {'accuracy %':<22} {'gain over ' + next(iter(variants)):<22} each seed")
    first: dict[str, Row] = {}
    for name, own in variants.items():
        settings = [*changes, *own]
        folders = [out / f"{name.replace(' ', '-')}-{seed}" for seed in range(seeds)]
        for seed, folder in enumerate(folders):
            train(recipe, settings, seed, data, folder)
        rows = rows_of(folders, data, question)
        first = first or rows
        for features, row in rows.items():
            gain = "" if rows is first else shown(difference_interval(row.hits, first[features].hits), "+")
            each = " ".join(f"{100 * share:.1f}" for share in row.correct_RM.mean(axis=1))
            print(f"{name:<28} {features:<8} {shown(accuracy_interval(row.hits)):<22} {gain:<22} {each}", flush=True)


def train(recipe: str, changes: Sequence[str], seed: int, data: str, folder: Path) -> None:
    """A run of one variant and seed, unless it is there."""
    if (folder / "model.safetensors").exists():
        return
    settings = resolve(override(load_recipe(recipe), changes), SCHEMA)
    if not (folder / "settings.json").exists():
        create_run(folder, settings, recipe=recipe, roots=[data], seed=seed, precision="32-true")
    pretrain(folder, open_sources(settings["data"], [data]), fabric=Fabric(accelerator="cpu", devices=1, precision="32-true"))


def rows_of(folders: Sequence[Path], data: str, question: Question) -> dict[str, Row]:
    """Linear rows of z and c over the runs of one variant."""
    models, configs = zip(*(from_pretrained(folder) for folder in folders), strict=True)
    sources = open_sources(configs[0]["data"], [data])
    parted, stride = part(sources, question), models[0].encoder.stride
    steps = [parted.clips.length(i) // stride for i in range(len(parted.clips))]
    rows = ask(parted, question, steps, stride / sources.rate)
    made = [gather([rows], ((i, (z, c)) for i, z, c in embedded_sources(model, parted.clips))) for model in models]
    return {
        name: probe([rows.features(name, each[place]) for each in made], rows.task) for place, name in enumerate(("z", "c"))
    }


def shown(interval: Interval, sign: str = "") -> str:
    return f"{100 * interval.mean:{sign}.1f} ({100 * interval.low:{sign}.1f} to {100 * interval.high:{sign}.1f})"
