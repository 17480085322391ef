"""From trained runs and labelled data to probe tables: every row gets the same sources, the same labels, the same probe."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from torchcpc.contracts import CPCError
from torchcpc.data.clips import Clips, tiles, wholes
from torchcpc.data.splits import by_column, by_source
from torchcpc.evaluation.alignment import Alignment
from torchcpc.evaluation.efficiency import LABELS_PER_CLASS, efficiency
from torchcpc.evaluation.embedding import frames
from torchcpc.evaluation.handmade import HANDMADE
from torchcpc.evaluation.pixels import small_pixels
from torchcpc.evaluation.probe import probe
from torchcpc.evaluation.raw_windows import RAW_WINDOWS
from torchcpc.evaluation.rows import Frames, Rows
from torchcpc.evaluation.score import Row
from torchcpc.evaluation.table import table
from torchcpc.evaluation.task import PARTS, Features, Labels, Task
from torchcpc.pretrained import build
from torchcpc.pretraining import write_json
from torchcpc.supervising import supervised_points, supervised_row

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


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked. label: column of the labels, or of the alignment's table; alignment: frame labels, or None for labels of sources;
    unit: "recording", or "frame" for one row per step; clip_seconds: cut sources into clips this long first (0: whole); within:
    train on the first share of every source and test on the rest (0: split by source, as is right wherever sources repeat
    their labels); leave_out: "column=value" names the test sources; pool: how the frames of a recording become one row; delay_s: how far
    behind the centre of a frame the moment lies that it is asked about; choose_by, class_weight: see
    `evaluation.task.Task`.
    """

    label: str
    alignment: Alignment | None = None
    unit: str = "recording"
    clip_seconds: float = 0.0
    within: float = 0.0
    leave_out: str = ""
    pool: str = "mean+deviation"
    validation: float = 0.15
    every: int = 1
    delay_s: float = 0.0
    choose_by: str = "accuracy"
    class_weight: str = "none"


@dataclass(frozen=True, slots=True)
class Parted:
    """Clips of sources with the part (train, validation, test) and the source that each belongs to."""

    clips: Clips
    part: list[str]
    how: str


def part(sources: Any, question: Question) -> Parted:
    """Cuts and splits the sources as the question asks. Sources without a label take no part."""
    length = round(question.clip_seconds * sources.rate)
    if question.within:
        end = question.within
        cut = [tiles(sources, length=length, begin=b, end=e) for b, e in ((0.0, 0.85 * end), (0.85 * end, end), (end, 1.0))]
        clips = Clips(sources, [clip for clips in cut for clip in clips.clips])
        names = [name for name, clips in zip(PARTS, cut, strict=True) for _ in clips.clips]
        return Parted(clips, names, f"within recordings, in time: the first {end:.0%} of each for training")
    clips = tiles(sources, length=length) if length else wholes(sources)
    of_source, how = _split(sources, question)
    return Parted(clips, [of_source.get(clip.source, "") for clip in clips.clips], how)


def _split(sources: Any, question: Question) -> tuple[dict[int, str], str]:
    keys = [item.key for item in sources.items]
    column = sources.labels("split")
    if question.leave_out:
        name, _, value = question.leave_out.partition("=")
        test = by_column(sources.labels(name)).get(value, [])
        if not test:
            raise CPCError(
                f"leave out {question.leave_out!r}: no source has it. Values of {name}: {', '.join(sorted(set(sources.labels(name)))[:9])}."
            )
        how = f"by source: {question.leave_out} only in the test"
    elif "test" in column:
        test, how = by_column(column)["test"], "by source: the split column of the data"
    else:
        test, how = by_source(keys, {"train": 0.8, "test": 0.2})["test"], "by source: a fifth at random for the test"
    held = set(test)
    rest = [i for i in range(len(keys)) if i not in held and (not any(column) or question.leave_out or column[i] != "")]
    parts = by_source([keys[i] for i in rest], {"train": 1 - question.validation, "validation": question.validation})
    of_source = {i: "test" for i in test}
    return of_source | {rest[i]: name for name, members in parts.items() for i in members}, how


def ask(parted: Parted, question: Question, steps: Sequence[int], seconds_per_step: float) -> Rows:
    """The rows and labels of a question, for clips of `steps` steps each."""
    sources, clips = parted.clips.sources, parted.clips.clips
    chosen: dict[str, list[tuple[int, np.ndarray | None]]] = {name: [] for name in PARTS}
    y: dict[str, list[np.ndarray]] = {name: [] for name in PARTS}
    source: dict[str, list[np.ndarray]] = {name: [] for name in PARTS}
    values = [] if question.alignment else sources.labels(question.label)
    names = question.alignment.names if question.alignment else tuple(sorted(set(values) - {""}))
    number = {name: n for n, name in enumerate(names)}
    if len(names) < 2:
        raise CPCError(
            f"label {question.label!r}: {len(names)} classes among {len(sources)} sources; a probe needs at least 2. Check the column name."
        )
    for index, (clip, name) in enumerate(zip(clips, parted.part, strict=True)):
        if not name:
            continue
        if question.alignment:
            labels_T = question.alignment.frames(
                sources.items[clip.source].path.stem,
                steps[index],
                step_s=seconds_per_step,
                begin_s=clip.start / sources.rate,
                delay_s=question.delay_s,
            )
        elif values[clip.source]:
            labels_T = np.full(steps[index], number[values[clip.source]])
        else:
            continue
        kept = np.flatnonzero(labels_T >= 0)[:: question.every]
        if not len(kept):
            continue
        chosen[name].append((index, kept if question.unit == "frame" else None))
        labels = labels_T[kept] if question.unit == "frame" else labels_T[:1]
        y[name].append(labels)
        # Two stretches of one recording are different sources to the task: the split within recordings was asked for by name.
        unit = clip.source if not question.within else clip.source * len(PARTS) + PARTS.index(name)
        source[name].append(np.full(len(labels), unit))
    for name in PARTS:
        if not y[name]:
            raise CPCError(
                f"label {question.label!r}: no labelled source in the {name} part. Use more sources, or another split."
            )
    labels = {name: Labels(np.concatenate(y[name]), np.concatenate(source[name])) for name in PARTS}
    judged, weighed = question.choose_by, question.class_weight
    task = Task(question.label, question.unit, names, parted.how, **labels, choose_by=judged, class_weight=weighed)
    return Rows(task, chosen, y, question.pool)


