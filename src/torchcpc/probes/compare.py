"""From trained runs and labelled data to probe tables: every row gets the same sources, the same labels, the same probe."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from torchcpc.baselines.pictures import small_pixels
from torchcpc.baselines.series import RAW_WINDOWS
from torchcpc.baselines.speech import HANDMADE
from torchcpc.contracts import CPCError
from torchcpc.data.clips import Clips
from torchcpc.probes.folds import joined_points, joined_row, joined_task
from torchcpc.probes.label_efficiency import LABELS_PER_CLASS, efficiency
from torchcpc.probes.probe import probe
from torchcpc.probes.probe_result import Row
from torchcpc.probes.question import Question, ask, folds, part
from torchcpc.probes.rows import Kept, gather
from torchcpc.probes.supervised_rows import supervised_points, supervised_row
from torchcpc.probes.table import table
from torchcpc.representations.embed import embedded_sources
from torchcpc.runs.pretrain import write_json
from torchcpc.runs.saved import build

Progress = Callable[[int, int, str], None]

# What stands beside the learned rows where nobody designed features: the raw rows themselves.
RAW = {"raw rows": lambda x_SF: x_SF, "pixels": lambda x_SF: x_SF.reshape(1, -1)}
PIXELS = {"pixels 16x16": small_pixels}
BASELINES: Mapping[str, Mapping[str, Callable[[np.ndarray], np.ndarray]]] = {
    "audio": HANDMADE,
    "digits": RAW,
    "hub_images": PIXELS,
    "images": PIXELS,
    "synthetic": RAW,
}
# The same for encoders whose step depends on their settings: functions of the rows and the stride.
STRIDED_BASELINES: Mapping[str, Mapping[str, Callable[[np.ndarray, int], np.ndarray]]] = {"series": RAW_WINDOWS}


def compare(
    models: Sequence[Any],
    config: Mapping[str, Any],
    sources: Any,
    question: Question,
    *,
    readings: Sequence[Any] | None = None,
    seeds: int = 3,
    draws: int = 5,
    probes: Sequence[str] = ("linear", "MLP"),
    baselines: Sequence[str] | None = None,
    curve: Sequence[int] = LABELS_PER_CLASS,
    supervised_steps: int = 1000,
    supervised_curve: bool = False,
    device: str = "cpu",
    progress: Progress = lambda done, total, note="": None,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The table of one question (the form of probe.json) and a map of the test rows.

    models: one trained model per pre-training seed; readings: the sources as each reads them, where that differs (text through its own
    vocabulary). Rows: CPC c and z, the same network untrained (`seeds` seeds, 0: no such rows), and the handmade features of the
    domain, each under every probe, the linear one with its label-efficiency curve at `curve` labels per class (empty: none), each
    point from `draws` draws of labels; and the same network trained on the labels for `supervised_steps` updates (0: left out), at the
    points of the curve too with `supervised_curve`.
    """
    if not seeds and supervised_steps:
        raise CPCError("seeds = 0 with supervised_steps: they count the supervised networks, too. Set one of them otherwise.")
    if question.unit == "frame" and models[0].encoder.layout.sequences > 1:
        raise CPCError("a picture has a label as a whole: leave --alignment and --unit frame out.")
    every_fold = folds(sources, question)
    parts = [part(sources, fold) for fold in every_fold]
    clips = parts[0].clips  # leaving out a value or another moves clips between the parts, and changes none of them
    read = [Clips(own, clips.clips) for own in readings or [sources] * len(models)]
    stride = models[0].encoder.stride
    steps = [clips.length(i) // stride for i in range(len(clips))]
    asked = [ask(parted, question, steps, stride / sources.rate) for parted in parts]
    task = joined_task([rows.task for rows in asked])
    if len(every_fold) > 1:
        task = replace(
            task, split=task.split.replace(f"{every_fold[0].leave_out} only", f"each {question.leave_out} in turn only")
        )
    if question.standardise_by:
        task = replace(task, split=f"{task.split}; frames standardised by {question.standardise_by}")
    named = baselines_of(config["data"]["name"], stride, baselines)
    groups = None
    if question.standardise_by:
        values = sources.labels(question.standardise_by)
        groups = [values[clip.source] for clip in clips.clips]

    def represented(model: Any, own: Clips) -> tuple[Kept, ...]:
        return gather(asked, ((i, (z, c)) for i, z, c in embedded_sources(model, own, device=device)), groups)

    def handmade(function: Callable[[np.ndarray], np.ndarray]) -> tuple[Kept, ...]:
        return gather(asked, ((i, (function(clips.read(i, 0, clips.length(i))),)) for i in range(len(clips))), groups)

    learned = [represented(model, own) for model, own in zip(models, read, strict=True)]
    kinds: dict[str, Callable[[], list[Kept]]] = {
        "CPC c": lambda: [c for _, c in learned],
        "CPC z": lambda: [z for z, _ in learned],
    }
    # Seeds that no run trained from, so that the rows are independent of the learned ones.
    fresh = (build(dict(config), seed=10_000 + seed).eval().to(device) for seed in range(seeds))
    random = [represented(model, clips) for model in fresh]
    if random:
        kinds["random init c"] = lambda: [c for _, c in random]
        kinds["random init z"] = lambda: [z for z, _ in random]
    for name, function in named.items():
        kinds[name] = lambda function=function: list(handmade(function))
    results: list[Row] = []
    points = []
    for done, (name, make) in enumerate(kinds.items()):
        progress(done, len(kinds), name)
        made = make()
        features = [[rows.features(name, each) for each in made] for rows in asked]
        for kind in probes:
            every = [probe(own, rows.task, kind=kind) for own, rows in zip(features, asked, strict=True)]
            results.append(joined_row(every))
            if curve and kind == "linear":
                folded = zip(features, asked, every, strict=True)
                settings = {"points": curve, "draws": draws}
                points += joined_points([efficiency(own, rows.task, all_labels=row, **settings) for own, rows, row in folded])
    if supervised_steps:
        progress(len(kinds), len(kinds), "supervised")
        every = [supervised_row(config, clips, rows, steps=supervised_steps, seeds=seeds) for rows in asked]
        results.append(joined_row(every))
        if supervised_curve:
            settings = {"points": curve, "steps": supervised_steps, "seeds": seeds}
            folded = zip(asked, every, strict=True)
            points += joined_points(
                [supervised_points(config, clips, rows, all_labels=row, **settings) for rows, row in folded]
            )
    progress(len(kinds), len(kinds), "map")
    first = asked[0].task
    seen = scatter(asked[0].features("CPC c", learned[0][1]).test, first.test.y_M, first.label, first.names)
    return table(task, results, points), seen


def baselines_of(domain: str, stride: int, chosen: Sequence[str] | None) -> dict[str, Callable[[np.ndarray], np.ndarray]]:
    """What a domain is compared with, as functions of the raw rows; those of `chosen`, if given. Raises CPCError for an unknown one."""
    found = dict(BASELINES.get(domain, {}))
    for name, function in STRIDED_BASELINES.get(domain, {}).items():
        found[name] = lambda x, function=function: function(x, stride)
    if unknown := [name for name in chosen or () if name not in found]:
        raise CPCError(f"baseline {unknown[0]!r} is unknown. Choose among: {', '.join(found)}.")
    return found if chosen is None else {name: found[name] for name in chosen}


def scatter(x_MD: np.ndarray, y_M: np.ndarray, label: str, names: Sequence[str], *, most: int = 1500) -> dict[str, Any]:
    """At most `most` of the rows in two dimensions (t-SNE, after standardisation), with the class of each."""
    from sklearn.manifold import TSNE

    kept = np.sort(np.random.default_rng(0).permutation(len(x_MD))[:most])
    x_MD = (x_MD[kept] - x_MD[kept].mean(axis=0)) / (x_MD[kept].std(axis=0) + 1e-6)
    perplexity = min(30.0, (len(kept) - 1) / 3)
    points = TSNE(perplexity=perplexity, init="pca", random_state=0).fit_transform(x_MD)
    return {"label": label, "points": points.round(3).tolist(), "labels": [names[y] for y in y_M[kept]]}


def add_table(run: Path, entry: dict[str, Any], points: dict[str, Any]) -> None:
    """Puts a table into the run's probe.json, in place of an earlier one of the same question."""
    path = run / "probe.json"
    try:
        before = json.loads(path.read_text(encoding="utf8"))["tables"] if path.exists() else []
    except (ValueError, KeyError, TypeError):
        raise CPCError(f"{path} is damaged. Remove it and probe again.") from None
    same = ("label", "unit", "split", "test")
    tables = [table for table in before if any(table[key] != entry[key] for key in same)]
    write_json(path, {"tables": [*tables, entry], "map": points})
