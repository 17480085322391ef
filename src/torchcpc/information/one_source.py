"""One source to look at, and the sample of others that its scores rest on: sources of the same data, or of those the run learned from."""

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

# No source of a sample that was drawn from other data has this number.
_OTHER = -1


class OneSource(NamedTuple):
    """One source and the marginal sample that log Z of its contexts rests on.

    Args:
        sources: The source alone.
        sample: Steps of other sources.
        number: Of the source, as the sample counts.
        group: Of its group, as the sample counts.
        origin: Where the sample was drawn, in words.
    """

    sources: Sources
    sample: Sample
    number: int
    group: int
    origin: str

    @property
    def item(self) -> Item:
        return self.sources.items[0]

    @property
    def length(self) -> int:
        """Raw positions."""
        return self.sources.length(0)


@dataclass(frozen=True, slots=True)
class _Others:
    """What a sample is drawn from, and the numbers that the source has there."""

    sources: Sources
    indices: list[int]
    number: int
    group: int
    origin: str


def find_source(run: TrainedRun, data: Data | None, spec: SampleSpec, source: str | None = None) -> OneSource:
    """The source of `data`, or of what the run did not train on, whose key is `source` (None: the longest).

    log Z is drawn from the other sources there. Where there are none, such as beside a single file, it is drawn from the run's own.

    Raises:
        CPCError: For a picture, an unknown source, and where there is no other source.
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
    """[K, T] PMI in nats of step t as it was predicted k steps before, NaN where nothing predicts it. changed: the source in another form,
    such as shuffled. Raises CPCError for one that is too short."""
    found, horizons = list(steps_in(run, changed or one.sources, None, "scoring")), run.model.predictor.horizons
    total = len(found[0].z_TD) if found else 0
    if total <= min(horizons):
        raise CPCError(f"{total} steps: too few to predict {min(horizons)} ahead. Name a longer source.")
    steps = found[0]._replace(source=one.number, group=one.group)
    return pmi_by_target(score_pairs(run.model, one.sample, steps), horizons, total)


def _chosen(held: HeldOut, source: str | None) -> int:
    """The number of the source in its sources."""
    if source is None:
        return max(held.indices, key=held.sources.length)
    keys = Keys.of(held.sources.items[i] for i in held.indices)
    if (place := keys.one(source)) is None:
        raise CPCError(f"source {source!r} is none of {len(held.indices)} sources, for instance {', '.join(keys.keys[:5])}.")
    return held.indices[place]


def _others(run: TrainedRun, held: HeldOut, number: int) -> _Others:
    """The other sources of the same data; or else the run's own, but for what overlaps with it: first what it did not train on."""
    if others := [i for i in held.indices if i != number]:
        return _Others(held.sources, others, number, held.sources.group(number), "the other sources named or held out")
    item = held.sources.items[number]
    asked = f"log Z needs other sources than {item.key}: name more DATA, or none for what the run held out."
    if run.record is None:
        raise CPCError(asked)
    own, parts = run.open(), run.parts()
    _note_trained(run, item, [own.items[i] for i in parts.train])
    for indices, origin in ((parts.unseen, "never saw"), (parts.validation, "validated on"), (parts.train, "trained on")):
        if others := [i for i in indices if not overlaps(own.items[i], item)]:
            group = own.groups.index(item.group) if item.group in {own.items[i].group for i in others} else _OTHER
            return _Others(own, others, _OTHER, group, f"sources that the run {origin}")
    raise CPCError(asked)


def overlaps(one: Item, other: Item) -> bool:
    """Whether two sources hold some of the same positions: stretches of one file that meet, or one key where no file holds them."""
    if one.path is None or other.path is None:
        return one.key == other.key
    apart = one.begin_s >= other.begin_s + other.seconds or other.begin_s >= one.begin_s + one.seconds
    return one.path.resolve() == other.path.resolve() and not (apart and one.seconds and other.seconds)


def _note_trained(run: TrainedRun, item: Item, trained: list[Item]) -> None:
    if any(overlaps(item, own) for own in trained):
        run.listener.note(
            f"note: the run trained on {item.key}, so its numbers are too good. Name another source to judge the run."
        )