def compare(
    models: Sequence[Any],
    config: Mapping[str, Any],
    sources: Any,
    question: Question,
    *,
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

    models: one trained model per pre-training seed. Rows: CPC c and z, the same network untrained (`seeds` seeds, 0: no such rows), and
    the handmade features of the domain, each under every probe, the linear one with its label-efficiency curve at `curve` labels per
    class (empty: none), each point from `draws` draws of labels; and the same network trained on the labels for `supervised_steps`
    updates (0: left out), at the points of the curve too with `supervised_curve`.
    """
    if not seeds and supervised_steps:
        raise CPCError("seeds = 0 with supervised_steps: they count the supervised networks, too. Set one of them otherwise.")
    if question.unit == "frame" and models[0].encoder.layout.sequences > 1:
        raise CPCError("a picture has a label as a whole: leave --alignment and --unit frame out.")
    parted = part(sources, question)
    learned = [frames(model, parted.clips, device=device) for model in models]
    steps = [len(z_TD) for z_TD in learned[0][0]]
    rows = ask(parted, question, steps, models[0].encoder.stride / sources.rate)
    named = _baselines(config["data"]["name"], models[0].encoder.stride, baselines)
    kinds: dict[str, Callable[[], list[Features]]] = {
        "CPC c": lambda: [rows.features("CPC c", c) for _, c in learned],
        "CPC z": lambda: [rows.features("CPC z", z) for z, _ in learned],
    }

    def untrained() -> list[tuple[Frames, Frames]]:
        # Seeds that no run trained from, so that the rows are independent of the learned ones.
        fresh = (build(dict(config), seed=10_000 + seed).eval().to(device) for seed in range(seeds))
        return [frames(model, parted.clips, device=device) for model in fresh]

    random = untrained()
    if random:
        kinds["random init c"] = lambda: [rows.features("random init c", c) for _, c in random]
        kinds["random init z"] = lambda: [rows.features("random init z", z) for z, _ in random]
    for name, function in named.items():
        kinds[name] = lambda name=name, function=function: [
            rows.features(name, [function(parted.clips.read(i, 0, parted.clips.length(i))) for i in range(len(parted.clips))])
        ]
    results: list[Row] = []
    points = []
    for done, (name, make) in enumerate(kinds.items()):
        progress(done, len(kinds), name)
        features = make()
        for kind in probes:
            results.append(probe(features, rows.task, kind=kind))
        if curve:
            linear = next(row for row in results if row.features == name and row.probe == "linear")
            points += efficiency(features, rows.task, all_labels=linear, points=curve, draws=draws)
    if supervised_steps:
        progress(len(kinds), len(kinds), "supervised")
        results.append(supervised_row(config, parted.clips, rows, steps=supervised_steps, seeds=seeds))
        if supervised_curve:
            settings = {"all_labels": results[-1], "points": curve, "steps": supervised_steps, "seeds": seeds}
            points += supervised_points(config, parted.clips, rows, **settings)
    progress(len(kinds), len(kinds), "map")
    return table(rows.task, results, points), embedding_map(rows, learned[0][1])


def _baselines(domain: str, stride: int, chosen: Sequence[str] | None) -> dict[str, Callable[[np.ndarray], np.ndarray]]:
    found = dict(BASELINES.get(domain, {}))
    for name, function in STRIDED_BASELINES.get(domain, {}).items():
        found[name] = lambda x, function=function: function(x, stride)
    if unknown := [name for name in chosen or () if name not in found]:
        raise CPCError(f"baseline {unknown[0]!r} is unknown. Choose among: {', '.join(found)}.")
    return found if chosen is None else {name: found[name] for name in chosen}


def embedding_map(rows: Rows, frames: Frames, *, most: int = 1500) -> dict[str, Any]:
    """Test rows of CPC c in two dimensions (t-SNE, after standardisation), at most `most` of them."""
    from sklearn.manifold import TSNE

    x_MD, y_M = rows.features("CPC c", frames).test, rows.task.test.y_M
    kept = np.sort(np.random.default_rng(0).permutation(len(x_MD))[:most])
    x_MD = (x_MD[kept] - x_MD[kept].mean(axis=0)) / (x_MD[kept].std(axis=0) + 1e-6)
    perplexity = min(30.0, (len(kept) - 1) / 3)
    points = TSNE(perplexity=perplexity, init="pca", random_state=0).fit_transform(x_MD)
    return {"label": rows.task.label, "points": points.round(3).tolist(), "labels": [rows.task.names[y] for y in y_M[kept]]}


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
