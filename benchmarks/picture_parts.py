"""Which parts of the picture recipe help: variation, the skipped row, four directions of reading?

Trains image-small as shipped and with one part changed at a time, from the same seeds on the same folder (a folder a class, below train
and test), and reads the classes of the test pictures off z and c by the linear probe of `cpc probe`. Prints the accuracy of every
variant and what it gains over the recipe as shipped, paired by seed and test picture. Runs stay in the folder OUT, and what is there
already is not trained again.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

from lightning_fabric import Fabric

from torchcpc.asking import Parted, Question, ask, part
from torchcpc.commands.sources import open_sources
from torchcpc.config import load_recipe, override, resolve
from torchcpc.evaluation.embedding import embedded_sources
from torchcpc.evaluation.intervals import Interval, accuracy_interval, difference_interval
from torchcpc.evaluation.probe import probe
from torchcpc.evaluation.rows import gather
from torchcpc.evaluation.score import Row
from torchcpc.pretrained import from_pretrained
from torchcpc.pretraining import SCHEMA, create_run, pretrain

SHIPPED = "as shipped"
VARIANTS: Mapping[str, Sequence[str]] = {
    SHIPPED: (),
    "no variation": (
        *("data.margin=0", "data.flip=false"),
        *("encoder.margin=0", "encoder.flip=0.0", "encoder.colour_drop=0.0"),
    ),
    "the next row as well": ("predictor.first=1", "predictor.count=4"),
    "down only": ('encoder.directions=["down"]',),
}


def train(name: str, seed: int, data: str, out: Path, changes: Sequence[str]) -> Path:
    """The folder of the run of one variant and seed, trained unless it is there."""
    folder = out / f"{name.replace(' ', '-')}-{seed}"
    if not (folder / "model.safetensors").exists():
        settings = resolve(override(load_recipe("image-small"), [*changes, *VARIANTS[name]]), SCHEMA)
        if not (folder / "settings.json").exists():
            create_run(folder, settings, recipe="image-small", roots=[data], seed=seed, precision="32-true")
        sources = open_sources(settings["data"], [data])
        pretrain(folder, sources, fabric=Fabric(accelerator="cpu", devices=1, precision="32-true"))
    return folder


def rows_of(folders: Sequence[Path], data: str) -> dict[str, Row]:
    """Linear rows of z and c over the runs of one variant."""
    models, configs = zip(*(from_pretrained(folder) for folder in folders), strict=True)
    question = Question(label="class")
    parted: Parted = part(open_sources(configs[0]["data"], [data]), question)
    rows = ask(parted, question, [1] * len(parted.clips), 1.0)
    made = [gather([rows], ((i, (z, c)) for i, z, c in embedded_sources(model, parted.clips))) for model in models]
    return {
        name: probe([rows.features(name, each[place]) for each in made], rows.task) for place, name in enumerate(("z", "c"))
    }


def shown(interval: Interval, sign: str = "") -> str:
    return f"{100 * interval.mean:{sign}.1f} ({100 * interval.low:{sign}.1f} to {100 * interval.high:{sign}.1f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", metavar="DATA", help="a folder with train/CLASS and test/CLASS")
    parser.add_argument(
        "changes", nargs="*", metavar="section.key=value", help="settings of every variant, e.g. training.steps=200"
    )
    parser.add_argument("-o", "--out", type=Path, required=True, metavar="OUT", help="folder of the runs")
    parser.add_argument("--seeds", type=int, default=2, help="pre-training seeds of every variant (default: %(default)s)")
    parser.add_argument(
        "--only", nargs="+", choices=list(VARIANTS), default=list(VARIANTS), help="these and the recipe as shipped"
    )
    arguments = parser.parse_args()
    print(f"{'variant':<22} {'features':<8} {'accuracy %':<22} gain over the recipe as shipped")
    shipped: dict[str, Row] = {}
    for variant in [SHIPPED, *(name for name in arguments.only if name != SHIPPED)]:
        seeds = range(arguments.seeds)
        rows = rows_of(
            [train(variant, seed, arguments.data, arguments.out, arguments.changes) for seed in seeds], arguments.data
        )
        shipped = shipped or rows
        for name, row in rows.items():
            gain = "" if rows is shipped else shown(difference_interval(row.hits, shipped[name].hits), "+")
            print(f"{variant:<22} {name:<8} {shown(accuracy_interval(row.hits)):<22} {gain}", flush=True)


if __name__ == "__main__":
    main()
