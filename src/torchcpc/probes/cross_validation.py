"""From trained runs and labelled data to a probe table by cross-validation: the same folds, grid and solver for every row."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from hashlib import blake2b
from typing import Any, cast

import numpy as np

from torchcpc.baselines.tfidf import Tfidf, normalised
from torchcpc.baselines.word_mean import mean_embedding
from torchcpc.contracts import CPCError
from torchcpc.data.clips import Clips, wholes
from torchcpc.probes.compare import Progress, baselines_of, scatter
from torchcpc.probes.nested_cv import Answers, Beside, Columns, Crossed, Kind, beside, cross_validated, grid, row
from torchcpc.probes.probe_result import Row
from torchcpc.probes.rows import Rows
from torchcpc.probes.supervised_rows import NAME, supervised_row
from torchcpc.probes.table import table
from torchcpc.probes.task import PARTS, Labels, Task
from torchcpc.representations.embed import frames
from torchcpc.representations.pool import pooled
from torchcpc.runs.saved import build
from torchcpc.statistics.group_folds import grouped_folds, together


def crossed(
    sources: Any, label: str, *, folds: int, inner: int = 5, fold_by: str = "", choose_by: str = "accuracy"
) -> tuple[Crossed, list[int]]:
    """The task, and which sources are its rows: those that have a label.

    Sources that are the same (texts but for case and blanks) or have the same value of the column `fold_by` share a fold. Where the data
    come with a test part (column split, Test or test) that is the only fold; training sources that it repeats are left out. Raises
    CPCError for classes that cannot be told apart so.
    """
    values, parts = sources.labels(label), [value.strip().lower() for value in sources.labels("split")]
    names = tuple(sorted(set(values) - {""}))
    if len(names) < 2:
        raise CPCError(
            f"label {label!r}: {len(names)} classes among {len(sources)} sources; a probe needs at least 2. Check the column name."
        )
    given = "test" in parts
    chosen = [i for i, value in enumerate(values) if value and (parts[i] or not given)]
    alike = [contents(sources, i) for i in chosen]
    how = ""
    if given:
        tested = {content for i, content in zip(chosen, alike, strict=True) if parts[i] == "test"}
        kept = [n for n, i in enumerate(chosen) if parts[i] == "test" or alike[n] not in tested]
        how = f"; {len(chosen) - len(kept)} training sources that the test repeats left out" if len(kept) < len(chosen) else ""
        chosen, alike = [chosen[n] for n in kept], [alike[n] for n in kept]
    columns = [alike]
    if fold_by:
        column = sources.labels(fold_by)
        if missing := [i for i in chosen if not column[i]]:
            raise CPCError(
                f"fold by {fold_by!r}: {len(missing)} of {len(chosen)} labelled sources have no value. Check the column name."
            )
        columns.append([column[i] for i in chosen])
    group_M = together(*columns)
    y_M = np.array([names.index(values[i]) for i in chosen])
    if given:
        fold_M = np.array([0 if parts[i] == "test" else -1 for i in chosen])
        _check_given(label, names, y_M[fold_M < 0], y_M[fold_M == 0])
        split = "the split column of the data; penalties by {inner}-fold cross-validation of the training part" + how
    else:
        fold_M = grouped_folds(y_M, group_M, folds=folds, names=names)
        repeated = len(y_M) - len(np.unique(group_M))
        by = f", by {fold_by}" if fold_by else ""
        split = (
            f"{folds}-fold cross-validation{by}, repeated sources on one side ({repeated}); penalties by {{inner}}-fold "
            "cross-validation inside each training part"
        )
    unit = "sentence" if is_text(sources) else "recording"
    task = Crossed(label, unit, names, split, y_M, group_M, fold_M, inner=inner, choose_by=choose_by)
    made = {task.inner_count(fold) for fold in task.folds}
    return replace(task, split=split.replace("{inner}", " to ".join(map(str, sorted({min(made), max(made)}))))), chosen


def _check_given(label: str, names: Sequence[str], train_M: np.ndarray, test_M: np.ndarray) -> None:
    """Raises CPCError unless the training part that the data come with has two classes, and each that is tested."""
    trained = np.unique(train_M)
    if len(trained) < 2:
        raise CPCError(
            f"label {label!r}: the training part (column split) has {len(trained)} classes among {len(train_M)} sources; a probe needs at "
            "least 2. Move sources from test to train, or leave the column out."
        )
    if missing := [names[k] for k in np.setdiff1d(test_M, trained)]:
        raise CPCError(
            f"label {label!r}: class {missing[0]!r} ({len(missing)} such) is in the test part (column split) and not in the training part. "
            "Move some of its sources to train, or leave that class out."
        )


def contents(sources: Any, index: int) -> str:
    """A text that two sources share exactly when they are the same to a probe."""
    if is_text(sources):
        return normalised(" ".join(sources.text(index)))
    return blake2b(sources.read(index, 0, sources.length(index)).tobytes(), digest_size=16).hexdigest()


def cross_compare(
    models: Sequence[Any],
    config: Mapping[str, Any],
    readings: Sequence[Any],
    label: str,
    *,
    folds: int,
    inner: int = 5,
    fold_by: str = "",
    choose_by: str = "accuracy",
    pool: str = "mean+deviation",
    seeds: int = 3,
    baselines: Sequence[str] | None = None,
    supervised_steps: int = 0,
    device: str = "cpu",
    progress: Progress = lambda done, total, note="": None,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The table of one label of whole sources (the form of probe.json) and a map of them.

    models: one trained model per pre-training seed; readings: the sources as each reads them (text through its own vocabulary).
    Rows: CPC z and c, the same network untrained (`seeds` seeds, 0: no such rows), what the domain is compared with, for text the mean
    of the trained word embeddings, TF-IDF and CPC z beside TF-IDF; and the same network trained on the labels for `supervised_steps`
    updates (0: left out), which keeps the weights that the first inner fold judges best.
    """
    if not seeds and supervised_steps:
        raise CPCError("seeds = 0 with supervised_steps: they count the supervised networks, too. Set one of them otherwise.")
    task, chosen = crossed(readings[0], label, folds=folds, inner=inner, fold_by=fold_by, choose_by=choose_by)
    readings = [sources.select(chosen) for sources in readings]
    sources, clips = readings[0], wholes(readings[0])
    # A source of one step has no deviation.
    pool = "mean" if all(clips.length(i) < 2 * models[0].encoder.stride for i in range(len(clips))) else pool
    learned = [frames(model, own, device=device) for model, own in zip(models, readings, strict=True)]
    fresh = [build(dict(config), seed=10_000 + seed).eval().to(device) for seed in range(seeds)]
    random = [frames(model, clips, device=device) for model in fresh]
    kinds: dict[str, Callable[[], Sequence[Kind]]] = {
        "CPC z": lambda: [Columns(pooled(z, pool=pool)) for z, _ in learned],
        "CPC c": lambda: [Columns(pooled(c, pool=pool)) for _, c in learned],
    }
    if seeds:
        kinds["random init z"] = lambda: [Columns(pooled(z, pool=pool)) for z, _ in random]
        kinds["random init c"] = lambda: [Columns(pooled(c, pool=pool)) for _, c in random]
    if text := is_text(sources):
        kinds |= _text_kinds(models, readings, baselines)
    else:
        named = baselines_of(config["data"]["name"], models[0].encoder.stride, baselines)
        for name, function in named.items():
            kinds[name] = lambda function=function: [
                Columns(pooled([function(clips.read(i, 0, clips.length(i))) for i in range(len(clips))], pool=pool))
            ]
    made: dict[str, Sequence[Kind]] = {}
    answers: dict[str, list[Answers]] = {}
    results: list[Row] = []
    for done, (name, make) in enumerate(kinds.items()):
        progress(done, len(kinds), name)
        made[name] = make()
        answers[name] = [cross_validated(kind, task, grid) for kind in made[name]]
        results.append(row(name, answers[name], task, dim=made[name][0].dim))
    if text and "TF-IDF" in kinds:
        progress(len(kinds), len(kinds), "CPC z + TF-IDF")
        (words,), (alone,) = made["TF-IDF"], answers["TF-IDF"]
        both = [
            cross_validated(Beside([kind, words]), task, beside(own, alone))
            for kind, own in zip(made["CPC z"], answers["CPC z"], strict=True)
        ]
        results.append(row("CPC z + TF-IDF", both, task, dim=None))
    if supervised_steps:
        progress(len(kinds), len(kinds), "supervised")
        results.append(_supervised(config, clips, task, steps=supervised_steps, seeds=seeds))
    progress(len(kinds), len(kinds), "map")
    tested_M = task.fold_M >= 0
    z = cast(Columns, made["CPC z"][0])
    return table(task, results), scatter(z.x_MD[tested_M], task.test.y_M, label, task.names)


