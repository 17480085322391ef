"""The head of the page: what was trained, on what, and how far it got, in plain words and a few large numbers."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from torchcpc.probes.result import ProbeTable, RowSummary
from torchcpc.report import format
from torchcpc.report.metrics import PER_HORIZON, Metrics
from torchcpc.report.probe_figures import best_first, row_name
from torchcpc.report.run_folder import RunFolder
from torchcpc.text_table import TextTable

NEAR_CEILING = 0.9


@dataclass(frozen=True, slots=True)
class Tile:
    """One large number: its name above, what it compares with below."""

    name: str
    value: str
    note: str


def candidates(ceiling: float, chance: float) -> str:
    """'512', or 'about 512' where N varies: only a constant N has exp(mean log N) = 1 / mean(1 / N)."""
    if not math.isfinite(ceiling):
        return "an unknown number of"
    size = math.exp(ceiling)
    exact = abs(size * chance - 1) < 1e-4 and abs(size - round(size)) < 1e-3 * size
    return format.count(round(size)) if exact else f"about {format.count(round(size))}"


def tiles(run: RunFolder) -> list[Tile]:
    """The large numbers: bound, accuracy, at most two probes, steps."""
    line = run.metrics.best
    bound, ceiling, first = line.mean("bound_per_k"), line.mean("ceiling_per_k"), line.values(0)
    among = candidates(first["ceiling_per_k"], first["chance_per_k"])
    note = f"{format.bits(bound)} bits; ceiling log N = {format.nats(ceiling)} nats"
    chance = f"chance {format.percent(first['chance_per_k'])}, {among} candidates"
    result = [
        Tile("Best validation bound" if line.split == "valid" else "Training bound", f"{format.nats(bound)} nats", note),
        Tile(f"Accuracy at k = {line.curves.horizons[0]}", format.percent(first["accuracy_per_k"]), chance),
    ]
    for table in run.results.probes[:2]:
        row = next((row for row in best_first(table) if row.role == "cpc"), None)
        if row is not None:
            note = f"{format.label(row_name(row))}{_chance(table, '')}"
            result.append(Tile(f"Probe: {format.label(table.label)}", format.percent(row.accuracy.mean), note))
    speed = run.metrics.train.single["throughput"] if run.metrics.train is not None else np.array([])
    finite = speed[np.isfinite(speed)]
    note = f"median throughput {format.number(float(np.median(finite)))} per second" if len(finite) else "optimiser updates"
    return [*result, Tile("Training steps", f"{run.metrics.last:,}", note)]


def amount(data: Mapping[str, object]) -> str:
    """What settings.json says of the data, such as '1,500 recordings (11 min) of 6 groups, 1,200 of them for training'.

    What has no clock (text, pictures) is called sources. Groups of one source are not mentioned. Empty where nothing is known.
    """
    values = (data.get(name) for name in ("recordings", "hours", "groups", "trained"))
    recordings, hours, groups, trained = (value if isinstance(value, int | float) else None for value in values)
    parts = []
    if recordings is not None:
        parts.append(format.plural(recordings, "recording" if hours else "source"))
    if hours:
        parts.append(f"({format.duration(hours)})" if parts else format.duration(hours))
    if groups is not None and groups != recordings:
        parts.append(f"{'of ' if parts else ''}{format.plural(groups, 'group')}")
    held_out = f", {format.count(trained)} of them for training" if recordings is not None and trained is not None else ""
    return " ".join(parts) + held_out


def sentences(run: RunFolder) -> list[str]:
    """The headline in words."""
    data, recipe = run.settings.get("data"), run.settings.get("recipe")
    size = amount(data) if isinstance(data, Mapping) else ""
    model = f"recipe {format.printable(recipe)}" if recipe else "a model"
    start = f"This run trained {model} for {format.plural(run.metrics.last, 'step')}{f' on {size}' if size else ''}."
    return [start, *_predictions(run.metrics), *map(_probe, run.results.probes)]


def _predictions(metrics: Metrics) -> list[str]:
    line = metrics.best
    bound, ceiling, horizons = line.mean("bound_per_k"), line.mean("ceiling_per_k"), line.curves.horizons
    where = f"On training data (there is no validation) the mean bound at the last logged step, {line.step:,},"
    meaning = "no more than a sign of progress"
    if line.split == "valid":
        where = f"On validation data the best mean bound, at step {line.step:,},"
        meaning = "a lower bound on what the context says about a step ahead"
    result = [
        f"{where} was {format.nats(bound)} nats ({format.bits(bound)} bits), of at most {format.nats(ceiling)} nats "
        f"({format.bits(ceiling)} bits): {meaning}, averaged over {format.plural(len(horizons), 'prediction step')}."
    ]
    if bound > NEAR_CEILING * ceiling:
        result.append("The bound is close to its ceiling, so the number is limited by N: more candidates would let it grow.")
    for i in sorted({0, len(horizons) - 1}):
        values = line.values(i)
        result.append(
            f"At k = {horizons[i]} the true step came first among {candidates(values['ceiling_per_k'], values['chance_per_k'])} "
            f"candidates in {format.percent(values['accuracy_per_k'])} of cases (chance {format.percent(values['chance_per_k'])})."
        )
    return result


def _probe(table: ProbeTable) -> str:
    """The best CPC row beside the best of the others."""
    rows = best_first(table)
    pair = [next((row for row in rows if (row.role == "cpc") == cpc), None) for cpc in (True, False)]
    found = ", against ".join(_row(row) for row in pair if row is not None) or "no rows"
    sample = format.plural(table.test, f"test {format.printable(table.unit)}")
    return f"Probe for {format.printable(table.label)} ({sample}): {found}{_chance(table, 'is ')}."


def _row(row: RowSummary) -> str:
    low, high = format.percent(row.accuracy.low), format.percent(row.accuracy.high)
    return f"{format.percent(row.accuracy.mean)} from {row_name(row)} (95 % interval {low} to {high})"


def _chance(table: ProbeTable, verb: str) -> str:
    return f"; chance {verb}{format.percent(table.chance)}" if math.isfinite(table.chance) else ""


def warnings(run: RunFolder) -> list[str]:
    """What went wrong or may mislead; a reason that occurs several times is counted."""
    counts = Counter(reason for _, reason in run.metrics.warnings)
    first = {reason: step for step, reason in reversed(run.metrics.warnings)}
    result = [
        f"{format.printable(reason)} (step {first[reason]:,}{f', and {n - 1:,} times more' if n > 1 else ''})"
        for reason, n in counts.items()
    ]
    for split, curves in run.metrics.splits.items():
        broken = ~np.isfinite(np.stack([curves.per_k[key] for key in PER_HORIZON])).all(axis=(0, 2))
        if broken.any():
            name = "training line" if split == "train" else "validation line"
            result.append(
                f"{format.plural(int(broken.sum()), name)} of {len(curves):,} held a value that is not a finite number, first at step "
                f"{int(curves.step[broken][0]):,}; figures show a gap there"
            )
    if run.metrics.torn:
        result.append("the last line of metrics.jsonl was cut short and is left out; cpc train --resume RUN continues the run")
    return [*result, *map(format.printable, run.problems)]


def step_table(metrics: Metrics) -> TextTable:
    """The numbers behind the profiles: bound, ceiling, accuracy, chance and loss at each k, at the line that speaks for the run."""
    line, rows = metrics.best, []
    for i, k in enumerate(line.curves.horizons):
        loss, bound, ceiling, accuracy, chance = line.values(i).values()
        nats = [format.nats(value, digits=3) for value in (bound, ceiling, loss)]
        rows.append((str(k), *nats[:2], format.percent(accuracy), format.percent(chance), nats[2]))
    which = "Validation data, at the best validation." if line.split == "valid" else "Training data, at the last logged step."
    header = ("k", "bound", "ceiling", "accuracy", "chance", "loss")
    return TextTable(header, rows, f"Numbers per prediction step. {which} Bound, ceiling and loss are in nats.")
