"""Runs from Python: `load` or `train` one, then ask it what the commands ask.

A verb takes data (a folder or manifest, several of them, or open sources; by default the run's own) and the fields of its
specification as keywords. It returns a typed result, which prints itself, shows in a notebook, and converts to JSON and pandas.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, TypeVar

from torchcpc.contracts import QUIET, CPCError, Listener, Progress, Sources
from torchcpc.settings import load_recipe, resolve, suggest

if TYPE_CHECKING:
    from torchcpc.anomalies.result import AnomalyTable
    from torchcpc.information.candidates_result import CandidateTable, ContinuationTable
    from torchcpc.information.result import InformationTable, Profile
    from torchcpc.information.timeline_result import Timeline
    from torchcpc.model import CPCModel
    from torchcpc.probes.question import ProbeRows
    from torchcpc.probes.result import ProbeTable
    from torchcpc.ranking.result import RankTable
    from torchcpc.representations.result import Embedding, NearestTable
    from torchcpc.results import SavedResult
    from torchcpc.runs.devices import Devices
    from torchcpc.runs.expand_vocabulary import Expanded
    from torchcpc.runs.open_sources import Data
    from torchcpc.runs.pretrain import Trained
    from torchcpc.runs.run import TrainedRun
    from torchcpc.scores.calibration import Sample
    from torchcpc.segmentation.result import SegmentTable
    from torchcpc.streaming import Stream
    from torchcpc.training.record import OnEvent

S = TypeVar("S")


class Where(TypedDict):
    """Where a stage of the work runs, and who hears how far it is."""

    device: str
    progress: Progress


@dataclass(frozen=True, slots=True)
class Run:
    """A trained run with the verbs of the command line. trained: its model, settings, record and data."""

    trained: TrainedRun

    @property
    def folder(self) -> Path:
        return self.trained.folder

    @property
    def model(self) -> CPCModel:
        """The torch module, in evaluation mode."""
        return self.trained.model

    def open(self, data: Data | None = None) -> Sources:
        """The sources in `data`, read with the run's own settings (sample rate, vocabulary, channels); by default its own."""
        return self.trained.open(data)

    def embed(self, data: Data | None = None, *, per: str = "step") -> Embedding:
        """z and c in memory: a row a step, or with per = "source" the mean of each source."""
        from torchcpc.representations.rows import embed

        with self._stage("embedding") as where:
            return embed(self.model, self.open(data), per=per, **where)

    def write_embedding(self, path: Path, data: Data | None = None, *, per: str = "step") -> tuple[int, int]:
        """The same in a .parquet or .npz file, in bounded memory. Returns the numbers of rows and of sources."""
        from torchcpc.representations.files import write_embedding

        sources = self.open(data)
        with self._stage("embedding") as where:
            return write_embedding(path, self.model, sources, per=per, **where), len(sources)

    def probe(
        self, data: Data | None = None, *, rows: ProbeRows | None = None, seed_runs: Sequence[Run] = (), **spec: object
    ) -> ProbeTable:
        """How well simple models read a label (`label="speaker"`) off the representations, compared with baselines.

        Args:
            rows: What stands in the table.
            seed_runs: Runs of other seeds, whose numbers are averaged.
            spec: Fields of `probes.ProbeSpec`; an alignment may be a path.
        """
        from torchcpc.data.alignment import read_alignment
        from torchcpc.probes.compare import compare
        from torchcpc.probes.question import ProbeRows, ProbeSpec
        from torchcpc.runs.open_sources import are_open, named_roots

        sources = self.open(data)
        if isinstance(path := spec.get("alignment"), str | Path):
            spec["alignment"] = read_alignment(Path(path), column=str(spec.get("label")), rate=sources.rate)
        table = compare(self._with(seed_runs), sources, _specify(ProbeSpec, spec), rows or ProbeRows(), self.trained.listener)
        # Of two tables with one label but other data the second must not replace the first.
        names = () if are_open(data) else tuple(Path(root).name for root in named_roots(data))
        return replace(table, split=replace(table.split, data=names))

    def score(self, data: Data | None = None, **sample: object) -> Scores:
        """Calibrated scores of every true future: log p(x_{t+k} | c_t) / p(x_{t+k}) in nats. sample: fields of `SampleSpec`."""
        from torchcpc.information.scoring import SampleSpec, draw_sample

        spec = _specify(SampleSpec, sample)
        if data is None and self.trained.record is not None:
            drawn_from, scored, origin = self.trained.partition_split()
            self.trained.listener.note(f"{len(scored)} sources scored, log Z from {len(drawn_from)} others: {origin}")
            sources = self.open()
        else:
            # Every source is scored against samples of all the others: the marginal is that of the data named.
            sources, scored, _ = self.trained.evaluated(data)
            drawn_from = scored
        return Scores(self.trained, sources, scored, draw_sample(self.trained, sources, drawn_from, spec))

    def rank(self, data: Data | None = None, *, seed_runs: Sequence[Run] = (), **spec: object) -> RankTable:
        """How often the true future comes first among other candidates. spec: fields of `ranking.RankSpec`."""
        from torchcpc.ranking.compare import compare
        from torchcpc.ranking.questions import RankSpec

        return compare(self._with(seed_runs), data, _specify(RankSpec, spec), self.trained.listener)

    def rank_step(
        self, step: str, data: Data | None = None, *, k: int | None = None, top: int = 10, **sample: object
    ) -> CandidateTable:
        """The best candidates for the future of one context, "SOURCE:STEP"."""
        from torchcpc.information.candidates import rank_candidates

        self.trained.horizon_index(k)
        scores = self.score(data, **sample)
        return rank_candidates(self.trained, scores.sources, scores.indices, scores.sample, step, k=k, top=top)

    def rank_texts(
        self,
        context: str | Sequence[str],
        candidates: Sequence[str],
        data: Data | None = None,
        *,
        k: int | None = None,
        top: int | None = None,
        **sample: object,
    ) -> ContinuationTable:
        """Which candidate sentences continue a text best. data: documents that log Z is drawn from."""
        from torchcpc.information.continuations import score_continuations
        from torchcpc.information.scoring import SampleSpec, draw_sample

        self.trained.horizon_index(k)
        sources, indices, _ = self.trained.evaluated(data)
        drawn = draw_sample(self.trained, sources, indices, _specify(SampleSpec, sample))
        return score_continuations(self.trained, drawn, context, candidates, k=k, top=top)

    def information(self, data: Data | None = None, **sample: object) -> InformationTable:
        """What contexts say about the steps ahead, per step k, in nats. sample: fields of `SampleSpec`."""
        from torchcpc.information.measure import measure
        from torchcpc.information.scoring import SampleSpec, draw_sample

        self.trained.require_record()
        spec, sources = _specify(SampleSpec, sample), self.open(data)
        split = self.trained.partition_split(sources if data is not None else None)
        return measure(self.trained, sources, split, draw_sample(self.trained, sources, split.partition, spec))

    def segment(
        self,
        data: Data | None = None,
        *,
        alignment: Path | str,
        label: str = "phone",
        seed_runs: Sequence[Run] = (),
        **spec: object,
    ) -> SegmentTable:
        """How well boundaries match those of an alignment. spec: fields of `segmentation.SegmentSpec`."""
        from torchcpc.data.alignment import read_alignment
        from torchcpc.segmentation.boundaries import SegmentSpec
        from torchcpc.segmentation.compare import compare

        asked, known = _specify(SegmentSpec, spec), read_alignment(Path(alignment), column=label)
        return compare(self._with(seed_runs), self.open(data), known, asked, self.trained.listener)

    def write_boundaries(self, path: Path, data: Data | None = None, **spec: object) -> tuple[int, float, float]:
        """Boundaries of every source in a .csv, .parquet or .npz file. Returns their number, their number
        per second, and the prominence that they have at least."""
        from torchcpc.representations.files import TABLES, write_rows
        from torchcpc.segmentation.boundaries import SegmentSpec, boundaries

        asked = _specify(SegmentSpec, spec)
        found = boundaries(self.trained, self.open(data), asked, self.trained.listener)
        count = write_rows(path, found.rows, nothing="no peak is so prominent: lower --prominence.", writers=TABLES)
        return count, found.per_second, found.threshold

    def anomalies(self, data: Data | None = None, *, out: Path | None = None, **spec: object) -> AnomalyTable:
        """Surprise of every row of sensor series, and alarms; `out`: a file for the scores. spec: fields of `anomalies.AnomalySpec`."""
        from torchcpc.anomalies.detect import AnomalySpec, detect
        from torchcpc.representations.files import write_rows

        found = detect(self.trained, data, _specify(AnomalySpec, spec), self.trained.listener)
        if out is not None:
            count = write_rows(out, found.rows, nothing="nothing was scored.")
            self.trained.listener.note(f"{count} rows in {out}")
        return found.table

    def nearest(self, data: Data | None = None, **spec: object) -> NearestTable:
        """The steps most similar to some sentences or steps. spec: fields of `NearestSpec`."""
        from torchcpc.representations.nearest import NearestSpec, nearest

        asked = _specify(NearestSpec, spec)
        with self._stage("searching") as where:
            return nearest(self.model, self.open(data), asked, self.trained.config["data"], **where)

    def timeline(
        self,
        data: Data | None = None,
        *,
        source: str | None = None,
        smooth: int | None = None,
        shuffle: tuple[float, float] | None = None,
        seed: int = 0,
        **sample: object,
    ) -> Timeline:
        """How expected each step of one source was by all before it, and what shuffling a stretch of it costs."""
        from torchcpc.information.scoring import SampleSpec
        from torchcpc.information.timeline import pmi_timeline

        spec = _specify(SampleSpec, sample)
        sources, indices, _ = self.trained.evaluated(data)
        settings = {"source": source, "smooth": smooth, "shuffle": shuffle, "seed": seed}
        return pmi_timeline(self.trained, sources, indices, spec, **settings)

    def stream(self, data: Data | None = None, *, calibrated: bool = True, **sample: object) -> Stream:
        """A stream that takes chunks as they arrive. calibrated: with PMI, whose log Z is drawn from `data` or from held-out sources."""
        from torchcpc.information.scoring import SampleSpec, draw_sample

        if not calibrated:
            return self.model.stream()
        sources, indices, _ = self.trained.evaluated(data)
        return self.model.stream(draw_sample(self.trained, sources, indices, _specify(SampleSpec, sample)))

    def expand(self, vectors: Path | str, out: Path | str, *, most: int = 100_000, seed: int = 0) -> Expanded:
        """Writes `out`: the model with the words of a file of word vectors, mapped into its own embedding."""
        from torchcpc.runs.expand_vocabulary import expand

        return expand(self.trained, Path(vectors), Path(out), most=most, seed=seed)

    def export(self, path: Path | str) -> None:
        """Writes encoder and context as one ONNX file."""
        from torchcpc.runs.onnx import export_onnx

        names = {part: self.trained.config[part]["name"] for part in ("encoder", "context")}
        export_onnx(self.model, Path(path), names=names)

    def keep(self, result: SavedResult) -> Path:
        """Writes a result into the run folder, where the report finds it."""
        from torchcpc.report.results import keep

        return keep(self.folder, result)

    def report(self) -> Path:
        """Builds report.html in the run folder."""
        from torchcpc.report import build

        return build(self.folder)

    def _with(self, seed_runs: Sequence[Run]) -> list[TrainedRun]:
        return [self.trained, *(run.trained for run in seed_runs)]

    @contextmanager
    def _stage(self, name: str) -> Iterator[Where]:
        with self.trained.listener.stage(name) as progress:
            yield {"device": self.trained.device, "progress": progress}


