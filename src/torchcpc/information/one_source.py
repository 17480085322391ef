"""One source to examine, and the sample of other sources for its log Z.

The sample comes from the same data, or from the data of the run.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from torchcpc.contracts import CPCError, Item, Sources
from torchcpc.data.keys import Keys
from torchcpc.information.scoring import SampleSpec, draw_sample, pmi_by_target, score_pairs, steps_in
from torchcpc.representations.rows import refuse_pictures
from torchcpc.runs.open_sources import Data
from torchcpc.runs.run import HeldOut, TrainedRun
from torchcpc.scores.calibration import Sample

# The number of a source that is not among the sources of the sample.
_OTHER = -1


class OneSource(NamedTuple):
    """One source, and the samples for log Z of its contexts.

    Attributes:
        sources: A collection that holds this source alone.
        sample: Steps of other sources.
        number: The number of the source, as the sample counts.
        group: The number of its group, as the sample counts.
        origin: Where the sample was drawn, in words.
    """

    sources: Sources
    sample: Sample
    number: int
    group: int
    origin: str

    @property
    def item(self) -> Item:
        """The entry of the source."""
        return self.sources.items[0]

    @property
    def length(self) -> int:
        """The number of raw positions."""
        return self.sources.length(0)


@dataclass(frozen=True, slots=True)
class _Others:
    """The sources of a sample, and the number and group that the examined source has among them."""

    sources: Sources
    indices: list[int]
    number: int
    group: int
    origin: str


def find_source(run: TrainedRun, data: Data | None, spec: SampleSpec, source: str | None = None) -> OneSource:
    """Find a source and draw samples for its log Z.

    The samples come from the other sources of the same data. If there are none, as for a single file, they come from
    the run's own data.

    Args:
        run: The run.
        data: The data that hold the source. Default: the held-out sources.
        spec: How log Z is estimated.
        source: The key of the source. Default: the longest source.

    Raises:
        CPCError: If the source is unknown or a picture, or there is no other source.
    """
    held = run.evaluated(data)
    number = _chosen(held, source)
    refuse_pictures(run.model, f"({held.sources.items[number].key}) has no single timeline")
    others, marginal = _others(run, held, number), spec.marginal or run.marginal
    if others.group == _OTHER and marginal != "all" and spec.marginal is None:
        run.listener.note(
            f"note: no other source of group {held.sources.items[number].group!r}, so log Z is drawn from all groups."
        )
        marginal = "all"
    sample = draw_sample(run, others.sources, others.indices, replace(spec, marginal=marginal))
    return OneSource(held.sources.select([number]), sample, others.number, others.group, others.origin)


def source_pmi(run: TrainedRun, one: OneSource, changed: Sources | None = None) -> np.ndarray:
    """Return the PMI of step t as predicted k steps before, [K, T], in nats. NaN where nothing predicts the step.

    Args:
        run: The run.
        one: The source and its sample.
        changed: The source in another form, such as shuffled. Default: as it is.

    Raises:
        CPCError: If the source is too short.
    """
    found, horizons = list(steps_in(run, changed or one.sources, None, "scoring")), run.model.predictor.horizons
    total = len(found[0].z_TD) if found else 0
    if total <= min(horizons):
        raise CPCError(f"{total} steps: too few to predict {min(horizons)} ahead. Name a longer source.")
    steps = found[0]._replace(source=one.number, group=one.group)
    return pmi_by_target(score_pairs(run.model, one.sample, steps), horizons, total)


def _chosen(held: HeldOut, source: str | None) -> int:
    """Return the number of the source in its collection."""
    if source is None:
        return max(held.indices, key=held.sources.length)
    keys = Keys.of(held.sources.items[i] for i in held.indices)
    if (place := keys.one(source)) is None:
        raise CPCError(f"source {source!r} is none of {len(held.indices)} sources, for instance {', '.join(keys.keys[:5])}.")
    return held.indices[place]


def _others(run: TrainedRun, held: HeldOut, number: int) -> _Others:
    """Return the other sources of the same data. If there are none, return sources of the run that do not overlap with
    this one.

    Sources that the run did not train on come first.
    """
    if others := [i for i in held.indices if i != number]:
        return _Others(held.sources, others, number, held.sources.group(number), "the other sources named or held out")
    item = held.sources.items[number]
    asked = f"log Z needs sources other than {item.key}: name more DATA, or no DATA to use what the run held out."
    if run.record is None:
        raise CPCError(asked)
    own, parts = run.open(), run.parts()
    _note_trained(run, item, [own.items[i] for i in parts.train])
    for indices, origin in ((parts.unseen, "never saw"), (parts.validation, "validated on"), (parts.train, "trained on")):
        if others := [i for i in indices if not overlaps(own.items[i], item)]:
            name = _group_of(own, item)
            group = own.groups.index(name) if name in {own.items[i].group for i in others} else _OTHER
            return _Others(own, others, _OTHER, group, f"sources that the run {origin}")
    raise CPCError(asked)


def _group_of(own: Sources, item: Item) -> str:
    """Return the group of a source as the run counts, because a file named alone has no folder or table that tells it."""
    return next((each.group for each in own.items if overlaps(each, item)), item.group)


def overlaps(one: Item, other: Item) -> bool:
    """Return whether two sources share positions.

    They do if they are overlapping stretches of one file. Without files they do if they have the same key.
    """
    if one.path is None or other.path is None:
        return one.key == other.key
    apart = one.begin_s >= other.begin_s + other.seconds or other.begin_s >= one.begin_s + one.seconds
    return one.path.resolve() == other.path.resolve() and not (apart and one.seconds and other.seconds)


def _note_trained(run: TrainedRun, item: Item, trained: list[Item]) -> None:
    """Report if the run was trained on the source."""
    if any(overlaps(item, own) for own in trained):
        run.listener.note(
            f"note: the run trained on {item.key}, so its numbers are too good. Name another source to judge the run."
        )
