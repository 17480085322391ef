"""From a trained run to the course of one source: what is drawn, and what a shuffled stretch of it costs."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

from torchcpc.data.shuffled import Shuffled
from torchcpc.information.course import course, smooth, stretch
from torchcpc.information.scoring import silent, steps_of
from torchcpc.scores.calibration import Sample

# A line of its own such as "Chapter 12", "BOOK THE FIRST", "XIV." or "VOLUME II".
_NUMBER = r"(?:\d+|[ivxlc]+|(?:the\s+)?(?:first|second|third|last|\w+th)|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)"
_HEADING = re.compile(rf"(?i)^\W*(?:(?:chapter|book|part|volume|letter|stave)\s+{_NUMBER}\b|[ivxlc]+\.?\s*$)")
_LONGEST_HEADING = 60


def follow(
    model: Any,
    sample: Sample,
    sources: Any,
    number: int,
    *,
    unit: str,
    width: int,
    shuffle: tuple[float, float] | None = None,
    seed: int = 0,
    device: str = "cpu",
    progress: Callable[[int, int], None] = silent,
) -> dict[str, Any]:
    """The content of course.json for source `number` of `sources`, which is its number in the sample too. unit: the word for a step;
    width: steps that are averaged; shuffle: the stretch to put in another order, as shares of the source."""
    (own,) = steps_of(model, sources.select([number]), device=device, progress=progress)
    found = course(model, sample, own, number)
    headings = [(step, name) for step, name in enumerate(sources.text(number)) if headed(name)] if unit == "sentence" else []
    mixed = None
    if shuffle:
        total = found.pmi_KT.shape[1]
        first, last = round(shuffle[0] * total), round(shuffle[1] * total)
        other = Shuffled(sources, number, first, last, stride=model.encoder.stride, seed=seed)
        (steps,) = steps_of(model, other, device=device, progress=progress)
        again = course(model, sample, steps, number)
        cost = stretch(found, again, first, last)
        mixed = {
            "first": first,
            "last": last,
            "pmi": _lists(smooth(again.pmi_KT, width)),
            "ordered_mean": cost.ordered_K.tolist(),
            "shuffled_mean": cost.shuffled_K.tolist(),
            "error": cost.error_K.tolist(),
        }
    return {
        "source": sources.items[number].key,
        "unit": unit,
        "smooth": width,
        "horizons": list(found.horizons),
        "mean": np.nanmean(found.pmi_KT, axis=1).tolist(),
        "pmi": _lists(smooth(found.pmi_KT, width)),
        "marks": headings,
        "shuffled": mixed,
    }


def headed(sentence: str) -> bool:
    """Whether a sentence is the heading of a chapter."""
    return len(sentence) <= _LONGEST_HEADING and bool(_HEADING.match(sentence))


def _lists(value_KT: np.ndarray) -> list[list[float | None]]:
    """As JSON holds them: None where there is no value."""
    return [[None if np.isnan(value) else round(float(value), 4) for value in row] for row in value_KT]