@dataclass(frozen=True, slots=True)
class Scores:
    """Calibrated scores of the sources at `indices`, against a marginal sample; they are computed when asked for."""

    trained: TrainedRun
    sources: Sources
    indices: Sequence[int]
    sample: Sample

    def write(self, path: Path) -> int:
        """PMI and surprise of every pair (t, t+k) in a .parquet or .npz file; returns their number."""
        from torchcpc.information.score_files import scores_of
        from torchcpc.representations.files import write_rows

        nothing = f"no source is longer than k = {self.trained.model.predictor.horizons[0]} steps: nothing was scored."
        return write_rows(path, scores_of(self.trained, self.sources, self.indices, self.sample), nothing=nothing)

    @property
    def estimate(self) -> str:
        """What the scores rest on, and what their mean estimates, in words."""
        of = self.sample.estimand
        return f"log Z from {of.samples} samples of {of.sources} sources; the mean estimates {of.name}"

    def profiles(self, k: int | None = None) -> tuple[tuple[Profile, ...], int]:
        """The sorted scores of candidates for some contexts, and the horizon: k, by default the first without overlap."""
        from torchcpc.information.score_profiles import profiles_of

        profiles = profiles_of(self.trained, self.sources, self.indices, self.sample, k)
        return profiles, self.trained.model.predictor.horizons[self.trained.horizon_index(k)]


