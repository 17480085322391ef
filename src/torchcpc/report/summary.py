"""The head of the page: what was trained, on what, and how far it got, in plain words and a few large numbers."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from torchcpc.report import format
from torchcpc.report.metrics import PER_HORIZON, Curves
from torchcpc.report.probe import Row, Table
from torchcpc.report.run import Run
from torchcpc.report.training_figures import best

NEAR_CEILING = 0.9


@dataclass(frozen=True, slots=True)
class Tile:
    """One large number: its name above, what it compares with below."""

    name: str
    value: str
    note: str


def chosen(run: Run) -> tuple[str, Curves, int]:
    """The line that speaks for the run: the best validation, or the last of training where there is none."""
    if run.metrics.valid is not None:
        return "valid", run.metrics.valid, best(run.metrics.valid)
    assert run.metrics.train is not None  # metrics.read refuses a run with neither
    return "train", run.metrics.train, len(run.metrics.train) - 1


def candidates(ceiling: float, chance: float) -> str:
    """'512', or 'about 512' where N varies: only a constant N has exp(mean log N) = 1 / mean(1 / N)."""
    if not math.isfinite(ceiling):
        return "an unknown number of"
    size = math.exp(ceiling)
    exact = abs(size * chance - 1) < 1e-4 and abs(size - round(size)) < 1e-3 * size
    return format.count(round(size)) if exact else f"about {format.count(round(size))}"


def tiles(run: Run) -> list[Tile]:
    split, curves, at = chosen(run)
    first = {name: float(curves.per_k[name][at, 0]) for name in PER_HORIZON}
    bound, ceiling = float(curves.mean("bound_per_k")[at]), float(curves.mean("ceiling_per_k")[at])
    made = [
        Tile(
            "Best validation bound" if split == "valid" else "Training bound",
            f"{format.nats(bound)} nats",
            f"{format.bits(bound)} bits; ceiling log N = {format.nats(ceiling)} nats",
        ),
        Tile(
            f"Accuracy at k = {curves.horizons[0]}",
            format.percent(first["accuracy_per_k"]),
            f"chance {format.percent(first['chance_per_k'])}, {candidates(first['ceiling_per_k'], first['chance_per_k'])} "
            "candidates",
        ),
    ]
    for table in (run.probe.tables if run.probe else ())[:2]:
        ours = next((row for row in table.rows if row.ours), None)
        if ours is not None:
            chance = "" if table.chance is None else f"; chance {format.percent(table.chance)}"
            made.append(
                Tile(f"Probe: {format.label(table.label)}", format.percent(ours.mean), f"{format.label(ours.name)}{chance}")
            )
    speed = run.metrics.train.single["throughput"] if run.metrics.train is not None else np.array([])
    finite = speed[np.isfinite(speed)]
    note = f"median throughput {format.number(float(np.median(finite)))} per second" if len(finite) else "optimiser updates"
    return [*made, Tile("Training steps", f"{run.metrics.last:,}", note)]


def amount(data: Mapping[str, Any]) -> str:
    """What settings.json says of the data: '1,500 recordings (11 min) of 6 groups, 1,200 of them for training', or '45 sources' of what has
    no clock, as text and pictures, each a group of its own; empty where it says nothing."""
    known = {key: data[key] for key in ("recordings", "hours", "groups") if isinstance(data.get(key), int | float)}
    parts = []
    if known.get("hours") == 0:
        del known["hours"]
    if "recordings" in known:
        parts.append(format.plural(known["recordings"], "recording" if "hours" in known else "source"))
    if known.get("groups") == known.get("recordings"):
        known.pop("groups", None)
    if "hours" in known:
        parts.append(f"({format.duration(known['hours'])})" if parts else format.duration(known["hours"]))
    if "groups" in known:
        parts.append(f"of {format.plural(known['groups'], 'group')}" if parts else format.plural(known["groups"], "group"))
    trained = data.get("trained")
    held = (
        f", {format.count(trained)} of them for training"
        if parts and isinstance(trained, int) and "recordings" in known
        else ""
    )
    return " ".join(parts) + held


def summary(run: Run) -> list[str]:
    """The headline as sentences."""
    data = run.settings.get("data")
    size = amount(data) if isinstance(data, Mapping) else ""
    recipe = run.settings.get("recipe")
    named = f"recipe {format.printable(recipe)}" if recipe else "a model"
    sentences = [f"This run trained {named} for {format.plural(run.metrics.last, 'step')}{f' on {size}' if size else ''}."]
    sentences += predicted(run)
    for table in run.probe.tables if run.probe else ():
        sentences.append(probed(table))
    return sentences


def predicted(run: Run) -> list[str]:
    split, curves, at = chosen(run)
    bound, ceiling = float(curves.mean("bound_per_k")[at]), float(curves.mean("ceiling_per_k")[at])
    where = (
        f"On validation data the best mean bound, at step {int(curves.step[at]):,},"
        if split == "valid"
        else f"On training data (there is no validation) the mean bound at the last logged step, {int(curves.step[at]):,},"
    )
    meaning = (
        "a lower bound on what the context says about a step ahead" if split == "valid" else "no more than a sign of progress"
    )
    sentences = [
        f"{where} was {format.nats(bound)} nats ({format.bits(bound)} bits), "
        f"of at most {format.nats(ceiling)} nats ({format.bits(ceiling)} bits): {meaning}, averaged over "
        f"{format.plural(len(curves.horizons), 'prediction step')}."
    ]
    if bound > NEAR_CEILING * ceiling:
        sentences.append("The bound is close to its ceiling, so the number is limited by N: more candidates would let it grow.")
    for i in sorted({0, len(curves.horizons) - 1}):
        line = {name: float(curves.per_k[name][at, i]) for name in PER_HORIZON}
        sentences.append(
            f"At k = {curves.horizons[i]} the true step came first among "
            f"{candidates(line['ceiling_per_k'], line['chance_per_k'])} candidates "
            f"in {format.percent(line['accuracy_per_k'])} of cases (chance {format.percent(line['chance_per_k'])})."
        )
    return sentences


def probed(table: Table) -> str:
    """The best row of CPC beside the best of the others."""
    ours, others = next((row for row in table.rows if row.ours), None), [row for row in table.rows if not row.ours]
    said = [described(row) for row in (ours, others[0] if others else None) if row is not None]
    chance = "" if table.chance is None else f"; chance is {format.percent(table.chance)}"
    tested = dict(table.sizes).get("test")
    sample = f" ({format.plural(tested, 'test ' + format.printable(table.unit))})" if tested else ""
    return f"Probe for {format.printable(table.label)}{sample}: {', against '.join(said) or 'no rows'}{chance}."


def described(row: Row) -> str:
    interval = f"{format.percent(row.low)} to {format.percent(row.high)}"
    return f"{format.percent(row.mean)} from {format.printable(row.name)} (95 % interval {interval})"


def warnings(run: Run) -> list[str]:
    """What went wrong or may mislead, the same reason told once."""
    counts = Counter(reason for _, reason in run.metrics.warnings)
    first = {reason: step for step, reason in reversed(run.metrics.warnings)}
    said = [
        f"{format.printable(reason)} (step {first[reason]:,}{f', and {n - 1:,} times more' if n > 1 else ''})"
        for reason, n in counts.items()
    ]
    for name, curves in (("training", run.metrics.train), ("validation", run.metrics.valid)):
        if curves is not None:
            broken = ~np.isfinite(np.stack([curves.per_k[key] for key in PER_HORIZON])).all(axis=(0, 2))
            if broken.any():
                said.append(
                    f"{format.plural(int(broken.sum()), f'{name} line')} of {len(curves):,} held a value that is not "
                    "a finite number, "
                    f"first at step {int(curves.step[broken][0]):,}; figures show a gap there"
                )
    if run.metrics.torn:
        said.append("the last line of metrics.jsonl was cut short and is left out; cpc train --resume RUN continues the run")
    return said


def numbers(run: Run) -> list[tuple[str, ...]]:
    """The table behind the profiles: k, bound, ceiling, accuracy, chance, loss at the line that speaks for the run."""
    _, curves, at = chosen(run)
    line = {name: curves.per_k[name][at] for name in PER_HORIZON}
    return [
        (
            str(k),
            format.nats(float(line["bound_per_k"][i]), digits=3),
            format.nats(float(line["ceiling_per_k"][i]), digits=3),
            format.percent(float(line["accuracy_per_k"][i])),
            format.percent(float(line["chance_per_k"][i])),
            format.nats(float(line["loss_per_k"][i]), digits=3),
        )
        for i, k in enumerate(curves.horizons)
    ]
