"""The head of the page: what was trained, on what, and how far it got, in plain words and a few large numbers."""

import math
from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple, TypeGuard

import numpy as np

from torchcpc.probes.result import ProbeTable, RowSummary
from torchcpc.report import format
from torchcpc.report.metrics import PER_HORIZON, LoggedMetrics
from torchcpc.report.probe_figures import best_first, row_name
from torchcpc.report.results import RunFolder
from torchcpc.text_table import TextTable

NEAR_CEILING = 0.9
# Of the number of candidates: beyond it there is no such number.
_LARGEST_LOG = 100.0


class Tile(NamedTuple):
    """One large number: its name above, what it compares with below."""

    name: str
    value: str
    note: str


def tiles(run: RunFolder) -> list[Tile]:
    """The large numbers: bound, accuracy, at most two probes, steps."""
    line = run.metrics.best
    bound, ceiling, first = line.mean("bound_per_k"), line.mean("ceiling_per_k"), line.values(0)
    note = f"{format.bits(bound)} bits; ceiling log N = {format.nats(ceiling)} nats"
    chance = f"chance {format.percent(first['chance_per_k'])}, {_candidates(first)} candidates"
    result = [
        Tile("Best validation bound" if line.split == "valid" else "Training bound", f"{format.nats(bound)} nats", note),
        Tile(f"Accuracy at k = {line.curves.horizons[0]}", format.percent(first["accuracy_per_k"]), chance),
    ]
    for table in run.probes[:2]:
        if row := next((row for row in best_first(table) if row.role == "cpc"), None):
            note = f"{format.label(row_name(row))}{_chance(table, '')}"
            result.append(Tile(f"Probe: {format.label(table.label)}", format.percent(row.accuracy.mean), note))
    return [*result, Tile("Training steps", f"{run.metrics.last:,}", "optimiser updates")]


def sentences(run: RunFolder) -> list[str]:
    """The headline in words: what was trained, how far ahead it predicts, and the best CPC row of each probe beside the best other."""
    data, recipe, line = run.settings.get("data"), run.settings.get("recipe"), run.metrics.best
    size = amount(data) if isinstance(data, Mapping) else ""
    model = f"recipe {format.printable(recipe)}" if recipe else "a model"
    bound, ceiling, horizons = line.mean("bound_per_k"), line.mean("ceiling_per_k"), line.curves.horizons
    where = f"On training data (there is no validation) the mean bound at the last logged step, {line.step:,},"
    meaning = "no more than a sign of progress"
    if line.split == "valid":
        where = f"On validation data the best mean bound, at step {line.step:,},"
        meaning = "a lower bound on what the context says about a step ahead"
    result = [
        f"This run trained {model} for {format.plural(run.metrics.last, 'step')}{f' on {size}' if size else ''}.",
        f"{where} was {format.nats(bound)} nats ({format.bits(bound)} bits), of at most {format.nats(ceiling)} nats "
        f"({format.bits(ceiling)} bits): {meaning}, averaged over {format.plural(len(horizons), 'prediction step')}.",
    ]
    skipped, notes = (len(facts or ()) for facts in (run.skipped, run.notes))
    if skipped or notes:
        result.insert(1, f"Skipped files or rows: {skipped:,}; notes on the data: {notes:,}. They stand under “What was read”.")
    if bound > NEAR_CEILING * ceiling:
        result.append("The bound is close to its ceiling, so the number is limited by N: more candidates would let it grow.")
    for i in sorted({0, len(horizons) - 1}):
        values = line.values(i)
        found, chance = format.percent(values["accuracy_per_k"]), format.percent(values["chance_per_k"])
        among = f"among {_candidates(values)} candidates"
        result.append(f"At k = {horizons[i]} the true step came first {among} in {found} of cases (chance {chance}).")
    for table in run.probes:
        firsts = (next((row for row in best_first(table) if (row.role == "cpc") == cpc), None) for cpc in (True, False))
        found = ", against ".join(_row(row) for row in firsts if row) or "no rows"
        sample = format.plural(table.test, f"test {format.printable(table.unit)}")
        result.append(f"Probe for {format.printable(table.label)} ({sample}): {found}{_chance(table, 'is ')}.")
    return result