def load(name: Path | str, *, device: str = "cpu", listener: Listener = QUIET) -> Run:
    """A run, or a saved model, from a folder or a Hugging Face Hub repository id. Raises CPCError for anything else."""
    if not Path(name).is_dir() and str(name).count("/") != 1:
        raise CPCError(f"{str(name)!r} is neither a folder here nor a Hub repository id such as 'name/model'. Check the path.")
    from torchcpc.runs.run import load_run

    return Run(load_run(name, device=device, listener=listener))


def train(
    recipe: str | Path | Mapping[str, Mapping[str, object]],
    *,
    name: str = "",
    data: Data | None = None,
    out: Path | str | None = None,
    seed: int = 0,
    devices: Devices | None = None,
    listener: Listener = QUIET,
    on_event: OnEvent | None = None,
    data_settings: Mapping[str, object] | None = None,
    **sections: Mapping[str, object],
) -> Run:
    """Trains a recipe (a shipped one, a .toml file, or its sections) on `data`, as a new run in the folder `out`.

    Args:
        name: What the run calls its recipe, by default the recipe's own name.
        out: By default runs/NAME.
        devices: What trains: accelerator, devices, machines, precision.
        on_event: Hears (event, update, metrics) of the training.
        data_settings, sections: Settings that replace those of the recipe, such as `training={"steps": 5000}`; data_settings: of [data].

    Raises:
        CPCError: For impossible settings or data, and for a folder in use.
        KeyboardInterrupt: When it was interrupted. What was done is kept, and `resume` continues it.
    """
    tables, title = (recipe, name) if isinstance(recipe, Mapping) else (load_recipe(str(recipe)), name or Path(recipe).stem)
    given = {**sections, **({"data": data_settings} if data_settings else {})}
    tables = {**tables, **{section: {**tables.get(section, {}), **settings} for section, settings in given.items()}}
    from torchcpc.runs.build import schema
    from torchcpc.runs.devices import ANY_DEVICE
    from torchcpc.runs.pretrain import pretrain
    from torchcpc.training.record import ignore

    settings, folder = resolve(tables, schema()), Path(out) if out else Path("runs") / (title or "mine")
    trained = pretrain(
        settings,
        data,
        folder,
        recipe=title,
        seed=seed,
        devices=devices or ANY_DEVICE,
        listener=listener,
        on_event=on_event or ignore,
    )
    return _finished(trained, listener)


