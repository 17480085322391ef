"""What a model card says of measured results: the bound, the probes, and the reasons to read both with care."""

import math
from collections.abc import Iterator

from torchcpc.probes.result import ProbeTable
from torchcpc.report import format
from torchcpc.report.metrics import Line
from torchcpc.report.probe_titles import titles
from torchcpc.report.results import RunFolder
from torchcpc.report.summary import NEAR_CEILING
from torchcpc.report.verdict import compared, difference, named, verdicts
from torchcpc.runs.record import RunRecord
from torchcpc.text_table import TextTable


def validated(run: RunFolder | None) -> Line | None:
    """Return the best validation, None where none is known."""
    best = run.metrics.best if run else None
    return best if best and best.split == "valid" else None


def bound(run: RunFolder | None) -> str:
    """Return the bound with its N and its ceiling, and a row for each prediction step."""
    line = validated(run)
    if line is None:
        return "No validation is stored with this copy of the model, so the bound it reached is not known."
    ceilings = line.curves.per_k["ceiling_per_k"][line.at]
    among = {line.candidates(i) for i in range(len(ceilings))}
    number = f"N = {among.pop()} candidates" if len(among) == 1 else "N candidates, as the table says"
    rows = []
    for i, k in enumerate(line.curves.horizons):
        values, (low, high) = line.values(i), line.interval(i)
        known = math.isfinite(low) and math.isfinite(high)
        ends = f"{format.nats(low, digits=3)} to {format.nats(high, digits=3)}" if known else "-"
        found, ceiling = (format.nats(values[name], digits=3) for name in ("bound_per_k", "ceiling_per_k"))
        shares = (format.percent(values[name]) for name in ("accuracy_per_k", "chance_per_k"))
        rows.append((str(k), found, ends, ceiling, line.candidates(i), *shares))
    mean, highest = (format.nats(line.mean(name), digits=3) for name in ("bound_per_k", "ceiling_per_k"))
    head = ("steps ahead", "bound, nats", "95 % interval", "ceiling log N", "N", "true future first", "chance")
    return (
        f"The mean bound on validation data is {mean} nats, at update {line.step:,}. It is a lower bound on what the past says about a "
        f"later step, averaged over {format.plural(len(rows), 'prediction step')}. It cannot exceed log N = {highest} nats, with "
        f"{number}.\n\n"
        f"{TextTable(head, rows).markdown()}\n\nThe intervals come from the spread between validation sources."
    )


def probes(run: RunFolder | None) -> str:
    """Return every stored probe table, with what it says in words."""
    if run is None or not run.probes:
        return "No probe is stored with this copy of the model, so it is not known which labels can be read off its vectors."
    parts = []
    for table, title in zip(run.probes, titles(run.probes), strict=True):
        said = "\n".join(f"- {line}" for line in verdicts(table))
        parts.append(f"### {title}\n\n{said}\n\n{table.to_markdown().rstrip()}")
    return "\n\n".join(parts)


def caveats(run: RunFolder | None, record: RunRecord | None) -> Iterator[str]:
    """Yield the reasons to read this card with care, one sentence or two each."""
    yield "The vectors reflect the training data. Test them on your own data before you rely on them."
    if (line := validated(run)) is not None:
        yield "The best checkpoint was chosen on the validation data, so the bound is slightly optimistic."
        if line.step == 0:
            yield "No update beat the untrained network on validation, so the weights are those of the untrained network."
        if line.mean("bound_per_k") > NEAR_CEILING * line.mean("ceiling_per_k"):
            yield "The bound is close to its ceiling, so N limits it. More candidates would let it grow."
    if run is not None and run.how_far.finished is False:
        yield f"Training is not finished: {run.how_far.done:,} of {run.how_far.planned:,} updates were done."
    if record is not None and record.expanded:
        yield "Words were added after training. The bound is that of the model before."
    if run is not None and run.probes:
        yield from (_untrained(table, title) for table, title in zip(run.probes, titles(run.probes), strict=True))
    # A problem names its file by a path of this machine.
    if run is not None and run.problems:
        yield f"{format.plural(len(run.problems), 'file')} of results could not be read, so this card may lack results."


def _untrained(table: ProbeTable, title: str) -> str:
    """Return what the untrained network reaches, and whether training is shown to beat it."""
    gap = difference(table, "untrained")
    rows = [row for row in table.rows if gap and (row.features, row.probe) == (gap.against, gap.probe)]
    if gap is None or not rows:
        return f"{title}: no untrained network was probed, so the gain by training is not known."
    reached = (
        f"{title}: the untrained network, {named(gap.against, gap.probe)}, reaches {format.percent(rows[0].accuracy.mean)}."
    )
    if gap.accuracy.low > 0:
        return f"{reached} CPC is {compared(gap.accuracy, 'it')}."
    verdict = "does not beat it" if gap.accuracy.high < 0 or gap.accuracy.mean <= 0 else "is not shown to beat it"
    return f"{reached} **CPC {verdict}**: CPC is {compared(gap.accuracy, 'it')}."