def is_text(sources: Any) -> bool:
    """Whether sources can say what is written in them."""
    return getattr(sources, "text", None) is not None


def _text_kinds(
    models: Sequence[Any], readings: Sequence[Any], wanted: Sequence[str] | None
) -> dict[str, Callable[[], Sequence[Kind]]]:
    def means(model: Any, sources: Any) -> Kind:
        table_VE = model.encoder.embedding.weight.detach().cpu().numpy()
        ids = (sources.read(i, 0, sources.length(i)) for i in range(len(sources)))
        return Columns(np.stack([mean_embedding(ids_SL, table_VE) for ids_SL in ids]))

    sources = readings[0]
    found: dict[str, Callable[[], Sequence[Kind]]] = {
        "mean of word embeddings": lambda: [means(*each) for each in zip(models, readings, strict=True)],
        "TF-IDF": lambda: [Tfidf([" ".join(sources.text(i)) for i in range(len(sources))])],
    }
    if unknown := [name for name in wanted or () if name not in found]:
        raise CPCError(f"baseline {unknown[0]!r} is unknown. Choose among: {', '.join(found)}.")
    return found if wanted is None else {name: found[name] for name in wanted}


def _supervised(config: Mapping[str, Any], clips: Clips, task: Crossed, *, steps: int, seeds: int) -> Row:
    """The row of the network trained on the labels of each training part, less an inner fold that chooses when to stop."""
    predicted_RM = np.full((seeds, len(task.y_M)), -1)
    for fold in task.folds:
        train, test = np.flatnonzero(task.fold_M != fold), np.flatnonzero(task.fold_M == fold)
        inner_M = task.inner_folds(fold)
        places = dict(zip(PARTS, (train[inner_M > 0], train[inner_M == 0], test), strict=True))
        labels = [Labels(task.y_M[own], task.source_M[own]) for own in places.values()]  # in the order of PARTS
        asked = Task(task.label, "recording", task.names, task.split, *labels, choose_by=task.choose_by)
        each = {part: [task.y_M[[i]] for i in own] for part, own in places.items()}
        rows = Rows(asked, {part: [(int(i), None) for i in own] for part, own in places.items()}, each, "mean")
        answered = supervised_row(config, clips, rows, steps=steps, seeds=seeds).predicted_RM
        assert answered is not None  # networks answer with classes
        predicted_RM[:, test] = answered
    predicted_RM = predicted_RM[:, task.fold_M >= 0]
    return Row(NAME, "supervised", None, predicted_RM == task.test.y_M, task.test.source_M, (None,) * seeds, predicted_RM)