def resume(folder: Path | str, *, devices: Devices | None = None, listener: Listener = QUIET) -> Run:
    """Continues an interrupted run to its end, bit for bit as if it had never stopped. Raises as `train` does."""
    if not (Path(folder) / "settings.json").is_file():
        raise CPCError(f"{folder} is not a run folder: it holds no settings.json. Start one with `cpc train RECIPE`.")
    from torchcpc.runs.devices import ANY_DEVICE
    from torchcpc.runs.pretrain import resume

    return _finished(resume(Path(folder), devices=devices or ANY_DEVICE, listener=listener), listener)


def _finished(trained: Trained, listener: Listener) -> Run:
    if not trained.first:
        raise SystemExit(0)  # of several processes, the first speaks for all
    folder, outcome = trained.run.folder, trained.outcome
    if outcome.interrupted:
        listener.note(f"stopped after update {outcome.step}; go on with: cpc train --resume {folder}")
        raise KeyboardInterrupt
    listener.note(f"best validation bound {outcome.best:.3f} nats; model and metrics in {folder}")
    return Run(trained.run)


def _specify(kind: type[S], given: Mapping[str, object]) -> S:
    """A specification from keywords. Raises CPCError for one that it does not have."""
    known = [field.name for field in fields(kind)]  # pyright: ignore[reportArgumentType]
    if unknown := [name for name in given if name not in known]:
        raise CPCError(f"{unknown[0]!r} is no option here.{suggest(unknown[0], known)}")
    return kind(**given)
