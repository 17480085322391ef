"""A trained run: its model, its settings, its data, and which of them it did not learn from."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from torchcpc.contracts import QUIET, CPCError, Listener, Sources, counted, note_lines
from torchcpc.data.splits import Parts, by_source, hold_out, in_time
from torchcpc.domains import DOMAINS, Domain
from torchcpc.model import CPCModel
from torchcpc.runs.open_sources import Data, are_open, named_roots, open_sources, open_with_test
from torchcpc.runs.record import NAME, RunRecord
from torchcpc.runs.saved import find_folder, load_model
from torchcpc.runs.standing import told
from torchcpc.settings import Settings, suggest

# Strategies whose candidates no marginal draws: of the own sequence, or of all sources and more of the own.
UNMATCHED = ("current_only", "mixed_excluding_stretch")


class HeldOut(NamedTuple):
    """Sources, the positions of those that a run did not train on, and which they are, in words."""

    sources: Sources
    indices: list[int]
    origin: str


class PartitionSplit(NamedTuple):
    """Positions of the sources that log Z is drawn from and of those that are evaluated, and where both come from, in words."""

    partition: list[int]
    evaluated: list[int]
    origin: str


def matching_marginal(strategy: str | None) -> str:
    """The marginal that matches the candidates a run was trained with; "all" where that is not known."""
    return "same_group" if strategy in ("same_group", "same_group_excluding") else "all"


@dataclass(frozen=True, slots=True)
class TrainedRun:
    """folder: of the run; model: in evaluation mode, on `device`; config: its encoder, context, predictor and data settings; record: how it
    was trained, None for a saved model that is no run; own: its data, once they are open; told: what was said of data that were
    opened, one set for all runs that one question opens them with."""

    folder: Path
    model: CPCModel = field(repr=False)
    config: Settings = field(repr=False)
    record: RunRecord | None = field(repr=False)
    domain: Domain = field(repr=False)
    device: str = "cpu"
    listener: Listener = field(default=QUIET, repr=False)
    own: list[Sources] = field(default_factory=list, repr=False, compare=False)
    told: set[str] = field(default_factory=set, repr=False, compare=False)

    def open(self, data: Data | None = None, test_data: Sequence[str] = ()) -> Sources:
        """The sources in `data` as this model takes them: read with its settings, text through its own vocabulary; without data its own,
        which are opened once. With `test_data` these too, as the test part (`open_with_test`)."""
        if test_data:
            return self._open_with_test(data, test_data)
        if not (named := are_open(data) or named_roots(data)) and self.own:
            return self.own[0]
        if are_open(data):
            sources = self.domain.as_read(self.config["data"], data)
        else:
            roots = named_roots(data) or (self.record.roots if self.record else ())
            sources = open_sources(self.config["data"], roots, self.listener, self.told)
        if not named:
            if self.record is not None:
                settings = self.record.settings
                sources = in_time(sources, length=settings["windows"]["length"], exclude=settings["split"]["exclude"])
            self.own.append(sources)
        for line in note_lines(self.domain.doubts(self.config, sources)):
            if line not in self.told:
                self.told.add(line)
                self.listener.note(line)
        return sources

    def _open_with_test(self, data: Data | None, test_data: Sequence[str]) -> Sources:
        if are_open(data):
            raise CPCError("test_data names folders or files: of open sources, label the test part (split = test) instead.")
        roots = named_roots(data) or (self.record.roots if self.record else [])
        return open_with_test(self.config["data"], roots, test_data, self.listener)

    def require_record(self) -> RunRecord:
        """How it was trained. Raises CPCError for a saved model that is no run."""
        return self.record or RunRecord.read(self.folder)

    def parts(self) -> Parts:
        """Positions, among its own data, of what it trained on, validated on and never saw."""
        record = self.require_record()
        return hold_out(self.open(), record.seed, **record.settings["split"])

    def held_out(self, *, fewest: int = 1) -> HeldOut:
        """Its own data and what it did not train on: the sources it never saw, where `fewest` are, else its validation part. The best
        checkpoint was chosen on that part, which makes numbers from it slightly hopeful; so `origin` says which. Raises CPCError where
        nothing was held out."""
        parts = self.parts()
        if len(parts.unseen) >= fewest:
            return HeldOut(self.open(), parts.unseen, "sources the run never saw")
        if not parts.validation:
            raise CPCError("the run held nothing out (split.validation = 0): name DATA that it was not trained on.")
        return HeldOut(self.open(), parts.validation, "validation sources, on which the best checkpoint was chosen")

    def evaluated(self, data: Data | None = None) -> HeldOut:
        """All of the sources in `data`; without data, or where it is no run, what it did not train on. Notes data that it trained on."""
        if data is None and self.record is not None:
            return self.held_out()
        if self.record is not None and set(named_roots(data)) & set(self.record.roots):
            self.listener.note(
                "note: the run trained on these sources, so their numbers are too good. Name no data to use others."
            )
        sources = self.open(data)
        return HeldOut(sources, list(range(len(sources))), "the sources named")

    def partition_split(self, sources: Sources | None = None) -> PartitionSplit:
        """All of `sources`, or of its own what it did not train on, in two parts: one gives log Z, the other is evaluated."""
        if sources is None:
            sources, indices, origin = self.held_out(fewest=2)
        else:
            indices, origin = list(range(len(sources))), "the sources named"
        if len(indices) < 2:
            raise CPCError(
                f"{counted(len(indices), 'source')} ({origin}): one part gives log Z and another is scored, so at least 2 are needed. "
                "Name more DATA, or train with more of it held out (split.validation)."
            )
        halves = {"partition": 0.5, "evaluated": 0.5}
        parts = by_source([sources.items[i].key for i in indices], halves, seed=self.record.seed if self.record else 0)
        return PartitionSplit([indices[i] for i in parts["partition"]], [indices[i] for i in parts["evaluated"]], origin)

    @property
    def first_disjoint_horizon(self) -> int:
        """Index of the first horizon whose target shares no raw position with its context; the last one where all do."""
        encoder, horizons = self.model.encoder, self.model.predictor.horizons
        disjoint = -(-encoder.receptive_field // encoder.stride)
        return next((i for i, k in enumerate(horizons) if k >= disjoint), len(horizons) - 1)

    def horizon_index(self, k: int | None) -> int:
        """Index of horizon k; of the first disjoint one without k. Raises CPCError for a k that the model does not predict."""
        horizons = self.model.predictor.horizons
        if k is None:
            return self.first_disjoint_horizon
        if k not in horizons:
            raise CPCError(f"k = {k}: this model predicts {horizons[0]} to {horizons[-1]} steps ahead. Choose among them.")
        return horizons.index(k)

    @property
    def strategy(self) -> str | None:
        """Which candidates it was trained against; None where that is not known."""
        return self.record.settings["candidates"].get("strategy") if self.record else None

    @property
    def marginal(self) -> str:
        """The marginal that matches these candidates."""
        return matching_marginal(self.strategy)


def load_run(name: str | Path, *, device: str = "cpu", listener: Listener = QUIET) -> TrainedRun:
    """A run or a saved model, from a folder or a Hub repository id. Raises CPCError for anything else."""
    folder = find_folder(name)
    record = RunRecord.read(folder) if (folder / NAME).is_file() else None
    model, config = load_model(folder)
    if (kind := config["data"]["name"]) not in DOMAINS:
        raise CPCError(f"{folder}: data.name = {kind!r} is unknown.{suggest(str(kind), DOMAINS)}")
    if said := told(folder):
        listener.note(said)
    return TrainedRun(folder, model.to(device), config, record, DOMAINS[kind], device, listener)
