"""The top of the page: what was trained, on which data and how far, in plain words and a few large numbers."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeGuard

import numpy as np

from torchcpc.probes.result import ProbeTable
from torchcpc.report import format
from torchcpc.report.how_far import HowFar
from torchcpc.report.metrics import PER_HORIZON, LoggedMetrics
from torchcpc.report.probe_titles import titles
from torchcpc.report.results import RunFolder
from torchcpc.report.verdict import headline, row_name, short_verdict
from torchcpc.text_table import TextTable

NEAR_CEILING = 0.9


class Tile(NamedTuple):
    """One large number.

    Attributes:
        name: The text above.
        value: The number.
        note: The text below, for comparison.
    """

    name: str
    value: str
    note: str


def tiles(run: RunFolder) -> list[Tile]:
    """Return the large numbers: bound, accuracy, at most two probes, and updates."""
    return [*_bound_tiles(run.metrics), *_probe_tiles(run.probes), _updates(run.how_far)]


def _bound_tiles(metrics: LoggedMetrics) -> list[Tile]:
    line = metrics.best
    if line is None:
        return []
    bound, ceiling, first = line.mean("bound_per_k"), line.mean("ceiling_per_k"), line.values(0)
    note = f"{format.bits(bound)} bits; ceiling log N = {format.nats(ceiling)} nats"
    chance = f"chance {format.percent(first['chance_per_k'])}, {line.candidates(0)} candidates"
    return [
        Tile("Best validation bound" if line.split == "valid" else "Training bound", f"{format.nats(bound)} nats", note),
        Tile(f"Accuracy at k = {line.curves.horizons[0]}", format.percent(first["accuracy_per_k"]), chance),
    ]


def _probe_tiles(tables: Sequence[ProbeTable]) -> list[Tile]:
    made = []
    for table, title in list(zip(tables, titles(tables), strict=True))[:2]:
        if row := headline(table):
            chance = f"; chance {format.percent(table.chance)}" if math.isfinite(table.chance) else ""
            made.append(Tile(f"Probe: {title}", format.percent(row.accuracy.mean), f"{row_name(row)}{chance}"))
    return made


def _updates(state: HowFar) -> Tile:
    note = "optimiser updates"
    if state.planned is not None and not state.finished:
        note = f"of {state.planned:,} optimiser updates"
    return Tile("Training steps", f"{state.done:,}", note)


def sentences(run: RunFolder) -> list[str]:
    """Return the summary in words: what was trained and how far, how far ahead it predicts, and the verdict of each
    probe.
    """
    data, recipe = run.settings.get("data"), run.settings.get("recipe")
    size = amount(data) if isinstance(data, Mapping) else ""
    model = f"recipe {format.printable(recipe)}" if recipe else "a model"
    result = [f"This run trained {model} for {format.plural(run.how_far.done, 'step')}{f' on {size}' if size else ''}."]
    result += unfinished(run)
    skipped, notes = (len(facts or ()) for facts in (run.skipped, run.notes))
    if skipped or notes:
        result.append(f"Skipped files or rows: {skipped:,}; notes on the data: {notes:,}. See “What was read”.")
    result += _bound_sentences(run.metrics)
    for table, title in zip(run.probes, titles(run.probes), strict=True):
        result.append(f"Probe for {title} ({format.plural(table.test, 'test row')}): {short_verdict(table)}")
    return result


def unfinished(run: RunFolder) -> list[str]:
    """Return how far an unfinished run got and how to continue it. For a finished run, return nothing."""
    state = run.how_far
    if state.planned is None or state.finished:
        return []
    return [
        f"It is not finished: {state.done:,} of {format.plural(state.planned, 'update')} are done. If it has stopped, "
        "`cpc train --resume RUN` continues it."
    ]


def _bound_sentences(metrics: LoggedMetrics) -> list[str]:
    line = metrics.best
    if line is None:
        return ["`metrics.jsonl` holds no training or validation line, so there is no training curve."]
    bound, ceiling, horizons = line.mean("bound_per_k"), line.mean("ceiling_per_k"), line.curves.horizons
    where = f"On training data (there is no validation) the mean bound at the last logged step, {line.step:,},"
    meaning = "It only shows progress"
    if line.split == "valid":
        where = f"On validation data the best mean bound, at step {line.step:,},"
        meaning = "It is a lower bound on what the context says about a step ahead"
    result = [
        f"{where} was {format.nats(bound)} nats ({format.bits(bound)} bits), of at most {format.nats(ceiling)} nats "
        f"({format.bits(ceiling)} bits). {meaning} (mean of {format.plural(len(horizons), 'prediction step')}).",
    ]
    if bound > NEAR_CEILING * ceiling:
        result.append("The bound is close to its ceiling, so it is limited by N. More candidates would allow a larger bound.")
    for i in sorted({0, len(horizons) - 1}):
        values = line.values(i)
        found, chance = format.percent(values["accuracy_per_k"]), format.percent(values["chance_per_k"])
        among = f"among {line.candidates(i)} candidates"
        result.append(f"At k = {horizons[i]} the true step came first {among} in {found} of cases (chance {chance}).")
    return result


def without_validation(run: RunFolder) -> list[str]:
    """Return why the figures show training data only, or nothing at all."""
    if run.metrics.best is None:
        return [
            "No training or validation line was logged, so there is nothing to draw. A run logs every `training.log_every` updates."
        ]
    if run.metrics.valid is None:
        return [
            "This run has no validation lines, so the figures show training data only. `cpc train RECIPE split.validation=0.1` holds "
            "out a tenth of the recordings and measures them during the training."
        ]
    return []


def unmeasured(run: RunFolder) -> list[tuple[str, str]]:
    """Return the commands whose results are missing, and what each adds."""
    commands = [
        (
            not run.probes,
            "cpc probe RUN DATA --label LABEL",
            "how well a simple model predicts labels, compared with baselines",
        ),
        (run.information is None, "cpc information RUN", "calibrated scores per step, with checks"),
        (run.timeline is None, "cpc timeline RUN", "how expected each step of one source was"),
        (run.ranking is None, "cpc rank RUN", "how often the true future ranks first among others"),
        (run.segments is None, "cpc segment RUN --alignment FILE", "boundaries, compared with known ones"),
        (run.anomalies is None, "cpc anomalies RUN DATA", "surprise and alarms of sensor series"),
    ]
    return [(command, adds) for missing, command, adds in commands if missing]


def amount(data: Mapping[str, object]) -> str:
    """Return the amount of data, for example '1,500 recordings (11 min) of 6 groups, 1,200 of them for training'.

    Data without a clock, such as text and pictures, are called sources. Groups of one source are not mentioned.

    Args:
        data: What settings.json says about the data.

    Returns:
        The amount in words. It is empty if nothing is known.
    """
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
    """Return whether a value can be a number of things."""
    return isinstance(value, int | float) and 0 <= value < 1e15


def warning_lines(run: RunFolder) -> list[str]:
    """Return what went wrong or may mislead. A reason that occurs several times is counted."""
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
        result.append("the last line of metrics.jsonl was cut short and is left out")
    if damaged := run.metrics.damaged:
        lines = format.plural(len(damaged), "line")
        result.append(f"{lines} of metrics.jsonl cannot be read and are left out; the first: {format.printable(damaged[0])}")
    return [*result, *map(format.printable, run.problems)]


def step_table(metrics: LoggedMetrics) -> TextTable:
    """Return bound, ceiling, accuracy, chance and loss at each k, for the best validation.

    Without validation, the numbers are those of the last training line.
    """
    line, rows = metrics.best, []
    if line is None:
        return TextTable((), ())
    for i, k in enumerate(line.curves.horizons):
        loss, bound, ceiling, accuracy, chance = line.values(i).values()
        nats = [format.nats(value, digits=3) for value in (bound, ceiling, loss)]
        rows.append((str(k), *nats[:2], format.percent(accuracy), format.percent(chance), nats[2]))
    which = (
        "They are from validation data at the best step."
        if line.split == "valid"
        else "They are from training data at the last logged step."
    )
    header = ("k", "bound", "ceiling", "accuracy", "chance", "loss")
    return TextTable(header, rows, f"Numbers per prediction step. {which} Bound, ceiling and loss are in nats.")
