"""From a trained run to calibrated scores: which sources the partition is drawn from, which are scored, and what is written down."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

from torchcpc.contracts import CPCError, Result
from torchcpc.data.splits import by_source, hold_out
from torchcpc.data.synthetic.reader import named
from torchcpc.information.against_truth import Captured, Truth
from torchcpc.information.checks import worst
from torchcpc.information.measure import FEW, Measured
from torchcpc.information.score_profiles import Peak
from torchcpc.runs.pretrain import write_json

# How a score was trained -> what calibrating it should estimate.
MATCHING = {"same_group": "same_group", "same_group_excluding": "same_group"}
# Strategies whose candidates no proposal draws: of the own sequence, or of all sources and more of the own.
UNMATCHED = ("current_only", "mixed_excluding_stretch")


class Halves(NamedTuple):
    """Positions of the sources that log Z is drawn from and of those that are evaluated, and where both come from, in words."""

    partition: list[int]
    evaluated: list[int]
    origin: str


def halves(sources: Any, indices: Sequence[int], origin: str, *, seed: int = 0) -> Halves:
    """The sources at `indices` in two parts of equal size. Raises CPCError for fewer than two."""
    if len(indices) < 2:
        raise CPCError(
            f"{len(indices)} sources ({origin}): one part gives log Z and another is scored, so at least 2 are needed. "
            "Name more DATA, or train with more of it held out (split.validation)."
        )
    parts = by_source([sources.items[i].key for i in indices], {"partition": 0.5, "evaluated": 0.5}, seed=seed)
    return Halves([indices[i] for i in parts["partition"]], [indices[i] for i in parts["evaluated"]], origin)


def held_out(sources: Any, described: Mapping[str, Any], *, fewest: int = 1) -> tuple[list[int], str]:
    """Positions of the run's own sources that it did not train on, and which they are, in words: those it never saw where there are
    `fewest` or more, else its validation part.

    The best checkpoint was chosen on the validation part, which makes numbers from it slightly hopeful; so the words say which. Raises
    CPCError where nothing was held out.
    """
    parts = hold_out(sources, described["seed"], **described["settings"]["split"])
    if len(parts.unseen) >= fewest:
        return parts.unseen, "sources the run never saw"
    if not parts.validation:
        raise CPCError("the run held nothing out (split.validation = 0): name DATA that it was not trained on.")
    return parts.validation, "validation sources, on which the best checkpoint was chosen"


def held_out_halves(sources: Any, described: Mapping[str, Any]) -> Halves:
    """What `held_out` finds, in halves: at least two sources the run never saw, else its validation part."""
    return halves(sources, *held_out(sources, described, fewest=2), seed=described["seed"])


def proposal_of(described: Mapping[str, Any] | None) -> str:
    """The proposal that matches the candidates a run was trained with; "all" where that is not known."""
    if described is None:
        return "all"
    return MATCHING.get(described["settings"]["candidates"].get("strategy", ""), "all")


def truth_of(data: Mapping[str, Any], sources: Any, proposal: str) -> Truth | None:
    """The exact side of sources that a named process made, by the resolved [data] section; None for any other data.

    Speakers are the one process with groups, so the one whose ratio depends on the proposal.
    """
    if data["name"] != "synthetic":
        return None
    name = data["process"]
    if name.startswith("speakers"):
        name = {"all": "speakers", "same_group": "speakers-same-group"}[proposal]
    return Truth(named(name, bits=data["bits"], warped=data["warped"]), sources)


def first_new(model: Any) -> int:
    """Index of the first horizon whose target shares no raw position with its context; the last one where all do."""
    new = -(-model.encoder.receptive_field // model.encoder.stride)
    return next((i for i, k in enumerate(model.predictor.horizons) if k >= new), len(model.predictor.horizons) - 1)


def cautions(measured: Measured, strategy: str | None = None) -> list[str]:
    """Why the numbers should be read with care, each a sentence."""
    said = []
    if measured.estimand.sources < FEW:
        said.append(
            f"log Z rests on {measured.estimand.sources} sources, too few to tell its error: intervals of the PMI are too narrow; "
            "name more sources."
        )
    dominated = [row.k for row in measured.rows if row.dominated > 0.1]
    if dominated:
        said.append(
            f"at k = {', '.join(map(str, dominated))} log Z rests on fewer than {FEW} samples for more than a tenth of the contexts: "
            "PMI is too high there; use more samples (--samples) from more sources."
        )
    if not_normal := worst([row.checks for row in measured.rows if row.checks]):
        said.append(not_normal)
    if (strategy is not None and MATCHING.get(strategy, "all") != measured.estimand.proposal) or strategy in UNMATCHED:
        said.append(
            f"the score was trained against candidates '{strategy}' and calibrated against '{measured.estimand.proposal}': "
            "it is a proper density ratio, but not the one it was trained for."
        )
    return said


def record(
    measured: Measured, said: Sequence[str], origin: str, sources: Any, model: Any, drawn: Sequence[Peak], k: int
) -> dict[str, Any]:
    """information.json: everything above as plain data."""
    return {
        "estimand": asdict(measured.estimand),
        "origin": origin,
        "cautions": list(said),
        "rows": [
            {
                "k": row.k,
                "infonce": _result(row.infonce),
                "pmi": _result(row.pmi),
                "ceiling": row.infonce.detail["ceiling"],
                "candidates": row.infonce.detail["candidates"],
                "n": row.pmi.n,
                "sources": row.sources,
                "effective": row.effective,
                "dominated": row.dominated,
                "checks": asdict(row.checks) if row.checks else None,
                "truth": _truth(row.captured) if row.captured else None,
            }
            for row in measured.rows
        ],
        "peaks": {
            "k": k,
            "contexts": [{**asdict(peak), "source": sources.items[peak.source].key} for peak in drawn],
        },
    }


def _truth(found: Captured) -> dict[str, Any]:
    return {
        "information": _result(found.information),
        "exact": _result(found.exact),
        "share": _result(found.share) if found.share else None,
        "slope": found.slope if math.isfinite(found.slope) else None,
        "rmse": found.rmse,
    }


def _result(result: Result) -> dict[str, float | None]:
    values = {"value": result.value, "low": result.low, "high": result.high}
    return {name: value if value is not None and math.isfinite(value) else None for name, value in values.items()}


def write_record(folder: Path, record: Mapping[str, Any]) -> None:
    """Leaves `record` in the run, where its report finds it."""
    write_json(folder / "information.json", record)


def table(record: Mapping[str, Any]) -> str:
    """The record as lines for a terminal; nats throughout."""
    estimand = record["estimand"]
    lines = [
        f"{estimand['name']} per step k, in nats, on {record['origin']}; 95 % intervals by source",
        f"log Z: {estimand['samples']} samples of {estimand['sources']} other sources, proposal {estimand['proposal']!r}, "
        f"correction {estimand['correction']!r}",
        f"{'k':>3}  {'InfoNCE bound':>24}  {'ceiling':>7}  {'N':>6}  {'mean PMI':>24}  {'n':>7} {'sources':>7} "
        f"{'eff.':>6}  {'E exp PMI':>9} {'slope':>6} {'icept':>6}",
    ]
    for row in record["rows"]:
        checks = row["checks"]
        tail = f"{checks['normalisation']:9.3f} {checks['slope']:6.2f} {checks['intercept']:6.2f}" if checks else "-"
        lines.append(
            f"{row['k']:>3}  {_interval(row['infonce']):>24}  {row['ceiling']:7.3f}  {row['candidates']:6.0f}  "
            f"{_interval(row['pmi']):>24}  {row['n']:>7} {row['sources']:>7} {row['effective']:6.0f}  {tail}"
        )
    lines.append("the bound holds for independent candidates; steps of one source are not, so N is smaller than it looks")
    known = [(row["k"], row["truth"]) for row in record["rows"] if row["truth"]]
    if known:
        lines.append(
            "beside the process that made the data: exact I(x; past); the mean exact log ratio of the very pairs above; mean"
        )
        lines.append(
            "PMI as a share of that; PMI against the exact log ratio, pair by pair (slope 1 and RMSE 0 would be perfect)"
        )
        lines.append(
            f"{'k':>3}  {'exact I':>7}  {'exact on these pairs':>24}  {'share captured, %':>22}  {'slope':>6}  {'RMSE':>6}"
        )
    for k, truth in known:
        slope = "-" if truth["slope"] is None else f"{truth['slope']:.3f}"
        lines.append(
            f"{k:>3}  {truth['information']['value']:7.3f}  {_interval(truth['exact']):>24}  {_share(truth['share']):>22}  "
            f"{slope:>6}  {truth['rmse']:6.3f}"
        )
    return "\n".join([*lines, *(f"caution: {said}" for said in record["cautions"])])


def _share(value: Mapping[str, float | None] | None) -> str:
    return "-" if value is None else _interval({name: each and 100 * each for name, each in value.items()}, digits=1)


def _interval(value: Mapping[str, float | None], *, digits: int = 3) -> str:
    if value["low"] is None:
        return f"{value['value']:.{digits}f} [one source]"
    return f"{value['value']:.{digits}f} [{value['low']:.{digits}f}, {value['high']:.{digits}f}]"
