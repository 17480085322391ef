"""One part of a recipe changed at a time: every variant trained from the same seeds and read by the same probe, differences paired.

Runs stay in the folder OUT, one a variant and seed, and what is there already is not trained again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from torchcpc.probes.features import Clipped, learned
from torchcpc.probes.question import ProbeRows, ProbeSpec
from torchcpc.probes.single_split import SingleSplit
from torchcpc.probes.stored import RowStore
from torchcpc.probes.table import ProbeRow, stacked
from torchcpc.runs.build import schema
from torchcpc.runs.devices import Devices
from torchcpc.runs.pretrain import pretrain, resume
from torchcpc.runs.run import load_run
from torchcpc.settings import load_recipe, override, resolve
from torchcpc.statistics.intervals import Interval, difference_interval, share_interval


def compare(
    recipe: str,
    variants: Mapping[str, Sequence[str]],
    data: str,
    spec: ProbeSpec,
    *,
    seeds: int,
    changes: Sequence[str],
    out: Path,
) -> None:
    """Prints the accuracy of every variant, and what it gains over the first, by the linear probe of `cpc probe` on z and c."""
    print(f"{'variant':<28} {'features':<8} {'accuracy %':<22} {'gain over ' + next(iter(variants)):<22} each seed")
    first: dict[str, ProbeRow] = {}
    for name, own in variants.items():
        settings = [*changes, *own]
        folders = [out / f"{name.replace(' ', '-')}-{seed}" for seed in range(seeds)]
        for seed, folder in enumerate(folders):
            train(recipe, settings, seed, data, folder)
        rows = rows_of(folders, data, spec)
        first = first or rows
        for features, row in rows.items():
            gain = "" if rows is first else shown(difference_interval(row.hits, first[features].hits), "+")
            each = " ".join(f"{100 * share:.1f}" for share in row.correct_RM.mean(axis=1))
            print(f"{name:<28} {features:<8} {shown(share_interval(row.hits)):<22} {gain:<22} {each}", flush=True)


def train(recipe: str, changes: Sequence[str], seed: int, data: str, folder: Path) -> None:
    """A run of one variant and seed, unless it is there."""
    if (folder / "model.safetensors").exists():
        return
    devices = Devices(accelerator="cpu", precision="32-true")
    if (folder / "settings.json").exists():
        resume(folder, devices=devices)
        return
    settings = resolve(override(load_recipe(recipe), changes), schema())
    pretrain(settings, data, folder, recipe=recipe, seed=seed, devices=devices)


def rows_of(folders: Sequence[Path], data: str, spec: ProbeSpec) -> dict[str, ProbeRow]:
    """Linear rows of z and c over the runs of one variant."""
    runs = [load_run(folder) for folder in folders]
    sources, stride = runs[0].open([data]), runs[0].model.encoder.stride
    design, store = SingleSplit(sources, spec, ProbeRows(probes=["linear"], curve=()), stride), RowStore(None)
    clipped = Clipped(sources, design)
    networks = [learned(clipped, run, sources) for run in runs]
    return {
        name: stacked([design.answer("linear", own.seed(name, "cpc", name), store) for own in networks]) for name in ("z", "c")
    }


def shown(interval: Interval, sign: str = "") -> str:
    return f"{100 * interval.mean:{sign}.1f} ({100 * interval.low:{sign}.1f} to {100 * interval.high:{sign}.1f})"