def amount(data: Mapping[str, object]) -> str:
    """What settings.json says of the data, such as '1,500 recordings (11 min) of 6 groups, 1,200 of them for training'.

    What has no clock (text, pictures) is called sources. Groups of one source are not mentioned. Empty where nothing is known."""
    values = (data.get(name) for name in ("recordings", "hours", "groups", "trained"))
    recordings, hours, groups, trained = (value if _counts(value) else None for value in values)
    parts = [] if recordings is None else [format.plural(recordings, "recording" if hours else "source")]
    if hours:
        parts.append(f"({format.duration(hours)})" if parts else format.duration(hours))
    if groups is not None and groups != recordings:
        parts.append(f"{'of ' if parts else ''}{format.plural(groups, 'group')}")
    held_out = f", {format.count(trained)} of them for training" if recordings is not None and trained is not None else ""
    return " ".join(parts) + held_out


def _counts(value: object) -> TypeGuard[int | float]:
    """Whether it is a number that something can have."""
    return isinstance(value, int | float) and 0 <= value < 1e15


def _candidates(values: Mapping[str, float]) -> str:
    """'512', or 'about 512' where N varies: only a constant N has exp(mean log N) = 1 / mean(1 / N)."""
    ceiling, chance = values["ceiling_per_k"], values["chance_per_k"]
    if not abs(ceiling) < _LARGEST_LOG:
        return "an unknown number of"
    size = math.exp(ceiling)
    exact = abs(size * chance - 1) < 1e-4 and abs(size - round(size)) < 1e-3 * size
    return f"{'' if exact else 'about '}{format.count(round(size))}"


def _row(row: RowSummary) -> str:
    mean, low, high = map(format.percent, (row.accuracy.mean, row.accuracy.low, row.accuracy.high))
    return f"{mean} from {row_name(row)} (95 % interval {low} to {high})"


def _chance(table: ProbeTable, verb: str) -> str:
    return f"; chance {verb}{format.percent(table.chance)}" if math.isfinite(table.chance) else ""


def warning_lines(run: RunFolder) -> list[str]:
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
            lines = format.plural(int(broken.sum()), "training line" if split == "train" else "validation line")
            result.append(
                f"{lines} of {len(curves):,} held a value that is not a finite number, first at step {int(curves.step[broken][0]):,}; "
                "figures show a gap there"
            )
    if run.metrics.torn:
        result.append("the last line of metrics.jsonl was cut short and is left out; cpc train --resume RUN continues the run")
    if damaged := run.metrics.damaged:
        lines = format.plural(len(damaged), "line")
        result.append(f"{lines} of metrics.jsonl cannot be read and are left out; the first: {format.printable(damaged[0])}")
    return [*result, *map(format.printable, run.problems)]


def step_table(metrics: LoggedMetrics) -> TextTable:
    """The numbers behind the profiles: bound, ceiling, accuracy, chance and loss at each k, at the line that speaks for the run."""
    line, rows = metrics.best, []
    for i, k in enumerate(line.curves.horizons):
        loss, bound, ceiling, accuracy, chance = line.values(i).values()
        nats = [format.nats(value, digits=3) for value in (bound, ceiling, loss)]
        rows.append((str(k), *nats[:2], format.percent(accuracy), format.percent(chance), nats[2]))
    which = "Validation data, at the best validation." if line.split == "valid" else "Training data, at the last logged step."
    header = ("k", "bound", "ceiling", "accuracy", "chance", "loss")
    return TextTable(header, rows, f"Numbers per prediction step. {which} Bound, ceiling and loss are in nats.")
