"""The files of runs and their results as kinds, and every kind there is."""

from __future__ import annotations

import os
from pathlib import Path

from tests.attacks import fuzz_readers as readers
from tests.attacks.fuzz_seeds import Kind, caches, files_in, made, pictures, series, sounds, tables, texts
from tests.conformance.worlds import WORLDS
from tests.report import fabricate


def results(root: Path) -> list[Kind]:
    def run(folder: Path) -> None:
        shown = (
            fabricate.timeline(steps=31),
            fabricate.ranking(),
            fabricate.information(),
            fabricate.table("digit", 0.1, map=fabricate.layout("digit", 10, 13)),
        )
        about = {"recipe": "r", "settings": {"training": {"steps": 20}}, "data": {"recordings": 5, "hours": 0.2, "groups": 2}}
        fabricate.folder(
            folder,
            fabricate.lines(train=5, valid=2),
            *shown,
            fabricate.segments(),
            fabricate.anomalies(fabricate.trace(bins=13)),
            settings=about,
            skipped=[{"path": "a", "reason": "b"}],
        )

    world = made(root, run)
    return [
        Kind(f"report {name}", name, readers.reported, (world,), "jsonl" if name.endswith("l") else "json", 4) for name in world
    ]


def runs(root: Path) -> list[Kind]:
    worlds = [files_in(WORLDS[name](root / f"run-{name}").run) for name in ("digits", "series", "text")]
    kinds = []
    for name, form in {
        "settings.json": "json",
        "config.json": "json",
        "metrics.jsonl": "jsonl",
        "latest.safetensors": "safetensors",
    }.items():
        kinds.append(Kind(f"resume {name}", name, readers.resumed, tuple(worlds), form, 6))
    kinds.append(Kind("resume best.safetensors", "best.safetensors", readers.resumed, tuple(worlds), "safetensors", 6))
    kinds.append(Kind("resume skipped.json", "skipped.json", readers.resumed, tuple(worlds), "json", 3))
    for name, form in {"settings.json": "json", "config.json": "json", "model.safetensors": "safetensors"}.items():
        kinds.append(Kind(f"embed {name}", name, readers.used, tuple(worlds[:2]), form, 6))
    kinds.append(Kind("embed tokenizer.json", "tokenizer.json", readers.used, (worlds[2],), "json", 6))
    kinds += [
        Kind(f"model {name}", name, readers.loaded, tuple(worlds), form, 6)
        for name, form in (("config.json", "json"), ("model.safetensors", "safetensors"))
    ]
    shipped = Path(readers.__file__).parents[2] / "src" / "torchcpc" / "recipes"
    small = ("digits", "series", "speech-waveform", "text", "synthetic-ar1", "speech-boundaries")
    recipes = tuple({"recipe.toml": (shipped / f"{name}.toml").read_bytes()} for name in small)
    return [*kinds, Kind("recipe", "recipe.toml", readers.recipe, recipes, "toml", 6)]


def every_kind(root: Path) -> list[Kind]:
    """All kinds, with their files written below `root` where they must stay."""
    os.environ["XDG_CACHE_HOME"] = str(root / "cache-of-user")
    (root / "cache-of-user").mkdir(parents=True)
    return [kind for make in (sounds, pictures, series, tables, texts, caches, results, runs) for kind in make(root)]
