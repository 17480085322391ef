"""A trained run: its model, its settings, its data, and the sources that it did not train on."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from torchcpc.contracts import QUIET, CPCError, Listener, Sources, counted, note_lines
from torchcpc.data.splits import Parts, halves, hold_out, in_time
from torchcpc.domains import DOMAINS, Domain
from torchcpc.model import CPCModel
from torchcpc.runs.open_sources import Data, are_open, named_roots, open_sources, open_with_test
from torchcpc.runs.record import NAME, RunRecord
from torchcpc.runs.saved import find_folder, load_model
from torchcpc.runs.standing import status_note
from torchcpc.settings import Settings, suggest

# Strategies that match no choice of `marginal`: their candidates come from the same sequence, or favour it.
UNMATCHED = ("current_only", "mixed_excluding_stretch")


class HeldOut(NamedTuple):
    """Sources to evaluate a run on.

    Attributes:
        sources: All opened sources.
        indices: Positions of those to evaluate.
        origin: Which they are, in words.
    """

    sources: Sources
    indices: list[int]
    origin: str


class PartitionSplit(NamedTuple):
    """Sources in two parts.

    Attributes:
        partition: Positions of the sources whose samples estimate log Z.
        evaluated: Positions of the sources that are evaluated.
        origin: Where both come from, in words.
    """

    partition: list[int]
    evaluated: list[int]
    origin: str


def matching_marginal(strategy: str | None) -> str:
    """Return the marginal distribution that matches the candidates of a strategy, "all" if that is not known."""
    return "same_group" if strategy in ("same_group", "same_group_excluding") else "all"


@dataclass(frozen=True, slots=True)
class TrainedRun:
    """A trained run, or a saved model.

    Attributes:
        folder: Folder of the run.
        model: The model in evaluation mode, on `device`.
        config: Settings of its encoder, context, predictor and data.
        record: How it was trained, None for a saved model that is no run.
        domain: Its kind of data.
        device: Device that runs the model.
        listener: Receives the notes and the progress.
        own: Its own data, once they are open.
        notes_given: Notes on opened data that were already given. Runs that answer one question together share this set.
    """

    folder: Path
    model: CPCModel = field(repr=False)
    config: Settings = field(repr=False)
    record: RunRecord | None = field(repr=False)
    domain: Domain = field(repr=False)
    device: str = "cpu"
    listener: Listener = field(default=QUIET, repr=False)
    own: list[Sources] = field(default_factory=list, repr=False, compare=False)
    notes_given: set[str] = field(default_factory=set, repr=False, compare=False)

    def open(self, data: Data | None = None, test_data: Sequence[str] = ()) -> Sources:
        """Return sources as this model takes them. It reads them with its settings, and text with its vocabulary.

        Args:
            data: Folders or manifests, or open sources. None for the data of the run, which are opened once.
            test_data: Folders or manifests that are added as the test part, see `open_with_test`.

        Raises:
            CPCError: For data that cannot be read.
        """
        if test_data:
            return self._open_with_test(data, test_data)
        if not (named := are_open(data) or named_roots(data)) and self.own:
            return self.own[0]
        if are_open(data):
            sources = self.domain.as_read(self.config["data"], data)
        else:
            roots = named_roots(data) or (self.record.roots if self.record else ())
            sources = open_sources(self.config["data"], roots, self.listener, self.notes_given)
        if not named:
            if self.record is not None:
                settings = self.record.settings
                sources = in_time(sources, length=settings["windows"]["length"], exclude=settings["split"]["exclude"])
            self.own.append(sources)
        for line in note_lines(self.domain.doubts(self.config, sources)):
            if line not in self.notes_given:
                self.notes_given.add(line)
                self.listener.note(line)
        return sources

    def _open_with_test(self, data: Data | None, test_data: Sequence[str]) -> Sources:
        if are_open(data):
            raise CPCError("test_data names folders or files: of open sources, label the test part (split = test) instead.")
        roots = named_roots(data) or (self.record.roots if self.record else [])
        return open_with_test(self.config["data"], roots, test_data, self.listener)

    def require_record(self) -> RunRecord:
        """Return how the run was trained.

        Raises:
            CPCError: For a saved model that is no run.
        """
        return self.record or RunRecord.read(self.folder)

    def parts(self) -> Parts:
        """Return the positions of the sources that it trained on, validated on and never saw, among its own data."""
        record = self.require_record()
        return hold_out(self.open(), record.seed, **record.settings["split"])

    def held_out(self, *, fewest: int = 1) -> HeldOut:
        """Return the sources of its own data that it did not train on.

        These are the sources it never saw, if there are enough, else its validation part. The best checkpoint was chosen on that
        part, so numbers from it are slightly optimistic. `origin` says which part it is.

        Args:
            fewest: Smallest number of unseen sources that is enough.

        Raises:
            CPCError: If nothing was held out.
        """
        parts = self.parts()
        if len(parts.unseen) >= fewest:
            return HeldOut(self.open(), parts.unseen, "sources the run never saw")
        if not parts.validation:
            raise CPCError("the run held nothing out (split.validation = 0): name DATA that it was not trained on.")
        return HeldOut(self.open(), parts.validation, "validation sources, on which the best checkpoint was chosen")

    def evaluated(self, data: Data | None = None) -> HeldOut:
        """Return the sources to evaluate, and note if the run trained on them.

        Args:
            data: Folders or manifests, or open sources, all of which are evaluated. None for the sources that the run held out.
        """
        if data is None and self.record is not None:
            return self.held_out()
        if self.record is not None and set(named_roots(data)) & set(self.record.roots):
            self.listener.note(
                "note: the run trained on these sources, so their numbers are too good. Leave out DATA to use held-out sources."
            )
        sources = self.open(data)
        return HeldOut(sources, list(range(len(sources))), "the sources named")

    def partition_split(self, sources: Sources | None = None) -> PartitionSplit:
        """Divide sources into two parts: one estimates log Z, the other is evaluated.

        Each group is divided on its own where log Z comes from the group of the context.

        Args:
            sources: Sources to divide, all of them. None for those that the run held out.

        Raises:
            CPCError: If there are fewer than two sources.
        """
        if sources is None:
            sources, indices, origin = self.held_out(fewest=2)
        else:
            indices, origin = list(range(len(sources))), "the sources named"
        if len(indices) < 2:
            raise CPCError(
                f"{counted(len(indices), 'source')} ({origin}): one part gives log Z and another is scored, so at least 2 are needed. "
                "Name more DATA, or train with more of it held out (split.validation)."
            )
        groups = [sources.items[i].group if self.marginal == "same_group" else "" for i in indices]
        keys = [sources.items[i].key for i in indices]
        partition, evaluated = halves(keys, groups, seed=self.record.seed if self.record else 0)
        return PartitionSplit([indices[i] for i in partition], [indices[i] for i in evaluated], origin)

    @property
    def first_disjoint_horizon(self) -> int:
        """Index of the first horizon whose target shares no raw position with its context. The last one if all share some."""
        encoder, horizons = self.model.encoder, self.model.predictor.horizons
        disjoint = -(-encoder.receptive_field // encoder.stride)
        return next((i for i, k in enumerate(horizons) if k >= disjoint), len(horizons) - 1)

    def horizon_index(self, k: int | None) -> int:
        """Return the index of a horizon.

        Args:
            k: Steps ahead. None for the first horizon that shares no input with its context.

        Raises:
            CPCError: For a k that the model does not predict.
        """
        horizons = self.model.predictor.horizons
        if k is None:
            return self.first_disjoint_horizon
        if k not in horizons:
            raise CPCError(f"k = {k}: this model predicts {horizons[0]} to {horizons[-1]} steps ahead. Choose among them.")
        return horizons.index(k)

    @property
    def strategy(self) -> str | None:
        """Strategy of the candidates that it was trained with, None if that is not known."""
        return self.record.settings["candidates"].get("strategy") if self.record else None

    @property
    def marginal(self) -> str:
        """Marginal distribution that matches the candidates that it was trained with."""
        return matching_marginal(self.strategy)


def load_run(name: str | Path, *, device: str = "cpu", listener: Listener = QUIET) -> TrainedRun:
    """Load a run or a saved model.

    Args:
        name: Folder, or id of a repository on the Hugging Face Hub.
        device: Device that runs the model.
        listener: Receives the notes and the progress.

    Raises:
        CPCError: For anything else, and for damaged files.
    """
    folder = find_folder(name)
    record = RunRecord.read(folder) if (folder / NAME).is_file() else None
    model, config = load_model(folder)
    if (kind := config["data"]["name"]) not in DOMAINS:
        raise CPCError(f"{folder}: data.name = {kind!r} is unknown.{suggest(str(kind), DOMAINS)}")
    if status := status_note(folder):
        listener.note(status)
    return TrainedRun(folder, model.to(device), config, record, DOMAINS[kind], device, listener)
