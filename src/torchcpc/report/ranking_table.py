"""Ranks of the true future as tables of the page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from torchcpc.contracts import CPCError
from torchcpc.report import format


def numbers(path: Path, content: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A table for each pool and k of ranking.json: candidates, k, a note, and rows (name, top-1, mean 1/rank, mean rank), each with its
    interval. Raises CPCError naming the file where it is not what `cpc rank` writes."""
    try:
        return [_table(content, block) for block in content["blocks"]]
    except (KeyError, TypeError, ValueError) as error:
        raise CPCError(f"{path} is not a table of ranks ({error!r}): write it again with cpc rank RUN") from error


def _table(content: Mapping[str, Any], block: Mapping[str, Any]) -> dict[str, Any]:
    note = (
        f"The others are drawn from {'the same source' if block['pool'] == 'same source' else 'all sources ranked'}: "
        f"{format.plural(block['contexts'], 'context')} of {format.plural(block['sources'], 'source')}, {content['origin']}; "
        f"{format.plural(content['runs'], 'run')}; 95 % intervals by source."
    )
    rows = [
        (
            row["row"],
            _ranged(row["top-1"], format.percent),
            _ranged(row["reciprocal"], lambda value: format.nats(value, digits=3)),
            _ranged(row["rank"], lambda value: format.nats(value, digits=1)),
        )
        for row in block["rows"]
    ]
    return {"candidates": block["candidates"], "k": block["k"], "note": note, "rows": rows}


def _ranged(value: Mapping[str, float | None], write: Callable[[float], str]) -> str:
    ends = [value["low"], value["high"]]
    between = "" if None in ends else f" ({' to '.join(write(end) for end in ends if end is not None)})"
    return f"{write(value['mean'] or 0.0)}{between}"
