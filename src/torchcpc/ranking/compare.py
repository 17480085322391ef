"""From trained runs to a table of ranks: the true future among others for CPC, likeness, TF-IDF overlap and chance, on one draw."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple

import numpy as np

from torchcpc.contracts import CPCError
from torchcpc.information.scoring import silent, steps_of
from torchcpc.ranking.overlap import overlap_scores, tf_idf
from torchcpc.ranking.ranks import (
    MEASURES,
    OWN,
    POOLS,
    Questions,
    Ranks,
    ask,
    chance,
    likeness_scores,
    measured,
    model_scores,
    rank,
    too_short,
)

CPC, CHANCE = "CPC", "chance"
# Steps of the context that likeness and overlap compare with.
WINDOWS = (1, 5)
# Numbers of z and c that are held: sources beyond them are not ranked.
_HELD = 1 << 29


class Answered(NamedTuple):
    """One run's answers: keys of the sources, for each (pool, k) the questions and the ranks of each row by name, and what was left out."""

    keys: tuple[str, ...]
    asked: Mapping[tuple[str, int], tuple[Questions, Mapping[str, Ranks]]]
    notes: tuple[str, ...] = ()


def answer(
    model: Any,
    sources: Any,
    train: Any,
    *,
    ks: Sequence[int],
    candidates: int = 100,
    contexts: int = 200,
    pools: Sequence[str] | None = None,
    seed: int = 0,
    device: str = "cpu",
    progress: Callable[[int, int], None] = silent,
) -> Answered:
    """Ranks of the steps `ks` ahead in `sources`. train: documents whose words TF-IDF counts beside theirs, None where data are no text;
    pools: of `POOLS`, None for all that sources of these lengths can fill.

    Where not all steps fit into 2 GiB, some of the sources are drawn. Raises CPCError for a picture, whose steps are many sequences,
    and what `ask` refuses.
    """
    if model.encoder.layout.sequences > 1:
        raise CPCError(
            "a picture is many sequences, whose steps cannot be ranked as one. Name a run of recordings, series or text."
        )
    order = np.random.default_rng(seed).permutation(len(sources)).tolist()
    width = model.encoder.dim + model.context.dim
    size = np.cumsum([sources.length(i) // model.encoder.stride * width for i in order])
    sources = sources.select(sorted(order[: max(1, int((size <= _HELD).sum()))]))
    steps = sorted(steps_of(model, sources, device=device, progress=progress), key=lambda each: each.source)
    # A source shorter than a step has none, and there is nothing to ask about it.
    sources = sources.select([each.source for each in steps])
    lengths = [len(each.z_TD) for each in steps]
    words, sentences = None, []
    if train is not None:
        sentences = [sentence for index in range(len(sources)) for sentence in sources.text(index)]
        # Counting needs no labels: the words of these documents too, whose names are in no other, or overlap would not know them.
        words = tf_idf(chain(train.every_sentence(), sentences))
    found: dict[tuple[str, int], tuple[Questions, dict[str, Ranks]]] = {}
    notes = []
    for pool in pools or POOLS:
        for k in ks:
            short = too_short(lengths, k=k, candidates=candidates) if pool == OWN else []
            notes += _told(lengths, short, k, candidates)
            # Who asks for this pool by name is told that it cannot be had; the table of the others is none the worse.
            if pools is None and short and len(short) == sum(length > k for length in lengths):
                continue
            asked = ask(lengths, k=k, candidates=candidates, contexts=contexts, pool=pool, seed=seed)
            rows = {CPC: rank(*model_scores(model, steps, asked, index=model.predictor.horizons.index(k)))}
            for last in WINDOWS:
                rows[f"likeness of z, last {last}"] = rank(likeness_scores(steps, asked, last=last), 1e-6)
            if words is not None:
                for last in WINDOWS:
                    rows[f"TF-IDF overlap, last {last}"] = rank(overlap_scores(words, sentences, asked, last=last), 1e-9)
            found[pool, k] = asked, {**rows, CHANCE: chance(asked)}
    return Answered(tuple(item.key for item in sources.items), found, tuple(notes))


def table(runs: Sequence[Answered], origin: str) -> dict[str, Any]:
    """The content of ranking.json: for each pool and k a row a method, each measure with its 95 % interval.

    Runs (seeds) that answered the same questions are crossed with the sources; where each held out others, a source of a run counts as
    one draw. "gap" is top-1 of CPC less that of the row, paired. A pool that some run's sources could not fill is left out.
    """
    shared = [name for name in runs[0].asked if all(name in run.asked for run in runs)]
    same = all(
        run.keys == runs[0].keys
        and all(np.array_equal(run.asked[name][0].candidate_AN, runs[0].asked[name][0].candidate_AN) for name in shared)
        for run in runs
    )
    blocks = []
    for pool, k in shared:
        answers = [run.asked[pool, k] for run in runs]
        source_A = answers[0][0].source_A if same else _numbered(runs, [asked.source_A for asked, _ in answers])
        candidates = answers[0][0].candidate_AN.shape[1]
        rows = []
        for name in answers[0][1]:
            row: dict[str, Any] = {"row": name}
            for measure, of in MEASURES.items():
                value_RA = _together([of(own[name]) for _, own in answers], same)
                ends = (1.0, float(candidates)) if measure == "rank" else (0.0, 1.0)
                row[measure] = _kept(value_RA, source_A, ends)
            gap_RA = [MEASURES["top-1"](own[CPC]) - MEASURES["top-1"](own[name]) for _, own in answers]
            row["gap"] = None if name == CPC else _kept(_together(gap_RA, same), source_A, (-1.0, 1.0))
            rows.append(row)
        count = {"contexts": len(source_A), "sources": len(np.unique(source_A))}
        blocks.append({"pool": pool, "k": k, "candidates": candidates, **count, "rows": rows})
    return {"origin": origin, "runs": len(runs), "same_sources": same, "blocks": blocks}


def text(content: Mapping[str, Any]) -> str:
    """The tables for a terminal; top-1 in percent."""
    lines = [f"{content['origin']}; {content['runs']} run{'s' if content['runs'] > 1 else ''}; 95 % intervals by source"]
    for block in content["blocks"]:
        lines.append(
            f"\nk = {block['k']}: the true future among {block['candidates']}, others from {POOLS[block['pool']]}; {block['contexts']} "
            f"contexts of {block['sources']} sources"
        )
        cells: list[tuple[str, ...]] = [
            ("row", "top-1 %", "interval", "mean 1/rank", "interval", "mean rank", "interval", "CPC less this, top-1")
        ]
        for row in block["rows"]:
            values = [_cell(row["top-1"], 100, 1), _cell(row["reciprocal"], 1, 3), _cell(row["rank"], 1, 1)]
            gap = " ".join(_cell(row["gap"], 100, 1)) if row["gap"] else ""
            cells.append((row["row"], *(part for value in values for part in value), gap))
        widths = [max(len(line[column]) for line in cells) for column in range(len(cells[0]))]
        lines += ["  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip() for line in cells]
    return "\n".join(lines)


def _told(lengths: Sequence[int], short: Sequence[int], k: int, candidates: int) -> list[str]:
    """A line on the sources that the pool of a source's own steps has to do without, if any."""
    if not short:
        return []
    asked, longest = sum(length > k for length in lengths), max(lengths[source] for source in short)
    left = f"leaves out {len(short)} of {asked} sources" if len(short) < asked else f"is left out, with all {asked} sources"
    return [
        f"k = {k}: the pool {OWN!r} {left}, whose own steps ({longest} at most) cannot give {candidates - 1} other candidates. Ask for "
        "fewer with --candidates to have them in it."
    ]


def _kept(value_RA: np.ndarray, source_A: np.ndarray, ends: tuple[float, float]) -> dict[str, float | None]:
    """Mean and interval, within what is possible, as JSON holds them: None for an interval that is not known."""
    found = measured(value_RA, source_A)
    if np.isnan(found.low):
        return {"mean": found.mean, "low": None, "high": None}
    return {"mean": found.mean, "low": max(found.low, ends[0]), "high": min(found.high, ends[1])}


def _together(value_RA: Sequence[np.ndarray], same: bool) -> np.ndarray:
    return np.stack(value_RA) if same else np.concatenate(value_RA)[None]


def _numbered(runs: Sequence[Answered], source_RA: Sequence[np.ndarray]) -> np.ndarray:
    """Sources of all runs in one numbering: the same key is the same source, whichever run answered."""
    number = {key: n for n, key in enumerate(dict.fromkeys(key for run in runs for key in run.keys))}
    return np.concatenate([[number[run.keys[s]] for s in source_A] for run, source_A in zip(runs, source_RA, strict=True)])


def _cell(value: Mapping[str, float | None], factor: float, digits: int) -> tuple[str, str]:
    mean, low, high = (
        None if value[name] is None else f"{factor * (value[name] or 0):.{digits}f}" for name in ("mean", "low", "high")
    )
    return mean or "", "" if low is None else f"({low} to {high})"
